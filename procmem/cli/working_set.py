"""``procmem working-set``: which part of RES a process touches."""

from __future__ import annotations

import time
from contextlib import ExitStack

import click

from procmem.cli.error_handling import say
from procmem.cli.multi_target import for_each, show_answers
from procmem.cli.options import Seconds, command, output_options
from procmem.cli.output import Output
from procmem.cli.region_options import need_classes, region_options
from procmem.cli.targets import target_options
from procmem.errors import ExitStatus
from procmem.model.kinds import ByteClass
from procmem.model.region_filter import RegionFilter
from procmem.model.reports.working_set import WorkingSet
from procmem.queries.inspect import InspectOptions, listed
from procmem.queries.signals import listening
from procmem.queries.targets import Selection, TargetRef
from procmem.queries.working_set import TouchedPages
from procmem.render.page import Page
from procmem.render.pages.working_set import working_set_page
from procmem.text.help import working_set as words
from procmem.text.pages.working_set import told

__all__ = ["working_set"]


@command(help=words.HELP, epilog=words.EPILOG)
@target_options
@region_options
@click.option("--seconds", type=Seconds(0.01, 86_400), default=10.0, metavar="N", help=words.SECONDS)
@click.option("--regions", is_flag=True, help=words.REGIONS)
@output_options("procmem/working-set/1")
def working_set(targets: Selection, output: Output, only: RegionFilter, *, seconds: float, regions: bool) -> int:
    """Say what it costs, clear, wait, read, and show."""
    need_classes(only.classes, tuple(ByteClass))
    options = InspectOptions(regions=regions, only=only)
    with ExitStack() as held, listening():

        def opened(ref: TargetRef) -> TouchedPages:
            pages = TouchedPages(ref)
            held.callback(pages.close)
            return pages

        def cleared(pages: TouchedPages) -> TouchedPages:
            pages.clear()
            return pages

        def read(pages: TouchedPages) -> tuple[TargetRef, WorkingSet]:
            return pages.reference, pages.report()

        watched, not_opened = for_each(targets.refs(), opened)
        if not watched:
            return not_opened
        say(told("before", count=len(watched), seconds=seconds))
        watched, not_cleared = for_each(watched, cleared)
        is_whole = not watched or _waited(seconds)
        found, not_read = for_each(watched, read)

    def page(report: WorkingSet) -> Page:
        return working_set_page(report, output.heading, listed=listed(report.regions, options))

    show_answers(targets, found, page, output)
    failed = [status for status in (not_read, not_cleared, not_opened) if status != ExitStatus.DONE]
    return failed[0] if failed else ExitStatus.DONE if is_whole else ExitStatus.INTERRUPTED


def _waited(seconds: float) -> bool:
    """Wait; whether it was to the end, and nobody asked for an earlier one."""
    try:
        time.sleep(seconds)
    except KeyboardInterrupt:
        say(told("cut short"))
        return False
    return True
