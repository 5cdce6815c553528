"""The arguments and options that select processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from procmem.cli.lazy_completion import completed_by
from procmem.errors import Misuse
from procmem.queries.streams import input_text
from procmem.queries.targets import Selection, TargetRef
from procmem.text.help import options as words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    _Decorated = TypeVar("_Decorated", bound=Callable[..., Any])

__all__ = ["one_of", "optional_targets", "target_options", "words_or_input"]


def target_options(command: _Decorated) -> _Decorated:
    """Add the TARGET arguments and the options that select processes; the command gets ``targets``."""
    return _with_targets(command, "TARGET...")


def optional_targets(command: _Decorated) -> _Decorated:
    """The same for a command that has an answer without any."""
    return _with_targets(command, "[TARGET]...")


def _with_targets(command: _Decorated, metavar: str) -> _Decorated:
    files, words_or_files = completed_by("complete_file"), completed_by("complete_target")
    options: Sequence[Callable[[_Decorated], _Decorated]] = (
        click.argument("targets", nargs=-1, metavar=metavar, callback=_selection, shell_complete=words_or_files),
        _kept_option("--procfs", metavar="DIR", shell_complete=files, help=words.PROCFS),
        _kept_option("--from", "recording", metavar="PATH", shell_complete=files, help=words.FROM),
        _kept_option(
            "--pid", "pids", metavar="PID", multiple=True, shell_complete=completed_by("complete_pid"), help=words.PID
        ),
        _kept_option("--name", metavar="NAME", shell_complete=completed_by("complete_name"), help=words.NAME),
        _kept_option("--user", metavar="USER", shell_complete=completed_by("complete_user"), help=words.USER),
        _kept_option("--children", is_flag=True, help=words.CHILDREN),
    )
    for option in reversed(options):
        command = option(command)
    return command


def one_of(targets: Selection, option: str) -> TargetRef:
    """The one process of a selection, for an option that is about one.

    Raises:
        Misuse: several are selected.
        BadInput, NothingMatches, ProcessGone: none is, as :meth:`Selection.refs`.
    """
    refs = list(targets.refs())
    if len(refs) > 1:
        raise Misuse("one-process", option=option, count=len(refs))
    return refs[0]


def _kept_option(*names: str, **settings: Any) -> Callable[[_Decorated], _Decorated]:
    """An option that is kept for the selection, and is no argument of the command."""
    return click.option(*names, is_eager=True, expose_value=False, callback=_kept, **settings)


def _kept(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Keep an option for the selection, which is made when the targets are known."""
    ctx.ensure_object(dict)[param.name] = value
    return value


def _selection(ctx: click.Context, param: click.Parameter, words: tuple[str, ...]) -> Selection:
    del param
    given = ctx.ensure_object(dict)
    return Selection(
        words=(*words_or_input(words), *given.get("pids", ())),
        procfs=given.get("procfs"),
        recording=given.get("recording"),
        name=given.get("name"),
        user=given.get("user"),
        children=given.get("children", False),
    )


def words_or_input(words: Sequence[str]) -> list[str]:
    """The words; ``-`` is replaced by those on standard input."""
    return [found for word in words for found in (input_text().split() if word == "-" else [word])]
