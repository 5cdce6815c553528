"""The page of ``procmem growth``: how RES went, what came and is still there, and by which code."""

from __future__ import annotations

from collections.abc import Sequence

from procmem.model.code import ChainEnd
from procmem.model.owners import Thread
from procmem.model.reports.growth import CodeGrowth, GrowthPlace, GrowthSum, PageChange, ResidentChange, StatusChange
from procmem.model.reports.resident import Consumer
from procmem.render.columns import cell_text, chosen, column
from procmem.render.escaping import printable_text
from procmem.render.human import human_size
from procmem.render.json.growth import growth_json
from procmem.render.page import Block, Column, Page, Prose, Sheet, Value
from procmem.render.process_head import process_head
from procmem.text import listed
from procmem.text.code import function_text, object_text
from procmem.text.kind_names import purpose
from procmem.text.notes import note_text
from procmem.text.pages.growth import HEADINGS, change_text, told

__all__ = ["check_columns", "growth_page"]

_CHURN_SHARE = 0.2
"""Faults that left nothing are worth a table where they are so many of all."""
_CHURN_ROWS = 5
_SHARE_TOLD = 0.01


def check_columns(names: Sequence[str] | None, by: str | None) -> None:
    """Refuse names of columns that the page's table does not have, before anything is watched for it.

    Raises:
        Misuse: one of them is none.
    """
    chosen(Sheet(_columns(by), []), names)


def _columns(by: str | None) -> tuple[Column, ...]:
    return (
        column(HEADINGS, "size", "size"),
        column(HEADINGS, "share", "share", rank=2),
        column(HEADINGS, "rate", "size", rank=4),
        column(HEADINGS, "faults", "count", rank=5),
        *_columns_of(by),
    )


def growth_page(
    report: CodeGrowth,
    sums: Sequence[GrowthSum],
    functions: Sequence[GrowthSum],
    unit: str,
    *,
    by: str | None,
    top: int,
) -> Page:
    """The report; ``sums`` are its rows, summed ``by`` what was asked for, of which ``top`` are shown.

    ``functions`` are the rows summed by function, ``unit`` names what tables count in.
    """
    table = _sum_sheet(report, sums, by, top)
    sections: list[Sequence[Block]] = [process_head(report.process), [Prose(_faults(report)), *_resident(report, unit)]]
    if any(one.size for one in sums):
        sections.append([Prose(told("title" if report.resident else "title touched", size=report.grown)), table])
    else:
        sections.append([Prose(told("nothing"))])
    churn = _churn(report, functions)
    if churn:
        sections.append(churn)
    sections.append([Prose(text) for text in _remarks(report, sums)])
    return Page(
        sections=sections,
        table=lambda: _sum_sheet(report, sums, by, None),
        document=lambda: growth_json(report),
        notes=[note_text(note) for note in report.warnings],
    )


def _faults(report: CodeGrowth) -> str:
    rate = report.faults / report.seconds if report.seconds else 0.0
    parts = [told("faults", count=report.faults, seconds=report.seconds, rate=rate)]
    if not report.samples:
        parts.append(told("none looked at"))
    elif report.samples >= report.faults:
        parts.append(told("all looked at"))
    else:
        parts.append(told("sampled", count=report.samples, each=report.faults / report.samples))
    if report.lost:
        parts.append(told("lost", count=report.lost))
    return listed(parts, "; ")


def _resident(report: CodeGrowth, unit: str) -> list[Block]:
    """RES before and after, and what came between."""
    if report.resident is None:
        return [Prose(told("no page tables"))]
    before, after = report.resident
    copied = [Prose(told("copied", size=report.copied_after_fork))] if report.copied_after_fork else []
    line = Prose(told("resident", before=before, after=after, change=cell_text(after - before, "change", human_size)))
    if not report.changes:
        return [line, *copied]
    return [line, *([Prose(unit)] if unit else []), _change_sheet(report), *copied]


_ACCOUNT = ("anonymous", "file", "swap")


def _change_sheet(report: CodeGrowth) -> Sheet:
    columns = (column(HEADINGS, "change", "text"), *(column(HEADINGS, key, "change") for key in _ACCOUNT))
    totals: list[Sequence[Value]] = [(told("sum"), *_sums(report.changes))]
    if report.status is not None:
        by_status = _by_status(report.status)
        totals.append((told("of status"), *by_status))
        totals.append((told("unexplained"), *_differences(by_status, _sums(report.changes))))
    rows = [(change_text(one.change), one.anonymous, one.file, one.swap) for one in report.changes]
    return Sheet(columns, rows, totals)


def _sums(changes: Sequence[ResidentChange]) -> tuple[int, int, int]:
    return sum(one.anonymous for one in changes), sum(one.file for one in changes), sum(one.swap for one in changes)


def _by_status(status: StatusChange) -> tuple[int | None, ...]:
    return tuple(None if before is None or after is None else after - before for before, after in status)


def _differences(these: Sequence[int | None], those: Sequence[int]) -> tuple[int | None, ...]:
    return tuple(None if one is None else one - other for one, other in zip(these, those, strict=True))


def _sum_sheet(report: CodeGrowth, sums: Sequence[GrowthSum], by: str | None, top: int | None) -> Sheet:
    """The rows of which something is still there; beyond ``top`` of them (None for no limit) one for the rest."""
    columns = _columns(by)
    grown = [one for one in sums if one.size]
    shown = grown if top is None else grown[:top]
    rows: list[Sequence[Value]] = [(*_figures(report, one), *_names(report, one, by)) for one in shown]
    rest = grown[len(shown) :]
    if rest:
        whole = GrowthSum(
            None, None, None, None, None, *(sum(figures) for figures in zip(*(one[5:] for one in rest), strict=True))
        )
        names: list[Value] = ["" for _ in _columns_of(by)]
        names[0] = told("others", count=len(rest))
        rows.append((*_figures(report, whole), *names))
    return Sheet(columns, rows, main=True)


def _figures(report: CodeGrowth, one: GrowthSum) -> tuple[Value, ...]:
    rate = round(one.size / report.seconds) if report.seconds else 0
    return one.size, _share(one.size, report.grown), rate, one.faults


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _columns_of(by: str | None) -> tuple[Column, ...]:
    if by in ("kind", "owner"):
        return (column(HEADINGS, "memory", "path", least=24),)
    if by == "thread":
        return (column(HEADINGS, "thread", "path", least=12),)
    if by == "object":
        return (column(HEADINGS, "object", "path", least=24),)
    code = (
        column(HEADINGS, "function", "path", least=32),
        column(HEADINGS, "touched_by", "path", least=16, detail=True),
    )
    if by == "function":
        return code
    return (
        code[0],
        column(HEADINGS, "memory", "path", least=20),
        column(HEADINGS, "thread", "path", rank=3, least=12),
        code[1],
    )


def _names(report: CodeGrowth, one: GrowthSum, by: str | None) -> tuple[Value, ...]:
    function = printable_text(
        told("nobody") if one.function is None and not one.samples else function_text(one.function)
    )
    touched = "" if one.touched_by is None else printable_text(function_text(one.touched_by))
    memory = "" if one.place is None else printable_text(_memory(one.place))
    thread = "" if one.thread is None else _thread(one.thread)
    if by in ("kind", "owner"):
        return (memory,)
    if by == "thread":
        return (thread or _nobody(report),)
    if by == "object":
        return (printable_text(object_text(one.object)),)
    return (function, touched) if by == "function" else (function, memory, thread, touched)


def _nobody(report: CodeGrowth) -> str:
    return told("nobody" if report.sees_kernel else "nobody seen")


def _thread(thread: Thread) -> str:
    return printable_text(told("thread", name=thread.comm or b"?", tid=thread.tid))


def _memory(place: GrowthPlace) -> str:
    """What was filled; memory of which nothing is known by now has no name."""
    if place.kind is None and place.role is None and place.owner is None:
        return told("gone")
    return purpose(Consumer(place.kind, place.role, place.owner, 0, None, None, 1, place.certainty))


def _churn(report: CodeGrowth, functions: Sequence[GrowthSum]) -> list[Block]:
    """Which code touches pages that are gone again, where these are many."""
    wasted = [(one, max(one.faults - one.size // report.page_size, 0)) for one in functions]
    gone = sum(faults for _, faults in wasted)
    if report.resident is None or not report.samples or gone < _CHURN_SHARE * report.faults:
        return []
    rate = round(gone * report.page_size / (report.seconds or 1))
    largest = sorted(wasted, key=lambda row: -row[1])[:_CHURN_ROWS]
    columns = (column(HEADINGS, "faults", "count"), column(HEADINGS, "share", "share"), *_columns_of("function"))
    rows = [(faults, _share(faults, gone), *_names(report, one, "function")) for one, faults in largest if faults]
    return [Prose(told("churn", share=100 * gone / (report.faults or 1), size=rate)), Sheet(columns, rows)]


def _remarks(report: CodeGrowth, sums: Sequence[GrowthSum]) -> list[str]:
    """What the figures do not say by themselves."""
    remarks = []
    if report.samples and report.samples < report.faults and report.grown and report.resident is not None:
        remarks.append(told("estimate", each=report.faults / report.samples))
    if any(one.function is not None and one.function.is_nearest for one in sums if one.size):
        remarks.append(told("nearest"))
    if any(one.function is not None and one.function.is_mangled for one in sums if one.size):
        remarks.append(told("mangled"))
    early = sum(row.samples for row in report.rows if row.stack is not None and row.stack.end is not ChainEnd.COMPLETE)
    if report.samples and early > _SHARE_TOLD * report.samples:
        remarks.append(told("early", share=100 * early / report.samples))
    if not report.sees_kernel:
        remarks.append(told("no kernel"))
    if any(one.change is PageChange.HUGE for one in report.changes):
        remarks.append(told("huge"))
    return [*remarks, told("cost", cost=report.cost)]
