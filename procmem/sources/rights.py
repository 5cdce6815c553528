"""Which right is missing where the kernel refuses to show a process: what to do about it depends on that.

Files of ``/proc/<pid>`` that tell of addresses ask for PTRACE_MODE_READ, memory itself for PTRACE_MODE_ATTACH. Source:
ptrace(2), "Ptrace access mode checking"; kernel/ptrace.c, __ptrace_may_access(); security/yama/yama_lsm.c;
user_namespaces(7).
"""

from __future__ import annotations

import os
import re

from procmem.model.numbers import whole_number
from procmem.model.raw import MissingRight, said_or_nothing
from procmem.sources.files import read_whole

__all__ = ["effective_capabilities", "missing_right"]

_CAP_SYS_PTRACE = 19
_YAMA = "/proc/sys/kernel/yama/ptrace_scope"
_ATTACH_BY_NOBODY = 3


def missing_right(pid: int, *, to_attach: bool = False) -> MissingRight | None:
    """What this process lacks to look at another one of this machine; None where that cannot be told."""
    status = said_or_nothing(read_whole(f"/proc/{pid}/status", None))
    found = re.search(rb"^Uid:\t(\d+)\t(\d+)\t(\d+)\t(\d+)$", status, re.MULTILINE)
    if found is None:
        return None
    scope = whole_number(said_or_nothing(read_whole(_YAMA, None)).strip()) or 0 if to_attach else 0
    if effective_capabilities() >> _CAP_SYS_PTRACE & 1:
        return MissingRight.YAMA if scope >= _ATTACH_BY_NOBODY else MissingRight.OUTER_NAMESPACE
    if os.geteuid() == 0:
        return MissingRight.ROOT_WITHOUT
    if {whole_number(number) for number in found.groups()} != {os.geteuid()}:
        return MissingRight.OTHER_USER
    try:
        if os.stat(f"/proc/{pid}/stat").st_uid != os.geteuid():
            return MissingRight.NOT_DUMPABLE  # its files, not their folder, belong to root then (proc_pid(5))
    except OSError:
        return None
    return MissingRight.YAMA if scope else MissingRight.MORE_CAPABILITIES


def effective_capabilities() -> int:
    """The capabilities of this process, a bit for each (capabilities(7))."""
    found = re.search(rb"^CapEff:\t([0-9a-f]+)$", said_or_nothing(read_whole("/proc/self/status", None)), re.MULTILINE)
    return int(found[1], 16) if found is not None else 0
