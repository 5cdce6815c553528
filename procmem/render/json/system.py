"""The documents of ``procmem system``: processes, classes, mapped objects, and one look of several at any of them."""

from __future__ import annotations

from procmem.model.reports.classes import ClassRow
from procmem.model.reports.system import (
    CgroupFigures,
    Changed,
    Changes,
    Family,
    GroupRow,
    MappingRow,
    ProcessRow,
    SystemReport,
)
from procmem.render.escaping import json_text
from procmem.render.json.cgroups import about_json
from procmem.render.json.inspect import class_json
from procmem.text import english
from procmem.text.system import charge_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = [
    "CLASSES_SCHEMA",
    "LOOK_SCHEMA",
    "MAPPINGS_SCHEMA",
    "SCHEMA",
    "classes_json",
    "look_json",
    "mappings_json",
    "system_json",
]

SCHEMA = "procmem/system/1"
CLASSES_SCHEMA = "procmem/system-classes/1"
MAPPINGS_SCHEMA = "procmem/system-mappings/1"
LOOK_SCHEMA = "procmem/system-look/1"


@english()
def system_json(report: SystemReport) -> dict[str, Any]:
    """The report as plain values."""
    totals = report.totals
    return {
        "schema": SCHEMA,
        "rows": [_row(row) for row in report.rows],
        "totals": {
            "processes": report.processes,
            "pss": totals.pss,
            "uss": totals.uss,
            "swap_pss": totals.swap_pss,
        },
        "groups": [_group(group) for group in report.groups],
        "families": [_family(family) for family in report.families],
        "cgroups": [_cgroup(group) for group in report.cgroups],
        "without_memory": report.without_memory,
        "unreadable": report.unreadable,
    }


def _row(row: ProcessRow) -> dict[str, Any]:
    return {
        "pid": row.pid,
        "ppid": row.ppid,
        "uid": row.uid,
        "user": row.user,
        **json_text("name", row.name),
        "virt": row.virt,
        "rss": row.rss,
        "pss": row.pss,
        "uss": row.uss,
        "swap": row.swap,
        "swap_pss": row.swap_pss,
        "same_memory": row.same_memory,
        **json_text("cgroup", row.cgroup),
    }


def _group(group: GroupRow) -> dict[str, Any]:
    return {
        **json_text("group", group.key),
        "processes": group.processes,
        "unknown": group.unknown,
        "swap": group.swap,
        "uss": group.uss,
        "pss": group.pss,
        "about": about_json(group.about),
    }


def _family(family: Family) -> dict[str, Any]:
    return {
        **json_text("name", family.name),
        "parent": family.parent,
        "workers": family.workers,
        "own_least": family.own_least,
        "own_mean": family.own_mean,
        "own_most": family.own_most,
        "shared": family.shared,
        "rss_sum": family.rss_sum,
    }


def _cgroup(group: CgroupFigures) -> dict[str, Any]:
    return {
        **json_text("path", group.path),
        "version": group.version,
        "processes": group.processes,
        "pss": group.pss,
        "swap": group.swap,
        "current": group.current,
        "limit": group.limit,
        "swap_current": group.swap_current,
        "about": about_json(group.about),
        "parts": [{"name": charge_text(name), "bytes": part} for name, part in group.parts],
    }


@english()
def classes_json(classes: Sequence[ClassRow], *, processes: int, unreadable: int) -> dict[str, Any]:
    """Classes over all processes."""
    return {
        "schema": CLASSES_SCHEMA,
        "classes": [class_json(row) for row in classes],
        "processes": processes,
        "unreadable": unreadable,
    }


@english()
def mappings_json(
    rows: Sequence[MappingRow], totals: MappingRow, *, names: int, processes: int, unreadable: int
) -> dict[str, Any]:
    """Mapped files and objects over all processes; totals hold what may be added up."""
    return {
        "schema": MAPPINGS_SCHEMA,
        "mappings": [
            {
                **json_text("name", row.name),
                "processes": row.processes,
                "mappings": row.mappings,
                "virt": row.virt,
                "rss": row.rss,
                "pss": row.pss,
                "uss": row.uss,
                "swap": row.swap,
            }
            for row in rows
        ],
        "totals": {
            "names": names,
            "mappings": totals.mappings,
            "pss": totals.pss,
            "uss": totals.uss,
            "swap": totals.swap,
        },
        "processes": processes,
        "unreadable": unreadable,
    }


def look_json(changes: Changes, answer: object) -> dict[str, Any]:
    """One look of several: what has changed since the one before, and ``answer``, which is the document of the look."""
    return {
        "schema": LOOK_SCHEMA,
        "at": round(changes.at, 3),
        "reading": round(changes.reading, 6),
        "figure": changes.field,
        "change": changes.total,
        "changes": [{**_named(row), "change": row.change} for row in changes.rows],
        "came": [_named(row) for row in changes.came],
        "went": [_named(row) for row in changes.went],
        "answer": answer,
    }


def _named(row: Changed) -> dict[str, Any]:
    return {"pid": row.pid, **json_text("name", row.name)}
