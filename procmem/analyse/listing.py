"""Which regions a list shows, and in which order."""

from __future__ import annotations

from procmem.analyse.inspection import classic_class
from procmem.model.memo import memo
from procmem.model.region import Regions
from procmem.model.region_filter import RegionFilter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["chosen_regions", "fitting_regions", "name_matcher"]

_WHOLE_PERMS = 4
_DIFFERENT = 4096
_WILDCARDS = frozenset("*?[")


def chosen_regions(
    regions: Regions, wanted: RegionFilter, *, classic: bool = False, sort: str | None = None
) -> list[int]:
    """The indexes of regions that fit, in the order of addresses, or the largest of a column ``sort`` first.

    ``classic`` says that the classes are the six words of the textbook.
    """
    chosen = fitting_regions(regions, wanted, classic=classic)
    if sort is not None:
        chosen.sort(key=_columns(regions)[sort], reverse=True)
    return chosen


def fitting_regions(regions: Regions, wanted: RegionFilter, *, classic: bool = False) -> list[int]:
    """The indexes of regions that fit, in the order of addresses."""
    table = regions.mappings
    of_owner, of_path = name_matcher(wanted.owner), name_matcher(wanted.path)

    @memo(_DIFFERENT)
    def of_perms(perms: str) -> bool:
        return _has_perms(perms, wanted.perms)

    fits = regions.for_each_label(
        lambda label: (
            (not wanted.classes or (classic_class(label) if classic else label.cls.value) in wanted.classes)
            and (not wanted.kinds or label.kind in wanted.kinds)
            and of_owner(label.owner_name)
        )
    )
    return [
        index
        for index, (row, fit) in enumerate(zip(regions.vma, fits, strict=True))
        if fit
        and regions.end[index] - regions.start[index] >= wanted.min_size
        and of_perms(table.perms[row])
        and of_path(table.name[row])
    ]


def name_matcher(pattern: str | None) -> Callable[[bytes | None], bool]:
    """Whether a name fits: a pattern with wildcards fits it whole, any other is a part of it."""
    if pattern is None:
        return lambda _: True

    if _WILDCARDS & set(pattern):
        from fnmatch import fnmatchcase  # noqa: PLC0415  # loads re

        @memo(_DIFFERENT)
        def fits_whole(name: bytes | None) -> bool:
            return fnmatchcase((name or b"").decode("utf-8", "surrogateescape"), pattern)

        return fits_whole

    @memo(_DIFFERENT)
    def fits(name: bytes | None) -> bool:
        return pattern in (name or b"").decode("utf-8", "surrogateescape")

    return fits


def _has_perms(perms: str, wanted: str | None) -> bool:
    if wanted is None:
        return True
    return perms == wanted if len(wanted) == _WHOLE_PERMS else set(wanted) <= set(perms)


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
