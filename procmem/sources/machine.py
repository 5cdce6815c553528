"""Which machine this is, and who we are on it."""

import os

__all__ = ["host_name", "own_pid", "runs_x86_64", "smallest_program"]


def own_pid() -> int:
    """Our pid as /proc numbers it: where that is an outer pid namespace's, not the one that getpid(2) gives.

    Source: fs/proc/self.c, proc_self_get_link(); pid_namespaces(7).
    """
    try:
        return int(os.readlink("/proc/self"))
    except (OSError, ValueError):  # a /proc that does not know us
        return os.getpid()


def runs_x86_64() -> bool:
    """Whether the kernel is one for x86-64."""
    return os.uname().machine == "x86_64"


def smallest_program() -> str:
    """A program that every system has, and that does next to nothing: true."""
    import shutil  # noqa: PLC0415  # loads what takes longer than a short command

    return shutil.which("true") or "/bin/true"


def host_name() -> str:
    """What this machine calls itself."""
    return os.uname().nodename
