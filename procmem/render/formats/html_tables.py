"""HTML: each page's table as a fragment for notebooks, figures to the right, unknown is ``?``; all text is escaped.

tabulate lays the table out and escapes it. The tables of a terminal are fitted to its width by a writer of our own,
which tabulate does not do, and long ones are written many times faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from procmem.render.columns import TO_THE_RIGHT, cell_text, chosen
from procmem.render.escaping import printable_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.render.page import Page, Sheet
    from procmem.render.style import Style

__all__ = ["to_html", "write"]


def write(pages: Sequence[Page], style: Style, *, several: bool) -> str:
    """Each page's table, and its notes below it."""
    del several
    parts = []
    for page in pages:
        parts.append(to_html(chosen(page.table(), style.columns), style))
        parts += [f"<p>{escape(printable_text(note))}</p>\n" for note in (*page.notes, *page.remarks)]
    return "".join(parts)


def to_html(sheet: Sheet, style: Style) -> str:
    """One table with its totals."""
    from tabulate import tabulate  # noqa: PLC0415  # takes longer to load than most pages to write

    kinds = [column.kind for column in sheet.columns]
    cells = [
        [printable_text(cell_text(value, kind, style.size)) for value, kind in zip(row, kinds, strict=True)]
        for row in (*sheet.rows, *sheet.totals)
    ]
    table: str = tabulate(
        cells,
        headers=[printable_text(column.heading) for column in sheet.columns],
        tablefmt="html",
        disable_numparse=True,
        preserve_whitespace=True,
        colalign=["right" if kind in TO_THE_RIGHT else "left" for kind in kinds] if cells else None,
    )
    return f"{table}\n"
