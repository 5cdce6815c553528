"""``procmem growth``: which code fills a process's memory, while it does."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from contextlib import ExitStack

import click

from procmem.cli.error_handling import say
from procmem.cli.multi_target import for_each, show_answers
from procmem.cli.options import Seconds, command, output_options
from procmem.cli.output import Output
from procmem.cli.targets import target_options
from procmem.errors import ExitStatus
from procmem.model.growth_document import GROWTH_SCHEMA
from procmem.model.reports.growth import GROUPINGS
from procmem.queries.signals import interruptible, listening, signals_held
from procmem.queries.targets import Selection, TargetRef
from procmem.render.growth_stacks import GROWTH_MEASURES, growth_stacks
from procmem.render.page import Page
from procmem.render.profiles import PROFILES
from procmem.text.help import growth as words
from procmem.text.pages.growth import told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.reports.growth import CodeGrowth
    from procmem.queries.growth import GrowthWatch

__all__ = ["growth"]

_STEP_SECONDS = 0.1


@command(help=words.HELP, epilog=words.EPILOG)
@target_options
@click.option("--seconds", type=Seconds(0.05, 86_400), default=10.0, metavar="N", help=words.SECONDS)
@click.option("--until", metavar="CONDITION", help=words.UNTIL)
@click.option("--by", type=click.Choice(GROUPINGS), help=words.BY)
@click.option("--top", type=click.IntRange(min=1), default=20, metavar="N", help=words.TOP)
@click.option("-o", "--output", "kept", metavar="FILE", help=words.OUTPUT)
@click.option("--format", "profile", type=click.Choice(list(PROFILES)), help=words.FORMAT)
@click.option("--value", type=click.Choice(GROWTH_MEASURES), default="bytes", help=words.VALUE)
@output_options(GROWTH_SCHEMA)
def growth(
    targets: Selection,
    output: Output,
    *,
    seconds: float,
    until: str | None,
    by: str | None,
    top: int,
    kept: str | None,
    profile: str | None,
    value: str,
) -> int:
    """Watch, look again, and show."""
    from procmem.cli.exports import profile_output  # noqa: PLC0415  # not needed for --help
    from procmem.queries.growth import saved_growth  # noqa: PLC0415  # the same
    from procmem.queries.save import may_save_text  # noqa: PLC0415  # the same
    from procmem.render.pages.growth import check_columns  # noqa: PLC0415  # the same

    check_columns(output.columns, by)
    if kept is not None:
        may_save_text(kept, new=True)
    if targets.recording is not None:
        saved = saved_growth(targets.recording, targets.words)
        found = [(TargetRef(targets.recording, None, one.process.pid), one) for one in saved]
        status: int = ExitStatus.DONE
    with ExitStack() as held:
        write = None if profile is None else held.enter_context(profile_output(profile))
        if targets.recording is None:
            found, status = _watched(targets, seconds, until)
        reports = [report for _, report in found]
        if write is not None:
            if reports:
                write(growth_stacks(reports), value)
            return status
    try:
        if reports and kept is not None:
            _keep(kept, reports, output)
    finally:  # what was watched is shown, also where it could not be kept
        _show(targets, found, output, by=by, top=top)
    return status


def _watched(targets: Selection, seconds: float, until: str | None) -> tuple[list[tuple[TargetRef, CodeGrowth]], int]:
    """Watch all targets for so long; what was found, and the exit status."""
    from procmem.queries.growth import GrowthWatch, trigger_of  # noqa: PLC0415  # not needed for --help

    trigger = None if until is None else trigger_of(until)
    with ExitStack() as held, listening():

        def opened(ref: TargetRef) -> GrowthWatch:
            watch = GrowthWatch(ref, trigger)
            held.callback(watch.close)
            return watch

        watches, not_opened = for_each(targets.refs(), opened)
        if not watches:
            return [], not_opened
        is_whole = _followed(watches, seconds)

        def read(watch: GrowthWatch) -> tuple[TargetRef, CodeGrowth]:
            return watch.reference, watch.report()

        found, not_read = for_each(watches, read)
    failed = [status for status in (not_read, not_opened) if status != ExitStatus.DONE]
    return found, failed[0] if failed else ExitStatus.DONE if is_whole else ExitStatus.INTERRUPTED


def _followed(watches: Sequence[GrowthWatch], seconds: float) -> bool:
    """Follow all until the time is over or nothing is left to wait for; whether nobody asked for an earlier end."""
    try:
        with signals_held():
            with interruptible():
                say(told("before", count=len(watches), seconds=seconds))
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                with interruptible():
                    for watch in watches:
                        watch.wait(min(left, _STEP_SECONDS) / len(watches))
                going = [watch.follow() for watch in watches]
                if not any(going):
                    break
    except KeyboardInterrupt:
        say(told("cut short"))
        return False
    return True


def _keep(path: str, reports: Sequence[CodeGrowth], output: Output) -> None:
    """Write what was found into a file."""
    from procmem.queries.save import save_text  # noqa: PLC0415  # seldom
    from procmem.render.formats import JSON, write  # noqa: PLC0415  # the same
    from procmem.render.pages.growth import growth_page  # noqa: PLC0415  # the same

    pages = [growth_page(one, (), (), "", by=None, top=1) for one in reports]
    save_text(path, write(JSON, pages, output.style, several=len(pages) > 1))
    with contextlib.suppress(OSError):  # it is written; that nobody can be told so is no failure
        say(told("saved", path=path))


def _show(
    targets: Selection, found: Sequence[tuple[TargetRef, CodeGrowth]], output: Output, *, by: str | None, top: int
) -> None:
    from procmem.queries.growth import sums_of  # noqa: PLC0415  # not needed for --help
    from procmem.render.pages.growth import growth_page  # noqa: PLC0415  # the same

    def page(report: CodeGrowth) -> Page:
        functions = sums_of(report, "function")
        return growth_page(report, sums_of(report, by), functions, output.heading, by=by, top=top)

    show_answers(targets, found, page, output)
