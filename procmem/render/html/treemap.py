"""Classes and kinds as a treemap: the area of a cell is its size, the filled part of it what is in memory.

Cells are laid out by the squarified algorithm (Bruls, Huizing, van Wijk, 2000): in rows along the shorter side, each
as long as that makes its cells more like squares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from procmem.model.kinds import ByteClass, Kind
from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.report import ClassShare
from procmem.render.palette import paint_of
from procmem.render.svg import safe
from procmem.text.kind_names import kind_name
from procmem.text.pages.drawing import beside

__all__ = ["Cell", "squarified", "treemap_svg"]

_WIDTH, _HEIGHT = 480.0, 300.0
_CELL_OF_TEXT, _LINE = 6.3, 13.0
_MARGIN = 4.0


class Cell(NamedTuple):
    """A rectangle, by its corner and its sides."""

    x: float
    y: float
    width: float
    height: float


def squarified(sizes: Sequence[float], room: Cell) -> list[Cell]:
    """A cell for each size, in that order: their areas are to each other as the sizes, and they fill the room.

    Sizes are positive, the largest first.
    """
    cells: list[Cell] = []
    scale = room.width * room.height / (sum(sizes) or 1)
    areas = [size * scale for size in sizes]
    at = 0
    while at < len(areas):
        side = min(room.width, room.height)
        until = at + 1
        while until < len(areas) and _worst(areas[at : until + 1], side) <= _worst(areas[at:until], side):
            until += 1
        row, room = _row(areas[at:until], room)
        cells += row
        at = until
    return cells


def _worst(areas: Sequence[float], side: float) -> float:
    """The largest ratio of two sides in a row of cells along a side."""
    whole = sum(areas)
    if not whole or not side:
        return float("inf")
    depth = whole / side
    return max(max(area / depth**2, depth**2 / area) if area else float("inf") for area in areas)


def _row(areas: Sequence[float], room: Cell) -> tuple[list[Cell], Cell]:
    """The cells of a row along the shorter side of the room, and what is left of it."""
    whole = sum(areas)
    cells = []
    if room.width >= room.height:
        depth = whole / room.height if room.height else 0.0
        y = room.y
        for area in areas:
            height = area / depth if depth else 0.0
            cells.append(Cell(room.x, y, depth, height))
            y += height
        return cells, Cell(room.x + depth, room.y, max(room.width - depth, 0.0), room.height)
    depth = whole / room.width
    x = room.x
    for area in areas:
        width = area / depth if depth else 0.0
        cells.append(Cell(x, room.y, width, depth))
        x += width
    return cells, Cell(room.x, room.y + depth, room.width, max(room.height - depth, 0.0))


class _Area(NamedTuple):
    """A cell to be: a kind, or a class of which the kinds are not known."""

    cls: ByteClass
    kind: Kind | None
    size: int
    virt: int
    rss: int | None


def treemap_svg(shares: Sequence[ClassShare], *, by_rss: bool, title: str, link: Callable[[ByteClass], str]) -> str:
    """The map of what is in memory, or of address space with the part of it that is in memory filled.

    Empty where there is nothing to show. ``link`` gives where the cells of a class lead.
    """
    classes = [(share, _of_class(share, by_rss=by_rss)) for share in shares]
    known = [(share, found) for share, found in classes if found]
    if not known:
        return ""
    known.sort(key=lambda one: sum(row.size for row in one[1]), reverse=True)
    outer = squarified([sum(row.size for row in found) for _, found in known], Cell(0, 0, _WIDTH, _HEIGHT))
    parts = []
    for (_, found), room in zip(known, outer, strict=True):
        found.sort(key=lambda row: row.size, reverse=True)
        cells = squarified([row.size for row in found], room)
        parts += [_drawn(row, cell, link, filled=not by_rss) for row, cell in zip(found, cells, strict=True)]
        parts.append(f'<rect class="c" {_place(room)} fill="none"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" class="treemap" role="group"'
        f' aria-label="{safe(title)}">{"".join(parts)}</svg>'
    )


def _of_class(share: ClassShare, *, by_rss: bool) -> list[_Area]:
    rows: Iterator[_Area]
    if share.kinds:
        rows = (_Area(share.cls, row.kind, (row.rss or 0) if by_rss else row.virt, row.virt, row.rss)
                for row in share.kinds)  # fmt: skip
    else:
        rows = iter([_Area(share.cls, None, (share.rss or 0) if by_rss else share.virt, share.virt, share.rss)])
    return [row for row in rows if row.size]


def _drawn(row: _Area, cell: Cell, link: Callable[[ByteClass], str], *, filled: bool) -> str:
    label = row.cls.value if row.kind is None else _label(row.kind)
    name = row.cls.value if row.kind is None else f"{row.cls.value}: {label}"
    told = f"{name}: {beside(row.virt, row.rss)}"
    paint = paint_of(row.cls)
    if filled and row.rss is not None:
        part = min(row.rss / row.virt, 1.0) if row.virt else 0.0
        low = cell._replace(y=cell.y + cell.height * (1 - part), height=cell.height * part)
        shape = (
            f'<rect class="b" {_place(cell)} fill="{paint}" fill-opacity=".25"/><rect {_place(low)} fill="{paint}"/>'
        )
    else:
        shape = f'<rect class="b" {_place(cell)} fill="{paint}"/>'
    most = int((cell.width - 2 * _MARGIN) / _CELL_OF_TEXT)
    if cell.height > _LINE + 2 and most > 3:
        shown = label if len(label) <= most else f"{label[: most - 1]}\u2026"
        shape += f'<text class="h" x="{cell.x + _MARGIN:.1f}" y="{cell.y + _LINE:.1f}">{safe(shown)}</text>'
    kind = "" if row.kind is None else f' data-kind="{safe(row.kind)}"'
    return (
        f'<a href="{safe(link(row.cls))}" data-class="{row.cls.value}"{kind} aria-label="{safe(told)}">'
        f"<title>{safe(told)}</title>{shape}</a>"
    )


def _label(kind: Kind) -> str:
    """The name of a kind; of a part of loaded objects with what these are, since several have it."""
    return kind_name(kind) if kind.role is None else f"{kind_name(kind)} ({kind})"


def _place(cell: Cell) -> str:
    return f'x="{cell.x:.2f}" y="{cell.y:.2f}" width="{cell.width:.2f}" height="{cell.height:.2f}"'
