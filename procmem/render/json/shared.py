"""The document ``procmem/shared/1``."""

from __future__ import annotations

from procmem.model.given_text import UNKNOWN_DEVICE
from procmem.model.reports.shared import SharedObject, SharedReport
from procmem.render.escaping import json_text, printable_text
from procmem.render.json.fields import process_json
from procmem.text import english
from procmem.text.notes import note_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SCHEMA", "shared_json"]

SCHEMA = "procmem/shared/1"


@english()
def shared_json(report: SharedReport) -> dict[str, Any]:
    """The report as plain values."""
    return {
        "schema": SCHEMA,
        "process": process_json(report.pid, report.comm),
        "objects": [_object(item) for item in report.objects],
        "looked_at": report.looked_at,
        "unreadable": report.unreadable,
        "warnings": [printable_text(note_text(note)) for note in report.warnings],
    }


def _object(item: SharedObject) -> dict[str, Any]:
    return {
        **json_text("name", item.name),
        "device": None if item.device == UNKNOWN_DEVICE else item.device or None,
        "inode": None if item.device == UNKNOWN_DEVICE else item.inode or None,
        "sort": item.sort,
        "virt": item.virt,
        "rss": item.rss,
        "pss": item.pss,
        "private": item.private,
        "shared": item.shared,
        "copies": item.copies,
        "swap": item.swap,
        "times": item.times,
        "once": item.once,
        "freed": item.freed,
        "sharers": [process_json(sharer.pid, sharer.comm) for sharer in item.sharers],
    }
