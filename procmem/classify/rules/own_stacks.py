"""How the C library makes stacks, and what tells that others are of the program's own making: coroutines'.

The C library makes no stack for the main thread: exec did. Where that thread runs on another one, the program has
switched stacks by itself. And what the C library keeps of ended threads is limited. A child that has not called exec
tells neither: it inherits the stacks of all its parent's threads, and any of those may have forked it.

Sources: glibc nptl/nptl-stack.c (stack_cache_maxsize), nptl/allocatestack.c; linux/sched.h (PF_FORKNOEXEC).
"""

from __future__ import annotations

from procmem.model.libc_files import GLIBC
from procmem.model.mapping import Mappings
from procmem.model.note import Note, note
from procmem.model.permissions import permissions
from procmem.model.snapshot import LimitName, Snapshot
from procmem.model.vma_names import KernelName

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Set

__all__ = [
    "default_size",
    "guards_lie_apart",
    "main_thread",
    "stacks_are_executable",
    "unplaced_threads",
    "why_coroutines",
]

_USUAL_LIMIT = 8 << 20
_MANY = 1 << 30

_CACHE_MAX = 40 << 20
"""What glibc keeps of ended threads' stacks at most."""
_FORKED_NO_EXEC = 0x40


def default_size(snapshot: Snapshot) -> int | None:
    """The size of a thread's stack when nobody asks for another: RLIMIT_STACK, which is 8 MiB where nobody set it."""
    if snapshot.limits is None:
        return _USUAL_LIMIT
    limit = snapshot.limits.get(LimitName.STACK)
    return limit.soft if limit is not None else None


def guards_lie_apart(mappings: Mappings) -> bool:
    """Whether a thread's guard lies below a stack of the whole size: in glibc since 2.27.

    Its file has had the name libc.so.6 itself since 2.34, and a version in it before.
    """
    ending = b"/" + GLIBC
    return any(mappings.name[row].endswith(ending) for row in mappings.one_of_each_sort())


def stacks_are_executable(mappings: Mappings) -> bool:
    """Whether an object asked for executable stacks (PT_GNU_STACK): exec's own is, and so are the C library's."""
    return any(permissions(mappings.perms[row]).executable for row in mappings.rows_labelled(KernelName.STACK))


def unplaced_threads(snapshot: Snapshot) -> int:
    """How many threads besides the main one there are, where ``task`` was not read: as many as may be, if unknown."""
    count = snapshot.status.threads if snapshot.status is not None else None
    return _MANY if count is None else count - 1


def _executed(snapshot: Snapshot) -> bool:
    """Whether the process has called exec since it was forked; False where that is not known."""
    return snapshot.stat is not None and not snapshot.stat.flags & _FORKED_NO_EXEC


def main_thread(snapshot: Snapshot, mappings: Mappings) -> int | None:
    """The thread whose stack is the one that exec made; None where none is known to have it."""
    if snapshot.stat is None or not _executed(snapshot) or not mappings.rows_labelled(KernelName.STACK):
        return None
    return snapshot.stat.pid


def why_coroutines(snapshot: Snapshot, main: int | None, running: Set[int], free: int) -> Note | None:
    """What tells that stacks without a thread are coroutines'; None where they may be those of ended threads.

    ``main`` is the thread that has [stack], ``running`` are those that run on other stacks, and ``free`` is how many
    bytes of such stacks have no thread.
    """
    if main is not None and main in running:
        return note("main-on-own-stack", tid=main)
    return note("more-than-cached", mib=_CACHE_MAX >> 20) if _executed(snapshot) and free > _CACHE_MAX else None
