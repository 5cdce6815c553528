"""Thread stacks, by everything that can be known without reading the target's memory.

The ladder, from the strongest rung down: a thread's stack pointer lies in a mapping that begins behind a guard;
MAP_STACK shows in VmFlags as ``nh`` (Linux 6.7) on a mapping behind a guard; guard pages without a mapping of
their own (MADV_GUARD_INSTALL, 6.13) show as ``gu`` and in pagemap; a guard with a mapping of just the
default stack's size above it. What has a guard and no thread belonged to a thread that ended, or is a coroutine's.

Sources: glibc nptl/allocatestack.c; kernel commit c4608d1bf7c6 (MAP_STACK sets VM_NOHUGEPAGE);
Documentation/admin-guide/mm/pagemap.rst (bit 58).
"""

from __future__ import annotations

from bisect import bisect_right

from procmem.classify.page_states import PageStates
from procmem.classify.partition import Rank
from procmem.classify.rules.own_stacks import (
    default_size,
    guards_lie_apart,
    main_thread,
    stacks_are_executable,
    unplaced_threads,
    why_coroutines,
)
from procmem.classify.runtimes.detect import Runtimes
from procmem.model import kinds
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.permissions import PRIVATE_NONE, permissions
from procmem.model.raw import PageRuns, PageState
from procmem.model.region import Certainty, Claim, Label
from procmem.model.snapshot import Snapshot, ThreadReading
from procmem.model.vm_flags import MemoryFlag
from procmem.model.vma_names import KernelName

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["SMALL_BYTES", "UNGUARDED_MAX", "StackArea", "marked_stack_claims", "stack_claims"]

_GUARD_MAX = 1 << 20
UNGUARDED_MAX = 16 << 20
"""Larger memory is no stack unless a mark says so."""
_REPEATED_MIN = 1 << 14
SMALL_BYTES = 1 << 16
"""Below it pagemap is not asked about memory without MAP_STACK."""
_SMALL_STACK = 16 << 10
"""PTHREAD_STACK_MIN, which leaves a thread nothing to run in; signal stacks are so small (SIGSTKSZ)."""


class StackArea(NamedTuple):
    """A stack found in the map: its guard and its usable range."""

    guard_start: int
    start: int
    end: int
    evidence: Note
    marked: bool
    """MAP_STACK shows (VmFlags nh), or guard pages were installed in the mapping itself."""
    installed: bool = False
    """The guard is a property of pages inside the mapping, not a mapping."""
    carved: bool | None = None
    """The guard was writable once (VmFlags ac): a C library maps its stacks inaccessible first and opens them,
    while coroutine libraries map them writable and close the guard. None where flags do not say."""


def stack_claims(
    snapshot: Snapshot,
    mappings: Mappings,
    pages: PageStates,
    runtimes: Runtimes,
    tls_size: int | None,
    listed: Sequence[tuple[int, int]] | None = None,
    complete: bool = True,
) -> Iterator[Claim]:
    """Claims on thread stacks and their guards.

    ``tls_size`` is about how much of a stack's top a thread descriptor and static TLS take; None where unknown.
    ``listed`` are the stacks that the C library itself listed: where that is ``complete``, what is not among them is no
    thread's of its making.
    """
    known = sorted(listed or ())
    every = sorted({a.end: a for a in _areas(snapshot, mappings, pages.runs)}.values(), key=lambda area: area.start)
    areas = [area for area in every if not _overlaps(area, known)]
    for area in every:
        if area.installed:
            evidence = note("guard-installed")
            guard = Label(kinds.STACK_GUARD, Certainty.LIKELY, evidence)
            yield Claim(area.guard_start, area.start, Rank.THREAD - 1, guard)
    starts = [area.start for area in areas]
    holders: dict[int, ThreadReading] = {}
    unknown = unplaced_threads(snapshot) if snapshot.threads is None else 0
    for thread in snapshot.threads or ():
        if thread.sp is None:
            unknown += 1
            continue
        at = bisect_right(starts, thread.sp) - 1
        if at >= 0 and thread.sp < areas[at].end:
            holders.setdefault(at, thread)
    main = main_thread(snapshot, mappings)
    running = {thread.tid for thread in holders.values()}
    free = [area for at, area in enumerate(areas) if at not in holders]
    # as many of them as there are threads whose place is not known may be theirs
    marked = sorted(area.end - area.guard_start for area in free if area.marked)
    left = sum(marked[: max(len(marked) - unknown, 0)])
    default = default_size(snapshot)
    finder = _FreeAreas(
        sizes=_counts(areas[at].end - areas[at].guard_start for at in holders),
        default=default,
        guards_apart=any(area.end - area.guard_start == default for area in free) and guards_lie_apart(mappings),
        unknown=unknown,
        free=_counts(area.end - area.guard_start for area in free),
        fibers=runtimes.has("ruby") or runtimes.has("php"),
        own_stacks=why_coroutines(snapshot, main, running, left),
        threads=len(snapshot.threads or ()),
        main=main,
        complete=complete and listed is not None,
        marks_show=bool(mappings.flags_with(MemoryFlag.NOHUGEPAGE)),
        pages=pages,
    )
    spans = _usual_spans(snapshot, areas)
    for at, area in enumerate(areas):
        holder = holders.get(at)
        # what lies above is somebody else's
        if runtimes.has("musl"):
            area = _as_musl_maps(area, holder)  # noqa: PLW2901
        elif not area.marked:
            area = _as_others_end(area, holder, spans)  # noqa: PLW2901
        label = finder.label(area, holder)
        if label is None:
            continue
        # what a runtime is known for says more than that a size is repeated
        rank = Rank.THREAD if holder is not None or finder.tells(area) else Rank.ALLOCATOR - 1
        yield Claim(area.start, area.end, rank, label)
        if tls_size is not None and label.kind is kinds.THREAD_STACK and area.end - area.start > 2 * tls_size:
            yield from _tls_claim(area, holder, tls_size, label.certainty, rank + 1)
        evidence = note("guard-below", stack=label.evidence)
        certainty = Certainty.GUESS if label.certainty is Certainty.GUESS else Certainty.LIKELY
        guard = Label(kinds.STACK_GUARD, certainty, evidence, label.owner)
        yield Claim(area.guard_start, area.start, rank, guard)


_MUSL_STACK = 1 << 17
"""Of a thread's stack when nobody asks for another size (musl src/internal/pthread_impl.h, DEFAULT_STACK_SIZE)."""
_MUSL_MAPPED = _MUSL_STACK + 4096
"""With TLS and descriptor, to whole pages."""


def _as_musl_maps(area: StackArea, holder: ThreadReading | None) -> StackArea:
    """A stack that ends where musl's do by default, where its thread runs in that part of a larger mapping.

    A heap that was mapped later merges with it from above, since neither has marks of its own.
    """
    end = area.start + _MUSL_MAPPED
    if holder is None or holder.sp is None or not area.start <= holder.sp < end < area.end:
        return area
    return area._replace(end=end)


_DEPTH_MAX = 1 << 18
"""Threads that wait are seldom deeper in their stacks."""


def _usual_spans(snapshot: Snapshot, areas: Sequence[StackArea]) -> list[int]:
    """How large stacks are here with their guards: the sizes that several have, and that by default."""
    default, counted = default_size(snapshot), _counts(area.end - area.guard_start for area in areas)
    guards = {area.start - area.guard_start for area in areas}
    by_default = set() if default is None else {default, *(default + guard for guard in guards)}
    return sorted({span for span, count in counted.items() if count > 1} | by_default)


def _as_others_end(area: StackArea, holder: ThreadReading | None, spans: Sequence[int]) -> StackArea:
    """A stack that ends where others do, where its thread runs close below that: memory mapped above it merged.

    MAP_STACK keeps it from merging where it shows; it does not before Linux 6.7, nor for stacks that programs map.
    """
    if holder is None or holder.sp is None or area.end - area.guard_start in spans:
        return area
    for span in spans:
        end = area.guard_start + span
        if max(area.start, end - _DEPTH_MAX) <= holder.sp < end < area.end:
            return area._replace(end=end, evidence=note("stack-of-usual-size", area=area.evidence, kib=span // 1024))
    return area


_LABELLED_MAX = 16 << 20


def marked_stack_claims(mappings: Mappings) -> Iterator[Claim]:
    """What the kernel itself marks: shadow stacks; and its label [stack:TID] (3.4 to 4.4) where that cannot be right.

    The label stood on the whole mapping that a stack pointer lay in, a heap of goroutines as well.
    """
    shadow = mappings.flags_with(MemoryFlag.SHADOW_STACK)
    for row in mappings.rows_where(lambda row: mappings.flags[row] in shadow, "shadow-stacks", without_inode=True):
        label = Label(kinds.SHADOW_STACK, Certainty.CERTAIN, note("shadow-stack"))
        yield Claim(mappings.start[row], mappings.end[row], Rank.BRK, label)
    for row in mappings.rows_where(
        lambda row: mappings.named(row).named is KernelName.STACK_OF_THREAD, "stacks-of-threads"
    ):
        below = row - 1
        guarded = (
            below >= 0
            and mappings.end[below] == mappings.start[row]
            and permissions(mappings.perms[below]).inaccessible
            and mappings.end[below] - mappings.start[below] <= _GUARD_MAX
        )
        if mappings.end[row] - mappings.start[row] > _LABELLED_MAX and not guarded:
            label = Label(kinds.ANON_PRIVATE, Certainty.GUESS, note("stack-label-too-large"))
            yield Claim(mappings.start[row], mappings.end[row], Rank.BRK, label)


def _overlaps(area: StackArea, known: Sequence[tuple[int, int]]) -> bool:
    at = bisect_right(known, (area.end, 0)) - 1
    return at >= 0 and known[at][1] > area.guard_start


def _counts(values: Iterable[int]) -> dict[int, int]:
    """How often each value comes."""
    counts: dict[int, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts


def _tls_claim(
    area: StackArea, holder: ThreadReading | None, tls_size: int, certainty: Certainty, rank: int
) -> Iterator[Claim]:
    """The top of a stack that a C library made holds the thread's descriptor and static TLS: as sure as the stack."""
    start = area.end - tls_size
    if area.carved or (holder is not None and holder.sp is not None and holder.sp >= start):
        return
    evidence = note("stack-tls", size=tls_size)
    owner = None if holder is None else holder.owner
    yield Claim(start, area.end, rank, Label(kinds.TLS, certainty, evidence, owner))


class _FreeAreas(NamedTuple):
    """Says what an area is, knowing the others: sizes of live threads' stacks, and how many threads are not placed.

    ``own_stacks`` says why stacks that no thread runs on are coroutines', ``main`` is the thread that has [stack],
    ``guards_apart`` says that stacks by default have their guards besides their size.
    """

    sizes: Mapping[int, int]
    default: int | None
    guards_apart: bool
    unknown: int
    free: Mapping[int, int]
    fibers: bool
    own_stacks: Note | None
    threads: int
    main: int | None
    complete: bool
    marks_show: bool
    pages: PageStates

    def untouched(self, area: StackArea) -> bool:
        """Whether pagemap says that the top page was never used: no stack is used without it."""
        return self.pages.touched(area.end - 1) is False

    def _is_usual(self, area: StackArea) -> bool:
        size, span = area.end - area.start, area.end - area.guard_start
        return self.default is not None and self.default in (size, None if self.guards_apart else span)

    def tells(self, area: StackArea) -> bool:
        """Whether an area has more of a stack than that others are as large: a mark, or a size that stacks have."""
        return area.marked or self._is_usual(area) or area.end - area.guard_start in self.sizes

    def label(self, area: StackArea, holder: ThreadReading | None) -> Label | None:
        """Name one stack area, or leave it, when neither a thread nor a pattern speaks for it."""
        span, size = area.end - area.guard_start, area.end - area.start
        if holder is not None:
            evidence = note("stack-held", area=area.evidence, sp=holder.sp, tid=holder.tid)
            # one alone may be that of a program which gives all its threads stacks, the main one too (Wine)
            if holder.tid == self.main and (size <= _SMALL_STACK or self.free.get(span)):
                switched = kinds.SIGNAL_STACK if size <= _SMALL_STACK else kinds.COROUTINE_STACK
                return Label(switched, Certainty.LIKELY, note("stack-of-main", stack=evidence), holder.owner)
            # not certain to the byte: the thread's descriptor and TLS lie at the top of it
            return Label(kinds.THREAD_STACK, Certainty.LIKELY, evidence, holder.owner)
        usual, common = self._is_usual(area), span in self.sizes
        repeated = self.unknown > 1 and self.free.get(span, 0) > 1  # by threads of which nothing else tells
        # where MAP_STACK shows on some mappings, one without it is no C library's stack, whatever its size
        if not area.marked and (self.marks_show or not (usual or common or repeated)):
            return None
        # no signal may have come yet
        of_signals = size <= _SMALL_STACK and not common and self.free.get(span, 0) <= self.threads
        if self.untouched(area) and not of_signals:
            return None
        if usual:
            alone = note("stack-default-size", area=area.evidence)
        else:
            alone = note("stack-common-size" if common else "stack-own-size", area=area.evidence)
        # a guard and MAP_STACK alone are a shape that anybody's buffer may have; the usual size makes it likely
        sure = Certainty.LIKELY if area.marked and (usual or common) else Certainty.GUESS
        if of_signals:
            return Label(kinds.SIGNAL_STACK, Certainty.GUESS, note("stack-small", stack=alone))
        # as many threads as half of the stacks or more, of which nobody knows where they run
        may_be_threads = self.unknown > 0 and self.unknown * 2 >= sum(self.free.values())
        fiber = Certainty.LIKELY if self.fibers and area.marked else Certainty.GUESS
        if self.complete:
            return Label(kinds.COROUTINE_STACK, fiber, note("stack-unlisted", stack=alone))
        if self.fibers or area.carved:
            evidence = note("stack-guard-carved" if area.carved else "stack-of-fiber", stack=alone)
            alike_are_threads = self.unknown > 0 and self.unknown * 2 >= self.free.get(span, 0)
            return Label(kinds.COROUTINE_STACK, Certainty.GUESS if alike_are_threads else fiber, evidence)
        if may_be_threads:
            evidence = note("stack-unknown-thread", stack=alone)
            return Label(kinds.THREAD_STACK, sure, evidence)
        if self.own_stacks is not None:
            evidence = note("stack-of-program", stack=alone, why=self.own_stacks)
            return Label(kinds.COROUTINE_STACK, Certainty.GUESS, evidence)
        if not usual and self.free.get(span, 0) > max(self.sizes.get(span, 0), 1):
            evidence = note("stack-repeated", stack=alone, count=self.free[span])
            return Label(kinds.COROUTINE_STACK, Certainty.GUESS, evidence)
        if usual or common or area.carved is False:
            return Label(kinds.CACHED_STACK, sure, note("stack-ended", stack=alone))
        return Label(kinds.COROUTINE_STACK, Certainty.GUESS, alone)


def _plain(mappings: Mappings, row: int, *, executable: bool) -> bool:
    """Private anonymous memory that may be a stack: kept by fork, without a name or with a stack's.

    It is ``executable`` only where the process has such stacks; where all memory is, "x" does not show here.
    """
    found = permissions(mappings.perms[row])
    if mappings.inode[row] or not found.private or (found.executable and not executable):
        return False
    if mappings.has_flag(row, MemoryFlag.DONTCOPY):
        return False
    if not mappings.name[row]:
        return True
    given = mappings.given(row)
    return given is not None and given.may_be_stack


def _areas(snapshot: Snapshot, mappings: Mappings, runs: PageRuns) -> Iterator[StackArea]:
    """Everything that looks like a stack behind a guard."""
    default = default_size(snapshot)
    nh_known = bool(mappings.flags_with(MemoryFlag.NOHUGEPAGE))
    perms = mappings.perms
    executable = stacks_are_executable(mappings)
    plain = frozenset(
        mappings.rows_where(lambda row: _plain(mappings, row, executable=executable), ("plain", executable))
    )
    inaccessible = {row + 1 for row in mappings.rows_where(lambda row: perms[row] == PRIVATE_NONE, "private-none")}
    installed = mappings.flags_with(MemoryFlag.MAYBE_GUARD)
    with_guards = set(mappings.rows_where(lambda row: mappings.flags[row] in installed, "guards"))
    sizes = _counts(
        mappings.end[row] - mappings.start[row - 1]
        for row in inaccessible
        if row < len(mappings)
        and mappings.end[row - 1] == mappings.start[row]
        and permissions(perms[row]).read_write
        and row in plain
        and row - 1 in plain
    )
    for row in sorted(inaccessible | with_guards):
        if not 0 < row < len(mappings) or not permissions(perms[row]).read_write or row not in plain:
            continue
        below = row - 1
        guard = mappings.end[below] - mappings.start[below]
        guarded = (
            mappings.end[below] == mappings.start[row]
            and mappings.perms[below] == PRIVATE_NONE
            and guard <= _GUARD_MAX
            and below in plain
        )
        flags = mappings.flags[row]
        marked = flags is not None and MemoryFlag.NOHUGEPAGE in flags
        if flags is not None and MemoryFlag.MAYBE_GUARD in flags:
            yield from _installed_guards(mappings, row, runs)
        if not guarded:
            continue
        size = mappings.end[row] - mappings.start[row]
        span = size + guard
        carved = mappings.has_flag(below, MemoryFlag.ACCOUNT)
        evidence = note("guarded-map-stack" if marked else "guarded", kib=guard // 1024)
        repeated = sizes.get(span, 0) > 1 and size >= _REPEATED_MIN
        if marked or (not nh_known and (default in (size, span) or repeated)) or default in (size, span):
            yield StackArea(
                mappings.start[below], mappings.start[row], mappings.end[row], evidence, marked, carved=carved
            )
        elif size <= UNGUARDED_MAX:
            # only a stack pointer can tell; the area is offered without a mark
            yield StackArea(mappings.start[below], mappings.start[row], mappings.end[row], evidence, False, carved=True)


def _installed_guards(mappings: Mappings, row: int, runs: PageRuns) -> Iterator[StackArea]:
    """Stacks whose guard pages lie in the mapping itself, so that neighbours' mappings are one (glibc 2.42)."""
    low, high = mappings.start[row], mappings.end[row]
    guards = [(run.start, run.end) for run in runs.within(low, high) if run.state & PageState.GUARD]
    above = [start for start, _ in guards[1:]]
    for (start, end), until in zip(guards, [*above, high], strict=False):
        if end < until:
            evidence = note("guarded-inside", kib=(end - start) // 1024)
            yield StackArea(start, end, until, evidence, True, installed=True)
