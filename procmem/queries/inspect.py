"""The question of ``procmem inspect``: what is in a process's memory."""

from __future__ import annotations

from procmem.analyse.inspection import CLASSIC, inspection
from procmem.model.named_tuple import NamedTuple
from procmem.queries.examine import REGION_KEYS, examine
from procmem.queries.laws import layout_in_short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import Target
    from procmem.model.region import Regions
    from procmem.model.reports.inspection import Inspection

__all__ = ["CLASSIC", "SORTS", "InspectOptions", "inspect", "listed"]

SORTS = ("virt", "rss", "pss", "uss", "swap", "address")


class InspectOptions(NamedTuple):
    """What is asked for: the table by class, unless it says more.

    ``regions`` lists regions too, ``classes`` and ``min_size`` only some of them; ``sort`` is a column, None keeps
    """

    regions: bool = False
    classic: bool = False
    classes: tuple[str, ...] = ()
    min_size: int = 0
    sort: str | None = None
    deep: bool = False
    picture: bool = False

    @property
    def lists_regions(self) -> bool:
        """Whether regions are asked for."""
        return bool(self.regions or self.classes or self.min_size)


def inspect(target: Target, options: InspectOptions, *, whole: bool = False) -> Inspection:
    """Read a process and say what is in its memory; ``whole`` keeps every counter of smaps.

    Raises:
        ProcessGone, AccessRefused, MalformedFile: as :func:`procmem.queries.examine.examine`.
    """
    seen = examine(target, keys=None if whole else REGION_KEYS, deep=options.deep)
    layout = layout_in_short(seen.snapshot, seen.objects)
    return inspection(
        seen.snapshot, seen.regions, classic=options.classic, peek_problem=seen.peek_problem, layout=layout
    )


def listed(regions: Regions | None, options: InspectOptions) -> list[int] | None:
    """The regions to list, by index, in order; None where none are asked for."""
    if not options.lists_regions:
        return None
    if regions is None:
        return []
    from procmem.analyse.listing import chosen_regions  # noqa: PLC0415  # only where regions are listed

    return chosen_regions(
        regions, classes=options.classes, classic=options.classic, min_size=options.min_size, sort=options.sort
    )
