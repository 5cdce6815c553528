"""``procmem shared``: who else maps what this process maps."""

import click

from procmem.cli.multi_target import show_each
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.cli.progress import progress
from procmem.cli.targets import target_options
from procmem.model.reports.shared import SharedReport
from procmem.queries.shared import shared_of
from procmem.queries.targets import Selection, TargetRef, other_pids
from procmem.render.page import Page
from procmem.render.pages.shared import shared_page
from procmem.text.help import shared as words

__all__ = ["shared"]


@command(help=words.HELP, epilog=words.EPILOG)
@target_options
@click.option("--all", "all_sharers", is_flag=True, help=words.ALL)
@output_options("procmem/shared/1")
def shared(targets: Selection, output: Output, *, all_sharers: bool) -> int:
    """Read, and show."""

    def answer(ref: TargetRef) -> SharedReport:
        with ref.open() as target, progress(other_pids(ref.source), "looking at other processes") as pids:
            return shared_of(target, ref.source, pids)

    def page(report: SharedReport) -> Page:
        return shared_page(report, output.heading, all_sharers=all_sharers)

    return show_each(targets, answer, page, output)[1]
