"""The document ``procmem/series-growth/1``: how memory grew over a series of looks."""

from __future__ import annotations

from procmem.model.reports.series import Growth, ProcessGrowth, SeriesReport
from procmem.render.escaping import json_text, printable_text
from procmem.render.json.inspect import consumer_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SCHEMA", "series_growth_json"]

SCHEMA = "procmem/series-growth/1"


def series_growth_json(report: SeriesReport) -> dict[str, Any]:
    """The report as plain values."""
    return {
        "schema": SCHEMA,
        "series": printable_text(report.name),
        "first_at": report.first_at,
        "last_at": report.last_at,
        "looks": report.looks,
        "share": round(report.share, 6),
        "processes": [_process(process) for process in report.processes],
    }


def _process(process: ProcessGrowth) -> dict[str, Any]:
    return {
        "pid": process.pid,
        **json_text("name", process.name),
        "first_at": process.first_at,
        "last_at": process.last_at,
        "looks": process.looks,
        "has_ended": process.has_ended,
        "follows": process.follows,
        "held": _growth(process.held),
        "totals": {row.name: _growth(row) for row in process.totals},
        "classes": {row.name: _growth(row) for row in process.classes},
        "consumers": [
            {"consumer": consumer_json(row.consumer), **_growth(row)}
            for row in process.consumers
            if row.consumer is not None
        ],
    }


def _growth(row: Growth) -> dict[str, Any]:
    return {
        "before": row.first,
        "after": row.last,
        "by": row.by,
        "per_minute": row.per_minute,
        "history": list(row.history),
    }
