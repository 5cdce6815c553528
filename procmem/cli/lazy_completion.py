"""Completion of words by functions that are loaded when a shell asks: no command line pays for them otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    _Complete = Callable[[click.Context, click.Parameter, str], Any]

__all__ = ["completed_by", "completed_from"]


def completed_by(name: str) -> _Complete:
    """By a function of ``cli.completion``."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
        from procmem.cli import completion  # noqa: PLC0415  # only to complete words

        return getattr(completion, name)(ctx, param, incomplete)

    return complete


def completed_from(known: Callable[[], Iterable[str]]) -> _Complete:
    """By the words that are known, which are asked for then."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
        from procmem.cli.completion import words_beginning  # noqa: PLC0415  # only to complete words

        del ctx, param
        return words_beginning(known(), incomplete)

    return complete
