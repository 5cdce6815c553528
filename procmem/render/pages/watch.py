"""The pages of ``procmem watch``: one of each look at each process, and a line for where nothing can be drawn anew."""

from __future__ import annotations

from collections.abc import Sequence

from procmem.model.kinds import ByteClass
from procmem.model.reports.watch import Trend, Watched
from procmem.render.columns import column
from procmem.render.escaping import printable
from procmem.render.human import duration, short_duration
from procmem.render.json.watch import watch_json
from procmem.render.page import Column, Page, Prose, Sheet
from procmem.render.style import Style
from procmem.render.width import cells
from procmem.text import listed
from procmem.text.pages.watch import HEADINGS, figure, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.render.human import SizeFormat

__all__ = ["sparkline", "watch_line", "watch_page", "watch_sheet"]

_BARS, _ASCII_BARS = "▁▂▃▄▅▆▇█", "_.-~=+*#"
_WIDTH = 24
_IN_A_LINE = ("VIRT", "RES", "peak RES", "swap", "PSS", "USS")
_CLASSES = frozenset(ByteClass)
_REST = " " * 10


def sparkline(history: Sequence[int | None], *, unicode: bool = True, width: int = _WIDTH) -> str:
    """The last values as bars between their least and their largest; a blank where one is unknown."""
    bars = _BARS if unicode else _ASCII_BARS
    shown = history[-width:]
    known = [value for value in shown if value is not None]
    if not known:
        return ""
    least, span = min(known), max(known) - min(known)
    top = len(bars) - 1
    return "".join(" " if value is None else bars[(value - least) * top // span if span else 0] for value in shown)


def watch_page(item: Watched, style: Style, unit: str) -> Page:
    """One process at this moment; ``unit`` names the unit of its sizes."""
    return Page(
        sections=[[_head(item, unit), _sheet(item, style)]],
        table=lambda: watch_sheet(item),
        document=lambda: watch_json(item),
    )


def _head(item: Watched, unit: str) -> Prose:
    """Whose look it is and since when; what looking costs at the first look, and where looks come less often for it."""
    parts = []
    is_first = all(len(trend.history) == 1 for trend in item.trends)
    if not is_first:
        parts.append(told("watched", time=short_duration(item.at), share=item.reading))
    if item.cost is not None and (item.slowed or is_first):
        parts.append(told("cost", cost=item.cost))
        if item.due is not None:
            parts.append(told("due", time=_until(item.due)))
    parts += [unit] if unit else []
    return Prose(told("process", pid=item.pid, name=printable(item.name)) + "  " + listed(parts), "", "  ")


def _until(seconds: float) -> str:
    return duration(seconds) if seconds >= 1 else f"{seconds:.2f} s"


def _sheet(item: Watched, style: Style) -> Sheet:
    columns = (
        Column("", "text", "figure"),
        column(HEADINGS, "now", "size"),
        column(HEADINGS, "change", "figure"),
        column(HEADINGS, "since_start", "figure", rank=1),
        column(HEADINGS, "per_minute", "figure", rank=2),
        column(HEADINGS, "lately", "text", rank=3, least=_WIDTH),
    )
    rows = [
        (
            figure(trend.name),
            trend.now,
            _signed(trend.change, style.size),
            _signed(trend.since_start, style.size),
            _signed(trend.per_minute, style.size),
            sparkline(trend.history, unicode=style.unicode),
        )
        for trend in item.trends
        if trend.now is None or trend.now or trend.since_start
    ]
    return Sheet(columns, rows, ruled=True)


def _signed(value: int | None, size: SizeFormat) -> str:
    if not value:
        return "?" if value is None else "0"
    return f"{'+' if value > 0 else '-'}{size(abs(value))}"


def watch_line(item: Watched, style: Style) -> str:
    """One look at one process as one line; folded, what follows indented, where the width is limited."""
    head = f"{item.at:8.1f} s  {item.pid}  {printable(item.name)}"
    slowed = item.slowed and item.due is not None
    notes = [told("slowed", cost=item.cost, time=_until(item.due or 0.0))] if slowed else []
    figures = [
        _in_line(trend, style.size)
        for trend in item.trends
        if trend.name in _IN_A_LINE or trend.change or (trend.name in _CLASSES and trend.now != 0)
    ]
    lines = [head]
    for text in (*figures, *notes):
        joined = f"{lines[-1]}  {text}"
        if style.width is None or cells(joined) <= style.width or len(lines[-1]) <= len(_REST):
            lines[-1] = joined
        else:
            lines.append(_REST + text)
    return "".join(f"{line}\n" for line in lines)


def _in_line(trend: Trend, size: SizeFormat) -> str:
    text = f"{figure(trend.name)} {size(trend.now)}"
    if trend.change:
        text += f" ({_signed(trend.change, size)})"
    if trend.name == "RES" and trend.per_minute is not None:
        text += " " + told("a minute", change=_signed(trend.per_minute, size))
    return text


def watch_sheet(item: Watched) -> Sheet:
    """One look, a row for each figure: classes come and go, columns do not."""
    columns = (
        column(HEADINGS, "at_seconds", "text"),
        column(HEADINGS, "pid", "count"),
        column(HEADINGS, "name", "text"),
        column(HEADINGS, "figure", "text"),
        column(HEADINGS, "now", "size"),
        column(HEADINGS, "change", "size"),
        column(HEADINGS, "since_start", "size"),
        column(HEADINGS, "per_minute", "size"),
    )
    at, name = f"{item.at:.3f}", printable(item.name)
    rows = [
        (at, item.pid, name, trend.name, trend.now, trend.change, trend.since_start, trend.per_minute)
        for trend in item.trends
    ]
    return Sheet(columns, rows)
