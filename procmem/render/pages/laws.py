"""The page of ``procmem crosscheck TARGET``: the laws of the layout, and what came of each."""

from collections.abc import Sequence

from procmem.model.laws import Outcome
from procmem.model.reports.laws import LawReport
from procmem.render.columns import column
from procmem.render.escaping import printable_text
from procmem.render.json.laws import laws_json
from procmem.render.page import Block, Facts, Page, Prose, Sheet
from procmem.render.pages.crosscheck import stage_blocks
from procmem.render.process_head import process_head
from procmem.text.failures import failure_text
from procmem.text.laws import law_figures, law_name, law_says, textbook_place
from procmem.text.pages.crosscheck import HEADINGS, outcome, told
from procmem.text.pages.drawing import area

__all__ = ["laws_page"]

_OUTCOMES = 14
_INDENT = 2


def laws_page(report: LawReport, *, everything: bool = False) -> Page:
    """How many laws hold, those that do not, the textbook's areas beside the real ones, and the exact comparison.

    With ``everything`` each law, with its figures.
    """
    held = sum(1 for law in report.laws if law.outcome is Outcome.HOLDS)
    broken = sum(1 for law in report.laws if law.outcome is Outcome.BROKEN)
    figures = {"held": held, "broken": broken, "others": len(report.laws) - held - broken}
    laws: list[Block] = [Prose(told("laws", **figures) if report.laws else told("no laws"))]
    for law in report.laws:
        if not everything and law.outcome is not Outcome.BROKEN:
            continue
        says = told("law", name=law_name(law.name), says=law_says(law))
        laws.append(Facts([(outcome(law.outcome.value), says)], indent=_INDENT, least=_OUTCOMES))
        by = told("by", figures=printable_text(law_figures(law)), source=law.source)
        laws.append(Prose(by, " " * (_INDENT + _OUTCOMES + 6)))
    if report.exact is not None:
        exact = [Prose(told("predicted")), *stage_blocks(report.exact)]
    else:
        why = "" if report.not_exact is None else failure_text(report.not_exact)
        exact = [Prose(told("not predicted", reason=printable_text(why)))]
    sections: list[Sequence[Block]] = [process_head(report.process), laws, [_counterparts(report)], exact]
    return Page(sections, lambda: _sheet(report), lambda: laws_json(report))


def _counterparts(report: LawReport) -> Sheet:
    digits = 8 if report.process.bits == 32 else 16
    last = (1 << 4 * digits) - 1
    rows = [
        (
            area(one.area),
            textbook_place(one.area),
            told("none") if one.here is None else f"{one.here[0]:0{digits}x}-{min(one.here[1], last):0{digits}x}",
        )
        for one in report.counterparts
    ]
    columns = (
        column(HEADINGS, "area", "text"),
        column(HEADINGS, "textbook", "text", rank=1),
        column(HEADINGS, "here", "text", least=33),
    )
    return Sheet(columns, rows)


def _sheet(report: LawReport) -> Sheet:
    """The laws, one row each."""
    columns = (
        column(HEADINGS, "law", "text"),
        column(HEADINGS, "outcome", "text"),
        column(HEADINGS, "says", "text"),
        column(HEADINGS, "figures", "text"),
        column(HEADINGS, "source", "text"),
    )
    rows = [(law_name(law.name), law.outcome.value, law_says(law), law_figures(law), law.source) for law in report.laws]
    return Sheet(columns, rows)
