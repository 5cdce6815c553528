"""Where the areas of the textbook's picture lie in a real process."""

from collections.abc import Sequence

from procmem.model.reports.inspection import Band
from procmem.model.reports.laws import Counterpart

__all__ = ["counterparts"]

_AREAS = ("kernel space", "stack", "mapping area", "heap", "bss", "data", "text")


def counterparts(bands: Sequence[Band]) -> tuple[Counterpart, ...]:
    """Each area of the textbook, from the top down, with the range of all bands of its name."""
    found = []
    for area in _AREAS:
        own = [band for band in bands if band.name == area]
        here = (min(band.start for band in own), max(band.end for band in own)) if own else None
        found.append(Counterpart(area, here))
    return tuple(found)
