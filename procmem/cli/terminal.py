"""What the terminal is like: its width, its characters, its colours; and the pager for what is longer than it."""

from __future__ import annotations

import os
import sys

from procmem.cli.error_handling import writing_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["has_colors", "is_terminal", "show", "terminal_lines", "terminal_width", "unicode_output"]

_COLUMNS = 80
_LINES = 24


def is_terminal() -> bool:
    """Whether the output is one."""
    return sys.stdout is not None and sys.stdout.isatty()


def _size() -> tuple[int, int]:
    """Columns and lines: of the environment, else of the terminal, else 80 and 24."""
    columns, lines = (
        int(word) if (word := os.environ.get(name, "")).isdecimal() else 0 for name in ("COLUMNS", "LINES")
    )
    if not columns or not lines:
        try:
            size = os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ is not None else 1)
        except (OSError, ValueError):
            size = os.terminal_size((0, 0))
        columns, lines = columns or size.columns, lines or size.lines
    return columns or _COLUMNS, lines or _LINES


def terminal_width() -> int:
    """The columns of the terminal."""
    return _size()[0]


def terminal_lines() -> int:
    """The lines of the terminal."""
    return _size()[1]


def unicode_output() -> bool:
    """Whether the output can hold line-drawing characters.

    In the C locale Python writes UTF-8 all the same, but the terminal was told otherwise.
    """
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    told = "utf" in locale.lower() or os.environ.get("PYTHONUTF8") == "1"
    return told and (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def has_colors(choice: str) -> bool:
    """Whether to colour: as ``--color`` says, else on a terminal that has colours and whose user wants them."""
    if choice != "auto":
        return choice == "always"
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def show(pieces: Iterable[str], *, pager: bool) -> None:
    """Print a report, through the pager where it is longer than the terminal; an error is met here, not at the end."""
    if pager and is_terminal():
        text = "".join(pieces)
        is_long = text.count("\n") >= terminal_lines()
        if is_long and os.environ.get("TERM", "dumb") != "dumb" and _paged(text):
            return
        pieces = (text,)
    with writing_output():
        sys.stdout.writelines(pieces)
        sys.stdout.flush()


def _paged(text: str) -> bool:
    """Show text by $PAGER, or less; whether there is one."""
    import shlex  # noqa: PLC0415  # only for a long page on a terminal
    import subprocess  # noqa: PLC0415  # the same

    command = shlex.split(os.environ.get("PAGER", "")) or ["less", "-R"]
    environment = {"LESS": "FRX", **os.environ}
    try:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)
    except OSError:
        return False
    try:
        child.communicate(text.encode("utf-8", "surrogateescape"))
    except KeyboardInterrupt:
        child.wait()  # the pager has its own answer to it
    return True
