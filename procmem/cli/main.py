"""The group of commands, loaded one at a time; click runs without its own error handling."""

import difflib
import importlib
import os
import sys

import click

from procmem.cli.error_handling import guarded
from procmem.cli.options import CommandGroup, language_option, usage_error
from procmem.errors import ExitStatus, Misuse
from procmem.queries.targets import is_target
from procmem.text import gettext, use_language_of_command
from procmem.text.help.commands import COMMANDS, EPILOG, HELP, VERSION

__all__ = ["cli", "run"]

_HOMES_MAX = 3
"""An option that more commands have is not told of: its name alone says where it belongs."""


class _LazyGroup(CommandGroup):
    """A group whose commands are imported when they are called."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named; what is looked into where a process or a recording stands in its place.

        Raises:
            Misuse: neither.
        """
        name = args[0]
        if ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        if name not in COMMANDS and not name.startswith("-"):
            if is_target(name):
                return super().resolve_command(ctx, ["inspect", *args])
            close = difflib.get_close_matches(name, COMMANDS, n=2)
            raise Misuse("no-command-but", name=name, close=tuple(close)) if close else Misuse("no-command", name=name)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(importlib.import_module(f"procmem.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section(gettext("Commands")):
            formatter.write_dl([(name, gettext(line)) for name, line in COMMANDS.items()])


@click.group(cls=_LazyGroup, help=HELP, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    help=VERSION,
    callback=lambda ctx, _, wanted: _version(ctx, wanted),
)
@language_option
def cli() -> None:
    """Look into the memory of Linux processes."""


def _version(ctx: click.Context, wanted: bool) -> None:
    if wanted:
        from procmem import __version__  # noqa: PLC0415  # only here

        click.echo(f"procmem {__version__}")
        ctx.exit()


def run() -> int:
    """Run one command and give its exit status."""
    return guarded(_run)


def _run() -> object:
    try:
        use_language_of_command(sys.argv[1:], os.environ)
        return cli.main(prog_name="procmem", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        return ExitStatus.INTERRUPTED
    except Misuse as error:  # before there is a command to tell the usage of
        usage_error(error).show()
        return ExitStatus.USAGE
    except click.ClickException as error:
        (_with_homes(error) if isinstance(error, click.NoSuchOption) else error).show()
        return ExitStatus.USAGE


def _with_homes(error: click.NoSuchOption) -> click.UsageError:
    """The same error, with the commands that have the option that this one lacks; as it is where there are none."""
    ctx = error.ctx
    if ctx is None or ctx.command is cli:
        return error
    homes = [
        name
        for name in COMMANDS
        if (command := cli.get_command(ctx, name)) is not None
        and any(error.option_name in param.opts for param in command.params)
    ]
    if not 0 < len(homes) <= _HOMES_MAX:
        return error
    told = Misuse(
        "option-of-others", command=ctx.info_name or "", name=error.option_name, commands=tuple(sorted(homes))
    )
    return usage_error(told, ctx)
