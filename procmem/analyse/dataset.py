r"""Rows of the dataset from what was seen of a process: plain figures in bytes, None where unknown, text as UTF-8.

A region is a row; of a series, which keeps no regions, a row stands for all ranges of a class. Gates (vsyscall) are
nobody's memory and have no row. Text that is no UTF-8 keeps its bytes as ``\xff``.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence

from procmem.analyse.arenas import arenas_of
from procmem.analyse.findings import findings, is_deleted_file
from procmem.model.cgroup_name import CgroupName
from procmem.model.dataset import TABLES, DatasetLook, PartitionKey
from procmem.model.permissions import permissions
from procmem.model.reports.resident import Surroundings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procmem.model.region import Regions
    from procmem.model.reports.arenas import ArenaCount
    from procmem.model.reports.inspection import Inspection
    from procmem.model.snapshot import Snapshot

__all__ = [
    "dataset_look",
    "is_moment",
    "look_id",
    "partition_of",
    "process_of_dataset",
    "regions_of_classes",
    "regions_of_dataset",
]

_ID_LETTERS = 32
_ADDRESS_DIGITS = 16
_MOMENTS_END = 253_402_300_800
"""The first moment of the year 10000."""


def look_id(*parts: bytes) -> str:
    """What a look is known by: a digest of what it was read from, and of what tells it from its neighbours."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()[:_ID_LETTERS]


def is_moment(when: float) -> bool:
    """Whether Unix time lies in the years that there are days of: not before 1970, not after 9999."""
    return 0 <= when < _MOMENTS_END


def partition_of(when: float, host: str) -> PartitionKey:
    """The folder of a look; ``when`` is Unix time."""
    return PartitionKey(_moment(when).strftime("%Y-%m-%d"), host)


def dataset_look(
    when: float, host: str, identity: str, process: dict[str, Any], regions: dict[str, Sequence[Any]]
) -> DatasetLook:
    """A look with what is the same in all its rows put into each; moments are microseconds since 1970."""
    common = {"look_id": identity, "time": _microseconds(when)}
    row = process | common
    count = len(next(iter(regions.values()), ()))
    same = {name: row[name] for name in ("look_id", "time", "pid", "name", "service")}
    columns = regions | {name: [value] * count for name, value in same.items()}
    return DatasetLook(
        partition_of(when, host),
        identity,
        tuple(row.get(column.name) for column in TABLES["processes"]),
        {column.name: columns[column.name] for column in TABLES["regions"]} if count else {},
    )


def process_of_dataset(
    report: Inspection,
    around: Surroundings,
    start_ticks: int | None,
    *,
    arenas: ArenaCount | None = None,
    found: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The figures of a process by column; ``found`` are the names of findings, None where none were looked for."""
    facts, totals = report.process, report.totals
    about = around.cgroup.about if around.cgroup is not None else None
    name = _text(facts.comm)
    groups = _of_group(about)
    return {
        "pid": facts.pid,
        "start_ticks": start_ticks,
        "ppid": facts.ppid,
        "uid": facts.uid,
        "name": name,
        "service": groups["unit"] or name,
        "exe": _text(facts.exe),
        "cgroup": None if around.cgroup is None else _text(around.cgroup.path),
        **groups,
        "bits": facts.bits,
        "machine": facts.machine,
        "kernel": facts.kernel,
        "page_size": facts.page_size,
        "state": None if facts.state is None else facts.state[:1],
        "threads": facts.threads,
        "virt": totals.virt,
        "rss": totals.rss,
        "pss": totals.pss,
        "uss": totals.uss,
        "swap": totals.swap,
        "swap_pss": totals.swap_pss,
        "hugetlb": totals.hugetlb,
        "page_tables": totals.page_tables,
        "peak_rss": around.peak_rss,
        "peak_virt": around.peak_virt,
        "mappings": around.mappings,
        "max_map_count": around.max_map_count,
        "arenas": None if arenas is None else arenas.at_least,
        "arenas_virt": None if arenas is None else arenas.virt,
        "arenas_rss": None if arenas is None else arenas.rss,
        "oom_score": around.oom_score,
        "oom_score_adj": around.oom_score_adj,
        "findings": None if found is None else ",".join(found),
    }


def regions_of_dataset(
    snapshot: Snapshot, regions: Regions, report: Inspection, around: Surroundings
) -> tuple[dict[str, Sequence[Any]], ArenaCount, tuple[str, ...]]:
    """The regions of a process as columns, its arenas, and the names of its findings."""
    table = regions.mappings
    gates = frozenset(table.gates())
    rows = [index for index, row in enumerate(regions.vma) if row not in gates] if gates else range(len(regions))
    vma = [regions.vma[index] for index in rows]
    rights = [permissions(table.perms[row]) for row in vma]
    deleted = frozenset(table.rows_where(lambda row: bool(table.inode[row]) and is_deleted_file(table, row)))
    names = {name: _text(name) or None for name in set(table.name)}
    labels: dict[str, Sequence[Any]] = {
        "class": regions.for_each_label(lambda label: label.cls.value),
        "kind": regions.for_each_label(lambda label: str(label.kind)),
        "certainty": regions.for_each_label(lambda label: label.certainty.value),
        "owner": regions.for_each_label(lambda label: _text(label.owner_name)),
    }
    figures: dict[str, Sequence[Any]] = {
        "rss": regions.rss,
        "pss": regions.pss,
        "uss": regions.uss,
        "swap": regions.swap,
    }
    columns: dict[str, Sequence[Any]] = {
        "start": [f"{regions.start[index]:0{_ADDRESS_DIGITS}x}" for index in rows],
        "ranges": [1] * len(vma),
        "size": [regions.end[index] - regions.start[index] for index in rows],
        "perms": [table.perms[row] for row in vma],
        "writable": [one.writable for one in rights],
        "executable": [one.executable for one in rights],
        "private": [one.private for one in rights],
        "path": [names[table.name[row]] for row in vma],
        "deleted": [row in deleted for row in vma],
        "shared_out": [index in regions.shares and bool(regions.shares[index].about) for index in rows],
    }
    columns |= {name: [column[index] for index in rows] for name, column in (labels | figures).items()}
    found = tuple(finding.name for finding in findings(snapshot, regions, report, around))
    return columns, arenas_of(regions, snapshot.bits), found


def regions_of_classes(report: Inspection) -> dict[str, Sequence[Any]]:
    """The classes of a look of a series as columns: one row each, which stands for all its ranges."""
    rows = report.classes
    columns: dict[str, Sequence[Any]] = {column.name: [None] * len(rows) for column in TABLES["regions"]}
    return columns | {
        "ranges": [row.regions for row in rows],
        "size": [row.virt for row in rows],
        "class": [row.cls for row in rows],
        "rss": [row.rss for row in rows],
        "pss": [row.pss for row in rows],
        "uss": [row.uss for row in rows],
        "swap": [row.swap for row in rows],
    }


def _of_group(about: CgroupName | None) -> dict[str, str | None]:
    """Container, pod and unit of a control group, as far as its path tells."""
    if about is None:
        return {"container": None, "pod": None, "unit": None}
    return {"container": _text(about.container), "pod": _text(about.pod_uid), "unit": _text(about.unit)}


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "backslashreplace")


def _moment(when: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(when, datetime.UTC)


def _microseconds(when: float) -> int:
    return round(when * 1_000_000)
