"""Blocks of pages for a template: prose, facts and tables as plain values, all cells as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from procmem.model.named_tuple import NamedTuple
from procmem.render.columns import TO_THE_RIGHT, cell_text
from procmem.render.escaping import printable_text
from procmem.render.page import Block, Facts, Prose, Sheet
from procmem.render.style import Style

__all__ = ["HtmlBlock", "HtmlColumn", "html_blocks"]

_STYLE = Style(unit="human")


class HtmlColumn(NamedTuple):
    """A column of a table: its heading, and whether its cells stand to the right."""

    heading: str
    right: bool
    key: str


class HtmlBlock(NamedTuple):
    """A block: ``prose`` with its text, ``facts`` with pairs, or ``table`` with columns, rows and totals."""

    form: str
    text: str = ""
    pairs: Sequence[tuple[str, str]] = ()
    columns: Sequence[HtmlColumn] = ()
    rows: Sequence[Sequence[str]] = ()
    totals: Sequence[Sequence[str]] = ()


def html_blocks(sections: Iterable[Sequence[Block]]) -> list[HtmlBlock]:
    """The blocks of some sections in order; what is drawn with characters is left out."""
    found = []
    for block in (block for section in sections for block in section):
        if isinstance(block, Prose):
            found.append(HtmlBlock("prose", text=printable_text(block.text)))
        elif isinstance(block, Facts):
            pairs = [(printable_text(label).strip(), printable_text(text)) for label, text in block.rows]
            found.append(HtmlBlock("facts", pairs=pairs))
        elif isinstance(block, Sheet):
            found.append(_table(block))
    return found


def _table(sheet: Sheet) -> HtmlBlock:
    kept = [at for at, column in enumerate(sheet.columns) if not column.detail]
    columns = [sheet.columns[at] for at in kept]

    def cells(row: Sequence[object]) -> list[str]:
        shown = []
        for at, column in zip(kept, columns, strict=True):
            value = row[at]
            assert value is None or isinstance(value, int | float | str)
            shown.append(printable_text(cell_text(value, column.kind, _STYLE.size)))
        return shown

    return HtmlBlock(
        "table",
        columns=[HtmlColumn(column.heading, column.kind in TO_THE_RIGHT, column.name) for column in columns],
        rows=[cells(row) for row in sheet.rows],
        totals=[cells(row) for row in sheet.totals],
    )
