"""The page of ``procmem diff``: the verdict, classes, then the regions that changed, the largest change last."""

from collections.abc import Sequence
from typing import Any

from procmem.model.reports.diff import Change, DiffReport, Figures, held_growth, virt_growth
from procmem.render.escaping import printable_text
from procmem.render.human import SizeFormat, human_size
from procmem.render.sheet import Column, Sheet, to_table
from procmem.text import english
from procmem.text.diff import failure_text
from procmem.text.notes import note_text

__all__ = ["change_sheet", "diff_json", "diff_page"]

SCHEMA = "procmem/diff/1"
_Cells = Sequence[int | str | None]


def change_sheet(report: DiffReport, *, everything: bool) -> Sheet:
    """The regions that changed, or all."""
    columns = (
        Column("change", "text"),
        Column("VIRT", "size"),
        Column("RSS", "size"),
        Column("RSS+swap by", "size"),
        Column("VIRT by", "size"),
        Column("class", "text"),
        Column("kind", "text"),
        Column("whose", "text"),
    )
    rows: list[_Cells] = [
        (
            change.status,
            None if change.after is None else change.after.virt,
            None if change.after is None else change.after.rss,
            held_growth(change.before, change.after),
            virt_growth(change.before, change.after),
            change.cls,
            change.kind,
            printable_text(change.owner) or ("" if change.start is None else f"at {change.start:x}"),
        )
        for change in report.changes
        if everything or change.status != "same"
    ]
    return Sheet(columns, [tuple("-" if cell is None else cell for cell in row) for row in rows])


def diff_page(report: DiffReport, size: SizeFormat, unit: str, *, everything: bool) -> str:
    """The page for a person."""
    parts = [_verdict(report)]
    sheet = change_sheet(report, everything=everything)
    parts.append(f"{unit}\n" * bool(unit) + to_table(_class_sheet(report), size))
    if sheet.rows:
        parts.append(to_table(sheet, size))
    tail = "".join(f"failed: {printable_text(failure_text(failure))}\n" for failure in report.failed)
    tail += "".join(f"note: {printable_text(note_text(note))}\n" for note in report.warnings)
    return "\n".join([*parts, tail] if tail else parts)


def _verdict(report: DiffReport) -> str:
    first, last = (printable_text(name) for name in report.names)
    which = "one process at two moments" if report.same_process else "two processes"
    head = f"{first} -> {last} ({which})\n"
    least = human_size(report.threshold)
    if report.is_same:
        return f"{head}same: nothing grew or shrank by {least} or more\n"
    counts = {
        status: sum(change.status == status for change in report.changes)
        for status in ("grown", "shrunk", "new", "gone")
    }
    words = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    text = f"{head}changed by {least} or more: {words}\n"
    largest = report.changes[-1]
    if largest.growth > 0:
        owner = printable_text(largest.owner) or "nobody known"
        text += f"grew most: {largest.cls} ({largest.kind}) of {owner}, by {human_size(largest.growth)}\n"
    return text


def _class_sheet(report: DiffReport) -> Sheet:
    columns = (
        Column("class", "text"),
        Column("VIRT before", "size"),
        Column("after", "size"),
        Column("RSS+swap before", "size"),
        Column("after", "size"),
        Column("by", "size"),
    )
    cells = [
        (
            change.cls,
            change.before.virt,
            change.after.virt,
            change.before.held,
            change.after.held,
            held_growth(change.before, change.after),
        )
        for change in report.classes
    ]
    return Sheet(columns, cells[:-1], cells[-1:])


def _figures(figures: Figures | None) -> dict[str, Any] | None:
    return None if figures is None else {**figures._asdict(), "held": figures.held}


@english()
def diff_json(report: DiffReport) -> dict[str, Any]:
    """The report as plain values; all regions are there, the unchanged ones too."""

    def one(change: Change) -> dict[str, Any]:
        return {
            "status": change.status,
            "class": change.cls,
            "kind": change.kind,
            "owner": printable_text(change.owner) or None,
            "start": None if change.start is None else f"{change.start:#x}",
            "growth": change.growth,
            "before": _figures(change.before),
            "after": _figures(change.after),
        }

    return {
        "schema": SCHEMA,
        "before": printable_text(report.names[0]),
        "after": printable_text(report.names[1]),
        "verdict": "same" if report.is_same else "changed",
        "same_process": report.same_process,
        "threshold": report.threshold,
        "classes": [
            {"class": change.cls, "before": _figures(change.before), "after": _figures(change.after)}
            for change in report.classes
        ],
        "regions": [one(change) for change in report.changes],
        "failed": [printable_text(failure_text(failure)) for failure in report.failed],
        "warnings": [printable_text(note_text(note)) for note in report.warnings],
    }
