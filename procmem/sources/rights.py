"""Which right is missing where the kernel refuses to show a process: what to do about it depends on that.

Files of ``/proc/<pid>`` that tell of addresses ask for PTRACE_MODE_READ, memory itself for PTRACE_MODE_ATTACH. Source:
ptrace(2), "Ptrace access mode checking"; kernel/ptrace.c, __ptrace_may_access(); security/yama/yama_lsm.c;
user_namespaces(7).
"""

from __future__ import annotations

import os

from procmem.model.capabilities import CAP_SYS_PTRACE, holds
from procmem.model.namespaces import FIRST_USER_NAMESPACE
from procmem.model.numbers import whole_number
from procmem.model.proc_keys import StatusKey
from procmem.model.raw import MissingRight, said_or_nothing
from procmem.sources.files import read_whole
from procmem.sources.status_field import status_field

__all__ = ["YAMA_SCOPE", "effective_capabilities", "missing_right", "read_setting"]

YAMA_SCOPE = "kernel/yama/ptrace_scope"
_ATTACH_BY_NOBODY = 3


def missing_right(pid: int, *, to_attach: bool = False) -> MissingRight | None:
    """What this process lacks to look at another one of this machine; None where that cannot be told."""
    users = status_field(said_or_nothing(read_whole(f"/proc/{pid}/status", None)), StatusKey.UID).split()
    if not users:
        return None
    scope = (read_setting(YAMA_SCOPE) or 0) if to_attach else 0
    if holds(effective_capabilities(), CAP_SYS_PTRACE):
        if scope >= _ATTACH_BY_NOBODY:
            return MissingRight.YAMA
        return None if _namespace() in (None, FIRST_USER_NAMESPACE) else MissingRight.OUTER_NAMESPACE
    if os.geteuid() == 0:
        return MissingRight.ROOT_WITHOUT
    if {whole_number(number) for number in users} != {os.geteuid()}:
        return MissingRight.OTHER_USER
    try:
        if os.stat(f"/proc/{pid}/stat").st_uid != os.geteuid():
            return MissingRight.NOT_DUMPABLE  # its files, not their folder, belong to root then (proc_pid(5))
    except OSError:
        return None
    return MissingRight.YAMA if scope else MissingRight.MORE_CAPABILITIES


def _namespace() -> int | None:
    """The inode number of our user namespace. Where it is the first, nothing lies outside: some module refused."""
    try:
        return os.stat("/proc/self/ns/user").st_ino
    except OSError:
        return None


def read_setting(name: str) -> int | None:
    """A sysctl that is a number, by its place below /proc/sys; None where there is no such."""
    return whole_number(said_or_nothing(read_whole(f"/proc/sys/{name}", None)).strip())


def effective_capabilities() -> int:
    """The capabilities of this process, a bit for each (capabilities(7))."""
    field = status_field(said_or_nothing(read_whole("/proc/self/status", None)), StatusKey.CAPABILITIES)
    return int(field or b"0", 16)
