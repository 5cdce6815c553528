"""What pagemap said of some ranges: which pages were ever used; and of which ranges it was not asked.

Not asked, or refused, is unknown; it is never "not used".
"""

from bisect import bisect_right
from collections.abc import Iterable

from procmem.model.raw import PageRun, PageRuns, PageState, without_overlap

__all__ = ["NOTHING_KNOWN", "PageStates"]


class PageStates:
    """``asked`` are the ranges that pagemap was asked about, ``runs`` what it answered; in any order, in part twice."""

    __slots__ = ("_ends", "_starts", "runs")

    def __init__(self, asked: Iterable[tuple[int, int]] = (), runs: Iterable[PageRun] = ()) -> None:
        ranges = without_overlap(asked)
        self._starts = [start for start, _ in ranges]
        self._ends = [end for _, end in ranges]
        self.runs = PageRuns.of(runs)

    def touched(self, address: int) -> bool | None:
        """Whether the page at an address is in memory or in swap; None where nobody knows."""
        return self.touched_of(address, address + 1)[0]

    def touched_between(self, start: int, end: int) -> bool | None:
        """Whether any page of a range is in memory or in swap; None where nobody knows."""
        return self.touched_of(start, end)[1]

    def touched_of(self, start: int, end: int) -> tuple[bool | None, bool | None]:
        """The same of a range's first page, and of any of its pages. Nothing is known where its first page is not."""
        at = bisect_right(self._starts, start) - 1
        if at < 0 or start >= self._ends[at]:
            return None, None
        runs = self.runs
        first = runs.first_beyond(start)
        if first < len(runs.start) and runs.start[first] < end:
            if not runs.state[first] & PageState.GUARD:
                return runs.start[first] <= start, True  # as most often
            if any(not run.state & PageState.GUARD for run in runs.within(start, end)):
                return False, True
        return False, False if end <= self._ends[at] else None


NOTHING_KNOWN = PageStates()
