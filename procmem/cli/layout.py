"""Options that decide a layout, shared by ``simulate``, ``simulate-memory`` and ``crosscheck run``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import click

from procmem.errors import Misuse
from procmem.model.simulation import KernelFacts, KernelKind, Settings, Stage
from procmem.queries.options import limit_of
from procmem.text.help.simulate import OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from procmem.model.program_files import ProgramFiles

    _Command = TypeVar("_Command", bound=Callable[..., Any])

__all__ = ["layout_options", "script_of", "started_program", "variables"]

_TEXTBOOK = "/usr/bin/textbook"


def layout_options(command: _Command) -> _Command:
    """Add the options."""
    kinds = click.Choice([kind.value for kind in KernelKind])
    options = (
        click.option("--kernel", type=kinds, help=OPTIONS["kernel"]),
        click.option("--limit-3gb/--no-limit-3gb", default=True, help=OPTIONS["limit_3gb"]),
        click.option("--aslr/--no-aslr", default=False, help=OPTIONS["aslr"]),
        click.option("--legacy", is_flag=True, help=OPTIONS["legacy"]),
        click.option("--stack-limit", default="8M", metavar="SIZE", help=OPTIONS["stack_limit"]),
        click.option("-X", "--execstack", is_flag=True, help=OPTIONS["execstack"]),
        click.option("--env", multiple=True, metavar="NAME=VALUE", help=OPTIONS["env"]),
    )
    for option in reversed(options):
        command = option(command)
    return command


def script_of(given: dict[str, Any], *, has_program: bool, stage: Stage) -> str | None:
    """What main shall do: the user's script, threads, or the textbook's own steps."""
    from procmem.queries.simulate import SCRIPT_OF_TEXTBOOK, read_script  # noqa: PLC0415  # not needed for --help

    if given["script"] is not None or given["threads"]:
        if stage is not Stage.MAIN:
            raise Misuse("script-begins-at-main")
        text = read_script(given["script"]) if given["script"] is not None else ""
        return "thread\n" * int(given["threads"]) + text
    return None if has_program or stage is not Stage.MAIN else SCRIPT_OF_TEXTBOOK


def variables(given: dict[str, Any]) -> tuple[bytes, ...]:
    """The environment that the options give the program."""
    for text in given["env"]:
        if "=" not in text:
            raise Misuse("env-form", text=text)
    return tuple(os.fsencode(text) for text in given["env"])


def started_program(
    words: Sequence[str], given: dict[str, Any], facts_of: Callable[[KernelKind], KernelFacts] | None = None
) -> tuple[ProgramFiles, Settings]:
    """The program that ``words`` name with its arguments, or that of the textbook, and how the options start it.

    ``facts_of`` gives the facts of a kernel, where they are not those of a kernel of today.
    """
    from procmem.queries import simulate as query  # noqa: PLC0415  # not needed for --help

    files = query.files_of(os.fsencode(words[0]) if words else None, variables(given))
    kernel = query.kernel_of(files, given["kernel"])
    facts = query.kernel_facts(kernel)[0] if facts_of is None else facts_of(kernel)
    settings = _settings(words, given, kernel, facts, query.machine_randomize() if given["aslr"] else 0)
    return files, query.really(settings, files)


def _settings(
    words: Sequence[str], given: dict[str, Any], kernel: KernelKind, facts: KernelFacts, randomize: int
) -> Settings:
    path = os.fsencode(words[0]) if words else os.fsencode(_TEXTBOOK)
    return Settings(
        kernel=kernel,
        limit_3gb=given["limit_3gb"],
        randomize=randomize if given["aslr"] else 0,
        legacy=given["legacy"],
        read_implies_exec=given["execstack"],
        stack_limit=limit_of(given["stack_limit"], "--stack-limit"),
        exec_path=path,
        argv=tuple(os.fsencode(word) for word in words) or (os.fsencode(os.path.basename(_TEXTBOOK)),),
        env=variables(given),
        facts=facts,
    )
