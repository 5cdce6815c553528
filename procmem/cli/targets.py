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


def _completed_by(name: str) -> Callable[[click.Context, click.Parameter, str], Any]:
    """Completion by a function of ``cli.completion``, which is loaded when a shell asks."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
        from procmem.cli import completion  # noqa: PLC0415  # only to complete words

        return getattr(completion, name)(ctx, param, incomplete)

    return complete


_targets, _pids = _completed_by("complete_target"), _completed_by("complete_pid")
_names, _users = _completed_by("complete_name"), _completed_by("complete_user")
_files = _completed_by("complete_file")


def target_options(command: _Decorated) -> _Decorated:
    """Add the TARGET arguments and the options that select processes; the command gets ``targets``."""
    options: Sequence[Callable[[_Decorated], _Decorated]] = (
        click.argument("targets", nargs=-1, metavar="TARGET...", callback=_selection, shell_complete=_targets),
        click.option(
            "--procfs",
            metavar="DIR",
            shell_complete=_files,
            is_eager=True,
            expose_value=False,
            callback=_kept,
            help=words.PROCFS,
        ),
        click.option(
            "--from",
            "recording",
            metavar="PATH",
            shell_complete=_files,
            is_eager=True,
            expose_value=False,
            callback=_kept,
            help=words.FROM,
        ),
        click.option(
            "--pid",
            "pids",
            metavar="PID",
            multiple=True,
            shell_complete=_pids,
            is_eager=True,
            expose_value=False,
            callback=_kept,
            help=words.PID,
        ),
        click.option(
            "--name",
            metavar="NAME",
            shell_complete=_names,
            is_eager=True,
            expose_value=False,
            callback=_kept,
            help=words.NAME,
        ),
        click.option(
            "--user",
            metavar="USER",
            shell_complete=_users,
            is_eager=True,
            expose_value=False,
            callback=_kept,
            help=words.USER,
        ),
        click.option(
            "--children", is_flag=True, is_eager=True, expose_value=False, callback=_kept, help=words.CHILDREN
        ),
    )
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
