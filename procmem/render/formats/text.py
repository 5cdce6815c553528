"""The page for a person: prose folded to the width, tables that fit it, pictures; the one writer of text tables."""

from __future__ import annotations

import sys
from itertools import accumulate, chain, islice
from operator import itemgetter

from procmem.render.columns import TO_THE_RIGHT, cell_text, chosen, only, without_details
from procmem.render.escaping import printable_text
from procmem.render.page import READABLE, AnnotatedMap, ColumnRows, Facts, MapLine, Prose, Sheet, Value
from procmem.render.width import Folder, cells, folded, padded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from procmem.render.page import Block, MapPiece, Page, Picture
    from procmem.render.style import Style

__all__ = ["block_text", "page_text", "table_text", "write"]

_UNDER = "    "
_NAME_LEAST = 8
_ROWS_AT_ONCE = 1024
"""Rows of a table whose text is kept at a time."""


def write(pages: Sequence[Page], style: Style, *, several: bool) -> str:
    """All pages, a blank line between two."""
    return "".join(pieces(pages, style, several=several))


def pieces(pages: Sequence[Page], style: Style, *, several: bool) -> Iterator[str]:
    """The same, piece by piece; what the options ask for wrongly is found before the first."""
    del several
    laid = [_laid_out(page, style) for page in pages]
    for number, sections in enumerate(laid):
        if number:
            yield "\n"
        yield from _page_pieces(sections)


def page_text(page: Page, style: Style) -> str:
    """One page, its notes at the end."""
    return "".join(_page_pieces(_laid_out(page, style)))


_Laid = list[list["Iterable[str]"]]
"""The pieces of each block of each section."""


def _laid_out(page: Page, style: Style) -> _Laid:
    sections: Sequence[Sequence[Block]] = page.sections
    if style.columns is not None and not any(
        isinstance(block, Sheet) and block.main for blocks in sections for block in blocks
    ):
        sections = [[page.table()._replace(main=True)]]
    notes = [Prose(_note(note)) for note in page.notes]
    return [[_block_pieces(block, style) for block in blocks] for blocks in (*sections, notes)]


def _page_pieces(sections: _Laid) -> Iterator[str]:
    is_first = True
    for blocks in sections:
        begins = True
        for piece in filter(None, chain.from_iterable(blocks)):
            if begins and not is_first:
                yield "\n"
            begins = is_first = False
            yield piece


def block_text(block: Block, style: Style) -> str:
    """One block; it ends with a line feed, or is empty."""
    return "".join(_block_pieces(block, style))


def _block_pieces(block: Block, style: Style) -> Iterable[str]:
    if isinstance(block, Sheet):
        return _table_pieces(block, style)
    if isinstance(block, AnnotatedMap):
        return _annotated(block, style)
    return (_small_text(block, style),)


def _small_text(block: Prose | Facts | MapLine | Picture, style: Style) -> str:
    if isinstance(block, Prose):
        return _prose(block, style)
    if isinstance(block, Facts):
        return _facts(block, style)
    if isinstance(block, MapLine):
        return _map_line(block, style)
    return _picture(block, style)


def _annotated(block: AnnotatedMap, style: Style) -> Iterator[str]:
    ends = _LineEnds(style)
    paragraphs = _Paragraphs(block, style)
    for piece in block.pieces():
        told = paragraphs.all(piece.told)
        if piece.further:
            further = (paragraphs.all((text, "") for text in texts) for texts in piece.further)
            told = ["".join([text, *more]) for text, more in zip(told, further, strict=True)]
        columns = _map_columns(piece, ends, style)
        below = [""] * len(piece.names)
        for at, text in zip(accumulate(piece.lines), told, strict=True):
            below[at - 1] = text
        yield "".join(chain.from_iterable(zip(*columns, below, strict=True)))


def _map_columns(piece: MapPiece, ends: _LineEnds, style: Style) -> Sequence[Iterable[str]]:
    """The lines of a piece as columns of text, the last of which ends each line: most lines fit."""
    own = list(map(ends.__getitem__, zip(piece.names, piece.whats, strict=True)))
    if style.width is None:
        return (*piece.figures, map(itemgetter(0), own))
    room = style.width - sum(max(map(cells, column), default=0) for column in piece.figures)
    if all(size <= room for _, size in own):
        return (*piece.figures, map(itemgetter(0), own))
    figures = map("".join, zip(*piece.figures, strict=True))
    names = zip(piece.names, piece.whats, strict=True)
    return [
        [_map_line(MapLine(before, name, *what), style) for before, (name, what) in zip(figures, names, strict=True)]
    ]


class _LineEnds(dict[tuple[str, tuple[str, str]], tuple[str, int]]):
    """What stands behind the figures of a map's line, and its cells: of many thousand few are different."""

    def __init__(self, style: Style) -> None:
        self._style = style._replace(width=None)

    def __missing__(self, key: tuple[str, tuple[str, str]]) -> tuple[str, int]:
        name, what = key
        end = self[key] = _map_line(MapLine("", name, *what), self._style), cells(name) + cells(what[0])
        return end


class _Paragraphs:
    """Paragraphs below the lines of a map."""

    def __init__(self, block: AnnotatedMap, style: Style) -> None:
        self._folder = Folder(_limit(READABLE, style) or sys.maxsize, block.indent, block.between)
        self._shown = _Shown()

    def all(self, told: Iterable[tuple[str, str]]) -> list[str]:
        """Paragraphs in two parts, each as :func:`_prose` has it in one."""
        shown = self._shown
        return self._folder.all([(shown[first], printable_text(second)) for first, second in told])


class _Shown(dict[str, str]):
    """Text made printable."""

    def __missing__(self, text: str) -> str:
        shown = self[text] = printable_text(text)
        return shown


def _map_line(block: MapLine, style: Style) -> str:
    told = f"{block.name}{block.what}"
    if style.width is not None and cells(block.figures) + cells(told) > style.width:
        from procmem.render.width import clipped, shortened_name  # noqa: PLC0415  # seldom

        room = style.width - cells(block.figures) - cells(block.what)
        if room >= _NAME_LEAST:
            told = f"{shortened_name(block.name, room, style.dots)}{block.what}"
        else:  # the name and what it is go below the figures
            first = clipped(block.figures.rstrip(), style.width)
            room = style.width - len(_UNDER) - cells(block.what)
            return f"{first}\n{_UNDER}{shortened_name(block.name, max(room, 1), style.dots)}{block.what}\n"
    return f"{block.figures}{_painted(told, block.cls) if style.color else told}\n"


def _limit(measure: int, style: Style) -> int | None:
    """The cells of a line of prose; None for any number."""
    most = style.prose if measure == READABLE else measure
    if style.width is None:
        return most or None
    return min(style.width, most or style.width)


def _prose(block: Prose, style: Style) -> str:
    text = printable_text(block.text)
    limit = _limit(block.measure, style)
    if limit is None or cells(block.first) + cells(text) <= limit:
        return f"{block.first}{text}".rstrip() + "\n"
    return "\n".join(folded(text, limit, first=block.first, rest=block.rest)) + "\n"


def _facts(block: Facts, style: Style) -> str:
    room = max(block.least, max((cells(label) for label, _ in block.rows), default=0))
    lead, gap = " " * block.indent, " " * block.gap
    rest = " " * (block.indent + room + block.gap)
    return "".join(
        _prose(Prose(text, f"{lead}{padded(label, room, right=block.right)}{gap}", rest, block.measure), style)
        for label, text in block.rows
    )


def _picture(block: Picture, style: Style) -> str:
    text = block.draw(style.unicode)
    if style.width is None:
        return text
    from procmem.render.width import clipped  # noqa: PLC0415  # only on a terminal

    return "".join(f"{clipped(line, style.width).rstrip()}\n" for line in text.splitlines())


def table_text(sheet: Sheet, style: Style) -> str:
    """A table: text to the left, figures to the right; the last column runs free where the width is not limited."""
    return "".join(_table_pieces(sheet, style))


def _table_pieces(sheet: Sheet, style: Style) -> Iterable[str]:
    if sheet.main:
        sheet = chosen(sheet, style.columns)
    if style.columns is None and not style.wide:
        sheet = without_details(sheet)
    if sheet.indent:
        lead = " " * sheet.indent
        inner = style if style.width is None else style._replace(width=style.width - sheet.indent)
        return [f"{lead}{line}\n" for line in table_text(sheet._replace(indent=0, main=False), inner).splitlines()]
    texts = _texts(sheet, style)
    heads = [column.heading for column in sheet.columns]
    widths = [
        max(cells(head), _widest(texts_of if column.kind == "address" else set(texts_of)))
        for head, column, texts_of in zip(heads, sheet.columns, texts, strict=True)
    ]
    if sheet.ruled:  # a little air around headings
        widths = [max(width, cells(head) + 2) for width, head in zip(widths, heads, strict=True)]
    natural = sum(widths) + 2 * (len(widths) - 1)
    if style.width is None or style.wide or natural <= style.width:
        return _lines(sheet, heads, texts, widths, style)
    return (_fitted(sheet, heads, list(zip(*texts, strict=True)), style),)


def _widest(texts: Collection[str]) -> int:
    """The cells of the widest of some texts."""
    return max(map(len if all(map(str.isascii, texts)) else cells, texts), default=0)


def _texts(sheet: Sheet, style: Style) -> list[list[str]]:
    """Every cell as text, rows and totals, column by column: of many thousand cells few are different."""
    columns: Iterable[Sequence[Value]] = zip(*sheet.rows, *sheet.totals, strict=True)
    if not len(sheet.rows) and not sheet.totals:
        columns = [()] * len(sheet.columns)
    elif isinstance(sheet.rows, ColumnRows) and not sheet.totals:
        columns = sheet.rows.columns
    return [_column_texts(column.kind, values, style) for column, values in zip(sheet.columns, columns, strict=True)]


def _column_texts(kind: str, values: Sequence[Value], style: Style) -> list[str]:
    def text_of(value: Value) -> str:
        text = cell_text(value, kind, style.size)
        return text if kind in TO_THE_RIGHT else printable_text(text)

    types = set(map(type, values))
    if len(types - {type(None)}) > 1:  # 1, 1.0 and True are equal, and are not written alike
        return list(map(text_of, values))
    if kind == "address" and types == {int}:  # of which all are different
        return list(map("%x".__mod__, values))
    known = {value: text_of(value) for value in set(values)}
    return list(map(known.__getitem__, values))


def _fitted(sheet: Sheet, heads: Sequence[str], texts: Sequence[Sequence[str]], style: Style) -> str:
    from procmem.render.fitting import fit, lines_of_cell  # noqa: PLC0415  # only what is too wide
    from procmem.text.pages.output import left_out  # noqa: PLC0415

    assert style.width is not None
    beside = [at for at, column in enumerate(sheet.columns) if not column.below] or list(range(len(heads)))
    under = [at for at in range(len(heads)) if at not in beside]
    by_column = [[row[at] for row in texts] for at in beside]
    found = fit([sheet.columns[at] for at in beside], [heads[at] for at in beside], by_column, style.width)
    kept = [beside[place] for place in found.places]
    shown = only(sheet, kept)
    kinds = [column.kind for column in shown.columns]
    places = tuple(zip(kept, kinds, found.widths, strict=True))
    cut = [_spread([lines_of_cell(row[at], kind, width, style.dots) for at, kind, width in places]) for row in texts]
    heads_folded = [folded(heads[at], width) for at, _, width in places]
    most = max(map(len, heads_folded))
    top = _spread([[""] * (most - len(lines)) + lines for lines in heads_folded])
    line = _liner(shown, found.widths, style)
    rule = "  ".join("-" * width for width in found.widths)
    lines = [*map(line, top), *([rule] if sheet.ruled else [])]
    for number, (row, cells_of_row) in enumerate(zip(texts, cut, strict=True)):
        if number == len(sheet.rows):
            lines.append(rule)
        lines += map(line, cells_of_row)
        lines += [told for at in under if row[at] for told in folded(row[at], style.width, first=_UNDER)]
    missing = [column.name for at, column in enumerate(sheet.columns) if at not in kept and at not in under]
    text = "\n".join(lines) + "\n"
    return text + (_prose(Prose(left_out(missing)), style) if missing and style.tells_options else "")


def _lines(
    sheet: Sheet, heads: Sequence[str], texts: Sequence[Sequence[str]], widths: Sequence[int], style: Style
) -> Iterator[str]:
    """Lay out a table whose cells are one line each; ``texts`` are its columns."""
    line = _liner(sheet, widths, style)
    rule = "  ".join("-" * width for width in widths)
    border = len(sheet.rows)
    last = len(texts) - 1
    laid = []
    for at, (column, width) in enumerate(zip(texts, widths, strict=True)):
        kind = sheet.columns[at].kind
        if kind == "address":  # of which all are different
            laid.append(map(f"%{width}s".__mod__, column))
            continue
        free = at == last and kind not in TO_THE_RIGHT
        known = {text: text if free else padded(text, width, right=kind in TO_THE_RIGHT) for text in set(column)}
        if style.color and kind == "class":
            known = {text: _painted(shown, text) for text, shown in known.items()}
        laid.append(map(known.__getitem__, column))
    yield "".join(f"{told}\n" for told in [line(heads), *([rule] if sheet.ruled else [])])
    rows = map("  ".join, zip(*laid, strict=True))
    left = border
    while left and (some := [row.rstrip() for row in islice(rows, min(left, _ROWS_AT_ONCE))]):
        left -= len(some)
        yield "\n".join(some) + "\n"
    if totals := [row.rstrip() for row in rows]:
        yield "\n".join([rule, *totals]) + "\n"


def _liner(sheet: Sheet, widths: Sequence[int], style: Style) -> Callable[[Sequence[str]], str]:
    """What lays a line of cells out."""
    kinds = [column.kind for column in sheet.columns]
    last = len(kinds) - 1
    right = [kind in TO_THE_RIGHT for kind in kinds]
    ways = tuple(zip(widths, right, strict=True))
    free = not right[last]
    colored = [at for at, kind in enumerate(kinds) if kind == "class"] if style.color else []

    def line(texts: Sequence[str]) -> str:
        parts = [padded(text, width, right=to_right) for text, (width, to_right) in zip(texts, ways, strict=True)]
        if free:
            parts[last] = texts[last]
        for at in colored:
            parts[at] = _painted(parts[at], texts[at])
        return "  ".join(parts).rstrip()

    return line


def _spread(row: Sequence[Sequence[str]]) -> list[list[str]]:
    """The lines of a row from the lines of its cells."""
    most = max(map(len, row))
    return [[lines[at] if at < len(lines) else "" for lines in row] for at in range(most)]


def _painted(shown: str, cls: str) -> str:
    from procmem.render.colors import painted  # noqa: PLC0415  # only in colour

    return painted(shown, cls)


def _note(text: str) -> str:
    from procmem.text.pages.output import note  # noqa: PLC0415  # most pages have none

    return note(text)
