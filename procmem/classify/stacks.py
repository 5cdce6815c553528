"""Thread stacks, by everything that can be known without reading the target's memory.

The ladder, from the strongest rung down: a thread's stack pointer lies in a mapping that begins behind a guard;
MAP_STACK shows in VmFlags as ``nh`` (Linux 6.7) on a mapping behind a guard; guard pages without a mapping of
their own (MADV_GUARD_INSTALL, 6.13) show as ``gu`` and in pagemap; a guard with a mapping of just the
default stack's size above it. What has a guard and no thread belonged to a thread that ended, or is a coroutine's.

Sources: glibc nptl/allocatestack.c; kernel commit c4608d1bf7c6 (MAP_STACK sets VM_NOHUGEPAGE);
Documentation/admin-guide/mm/pagemap.rst (bit 58).
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from procmem.classify.claims import Rank
from procmem.classify.runtimes import Runtimes
from procmem.model.mapping import Mappings
from procmem.model.raw import PageRun, PageState
from procmem.model.region import ByteClass, Certainty, Claim, Label
from procmem.model.snapshot import Snapshot, Thread

__all__ = ["StackArea", "stack_claims", "thread_owner"]

_GUARD_MAX = 1 << 20
_UNGUARDED_MAX = 16 << 20
_GO_HEAP = range(0xC0_0000_0000, 0xC0_0000_0000 + (1 << 40))


class StackArea(NamedTuple):
    """A stack found in the map: its guard (empty where there is none) and its usable range."""

    guard_start: int
    start: int
    end: int
    evidence: str
    marked: bool
    """MAP_STACK shows (VmFlags nh), or guard pages were installed in the mapping itself."""


def thread_owner(thread: Thread) -> bytes:
    """What to call a thread: its id and its name."""
    return b"thread %d %s" % (thread.tid, thread.comm or b"?")


def stack_claims(
    snapshot: Snapshot, mappings: Mappings, runs: Sequence[PageRun], runtimes: Runtimes
) -> Iterator[Claim]:
    """Claims on thread stacks and their guards."""
    areas = sorted({area.end: area for area in _areas(snapshot, mappings, runs)}.values(), key=lambda a: a.start)
    starts = [area.start for area in areas]
    holders: dict[int, list[Thread]] = {}
    loose: list[Thread] = []
    unknown = 0
    for thread in snapshot.threads or ():
        if thread.sp is None:
            unknown += 1
            continue
        at = bisect_right(starts, thread.sp) - 1
        if at >= 0 and areas[at].start <= thread.sp < areas[at].end:
            holders.setdefault(at, []).append(thread)
        else:
            loose.append(thread)
    sizes = Counter(areas[at].end - areas[at].guard_start for at in holders)
    limit = snapshot.limits.get("Max stack size") if snapshot.limits else None
    default = limit.soft if limit is not None else None
    for at, area in enumerate(areas):
        label = _label(area, holders.get(at, ()), sizes, default, unknown, runtimes)
        if label is None:
            continue
        yield Claim(area.start, area.end, Rank.THREAD, label)
        if area.guard_start < area.start:
            evidence = f"inaccessible, directly below a stack: {label.evidence}"
            certainty = label.certainty if label.certainty is not Certainty.CERTAIN else Certainty.LIKELY
            guard = Label(ByteClass.GUARD, "stack-guard", certainty, evidence, label.owner)
            yield Claim(area.guard_start, area.start, Rank.THREAD, guard)
    yield from _loose_stacks(loose, mappings)


def _label(
    area: StackArea,
    holders: Sequence[Thread],
    sizes: Counter[int],
    default: int | None,
    unknown: int,
    runtimes: Runtimes,
) -> Label | None:
    """Name one stack area, or leave it, when neither a thread nor a pattern speaks for it."""
    span, size = area.end - area.guard_start, area.end - area.start
    if holders:
        first = holders[0]
        evidence = f"{area.evidence}; the stack pointer {first.sp:#x} of thread {first.tid} lies in it"
        certainty = Certainty.CERTAIN if area.marked and area.guard_start < area.start else Certainty.LIKELY
        return Label(ByteClass.STACK, "thread", certainty, evidence, thread_owner(first))
    usual = default is not None and default in (span, size)
    common = span in sizes
    if not area.marked and not usual and not common:
        return None
    shape = "of the default size" if usual else "as large as a live thread's" if common else "of a size of its own"
    if unknown and (usual or common):
        evidence = f"{area.evidence}, {shape}; it may be that of a thread whose stack pointer is not known"
        return Label(ByteClass.STACK, "thread", Certainty.LIKELY if area.marked else Certainty.GUESS, evidence, None)
    if usual or common:
        evidence = f"{area.evidence}, {shape}, and no thread's stack pointer lies in it: a thread's that has ended"
        certainty = Certainty.LIKELY if area.marked else Certainty.GUESS
        return Label(ByteClass.STACK, "thread-cached", certainty, evidence, None)
    if "ruby" in runtimes or "php" in runtimes:
        evidence = f"{area.evidence}, {shape}, and no thread's stack pointer lies in it: a fiber's"
        return Label(ByteClass.STACK, "coroutine", Certainty.LIKELY, evidence, None)
    evidence = f"{area.evidence}, {shape}, and no thread's stack pointer lies in it"
    kind = "thread" if unknown else "coroutine"
    return Label(ByteClass.STACK, kind, Certainty.GUESS, evidence, None)


def _plain(mappings: Mappings, row: int) -> bool:
    """Private anonymous memory without a name, or with the name that glibc gives a stack."""
    if mappings.inode[row] or mappings.perms[row][3] != "p":
        return False
    return not mappings.name[row] or mappings.name[row].startswith(
        (b"[anon: glibc: pthread", b"[anon:stack_and_tls", b"[anon: glibc: unused stack", b"[anon:zend_fiber_stack")
    )


def _areas(snapshot: Snapshot, mappings: Mappings, runs: Sequence[PageRun]) -> Iterator[StackArea]:
    """Everything that looks like a stack behind a guard."""
    default = None
    if snapshot.limits and (limit := snapshot.limits.get("Max stack size")):
        default = limit.soft
    sizes = Counter(
        mappings.end[row] - mappings.start[row - 1]
        for row in range(1, len(mappings))
        if mappings.end[row - 1] == mappings.start[row]
        and mappings.perms[row - 1] == "---p"
        and mappings.perms[row].startswith("rw")
        and _plain(mappings, row)
        and _plain(mappings, row - 1)
    )
    for row in range(1, len(mappings)):
        if not mappings.perms[row].startswith("rw") or not _plain(mappings, row):
            continue
        below = row - 1
        guard = mappings.end[below] - mappings.start[below]
        guarded = (
            mappings.end[below] == mappings.start[row]
            and mappings.perms[below] == "---p"
            and guard <= _GUARD_MAX
            and _plain(mappings, below)
        )
        flags = mappings.flags[row]
        marked = flags is not None and "nh" in flags
        if flags is not None and "gu" in flags:
            yield from _installed_guards(mappings, row, runs)
        if not guarded:
            continue
        size = mappings.end[row] - mappings.start[row]
        span = size + guard
        if marked:
            evidence = f"MAP_STACK memory (VmFlags nh) behind a guard of {guard // 1024} KiB"
            yield StackArea(mappings.start[below], mappings.start[row], mappings.end[row], evidence, True)
        elif flags is None or "nh" not in "".join(text or "" for text in mappings.flags[:1]):
            repeated = sizes[span] > 1 and size >= 16 * 1024
            if default in (size, span) or repeated or size <= _UNGUARDED_MAX:
                evidence = f"writable memory behind a guard of {guard // 1024} KiB"
                yield StackArea(mappings.start[below], mappings.start[row], mappings.end[row], evidence, False)


def _installed_guards(mappings: Mappings, row: int, runs: Sequence[PageRun]) -> Iterator[StackArea]:
    """Stacks whose guard pages lie in the mapping itself, so that neighbours' mappings are one (glibc 2.42)."""
    low, high = mappings.start[row], mappings.end[row]
    guards = [(run.start, run.end) for run in runs if run.state & PageState.GUARD and low <= run.start < high]
    for at, (start, end) in enumerate(guards):
        until = guards[at + 1][0] if at + 1 < len(guards) else high
        if end < until:
            evidence = f"behind a guard of {(end - start) // 1024} KiB that is installed in the mapping (VmFlags gu)"
            yield StackArea(start, end, until, evidence, True)


def _loose_stacks(threads: Sequence[Thread], mappings: Mappings) -> Iterator[Claim]:
    """Stacks without a guard: a mapping of its own that holds a stack pointer, if it is not too large for that.

    A stack inside a heap, a BSS or a large region does not make that region a stack.
    """
    starts = mappings.start
    for thread in threads:
        assert thread.sp is not None
        row = bisect_right(starts, thread.sp) - 1
        if row < 0 or thread.sp >= mappings.end[row] or thread.sp in _GO_HEAP:
            continue
        if not mappings.perms[row].startswith("rw") or not _plain(mappings, row):
            continue
        flags = mappings.flags[row]
        marked = flags is not None and "nh" in flags
        size = mappings.end[row] - mappings.start[row]
        if size > _UNGUARDED_MAX and not marked:
            continue
        why = "MAP_STACK memory (VmFlags nh)" if marked else "writable memory"
        evidence = f"{why} without a guard; the stack pointer {thread.sp:#x} of thread {thread.tid} lies in it"
        label = Label(
            ByteClass.STACK, "thread", Certainty.LIKELY if marked else Certainty.GUESS, evidence, thread_owner(thread)
        )
        yield Claim(mappings.start[row], mappings.end[row], Rank.PATTERN, label)
