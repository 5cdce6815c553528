"""One sheet, many formats: columns with names, rows of plain values, and nothing about terminals.

A report is laid flat once; text, CSV and Markdown are written from the same sheet.
"""

import io
from collections.abc import Sequence
from typing import NamedTuple

from procmem.render.escaping import csv_safe, markdown_safe, printable_text
from procmem.render.human import SizeFormat

__all__ = ["Column", "Sheet", "to_csv", "to_markdown", "to_table", "to_text"]

Value = int | str | None
_TABULATE_ROWS_MAX = 500


class Column(NamedTuple):
    """A column: its heading, and what its values are (``size``, ``count``, ``text`` or ``address``)."""

    name: str
    kind: str


class Sheet(NamedTuple):
    """A report laid flat. ``totals`` are rows that stand below a line."""

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Value]]
    totals: Sequence[Sequence[Value]] = ()


def _cell(value: Value, kind: str, size: SizeFormat) -> str:
    if kind == "size":
        return size(value) if value is None or isinstance(value, int) else value
    if kind == "address" and isinstance(value, int):
        return f"{value:x}"
    if value is None:
        return "?"
    return value if isinstance(value, str) else str(value)


def to_text(sheet: Sheet, size: SizeFormat) -> str:
    """A table of fixed width: text to the left, figures to the right; the last column runs free."""
    kinds = [column.kind for column in sheet.columns]
    body = [[_cell(value, kind, size) for value, kind in zip(row, kinds, strict=True)] for row in sheet.rows]
    foot = [[_cell(value, kind, size) for value, kind in zip(row, kinds, strict=True)] for row in sheet.totals]
    for row in (*body, *foot):
        for at, kind in enumerate(kinds):
            if kind == "text":
                row[at] = printable_text(row[at])
    heads = [column.name for column in sheet.columns]
    everything = [heads, *body, *foot]
    widths = [max(map(len, texts)) for texts in zip(*everything, strict=True)]
    last = len(kinds) - 1

    def align(text: str, at: int) -> str:
        if kinds[at] != "text":
            return text.rjust(widths[at])
        return text if at == last else text.ljust(widths[at])

    def line(row: Sequence[str]) -> str:
        return "  ".join(align(text, at) for at, text in enumerate(row)).rstrip()

    lines = [line(heads), *map(line, body)]
    if foot:
        lines.append("  ".join("-" * width for width in widths))
        lines += map(line, foot)
    return "\n".join(lines) + "\n"


def to_table(sheet: Sheet, size: SizeFormat) -> str:
    """The same by tabulate, which costs more than it is worth for tables of many rows."""
    if len(sheet.rows) > _TABULATE_ROWS_MAX:
        return to_text(sheet, size)
    from tabulate import tabulate  # noqa: PLC0415  # only where a table is printed

    kinds = [column.kind for column in sheet.columns]
    cells = [
        [printable_text(_cell(value, kind, size)) for value, kind in zip(row, kinds, strict=True)]
        for row in (*sheet.rows, *sheet.totals)
    ]
    text = tabulate(
        cells,
        headers=[column.name for column in sheet.columns],
        tablefmt="simple",
        disable_numparse=True,
        preserve_whitespace=True,
        colalign=["left" if kind == "text" else "right" for kind in kinds] if cells else None,
    )
    lines = [line.rstrip() for line in text.split("\n")]
    if sheet.totals:
        lines.insert(len(lines) - len(sheet.totals), lines[1])
    return "\n".join(lines) + "\n"


def to_csv(sheet: Sheet) -> str:
    """Comma-separated values: sizes in bytes, unknown is an empty cell, totals are left to the reader."""
    import csv  # noqa: PLC0415  # only this format needs it

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_base_name(column) for column in sheet.columns])
    kinds = [column.kind for column in sheet.columns]
    for row in sheet.rows:
        writer.writerow(["" if v is None else _csv_cell(v, kind) for v, kind in zip(row, kinds, strict=True)])
    return out.getvalue()


def _base_name(column: Column) -> str:
    name = column.name.lower().replace(" ", "_")
    return f"{name}_bytes" if column.kind == "size" else name


def _csv_cell(value: int | str, kind: str) -> str | int:
    if kind == "address" and isinstance(value, int):
        return f"{value:#x}"
    return csv_safe(printable_text(value)) if isinstance(value, str) else value


def to_markdown(sheet: Sheet, size: SizeFormat) -> str:
    """A Markdown table, figures to the right."""
    kinds = [column.kind for column in sheet.columns]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    lines = [
        line([column.name for column in sheet.columns]),
        line(["---" if kind == "text" else "---:" for kind in kinds]),
    ]
    for row in (*sheet.rows, *sheet.totals):
        cells = [_cell(value, kind, size) for value, kind in zip(row, kinds, strict=True)]
        lines.append(
            line([markdown_safe(printable_text(c)) if k == "text" else c for c, k in zip(cells, kinds, strict=True)])
        )
    return "\n".join(lines) + "\n"
