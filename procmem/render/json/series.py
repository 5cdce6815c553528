"""One line of a series: a look at processes, as ``procmem/series/1``."""

from __future__ import annotations

import json

from procmem.model.series import SERIES_SCHEMA, SeriesLook, SeriesProcess
from procmem.render.json.inspect import inspect_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["look_json", "look_line"]

_OF_INSPECT = ("process", "totals", "account", "classes", "consumers", "surroundings")
"""What a series keeps of the document ``procmem/inspect/1``."""


def look_line(look: SeriesLook) -> bytes:
    """The look as one line of JSON."""
    return json.dumps(look_json(look), separators=(",", ":")).encode("ascii") + b"\n"


def look_json(look: SeriesLook) -> dict[str, Any]:
    """The look as plain values."""
    return {
        "schema": SERIES_SCHEMA,
        "when": round(look.when, 3),
        "cost": round(look.cost, 4),
        "processes": [_process(one) for one in look.processes],
        "ended": list(look.ended),
        "refused": list(look.refused),
    }


def _process(one: SeriesProcess) -> dict[str, Any]:
    document = inspect_json(one.report, None)
    return {"start": one.start, **{key: document[key] for key in _OF_INSPECT}}
