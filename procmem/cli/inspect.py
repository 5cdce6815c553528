"""``procmem inspect``: what is in a process's memory."""

from typing import Any

import click

from procmem.cli.flags import INSPECT_FLAGS
from procmem.cli.inspect_answer import SORTS, Wish, answer, classes_of
from procmem.cli.output import flag_options
from procmem.cli.sizes import size_of
from procmem.cli.targets import target_options
from procmem.queries.targets import Selection

__all__ = ["inspect"]

_EPILOG = """\b
Examples:
  procmem inspect 1234                      the page for a person
  procmem inspect 1234 --classic            the six areas of the textbook
  procmem inspect 1234 --regions --class heap --sort rss
  procmem inspect 1234 --json --regions     every byte range, for programs
  procmem inspect --from bug.tar.gz         a recording, as if it were here
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@target_options
@click.option(
    "--class", "classes", multiple=True, metavar="CLASS", help="List regions of this class only (repeatable)."
)
@click.option("--min-size", default="0", metavar="SIZE", help="List regions of at least this size (4096, 64K, 1M).")
@click.option("--sort", type=click.Choice(SORTS), help="Sort tables by a column, largest first.")
@flag_options(INSPECT_FLAGS)
def inspect(targets: Selection, classes: tuple[str, ...], min_size: str, **others: Any) -> int:
    """Say what is in a process's memory.

    TARGET is a pid, 'self', /proc/PID, a recording, or '-' for pids on standard input.
    """
    known = classes_of(classic=others["classic"])
    for name in classes:
        if name not in known:
            raise click.UsageError(f"--class {name!r}: it is one of {', '.join(known)}")
    return answer(targets, Wish(classes=classes, min_size=size_of(min_size), **others))
