"""The one progress bar: on stderr, where that is a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator

from procmem.text.pages.output import looking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    _Thing = TypeVar("_Thing")

__all__ = ["progress"]


@contextlib.contextmanager
def progress(things: Iterable[_Thing], label: str, *, count: int | None = None) -> Iterator[Iterator[_Thing]]:
    """Things to go through, with a bar; ``count`` says how many there are where they come one by one."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield iter(things)
        return
    import click  # noqa: PLC0415  # the plainest command lines do without it

    with click.progressbar(things, length=count, label=looking(label), file=sys.stderr) as bar:
        yield iter(bar)
