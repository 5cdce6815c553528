"""Printing reports: what every command does alike with its answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from procmem.cli.flags import table_flags
from procmem.render.human import SizeFormat, exact_bytes, human_size, kib

if TYPE_CHECKING:
    from procmem.cli.flags import Flag

__all__ = ["echo", "echo_json", "flag_options", "messages_locale", "size_format", "table_options", "unicode_output"]

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


def table_options(schema: str) -> Callable[[_Decorated], _Decorated]:
    """Add the options of a report that is one table: its units (``unit``) and its formats (``form``)."""
    return flag_options(table_flags(schema))


def flag_options(flags: Sequence[Flag]) -> Callable[[_Decorated], _Decorated]:
    """Add options from a table of flags."""
    import click  # noqa: PLC0415  # the plainest command lines do without it

    def add(command: _Decorated) -> _Decorated:
        for flag in reversed(flags):
            kind = {"is_flag": True} if flag.value is True else {"flag_value": flag.value}
            command = click.option(flag.word, flag.argument, help=flag.help, **kind)(command)
        return command

    return add


def echo(text: str) -> None:
    """Print a report; an error is met here, not when the program ends."""
    sys.stdout.write(text)
    sys.stdout.flush()


def echo_json(documents: Sequence[Any], *, several: bool) -> None:
    """Print one JSON document, or a list of them where several processes were asked for."""
    import json  # noqa: PLC0415  # only this format needs it

    if documents or several:
        echo(json.dumps(list(documents) if several else documents[0], indent=1) + "\n")


def size_format(unit: str | None) -> tuple[SizeFormat, str]:
    """The writer of sizes for --bytes, --human or neither, and the line that names the unit."""
    if unit == "bytes":
        return exact_bytes, "sizes in bytes"
    return (human_size, "") if unit == "human" else (kib, "sizes in KiB")


def messages_locale() -> str:
    """The locale in which the user wants to be spoken to, empty where none is set."""
    return os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG", "")


def unicode_output() -> bool:
    """Whether the output can hold line-drawing characters.

    In the C locale Python writes UTF-8 all the same, but the terminal was told otherwise.
    """
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    told = "utf" in locale.lower() or os.environ.get("PYTHONUTF8") == "1"
    return told and (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
