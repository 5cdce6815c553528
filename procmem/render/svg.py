"""An address space as SVG: high addresses on top, a box for each piece, in logarithmic or true scale.

Here belongs what the shapes are, with all text escaped. Which pieces there are is told by ``analyse.tiles``, and how
large they are by ``render.picture_layout``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape

from procmem.model.kinds import ByteClass
from procmem.model.named_tuple import NamedTuple
from procmem.render.escaping import printable, printable_text
from procmem.render.palette import HOLE, PALETTE, paint_of, patterns
from procmem.render.picture_layout import LINEAR, LOG, stacked, weight
from procmem.render.process_head import pid_text
from procmem.render.width import cells
from procmem.text import language
from procmem.text.pages.drawing import (
    area,
    beside,
    not_mapped,
    not_of_programs,
    picture_title,
    range_text,
    several,
    unmapped,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.reports.inspection import Band, Inspection, Tile

__all__ = ["SCALES", "SvgLink", "safe", "space_svg", "standalone_svg"]

SCALES = (LOG, LINEAR)
_WIDTH = 640
_BOX = 150
_BOX_WIDTH = 220
_BESIDE = _BOX + _BOX_WIDTH + 18
_FOOT = 8.0
_ROOM = 560.0
"""Pixels of a picture; in logarithmic scale it grows where there is more to draw."""
_LINE, _TEXT = 13.0, 11.0
_LEAST = {LOG: (3.0, 1.5), LINEAR: (1.0, 0.0)}
"""The least height of what is mapped and of a hole: in true scale just so much that it can be seen."""
_OF_HOLES = 0.5
"""In logarithmic scale holes take half the room, since there may be one beside each region."""
_EDGE = 3.0
"""From this height on a box has an edge."""
_PIXELS_PER_WEIGHT = 5.0
_CUT = 26.0
"""What is drawn of an area that lies above user space and would leave it no room."""
_CELL, _DIGIT = 6.3, 7.0
_ARROWS = {"up": " \u2191", "down": " \u2193"}
_STYLE = """
svg { color-scheme: light dark; font: 11px/1.2 system-ui, sans-serif; --ink: #1b1f24; --dim: #57606a; --paper: #fff }
@media (prefers-color-scheme: dark) { svg { --ink: #e6edf3; --dim: #9198a1; --paper: #0d1117 } }
.paper { fill: var(--paper) } .t { fill: var(--ink) } .d { fill: var(--dim) } .m { font-family: monospace }
.e { stroke: var(--dim); fill: none } .b { stroke: var(--paper); stroke-width: .7 }
"""


class SvgLink(NamedTuple):
    """Where a click on a region leads: an address within the document."""

    href: str
    region: int


def safe(text: str) -> str:
    """Text for markup: what is no character or moves the cursor is an escape, and what would be markup is none."""
    return escape(printable_text(text))


def space_svg(
    report: Inspection, scale: str, *, link: Callable[[int], SvgLink] | None = None, legend: bool = False
) -> str:
    """The picture as an element ``svg``, for a page that defines the patterns; ``link`` gives where regions lead."""
    tiles, bands = report.tiles, report.picture
    places = _places(tiles, bands, scale)
    below = places[-1][0] + places[-1][1] if places else 0.0
    digits = 8 if report.process.bits == 32 else 16
    left = _BOX - (digits + 1) * _DIGIT
    title = picture_title(pid_text(report.process.pid), printable(report.process.comm) or "?")
    labels = list(_labels(tiles, bands, places))
    parts = [*_boxes(tiles, bands, places, link), *_addresses(tiles, places, digits), *_brackets(tiles, bands, places)]
    parts += [f'<text class="{style}" x="{_BESIDE}" y="{y:.2f}">{safe(line)}</text>' for y, style, line in labels]
    foot = max([below, *(y for y, _, _ in labels)]) + _FOOT
    if legend:
        keys, foot = _legend(report, left, foot + _LINE)
        parts += keys
    view = f"{left:g} {-_LINE:g} {_WIDTH - left:g} {foot + _LINE:.1f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}" class="space"'
        f' role="group" aria-label="{safe(title)}" lang="{language()}">{"".join(parts)}</svg>'
    )


def standalone_svg(report: Inspection, scale: str) -> str:
    """The picture as a document of its own, with colours for dark and light."""
    drawn = space_svg(report, scale, legend=True)
    head, _, rest = drawn.partition(">")
    style = f"<style>{_STYLE}</style>"
    paper = f'<rect class="paper" y="{-2 * _LINE:g}" width="200%" height="200%"/>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head} width="{_WIDTH}">{style}{patterns()}{paper}{rest}\n'


def _places(tiles: Sequence[Tile], bands: Sequence[Band], scale: str) -> list[tuple[float, float]]:
    """Top and height of each piece in pixels."""
    sizes = [tile.end - tile.start for tile in tiles]
    of_mapped, of_hole = _LEAST[scale]
    least = [of_hole if tile.cls is None else of_mapped for tile in tiles]
    if scale == LOG:
        weights = [weight(tile.end - tile.start, LOG) * (1.0 if tile.virt else _OF_HOLES) for tile in tiles]
        return stacked(weights, max(_ROOM, _PIXELS_PER_WEIGHT * sum(weights)), least)
    user = max((band.end for band in bands if band.virt), default=0)
    weights = []
    for at, size in enumerate(sizes):
        is_cut = tiles[at].start >= user and size > user
        weights.append(0.0 if is_cut else weight(size, LINEAR))
        least[at] = _CUT if is_cut else least[at]
    return stacked(weights, _ROOM, least)


def _boxes(
    tiles: Sequence[Tile],
    bands: Sequence[Band],
    places: Sequence[tuple[float, float]],
    link: Callable[[int], SvgLink] | None,
) -> Iterator[str]:
    for tile, (top, height) in zip(tiles, places, strict=True):
        told = _tile_text(tile, bands[tile.band])
        fill, ink = (HOLE, "") if tile.cls is None else (paint_of(tile.cls), PALETTE[tile.cls].ink)
        edge = "" if height < _EDGE else ' class="e"' if tile.cls is None else ' class="b"'
        shape = f'<rect{edge} x="{_BOX}" y="{top:.2f}" width="{_BOX_WIDTH}" height="{height:.2f}" fill="{fill}"/>'
        if tile.cls is not None and tile.label is not None and height >= _TEXT:
            name = _cut(_tile_name(tile), _BOX_WIDTH - 8)
            shape += f'<text x="{_BOX + 5}" y="{top + height / 2 + 4:.2f}" fill="{ink}">{safe(name)}</text>'
        if tile.largest is None or link is None:
            yield f"<g><title>{safe(told)}</title>{shape}</g>"
        else:
            there = link(tile.largest)
            yield (
                f'<a href="{safe(there.href)}" data-region="{there.region}" aria-label="{safe(told)}">'
                f"<title>{safe(told)}</title>{shape}</a>"
            )


def _tile_name(tile: Tile) -> str:
    """What a piece is called in its box."""
    assert tile.label is not None
    return printable_text(range_text(tile.label))


def _tile_text(tile: Tile, band: Band) -> str:
    """What is told of a piece: addresses, what it is, and how much of it is in memory."""
    where = f"{tile.start:x}-{tile.end:x}"
    if tile.label is None or tile.cls is None:
        is_hole = band.name is None or band.virt > 0
        return not_mapped(where, tile.end - tile.start) if is_hole else not_of_programs(where, area(band.name or ""))
    what = _tile_name(tile)
    if tile.regions > 1:
        what = several(tile.regions, what)
    return f"{where}  {what} ({tile.cls.value}): {beside(tile.virt, tile.rss)}"


def _addresses(tiles: Sequence[Tile], places: Sequence[tuple[float, float]], digits: int) -> Iterator[str]:
    """The borders of bands, and those of pieces where there is room for them."""
    last = (1 << 4 * digits) - 1
    borders = [(top, tile.end, not at or tiles[at - 1].band != tile.band) for at, (tile, (top, _)) in
               enumerate(zip(tiles, places, strict=True))]  # fmt: skip
    if tiles:
        borders.append((places[-1][0] + places[-1][1], tiles[-1].start, True))
    taken: list[float] = []
    for top, address, _ in sorted(borders, key=lambda border: not border[2]):
        if all(abs(top - other) >= _LINE for other in taken):
            taken.append(top)
            yield (
                f'<text class="d m" x="{_BOX - 6}" y="{top + 4:.2f}" text-anchor="end">'
                f"{min(address, last):0{digits}x}</text>"
            )


def _spans(
    tiles: Sequence[Tile], bands: Sequence[Band], places: Sequence[tuple[float, float]]
) -> Iterator[tuple[Band, float, float]]:
    """From where to where each band is drawn."""
    for number, band in enumerate(bands):
        own = [place for tile, place in zip(tiles, places, strict=True) if tile.band == number]
        if own:
            yield band, own[0][0], own[-1][0] + own[-1][1]


def _brackets(tiles: Sequence[Tile], bands: Sequence[Band], places: Sequence[tuple[float, float]]) -> Iterator[str]:
    """A line along each band."""
    x = _BOX + _BOX_WIDTH + 6
    for _, top, bottom in _spans(tiles, bands, places):
        if bottom - top > _EDGE:
            yield f'<path class="e" d="M{x},{top + 1:.2f} h5 V{bottom - 1:.2f} h-5"/>'


def _labels(
    tiles: Sequence[Tile], bands: Sequence[Band], places: Sequence[tuple[float, float]]
) -> Iterator[tuple[float, str, str]]:
    """The name of each band with its sizes: where it stands, its style, the text. None stands upon another."""
    lowest = -_LINE
    for band, top, bottom in _spans(tiles, bands, places):
        told, style = [unmapped(band.end - band.start)], "d"
        if band.name is not None:
            arrow = _ARROWS.get(band.grows or "", "")
            told, style = [f"{area(band.name)}{arrow}", *([beside(band.virt, band.rss)] if band.virt else [])], "t"
        lines = told if bottom - top >= 2 * _LINE else [" \u00b7 ".join(told)]
        y = max((top + bottom) / 2 - (len(lines) - 1) * _LINE / 2 + 4, lowest + _LINE)
        for line in lines:
            yield y, style, _cut(line, _WIDTH - _BESIDE)
            style, lowest = "d", y
            y += _LINE


def _cut(text: str, pixels: float) -> str:
    """As much of a text as has room."""
    most = int(pixels / _CELL)
    if cells(text) <= most:
        return text
    kept = text
    while kept and cells(kept) >= most:
        kept = kept[:-1]
    return f"{kept}\u2026"


def _legend(report: Inspection, left: float, top: float) -> tuple[list[str], float]:
    """The classes that there are, with their colours, and where they end."""
    x, y = left + 6, top
    parts = []
    for cls in ByteClass:
        if all(row.cls != cls.value for row in report.classes):
            continue
        width = 30 + _CELL * len(cls.value)
        if x + width > _WIDTH:
            x, y = left + 6, y + _LINE + 3
        parts.append(f'<rect x="{x:g}" y="{y - 9:g}" width="10" height="10" fill="{paint_of(cls)}"/>')
        parts.append(f'<text class="t" x="{x + 14:g}" y="{y:g}">{cls.value}</text>')
        x += width
    return parts, y + _FOOT
