"""Columns of a sheet: what a cell says as text, and which columns are chosen."""

from __future__ import annotations

from procmem.errors import Misuse
from procmem.render.page import Column, Sheet
from procmem.text import gettext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from procmem.render.human import SizeFormat
    from procmem.render.page import Value

__all__ = ["TO_THE_RIGHT", "cell_text", "chosen", "column", "only", "plain_value", "without_details"]

TO_THE_RIGHT = frozenset({"size", "change", "count", "seconds", "address", "figure", "share"})
"""Kinds of columns whose cells end at the same place; they hold no text of other processes."""
_SHARE_DIGITS = 6


def column(
    headings: Mapping[str, str],
    key: str,
    kind: str,
    *,
    rank: int = 0,
    least: int = 0,
    below: bool = False,
    detail: bool = False,
) -> Column:
    """A column by its key, its heading in the user's language."""
    return Column(gettext(headings[key]), kind, key, rank, least, below, detail)


def without_details(sheet: Sheet) -> Sheet:
    """The sheet without the columns that are details."""
    kept = [at for at, column in enumerate(sheet.columns) if not column.detail]
    return sheet if len(kept) == len(sheet.columns) else only(sheet, kept)


def cell_text(value: Value, kind: str, size: SizeFormat) -> str:
    """A cell for a person; what is unknown is a question mark."""
    if kind == "size":
        return size(value) if value is None or isinstance(value, int) else str(value)
    if kind == "change" and isinstance(value, int):
        return f"{'-' if value < 0 else '+'}{size(abs(value))}" if value else "0"
    if kind == "address" and isinstance(value, int):
        return f"{value:x}"
    if value is None:
        return "?"
    if kind == "seconds" and isinstance(value, float):
        return f"{value:.2f}"
    if kind == "share" and isinstance(value, float):
        return f"{100 * value:.0f} %"
    return value if isinstance(value, str) else str(value)


def plain_value(value: Value, kind: str) -> Value:
    """A cell for programs: addresses in hexadecimal, shares as parts of one, None where there is no such figure."""
    if value == "-" and kind in TO_THE_RIGHT:
        return None
    if kind == "share" and isinstance(value, float):
        return round(value, _SHARE_DIGITS)
    return f"{value:#x}" if kind == "address" and isinstance(value, int) else value


def chosen(sheet: Sheet, names: Sequence[str] | None) -> Sheet:
    """The sheet with the columns of these names alone, in the order of the names; all where there are none.

    Raises:
        Misuse: one of them is no column of it.
    """
    if names is None:
        return sheet
    known = [column.name for column in sheet.columns]
    for name in names or ("",):
        if name not in known:
            raise Misuse("no-column", name=name, known=tuple(known))
    return only(sheet, [known.index(name) for name in dict.fromkeys(names)])


def only(sheet: Sheet, places: Sequence[int]) -> Sheet:
    """The sheet with the columns at these places."""
    return sheet._replace(
        columns=tuple(sheet.columns[at] for at in places),
        rows=[[row[at] for at in places] for row in sheet.rows],
        totals=[[row[at] for at in places] for row in sheet.totals],
    )
