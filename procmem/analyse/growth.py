"""CodeGrowth with its code: page tables before and after say exactly what came, samples of faults say who asked for it.

The bytes that came to one place by one kind of change are counted page by page, and divided among the samples whose
pages are among them. So the rows add up to what came, and only the division is an estimate.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import groupby

from procmem.analyse.code_map import CodeMap
from procmem.analyse.fault_samples import FaultSamples, KeptSample
from procmem.analyse.inspection import inspection
from procmem.analyse.page_changes import change_at, changed_bytes, resident_bytes, sum_of_changes, was_there
from procmem.analyse.resident import purpose_key
from procmem.model.acting_code import acts_for_others, is_of_runtime_map
from procmem.model.code import CodeFunction
from procmem.model.named_tuple import NamedTuple
from procmem.model.owners import Thread
from procmem.model.proc_keys import StatusKey
from procmem.model.raw import PageRuns
from procmem.model.region import Certainty, Label, Regions
from procmem.model.reports.growth import (
    ARRIVALS,
    GROUPINGS,
    CodeGrowth,
    CodeStack,
    CurvePoint,
    GrowthPlace,
    GrowthRow,
    GrowthSum,
    PageChange,
    StatusChange,
)
from procmem.model.snapshot import Snapshot
from procmem.model.unknown import known_sum
from procmem.model.vma_names import Backing

__all__ = ["FaultFigures", "PageLook", "asked_by", "grown", "sums_by"]

_HUGE_BYTES = 2 << 20
"""Of a huge page on x86-64 and on arm64 with pages of 4 KiB (Documentation/admin-guide/mm/transhuge.rst)."""
_NOWHERE = GrowthPlace(None, None, None, Certainty.CERTAIN)
_COUNTED = frozenset({Backing.ANONYMOUS, Backing.FILE, Backing.SHARED_MEMORY, Backing.KERNEL})
"""Huge pages of hugetlbfs and memory of devices are no part of RES."""


class PageLook(NamedTuple):
    """A process at one end of the time: what it was, its regions, and its pages (None where they may not be read)."""

    snapshot: Snapshot
    regions: Regions
    pages: PageRuns | None


class FaultFigures(NamedTuple):
    """What the kernel counted, and how it was sampled; see :class:`~procmem.model.reports.growth.CodeGrowth`."""

    seconds: float
    faults: int
    lost: int
    period: int
    sees_kernel: bool
    cost: float
    curve: tuple[CurvePoint, ...] = ()


class _Span(NamedTuple):
    start: int
    end: int
    place: GrowthPlace
    backing: Backing


def grown(
    before: PageLook,
    after: PageLook,
    samples: FaultSamples,
    code: CodeMap,
    names: Mapping[int, bytes],
    figures: FaultFigures,
) -> CodeGrowth:
    """Put the report together; ``names`` are those of threads by their ids, the latest of each."""
    spans = _spans(before.regions, after.regions)
    ranges = [(one.start, one.end, one.backing) for one in spans if one.backing in _COUNTED]
    pages = None if before.pages is None or after.pages is None else (before.pages, after.pages)
    size = after.snapshot.page_size
    seen = inspection(after.snapshot, after.regions)
    return CodeGrowth(
        process=seen.process,
        seconds=figures.seconds,
        faults=figures.faults,
        samples=samples.seen,
        lost=figures.lost,
        period=figures.period,
        resident=None if pages is None else _resident(pages, ranges),
        changes=() if pages is None else sum_of_changes(*pages, ranges),
        status=_status(before.snapshot, after.snapshot),
        copied_after_fork=0 if pages is None else _copied(before.regions, after.regions, samples, spans, pages, size),
        rows=_rows(samples, spans, pages, code, names, size),
        page_size=size,
        sees_kernel=figures.sees_kernel,
        cost=figures.cost,
        curve=figures.curve,
        warnings=seen.warnings,
    )


def _resident(pages: tuple[PageRuns, PageRuns], ranges: Sequence[tuple[int, int, Backing]]) -> tuple[int, int]:
    kept = [(start, end) for start, end, _ in ranges]
    first, last = (resident_bytes(runs.clipped(kept)) for runs in pages)
    return first, last


def _status(before: Snapshot, after: Snapshot) -> StatusChange | None:
    if before.status is None or after.status is None:
        return None

    def both(*keys: str) -> tuple[int | None, int | None]:
        first, last = (known_sum([shot.size(key) for key in keys]) for shot in (before, after))
        return first, last

    return StatusChange(
        both(StatusKey.RSS_ANON), both(StatusKey.RSS_FILE, StatusKey.RSS_SHMEM), both(StatusKey.VM_SWAP)
    )


def _spans(before: Regions, after: Regions) -> list[_Span]:
    """All ranges of the second look, and those of the first where nothing is mapped any more; ascending."""
    spans = _spans_of(after)
    starts, ends = [one.start for one in spans], [one.end for one in spans]
    gone = []
    for one in _spans_of(before):
        at = one.start
        index = bisect.bisect_right(ends, at)
        while at < one.end:
            stop = min(starts[index], one.end) if index < len(starts) else one.end
            if stop > at:
                gone.append(one._replace(start=at, end=stop))
            at = max(at, ends[index]) if index < len(ends) else one.end
            index += 1
    return sorted([*spans, *gone], key=lambda one: one.start)


def _spans_of(regions: Regions) -> list[_Span]:
    table = regions.mappings
    places = regions.for_each_label(_place)
    return [
        _Span(start, end, place, table.named(row).backing)
        for start, end, place, row in zip(regions.start, regions.end, places, regions.vma, strict=True)
    ]


def _place(label: Label) -> GrowthPlace:
    kind, owner = purpose_key(label)
    return GrowthPlace(kind, label.kind.role if kind is None else None, owner, label.certainty)


def _span_at(spans: Sequence[_Span], starts: Sequence[int], address: int) -> _Span | None:
    index = bisect.bisect_right(starts, address) - 1
    return spans[index] if index >= 0 and address < spans[index].end else None


_Who = tuple[int, int]
"""A thread and a chain."""


class _PageTouch(NamedTuple):
    """The last sample of a page: its number in time, whose it is, and how many bytes it stands for."""

    address: int
    number: int
    who: _Who
    weight: float


class _Bucket:
    """The samples whose pages came to one place by one change, and are still there."""

    __slots__ = ("faults", "samples", "weights")

    def __init__(self) -> None:
        self.weights: defaultdict[_Who, float] = defaultdict(float)
        self.faults: defaultdict[_Who, float] = defaultdict(float)
        self.samples: defaultdict[_Who, int] = defaultdict(int)


_Key = tuple[GrowthPlace, PageChange | None]


def _rows(
    samples: FaultSamples,
    spans: Sequence[_Span],
    pages: tuple[PageRuns, PageRuns] | None,
    code: CodeMap,
    names: Mapping[int, bytes],
    page_size: int,
) -> tuple[GrowthRow, ...]:
    starts = [one.start for one in spans]
    buckets: defaultdict[_Key, _Bucket] = defaultdict(_Bucket)
    last: dict[int, tuple[_Key, int, KeptSample]] = {}
    for number, sample in enumerate(samples):
        span = _span_at(spans, starts, sample.address)
        place = _NOWHERE if span is None else span.place
        change = None if span is None or pages is None else change_at(*pages, sample.address, span.backing)
        if change not in ARRIVALS:
            change = None
        bucket, who = buckets[place, change], (sample.tid, sample.chain)
        bucket.faults[who] += sample.faults
        bucket.samples[who] += 1
        if pages is None or change is not None:
            unit = _unit(change, page_size)
            last[sample.address // unit * unit] = (place, change), number, sample
    touches: defaultdict[_Key, list[_PageTouch]] = defaultdict(list)
    for address, (key, number, sample) in last.items():
        weight = sample.faults * _unit(key[1], page_size)
        touches[key].append(_PageTouch(address, number, (sample.tid, sample.chain), weight))
    sizes = _arrived(spans, pages)
    for key, found in touches.items():
        for touch in _without_stale(found, None if pages is None else sizes.get(key, 0)):
            buckets[key].weights[touch.who] += touch.weight
    stacks: dict[int, CodeStack] = {}
    rows = []
    for key in {**dict.fromkeys(buckets), **dict.fromkeys(sizes)}:
        size = None if pages is None else sizes.get(key, 0)
        rows += _rows_of(key, buckets.get(key, _Bucket()), size, names, stacks, samples, code)
    return tuple(sorted(rows, key=lambda row: (-row.size, -row.faults)))


def _unit(change: PageChange | None, page_size: int) -> int:
    """What one fault brings."""
    return _HUGE_BYTES if change is PageChange.HUGE else page_size


def _without_stale(touches: list[_PageTouch], size: int | None) -> list[_PageTouch]:
    """Without touches of pages that were given back and touched again, of which only the first time was sampled.

    Where addresses are used again, so that touches stand for more than came, some are such. Where the
    pages on both sides were touched later, and by other threads, these are more likely to have touched that one again.
    """
    excess = sum(one.weight for one in touches) - (size or 0)
    if size is None or excess <= 0:
        return touches
    runs = [list(run) for _, run in groupby(sorted(touches), key=lambda one: one.who[0])]
    suspects = [
        (min(left[-1].number, right[0].number) - max(one.number for one in run), at)
        for at, (left, run, right) in enumerate(zip(runs, runs[1:], runs[2:], strict=False), 1)
    ]
    stale = set()
    for later_by, at in sorted(suspects, reverse=True):
        weight = sum(one.weight for one in runs[at])
        if later_by > 0 and excess >= weight / 2:
            excess -= weight
            stale.add(at)
    return [one for at, run in enumerate(runs) if at not in stale for one in run]


def _arrived(spans: Iterable[_Span], pages: tuple[PageRuns, PageRuns] | None) -> dict[_Key, int]:
    """The bytes that came to each place, by the change."""
    sizes: defaultdict[_Key, int] = defaultdict(int)
    if pages is not None:
        for span in spans:
            if span.backing in _COUNTED:
                for change, size in changed_bytes(*pages, span.start, span.end, span.backing):
                    if change in ARRIVALS:
                        sizes[span.place, change] += size
    return dict(sizes)


def _rows_of(
    key: _Key,
    bucket: _Bucket,
    size: int | None,
    names: Mapping[int, bytes],
    stacks: dict[int, CodeStack],
    samples: FaultSamples,
    code: CodeMap,
) -> list[GrowthRow]:
    """The rows of one bucket, of which so many bytes are; None where nobody counted them."""
    place, change = key
    whole = sum(bucket.weights.values())
    if size is None:
        size = round(whole)
    bucket_rows = [GrowthRow(place, change, None, None, size, 0, 0)] if size and not whole else []
    left, left_weight = size, whole
    for who in sorted(bucket.samples):
        weight = bucket.weights.get(who, 0.0)
        part = round(left * weight / left_weight) if left_weight > 0 else 0
        left, left_weight = left - part, left_weight - weight
        tid, chain = who
        if chain not in stacks:
            stacks[chain] = _stack(samples, chain, code)
        thread = Thread(tid, names.get(tid))
        bucket_rows.append(
            GrowthRow(place, change, thread, stacks[chain], part, round(bucket.faults[who]), bucket.samples[who])
        )
    return bucket_rows


def _stack(samples: FaultSamples, number: int, code: CodeMap) -> CodeStack:
    chain = samples.chains[number]
    return CodeStack(tuple(map(code.function_at, chain.addresses)), chain.certain, chain.end)


def _copied(
    before: Regions,
    after: Regions,
    samples: FaultSamples,
    spans: Sequence[_Span],
    pages: tuple[PageRuns, PageRuns],
    page_size: int,
) -> int:
    """Pages that were there, were shared with another process, and were written: no more than ceased to be shared."""
    ceased = _shared_anonymous(before) - _shared_anonymous(after)
    if ceased <= 0:
        return 0
    starts = [one.start for one in spans]
    touched: dict[int, float] = {}
    for sample in samples:
        span = _span_at(spans, starts, sample.address)
        if span is not None and span.backing is Backing.ANONYMOUS and was_there(*pages, sample.address):
            touched[sample.address // page_size] = sample.faults
    return min(round(sum(touched.values()) * page_size), ceased)


def _shared_anonymous(regions: Regions) -> int:
    """Bytes in memory of anonymous mappings that others map too."""
    table = regions.mappings
    return sum(
        rss - uss
        for row, rss, uss in zip(regions.vma, regions.rss, regions.uss, strict=True)
        if rss is not None and uss is not None and table.named(row).backing is Backing.ANONYMOUS
    )


def asked_by(frames: Sequence[CodeFunction]) -> CodeFunction | None:
    """Who asked for the memory: the innermost function that does not only act for its caller, as malloc does.

    Where a runtime has written down what it runs, that is the innermost function of the program itself.
    """
    for one in frames:
        if one.object == b"" and one.name is not None and is_of_runtime_map(one.name):
            return one
    for one in frames:
        names = () if one.is_nearest else [name for name in (one.symbol, one.name) if name]
        if not acts_for_others((one.object or b"").rsplit(b"/", 1)[-1], names):
            return one
    return frames[0] if frames else None


def sums_by(rows: Iterable[GrowthRow], by: str | None) -> tuple[GrowthSum, ...]:
    """Rows summed by one of ``GROUPINGS``, or by place, function and thread; the largest first."""
    found: dict[Hashable, list[GrowthRow]] = defaultdict(list)
    key = _KEYS[by]
    for row in rows:
        found[key(row)].append(row)
    sums = [_summed(members, by) for members in found.values()]
    return tuple(sorted(sums, key=lambda one: (-one.size, -one.faults)))


def _asker(row: GrowthRow) -> CodeFunction | None:
    return None if row.stack is None else asked_by(row.stack.frames)


def _object(row: GrowthRow) -> bytes | None:
    asker = _asker(row)
    return None if asker is None else asker.object


_KEYS: dict[str | None, Callable[[GrowthRow], Hashable]] = {
    "kind": lambda row: (row.place.kind, row.place.role),
    "owner": lambda row: row.place,
    "object": _object,
    "function": _asker,
    "thread": lambda row: row.thread,
    None: lambda row: (row.place, _asker(row), row.thread),
}
assert set(_KEYS) == {*GROUPINGS, None}


def _summed(rows: Sequence[GrowthRow], by: str | None) -> GrowthSum:
    largest = max(rows, key=lambda row: (row.size, row.faults))
    asker = _asker(largest)
    frames = largest.stack.frames if largest.stack is not None else ()
    innermost = frames[0] if frames and frames[0] != asker else None
    place = largest.place
    if by == "kind":
        place = place._replace(owner=None)
    return GrowthSum(
        place=place if by in (None, "kind", "owner") else None,
        function=asker if by in (None, "function") else None,
        touched_by=innermost if by in (None, "function") else None,
        thread=largest.thread if by in (None, "thread") else None,
        object=_object(largest) if by == "object" else None,
        size=sum(row.size for row in rows),
        faults=sum(row.faults for row in rows),
        samples=sum(row.samples for row in rows),
    )
