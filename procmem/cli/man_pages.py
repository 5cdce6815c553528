"""Manual pages of all commands, made of their help: what the wheel installs below share/man.

Source of the form: man-pages(7), groff_man(7).
"""

from __future__ import annotations

import click

from procmem import __version__
from procmem.cli.main import cli
from procmem.text import english
from procmem.text.help.commands import EXIT_STATUS, MANUAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["man_pages"]

_VERBATIM = "\b"


def man_pages() -> dict[str, str]:
    """File name (``procmem-inspect.1``) to page, in English whatever the language in use."""
    with english():
        return _pages()


def _pages() -> dict[str, str]:
    top = click.Context(cli, info_name="procmem", **cli.context_settings)
    return dict(_pages_of(cli, top))


def _pages_of(command: click.Command, ctx: click.Context) -> Iterator[tuple[str, str]]:
    """The page of a command, then those of the commands that it has."""
    yield f"{ctx.command_path.replace(' ', '-')}.1", _page(command, ctx)
    if not isinstance(command, click.Group):
        return
    for name in command.list_commands(ctx):
        found = command.get_command(ctx, name)
        assert found is not None
        yield from _pages_of(found, click.Context(found, info_name=name, parent=ctx, **found.context_settings))


def _page(command: click.Command, ctx: click.Context) -> str:
    path = ctx.command_path
    first, *more = _paragraphs(command.help or "")
    lines = [
        f'.TH "{path.replace(" ", "-").upper()}" "1" "" "procmem {__version__}" "{MANUAL}"',
        ".SH NAME",
        f"{_text(path.replace(' ', '-'))} \\- {_text(first)}",
        ".SH SYNOPSIS",
        f"\\fB{_text(path)}\\fR {_text(' '.join(command.collect_usage_pieces(ctx)))}",
        ".SH DESCRIPTION",
        *_prose([first, *more]),
    ]
    if isinstance(command, click.Group):
        lines.append(".SH COMMANDS")
        for name in command.list_commands(ctx):
            found = command.get_command(ctx, name)
            told = _paragraphs(found.help or "")[0] if found is not None else ""
            lines += [".TP", f"\\fB{_text(name)}\\fR", _text(told)]
    options = [param for param in command.get_params(ctx) if isinstance(param, click.Option)]
    lines.append(".SH OPTIONS")
    for option in options:
        record = option.get_help_record(ctx)
        if record is not None:
            lines += [".TP", f"\\fB{_text(record[0])}\\fR", _text(record[1])]
    if command.epilog:
        lines += [".SH EXAMPLES AND NOTES", *_prose(_paragraphs(command.epilog))]
    lines += [".SH EXIT STATUS", _text(EXIT_STATUS.partition(": ")[2])]
    lines += [".SH SEE ALSO", "\\fBprocmem\\fR(1), \\fBproc\\fR(5), \\fBpmap\\fR(1)"]
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> list[str]:
    return [part.strip("\n") for part in text.strip("\n").split("\n\n") if part.strip()] or [""]


def _prose(paragraphs: list[str]) -> Iterator[str]:
    """Paragraphs; what is laid out by hand stays as it is."""
    for paragraph in paragraphs:
        lines = paragraph.split("\n")
        if lines[0].strip(" ") == _VERBATIM:
            yield from (".PP", ".nf", *(_text(line) for line in lines[1:]), ".fi")
        else:
            yield from (".PP", _text(" ".join(line.strip() for line in lines)))


def _text(text: str) -> str:
    """Text in which nothing is a request or an escape of roff."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith((".", "\\(aq")) else escaped
