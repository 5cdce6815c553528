"""Comma-separated values: sizes in bytes, unknown is an empty cell, totals are left to the reader."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from procmem.render.columns import chosen, plain_value
from procmem.render.escaping import csv_safe, printable_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.render.page import Column, Page, Sheet, Value
    from procmem.render.style import Style

__all__ = ["to_csv", "write", "write_next"]


def write(pages: Sequence[Page], style: Style, *, several: bool) -> str:
    """Each page's table; several with the same columns are one, whose rows say what they are of."""
    return "\n".join(map(to_csv, _tables(pages, style, several=several)))


def write_next(pages: Sequence[Page], style: Style, *, first: bool) -> str:
    """The rows; their headings stand once, before the first of them."""
    return "".join(to_csv(table, heading=first) for table in _tables(pages, style, several=False))


def _tables(pages: Sequence[Page], style: Style, *, several: bool) -> list[Sheet]:
    tables: list[Sheet] = []
    for page in pages:
        sheet = chosen(page.named_table(several=several), style.columns)
        if tables and tables[-1].columns == sheet.columns:
            tables[-1] = tables[-1]._replace(rows=[*tables[-1].rows, *sheet.rows])
        else:
            tables.append(sheet)
    return tables


def to_csv(sheet: Sheet, *, heading: bool = True) -> str:
    """One table, its headings first; they are there where no row is."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if heading:
        writer.writerow([_heading(column) for column in sheet.columns])
    kinds = [column.kind for column in sheet.columns]
    for row in sheet.rows:
        writer.writerow(["" if v is None else _cell(v, kind) for v, kind in zip(row, kinds, strict=True)])
    return out.getvalue()


def _heading(column: Column) -> str:
    return f"{column.name}_bytes" if column.kind in ("size", "change") else column.name


def _cell(value: Value, kind: str) -> Value:
    value = plain_value(value, kind)
    return csv_safe(printable_text(value)) if isinstance(value, str) else value
