"""Which regions a list shows, and in which order."""

from collections.abc import Callable, Collection

from procmem.analyse.inspection import classic_class
from procmem.model.region import Regions

__all__ = ["chosen_regions"]


def chosen_regions(
    regions: Regions,
    *,
    classes: Collection[str] = (),
    classic: bool = False,
    min_size: int = 0,
    sort: str | None = None,
) -> list[int]:
    """The indexes of regions of some classes (all, where none is named) and of a least size in bytes.

    ``classic`` says that the classes are the six words of the textbook; ``sort`` is a column, the largest first, None
    keeps the order of addresses.
    """
    chosen = [
        index
        for index, label in enumerate(regions.label)
        if (not classes or (classic_class(label) if classic else label.cls.value) in classes)
        and regions.end[index] - regions.start[index] >= min_size
    ]
    if sort is not None:
        chosen.sort(key=_columns(regions)[sort], reverse=True)
    return chosen


def _columns(regions: Regions) -> dict[str, Callable[[int], int]]:
    """What regions are sorted by; unknown counts as nothing."""
    return {
        "virt": lambda index: regions.end[index] - regions.start[index],
        "rss": lambda index: regions.rss[index] or 0,
        "pss": lambda index: regions.pss[index] or 0,
        "uss": lambda index: regions.uss[index] or 0,
        "swap": lambda index: regions.swap[index] or 0,
        "address": lambda index: -regions.start[index],
    }
