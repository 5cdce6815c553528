"""Anonymous memory that no rule explains by itself: judged by its neighbours, and by who allocates here.

Inaccessible memory belongs to the neighbour below that it continues (the rest of an arena, of a code range);
else it is a guard where it is small, and address space set aside where it is large. Writable memory is most
often an allocator's, and which allocators a process has is known; that is a guess, and called so.
"""

from collections.abc import Sequence
from operator import sub

from procmem.classify.partition import Partition
from procmem.classify.rules.malloc_arenas import touched
from procmem.classify.runtimes.detect import Runtimes
from procmem.classify.runtimes.table import AnonymousRange
from procmem.model import kinds, owners
from procmem.model.kinds import ByteClass
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.raw import PageRun
from procmem.model.region import Certainty, Label
from procmem.model.vm_flags import MemoryFlag

__all__ = ["fallback_rules"]

GUARD_BYTES_MAX = 64 * 1024
_ALLOCATOR_BYTES_MIN = 64 * 1024


def fallback_rules(
    mappings: Mappings, cut: Partition, runtimes: Runtimes, runs: Sequence[PageRun], *, deep: bool
) -> Partition:
    """Relabel what is still reserved or anonymous by pattern, neighbour and allocator.

    ``runs`` are populated pages, empty where pagemap was not read: a block of malloc begins with a header, so memory
    whose first page was never touched is none, and neither is memory mapped without reserving swap (VmFlags nr).
    ``deep`` says that the allocators' own structures were read: what they do not hold is no heap of theirs.
    """
    # labels are shared by many ranges: each is looked at once, by identity
    identities = list(map(id, cut.label))
    different = dict(zip(identities, cut.label, strict=True))
    sorts = {identity: sort for identity, label in different.items() if (sort := _unexplained_sort(label)) is not None}
    if not sorts:
        return cut
    loaded = {identity for identity, label in different.items() if _is_loaded(label)}
    reserved = {identity for identity, sort in sorts.items() if sort is _RESERVED}
    marked = loaded | reserved
    found = [index for index, identity in enumerate(identities) if identity in marked]
    of_loader = [index for index in found if identities[index] in loaded]
    loaders = frozenset(edge for index in of_loader for edge in (cut.start[index], cut.end[index]))
    # most of what is small is nobody's neighbour, and stays what it is
    candidates = {index for index, size in enumerate(map(sub, cut.end, cut.start)) if size >= _ALLOCATOR_BYTES_MIN}
    candidates |= {index for index in found if identities[index] in reserved}
    candidates |= {near for index in of_loader for near in (index - 1, index + 1) if 0 <= near < len(identities)}
    labels = list(cut.label)
    shared: dict[tuple[object, ...], Label] = {}
    for index in sorted(candidates):
        start, end, row = cut.start[index], cut.end[index], cut.vma[index]
        if identities[index] not in sorts or mappings.inode[row]:
            continue
        if sorts[identities[index]] is _RESERVED:
            below = labels[index - 1] if index and cut.end[index - 1] == start else None
            label = _inaccessible(end - start, below)
        else:
            never = bool(runs) and not touched(runs, start)
            plain = never or mappings.has_flag(row, MemoryFlag.NORESERVE) is True
            label = _writable(start, end, runtimes, loaders, blocks=not deep and not plain)
        if label is not None:
            labels[index] = shared.setdefault(tuple(label), label)
    return cut._replace(label=labels)


_RESERVED, _WRITABLE = "reserved", "writable"


def _unexplained_sort(label: Label) -> str | None:
    """Which sort of unexplained memory a label is; None for one that a rule explained."""
    if label.cls is ByteClass.RESERVED:
        return _RESERVED if label.kind is kinds.RESERVED else None
    return _WRITABLE if label.kind is kinds.ANON_PRIVATE and label.certainty is Certainty.GUESS else None


def _inaccessible(size: int, below: Label | None) -> Label | None:
    reserve = None if below is None else below.kind.reserve
    if below is not None and reserve is not None and size > GUARD_BYTES_MAX:
        evidence = note("continues", below=below.evidence)
        return Label(reserve, Certainty.LIKELY, evidence, below.owner)
    if size <= GUARD_BYTES_MAX:
        evidence = note("small-inaccessible", kib=size // 1024)
        return Label(kinds.GUARD, Certainty.LIKELY, evidence)
    return None


def _is_loaded(label: Label) -> bool:
    """Whether a range belongs to a loaded object or to the kernel: the linker's small memory adjoins such."""
    return label.kind.role is not None or label.cls is ByteClass.KERNEL


def _writable(start: int, end: int, runtimes: Runtimes, loaders: frozenset[int], *, blocks: bool) -> Label | None:
    size = end - start
    if size < _ALLOCATOR_BYTES_MIN:
        if {start, end} & loaders:
            evidence = note("adjoins-object", kib=size // 1024)
            return Label(kinds.LOADER, Certainty.GUESS, evidence, owners.Allocator(b"dynamic linker"))
        return None
    found = runtimes.guess(AnonymousRange(start, end, may_be_malloc=blocks))
    if found is None:
        return None
    runtime, kind, certainty = found
    evidence = note("by-runtime", kib=size // 1024, runtime=runtime, seen=runtimes.found[runtime])
    return Label(kind, certainty, evidence)
