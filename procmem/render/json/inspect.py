"""The document ``procmem/inspect/1``."""

from __future__ import annotations

from procmem.model.owners import Arena, Thread, owner_name
from procmem.model.region import Label, Regions
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.gpu import GpuUse
from procmem.model.reports.inspection import Account, Inspection, LayoutInShort, Totals
from procmem.model.reports.resident import CgroupUse, Consumer, Surroundings
from procmem.render.escaping import json_text, printable_text
from procmem.render.json.cgroups import about_json
from procmem.render.json.fields import address, facts_json
from procmem.render.json.items import Items
from procmem.render.json.region_texts import region_texts
from procmem.text import english
from procmem.text.evidence import evidence_text
from procmem.text.laws import law_name
from procmem.text.notes import note_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["SCHEMA", "class_json", "inspect_json"]

SCHEMA = "procmem/inspect/1"
_CONSUMERS_MAX = 1000
"""A process may map as many files as it likes; the rows are the largest first."""


@english()
def inspect_json(report: Inspection, listed: Sequence[int] | None) -> dict[str, Any]:
    """The report as plain values; ``listed`` are the regions to give, None where none are asked for."""
    regions = report.regions
    return {
        "schema": SCHEMA,
        "process": facts_json(report.process),
        "totals": _totals(report.totals),
        "account": None if report.account is None else _account(report.account),
        "classes": None if report.is_unread else [class_json(row) for row in report.classes],
        "regions": None if listed is None or report.is_unread else _regions(regions, listed),
        "layout": None if report.layout is None else _layout(report.layout),
        "consumers": [consumer_json(row) for row in report.consumers[:_CONSUMERS_MAX]] if report.consumers else None,
        "surroundings": None if report.surroundings is None else _surroundings(report.surroundings),
        "since": report.compared_with,
        "warnings": [printable_text(note_text(note)) for note in report.warnings],
    }


def _regions(regions: Regions | None, listed: Sequence[int]) -> Items:
    if regions is None:
        return Items(0, tuple)
    entries = _Entries(regions)
    return Items(
        len(listed),
        lambda: map(entries.of, listed),
        lambda: region_texts(regions, listed, entry=entries.of, label=_label, sort=entries.of_sort),
    )


class _Entries:
    """The regions, what many of them have in common made once."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions
        self._labels: dict[int, dict[str, Any]] = {}
        self._sorts: dict[int, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {}

    def of_sort(self, row: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """What all mappings of a sort say: before the offset, behind it, and before the counters."""
        table = self._regions.mappings
        found = self._sorts.get(table.sort[row])
        if found is None:
            flags = table.flags[row]
            found = self._sorts[table.sort[row]] = (
                {"perms": table.perms[row]},
                {"device": table.device[row], "inode": table.inode[row], **json_text("path", table.name[row])},
                {"vm_flags": None if flags is None else flags.split()},
            )
        return found

    def of(self, index: int) -> dict[str, Any]:
        """One region."""
        regions, table = self._regions, self._regions.mappings
        label, row = regions.label[index], regions.vma[index]
        if id(label) not in self._labels:
            self._labels[id(label)] = _label(label)
        perms, mapped, vm_flags = self.of_sort(row)
        start, end, low, high = regions.start[index], regions.end[index], table.start[row], table.end[row]
        whole = start == low and end == high
        share = regions.shares.get(index)
        return {
            "start": f"{start:#x}",
            "end": f"{end:#x}",
            **self._labels[id(label)],
            **perms,
            "offset": f"{table.offset[row] + (start - low if table.inode[row] else 0):#x}",
            **mapped,
            "size": end - start,
            "rss": regions.rss[index],
            "pss": regions.pss[index],
            "uss": regions.uss[index],
            "swap": regions.swap[index],
            "about": list(share.about) if share else [],
            "vma": {"start": f"{low:#x}", "end": f"{high:#x}", "whole": whole},
            **vm_flags,
            "smaps": {key: column[row] for key, column in table.usage.items()} if whole else None,
        }


def _label(label: Label) -> dict[str, Any]:
    return {
        "class": label.cls.value,
        "kind": label.kind,
        "certainty": label.certainty.value,
        "evidence": printable_text(evidence_text(label.evidence)),
        **json_text("owner", label.owner_name),
    }


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "virt": totals.virt,
        "rss": totals.rss,
        "pss": totals.pss,
        "uss": totals.uss,
        "swap": totals.swap,
        "swap_pss": totals.swap_pss,
        "hugetlb": totals.hugetlb,
        "vm_size": totals.vm_size,
        "vm_rss": totals.vm_rss,
        "vm_swap": totals.vm_swap,
        "page_tables": totals.page_tables,
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "resident": account.resident,
        "swapped": account.swapped,
        "hugetlb": account.hugetlb,
        "file_not_resident": account.file_not_resident,
        "untouched": account.untouched,
        "reserved": account.reserved,
    }


def class_json(row: ClassRow) -> dict[str, Any]:
    """A row of the table by class."""
    return {
        "class": row.cls,
        "virt": row.virt,
        "rss": row.rss,
        "pss": row.pss,
        "uss": row.uss,
        "swap": row.swap,
        "regions": row.regions,
    }


def consumer_json(row: Consumer) -> dict[str, Any]:
    """A row of what fills RES; ``kind`` is null for a loaded object, of which ``role`` says what it is."""
    return {
        "kind": row.kind,
        "role": None if row.role is None else row.role.value,
        **json_text("owner", owner_name(row.owner)),
        "arena": address(row.owner.address) if isinstance(row.owner, Arena) else None,
        "thread": None if row.thread is None else _thread(row.thread),
        "virt": row.virt,
        "rss": row.rss,
        "swap": row.swap,
        "ranges": row.ranges,
        "certainty": row.certainty.value,
        "before": row.before,
    }


def _thread(thread: Thread) -> dict[str, Any]:
    return {"tid": thread.tid, **json_text("comm", thread.comm)}


def _surroundings(found: Surroundings) -> dict[str, Any]:
    return {
        "peak_rss": found.peak_rss,
        "peak_virt": found.peak_virt,
        "vm_data": found.data,
        "vm_exe": found.code,
        "vm_lib": found.libraries,
        "vm_lck": found.locked,
        "mappings": found.mappings,
        "max_map_count": found.max_map_count,
        "oom_score": found.oom_score,
        "oom_score_adj": found.oom_score_adj,
        "cgroup": None if found.cgroup is None else _cgroup(found.cgroup),
        "gpu": None if found.gpu is None else _gpu(found.gpu),
    }


def _gpu(use: GpuUse) -> dict[str, Any]:
    devices = [
        {
            "driver": printable_text(one.driver),
            "pdev": None if one.pdev is None else printable_text(one.pdev),
            "clients": one.clients,
            "memory": [
                {
                    "name": printable_text(row.name),
                    "total": row.total,
                    "resident": row.resident,
                    "shared": row.shared,
                    "active": row.active,
                    "purgeable": row.purgeable,
                }
                for row in one.memory
            ],
        }
        for one in use.devices
    ]
    return {"devices": devices, "complete": use.complete}


def _cgroup(use: CgroupUse) -> dict[str, Any]:
    return {
        **json_text("path", use.path),
        "current": use.current,
        "swap": use.swap,
        **json_text("limited_by", use.limited_by),
        "limit": use.limit,
        "charged": use.charged,
        "swap_limit": use.swap_limit,
        "pressure": use.pressure,
        "about": about_json(use.about),
    }


def _layout(layout: LayoutInShort) -> dict[str, Any]:
    return {"laws_held": layout.held, "laws_broken": [law_name(law) for law in layout.broken]}
