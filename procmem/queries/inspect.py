"""The question of ``procmem inspect``: what is in a process's memory."""

from __future__ import annotations

from procmem.analyse.inspection import CLASSIC, inspection
from procmem.analyse.resident import consumers, since
from procmem.model.named_tuple import NamedTuple
from procmem.model.region_filter import RegionFilter
from procmem.queries.examine import REGION_KEYS, examine
from procmem.queries.laws import layout_in_short
from procmem.queries.surroundings import surrounding_files, with_surroundings
from procmem.queries.targets import one_target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import Target
    from procmem.model.region import Regions
    from procmem.model.reports.inspection import Inspection
    from procmem.model.reports.resident import Consumer
    from procmem.queries.examine import Examination

__all__ = ["CLASSIC", "SORTS", "InspectOptions", "consumers_of", "inspect", "listed"]

SORTS = ("virt", "rss", "pss", "uss", "swap", "address")


class InspectOptions(NamedTuple):
    """What is asked for: the table by class, unless it says more.

    ``regions`` lists regions too, ``only`` says which, if not all; ``sort`` is a column, None keeps
    the order. ``since`` is a recording, or a pid, of an earlier look.
    """

    regions: bool = False
    classic: bool = False
    only: RegionFilter = RegionFilter()
    sort: str | None = None
    deep: bool = False
    picture: bool = False
    since: str | None = None

    @property
    def lists_regions(self) -> bool:
        """Whether regions are asked for."""
        return bool(self.regions or self.only != RegionFilter())


def inspect(target: Target, options: InspectOptions, *, whole: bool = False) -> Inspection:
    """Read a process and say what is in its memory; ``whole`` keeps every counter of smaps.

    Raises:
        ProcessGone, AccessRefused, MalformedFile: as :func:`procmem.queries.examine.examine`.
    """
    lists_alone = options.lists_regions and not whole and options.since is None
    around = None if options.picture or lists_alone else surrounding_files(target)
    seen = examine(target, keys=None if whole else REGION_KEYS, deep=options.deep)
    layout = layout_in_short(seen.snapshot, seen.objects)
    report = inspection(
        seen.snapshot,
        seen.regions,
        classic=options.classic,
        peek_problem=seen.peek_problem,
        layout=layout,
        drawn=options.picture,
    )
    if around is None:  # nothing else is shown
        return report
    rows = consumers_of(seen)
    if options.since is not None:
        with one_target(options.since).open() as earlier:
            rows = since(rows, consumers_of(examine(earlier, deep=options.deep)))
    return report._replace(
        consumers=rows, surroundings=with_surroundings(around, seen.snapshot), compared_with=options.since
    )


def consumers_of(seen: Examination) -> tuple[Consumer, ...]:
    """What fills RES; nothing where that is not known."""
    return consumers(seen.regions, seen.snapshot.threads) if seen.regions and seen.snapshot.has_usage else ()


def listed(regions: Regions | None, options: InspectOptions) -> list[int] | None:
    """The regions to list, by index, in order; None where none are asked for."""
    if not options.lists_regions:
        return None
    if regions is None:
        return []
    from procmem.analyse.listing import chosen_regions  # noqa: PLC0415  # only where regions are listed

    return chosen_regions(regions, options.only, classic=options.classic, sort=options.sort)
