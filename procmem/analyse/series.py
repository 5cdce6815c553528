"""How memory grew over a series of looks: each process by itself, its totals, classes, and what fills its RES."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from procmem.analyse.watch import class_figures, slope_per_minute
from procmem.model.reports.resident import Consumer
from procmem.model.reports.series import Growth, ProcessGrowth, SeriesReport
from procmem.model.reports.system import ProcessRow
from procmem.model.series import SeriesLook, SeriesProcess
from procmem.model.unknown import exact_sum

__all__ = ["series_report", "series_row"]


def series_row(one: SeriesProcess, user_of: Callable[[int], str]) -> ProcessRow:
    """A process of a series as a row of a list of processes; ``user_of`` gives the name of a user id."""
    facts, totals = one.report.process, one.report.totals
    return ProcessRow(
        one.pid,
        facts.ppid,
        facts.uid,
        None if facts.uid is None else user_of(facts.uid),
        facts.comm,
        totals.virt,
        totals.rss,
        totals.pss,
        totals.uss,
        totals.swap,
        totals.swap_pss,
        command=None if facts.cmdline is None else b" ".join(facts.cmdline),
    )


_Point = tuple[float, SeriesProcess]
_NAMES = (("RES", "rss"), ("PSS", "pss"), ("USS", "uss"), ("swap", "swap"), ("VIRT", "virt"))
_TOTALS = tuple((name, attrgetter(f"report.totals.{field}")) for name, field in _NAMES)


def series_report(name: str, looks: Sequence[SeriesLook]) -> SeriesReport:
    """The whole series; processes by how much they grew, the most last."""
    points: defaultdict[tuple[int | None, int | None], list[_Point]] = defaultdict(list)
    for look in looks:
        for one in look.processes:
            points[one.pid, one.start].append((look.when, one))
    last = looks[-1].when if looks else 0.0
    grown = [_growth(found, last, _predecessor(found, points.values())) for found in points.values()]
    grown.sort(key=lambda process: abs(process.held.by or 0))
    span = looks[-1].when - looks[0].when if looks else 0.0
    spent = sum(look.cost for look in looks[:-1])  # the last one is paid for by what follows
    return SeriesReport(
        name=name,
        first_at=looks[0].when if looks else 0.0,
        last_at=last,
        looks=len(looks),
        share=spent / span if span > 0 else 0.0,
        processes=tuple(grown),
    )


def _predecessor(found: Sequence[_Point], all_points: Iterable[Sequence[_Point]]) -> int | None:
    """The process of the same name that was last seen before this one came, where it is gone by then: it was restarted.

    A process that was there at the first look follows nobody.
    """
    came, first = found[0]
    ended = [
        (points[-1][0], points[-1][1].pid)
        for points in all_points
        if points[-1][0] < came and points[-1][1].report.process.comm == first.report.process.comm
    ]
    return max(ended, key=lambda one: one[0])[1] if ended else None


def _growth(points: Sequence[_Point], last: float, follows: int | None) -> ProcessGrowth:
    (first_at, _), (last_at, end) = points[0], points[-1]
    classes: dict[str, None] = {}
    rows: dict[tuple[object, object], Consumer] = {}
    for _, one in points:
        classes.update(dict.fromkeys(row.cls for row in one.report.classes))
        rows.update({row.identity: row for row in one.report.consumers})
    held = [class_figures(one.report.classes) for _, one in points]
    filled = [{row.identity: exact_sum((row.rss, row.swap)) for row in one.report.consumers} for _, one in points]
    return ProcessGrowth(
        pid=end.pid,
        name=end.report.process.comm,
        first_at=first_at,
        last_at=last_at,
        looks=len(points),
        has_ended=last_at < last,
        follows=follows,
        held=_figure("", points, lambda one: exact_sum((one.report.totals.rss, one.report.totals.swap))),
        totals=tuple(_figure(name, points, getter) for name, getter in _TOTALS),
        classes=tuple(_of_table(cls, None, points, [table.get(cls, 0) for table in held]) for cls in classes),
        consumers=_by_growth(
            _of_table("", row, points, [table.get(identity, 0) for table in filled]) for identity, row in rows.items()
        ),
    )


def _by_growth(rows: Iterable[Growth]) -> tuple[Growth, ...]:
    return tuple(sorted(rows, key=lambda row: abs(row.by or 0), reverse=True))


def _figure(name: str, points: Sequence[_Point], of: Callable[[SeriesProcess], int | None]) -> Growth:
    return _of_table(name, None, points, [of(one) for _, one in points])


def _of_table(name: str, consumer: Consumer | None, points: Sequence[_Point], history: Sequence[int | None]) -> Growth:
    """A figure from its values; memory that was not there at a look was nothing."""
    slope = slope_per_minute([(at, value) for (at, _), value in zip(points, history, strict=True)])
    return Growth(name, consumer, history[0], history[-1], slope, tuple(history))
