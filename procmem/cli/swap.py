"""``procmem swap``: who has what in swap, and whether that hurts."""

import click

from procmem.cli.multi_target import for_each
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.cli.targets import target_options
from procmem.errors import ExitStatus
from procmem.model.reports.swap import SwapRegion
from procmem.queries.swap_report import regions_in_swap, swap_of
from procmem.queries.targets import Selection, TargetRef, source_of
from procmem.render.pages.swap import swap_page
from procmem.text.help import swap as words

__all__ = ["swap"]


@command(help=words.HELP, epilog=words.EPILOG)
@target_options
@click.option("--interval", type=click.FloatRange(0, 3600), default=1.0, metavar="SECONDS", help=words.INTERVAL)
@click.option("--top", type=click.IntRange(min=0), default=20, metavar="N", help=words.TOP)
@output_options("procmem/swap/1", helps=words.FLAGS)
def swap(targets: Selection, output: Output, *, interval: float, top: int) -> int:
    """Read, and show."""
    found: list[SwapRegion] = []
    sources = []
    status: int = ExitStatus.DONE
    if targets.is_empty:
        sources.append(source_of(targets.procfs, None))
    else:

        def answer(ref: TargetRef) -> None:
            sources.append(ref.source)
            with ref.open() as target:
                found.extend(regions_in_swap(target))

        _, status = for_each(targets.refs(), answer)
        if not sources or status not in (ExitStatus.DONE, ExitStatus.SOME_MISSING):
            return status
    report = swap_of(sources[0], found, interval=interval)
    output.show([swap_page(report, output.style.size, output.heading, top)])
    return status
