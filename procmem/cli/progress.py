"""The one progress bar: on stderr, where that is a terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator

from procmem.text.pages.output import looking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    _Thing = TypeVar("_Thing")

__all__ = ["progress"]

_LINE_ABOVE_GONE = "\x1b[A\r\x1b[2K"
"""To the line in which the bar ended, and clear it (console_codes(4))."""


@contextlib.contextmanager
def progress(things: Iterable[_Thing], label: str, *, count: int | None = None) -> Iterator[Iterator[_Thing]]:
    """Things to go through, with a bar that is gone when they are done.

    ``count`` says how many there are where they come one by one. A terminal that cannot move its cursor has no bar.
    """
    if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        yield iter(things)
        return
    import click  # noqa: PLC0415  # the plainest command lines do without it

    try:
        with click.progressbar(things, length=count, label=looking(label), file=sys.stderr) as bar:
            yield iter(bar)
    finally:
        with contextlib.suppress(OSError):
            sys.stderr.write(_LINE_ABOVE_GONE)
            sys.stderr.flush()
