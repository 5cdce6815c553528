"""Printing reports: what every command does alike with its pages."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from procmem.cli.error_handling import say
from procmem.cli.terminal import has_colors, is_terminal, show, terminal_width, unicode_output
from procmem.render.formats import TEXT, format_named, write
from procmem.render.style import PROSE, Style, size_format
from procmem.text.pages.output import note as note_text

if TYPE_CHECKING:
    from procmem.render.page import Page

__all__ = [
    "Output",
    "echo",
    "echo_json",
    "messages_locale",
    "size_format",
    "table_options",
    "unicode_output",
]


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
            prose=width or PROSE,
            unicode=unicode_output(),
            color=has_colors(self.color),
            unit=self.unit,
            wide=self.wide,
            columns=self.columns,
        )

    @property
    def heading(self) -> str:
        """The line that names the unit of a table's sizes; empty where each has its own."""
        return size_format(self.unit)[1]

    def show(self, pages: Sequence["Page"], *, several: bool = False) -> None:
        """Print pages in the format asked for; notes go to stderr where it has no place for them."""
        form = format_named(self.form)
        text = write(form, pages, self.style, several=several)
        if not form.holds_notes:
            for page in pages:
                for note in (*page.notes, *page.remarks):
                    say(note_text(note))
        show(text, pager=self.pager and form.holds_notes)

    def show_part(self, page: "Page") -> None:
        """Print a page of several that come one after another, a blank line behind it."""
        echo(write(TEXT, [page], self.style) + "\n")


def echo(text: str) -> None:
    """Print text; an error is met here, not when the program ends."""
    sys.stdout.write(text)
    sys.stdout.flush()


# --- until every command prints by Output
_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


def table_options(schema: str) -> Callable[[_Decorated], _Decorated]:
    """Until every command prints by Output."""
    from procmem.cli.flags import REPORT_FLAGS  # noqa: PLC0415
    from procmem.cli.options import flag_options  # noqa: PLC0415

    return flag_options([flag for flag in REPORT_FLAGS if flag.argument != "wide"], schema)


def echo_json(documents: Sequence[Any], *, several: bool) -> None:
    """Print one JSON document, or a list of them where several processes were asked for."""
    import json  # noqa: PLC0415  # only this format needs it

    if documents or several:
        echo(json.dumps(list(documents) if several else documents[0], indent=1) + "\n")


def messages_locale() -> str:
    """The locale in which the user wants to be spoken to, empty where none is set."""
    return os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG", "")
