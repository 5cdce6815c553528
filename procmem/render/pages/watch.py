"""The forms of ``procmem watch``: a page that is drawn again and again, lines, CSV, and JSON lines."""

from collections.abc import Sequence
from typing import Any

from procmem.model.reports.watch import Trend, Watched
from procmem.render.escaping import json_text, printable
from procmem.render.human import SizeFormat, duration
from procmem.render.sheet import Column, Sheet, to_csv, to_table

__all__ = ["sparkline", "watch_csv", "watch_json", "watch_line", "watch_page"]

SCHEMA = "procmem/watch/1"
_BARS, _ASCII_BARS = "▁▂▃▄▅▆▇█", "_.-~=+*#"
_WIDTH = 24
_IN_A_LINE = ("VIRT", "RES", "swap", "PSS", "USS")


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


def watch_page(watched: Sequence[Watched], size: SizeFormat, unit: str, *, unicode: bool) -> str:
    """All processes at this moment, one table each."""
    parts = []
    for item in watched:
        head = (
            f"{item.pid}  {printable(item.name)}  watched for {duration(item.at)},"
            f" reading took {item.reading:.2%} of it{f', {unit}' if unit else ''}\n"
        )
        parts.append(head + to_table(_sheet(item, size, unicode=unicode), size))
    return "\n".join(parts)


def _sheet(item: Watched, size: SizeFormat, *, unicode: bool) -> Sheet:
    columns = (
        Column("", "text"),
        Column("now", "size"),
        Column("change", "count"),
        Column("since start", "count"),
        Column("per minute", "count"),
        Column("lately", "text"),
    )
    rows = [
        (
            trend.name,
            trend.now,
            _signed(trend.change, size),
            _signed(trend.since_start, size),
            _signed(trend.per_minute, size),
            sparkline(trend.history, unicode=unicode),
        )
        for trend in item.trends
        if trend.now or trend.since_start
    ]
    return Sheet(columns, rows)


def _signed(value: int | None, size: SizeFormat) -> str:
    if not value:
        return "?" if value is None else "0"
    return f"{'+' if value > 0 else '-'}{size(abs(value))}"


def watch_line(item: Watched, size: SizeFormat) -> str:
    """One look at one process as one line."""
    words = [f"{item.at:8.1f} s  {item.pid}  {printable(item.name)}"]
    words += [_in_line(trend, size) for trend in item.trends if trend.name in _IN_A_LINE or trend.change]
    return "  ".join(words) + "\n"


def _in_line(trend: Trend, size: SizeFormat) -> str:
    text = f"{trend.name} {size(trend.now)}"
    if trend.change:
        text += f" ({_signed(trend.change, size)})"
    if trend.name == "RES" and trend.per_minute is not None:
        text += f" {_signed(trend.per_minute, size)}/min"
    return text


def watch_csv(watched: Sequence[Watched], *, heading: bool) -> str:
    """One look as comma-separated values, a row for each figure: classes come and go, columns do not."""
    columns = (
        Column("at seconds", "text"),
        Column("pid", "count"),
        Column("name", "text"),
        Column("figure", "text"),
        Column("now", "size"),
        Column("change", "size"),
        Column("since start", "size"),
        Column("per minute", "size"),
    )
    rows = [
        (at, item.pid, name, trend.name, trend.now, trend.change, trend.since_start, trend.per_minute)
        for item in watched
        for at, name in [(f"{item.at:.3f}", printable(item.name))]
        for trend in item.trends
    ]
    text = to_csv(Sheet(columns, rows))
    return text if heading else text.partition("\n")[2]


def watch_json(item: Watched) -> dict[str, Any]:
    """One look at one process as plain values."""
    return {
        "schema": SCHEMA,
        "at": round(item.at, 3),
        "pid": item.pid,
        **json_text("name", item.name),
        "reading": round(item.reading, 6),
        "figures": {trend.name: trend.now for trend in item.trends},
        "change": {trend.name: trend.change for trend in item.trends},
        "since_start": {trend.name: trend.since_start for trend in item.trends},
        "per_minute": {trend.name: trend.per_minute for trend in item.trends},
    }
