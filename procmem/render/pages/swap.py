"""The page of ``procmem swap``: the judgement first, then the figures behind it."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from procmem.model.reports.swap import SwapReport
from procmem.render.escaping import json_text, printable, printable_text
from procmem.render.human import SizeFormat, human_size
from procmem.render.sheet import Column, Sheet, to_table
from procmem.text import english
from procmem.text.swap import part_name, part_sentence, reason_text, sort_name, swappiness_text

__all__ = ["ranking_sheet", "swap_json", "swap_page"]

SCHEMA = "procmem/swap/1"
_WIDTH = 80
_Cells = Sequence[int | str | None]


def ranking_sheet(report: SwapReport, top: int | None = None) -> Sheet:
    """Processes with something in swap, the largest last."""
    columns = (
        Column("PID", "count"),
        Column("user", "text"),
        Column("VmSwap", "size"),
        Column("smaps Swap", "size"),
        Column("SwapPss", "size"),
        Column("name", "text"),
    )
    shown = report.ranking if top is None else report.ranking[max(len(report.ranking) - top, 0) :]
    rows: list[_Cells] = [(r.pid, r.user, r.vm_swap, r.swap, r.swap_pss, printable(r.name)) for r in shown]
    return Sheet(columns, rows)


def swap_page(report: SwapReport, size: SizeFormat, unit: str, top: int | None) -> str:
    """The page for a person."""
    verdict = "\n".join(
        line
        for reason in report.verdict.reasons
        for line in wrap(printable_text(reason_text(reason)), _WIDTH, subsequent_indent="  ")
    )
    parts = [verdict + "\n", _system(report)]
    if report.parts:
        parts.append((f"{unit}\n" if unit else "") + _parts(report, size))
    if report.reading.objects:
        parts.append(to_table(_objects(report), size))
    if report.ranking:
        parts.append(to_table(ranking_sheet(report, top), size))
    if report.regions:
        parts.append(to_table(_regions(report), size))
    if report.reading.unreadable:
        count = report.reading.unreadable
        parts.append(f"not permitted: smaps of {count} process{'es' if count > 1 else ''} (try root)\n")
    return "\n".join(parts)


def _system(report: SwapReport) -> str:
    reading = report.reading
    lines = [f"in use      {human_size(report.used)} of {human_size(report.total)}"]
    for area in reading.areas:
        kind = "compressed memory" if b"zram" in area.path else area.type
        used = f"{human_size(area.used)} of {human_size(area.size)}"
        lines.append(f"  area      {printable(area.path)} ({kind}, priority {area.priority}): {used}")
    cached = reading.meminfo.get("SwapCached")
    lines.append(f"cached      {human_size(cached)} of it are in memory as well (SwapCached)")
    if zswapped := reading.meminfo.get("Zswapped"):
        held = human_size(reading.meminfo.get("Zswap"))
        lines.append(f"zswap       {human_size(zswapped)} of it are held compressed in memory, in {held}, not on disk")
    lines += wrap(f"swappiness  {swappiness_text(report.swappiness)}", _WIDTH, subsequent_indent=" " * 12)
    if report.used and report.left_after_swapoff is not None:
        left = report.left_after_swapoff
        available = human_size(reading.meminfo.get("MemAvailable"))
        words = (
            f"would fit: all of it back in RAM leaves {human_size(left)} of the {available} available now"
            if left >= 0
            else f"would not fit: {human_size(-left)} more than the {available} available; processes would be killed"
        )
        lines += wrap(f"swapoff     {words}", _WIDTH, subsequent_indent=" " * 12)
    return "\n".join(lines) + "\n"


def _parts(report: SwapReport, size: SizeFormat) -> str:
    lines = [f"{size(report.used):>12}  in use; of it"]
    for part in report.parts:
        lines.append(f"{size(part.size):>12}    {part_name(part.name)}")
        lines += wrap(part_sentence(part.name), _WIDTH, initial_indent=" " * 18, subsequent_indent=" " * 18)
    return "\n".join(lines) + "\n"


def _objects(report: SwapReport) -> Sheet:
    columns = (Column("swap", "size"), Column("sort", "text"), Column("shared memory", "text"))
    ordered = sorted(report.reading.objects, key=lambda item: (item.swap, item.name))
    return Sheet(columns, [(item.swap, sort_name(item.sort), printable(item.name)) for item in ordered])


def _regions(report: SwapReport) -> Sheet:
    columns = (
        Column("PID", "count"),
        Column("start", "address"),
        Column("end", "address"),
        Column("swap", "size"),
        Column("class", "text"),
        Column("kind", "text"),
        Column("owner", "text"),
    )
    rows = [(r.pid, r.start, r.end, r.swap, r.cls, r.kind, printable(r.owner)) for r in report.regions]
    return Sheet(columns, rows)


@english()
def swap_json(report: SwapReport) -> dict[str, Any]:
    """The report as plain values."""
    reading = report.reading
    rates = reading.rates
    return {
        "schema": SCHEMA,
        "total": report.total,
        "used": report.used,
        "cached": reading.meminfo.get("SwapCached"),
        "zswap": reading.meminfo.get("Zswap"),
        "zswapped": reading.meminfo.get("Zswapped"),
        "areas": [{**json_text("path", area.path), **dict(list(area._asdict().items())[1:])} for area in reading.areas],
        "swappiness": {"value": reading.swappiness, "meaning": swappiness_text(report.swappiness)},
        "rates": None
        if rates is None
        else {
            **{key: getattr(rates, key) for key in rates._fields if key != "faulters"},
            "faulters": [
                {
                    "pid": item.pid,
                    **json_text("name", item.name),
                    "faults": item.faults,
                    **json_text("cgroup", item.cgroup),
                    "charged": item.charged,
                    "limit": item.limit,
                }
                for item in rates.faulters
            ],
        },
        "verdict": {
            "word": report.verdict.word,
            "sentences": [printable_text(reason_text(reason)) for reason in report.verdict.reasons],
        },
        "parts": [
            {"name": part_name(part.name), "bytes": part.size, "sentence": part_sentence(part.name)}
            for part in report.parts
        ],
        "left_after_swapoff": report.left_after_swapoff,
        "objects": [{**json_text("name", item.name), "sort": item.sort, "swap": item.swap} for item in reading.objects],
        "processes": [
            {
                "pid": row.pid,
                "user": row.user,
                **json_text("name", row.name),
                "vm_swap": row.vm_swap,
                "swap": row.swap,
                "swap_pss": row.swap_pss,
            }
            for row in report.ranking
        ],
        "regions": [
            {
                "pid": region.pid,
                "start": f"{region.start:#x}",
                "end": f"{region.end:#x}",
                "class": region.cls,
                "kind": region.kind,
                **json_text("owner", region.owner),
                "swap": region.swap,
            }
            for region in report.regions
        ],
        "unreadable": reading.unreadable,
    }
