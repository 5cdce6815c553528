"""The two commands that are answered without Click as well: from their options to the exit status.

What one of them needs is imported by it, so that the other does not pay for it.
"""

from __future__ import annotations

from procmem.cli.output import Output
from procmem.errors import ExitStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.reports.inspection import Inspection
    from procmem.queries.all_processes import SystemOptions
    from procmem.queries.inspect import InspectOptions
    from procmem.queries.targets import Selection, TargetRef
    from procmem.render.page import Page

__all__ = ["answer_inspect", "answer_system"]


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


def answer_system(options: SystemOptions, output: Output) -> int:
    """Read, and show; the exit status."""
    from procmem.queries.all_processes import machine_classes, system  # noqa: PLC0415
    from procmem.render.pages.system import classes_page, system_page  # noqa: PLC0415

    if options.classes:
        from procmem.cli.progress import progress  # noqa: PLC0415  # only where it takes long

        found = machine_classes(options, lambda answers, count: progress(answers, "reading", count=count))
        page = classes_page(
            found.classes,
            output.heading,
            processes=found.processes,
            unreadable=found.unreadable,
            warnings=found.warnings,
        )
    else:
        report, tree = system(options)
        page = system_page(report, output.heading, tree)
    output.show([page])
    return ExitStatus.DONE
