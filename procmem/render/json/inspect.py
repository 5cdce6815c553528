"""The document ``procmem/inspect/1``."""

from __future__ import annotations

from collections.abc import Sequence

from procmem.model.region import Region, Regions
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.inspection import Account, Inspection, LayoutInShort, Totals
from procmem.render.escaping import json_text, printable_text
from procmem.render.json.fields import address, facts_json
from procmem.text import english
from procmem.text.evidence import evidence_text
from procmem.text.laws import law_name
from procmem.text.notes import note_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SCHEMA", "class_json", "inspect_json"]

SCHEMA = "procmem/inspect/1"


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
        "warnings": [printable_text(note_text(note)) for note in report.warnings],
    }


def _regions(regions: Regions | None, listed: Sequence[int]) -> list[dict[str, Any]]:
    return [] if regions is None else [_region(regions, regions[index]) for index in listed]


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


def _layout(layout: LayoutInShort) -> dict[str, Any]:
    return {"laws_held": layout.held, "laws_broken": [law_name(law) for law in layout.broken]}


def _region(regions: Regions, region: Region) -> dict[str, Any]:
    table = regions.mappings
    vma = table[region.vma]
    whole = (region.start, region.end) == (vma.start, vma.end)
    flags = table.flags[region.vma]
    return {
        "start": address(region.start),
        "end": address(region.end),
        "class": region.label.cls.value,
        "kind": region.label.kind,
        "certainty": region.label.certainty.value,
        "evidence": printable_text(evidence_text(region.label.evidence)),
        **json_text("owner", region.label.owner_name),
        "perms": vma.perms,
        "offset": address(vma.offset + region.start - vma.start if vma.inode else vma.offset),
        "device": vma.device,
        "inode": vma.inode,
        **json_text("path", vma.name),
        "size": region.size,
        "rss": region.rss,
        "pss": region.pss,
        "uss": region.uss,
        "swap": region.swap,
        "about": list(region.about),
        "vma": {"start": address(vma.start), "end": address(vma.end), "whole": whole},
        "vm_flags": None if flags is None else flags.split(),
        "smaps": {key: column[region.vma] for key, column in table.usage.items()} if whole else None,
    }
