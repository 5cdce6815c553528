"""The arguments and options that select processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from procmem.queries.streams import input_text
from procmem.queries.targets import Selection
from procmem.text.help import options as words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    _Decorated = TypeVar("_Decorated", bound=Callable[..., Any])

__all__ = ["target_options"]


def target_options(command: _Decorated) -> _Decorated:
    """Add the TARGET arguments and the options that select processes; the command gets ``targets``."""
    options: Sequence[Callable[[_Decorated], _Decorated]] = (
        click.argument("targets", nargs=-1, metavar="TARGET...", callback=_selection),
        click.option("--procfs", metavar="DIR", is_eager=True, expose_value=False, callback=_kept,
                     help=words.PROCFS),
        click.option("--from", "recording", metavar="PATH", is_eager=True, expose_value=False, callback=_kept,
                     help=words.FROM),
        click.option("--pid", "pids", metavar="PID", multiple=True, is_eager=True, expose_value=False, callback=_kept,
                     help=words.PID),
        click.option("--name", metavar="NAME", is_eager=True, expose_value=False, callback=_kept,
                     help=words.NAME),
        click.option("--user", metavar="USER", is_eager=True, expose_value=False, callback=_kept,
                     help=words.USER),
        click.option("--children", is_flag=True, is_eager=True, expose_value=False, callback=_kept,
                     help=words.CHILDREN),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _kept(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Keep an option for the selection, which is made when the targets are known."""
    ctx.ensure_object(dict)[param.name] = value
    return value


def _selection(ctx: click.Context, param: click.Parameter, words: tuple[str, ...]) -> Selection:
    del param
    given = ctx.ensure_object(dict)
    return Selection(
        words=(*_with_input(words), *given.get("pids", ())),
        procfs=given.get("procfs"),
        recording=given.get("recording"),
        name=given.get("name"),
        user=given.get("user"),
        children=given.get("children", False),
    )


def _with_input(words: Sequence[str]) -> list[str]:
    """The words; ``-`` is replaced by those on standard input."""
    return [found for word in words for found in (input_text().split() if word == "-" else [word])]
