"""The document ``procmem/swap/1``."""

from __future__ import annotations

from procmem.model.proc_keys import MeminfoKey
from procmem.model.reports.swap import Faulter, Rates, SwapRegion, SwapReport
from procmem.model.reports.system import ProcessRow
from procmem.render.escaping import json_text, printable_text
from procmem.render.json.fields import address
from procmem.text import english
from procmem.text.swap import part_name, part_sentence, reason_text, swappiness_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SCHEMA", "swap_json"]

SCHEMA = "procmem/swap/1"


@english()
def swap_json(report: SwapReport) -> dict[str, Any]:
    """The report as plain values."""
    reading = report.reading
    return {
        "schema": SCHEMA,
        "total": report.total,
        "used": report.used,
        "cached": reading.meminfo.get(MeminfoKey.SWAP_CACHED),
        "zswap": reading.meminfo.get(MeminfoKey.ZSWAP),
        "zswapped": reading.meminfo.get(MeminfoKey.ZSWAPPED),
        "areas": None
        if report.total is None
        else [
            {
                **json_text("path", area.path),
                "type": area.type,
                "size": area.size,
                "used": area.used,
                "priority": area.priority,
            }
            for area in reading.areas
        ],
        "swappiness": {"value": reading.swappiness, "meaning": swappiness_text(report.swappiness)},
        "rates": None if reading.rates is None else _rates(reading.rates),
        "verdict": {
            "word": report.verdict.word,
            "sentences": [printable_text(reason_text(reason)) for reason in report.verdict.reasons],
        },
        "parts": [
            {"name": part_name(part.name), "bytes": part.size, "sentence": part_sentence(part.name)}
            for part in report.parts
        ],
        "left_after_swapoff": report.left_after_swapoff,
        "groups_after_swapoff": [
            {
                **json_text("path", group.path),
                "limit": group.limit,
                "charged": group.charged,
                "reclaimable": group.reclaimable,
                "swapped": group.swapped,
                "left": group.left,
            }
            for group in report.groups
        ],
        "objects": [{**json_text("name", item.name), "sort": item.sort, "swap": item.swap} for item in reading.objects]
        if reading.whole_machine
        else None,
        "processes": [_process(row) for row in report.ranking],
        "regions": [_region(region) for region in report.regions],
        "unreadable": reading.unreadable,
    }


def _rates(rates: Rates) -> dict[str, Any]:
    return {
        "seconds": rates.seconds,
        "swapped_in": rates.swapped_in,
        "swapped_out": rates.swapped_out,
        "major_faults": rates.major_faults,
        "stalled": rates.stalled,
        "faulters": [_faulter(item) for item in rates.faulters],
    }


def _faulter(item: Faulter) -> dict[str, Any]:
    return {
        "pid": item.pid,
        **json_text("name", item.name),
        "faults": item.faults,
        **json_text("cgroup", item.cgroup),
        "charged": item.charged,
        "limit": item.limit,
    }


def _process(row: ProcessRow) -> dict[str, Any]:
    return {
        "pid": row.pid,
        "user": row.user,
        **json_text("name", row.name),
        "vm_swap": row.vm_swap,
        "swap": row.swap,
        "swap_pss": row.swap_pss,
    }


def _region(region: SwapRegion) -> dict[str, Any]:
    return {
        "pid": region.pid,
        "start": address(region.start),
        "end": address(region.end),
        "class": region.cls,
        "kind": region.kind,
        **json_text("owner", region.owner),
        "swap": region.swap,
    }
