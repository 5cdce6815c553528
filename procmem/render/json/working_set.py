"""The document ``procmem/working-set/1``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from procmem.model.owners import owner_name
from procmem.model.reports.resident import Consumer
from procmem.model.reports.working_set import ClassUse, WorkingSet, untouched
from procmem.render.escaping import json_text, printable_text
from procmem.render.json.fields import address, process_json
from procmem.render.json.items import Items
from procmem.text import english
from procmem.text.notes import note_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SCHEMA", "working_set_json"]

SCHEMA = "procmem/working-set/1"
_CONSUMERS_MAX = 1000
"""A process may map as many files as it likes; the rows are the largest first."""


@english()
def working_set_json(report: WorkingSet, listed: Sequence[int] | None) -> dict[str, Any]:
    """The report as plain values; ``listed`` are the regions to give, None where none are asked for."""
    return {
        "schema": SCHEMA,
        "process": process_json(report.process.pid, report.process.comm),
        "seconds": round(report.seconds, 3),
        **_sizes(report.rss, report.touched),
        "huge_pages": report.huge,
        "cost": {"clearing_seconds": round(report.clearing, 6), "reading_seconds": round(report.reading, 6)},
        "classes": [_class(row) for row in report.classes],
        "consumers": [_consumer(row) for row in report.consumers[:_CONSUMERS_MAX]],
        "regions": None if listed is None else Items(len(listed), lambda: _regions(report, listed)),
        "warnings": [printable_text(note_text(note)) for note in report.warnings],
    }


def _sizes(rss: int | None, touched: int | None) -> dict[str, Any]:
    return {"rss": rss, "touched": touched, "untouched": untouched(rss, touched)}


def _class(row: ClassUse) -> dict[str, Any]:
    return {"class": row.cls, **_sizes(row.rss, row.touched)}


def _consumer(row: Consumer) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "role": None if row.role is None else row.role.value,
        **json_text("owner", owner_name(row.owner)),
        **_sizes(row.rss, row.touched),
    }


def _regions(report: WorkingSet, listed: Sequence[int]) -> Iterator[dict[str, Any]]:
    regions, table = report.regions, report.regions.mappings
    for index in listed:
        label, row = regions.label[index], regions.vma[index]
        yield {
            "start": address(regions.start[index]),
            "end": address(regions.end[index]),
            "perms": table.perms[row],
            **json_text("path", table.name[row]),
            "class": label.cls.value,
            "kind": label.kind,
            **json_text("owner", label.owner_name),
            **_sizes(regions.rss[index], report.of_regions[index]),
            "exact": index not in report.about,
        }
