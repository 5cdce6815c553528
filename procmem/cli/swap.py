"""``procmem swap``: who has what in swap, and whether that hurts."""

import click

from procmem.cli.multi_target import for_each
from procmem.cli.options import Seconds, command, output_options
from procmem.cli.output import Output
from procmem.cli.targets import optional_targets
from procmem.errors import ExitStatus, Misuse
from procmem.model.ports import Source
from procmem.model.reports.swap import SwapRegion
from procmem.queries.swap_report import regions_in_swap, swap_of
from procmem.queries.targets import Selection, TargetRef, source_of
from procmem.render.pages.swap import swap_page
from procmem.text.help import swap as words

__all__ = ["swap"]

_INTERVAL_SECONDS = 1.0
_PROCESSES_SHOWN = 20


@command(help=words.HELP, epilog=words.EPILOG)
@optional_targets
@click.option("--interval", type=Seconds(0, 3600), metavar="SECONDS", help=words.INTERVAL)
@click.option("--top", type=click.IntRange(min=0), metavar="N", help=words.TOP)
@output_options("procmem/swap/1", helps=words.FLAGS)
def swap(targets: Selection, output: Output, *, interval: float | None, top: int | None) -> int:
    """Read, and show."""
    found: list[SwapRegion] = []
    status: int = ExitStatus.DONE
    if targets.is_empty:
        sources = [source_of(targets.procfs, None)]
    else:

        def answer(ref: TargetRef) -> Source:
            with ref.open() as target:
                found.extend(regions_in_swap(target))
            source: Source = ref.source
            return source

        sources, status = for_each(targets.refs(), answer)
        if not sources:
            return status
    if interval is not None and not sources[0].is_live:
        raise Misuse("interval-of-recording")
    report = swap_of(sources[0], found, interval=_INTERVAL_SECONDS if interval is None else interval)
    shown = _PROCESSES_SHOWN if top is None and not output.format.is_table else top
    output.show([swap_page(report, output.style.size, output.heading, shown)])
    return status
