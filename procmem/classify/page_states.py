"""What pagemap said of some ranges: which pages were ever used; and of which ranges it was not asked.

Not asked, or refused, is unknown; it is never "not used".
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import repeat

from procmem.model.raw import PageRun, PageRuns, PageState, without_overlap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
        return next(self.touched_of_each([start], [end]))

    def touched_of_each(self, starts: Sequence[int], ends: Sequence[int]) -> Iterator[tuple[bool | None, bool | None]]:
        """The same of many ranges."""
        run_start, run_end, run_state = self.runs.start, self.runs.end, self.runs.state
        count = len(run_start)
        asked_ends = self._ends
        asked = map(bisect_right, repeat(self._starts), starts)
        beyond = map(bisect_right, repeat(run_start), starts)
        for start, end, at, run in zip(starts, ends, asked, beyond, strict=True):
            if not at or start >= asked_ends[at - 1]:
                yield None, None
                continue
            first = run - 1 if run and run_end[run - 1] > start else run
            if first < count and run_start[first] < end:
                if not run_state[first] & PageState.GUARD:
                    yield first < run, True  # as most often
                    continue
                if any(not found.state & PageState.GUARD for found in self.runs.within(start, end)):
                    yield False, True
                    continue
            yield False, False if end <= asked_ends[at - 1] else None


NOTHING_KNOWN = PageStates()
