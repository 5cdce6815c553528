"""Completion: what a shell asks for, and ``procmem completion``, which prints what it needs to ask."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class

from procmem.cli.options import command
from procmem.errors import ExitStatus
from procmem.queries.targets import living_processes
from procmem.render.escaping import printable
from procmem.text.help import completion as words

__all__ = [
    "complete_name",
    "complete_pid",
    "complete_target",
    "complete_user",
    "completion",
    "script",
    "words_beginning",
]

_SHELLS = ("bash", "fish", "zsh")
_VARIABLE = "_PROCMEM_COMPLETE"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


@command(help=words.HELP, epilog=words.EPILOG)
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> int:
    """Print the script."""
    click.echo(script(shell))
    return ExitStatus.DONE


def script(shell: str) -> str:
    """What a shell is to read."""
    from procmem.cli.main import cli  # noqa: PLC0415  # which loads this module as one of its commands

    found = get_completion_class(shell)
    assert found is not None
    return found(cli, {}, "procmem", _VARIABLE).source()


def complete_pid(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Pids that begin so, each with the name of its process."""
    del ctx, param
    return [
        CompletionItem(str(pid), help=printable(name))
        for pid, name, _ in living_processes()
        if str(pid).startswith(incomplete)
    ]


def complete_target(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Pids, and recordings, which the shell knows to find."""
    if incomplete and not incomplete.isdecimal():
        return complete_file(ctx, param, incomplete)
    return complete_pid(ctx, param, incomplete)


def complete_file(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files and folders, which the shell knows to find (click.Path would ask for each that is given)."""
    del ctx, param
    return [CompletionItem(incomplete, type="file")]


def complete_name(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of processes; those that would be taken apart by a shell are left out."""
    del ctx, param
    return words_beginning((printable(name) for _, name, _ in living_processes()), incomplete)


def complete_user(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Users who have processes."""
    del ctx, param
    return words_beginning((user for _, _, user in living_processes()), incomplete)


def words_beginning(known: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """Those words that begin so, without what a shell would take apart."""
    fitting = {word for word in known if word.startswith(incomplete)}
    return [CompletionItem(word) for word in sorted(fitting) if word and not set(word) & _SPECIAL]


_SPECIAL = frozenset(" \t\n\"'\\$`&|;<>()*?[]#~=%!{}")
"""Characters that a shell would take for its own: a process may call itself anything."""
