"""Lines of a series, back into values. A series may come from a stranger: every value is checked before it is believed.

The form is that of ``procmem.render.json.series``: ``procmem/series/1``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from procmem.model.kinds import ByteClass, Role
from procmem.model.owners import Thread
from procmem.model.region import Certainty
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.gpu import GpuDevice, GpuMemory, GpuUse
from procmem.model.reports.inspection import Account, Inspection, Totals
from procmem.model.reports.resident import CgroupUse, Consumer, Surroundings
from procmem.model.series import SERIES_SCHEMA, SeriesLook, SeriesProcess
from procmem.parse.cgroup_names import read_cgroup_name
from procmem.parse.checked import (
    LARGEST,
    BadDocument,
    facts_of,
    figure_of,
    kind_of,
    list_of,
    name_of,
    number_of,
    numbers_of,
    one_of,
    owner_of,
    table_of,
    text_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["parse_look"]


def parse_look(line: bytes) -> SeriesLook:
    """A look from its line.

    Raises:
        BadDocument: it is no JSON, of another schema, or a value is not of the kind that it should be.
    """
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadDocument from error
    if not isinstance(document, dict) or document.get("schema") != SERIES_SCHEMA:
        raise BadDocument
    when, cost = document.get("when"), document.get("cost")
    if not isinstance(when, int | float) or not isinstance(cost, int | float) or not 0 <= when < LARGEST:
        raise BadDocument
    return SeriesLook(
        float(when),
        float(cost),
        tuple(_process(table_of(one)) for one in list_of(document.get("processes"))),
        tuple(pid for pid in map(number_of, list_of(document.get("ended"))) if pid is not None),
        tuple(pid for pid in map(number_of, list_of(document.get("refused"))) if pid is not None),
    )


def _process(given: Mapping[str, Any]) -> SeriesProcess:
    facts, around = table_of(given.get("process")), given.get("surroundings")
    account = given.get("account")
    report = Inspection(
        process=facts_of(facts),
        totals=Totals(**numbers_of(table_of(given.get("totals")), Totals._fields)),
        account=None if account is None else _account(table_of(account)),
        classes=tuple(_class_row(table_of(row)) for row in list_of(given.get("classes") or [])),
        picture=(),
        regions=None,
        warnings=(),
        consumers=tuple(_consumer(table_of(row)) for row in list_of(given.get("consumers") or [])),
        surroundings=None if around is None else _surroundings(table_of(around)),
    )
    return SeriesProcess(number_of(facts.get("pid")), number_of(given.get("start")), report)


def _account(given: Mapping[str, Any]) -> Account | None:
    known = [number for number in numbers_of(given, Account._fields).values() if number is not None]
    return Account(*known) if len(known) == len(Account._fields) else None


def _class_row(given: Mapping[str, Any]) -> ClassRow:
    cls, virt, regions = text_of(given.get("class")), number_of(given.get("virt")), number_of(given.get("regions"))
    if cls not in tuple(ByteClass) or virt is None or regions is None:
        raise BadDocument
    rss, pss, uss, swap = numbers_of(given, ("rss", "pss", "uss", "swap")).values()
    return ClassRow(str(cls), virt, rss, pss, uss, swap, regions)


def _consumer(given: Mapping[str, Any]) -> Consumer:
    virt, ranges = number_of(given.get("virt")), number_of(given.get("ranges"))
    if virt is None or ranges is None:
        raise BadDocument
    kind, thread = kind_of(given.get("kind")), given.get("thread")
    found = None if thread is None else table_of(thread)
    return Consumer(
        kind=kind,
        role=one_of(Role, text_of(given.get("role"))),
        owner=owner_of(given, is_object=kind is None),
        virt=virt,
        ranges=ranges,
        certainty=one_of(Certainty, given.get("certainty")) or Certainty.GUESS,
        thread=None if found is None else Thread(number_of(found.get("tid")) or 0, name_of(found, "comm")),
        **numbers_of(given, ("rss", "swap")),
    )


_OF_STATUS = {"data": "vm_data", "code": "vm_exe", "libraries": "vm_lib", "locked": "vm_lck"}
"""What the document calls as status does."""
_AROUND = ("peak_rss", "peak_virt", "mappings", "max_map_count", "oom_score", "oom_score_adj")


def _surroundings(given: Mapping[str, Any]) -> Surroundings:
    group, gpu = given.get("cgroup"), given.get("gpu")
    return Surroundings(
        cgroup=None if group is None else _cgroup(table_of(group)),
        gpu=None if gpu is None else _gpu(table_of(gpu)),
        **numbers_of(given, _AROUND),
        **{field: number_of(given.get(key)) for field, key in _OF_STATUS.items()},
    )


def _gpu(given: Mapping[str, Any]) -> GpuUse:
    devices = [
        GpuDevice(
            text_of(one.get("driver")) or "",
            text_of(one.get("pdev")),
            number_of(one.get("clients")) or 0,
            tuple(_gpu_memory(table_of(row)) for row in list_of(one.get("memory"))),
        )
        for one in map(table_of, list_of(given.get("devices")))
    ]
    return GpuUse(tuple(devices), complete=given.get("complete") is True)


def _gpu_memory(given: Mapping[str, Any]) -> GpuMemory:
    return GpuMemory(text_of(given.get("name")) or "", **numbers_of(given, GpuMemory._fields[1:]))


def _cgroup(given: Mapping[str, Any]) -> CgroupUse:
    path = name_of(given, "path") or b""
    return CgroupUse(
        path=path,
        limited_by=name_of(given, "limited_by"),
        pressure=figure_of(given.get("pressure")),
        **numbers_of(given, ("current", "swap", "limit", "charged", "swap_limit")),
        about=read_cgroup_name(path),
    )
