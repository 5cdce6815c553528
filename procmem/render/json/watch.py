"""The document ``procmem/watch/1``: one look at one process."""

from __future__ import annotations

from procmem.model.reports.watch import Watched
from procmem.render.escaping import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SCHEMA", "watch_json"]

SCHEMA = "procmem/watch/1"


def watch_json(item: Watched) -> dict[str, Any]:
    """One look at one process as plain values."""
    return {
        "schema": SCHEMA,
        "at": round(item.at, 3),
        "pid": item.pid,
        **json_text("name", item.name),
        "reading": round(item.reading, 6),
        "cost": None if item.cost is None else round(item.cost, 6),
        "due": None if item.due is None else round(item.due, 3),
        "figures": {trend.name: trend.now for trend in item.trends},
        "change": {trend.name: trend.change for trend in item.trends},
        "since_start": {trend.name: trend.since_start for trend in item.trends},
        "per_minute": {trend.name: trend.per_minute for trend in item.trends},
    }
