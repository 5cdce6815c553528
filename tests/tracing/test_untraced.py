"""A program that is started and looked at without tracing it."""

import subprocess
import sys

import pytest

from procmem.tracing import untraced
from procmem.tracing.tracee import Started
from procmem.tracing.untraced import Untraced
from tests.support.running import ROOT

SLEEP = Started(b"/bin/sleep", (b"sleep", b"1000"))
LOOK = f"""
from procmem.tracing.untraced import Untraced
from procmem.tracing.tracee import Started
with Untraced({SLEEP!r}) as child:
    print(child.alive, b"[stack]" in child.proc_file("maps"))
"""


def test_it_stands_still_and_has_a_map() -> None:
    """Stopped by a signal, after its execve."""
    with Untraced(SLEEP) as child:
        assert child.alive
        assert b"/sleep" in child.proc_file("maps")
        assert child.proc_file("stat").rsplit(b")", 1)[1].split()[0] == b"T"


@pytest.mark.needs("strace")
def test_it_stands_still_under_somebody_elses_tracer() -> None:
    """The kernel then names another state, and waiting for the first would have no end."""
    command = ["strace", "-f", "-o", "/dev/null", sys.executable, "-c", LOOK]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT)
    assert done.stdout == "True True\n"


def test_what_does_not_stop_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A map that changes while it is read would be none."""
    real = Untraced._state

    def never_stopped(child: Untraced) -> str:
        state = real(child)
        return "S" if state in "Tt" else state

    monkeypatch.setattr(untraced, "_PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(Untraced, "_state", never_stopped)
    with Untraced(SLEEP) as child:
        assert not child.alive
