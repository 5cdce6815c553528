"""The question of ``procmem explain``: each region and each block of them in words, and what deserves attention."""

from __future__ import annotations

from procmem.analyse.explain import EXPLAIN_KEYS, explanation
from procmem.analyse.inspection import inspection
from procmem.analyse.listing import fitting_regions
from procmem.model.region_filter import RegionFilter
from procmem.queries.examine import REGION_KEYS, examine, need_mappings
from procmem.queries.inspect import consumers_of
from procmem.queries.laws import layout_in_short
from procmem.queries.page import page_facts
from procmem.queries.surroundings import read_surroundings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import Target
    from procmem.model.reports.explanation import Explanation

__all__ = ["explain", "shown_regions"]


def shown_regions(report: Explanation, only: RegionFilter) -> tuple[int, ...] | None:
    """The regions to tell of, by index; None for all."""
    regions = report.inspection.regions
    return None if regions is None or only == RegionFilter() else tuple(fitting_regions(regions, only))


def explain(target: Target, *, deep: bool, address: int | None = None, whole: bool = False) -> Explanation:
    """Read a process, and explain its map; with ``address`` also what is known of the page there.

    ``whole`` keeps every counter of smaps.

    Raises:
        ProcessGone, AccessRefused, MalformedFile: as :func:`procmem.queries.examine.examine`.
    """
    seen = examine(target, keys=None if whole else REGION_KEYS | set(EXPLAIN_KEYS), deep=deep)
    if address is not None:
        need_mappings(seen)
    page = page_facts(target, seen.snapshot, address) if address is not None else None
    layout = layout_in_short(seen.snapshot, seen.objects)
    report = inspection(seen.snapshot, seen.regions, peek_problem=seen.peek_problem, layout=layout)
    report = report._replace(consumers=consumers_of(seen), surroundings=read_surroundings(target, seen.snapshot))
    return explanation(seen.snapshot, seen.regions, report, page=page)
