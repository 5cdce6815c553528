"""How large each piece of a picture of an address space is drawn: on a terminal, as SVG, in HTML.

Here belongs the geometry alone. What the pieces are is told by ``analyse.picture`` and ``analyse.tiles``; what they are
drawn with stands in ``render.drawing``, ``render.simulated_drawing`` and ``render.svg``.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

__all__ = ["LINEAR", "LOG", "PLAIN", "line_count", "stacked", "weight"]

PLAIN, LOG, LINEAR = "plain", "log", "linear"
_LINE_BYTES = 64 << 20
_PAGE = 4096
_DOUBLINGS_PER_LINE = 4


def weight(size: int, scale: str) -> float:
    """How much room a piece of so many bytes takes, in lines.

    Plain: one line each. Logarithmic: a page takes a quarter of a line, and so does each doubling. Linear: a line is
    64 MiB, which shows how empty the space is.
    """
    if scale == PLAIN:
        return 1.0
    if scale == LINEAR:
        return size / _LINE_BYTES
    return (log2(size / _PAGE) + 1) / _DOUBLINGS_PER_LINE if size >= _PAGE else 0.0


def line_count(size: int, scale: str) -> int:
    """The same in whole lines, one at least."""
    lines = weight(size, scale)
    return max(1, round(lines) if scale == LINEAR else int(lines))


def stacked(weights: Sequence[float], room: float, least: Sequence[float]) -> list[tuple[float, float]]:
    """Where pieces lie that are stacked upon each other: the top of each and its height, in the unit of ``room``.

    They share the room by their weights, and none is lower than its own least height; where these need more room than
    there is, more is taken.
    """
    heights = list(least)
    open_ones = list(range(len(weights)))
    left = room
    while open_ones:
        whole = sum(weights[at] for at in open_ones)
        low = [at for at in open_ones if not whole or left * (weights[at] / whole) < least[at]]
        if not low:
            for at in open_ones:
                heights[at] = left * (weights[at] / whole)  # in this order: the smallest floats have no digits to lose
            break
        left -= sum(least[at] for at in low)
        kept = frozenset(low)
        open_ones = [at for at in open_ones if at not in kept]
        if left <= 0:
            break
    places = []
    top = 0.0
    for height in heights:
        places.append((top, height))
        top += height
    return places
