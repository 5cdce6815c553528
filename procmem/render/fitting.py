"""Fitting a table into a width: which columns stay, how wide each is, and what its cells say on how many lines.

Only a table that is too wide comes here. First headings are folded and text columns become narrower, down to the least
that their column allows; then the columns of the highest rank are left out. What is left out is named by the caller.
"""

from collections.abc import Sequence

from procmem.model.named_tuple import NamedTuple
from procmem.render.columns import TO_THE_RIGHT
from procmem.render.page import Column
from procmem.render.width import cells, clipped, folded, shortened_name

__all__ = ["GAP", "Fit", "fit", "lines_of_cell"]

GAP = 2
_LEAST = 16
_NARROWEST = 4


class Fit(NamedTuple):
    """The columns that stay, by place, and the width of each of them."""

    places: tuple[int, ...]
    widths: tuple[int, ...]


class _Need(NamedTuple):
    """What a column needs: ``least`` cells, ``whole`` to show every value on one line."""

    least: int
    whole: int


def fit(columns: Sequence[Column], heads: Sequence[str], texts: Sequence[Sequence[str]], width: int) -> Fit:
    """Choose columns and widths so that no line is wider than ``width``; ``texts`` are the cells, column by column."""
    needs = [_need(*one) for one in zip(columns, heads, texts, strict=True)]
    kept = list(range(len(columns)))
    for place in sorted((at for at in kept if columns[at].rank), key=lambda at: (-columns[at].rank, -at)):
        if _total(needs, kept) <= width or len(kept) == 1:  # a table of no column says nothing
            break
        kept.remove(place)
    if _total(needs, kept) > width:  # nothing more may be left out: text gives way, then the columns to the right
        needs = [
            need if column.kind in TO_THE_RIGHT else need._replace(least=min(need.least, _NARROWEST))
            for need, column in zip(needs, columns, strict=True)
        ]
        while len(kept) > 1 and _total(needs, kept) > width:
            kept.pop()
    widths = {at: needs[at].least for at in kept}
    room = width - _total(needs, kept)
    wanting = sorted((at for at in kept if needs[at].whole > needs[at].least), key=lambda at: needs[at].whole)
    for number, at in enumerate(wanting):
        more = max(min(needs[at].whole - widths[at], room // (len(wanting) - number)), 0)
        widths[at] += more
        room -= more
    return Fit(tuple(kept), tuple(min(widths[at], width) for at in kept))


def _need(column: Column, head: str, texts: Sequence[str]) -> _Need:
    value = max(map(cells, texts), default=0)
    whole = max(value, cells(head))
    word = max(map(cells, head.split(" ")))
    if column.kind in TO_THE_RIGHT:
        return _Need(max(value, word), whole)
    return _Need(max(word, min(value, column.least or _LEAST)), whole)


def _total(needs: Sequence[_Need], kept: Sequence[int]) -> int:
    return sum(needs[at].least for at in kept) + GAP * (len(kept) - 1)


def lines_of_cell(text: str, kind: str, width: int, dots: str) -> list[str]:
    """A cell within its width: a path is shortened, other text goes on in the next line."""
    if cells(text) <= width:
        return [text]
    if kind == "path":
        return [shortened_name(text, width, dots)]
    if kind == "command":
        return [clipped(text, width - cells(dots)) + dots if width > cells(dots) else clipped(text, width)]
    if kind in TO_THE_RIGHT:
        return [clipped(text, width)]
    return folded(text, width)
