"""What ``growth -o`` has written, back into a report. It may come from a stranger: every value is checked.

The form is that of ``procmem.render.json.growth``: ``procmem/growth/1``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from procmem.model.code import ChainEnd, CodeFunction
from procmem.model.growth_document import GROWTH_SCHEMA
from procmem.model.kinds import Role
from procmem.model.owners import Thread
from procmem.model.region import Certainty
from procmem.model.reports.growth import (
    CodeGrowth,
    CodeStack,
    CurvePoint,
    GrowthPlace,
    GrowthRow,
    PageChange,
    ResidentChange,
    StatusChange,
)
from procmem.parse.checked import (
    BadDocument,
    facts_of,
    figure_of,
    kind_of,
    list_of,
    name_of,
    number_of,
    one_of,
    owner_of,
    table_of,
    text_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["parse_growths"]

_FRAMES_MAX = 256


def parse_growths(text: str) -> tuple[CodeGrowth, ...]:
    """The reports in a text: one, or a list of them.

    Raises:
        BadDocument: it is no JSON, of another schema, or a value is not of the kind that it should be.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadDocument from error
    found = document if isinstance(document, list) else [document]
    if not found:
        raise BadDocument
    return tuple(_growth(table_of(one)) for one in found)


def _growth(given: Mapping[str, Any]) -> CodeGrowth:
    if given.get("schema") != GROWTH_SCHEMA:
        raise BadDocument
    functions = [_function(table_of(one)) for one in list_of(given.get("functions"))]
    stacks = [_stack(table_of(one), functions) for one in list_of(given.get("stacks"))]
    resident, status = given.get("resident"), given.get("status")
    before, after = (None, None) if resident is None else _pair(resident)
    return CodeGrowth(
        process=facts_of(table_of(given.get("process"))),
        seconds=_seconds(given, "seconds"),
        faults=_count(given, "faults"),
        samples=_count(given, "samples"),
        lost=_count(given, "lost"),
        period=_count(given, "period"),
        resident=None if before is None or after is None else (before, after),
        changes=tuple(_change(table_of(one)) for one in list_of(given.get("changes"))),
        status=None
        if status is None
        else StatusChange(*(_pair(table_of(status).get(key)) for key in StatusChange._fields)),
        copied_after_fork=_count(given, "copied_after_fork"),
        rows=tuple(_row(table_of(one), stacks) for one in list_of(given.get("rows"))),
        page_size=_page_size(given),
        sees_kernel=given.get("sees_kernel") is True,
        cost=_seconds(given, "cost_seconds"),
        curve=tuple(_point(table_of(one)) for one in list_of(given.get("curve"))),
    )


def _count(given: Mapping[str, Any], key: str) -> int:
    found = number_of(given.get(key))
    if found is None or found < 0:
        raise BadDocument
    return found


def _page_size(given: Mapping[str, Any]) -> int:
    found = _count(given, "page_size")
    if not found:
        raise BadDocument
    return found


def _seconds(given: Mapping[str, Any], key: str) -> float:
    found = figure_of(given.get(key))
    if found is None or not 0 <= found < 1e12:
        raise BadDocument
    return found


def _pair(given: object) -> tuple[int | None, int | None]:
    both = table_of(given)
    return number_of(both.get("before")), number_of(both.get("after"))


def _point(given: Mapping[str, Any]) -> CurvePoint:
    rss, swap = number_of(given.get("rss")), number_of(given.get("swap"))
    return CurvePoint(_seconds(given, "seconds"), rss, swap, _count(given, "faults"))


def _status(given: Mapping[str, Any]) -> StatusChange:
    return StatusChange(*(_pair(given.get(key)) for key in StatusChange._fields))


def _change(given: Mapping[str, Any]) -> ResidentChange:
    change = one_of(PageChange, given.get("change"))
    sizes = [number_of(given.get(key)) for key in ("anonymous", "file", "swap")]
    if change is None or None in sizes:
        raise BadDocument
    return ResidentChange(change, *(size or 0 for size in sizes))


def _address(value: object) -> int:
    try:
        return int(text_of(value) or "", 16) & ((1 << 64) - 1)
    except ValueError as error:
        raise BadDocument from error


def _function(given: Mapping[str, Any]) -> CodeFunction:
    return CodeFunction(
        name_of(given, "object"),
        name_of(given, "name"),
        _address(given.get("start")),
        is_nearest=given.get("nearest") is True,
        symbol=name_of(given, "symbol"),
    )


def _at(values: Sequence[Any], number: object) -> Any:
    at = number_of(number)
    if at is None or not 0 <= at < len(values):
        raise BadDocument
    return values[at]


def _stack(given: Mapping[str, Any], functions: Sequence[CodeFunction]) -> CodeStack:
    numbers = list_of(given.get("functions"))
    end = one_of(ChainEnd, given.get("end"))
    if end is None or len(numbers) > _FRAMES_MAX:
        raise BadDocument
    return CodeStack(tuple(_at(functions, one) for one in numbers), _count(given, "certain"), end)


def _row(given: Mapping[str, Any], stacks: Sequence[CodeStack]) -> GrowthRow:
    thread, stack = given.get("thread"), given.get("stack")
    kind = kind_of(given.get("kind"))
    role = one_of(Role, text_of(given.get("role")))
    place = GrowthPlace(
        kind,
        role,
        owner_of(given, is_object=kind is None),
        one_of(Certainty, given.get("certainty")) or Certainty.GUESS,
    )
    return GrowthRow(
        place,
        None if given.get("change") is None else one_of(PageChange, given.get("change")),
        None if thread is None else Thread(_count(table_of(thread), "tid"), name_of(table_of(thread), "comm")),
        None if stack is None else _at(stacks, stack),
        _count(given, "size"),
        _count(given, "faults"),
        _count(given, "samples"),
    )
