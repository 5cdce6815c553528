"""The commands that are answered without Click as well: from their options to the exit status.

What one of them needs is imported by it, so that the other does not pay for it.
"""

from __future__ import annotations

from procmem.cli.output import Output
from procmem.errors import ExitStatus, Misuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procmem.model.region_filter import RegionFilter
    from procmem.model.reports.account import AccountReport
    from procmem.model.reports.explanation import Explanation
    from procmem.model.reports.inspection import Inspection
    from procmem.model.reports.system import Changes
    from procmem.model.reports.threads import ThreadReport
    from procmem.queries.all_processes import SystemLook, SystemOptions
    from procmem.queries.inspect import InspectOptions
    from procmem.queries.targets import Selection, TargetRef
    from procmem.render.page import Page

__all__ = [
    "answer_account",
    "answer_explain",
    "answer_inspect",
    "answer_system",
    "answer_threads",
    "has_room_for_commands",
    "page_of_system",
]

_WIDE_TERMINAL = 100
"""Columns that hold the figures of a process, its name, and some of its command line."""


def answer_inspect(targets: Selection, options: InspectOptions, output: Output) -> int:
    """Read, and show; the exit status."""
    from procmem.cli.multi_target import show_each  # noqa: PLC0415
    from procmem.queries.inspect import inspect, listed  # noqa: PLC0415
    from procmem.render.pages.inspect import inspect_page, picture_page  # noqa: PLC0415

    whole = output.format.is_document and options.lists_regions

    def look(ref: TargetRef) -> Inspection:
        with ref.open() as target:
            report = inspect(target, options, whole=whole)
        if options.picture or output.format.is_table:
            report.need_regions()  # of which nothing else is shown
        return report

    def page(report: Inspection) -> Page:
        page = inspect_page(report, output.heading, listed=listed(report.regions, options), sort=options.sort)
        return picture_page(report, page) if options.picture else page

    return show_each(targets, look, page, output)[1]


def answer_account(targets: Selection, output: Output, *, tools: bool = False) -> int:
    """Read, and show; the exit status. ``tools`` shows what other programs say, and nothing else."""
    from procmem.cli.multi_target import show_each  # noqa: PLC0415
    from procmem.queries.account import account_of  # noqa: PLC0415
    from procmem.render.pages.account import account_page  # noqa: PLC0415

    def answer(ref: TargetRef) -> AccountReport:
        with ref.open() as target:
            report = account_of(target)
        if output.format.is_table:
            report.need_leaves()  # of which nothing else is shown
        return report

    def page(report: AccountReport) -> Page:
        return account_page(report, output.style.size, output.heading, tools_only=tools)

    return show_each(targets, answer, page, output)[1]


def answer_explain(
    targets: Selection,
    output: Output,
    *,
    only: RegionFilter | None = None,
    address: int | None = None,
    findings_only: bool = False,
    deep: bool = False,
    **choices: Any,
) -> int:
    """Read, and show; the exit status.

    ``only`` are the regions to tell of, ``address`` is that of a single one; ``choices`` are those of
    :class:`procmem.render.pages.explain.ExplainChoice`.

    Raises:
        Misuse: nothing is mapped at the address.
    """
    from procmem.cli.multi_target import show_each  # noqa: PLC0415
    from procmem.queries.explain import explain, narrow  # noqa: PLC0415
    from procmem.render.pages.explain import ExplainChoice, explain_page, findings_page  # noqa: PLC0415

    def answer(ref: TargetRef) -> Explanation:
        with ref.open() as target:
            report = explain(target, deep=deep, address=address, whole=output.format.is_document)
        if output.format.is_table:
            report.inspection.need_regions()  # of which nothing else is shown
        if address is not None:
            _region_at(report, address)
        return report

    choice = ExplainChoice(**choices)

    def page(report: Explanation) -> Page:
        if findings_only:
            return findings_page(report)
        if address is not None and not output.format.is_document:
            return explain_page(report, choice._replace(only=_region_at(report, address), why=True))
        told, shown = (report, None) if only is None else narrow(report, only)
        return explain_page(told, choice._replace(shown=shown))

    return show_each(targets, answer, page, output)[1]


def _region_at(report: Explanation, address: int) -> int:
    """The region that holds an address.

    Raises:
        Misuse: nothing is mapped there.
    """
    regions = report.inspection.regions
    for index in range(len(regions) if regions is not None else 0):
        assert regions is not None
        if regions.start[index] <= address < regions.end[index]:
            return index
    raise Misuse("not-mapped", address=address)


def answer_threads(targets: Selection, output: Output, *, deep: bool = False) -> int:
    """Read, and show; the exit status."""
    from procmem.cli.multi_target import show_each  # noqa: PLC0415
    from procmem.queries.threads import threads_of  # noqa: PLC0415
    from procmem.render.pages.threads import threads_page  # noqa: PLC0415

    def answer(ref: TargetRef) -> ThreadReport:
        with ref.open() as target:
            return threads_of(target, deep=deep)

    return show_each(targets, answer, lambda report: threads_page(report, output.heading), output)[1]


def answer_system(options: SystemOptions, output: Output) -> int:
    """Read, and show; the exit status."""
    from procmem.queries.all_processes import look_at_system  # noqa: PLC0415

    options = options._replace(commands=has_room_for_commands(output))
    if options.mappings or options.classes:
        from procmem.cli.progress import progress  # noqa: PLC0415  # only where it takes long

        look = look_at_system(options, lambda answers, count: progress(answers, "reading", count=count))
    else:
        look = look_at_system(options)
    output.show([page_of_system(look, output.heading)])
    return ExitStatus.DONE


def has_room_for_commands(output: Output) -> bool:
    """Whether a table of processes shows their command lines: where that is asked for, or the terminal is wide."""
    if output.columns is not None:
        return "command" in output.columns
    width = output.style.width
    return output.wide or (output.format.holds_notes and width is not None and width >= _WIDE_TERMINAL)


def page_of_system(look: SystemLook, unit: str, changes: Changes | None = None) -> Page:
    """The page of one look at all processes; with ``changes``, what is different from the one before."""
    from procmem.render.pages.system import classes_page, mappings_page, system_page  # noqa: PLC0415

    if look.report is not None:
        return system_page(look.report, unit, look.tree, changes)
    if look.mapped is not None:
        found = look.mapped
        return mappings_page(
            found.rows,
            found.totals,
            unit,
            names=found.names,
            processes=found.processes,
            unreadable=found.unreadable,
            warnings=found.warnings,
            changes=changes,
        )
    assert look.classes is not None
    return classes_page(
        look.classes.classes,
        unit,
        processes=look.classes.processes,
        unreadable=look.classes.unreadable,
        warnings=look.classes.warnings,
        changes=changes,
    )
