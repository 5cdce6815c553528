"""What a process's memory is composed of: each class with its kinds, now and over a series of looks."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import sub

from procmem.analyse.series import series_report
from procmem.model.kinds import ByteClass, Kind
from procmem.model.region import Regions
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.report import ClassShare, Course, CourseRow, KindSum
from procmem.model.reports.series import Growth, ProcessGrowth
from procmem.model.series import SeriesLook, SeriesProcess
from procmem.model.unknown import exact_sum

__all__ = ["courses", "shares_of_classes", "shares_of_regions"]

LOOKS_MAX = 1000
"""Looks of a course that are shown: more of them than there are pixels would say nothing."""
CONSUMERS_MAX = 200


def shares_of_regions(regions: Regions) -> tuple[ClassShare, ...]:
    """Sums by class and kind, in the order of the classes; a gate of the kernel's takes no address space."""
    gates = frozenset(regions.mappings.gates())
    sizes = [0 if row in gates else size for row, size in zip(regions.vma, map(sub, regions.end, regions.start),
                                                              strict=True)]  # fmt: skip
    members: defaultdict[Kind, list[int]] = defaultdict(list)
    for index, kind in enumerate(regions.for_each_label(lambda label: label.kind)):
        members[kind].append(index)
    kinds = [
        KindSum(kind, sum(sizes[at] for at in rows), exact_sum([regions.rss[at] for at in rows]), len(rows))
        for kind, rows in members.items()
    ]
    kinds.sort(key=lambda row: row.virt, reverse=True)
    found = []
    for cls in ByteClass:
        own = tuple(row for row in kinds if row.kind.cls is cls)
        if own:
            rss = exact_sum([row.rss for row in own])
            found.append(ClassShare(cls, sum(row.virt for row in own), rss, sum(row.regions for row in own), own))
    return tuple(found)


def shares_of_classes(rows: Iterable[ClassRow]) -> tuple[ClassShare, ...]:
    """The same where the table by class is all that is known."""
    return tuple(ClassShare(ByteClass(row.cls), row.virt, row.rss, row.regions, ()) for row in rows)


def courses(path: str, looks: Sequence[SeriesLook]) -> list[tuple[SeriesProcess, Course]]:
    """Each process of a series at its last look, with its course; those that changed most are first."""
    report = series_report(path, looks)
    points: defaultdict[tuple[int | None, int | None], list[tuple[float, SeriesProcess]]] = defaultdict(list)
    for look in looks:
        for one in look.processes:
            points[one.pid, one.start].append((look.when, one))
    by_beginning = {(found[0][1].pid, found[0][0]): found for found in points.values()}
    answer = []
    for process in reversed(report.processes):
        found = by_beginning[process.pid, process.first_at]
        answer.append((found[-1][1], _course(process, [when for when, _ in found])))
    return answer


def _course(process: ProcessGrowth, times: Sequence[float]) -> Course:
    shown = _thinned(len(times))
    moved = sorted(process.consumers, key=_most, reverse=True)
    return Course(
        times=tuple(times[at] for at in shown),
        looks=len(times),
        classes=tuple(_row(growth, growth.name, shown) for growth in process.classes if any(growth.history)),
        consumers=tuple(_row(growth, None, shown) for growth in moved[:CONSUMERS_MAX]),
        others=max(len(moved) - CONSUMERS_MAX, 0),
    )


def _most(growth: Growth) -> int:
    """By how much a figure ever differed from itself: what rose and fell again is told too."""
    known = [size for size in growth.history if size is not None]
    return max(known, default=0) - min(known, default=0)


def _row(growth: Growth, cls: str | None, shown: Sequence[int]) -> CourseRow:
    return CourseRow(cls, growth.consumer, tuple(growth.history[at] for at in shown), growth.per_minute)


def _thinned(count: int) -> list[int]:
    """At most so many places at equal distances, the first and the last among them."""
    if count <= LOOKS_MAX:
        return list(range(count))
    return [round(at * (count - 1) / (LOOKS_MAX - 1)) for at in range(LOOKS_MAX)]
