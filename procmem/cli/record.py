"""``procmem record``: write down what procmem reads of a process, to look at it elsewhere or later."""

from __future__ import annotations

import contextlib
import gc

import click

from procmem import __version__
from procmem.cli.error_handling import complain, tell_notes
from procmem.cli.multi_target import complain_of_ended, for_each
from procmem.cli.options import command
from procmem.cli.targets import target_options
from procmem.errors import AccessRefused, ExitStatus, Misuse, ProcessGone
from procmem.queries.options import duration_of, size_of
from procmem.queries.save_recording import Recorded, save_recording
from procmem.queries.save_recording import record as record_target
from procmem.queries.series import SeriesOptions, record_series, trigger_of
from procmem.queries.signals import listening
from procmem.queries.targets import Selection, TargetRef
from procmem.render.escaping import printable_text
from procmem.render.json.series import look_line
from procmem.text.help import record as words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["record"]


@command(help=words.HELP, epilog=words.EPILOG)
@target_options
@click.option("-o", "--output", required=True, metavar="PATH", help=words.OUTPUT)
@click.option("--deep", is_flag=True, help=words.DEEP)
@click.option("--keep-args", is_flag=True, help=words.KEEP_ARGS)
@click.option("--keep-host", is_flag=True, help=words.KEEP_HOST)
@click.option("--every", metavar="TIME", help=words.EVERY)
@click.option("--for", "duration", metavar="TIME", help=words.FOR)
@click.option("--when", "triggers", multiple=True, metavar="COND", help=words.WHEN)
@click.option("--max-size", default="64M", metavar="SIZE", help=words.MAX_SIZE)
def record(
    targets: Selection, output: str, *, keep_args: bool, keep_host: bool, deep: bool, every: str | None, **series: Any
) -> int:
    """Read, and write."""
    if every is not None:
        return _series(targets, output, every, deep=deep, keep_args=keep_args, **series)

    def answer(ref: TargetRef) -> Recorded:
        with ref.open() as target:
            recorded = record_target(target, deep=deep, keep_arguments=keep_args)
        tell_notes(ref.name, recorded.notes)
        return recorded

    with listening():
        recorded, status = for_each(targets.refs(), answer)
        if recorded:
            save_recording(recorded, output, version=__version__, keep_host=keep_host)
    if recorded:
        with contextlib.suppress(OSError):  # it is written; that nobody can be told so is no failure
            click.echo(printable_text(words.recorded(len(recorded), output)), err=True)
    return status


def _series(
    targets: Selection,
    path: str,
    every: str,
    *,
    deep: bool,
    keep_args: bool,
    duration: str | None,
    triggers: tuple[str, ...],
    max_size: str,
) -> int:
    """Look again and again, and write each look down, until the time is over or somebody ends it."""
    if targets.recording is not None:
        raise Misuse("recording-still")
    options = SeriesOptions(
        every=duration_of(every, "--every"),
        duration=None if duration is None else duration_of(duration, "--for"),
        most=size_of(max_size, "--max-size"),
        triggers=tuple(map(trigger_of, triggers)),
        deep=deep,
        keep_arguments=keep_args,
    )
    gc.enable()  # unlike most commands, this one may run for days
    looks = kept = 0
    refused: set[int] = set()
    with listening():
        try:
            for look, is_kept in record_series(targets, path, options, look_line):
                looks += 1
                kept += is_kept
                complain_of_ended([ProcessGone(pid, "ended") for pid in look.ended])
                for pid in set(look.refused) - refused:
                    complain(AccessRefused(pid, "nothing-readable"))
                refused |= set(look.refused)
        finally:
            if looks:
                with contextlib.suppress(OSError):
                    click.echo(printable_text(words.written(kept, looks, path)), err=True)
    return ExitStatus.DONE
