"""What pagemap said of some ranges: which pages were ever used; and of which ranges it was not asked.

Not asked, or refused, is unknown; it is never "not used".
"""

from bisect import bisect_right
from collections.abc import Sequence

from procmem.model.named_tuple import NamedTuple
from procmem.model.raw import PageRun, PageState

__all__ = ["NOTHING_KNOWN", "PageStates"]


class PageStates(NamedTuple):
    """``asked`` are the ranges that pagemap was asked about, ``runs`` what it answered; both ascending."""

    asked: Sequence[tuple[int, int]] = ()
    runs: Sequence[PageRun] = ()

    def touched(self, address: int) -> bool | None:
        """Whether the page at an address is in memory or in swap; None where nobody knows."""
        at = bisect_right(self.asked, (address, 1 << 65)) - 1
        if at < 0 or not self.asked[at][0] <= address < self.asked[at][1]:
            return None
        at = bisect_right(self.runs, (address, 1 << 65, 0)) - 1
        return at >= 0 and self.runs[at].end > address and not self.runs[at].state & PageState.GUARD

    def touched_between(self, start: int, end: int) -> bool | None:
        """Whether any page of a range is in memory or in swap; None where nobody knows."""
        at = bisect_right(self.asked, (start, 1 << 65)) - 1
        if at < 0 or not self.asked[at][0] <= start < self.asked[at][1]:
            return None
        at = max(bisect_right(self.runs, (start, 1 << 65, 0)) - 1, 0)
        while at < len(self.runs) and self.runs[at].start < end:
            if self.runs[at].end > start and not self.runs[at].state & PageState.GUARD:
                return True
            at += 1
        return False


NOTHING_KNOWN = PageStates()
