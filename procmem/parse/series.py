"""Lines of a series, back into values. A series may come from a stranger: every value is checked before it is believed.

The form is that of ``procmem.render.json.series``: ``procmem/series/1``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from procmem.model.kinds import KINDS, ByteClass, Kind, Role
from procmem.model.owners import Arena, MappingName, ObjectFile, Owner, Thread
from procmem.model.region import Certainty
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.gpu import GpuDevice, GpuMemory, GpuUse
from procmem.model.reports.inspection import Account, Inspection, ProcessFacts, Totals
from procmem.model.reports.resident import CgroupUse, Consumer, Surroundings
from procmem.model.series import SERIES_SCHEMA, SeriesLook, SeriesProcess
from procmem.model.snapshot import Nature
from procmem.parse.cgroup_names import read_cgroup_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    _Value = TypeVar("_Value", Nature, Role, Certainty)

__all__ = ["BadLook", "parse_look"]

_KINDS = {str(kind): kind for kind in KINDS}
_LARGEST = 1 << 64


class BadLook(Exception):
    """A line that is no look."""


def parse_look(line: bytes) -> SeriesLook:
    """A look from its line.

    Raises:
        BadLook: it is no JSON, of another schema, or a value is not of the kind that it should be.
    """
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadLook from error
    if not isinstance(document, dict) or document.get("schema") != SERIES_SCHEMA:
        raise BadLook
    when, cost = document.get("when"), document.get("cost")
    if not isinstance(when, int | float) or not isinstance(cost, int | float) or not 0 <= when < _LARGEST:
        raise BadLook
    return SeriesLook(
        float(when),
        float(cost),
        tuple(_process(_table(one)) for one in _list(document.get("processes"))),
        tuple(pid for pid in map(_number, _list(document.get("ended"))) if pid is not None),
        tuple(pid for pid in map(_number, _list(document.get("refused"))) if pid is not None),
    )


def _process(given: Mapping[str, Any]) -> SeriesProcess:
    facts, around = _table(given.get("process")), given.get("surroundings")
    account = given.get("account")
    report = Inspection(
        process=_facts(facts),
        totals=Totals(**_numbers(_table(given.get("totals")), Totals._fields)),
        account=None if account is None else _account(_table(account)),
        classes=tuple(_class_row(_table(row)) for row in _list(given.get("classes") or [])),
        picture=(),
        regions=None,
        warnings=(),
        consumers=tuple(_consumer(_table(row)) for row in _list(given.get("consumers") or [])),
        surroundings=None if around is None else _surroundings(_table(around)),
    )
    return SeriesProcess(_number(facts.get("pid")), _number(given.get("start")), report)


def _facts(given: Mapping[str, Any]) -> ProcessFacts:
    cmdline = given.get("cmdline")
    return ProcessFacts(
        comm=_name(given, "comm"),
        cmdline=None if cmdline is None else tuple(_bytes(word) or b"" for word in _list(cmdline)),
        exe=_name(given, "exe"),
        machine=_text(given.get("machine")),
        kernel=_text(given.get("kernel")),
        state=_text(given.get("state")),
        nature=_one_of(Nature, given.get("nature")) or Nature.PROCESS,
        age_seconds=_figure(given.get("age_seconds")),
        **_numbers(given, ("pid", "ppid", "uid", "bits", "page_size", "threads", "thread_of", "read_through")),
    )


def _account(given: Mapping[str, Any]) -> Account | None:
    known = [number for number in _numbers(given, Account._fields).values() if number is not None]
    return Account(*known) if len(known) == len(Account._fields) else None


def _class_row(given: Mapping[str, Any]) -> ClassRow:
    cls, virt, regions = _text(given.get("class")), _number(given.get("virt")), _number(given.get("regions"))
    if cls not in tuple(ByteClass) or virt is None or regions is None:
        raise BadLook
    rss, pss, uss, swap = _numbers(given, ("rss", "pss", "uss", "swap")).values()
    return ClassRow(str(cls), virt, rss, pss, uss, swap, regions)


def _consumer(given: Mapping[str, Any]) -> Consumer:
    virt, ranges = _number(given.get("virt")), _number(given.get("ranges"))
    if virt is None or ranges is None:
        raise BadLook
    name, thread = _text(given.get("kind")), given.get("thread")
    found = None if thread is None else _table(thread)
    return Consumer(
        kind=None if name is None else _KINDS.get(name) or Kind(name, ByteClass.MMAP),
        role=_one_of(Role, _text(given.get("role"))),
        owner=_owner(given, is_object=name is None),
        virt=virt,
        ranges=ranges,
        certainty=_one_of(Certainty, given.get("certainty")) or Certainty.GUESS,
        thread=None if found is None else Thread(_number(found.get("tid")) or 0, _name(found, "comm")),
        **_numbers(given, ("rss", "swap")),
    )


def _owner(given: Mapping[str, Any], *, is_object: bool) -> Owner | None:
    arena, name = _text(given.get("arena")), _name(given, "owner")
    if arena is not None:
        try:
            return Arena(int(arena, 16))
        except ValueError as error:
            raise BadLook from error
    if name is None:
        return None
    return ObjectFile(name) if is_object else MappingName(name)


_OF_STATUS = {"data": "vm_data", "code": "vm_exe", "libraries": "vm_lib", "locked": "vm_lck"}
"""What the document calls as status does."""
_AROUND = ("peak_rss", "peak_virt", "mappings", "max_map_count", "oom_score", "oom_score_adj")


def _surroundings(given: Mapping[str, Any]) -> Surroundings:
    group, gpu = given.get("cgroup"), given.get("gpu")
    return Surroundings(
        cgroup=None if group is None else _cgroup(_table(group)),
        gpu=None if gpu is None else _gpu(_table(gpu)),
        **_numbers(given, _AROUND),
        **{field: _number(given.get(key)) for field, key in _OF_STATUS.items()},
    )


def _gpu(given: Mapping[str, Any]) -> GpuUse:
    devices = [
        GpuDevice(
            _text(one.get("driver")) or "",
            _text(one.get("pdev")),
            _number(one.get("clients")) or 0,
            tuple(_gpu_memory(_table(row)) for row in _list(one.get("memory"))),
        )
        for one in map(_table, _list(given.get("devices")))
    ]
    return GpuUse(tuple(devices), complete=given.get("complete") is True)


def _gpu_memory(given: Mapping[str, Any]) -> GpuMemory:
    return GpuMemory(_text(given.get("name")) or "", **_numbers(given, GpuMemory._fields[1:]))


def _cgroup(given: Mapping[str, Any]) -> CgroupUse:
    path = _name(given, "path") or b""
    return CgroupUse(
        path=path,
        limited_by=_name(given, "limited_by"),
        pressure=_figure(given.get("pressure")),
        **_numbers(given, ("current", "swap", "limit", "charged", "swap_limit")),
        about=read_cgroup_name(path),
    )


def _figure(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _one_of(values: Iterable[_Value], wanted: object) -> _Value | None:
    """The one of an enumeration whose value is written so."""
    return next((one for one in values if one.value == wanted), None)


def _numbers(given: Mapping[str, Any], fields: Iterable[str]) -> dict[str, int | None]:
    return {field: _number(given.get(field)) for field in fields}


def _table(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadLook
    return value


def _list(value: object) -> Sequence[Any]:
    if not isinstance(value, list):
        raise BadLook
    return value


def _number(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not -_LARGEST < value < _LARGEST:
        raise BadLook
    return value


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise BadLook


def _bytes(value: object) -> bytes | None:
    text = _text(value)
    return None if text is None else text.encode("utf-8", "surrogatepass")


def _name(given: Mapping[str, Any], key: str) -> bytes | None:
    """Text of a process; the twin in hexadecimal where it was no UTF-8."""
    twin = _text(given.get(f"{key}_hex"))
    if twin is None:
        return _bytes(given.get(key))
    try:
        return bytes.fromhex(twin)
    except ValueError as error:
        raise BadLook from error
