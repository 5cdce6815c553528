"""The page of ``procmem diff``: the verdict, classes, then the regions that changed, the largest change last."""

from collections.abc import Sequence

from procmem.model.reports.diff import Change, DiffReport, held_growth, virt_growth
from procmem.render.columns import column
from procmem.render.escaping import printable_text
from procmem.render.json.diff import diff_json
from procmem.render.page import Block, Page, Prose, Sheet, Value
from procmem.text import english, listed
from procmem.text.diff import failure_text, whose_text
from procmem.text.kind_names import as_sure, kind_name
from procmem.text.notes import note_text
from procmem.text.pages.diff import HEADINGS, counted, status, told

__all__ = ["change_sheet", "diff_page"]

_COUNTED = ("grown", "shrunk", "new", "gone")


def diff_page(report: DiffReport, unit: str, *, everything: bool) -> Page:
    """The report; ``everything`` lists unchanged regions too, as CSV and Markdown always do."""
    classes: list[Block] = [Prose(unit)] if unit else []
    failed = [told("failed", failure=printable_text(failure_text(failure))) for failure in report.failed]
    verdict = [*_verdict(report), *map(Prose, failed)]
    sections: list[Sequence[Block]] = [verdict, [*classes, _class_sheet(report)]]
    shown = change_sheet(report, everything=everything, words=True)
    if shown.rows:
        sections.append([shown._replace(main=True)])
    notes = [note_text(note) for note in report.warnings]
    return Page(
        sections=sections,
        table=lambda: change_sheet(report, everything=True),
        document=lambda: diff_json(report),
        notes=notes,
        remarks=failed,
    )


def change_sheet(report: DiffReport, *, everything: bool, words: bool = False) -> Sheet:
    """The regions that changed, or all; with ``words`` for a person, what is not there is a dash."""
    columns = (
        column(HEADINGS, "change", "text"),
        column(HEADINGS, "virt", "size", rank=2),
        column(HEADINGS, "rss", "size", rank=1),
        column(HEADINGS, "rss+swap_by", "size"),
        column(HEADINGS, "virt_by", "size", rank=3),
        column(HEADINGS, "class", "class", rank=4),
        column(HEADINGS, "kind", "text"),
        column(HEADINGS, "whose", "path", least=20),
    )
    rows: list[Sequence[Value]] = [
        (
            status(change.status) if words else change.status,
            "-" if change.after is None else change.after.virt,
            "-" if change.after is None else change.after.rss,
            held_growth(change.before, change.after),
            virt_growth(change.before, change.after),
            change.cls,
            change.kind,
            _whose(change) if words else english()(_whose)(change),
        )
        for change in report.changes
        if everything or change.status != "same"
    ]
    return Sheet(columns, rows, ruled=True)


def _whose(change: Change) -> str:
    place = "" if change.start is None else told("at", start=change.start)
    return printable_text(whose_text(change.owner)) or place


def _verdict(report: DiffReport) -> list[Block]:
    first, last = (printable_text(name) for name in report.names)
    head = Prose(told("one" if report.same_process else "two", first=first, last=last), "", "  ")
    if report.is_same:
        return [head, Prose(told("same", least=report.threshold))]
    counts = {code: sum(change.status == code for change in report.changes) for code in _COUNTED}
    words = listed(counted(code, count) for code, count in counts.items() if count)
    blocks: list[Block] = [head, Prose(told("changed", least=report.threshold, counts=words))]
    largest = report.changes[-1]
    if largest.growth > 0:
        owner = printable_text(whose_text(largest.owner))
        what = as_sure(kind_name(largest.kind), largest.certainty)
        code = "most of" if owner else "most"
        blocks.append(Prose(told(code, growth=largest.growth, cls=largest.cls, what=what, owner=owner), "", "  "))
    return blocks


def _class_sheet(report: DiffReport) -> Sheet:
    columns = (
        column(HEADINGS, "class", "class"),
        column(HEADINGS, "virt_before", "size", rank=2),
        column(HEADINGS, "virt_after", "size", rank=1),
        column(HEADINGS, "held_before", "size"),
        column(HEADINGS, "held_after", "size"),
        column(HEADINGS, "held_by", "size"),
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
    return Sheet(columns, cells[:-1], [(told("total"), *row[1:]) for row in cells[-1:]], ruled=True)
