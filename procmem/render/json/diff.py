"""The document ``procmem/diff/1``."""

from __future__ import annotations

from procmem.model.reports.diff import Change, DiffReport, Figures
from procmem.render.escaping import printable_text
from procmem.render.json.fields import address
from procmem.text import english
from procmem.text.diff import failure_text, whose_text
from procmem.text.notes import note_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SCHEMA", "diff_json"]

SCHEMA = "procmem/diff/1"


@english()
def diff_json(report: DiffReport) -> dict[str, Any]:
    """The report as plain values; all regions are there, the unchanged ones too."""
    return {
        "schema": SCHEMA,
        "before": printable_text(report.names[0]),
        "after": printable_text(report.names[1]),
        "verdict": "same" if report.is_same else "changed",
        "same_process": report.same_process,
        "threshold": report.threshold,
        "classes": [
            {"class": change.cls, "before": _figures(change.before), "after": _figures(change.after)}
            for change in report.classes
        ],
        "regions": [_change(change) for change in report.changes],
        "failed": [printable_text(failure_text(failure)) for failure in report.failed],
        "warnings": [printable_text(note_text(note)) for note in report.warnings],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "status": change.status,
        "class": change.cls,
        "kind": change.kind,
        "owner": printable_text(whose_text(change.owner)) or None,
        "certainty": change.certainty.value,
        "start": address(change.start),
        "growth": change.growth,
        "before": _figures(change.before),
        "after": _figures(change.after),
    }


def _figures(figures: Figures | None) -> dict[str, Any] | None:
    if figures is None:
        return None
    return {
        "virt": figures.virt,
        "rss": figures.rss,
        "pss": figures.pss,
        "swap": figures.swap,
        "regions": figures.regions,
        "held": figures.held,
    }
