"""The page for a person: prose folded to the width, tables that fit it, pictures; the one writer of text tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from procmem.render.columns import TO_THE_RIGHT, cell_text, chosen, only, without_details
from procmem.render.escaping import printable_text
from procmem.render.page import READABLE, Facts, MapLine, Prose, Sheet, Value
from procmem.render.width import cells, folded, padded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procmem.render.page import Block, Page, Picture
    from procmem.render.style import Style

__all__ = ["block_text", "page_text", "table_text", "write"]

_UNDER = "    "
_NAME_LEAST = 8


def write(pages: Sequence[Page], style: Style, *, several: bool) -> str:
    """All pages, a blank line between two."""
    del several
    return "\n".join(page_text(page, style) for page in pages)


def page_text(page: Page, style: Style) -> str:
    """One page, its notes at the end."""
    sections: Sequence[Sequence[Block]] = page.sections
    if style.columns is not None and not any(
        isinstance(block, Sheet) and block.main for blocks in sections for block in blocks
    ):
        sections = [[page.table()._replace(main=True)]]
    parts = ["".join(block_text(block, style) for block in blocks) for blocks in sections]
    parts.append("".join(_prose(Prose(_note(note)), style) for note in page.notes))
    return "\n".join(filter(None, parts))


def block_text(block: Block, style: Style) -> str:
    """One block; it ends with a line feed, or is empty."""
    if isinstance(block, Sheet):
        return table_text(block, style)
    if isinstance(block, Prose):
        return _prose(block, style)
    if isinstance(block, Facts):
        return _facts(block, style)
    if isinstance(block, MapLine):
        return _map_line(block, style)
    return _picture(block, style)


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
    if sheet.main:
        sheet = chosen(sheet, style.columns)
    if style.columns is None and not style.wide:
        sheet = without_details(sheet)
    if sheet.indent:
        lead = " " * sheet.indent
        inner = style if style.width is None else style._replace(width=style.width - sheet.indent)
        return "".join(
            f"{lead}{line}\n" for line in table_text(sheet._replace(indent=0, main=False), inner).splitlines()
        )
    texts = _texts(sheet, style)
    heads = [column.heading for column in sheet.columns]
    widths = [_widest({head, *column}) for head, column in zip(heads, texts, strict=True)]
    if sheet.ruled:  # a little air around headings
        widths = [max(width, cells(head) + 2) for width, head in zip(widths, heads, strict=True)]
    natural = sum(widths) + 2 * (len(widths) - 1)
    if style.width is None or style.wide or natural <= style.width:
        return _lines(sheet, heads, texts, widths, style)
    return _fitted(sheet, heads, list(zip(*texts, strict=True)), style)


def _widest(texts: Collection[str]) -> int:
    """The cells of the widest of some texts, of which there is one at least."""
    return max(map(len if all(map(str.isascii, texts)) else cells, texts))


def _texts(sheet: Sheet, style: Style) -> list[list[str]]:
    """Every cell as text, rows and totals, column by column: of many thousand cells few are different."""
    columns: Iterable[Sequence[Value]] = zip(*sheet.rows, *sheet.totals, strict=True)
    if not sheet.rows and not sheet.totals:
        columns = [()] * len(sheet.columns)
    return [_column_texts(column.kind, values, style) for column, values in zip(sheet.columns, columns, strict=True)]


def _column_texts(kind: str, values: Sequence[Value], style: Style) -> list[str]:
    def text_of(value: Value) -> str:
        text = cell_text(value, kind, style.size)
        return text if kind in TO_THE_RIGHT else printable_text(text)

    if len(set(map(type, values)) - {type(None)}) > 1:  # 1, 1.0 and True are equal, and are not written alike
        return list(map(text_of, values))
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
) -> str:
    """Lay out a table whose cells are one line each; ``texts`` are its columns."""
    line = _liner(sheet, widths, style)
    rule = "  ".join("-" * width for width in widths)
    border = len(sheet.rows)
    last = len(texts) - 1
    laid = []
    for at, (column, width) in enumerate(zip(texts, widths, strict=True)):
        kind = sheet.columns[at].kind
        free = at == last and kind not in TO_THE_RIGHT
        known = {text: text if free else padded(text, width, right=kind in TO_THE_RIGHT) for text in set(column)}
        if style.color and kind == "class":
            known = {text: _painted(shown, text) for text, shown in known.items()}
        laid.append(map(known.__getitem__, column))
    rows = [row.rstrip() for row in map("  ".join, zip(*laid, strict=True))]
    lines = [line(heads), *([rule] if sheet.ruled else []), *rows[:border]]
    if border < len(rows):
        lines += [rule, *rows[border:]]
    return "\n".join(lines) + "\n"


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
