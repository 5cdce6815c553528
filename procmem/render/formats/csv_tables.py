"""Comma-separated values: sizes in bytes, unknown is an empty cell, totals are left to the reader."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from procmem.render.columns import TO_THE_RIGHT, chosen
from procmem.render.escaping import csv_safe, printable_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.render.page import Column, Page, Sheet, Value
    from procmem.render.style import Style

__all__ = ["to_csv", "write"]


def write(pages: Sequence[Page], style: Style, *, several: bool) -> str:
    """Each page's table, a blank line between two."""
    del several
    return "\n".join(to_csv(chosen(page.table(), style.columns)) for page in pages)


def to_csv(sheet: Sheet) -> str:
    """One table, its headings first; they are there where no row is."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_heading(column) for column in sheet.columns])
    kinds = [column.kind for column in sheet.columns]
    for row in sheet.rows:
        writer.writerow(["" if v is None else _cell(v, kind) for v, kind in zip(row, kinds, strict=True)])
    return out.getvalue()


def _heading(column: Column) -> str:
    return f"{column.name}_bytes" if column.kind == "size" else column.name


def _cell(value: Value, kind: str) -> Value:
    if value == "-" and kind in TO_THE_RIGHT:
        return ""  # there is no such figure
    if kind == "address" and isinstance(value, int):
        return f"{value:#x}"
    return csv_safe(printable_text(value)) if isinstance(value, str) else value
