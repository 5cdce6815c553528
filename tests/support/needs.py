"""What tests need of the machine: asked for once, and an honest skip where it is missing.

Where ``PROCMEM_REQUIRE_ALL=1`` is set (as CI does, which installs all of it) a missing thing fails instead, so that no
test is lost without anybody noticing.
"""

import functools
import os
import pty
import shutil
import subprocess
from typing import NoReturn

import pytest

__all__ = ["can_make_mount_namespace", "can_open_terminal", "lacking", "program"]


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
