"""The document ``procmem/laws/1``."""

from __future__ import annotations

from procmem.model.laws import Law
from procmem.model.reports.laws import Counterpart, LawReport
from procmem.render.json.fields import address, facts_json
from procmem.render.json.simulate import cross_json
from procmem.text import english
from procmem.text.failures import failure_text
from procmem.text.laws import law_figures, law_name, law_says, textbook_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SCHEMA", "laws_json"]

SCHEMA = "procmem/laws/1"


@english()
def laws_json(report: LawReport) -> dict[str, Any]:
    """The report as plain values."""
    return {
        "schema": SCHEMA,
        "process": facts_json(report.process),
        "holds": report.holds,
        "laws": [_law(law) for law in report.laws],
        "counterparts": [_counterpart(one) for one in report.counterparts],
        "exact": None if report.exact is None else cross_json([report.exact]),
        "not_exact": None if report.not_exact is None else failure_text(report.not_exact),
    }


def _law(law: Law) -> dict[str, Any]:
    return {
        "name": law_name(law.name),
        "row": law.row,
        "says": law_says(law),
        "outcome": law.outcome.value,
        "figures": law_figures(law),
        "source": law.source,
    }


def _counterpart(one: Counterpart) -> dict[str, Any]:
    start, end = one.here or (None, None)
    return {"area": one.area, "textbook": textbook_place(one.area), "start": address(start), "end": address(end)}
