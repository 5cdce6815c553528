"""The group of commands, loaded one at a time, and the error door.

click by itself prints a traceback on a full disk, exits with 1 on Ctrl-C and knows no closed output; all of
that is mended here, in one place, by running it without its own error handling.
"""

import errno
import importlib
import io
import os
import sys

import click

from procmem.cli import COMMANDS
from procmem.errors import ExitStatus, ProcmemError

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


def complain(error: ProcmemError) -> None:
    """Print an error as one line on stderr, its hint behind it."""
    from procmem.render.text import printable_text  # noqa: PLC0415  # only on the way out

    hint = f" ({printable_text(error.hint)})" if error.hint else ""
    click.echo(f"procmem: {printable_text(str(error))}{hint}", err=True)


def run() -> int:
    """Run one command and give its exit status; never a traceback for what a user can act on."""
    if sys.stdout is None:
        sys.stdout = _ClosedOutput()
    try:
        status = cli.main(prog_name="procmem", standalone_mode=False)
        _flush()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        return ExitStatus.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return ExitStatus.USAGE
    except ProcmemError as error:
        complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except (BrokenPipeError, SystemExit):  # click makes an exit(1) of a closed pipe
        return _drop_output()
    except OSError as error:
        if error.errno == errno.EPIPE:
            return _drop_output()
        click.echo(f"procmem: output: {error.strerror} (free some space, or write elsewhere)", err=True)
        _drop_output()
        return ExitStatus.CANNOT_WRITE
    except RecursionError:
        click.echo("procmem: internal error: input nested too deeply", err=True)
        return ExitStatus.INTERNAL
    except Exception as error:  # the last door: a bug is ours, and still one line
        if os.environ.get("PROCMEM_DEBUG"):
            raise
        click.echo(
            f"procmem: internal error: {type(error).__name__}: {error} (set PROCMEM_DEBUG=1 for a traceback)",
            err=True,
        )
        return ExitStatus.INTERNAL
    return status if isinstance(status, int) else ExitStatus.DONE


class _ClosedOutput(io.TextIOBase):
    """Stands in for an output that the shell has closed (``>&-``): what writes to it fails, and the rest works."""

    encoding = "utf-8"
    errors = "strict"

    def write(self, text: str) -> int:
        """Refuse.

        Raises:
            OSError: always.
        """
        del text
        raise OSError(errno.EBADF, "it is closed")


def _flush() -> None:
    """Write out what is buffered, while an error can still be told."""
    sys.stdout.flush()


def _drop_output() -> int:
    """Point stdout to nowhere, so that the interpreter's own flush at exit stays quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return ExitStatus.DONE
