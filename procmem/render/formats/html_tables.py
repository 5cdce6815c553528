"""HTML: each page's table as a fragment for notebooks, figures to the right, unknown is ``?``; all text is escaped."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from procmem.render.columns import TO_THE_RIGHT, cell_text, chosen
from procmem.render.escaping import printable_text

if TYPE_CHECKING:
    from procmem.render.page import Page, Sheet
    from procmem.render.style import Style

__all__ = ["to_html", "write"]


def write(pages: Sequence["Page"], style: "Style", *, several: bool) -> str:
    """Each page's table, and its notes below it."""
    del several
    parts = []
    for page in pages:
        parts.append(to_html(chosen(page.table(), style.columns), style))
        parts += [f"<p>{escape(printable_text(note))}</p>\n" for note in (*page.notes, *page.remarks)]
    return "".join(parts)


def to_html(sheet: "Sheet", style: "Style") -> str:
    """One table with its totals."""
    kinds = [column.kind for column in sheet.columns]
    lines = ["<table>", "<thead>", _row([column.heading for column in sheet.columns], kinds, "th"), "</thead>"]
    for group, rows in (("tbody", sheet.rows), ("tfoot", sheet.totals)):
        if rows:
            cells = ([cell_text(v, kind, style.size) for v, kind in zip(row, kinds, strict=True)] for row in rows)
            lines += [f"<{group}>", *(_row(texts, kinds, "td") for texts in cells), f"</{group}>"]
    return "\n".join([*lines, "</table>", ""])


def _row(texts: Sequence[str], kinds: Sequence[str], element: str) -> str:
    cells = (
        f'<{element} style="text-align: {"right" if kind in TO_THE_RIGHT else "left"}">'
        f"{escape(printable_text(text))}</{element}>"
        for text, kind in zip(texts, kinds, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"
