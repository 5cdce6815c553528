"""Markdown: each page's table, figures to the right, unknown is ``?``."""

from __future__ import annotations

from collections.abc import Sequence

from procmem.render.columns import TO_THE_RIGHT, cell_text, chosen
from procmem.render.escaping import markdown_safe, printable_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.render.human import SizeFormat
    from procmem.render.page import Page, Sheet
    from procmem.render.style import Style

__all__ = ["to_markdown", "write"]


def write(pages: Sequence[Page], style: Style, *, several: bool) -> str:
    """Each page's table, a blank line between two; the rows of one of several say what they are of."""
    return "\n".join(
        to_markdown(chosen(page.named_table(several=several), style.columns), style.size) for page in pages
    )


def to_markdown(sheet: Sheet, size: SizeFormat) -> str:
    """One table with its totals."""
    kinds = [column.kind for column in sheet.columns]
    lines = [
        _line([column.heading for column in sheet.columns]),
        _line(["---:" if kind in TO_THE_RIGHT else "---" for kind in kinds]),
    ]
    for row in (*sheet.rows, *sheet.totals):
        cells = [cell_text(value, kind, size) for value, kind in zip(row, kinds, strict=True)]
        lines.append(
            _line(
                [
                    text if k in TO_THE_RIGHT else markdown_safe(printable_text(text))
                    for text, k in zip(cells, kinds, strict=True)
                ]
            )
        )
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
