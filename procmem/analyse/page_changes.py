"""What became of each page between two looks at the page tables.

Here belongs comparing runs of pages, range by range. What made them come is for :mod:`procmem.analyse.growth`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from procmem.model.raw import PageRuns, PageState
from procmem.model.reports.growth import PageChange, ResidentChange
from procmem.model.vma_names import Backing

__all__ = ["change_at", "changed_bytes", "resident_bytes", "sum_of_changes", "was_there"]


_NONE, _ANON, _FILE, _SWAP = range(4)
"""Where a page is. One of zeroes that is only read is none: RES does not count it."""


def _place(state: int) -> int:
    if state & PageState.PRESENT:
        return _NONE if state & PageState.ZERO else _FILE if state & PageState.FILE else _ANON
    return _SWAP if state & PageState.SWAPPED else _NONE


def resident_bytes(runs: PageRuns) -> int:
    """What of the runs RES counts."""
    return sum(run.end - run.start for run in runs if _place(run.state) in (_ANON, _FILE))


def _pieces(before: PageRuns, after: PageRuns, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Pieces of a range in which both looks show one state each; 0 stands for no page."""
    first, second = before.first_beyond(start), after.first_beyond(start)
    at = start
    while at < end:
        was, stop = _state_at(before, first, at, end)
        became, stop_after = _state_at(after, second, at, end)
        stop = min(stop, stop_after)
        if was or became:
            yield at, stop, was, became
        at = stop
        if first < len(before) and before.end[first] <= at:
            first += 1
        if second < len(after) and after.end[second] <= at:
            second += 1


def _state_at(runs: PageRuns, index: int, at: int, end: int) -> tuple[int, int]:
    """The state at an address, and up to where it holds."""
    if index >= len(runs):
        return 0, end
    if runs.start[index] > at:
        return 0, min(runs.start[index], end)
    return runs.state[index], min(runs.end[index], end)


def _change(was: int, became: int, backing: Backing) -> PageChange | None:
    old, new = _place(was), _place(became)
    if old == new:
        is_new = became & PageState.HUGE and not was & PageState.HUGE
        return PageChange.COLLAPSED if is_new and old == _ANON else None
    if new == _ANON:
        if old == _SWAP:
            return PageChange.SWAPPED_IN
        if backing is not Backing.ANONYMOUS:
            return PageChange.COPIED
        return PageChange.HUGE if became & PageState.HUGE else PageChange.MADE
    if new == _FILE:
        if old == _SWAP:
            return PageChange.SWAPPED_IN
        return PageChange.SHARED if backing is Backing.SHARED_MEMORY else PageChange.READ
    if new == _SWAP:
        return PageChange.SWAPPED_OUT
    return {_ANON: PageChange.GIVEN_BACK, _FILE: PageChange.DROPPED, _SWAP: PageChange.SWAP_FREED}[old]


class _Sums:
    __slots__ = ("anonymous", "file", "swap")

    def __init__(self) -> None:
        self.anonymous = self.file = self.swap = 0

    def add(self, place: int, size: int) -> None:
        if place == _ANON:
            self.anonymous += size
        elif place == _FILE:
            self.file += size
        elif place == _SWAP:
            self.swap += size


def sum_of_changes(
    before: PageRuns, after: PageRuns, ranges: Iterable[tuple[int, int, Backing]]
) -> tuple[ResidentChange, ...]:
    """The changes of all ranges, one row each; what cancels out within a row is no change."""
    sums: dict[PageChange, _Sums] = {}
    for start, end, backing in ranges:
        for low, high, was, became in _pieces(before, after, start, end):
            change = _change(was, became, backing)
            if change is None:
                continue
            one = sums.setdefault(change, _Sums())
            one.add(_place(was), low - high)
            one.add(_place(became), high - low)
    return tuple(
        ResidentChange(change, one.anonymous, one.file, one.swap)
        for change in PageChange
        for one in [sums.get(change)]
        if one is not None
    )


def changed_bytes(
    before: PageRuns, after: PageRuns, start: int, end: int, backing: Backing
) -> Iterator[tuple[PageChange, int]]:
    """The changes in one range and how many bytes each has, piece by piece."""
    for low, high, was, became in _pieces(before, after, start, end):
        change = _change(was, became, backing)
        if change is not None:
            yield change, high - low


def _state_of(runs: PageRuns, address: int) -> int:
    index = runs.first_beyond(address)
    return runs.state[index] if index < len(runs) and runs.start[index] <= address else 0


def change_at(before: PageRuns, after: PageRuns, address: int, backing: Backing) -> PageChange | None:
    """What became of one page."""
    return _change(_state_of(before, address), _state_of(after, address), backing)


def was_there(before: PageRuns, after: PageRuns, address: int) -> bool:
    """Whether an anonymous page was in memory, and is."""
    return _place(_state_of(before, address)) == _place(_state_of(after, address)) == _ANON
