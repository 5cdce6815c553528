"""The document ``procmem/growth/1``, which ``growth --from`` reads again."""

from __future__ import annotations

from collections.abc import Sequence

from procmem.model.code import CodeFunction
from procmem.model.growth_document import GROWTH_SCHEMA
from procmem.model.owners import Arena, Thread, owner_name
from procmem.model.reports.growth import CodeGrowth, CodeStack, GrowthPlace, GrowthRow
from procmem.render.escaping import json_text, printable_text
from procmem.render.json.fields import address, facts_json
from procmem.text import english
from procmem.text.notes import note_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["growth_json"]


@english()
def growth_json(report: CodeGrowth) -> dict[str, Any]:
    """The report as plain values. Rows name their stack by its number, stacks their functions."""
    stacks = list(dict.fromkeys(row.stack for row in report.rows if row.stack is not None))
    functions = list(dict.fromkeys(one for stack in stacks for one in stack.frames))
    numbers = {stack: number for number, stack in enumerate(stacks)}
    places = {one: number for number, one in enumerate(functions)}
    return {
        "schema": GROWTH_SCHEMA,
        "process": facts_json(report.process),
        "seconds": round(report.seconds, 3),
        "faults": report.faults,
        "samples": report.samples,
        "lost": report.lost,
        "period": report.period,
        "page_size": report.page_size,
        "sees_kernel": report.sees_kernel,
        "cost_seconds": round(report.cost, 3),
        "grown": report.grown,
        "resident": None if report.resident is None else _pair(report.resident),
        "changes": [
            {"change": one.change.value, "anonymous": one.anonymous, "file": one.file, "swap": one.swap}
            for one in report.changes
        ],
        "status": None
        if report.status is None
        else {name: _pair(getattr(report.status, name)) for name in report.status._fields},
        "copied_after_fork": report.copied_after_fork,
        "functions": [_function(one) for one in functions],
        "stacks": [_stack(stack, places) for stack in stacks],
        "rows": [_row(row, None if row.stack is None else numbers[row.stack]) for row in report.rows],
        "curve": [
            {"seconds": round(one.seconds, 3), "rss": one.rss, "swap": one.swap, "faults": one.faults}
            for one in report.curve
        ],
        "warnings": [printable_text(note_text(note)) for note in report.warnings],
    }


def _pair(figures: Sequence[int | None]) -> dict[str, Any]:
    return {"before": figures[0], "after": figures[1]}


def _function(one: CodeFunction) -> dict[str, Any]:
    return {
        **json_text("object", one.object),
        **json_text("name", one.name),
        **json_text("symbol", one.symbol),
        "start": address(one.start),
        "nearest": one.is_nearest,
    }


def _stack(stack: CodeStack, places: dict[CodeFunction, int]) -> dict[str, Any]:
    return {"functions": [places[one] for one in stack.frames], "certain": stack.certain, "end": stack.end.value}


def _row(row: GrowthRow, stack: int | None) -> dict[str, Any]:
    return {
        **_place(row.place),
        "change": None if row.change is None else row.change.value,
        "thread": None if row.thread is None else _thread(row.thread),
        "stack": stack,
        "size": row.size,
        "faults": row.faults,
        "samples": row.samples,
    }


def _place(place: GrowthPlace) -> dict[str, Any]:
    return {
        "kind": place.kind,
        "role": None if place.role is None else place.role.value,
        **json_text("owner", owner_name(place.owner)),
        "arena": address(place.owner.address) if isinstance(place.owner, Arena) else None,
        "certainty": place.certainty.value,
    }


def _thread(thread: Thread) -> dict[str, Any]:
    return {"tid": thread.tid, **json_text("comm", thread.comm)}
