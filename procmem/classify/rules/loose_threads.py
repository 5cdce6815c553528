"""Threads whose stack pointer lies in memory that no rule on stacks has claimed.

Their stacks are the program's own: memory that it supplied, signal stacks, coroutines. What holds such a stack and is
something else by all other evidence stays that.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import gt

from procmem.classify.partition import Partition
from procmem.classify.rules.own_stacks import main_thread
from procmem.classify.rules.thread_stacks import UNGUARDED_MAX
from procmem.model import kinds
from procmem.model.kinds import ByteClass
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.permissions import permissions
from procmem.model.region import Certainty, Label
from procmem.model.snapshot import Snapshot
from procmem.model.vm_flags import MemoryFlag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["place_loose_threads"]

_SIGNAL_STACK_MAX = 1 << 20
_GO_HEAP = range(0xC0_0000_0000, 0xC0_0000_0000 + (1 << 40))


def place_loose_threads(
    snapshot: Snapshot, mappings: Mappings, cut: Partition, blocks: Mapping[int, tuple[int, int]]
) -> Partition:
    """Threads whose stack pointer lies in memory that no stack rule claimed: user-supplied and signal stacks.

    A range of its own that nobody else explains becomes a stack, if it is not too large for that. A BSS or a heap
    that holds somebody's stack stays what it is, but cannot be called certain to the byte any more.
    ``blocks`` are threads' own stacks, where the C library told them: a stack pointer elsewhere is on another one.
    """
    loose = [thread for thread in snapshot.threads or () if thread.sp is not None]
    if not loose:
        return cut
    order: Sequence[int] = range(len(cut.start))
    starts: Sequence[int] = cut.start
    if any(map(gt, starts, starts[1:])):
        order = sorted(order, key=cut.start.__getitem__)
        starts = [cut.start[index] for index in order]
    labels = list(cut.label)
    main = main_thread(snapshot, mappings)
    pthread_like: bool | None = None  # seldom asked for
    for thread in loose:
        assert thread.sp is not None
        at = bisect_right(starts, thread.sp) - 1
        index = order[at] if at >= 0 else -1
        if index < 0 or thread.sp >= cut.end[index] or thread.sp in _GO_HEAP:
            continue
        label = labels[index]
        if label.cls in _HOLDERS and label.certainty is Certainty.CERTAIN:
            evidence = note("but-stack-pointer", evidence=label.evidence, sp=thread.sp, tid=thread.tid)
            labels[index] = label._replace(certainty=Certainty.LIKELY, evidence=evidence)
        elif label.kind is kinds.ANON_PRIVATE and label.certainty is Certainty.GUESS:
            row = cut.vma[index]
            marked = mappings.has_flag(row, MemoryFlag.NOHUGEPAGE) is True
            size = cut.end[index] - cut.start[index]
            if not permissions(mappings.perms[row]).read_write or (size > UNGUARDED_MAX and not marked):
                continue
            if pthread_like is None:
                pthread_like = any(label.kind is kinds.CACHED_STACK for label in cut.label)
            elsewhere = thread.tid in blocks or (pthread_like and not marked)
            signal = elsewhere and size <= _SIGNAL_STACK_MAX
            evidence = note("loose-map-stack" if marked else "loose", sp=thread.sp, tid=thread.tid)
            if signal:
                evidence = note("loose-other-stack" if thread.tid in blocks else "loose-unlike", stack=evidence)
            elif thread.tid == main:
                evidence = note("stack-of-main", stack=evidence)
            sure = Certainty.LIKELY if marked else Certainty.GUESS
            other = kinds.COROUTINE_STACK if thread.tid == main else kinds.THREAD_STACK
            labels[index] = Label(kinds.SIGNAL_STACK if signal else other, sure, evidence, thread.owner)
    return cut._replace(label=labels)


_HOLDERS = frozenset({ByteClass.BSS, ByteClass.DATA, ByteClass.HEAP, ByteClass.SHM})
