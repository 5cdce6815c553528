"""The page of ``procmem system``: one table, totals, and what must be known to read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from procmem.model.reports.system import CgroupFigures, Family, ProcessRow, SystemReport
from procmem.render.escaping import json_text, printable
from procmem.render.human import SizeFormat, human_size
from procmem.render.sheet import Column, Sheet, to_table, to_text
from procmem.text import english
from procmem.text.system import charge_text

if TYPE_CHECKING:
    from procmem.model.reports.inspection import ClassRow

__all__ = ["machine_classes_sheet", "system_json", "system_page", "system_sheet"]

SCHEMA = "procmem/system/1"
_SIZES = ("swap", "USS", "PSS", "RSS", "VIRT")
_Cells = Sequence[int | str | None]


def system_sheet(report: SystemReport, tree: Sequence[tuple[int, ProcessRow, int | None]] | None = None) -> Sheet:
    """Processes, or groups of them; with ``tree``, children below their parents."""
    totals: list[_Cells] = []
    sums = (report.totals.swap_pss, report.totals.uss, report.totals.pss)
    rows: list[_Cells]
    if report.groups:
        columns = (
            Column("processes", "count"),
            *(Column(name, "size") for name in _SIZES[:3]),
            Column("group", "text"),
        )
        rows = [(group.processes, group.swap, group.uss, group.pss, printable(group.key)) for group in report.groups]
        return Sheet(columns, rows, [(sum(group.processes for group in report.groups), *sums, "each page once")])
    columns = (
        Column("PID", "count"),
        Column("user", "text"),
        *(Column(name, "size") for name in _SIZES),
        *((Column("PSS of all below", "size"),) if tree is not None else ()),
        Column("name", "text"),
    )
    if tree is not None:
        rows = [(*_cells(row), whole, "  " * depth + printable(row.name)) for depth, row, whole in tree]
    else:
        rows = [(*_cells(row), printable(row.name)) for row in report.rows]
    if report.processes > 1:
        totals.append((report.processes, "", *sums, "", "", *([""] if tree is not None else []), "all, each page once"))
    return Sheet(columns, rows, totals)


def _cells(row: ProcessRow) -> _Cells:
    return (row.pid, row.user, row.swap, row.uss, row.pss, row.rss, row.virt)


def system_page(
    report: SystemReport,
    size: SizeFormat,
    unit: str,
    tree: Sequence[tuple[int, ProcessRow, int | None]] | None = None,
) -> str:
    """The page for a person."""
    sheet = system_sheet(report, tree)
    parts = [f"{unit}\n" * bool(unit) + (to_table if report.groups else to_text)(sheet, size)]
    if report.families:
        parts.append("".join(_family(family) for family in report.families))
    if report.cgroups:
        parts.append(to_table(_cgroup_sheet(report.cgroups), size) + "".join(map(_cgroup_parts, report.cgroups)))
    notes = "".join(f"{line}\n" for line in _notes(report))
    return "\n".join([*parts, notes] if notes else parts)


def _family(family: Family) -> str:
    own = f"{human_size(family.own_mean)} on average ({human_size(family.own_least)} to {human_size(family.own_most)})"
    return (
        f"{printable(family.name)}, {family.parent}, with {family.workers} workers:\n"
        f"  one worker really costs  {own}: what it shares with nobody (USS)\n"
        f"  shared, paid once        {human_size(family.shared)}, by all {family.workers + 1} and other programs\n"
        f"  adding up RSS would say  {human_size(family.rss_sum)}\n"
    )


def _cgroup_sheet(cgroups: Sequence[CgroupFigures]) -> Sheet:
    columns = (
        Column("processes", "count"),
        Column("PSS", "size"),
        Column("current", "size"),
        Column("max", "size"),
        Column("swap", "size"),
        Column("cgroup, with all below it", "text"),
    )
    rows = [
        (
            group.processes,
            group.pss,
            group.current,
            "none" if group.limit is None else group.limit,
            group.swap_current,
            printable(group.path),
        )
        for group in cgroups
    ]
    return Sheet(columns, rows)


def _cgroup_parts(group: CgroupFigures) -> str:
    if not group.parts or group.current is None:
        return ""
    text = f"{printable(group.path)}: {human_size(group.current)} charged (v{group.version}); of it\n"
    text += f"  {human_size(group.pss):>10}  PSS of its processes\n"
    return text + "".join(f"  {human_size(part):>10}  {charge_text(name)}\n" for name, part in group.parts)


def _notes(report: SystemReport) -> Sequence[str]:
    notes = []
    if report.unreadable:
        who = _count(report.unreadable)
        notes.append(f"not permitted: PSS and USS of {who}, which the sums leave out (try root)")
    if report.same_memory:
        who = _count(report.same_memory)
        notes.append(f"in the address space of another one, and so not counted again: {who}")
    if report.without_memory:
        notes.append(f"left out: {report.without_memory} kernel threads and zombies, which have no memory of their own")
    return notes


def _count(number: int) -> str:
    return "1 process" if number == 1 else f"{number} processes"


def machine_classes_sheet(rows: Sequence[ClassRow]) -> Sheet:
    """Classes over all processes; only PSS, USS may be added up, and RSS, VIRT count shared pages again and again."""
    columns = (
        Column("class", "text"),
        *(Column(name, "size") for name in ("VIRT", "RSS", "PSS", "USS", "swap")),
        Column("regions", "count"),
    )
    totals = ["", "", *(_known_sum(getattr(row, key) for row in rows) for key in ("pss", "uss", "swap"))]
    body = [(row.cls, row.virt, row.rss, row.pss, row.uss, row.swap, row.regions) for row in rows]
    return Sheet(columns, body, [("total", *totals, sum(row.regions for row in rows))] if rows else ())


def _known_sum(values: Any) -> int | None:
    listed = list(values)
    return None if None in listed else sum(listed)


@english()
def system_json(report: SystemReport) -> dict[str, Any]:
    """The report as plain values."""
    return {
        "schema": SCHEMA,
        "rows": [
            {
                "pid": row.pid,
                "ppid": row.ppid,
                "uid": row.uid,
                "user": row.user,
                **json_text("name", row.name),
                **{key: getattr(row, key) for key in ("virt", "rss", "pss", "uss", "swap", "swap_pss", "same_memory")},
                **({} if row.cgroup is None else json_text("cgroup", row.cgroup)),
            }
            for row in report.rows
        ],
        "totals": {"processes": report.processes, **report.totals._asdict()},
        "groups": [
            {**json_text("group", group.key), **{key: getattr(group, key) for key in group._fields[1:]}}
            for group in report.groups
        ],
        "families": [
            {**json_text("name", family.name), **{key: getattr(family, key) for key in family._fields if key != "name"}}
            for family in report.families
        ],
        "cgroups": [
            {
                **json_text("path", group.path),
                **{key: getattr(group, key) for key in group._fields if key not in ("path", "parts")},
                "parts": [{"name": charge_text(name), "bytes": part} for name, part in group.parts],
            }
            for group in report.cgroups
        ],
        "without_memory": report.without_memory,
        "unreadable": report.unreadable,
    }
