"""``procmem record``: write down what procmem reads of a process, to look at it elsewhere or later."""

import contextlib

import click

from procmem import __version__
from procmem.cli.error_handling import tell_notes
from procmem.cli.multi_target import for_each
from procmem.cli.options import command
from procmem.cli.targets import target_options
from procmem.queries.save_recording import Recorded, save_recording
from procmem.queries.save_recording import record as record_target
from procmem.queries.signals import listening
from procmem.queries.targets import Selection, TargetRef
from procmem.render.escaping import printable_text
from procmem.text.help import record as words

__all__ = ["record"]


@command(help=words.HELP, epilog=words.EPILOG)
@target_options
@click.option("-o", "--output", required=True, metavar="PATH", help=words.OUTPUT)
@click.option("--deep", is_flag=True, help=words.DEEP)
@click.option("--keep-args", is_flag=True, help=words.KEEP_ARGS)
def record(targets: Selection, output: str, *, keep_args: bool, deep: bool) -> int:
    """Read, and write."""

    def answer(ref: TargetRef) -> Recorded:
        with ref.open() as target:
            recorded = record_target(target, deep=deep, keep_arguments=keep_args)
        tell_notes(ref.name, recorded.notes)
        return recorded

    with listening():
        recorded, status = for_each(targets.refs(), answer)
        if recorded:
            save_recording(recorded, output, version=__version__)
    if recorded:
        with contextlib.suppress(OSError):  # it is written; that nobody can be told so is no failure
            click.echo(printable_text(words.recorded(len(recorded), output)), err=True)
    return status
