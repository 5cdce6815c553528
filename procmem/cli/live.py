"""Showing the same thing again and again: drawn anew on a terminal, one block after another elsewhere."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence

from procmem.cli.answers import has_room_for_commands, page_of_system
from procmem.cli.output import Output, echo
from procmem.cli.terminal import is_terminal, terminal_lines
from procmem.errors import ExitStatus
from procmem.queries.all_processes import follow_system
from procmem.render.formats import write, write_next

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.queries.all_processes import SystemOptions
    from procmem.render.page import Page

__all__ = ["can_redraw", "show_look", "watch_system"]

_HOME_AND_CLEAR = "\x1b[H\x1b[J"
_OTHER_LINES = 14
"""Of a page about all processes: head, headings, total and notes."""
_LEAST_ROWS = 5


def can_redraw() -> bool:
    """Whether the output is a terminal that can go back to its first line."""
    return is_terminal() and os.environ.get("TERM", "dumb") != "dumb"


def show_look(pages: Sequence[Page], output: Output, *, is_first: bool) -> None:
    """Print the pages of one look: in place of the last one, or behind it."""
    form, style = output.format, output.style
    if form.goes_on:
        echo(write_next(form, pages, style, first=is_first))
    elif can_redraw():
        echo(_HOME_AND_CLEAR + write(form, pages, style))
    else:
        echo(("" if is_first else "\n") + write(form, pages, style))


def watch_system(options: SystemOptions, output: Output, *, every: float, count: int | None) -> int:
    """Look at all processes, show, wait; and again."""
    gc.enable()  # unlike most commands, this one may run for days
    if output.format.holds_notes and can_redraw() and options.top is None:
        options = options._replace(top=max(terminal_lines() - _OTHER_LINES, _LEAST_ROWS))
    options = options._replace(commands=has_room_for_commands(output))
    for number, (look, changes) in enumerate(follow_system(options, every)):
        show_look([page_of_system(look, output.heading, changes)], output, is_first=not number)
        if number + 1 == count:
            break
    return ExitStatus.DONE
