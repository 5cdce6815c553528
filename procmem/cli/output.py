"""Printing reports: what every command does alike with its pages."""

from __future__ import annotations

import sys

from procmem.cli.error_handling import say, writing_output
from procmem.cli.terminal import has_colors, is_terminal, show, terminal_width, unicode_output
from procmem.model.named_tuple import NamedTuple
from procmem.render.formats import TEXT, format_named, pieces, write
from procmem.render.style import Style, size_format
from procmem.text.pages.output import note as note_text
from procmem.text.pages.output import note_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procmem.render.formats import Format
    from procmem.render.page import Page

__all__ = ["Output", "echo"]


class Output(NamedTuple):
    """What the options say of the output: unit and format, and how it is fitted to the terminal."""

    unit: str | None = None
    form: str | None = None
    wide: bool = False
    columns: tuple[str, ...] | None = None
    width: int | None = None
    color: str = "auto"
    pager: bool = True

    @property
    def style(self) -> Style:
        """How pages are to look: as wide as asked for or as the terminal is; elsewhere tables may be of any width."""
        width = self.width or (terminal_width() if is_terminal() else None)
        return Style(
            width=width,
            prose=width or terminal_width(),
            unicode=unicode_output(),
            color=has_colors(self.color),
            unit=self.unit,
            wide=self.wide,
            columns=self.columns,
        )

    @property
    def format(self) -> Format:
        """The format that was asked for."""
        return format_named(self.form)

    @property
    def heading(self) -> str:
        """The line that names the unit of a table's sizes; empty where each has its own."""
        return size_format(self.unit)[1]

    def show(self, pages: Sequence[Page], *, several: bool = False) -> None:
        """Print pages in the format asked for, nothing where there is none; notes go to stderr where it holds none."""
        if not pages:
            return  # every target has failed, and each has said why
        form = self.format
        text = pieces(form, pages, self.style, several=several)
        if not form.holds_notes:
            for page in pages:
                whose = page.of[-1][2] if page.of and len(pages) > 1 else None
                for note in (*page.notes, *page.remarks):
                    say(note_text(note if whose is None else note_of(str(whose), note)))
        show(text, pager=self.pager and form.holds_notes)

    def show_part(self, page: Page) -> None:
        """Print a page of several that come one after another, a blank line behind it."""
        echo(write(TEXT, [page], self.style) + "\n")


def echo(text: str) -> None:
    """Print text; an error is met here, not when the program ends."""
    with writing_output():
        sys.stdout.write(text)
        sys.stdout.flush()
