"""``procmem shared``: who else maps what this process maps."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from procmem.analyse.inspection import warnings_of
from procmem.analyse.shared import shared_report
from procmem.cli.multi_target import for_each
from procmem.cli.output import echo_json, size_format, table_options
from procmem.cli.targets import Selection, TargetRef, target_options
from procmem.model.reports.shared import SharedReport
from procmem.queries.examine import examine
from procmem.queries.shared import find_sharers
from procmem.render.pages.shared import shared_json, shared_page, shared_sheet
from procmem.render.sheet import to_csv, to_markdown

if TYPE_CHECKING:
    from procmem.model.ports import Source

__all__ = ["shared"]

_EPILOG = """\b
Examples:
  procmem shared 1234              libraries, files and shared memory, and who else maps them
  procmem shared 1234 --all        every sharer by pid and name
  procmem shared 1234 --json
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@target_options
@click.option("--all", "all_sharers", is_flag=True, help="Name every sharer, not only the first few.")
@table_options("procmem/shared/1")
def shared(targets: Selection, *, all_sharers: bool, unit: str | None, form: str | None) -> int:
    """Show each object that a process maps, who else maps it, and what is private."""

    def answer(ref: TargetRef) -> SharedReport:
        with ref.open() as target:
            seen = examine(target)
        with _progress(ref.source) as pids:
            others = find_sharers(ref.source, pids, seen.snapshot)
        return shared_report(
            seen.snapshot,
            seen.regions,
            others.by_object,
            looked_at=others.looked_at,
            unreadable=others.unreadable,
            warnings=warnings_of(seen.snapshot, seen.regions, seen.peek_problem),
        )

    reports, status = for_each(targets.refs(), answer)
    size, heading = size_format(unit)
    if form == "json":
        echo_json([shared_json(report) for report in reports], several=targets.are_several(len(reports)))
    elif form is not None:
        sheets = [shared_sheet(report, all_sharers=True) for report in reports]
        click.echo("\n".join(to_csv(s) if form == "csv" else to_markdown(s, size) for s in sheets), nl=False)
    else:
        click.echo("\n".join(shared_page(r, size, heading, all_sharers=all_sharers) for r in reports), nl=False)
    return status


@contextmanager
def _progress(source: Source) -> Iterator[Iterator[int]]:
    """All pids of a source, with a bar on stderr where that is a terminal."""
    pids = [pid for pid in source.pids() if not source.is_live or pid != os.getpid()]
    if sys.stderr is not None and sys.stderr.isatty():
        with click.progressbar(pids, label="looking at other processes", file=sys.stderr) as bar:
            yield iter(bar)
    else:
        yield iter(pids)
