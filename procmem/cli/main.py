"""The group of commands, loaded one at a time; click runs without its own error handling, behind our door."""

import importlib
import os
import sys

import click

from procmem.cli import COMMANDS
from procmem.cli.error_handling import guarded
from procmem.errors import ExitStatus
from procmem.text import use_language_of_command

__all__ = ["cli", "run"]

_EPILOG = """\b
Examples:
  procmem inspect 1234              what is in process 1234's memory
  procmem inspect --regions self    every byte range of procmem itself
  procmem record 1234 -o bug.tar.gz then: procmem inspect --from bug.tar.gz

\b
Exit status: 0 done, 1 internal error, 2 usage, 3 no such process, 4 not permitted,
5 bad input file, 6 could not write, 7 a check found a difference,
42 some of several processes not found, 130 interrupted.
"""


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"procmem.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_LazyGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=lambda ctx, _, wanted: _version(ctx, wanted)
)
def cli() -> None:
    """Look into the memory of Linux processes: every byte range named, accounted for and explained."""


def _version(ctx: click.Context, wanted: bool) -> None:
    if wanted:
        from procmem import __version__  # noqa: PLC0415  # only here

        click.echo(f"procmem {__version__}")
        ctx.exit()


def run() -> int:
    """Run one command and give its exit status."""
    return guarded(_run)


def _run() -> object:
    use_language_of_command(sys.argv[1:], os.environ)
    try:
        return cli.main(prog_name="procmem", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        return ExitStatus.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return ExitStatus.USAGE
