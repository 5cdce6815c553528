"""Anonymous memory that no rule explains by itself: judged by its neighbours, and by who allocates here.

Inaccessible memory belongs to the neighbour below that it continues (the rest of an arena, of a code range);
else it is a guard where it is small, and address space set aside where it is large. Writable memory is most
often an allocator's, and which allocators a process has is known; that is a guess, and called so.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import compress, count

from procmem.classify.object_facts import ObjectFacts
from procmem.classify.page_states import PageStates
from procmem.classify.partition import Partition
from procmem.classify.runtimes.blocks import AnonymousRange
from procmem.classify.runtimes.detect import Guess, Runtimes, first_guess
from procmem.classify.runtimes.table import NO_LIBRARY
from procmem.model import kinds, owners
from procmem.model.kinds import KINDS, ByteClass
from procmem.model.libc_files import is_library
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.permissions import permissions
from procmem.model.region import Certainty, Label
from procmem.model.vm_flags import MemoryFlag
from procmem.model.vma_names import KernelName

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["fallback_rules"]

GUARD_BYTES_MAX = 1 << 16
_ALLOCATOR_BYTES_MIN = 1 << 16
_LOADER_BYTES_MAX = 1 << 17
"""Link maps and the main thread's TLS, where an allocator does not claim them: malloc maps nothing so small."""


def fallback_rules(
    mappings: Mappings,
    cut: Partition,
    runtimes: Runtimes,
    pages: PageStates,
    *,
    deep: bool,
    facts: ObjectFacts | None = None,
) -> Partition:
    """Relabel what is still reserved or anonymous by pattern, neighbour and allocator.

    A block of malloc begins with a header, so memory
    whose first page was never touched is none, and neither is memory mapped without reserving swap (VmFlags nr).
    ``deep`` says that the allocators' own structures were read: what they do not hold is no heap of theirs.
    ``facts`` are of the objects that the runtimes were found in.
    """
    # labels are shared by many ranges: each is looked at once, by identity
    identities = list(map(id, cut.label))
    different = dict(zip(identities, cut.label, strict=True))
    left = {identity: label for identity, label in different.items() if label.kind in _UNEXPLAINED}
    sorts = {identity: sort for identity, label in left.items() if (sort := _unexplained_sort(label)) is not None}
    if not sorts:
        return cut
    loaded = {identity for identity, label in different.items() if label.kind in _LOADED}
    reserved = {identity for identity, sort in sorts.items() if sort is _RESERVED}
    of_tls = {identity for identity, label in different.items() if label.kind is kinds.TLS}
    marked = loaded | reserved | of_tls
    found = list(compress(count(), map(marked.__contains__, identities)))
    of_loader = [index for index in found if identities[index] in loaded]
    loaders = frozenset(edge for index in of_loader for edge in (cut.start[index], cut.end[index]))
    writable = {identity for identity, sort in sorts.items() if sort is _WRITABLE}
    # most of what is small is nobody's neighbour, and stays what it is
    large = [
        index
        for index in compress(count(), map(writable.__contains__, identities))
        if cut.end[index] - cut.start[index] >= _ALLOCATOR_BYTES_MIN
    ]
    closed = [index for index in found if identities[index] in reserved]
    tls = [index for index in found if identities[index] in of_tls]
    near = {beside for index in (*of_loader, *tls) for beside in (index - 1, index + 1)} - {-1, len(identities)}
    candidates = sorted({*large, *closed, *(index for index in near if identities[index] in sorts)})
    anonymous = [index for index in candidates if not mappings.inode[cut.vma[index]]]
    writables = [index for index in anonymous if identities[index] in writable]
    outweighs = deep and _outweigh(cut, writables, pages)
    judge = _Judge(mappings, cut, runtimes, pages, loaders, facts or ObjectFacts(), deep=deep, outweighs=outweighs)
    labels = list(cut.label)
    judged = dict(zip(writables, judge.writable(writables), strict=True))
    for index in anonymous:
        if index in judged:
            label = judged[index]
        else:
            start, end = cut.start[index], cut.end[index]
            below = labels[index - 1] if index and cut.end[index - 1] == start else None
            above = labels[index + 1] if index + 1 < len(labels) and cut.start[index + 1] == end else None
            label = judge.inaccessible(end - start, below, above)
        if label is not None:
            labels[index] = label
    return cut._replace(label=labels)


_GUARDED = frozenset({kinds.THREAD_STACK, kinds.CACHED_STACK, kinds.COROUTINE_STACK, kinds.SIGNAL_STACK})
"""Stacks below which a guard lies; the kernel keeps the main thread's own gap free by itself."""
_RESERVED, _WRITABLE = "reserved", "writable"
_UNEXPLAINED = frozenset({kinds.RESERVED, kinds.ANON_PRIVATE})


def _unexplained_sort(label: Label) -> str | None:
    """Which sort of unexplained memory a label is; None for one that a rule explained."""
    if label.kind is kinds.RESERVED:
        return _RESERVED
    return _WRITABLE if label.kind is kinds.ANON_PRIVATE and label.certainty is Certainty.GUESS else None


def _inaccessible(size: int, below: Label | None, above: Label | None) -> Label | None:
    if above is not None and above.kind in _GUARDED and size <= GUARD_BYTES_MAX:
        certainty = Certainty.GUESS if above.certainty is Certainty.GUESS else Certainty.LIKELY
        return Label(kinds.STACK_GUARD, certainty, note("guard-below", stack=above.evidence), above.owner)
    reserve = None if below is None else below.kind.reserve
    if below is not None and reserve is not None and size > GUARD_BYTES_MAX:
        evidence = note("continues", below=below.evidence)
        return Label(reserve, Certainty.LIKELY, evidence, below.owner)
    if size <= GUARD_BYTES_MAX:
        evidence = note("small-inaccessible", kib=size // 1024)
        return Label(kinds.GUARD, Certainty.LIKELY, evidence)
    return None


_LOADED = frozenset(kind for kind in KINDS if kind.role is not None or kind.cls is ByteClass.KERNEL)
"""What belongs to a loaded object or to the kernel: the linker's small memory adjoins such."""
_MALLOC = frozenset({kinds.BRK, kinds.GLIBC_ARENA, kinds.GLIBC_MMAP_CHUNK, kinds.GLIBC_MAIN_MMAP})
_NEVER_MALLOC = (
    MemoryFlag.UFFD_MISSING,
    MemoryFlag.UFFD_WP,
    MemoryFlag.UFFD_MINOR,
    MemoryFlag.DROPPABLE,
    MemoryFlag.SEALED,
    MemoryFlag.DONTCOPY,
)
"""What a program asks the kernel for by address, for memory that it mapped itself."""
_FAR_MORE = 4


def _outweigh(cut: Partition, left: Iterable[int], pages: PageStates) -> bool:
    """Whether what malloc's own structures do not hold is far more than what they do: another allocator is at work."""
    rows = zip(cut.start, cut.end, cut.label, strict=True)
    held = sum(end - start for start, end, label in rows if label.kind in _MALLOC)
    used = sum(
        cut.end[at] - cut.start[at] for at in left if pages.touched_between(cut.start[at], cut.end[at]) is not False
    )
    return used > _FAR_MORE * held


_BRK_STEP = 1 << 20


def _brk_is_free(mappings: Mappings) -> bool:
    """Whether the heap is there and nothing lies close above it: malloc then has no reason to grow elsewhere."""
    heap = mappings.rows_labelled(KernelName.HEAP)
    if not heap:
        return False
    end = max(mappings.end[row] for row in heap)
    above = bisect_left(mappings.start, end)
    return above == len(mappings) or mappings.start[above] >= end + _BRK_STEP


_AREAS_APART = 1 << 40
"""The kernel fills gaps: what lies so far from all that it placed was asked for at that place."""


def _given_area(mappings: Mappings) -> tuple[int, int] | None:
    """Where the kernel puts what is mapped, as far as it is in use: around the libraries; None without any.

    On 64 bit it begins within 1 TiB below the stack, or above a third of the space, and is filled without large gaps.
    """
    rows = mappings.of_shape("libraries", lambda: _rows_of_libraries(mappings))
    if not rows:
        return None
    # a process that remaps while it is read gives its mappings out of order
    starts, ends = sorted(mappings.start), sorted(mappings.end)
    first = last = bisect_left(starts, max(map(mappings.start.__getitem__, rows)))
    # whatever lies within this distance is no gap apart, so that few steps lead to the borders
    while first and starts[first] - ends[first - 1] < _AREAS_APART:
        first = min(first - 1, bisect_right(starts, starts[first] - _AREAS_APART))
    while last + 1 < len(starts) and starts[last + 1] - ends[last] < _AREAS_APART:
        last = max(last + 1, bisect_left(ends, ends[last] + _AREAS_APART) - 1)
    return starts[first], ends[last]


def _rows_of_libraries(mappings: Mappings) -> list[int]:
    """The mappings of files that are libraries by their names."""
    names = {mappings.name[row] for row in mappings.one_of_each_sort()}
    libraries = {name for name in names if is_library(name.rsplit(b"/", 1)[-1])}
    return mappings.rows_where(lambda row: mappings.name[row] in libraries)


_NO_END = 1 << 64
_ROUNDEST = 1 << 23
_ROUND = -(1 << 16)
"""Patterns look at multiples of 64 KiB to 4 MiB: what is less round is one to them, and so is what is rounder."""


class _Judge:
    """Says whose writable memory is that no rule explains: each sort of block is judged once."""

    def __init__(
        self,
        mappings: Mappings,
        cut: Partition,
        runtimes: Runtimes,
        pages: PageStates,
        loaders: frozenset[int],
        facts: ObjectFacts,
        *,
        deep: bool,
        outweighs: bool,
    ) -> None:
        self._mappings = mappings
        self._cut = cut
        self._runtimes = runtimes
        self._patterns = facts.of(("patterns", id(runtimes)), runtimes.patterns)
        self._pages = pages
        self._loaders = loaders
        self._deep = deep
        self._outweighs = outweighs
        self._brk_is_free = _brk_is_free(mappings)
        self._noreserve_shows = bool(mappings.flags_with(MemoryFlag.NORESERVE))
        closed = mappings.rows_where(
            lambda row: permissions(mappings.perms[row]).inaccessible, "inaccessible", without_inode=True
        )
        self._rooms = {mappings.start[row]: mappings.sizes[row] for row in closed}
        name = ("judged", id(runtimes), deep, outweighs, self._brk_is_free, self._noreserve_shows)
        self._judged: dict[tuple[object, ...], Label | None] = facts.of(name, dict)
        self._between: dict[tuple[object, ...], Label | None] = {}
        self._labels: dict[Label, Label] = {}
        self._telling: dict[int, bool] = {}

    def shared(self, label: Label | None) -> Label | None:
        """The same label, one for all that are equal."""
        return None if label is None else self._labels.setdefault(label, label)

    def inaccessible(self, size: int, below: Label | None, above: Label | None) -> Label | None:
        """The label of inaccessible memory between these two; None where they say nothing of it."""
        sort = (size, id(below) if self._tells(below) else None, id(above) if self._tells(above) else None)
        if sort not in self._between:
            self._between[sort] = self.shared(_inaccessible(size, below, above))
        return self._between[sort]

    def _tells(self, label: Label | None) -> bool:
        """Whether a neighbour may say what inaccessible memory is. Labels stay, so that their identities do."""
        if label is None:
            return False
        found = self._telling.get(id(label))
        if found is None:
            found = self._telling[id(label)] = label.kind in _GUARDED or label.kind.reserve is not None
        return found

    def writable(self, indexes: Sequence[int]) -> Iterator[Label | None]:
        """The labels of ranges of writable anonymous memory; None where nothing is known of one."""
        vma, flags_of, end_of = self._cut.vma, self._mappings.flags, self._mappings.end
        firsts, lasts, advised = self._whole_blocks(indexes)
        starts = list(map(self._cut.start.__getitem__, firsts))
        ends = list(map(self._cut.end.__getitem__, lasts))
        seen = self._pages.touched_of_each(starts, ends)
        area_start, area_end = _given_area(self._mappings) or (0, _NO_END)
        judged, rooms = self._judged, self._rooms
        for index, last, advice, start, end, (first, any_of_it) in zip(
            indexes, lasts, advised, starts, ends, seen, strict=True
        ):
            size, row = end - start, vma[last]
            if size < _ALLOCATOR_BYTES_MIN or (size <= _LOADER_BYTES_MAX and self._is_beside_tls(index)):
                yield self._beside_object(index)
                continue
            never, used = first is False, any_of_it is not False
            room = rooms.get(end, 0) if end == end_of[row] else 0
            flags = flags_of[vma[advice]]
            # all that the patterns may look at; of addresses, how round they are, and in which TiB
            low, high = start | _ROUNDEST, end | _ROUNDEST
            placed = not area_start <= start < area_end
            sort = (size, low & -low & _ROUND, high & -high & _ROUND, start >> 40, flags, never, used, room, placed)
            try:
                label = judged[sort]
            except KeyError:
                label = judged[sort] = self._judge(start, end, flags, room, never=never, used=used, asked_for=placed)
            if label is None and size <= _LOADER_BYTES_MAX and not self._deep:
                label = self._beside_object(index)
            yield label

    def _whole_blocks(self, indexes: Sequence[int]) -> Sequence[Sequence[int]]:
        """The first and the last ranges of the blocks that these are parts of, and for each one that was advised.

        A program that asks for huge pages (madvise) for the inside of a block cuts its mapping so; else kernels merge
        what adjoins each other and is alike.
        """
        flags_of, vma = self._mappings.flags, self._cut.vma
        advised = self._mappings.flags_with(MemoryFlag.HUGEPAGE)
        if not advised:
            return indexes, indexes, indexes
        whole: list[tuple[int, int, int]] = []
        run: list[int] = []
        for index in indexes:
            if run and not self._continues(run[-1], index):
                whole += _as_one(run, advised_at=[flags_of[vma[at]] in advised for at in run])
                run = []
            run.append(index)
        whole += _as_one(run, advised_at=[flags_of[vma[at]] in advised for at in run])
        return list(zip(*whole, strict=True)) or ((), (), ())

    def _continues(self, before: int, index: int) -> bool:
        """Whether a range goes on with the memory before it, and differs from it in advice on huge pages alone."""
        if index != before + 1 or self._cut.end[before] != self._cut.start[index]:
            return False
        one, other = (self._mappings.flags[self._cut.vma[at]] for at in (before, index))
        return one is not None and other is not None and one != other and _unadvised(one) == _unadvised(other)

    def _beside_object(self, index: int) -> Label | None:
        """Small memory is the linker's where it adjoins what that has loaded, or TLS in a mapping that does."""
        start, end = self._cut.start[index], self._cut.end[index]
        if start in self._loaders or end in self._loaders:
            evidence = note("adjoins-object", kib=(end - start) // 1024)
        elif self._is_beside_tls(index):
            evidence = note("beside-main-tls", kib=(end - start) // 1024)
        else:
            return None
        return self.shared(Label(kinds.LOADER, Certainty.GUESS, evidence, owners.Allocator(b"dynamic linker")))

    def _is_beside_tls(self, index: int) -> bool:
        """Whether TLS lies beside a range in one mapping that adjoins a loaded object: the linker made room for it."""
        row = self._cut.vma[index]
        if self._mappings.start[row] not in self._loaders and self._mappings.end[row] not in self._loaders:
            return False
        beside = (at for at in (index - 1, index + 1) if 0 <= at < len(self._cut.vma) and self._cut.vma[at] == row)
        return any(self._cut.label[at].kind is kinds.TLS for at in beside)

    def _judge(
        self, start: int, end: int, flags: str | None, room: int, *, never: bool, used: bool, asked_for: bool
    ) -> Label | None:
        noreserve = flags is not None and MemoryFlag.NORESERVE in flags
        marked_otherwise = flags is not None and any(flag in flags for flag in _NEVER_MALLOC)
        block = AnonymousRange(
            start,
            end,
            may_be_malloc=not (self._deep or never or noreserve or marked_otherwise),
            noreserve=noreserve,
            touched=used,
            advised=flags is not None and MemoryFlag.HUGEPAGE in flags,
            room=room,
            brk_is_free=self._brk_is_free,
            outweighs_malloc=self._outweighs,
            noreserve_shows=self._noreserve_shows,
            asked_for=asked_for,
        )
        guess = first_guess(self._patterns, block)
        return None if guess is None else self.shared(_of_allocator(block, guess, self._runtimes))


def _unadvised(flags: str) -> list[str]:
    return [flag for flag in flags.split() if flag != MemoryFlag.HUGEPAGE]


def _as_one(run: Sequence[int], *, advised_at: Sequence[bool]) -> list[tuple[int, int, int]]:
    """The same for all parts of a block."""
    if not run:
        return []
    advised = next((index for index, is_advised in zip(run, advised_at, strict=True) if is_advised), run[0])
    return [(run[0], run[-1], advised)] * len(run)


def _of_allocator(block: AnonymousRange, guess: Guess, runtimes: Runtimes) -> Label:
    runtime, kind, certainty = guess
    kib = block.size // 1024
    if runtime.name == NO_LIBRARY:
        return Label(kind, certainty, note("static-program-memory", kib=kib))
    evidence = note("by-runtime", kib=kib, runtime=runtime.title, seen=runtimes.found[runtime.name].seen)
    if block.asked_for and kind is kinds.UNKNOWN_ALLOCATOR:
        evidence = note("at-chosen-place", evidence=evidence)
    return Label(kind, certainty, evidence)
