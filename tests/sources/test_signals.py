"""A request to end is heard once, where it does no harm, and never lost where Python drops what is raised."""

import gc
import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable

import pytest

from procmem.sources import signals
from procmem.sources.file_helper import HelpedFile
from procmem.sources.files import OpenFolder
from procmem.sources.signals import end_asked, interruptible, listening, signals_held
from tests.support.running import ROOT

ENDING = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2,
          signal.SIGXCPU, signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO, signal.SIGPWR]  # fmt: skip


def run(code: str) -> tuple[int, str]:
    """The status of a program that answers KeyboardInterrupt with 130, and what it prints."""
    head = """
        import os, signal, sys, time
        from procmem.sources.signals import interruptible, listening, signals_held
        def to_me(number=signal.SIGTERM):
            os.kill(os.getpid(), number)
        def main():
    """
    tail = """
        try:
            main()
        except KeyboardInterrupt:
            os._exit(130)
    """
    text = textwrap.dedent(head) + textwrap.indent(textwrap.dedent(code), "    ") + textwrap.dedent(tail)
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, timeout=20, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("number", ENDING)
def test_each_signal_that_asks_to_end(number: signal.Signals) -> None:
    """What would end the process at once ends it in order."""
    code = f"with listening():\n    to_me({int(number)})\n    time.sleep(9)"
    before = signal.getsignal(number)  # a shell starts what runs in the background with INT and QUIT ignored
    signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    try:
        assert run(code) == (130, "")
    finally:
        signal.signal(number, before)


def test_who_listens_no_more_is_ended_by_the_kernel() -> None:
    """As before; what the caller ignores stays ignored."""
    assert run("with listening():\n    pass\nto_me()\ntime.sleep(9)")[0] == -signal.SIGTERM
    ignored = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwith listening():\n    to_me()\nprint('on')"
    assert run(ignored) == (0, "on\n")


HELD = "with signals_held():\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (HELD + "    to_me()\n    print('whole')", "whole\n"),
        (
            HELD + "    to_me()\n    print('held')\n    with interruptible():\n        print('no')",
            "held\n",
        ),
        (HELD + "    with interruptible():\n        to_me()\n        time.sleep(9)", ""),
        (HELD + "    with interruptible():\n        pass\n    to_me()\n    print('held')", "held\n"),
        (
            HELD + "    try:\n        with interruptible():\n            to_me()\n"
            "            time.sleep(9)\n    finally:\n        to_me()\n"
            "        with interruptible():\n            print('undone')",
            "undone\n",
        ),
    ],
)
def test_signals_that_are_held(code: str, said: str) -> None:
    """They are acted on at a wait, or at the end; on the way out none disturbs."""
    assert run(code) == (130, said)


DESTRUCTOR = "class A:\n    def __del__(self):\n        to_me()\n        sum(range(9))\n"


@pytest.mark.parametrize(
    "code",
    [
        DESTRUCTOR + "with listening():\n    A()\n    time.sleep(9)",
        DESTRUCTOR + "signal.signal(signal.SIGALRM, signal.SIG_IGN)\nwith listening():\n    A()\n    time.sleep(9)",
        DESTRUCTOR + "with signals_held(), interruptible():\n    A()\n    time.sleep(9)",
        DESTRUCTOR + "with listening():\n    A()\n    A()\n    time.sleep(9)",
        "os.register_at_fork(after_in_parent=lambda: to_me() or sum(range(9)))\nwith listening():\n"
        "    if os.fork() == 0:\n        os._exit(0)\n    time.sleep(9)",
    ],
)
def test_a_signal_in_a_destructor_or_at_a_fork_is_not_lost(code: str) -> None:
    """Python drops what is raised there; the request is made again, and nothing is printed."""
    began = time.monotonic()
    assert run(code) == (130, "")
    assert time.monotonic() - began < 8


def test_what_else_a_destructor_raises_is_told() -> None:
    """As Python does it."""
    status, said = run("class A:\n    def __del__(self):\n        1 / 0\nwith listening():\n    A()")
    assert (status, "ZeroDivisionError" in said) == (0, True)


def test_what_a_destructor_raises_on_the_way_out_is_not() -> None:
    """A signal was heard: one line tells of that, and no other."""
    code = "class A:\n    def __del__(self):\n        1 / 0\na = A()\nwith listening():\n    "
    status, said = run(code + "try:\n        to_me(); time.sleep(9)\n    finally:\n        del a")
    assert (status, said) == (130, "")


def test_all_is_as_before_afterwards() -> None:
    """Handlers and the hook."""
    before = [signal.getsignal(number) for number in ENDING], sys.unraisablehook
    with listening():
        assert signal.getsignal(signal.SIGTERM) is signals._heard
        with signals_held(), interruptible(), listening():
            pass
    assert ([signal.getsignal(number) for number in ENDING], sys.unraisablehook) == before


def test_a_command_that_listens_to_nothing_ends_at_once() -> None:
    """Ctrl-C in a destructor ends it too."""
    code = (
        "from procmem.cli.error_handling import guarded\n"
        + DESTRUCTOR.replace("to_me()", "to_me(signal.SIGINT)")
        + "def work():\n    A()\n    time.sleep(9)\nprint(guarded(work))"
    )
    assert run(code) == (130, "")


@pytest.mark.parametrize("undo", [listening, signals_held])
def test_other_threads_hear_nothing(undo: Callable[[], object]) -> None:
    """Only the main thread may install handlers; elsewhere all goes on."""
    code = f"import threading\ndef work():\n    with {undo.__name__}():\n        print('done')\n"
    assert run(code + "one = threading.Thread(target=work)\none.start()\none.join()") == (0, "done\n")


@pytest.mark.parametrize("kind", [OpenFolder, HelpedFile])
def test_what_is_half_made_is_dropped_in_silence(
    kind: type[OpenFolder | HelpedFile], recwarn: pytest.WarningsRecorder
) -> None:
    """As when a signal comes before it has got its descriptor."""
    kind.__new__(kind)
    gc.collect()
    assert list(recwarn) == []


def test_who_waits_for_other_things_is_told_and_ends_in_order() -> None:
    """By a descriptor, at once; the first signal is remembered, and handlers are what they were before."""
    before = signal.getsignal(signal.SIGTERM)
    with end_asked() as asked:
        assert not asked.wait(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert asked.wait(10)
        assert asked.number in (signal.SIGTERM, signal.SIGINT)
        assert select.select([asked.fd], [], [], 0)[0]
    assert signal.getsignal(signal.SIGTERM) is before
    assert signal.set_wakeup_fd(-1) == -1


def test_who_ignores_a_signal_is_not_told_of_it() -> None:
    """As of a shell that runs it in the background."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with end_asked() as asked:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not asked.wait(0.01)
    finally:
        signal.signal(signal.SIGHUP, before)
