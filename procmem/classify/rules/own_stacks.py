"""What tells that stacks are of the program's own making, coroutines', and not those of threads that have ended.

The C library makes no stack for the main thread: exec did. Where that thread runs on another one, the program has
switched stacks by itself. And what the C library keeps of ended threads is limited. A child that has not called exec
tells neither: it inherits the stacks of all its parent's threads, and any of those may have forked it.

Sources: glibc nptl/nptl-stack.c (stack_cache_maxsize), nptl/allocatestack.c; linux/sched.h (PF_FORKNOEXEC).
"""

from __future__ import annotations

from procmem.model.mapping import Mappings
from procmem.model.note import Note, note
from procmem.model.snapshot import Snapshot
from procmem.model.vma_names import KernelName

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Set

__all__ = ["main_thread", "why_coroutines"]

_CACHE_MAX = 40 << 20
"""What glibc keeps of ended threads' stacks at most."""
_FORKED_NO_EXEC = 0x40


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
