"""Whether processes share one address space, as vfork(2) and clone(2) with CLONE_VM make them.

The kernel answers by kcmp(2), to those who may trace both. Processes that show the same figures need not be such: those
that a server forked show them too.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["same_memory"]

_KCMP_VM = 1  # include/uapi/linux/kcmp.h
_LESS, _GREATER = 1, 2
_NUMBERS = {"x86_64": 312, "aarch64": 272, "riscv64": 272, "ppc64le": 354, "s390x": 343}
"""The system call's number by architecture (arch/*/entry/syscalls, include/uapi/asm-generic/unistd.h)."""


def same_memory(pids: Sequence[int]) -> dict[int, int]:
    """Those pids that have the address space of an earlier one, with that one.

    Where the kernel does not say (not permitted, gone, another architecture), they count as different.
    kcmp() also orders address spaces, so that each pid is searched for among the known ones by halves.
    """
    number = _NUMBERS.get(os.uname().machine)
    if number is None or len(pids) < 2:
        return {}
    import ctypes  # noqa: PLC0415  # only where processes look alike

    kcmp = ctypes.CDLL(None).syscall
    known: list[int] = []
    same = {}
    for pid in pids:
        low, high = 0, len(known)
        while low < high:
            middle = (low + high) // 2
            answer = kcmp(number, pid, known[middle], _KCMP_VM)  # the other two are of files alone
            if answer == _LESS:
                high = middle
            elif answer == _GREATER:
                low = middle + 1
            else:
                if answer == 0:
                    same[pid] = known[middle]
                break
        else:
            known.insert(low, pid)
    return same
