"""The page of ``procmem shared``: one row an object, sharers behind it."""

from collections.abc import Sequence
from typing import Any

from procmem.model.reports.shared import SharedObject, SharedReport
from procmem.render.escaping import json_text, printable, printable_text
from procmem.render.human import SizeFormat
from procmem.render.sheet import Column, Sheet, to_text
from procmem.text import english
from procmem.text.notes import note_text

__all__ = ["shared_json", "shared_page", "shared_sheet"]

SCHEMA = "procmem/shared/1"
_SHARERS_SHOWN = 6
_SIZES = ("virt", "rss", "pss", "private", "shared", "copies", "swap", "freed")


def shared_sheet(report: SharedReport, *, all_sharers: bool) -> Sheet:
    """The objects as a table; sharers as pids, at most a few of them unless all are asked for."""
    columns = (
        Column("VIRT", "size"),
        Column("RSS", "size"),
        Column("PSS", "size"),
        Column("private", "size"),
        Column("shared", "size"),
        Column("own copies", "size"),
        Column("swap", "size"),
        Column("freed if gone", "size"),
        Column("sharers", "count"),
        Column("sort", "text"),
        Column("object", "text"),
        Column("who", "text"),
    )
    rows: list[Sequence[int | str | None]] = [
        (
            *(_size(item, field) for field in _SIZES),
            len(item.sharers),
            item.sort,
            printable(item.name),
            _who(item, all_sharers=all_sharers),
        )
        for item in report.objects
    ]
    totals = [[_total(report, field) for field in _SIZES]]
    return Sheet(columns, rows, [(*totals[0], "", "", "total", "")] if rows else ())


def _size(item: SharedObject, field: str) -> int | str | None:
    value: int | None = getattr(item, field)
    return "-" if field == "copies" and item.sort == "anonymous" else value


def _total(report: SharedReport, field: str) -> int | None:
    values = [getattr(item, field) for item in report.objects if not (field == "copies" and item.sort == "anonymous")]
    return None if None in values else sum(values)


def _who(item: SharedObject, *, all_sharers: bool) -> str:
    shown = item.sharers if all_sharers else item.sharers[:_SHARERS_SHOWN]
    words = [f"{sharer.pid}({printable(sharer.comm) or '?'})" for sharer in shown]
    left = len(item.sharers) - len(shown)
    return " ".join([*words, *([f"and {left} more"] if left else [])])


def shared_page(report: SharedReport, size: SizeFormat, unit: str, *, all_sharers: bool) -> str:
    """The page for a person."""
    head = f"{report.pid}  {printable(report.comm)}\n"
    table = f"{unit}\n" * bool(unit) + to_text(shared_sheet(report, all_sharers=all_sharers), size)
    alone = sum(1 for item in report.objects if not item.sharers and item.sort != "anonymous")
    tail = (
        f"looked at {report.looked_at} other processes"
        + (f", {report.unreadable} more could not be read" if report.unreadable else "")
        + f"; {alone} objects are mapped by nobody else\n"
        "freed if gone: private memory, and nameless objects that only this process holds;"
        " pages of named files stay in the page cache\n"
    )
    notes = "".join(f"note: {printable_text(note_text(note))}\n" for note in report.warnings)
    return "\n".join([head, table, tail + notes])


@english()
def shared_json(report: SharedReport) -> dict[str, Any]:
    """The report as plain values."""
    return {
        "schema": SCHEMA,
        "process": {"pid": report.pid, **json_text("comm", report.comm)},
        "objects": [
            {
                **json_text("name", item.name),
                "device": item.device or None,
                "inode": item.inode or None,
                "sort": item.sort,
                **{field: getattr(item, field) for field in _SIZES},
                "sharers": [{"pid": sharer.pid, **json_text("comm", sharer.comm)} for sharer in item.sharers],
            }
            for item in report.objects
        ],
        "looked_at": report.looked_at,
        "unreadable": report.unreadable,
        "warnings": [printable_text(note_text(note)) for note in report.warnings],
    }
