"""The question of ``procmem explain``: each region and each block of them in words, and what deserves attention."""

from __future__ import annotations

from procmem.analyse.explain import EXPLAIN_KEYS, explanation, narrowed
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
    from procmem.model.reports.explanation import Explanation, PageFacts
    from procmem.queries.examine import Examination

__all__ = ["explain", "explained", "narrow"]


def narrow(report: Explanation, only: RegionFilter) -> tuple[Explanation, tuple[int, ...] | None]:
    """The report with the blocks of those regions that are to be told of, and these by index; None for all."""
    regions = report.inspection.regions
    if regions is None or only == RegionFilter():
        return report, None
    shown = tuple(fitting_regions(regions, only))
    return report._replace(blocks=tuple(narrowed(regions, report.blocks, frozenset(shown)))), shown


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
    return explained(target, seen, page=page)


def explained(target: Target, seen: Examination, *, page: PageFacts | None = None, drawn: bool = False) -> Explanation:
    """The explanation of a process that was examined already; ``drawn`` says that its picture is wanted too."""
    layout = layout_in_short(seen.snapshot, seen.objects)
    report = inspection(seen.snapshot, seen.regions, peek_problem=seen.peek_problem, layout=layout, drawn=drawn)
    report = report._replace(consumers=consumers_of(seen), surroundings=read_surroundings(target, seen.snapshot))
    return explanation(seen.snapshot, seen.regions, report, page=page)
