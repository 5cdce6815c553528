"""The page of ``procmem diff SERIES``: each process, its classes, and what grew, with its rate and as a curve."""

from __future__ import annotations

from collections.abc import Sequence

from procmem.model.reports.series import Growth, ProcessGrowth, SeriesReport
from procmem.render.columns import column
from procmem.render.escaping import printable, printable_text
from procmem.render.human import duration
from procmem.render.json.series_growth import series_growth_json
from procmem.render.page import Block, Column, Page, Prose, Sheet, Value
from procmem.render.pages.watch import sparkline
from procmem.render.process_head import pid_text
from procmem.render.style import Style
from procmem.text import english, listed
from procmem.text.kind_names import purpose
from procmem.text.pages.series import HEADINGS, told
from procmem.text.units import time_text

__all__ = ["growth_sheet", "series_page"]

_SHOWN = 3
"""Of many processes those that grew most are told in full."""
_ROWS = 8
_CURVE = 24


def series_page(report: SeriesReport, style: Style, unit: str, *, everything: bool) -> Page:
    """The series from its first to its last look; ``everything`` tells of every process, class and consumer."""
    moments = (time_text(report.first_at), time_text(report.last_at))
    head = told(
        "head",
        count=report.looks,
        name=printable_text(report.name),
        first=moments[0],
        last=moments[1],
        time=duration(report.last_at - report.first_at),
        share=report.share,
    )
    sections: list[Sequence[Block]] = [[Prose(head, "", "  ")]]
    shown = report.processes if everything else report.processes[-_SHOWN:]
    if len(report.processes) > 1:
        blocks: list[Block] = [Prose(unit)] if unit else []
        sections.append([*blocks, _process_sheet(report.processes, style)])
    for process in shown:
        sections += _process(process, style, unit if len(report.processes) == 1 else "", everything=everything)
    if len(shown) < len(report.processes):
        sections.append([Prose(told("others", count=len(report.processes) - len(shown)))])
    return Page(
        sections=sections,
        table=lambda: growth_sheet(report),
        document=lambda: series_growth_json(report),
    )


def _process(process: ProcessGrowth, style: Style, unit: str, *, everything: bool) -> list[Sequence[Block]]:
    head = told(
        "process",
        pid=pid_text(process.pid),
        name=printable(process.name) or "?",
        count=process.looks,
        time=duration(process.last_at - process.first_at),
    )
    facts = [*_remarks(process), _verdict(process), *_most(process)]
    blocks: list[Block] = [Prose(f"{head}: {listed(facts, '; ')}", "", "  ")]
    if unit:
        blocks.append(Prose(unit))
    rows = [row for row in (*process.totals[:1], *process.classes) if everything or row.first or row.last]
    grown = [row for row in process.consumers if everything or row.by]
    sections: list[Sequence[Block]] = [[*blocks, _figures(rows, style)]]
    if grown:
        sections.append([_consumers(grown if everything else grown[:_ROWS], style)])
    return sections


def _remarks(process: ProcessGrowth) -> list[str]:
    follows = [] if process.follows is None else [told("follows", pid=process.follows)]
    return [*follows, *([told("ended")] if process.has_ended else [])]


def _verdict(process: ProcessGrowth) -> str:
    held = process.held
    if held.by is None:
        return told("unknown")
    if not held.by:
        return told("moved")
    rate = held.per_minute or 0
    return told("grew" if held.by > 0 else "shrank", by=abs(held.by), rate=abs(rate))


def _most(process: ProcessGrowth) -> list[str]:
    """What grew most, where something did."""
    most = max(process.consumers, key=lambda row: row.by or 0, default=None)
    if most is None or most.consumer is None or not most.by or most.by < 0 or not process.held.by:
        return []
    what = printable_text(purpose(most.consumer))
    return [told("most", what=what, by=most.by, rate=abs(most.per_minute or 0))]


def _process_sheet(processes: Sequence[ProcessGrowth], style: Style) -> Sheet:
    columns = (
        column(HEADINGS, "pid", "count"),
        column(HEADINGS, "name", "text"),
        column(HEADINGS, "looks", "count", rank=3),
        column(HEADINGS, "before", "size", rank=2),
        column(HEADINGS, "after", "size"),
        column(HEADINGS, "by", "size"),
        column(HEADINGS, "per_minute", "size", rank=1),
        column(HEADINGS, "curve", "text", rank=4, least=_CURVE),
        column(HEADINGS, "remark", "text", rank=5),
    )
    rows = [
        (
            process.pid,
            printable(process.name) or "?",
            process.looks,
            *_change(process.held),
            _curve(process.held, style),
            listed(_remarks(process)),
        )
        for process in processes
    ]
    return Sheet(columns, rows, ruled=True)


def _figures(rows: Sequence[Growth], style: Style) -> Sheet:
    return Sheet(
        (column(HEADINGS, "class", "class"), *_columns()),
        [(row.name, *_change(row), _curve(row, style)) for row in rows],
        ruled=True,
    )


def _consumers(rows: Sequence[Growth], style: Style) -> Sheet:
    return Sheet(
        (*_columns(), column(HEADINGS, "what", "text", least=20)),
        [(*_change(row), _curve(row, style), _what(row)) for row in rows],
        ruled=True,
    )


def _columns() -> tuple[Column, ...]:
    return (
        column(HEADINGS, "before", "size", rank=1),
        column(HEADINGS, "after", "size"),
        column(HEADINGS, "by", "size"),
        column(HEADINGS, "per_minute", "size"),
        column(HEADINGS, "curve", "text", rank=2, least=_CURVE),
    )


def _change(row: Growth) -> tuple[Value, Value, Value, Value]:
    return row.first, row.last, row.by, row.per_minute


def _curve(row: Growth, style: Style) -> str:
    return sparkline(thinned(row.history, _CURVE), unicode=style.unicode, width=_CURVE)


def thinned(values: Sequence[int | None], most: int) -> list[int | None]:
    """At most so many of the values, at equal distances, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[round(at * (len(values) - 1) / (most - 1))] for at in range(most)]


def _what(row: Growth) -> str:
    return row.name if row.consumer is None else printable_text(purpose(row.consumer))


def growth_sheet(report: SeriesReport) -> Sheet:
    """Every figure of every process, one row each."""
    columns = (
        column(HEADINGS, "pid", "count"),
        column(HEADINGS, "name", "text"),
        column(HEADINGS, "figure", "text"),
        column(HEADINGS, "what", "text"),
        column(HEADINGS, "before", "size"),
        column(HEADINGS, "after", "size"),
        column(HEADINGS, "by", "size"),
        column(HEADINGS, "per_minute", "size"),
    )
    rows = [
        (process.pid, printable(process.name), figure, english()(_what)(row), *_change(row))
        for process in report.processes
        for figure, found in (
            ("total", (process.held, *process.totals)),
            ("class", process.classes),
            ("consumer", process.consumers),
        )
        for row in found
    ]
    return Sheet(columns, rows)
