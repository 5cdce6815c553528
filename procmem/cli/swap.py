"""``procmem swap``: who has what in swap, and whether that hurts."""

from __future__ import annotations

import os

import click

from procmem.analyse.swap import swap_regions, swap_report
from procmem.cli.multi_target import for_each
from procmem.cli.output import echo_json, size_format, table_options
from procmem.cli.targets import target_options
from procmem.errors import ExitStatus
from procmem.model.reports.swap import SwapRegion
from procmem.queries.examine import examine
from procmem.queries.swap import read_swap
from procmem.queries.targets import Selection, TargetRef
from procmem.render.pages.swap import ranking_sheet, swap_json, swap_page
from procmem.render.sheet import to_csv, to_markdown
from procmem.sources.find import user_name

__all__ = ["swap"]

_EPILOG = """\b
Examples:
  procmem swap                    the machine: who has what in swap, and does it hurt
  procmem swap 1234               also which of its regions are in swap
  procmem swap --interval 10      watch longer before judging
  procmem swap --interval 0       at once, without rates

Needs root to see the swap of others' shared memory. Reading does not bring anything back from swap.
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@target_options
@click.option(
    "--interval", type=click.FloatRange(0, 3600), default=1.0, metavar="SECONDS", help="Time between two readings (1)."
)
@click.option("--top", type=click.IntRange(min=0), default=20, metavar="N", help="Show the N processes with most (20).")
@table_options("procmem/swap/1")
def swap(targets: Selection, *, interval: float, top: int, unit: str | None, form: str | None) -> int:
    """Say who has what in swap, whether that hurts, and what swapoff would do."""
    found: list[SwapRegion] = []
    sources = []
    status: int = ExitStatus.DONE
    if targets.words or targets.recording or targets.name or targets.user:

        def answer(ref: TargetRef) -> None:
            sources.append(ref.source)
            with ref.open() as target:
                seen = examine(target)
            found.extend(swap_regions(seen.snapshot.pid, seen.regions))

        _, status = for_each(targets.refs(), answer)
        if not sources or status not in (ExitStatus.DONE, ExitStatus.SOME_MISSING):
            return status
    else:
        from procmem.sources.live import ProcSource  # noqa: PLC0415  # not needed for --help

        sources.append(ProcSource(targets.procfs or "/proc"))
    source = sources[0]
    pids = [pid for pid in source.pids() if not source.is_live or pid != os.getpid()]
    report = swap_report(read_swap(source, pids, interval=interval, users=user_name if source.is_live else str), found)
    size, heading = size_format(unit)
    if form == "json":
        echo_json([swap_json(report)], several=False)
    elif form is not None:
        sheet = ranking_sheet(report)
        click.echo(to_csv(sheet) if form == "csv" else to_markdown(sheet, size), nl=False)
    else:
        click.echo(swap_page(report, size, heading, top), nl=False)
    return status
