"""What tests need of the machine: asked for once, and an honest skip where it is missing.

Where ``PROCMEM_REQUIRE_ALL=1`` is set (as CI does, which installs all of it) a missing thing fails instead, so that no
test is lost without anybody noticing.
"""

import functools
import os
import pty
import shutil
import subprocess
from collections.abc import Sequence
from typing import NoReturn

import pytest

__all__ = [
    "begin",
    "can_make_mount_namespace",
    "can_open_terminal",
    "lacking",
    "marked",
    "program",
    "told_of_the_machine",
]

_OF_THE_MACHINE = frozenset({"system", "swap", "shared"})
_NOT_OF_THE_MACHINE = frozenset({"--from", "--procfs", "--help", "-h", "--name", "--user"})
_running: list[pytest.Item] = []


def lacking(reason: str) -> NoReturn:
    """Skip the running test for a reason that lies in the machine, or fail where all must run."""
    if os.environ.get("PROCMEM_REQUIRE_ALL") == "1":
        pytest.fail(f"PROCMEM_REQUIRE_ALL=1, and yet: {reason}", pytrace=False)
    pytest.skip(reason)


def program(name: str) -> str:
    """The path of a program; where it is not installed, the running test is skipped."""
    found = shutil.which(name)
    return found if found is not None else lacking(f"the program {name} is not installed")


@functools.cache
def can_make_mount_namespace() -> bool:
    """Whether we may mount things where nobody else sees them: not in a chroot, and not in most containers."""
    if shutil.which("unshare") is None or shutil.which("mount") is None:
        return False
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@functools.cache
def can_open_terminal() -> bool:
    """Whether there are pseudo-terminals (/dev/pts is mounted)."""
    try:
        ours, theirs = pty.openpty()
    except OSError:
        return False
    os.close(ours)
    os.close(theirs)
    return True


def begin(item: pytest.Item) -> None:
    """Remember which test runs."""
    _running[:] = [item]


def marked(what: str) -> None:
    """Refuse what looks at all processes, or changes the machine, in a test without the marker ``machine``."""
    is_marked = not _running or _running[0].get_closest_marker("machine") is not None
    assert is_marked, f"{what} is about the whole machine: mark the test"


def told_of_the_machine(words: Sequence[str]) -> None:
    """The same for a command line that looks at every process; of a recording it does not."""
    if not words or words[0] not in _OF_THE_MACHINE or _NOT_OF_THE_MACHINE.intersection(words):
        return
    if not any(os.path.exists(word) for word in words):
        marked(" ".join(words))
