"""``procmem threads``: which thread has which stack, and what threads share."""

import click

from procmem.cli.answers import answer_threads
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.cli.targets import target_options
from procmem.queries.targets import Selection
from procmem.text.help import threads as words

__all__ = ["threads"]


@command(help=words.HELP, epilog=words.EPILOG)
@target_options
@click.option("--deep", is_flag=True, help=words.DEEP)
@output_options("procmem/threads/1")
def threads(targets: Selection, output: Output, *, deep: bool) -> int:
    """Read, and show."""
    return answer_threads(targets, output, deep=deep)
