"""``procmem explain``: the annotated map, its findings, and the glossary."""

from __future__ import annotations

import click

from procmem.cli.flags import REPORT_FLAGS
from procmem.cli.multi_target import show_each
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.cli.region_options import need_classes, region_options
from procmem.cli.targets import optional_targets
from procmem.errors import Misuse
from procmem.model.kinds import ByteClass
from procmem.model.region_filter import RegionFilter
from procmem.model.reports.explanation import Explanation
from procmem.queries.explain import explain as explain_target
from procmem.queries.explain import narrow
from procmem.queries.options import address_of
from procmem.queries.targets import Selection, TargetRef
from procmem.render.page import Page
from procmem.render.pages.explain import ExplainChoice, explain_page, findings_page, glossary_page
from procmem.text.glossary import term_of, terms
from procmem.text.help import explain as words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["explain"]


@command(help=words.HELP, epilog=words.EPILOG)
@optional_targets
@click.option("--flat", is_flag=True, help=words.FLAT)
@click.option("--descending", is_flag=True, help=words.DESCENDING)
@click.option("--why", is_flag=True, help=words.WHY)
@click.option("--brief", is_flag=True, help=words.BRIEF)
@region_options
@click.option("--address", metavar="ADDR", help=words.ADDRESS)
@click.option("--findings", "findings_only", is_flag=True, help=words.FINDINGS)
@click.option("--glossary", is_flag=True, help=words.GLOSSARY)
@click.option("--deep", is_flag=True, help=words.DEEP)
@output_options("procmem/explain/1", flags=REPORT_FLAGS, helps=words.FLAGS)
def explain(
    targets: Selection,
    output: Output,
    *,
    only: RegionFilter,
    address: str | None,
    findings_only: bool,
    glossary: bool,
    deep: bool,
    **choices: Any,
) -> int:
    """Read, and show."""
    if glossary:
        return _glossary(targets.words, output)
    need_classes(only.classes, tuple(ByteClass))
    wanted = None if address is None else address_of(address)

    def answer(ref: TargetRef) -> Explanation:
        with ref.open() as target:
            report = explain_target(target, deep=deep, address=wanted, whole=output.format.is_document)
        if output.format.is_table:
            report.inspection.need_regions()  # of which nothing else is shown
        if wanted is not None:
            _region_at(report, wanted)
        return report

    choice = ExplainChoice(**choices)

    def page(report: Explanation) -> Page:
        if findings_only:
            return findings_page(report)
        if wanted is not None and not output.format.is_document:
            return explain_page(report, choice._replace(only=_region_at(report, wanted), why=True))
        told, shown = narrow(report, only)
        return explain_page(told, choice._replace(shown=shown))

    return show_each(targets, answer, page, output)[1]


def _glossary(wanted: tuple[str, ...], output: Output) -> int:
    page = glossary_page(wanted)
    if page is None:
        known = terms()
        unknown = next(word for word in wanted if term_of(word) is None)
        raise Misuse("no-term", term=unknown, terms=tuple(known))
    output.show([page])
    return 0


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
