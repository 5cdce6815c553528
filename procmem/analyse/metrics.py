"""Processes put together to groups for monitoring: sums that count nothing twice, and a bound on how many there are.

Every group costs whoever stores its series, and names of groups are what processes say of themselves: a program that
takes a new name every second must not fill a database. So the largest groups are kept, and all others are one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from procmem.analyse.arenas import arenas_of
from procmem.analyse.findings import findings
from procmem.analyse.inspection import merged_classes
from procmem.model.region import Regions
from procmem.model.reports.inspection import Inspection
from procmem.model.reports.metrics import GroupLabels, MetricsGroup, ProcessDetail, ProcessFigures
from procmem.model.reports.resident import Surroundings
from procmem.model.snapshot import Snapshot
from procmem.model.unknown import known_sum

__all__ = ["OTHERS", "metrics_groups", "process_detail"]

OTHERS = GroupLabels(name="_other")
"""The groups that there is no room for, as one. A process that calls itself so is counted with them."""
_SERIES_OF_A_GROUP = 14
"""Families with one sample a group, at most."""
_SERIES_OF_A_CLASS = 5
_UNKNOWN = -1


def metrics_groups(
    processes: Iterable[ProcessFigures], *, top: int | None, series: int
) -> tuple[tuple[MetricsGroup, ...], int]:
    """The groups, the largest by PSS first, and how many were put together to ``OTHERS``.

    ``top`` is the most groups by themselves, ``series`` the most samples that all groups together may have.
    """
    members: dict[GroupLabels, list[ProcessFigures]] = {}
    for process in processes:
        members.setdefault(process.labels, []).append(process)
    groups = sorted(
        (_group(labels, found) for labels, found in members.items()),
        key=lambda group: (-(group.pss or group.resident or 0), group.labels),
    )
    kept = _fitting(groups, series) if top is None else min(_fitting(groups, series), top)
    if kept >= len(groups):
        return tuple(groups), 0
    folded = {group.labels for group in groups[kept:]} | {OTHERS}
    rest = [process for labels, found in members.items() if labels in folded for process in found]
    alone = [group for group in groups[:kept] if group.labels != OTHERS]
    return (*alone, _group(OTHERS, rest)), len(groups) - kept


def _fitting(groups: Sequence[MetricsGroup], series: int) -> int:
    """How many of the groups have room: all, or so many that the group of all others fits beside them."""
    sizes = [_series_of(group) for group in groups]
    if sum(sizes) <= series:
        return len(groups)
    left = series - max(sizes)  # for all others
    sums = accumulate(sizes)
    return sum(1 for taken in sums if taken <= left)


def _series_of(group: MetricsGroup) -> int:
    """The samples of a group."""
    varying = _SERIES_OF_A_CLASS * len(group.classes) + len(group.kinds) + len(group.findings)
    return _SERIES_OF_A_GROUP + varying


def _group(labels: GroupLabels, found: Sequence[ProcessFigures]) -> MetricsGroup:
    once = [process for process in found if process.counted]
    details = [process.detail for process in once if process.detail is not None]
    return MetricsGroup(
        labels=labels,
        processes=len(found),
        sizes_unknown=sum(process.pss is None for process in found),
        virtual=known_sum(process.virtual for process in once),
        resident=known_sum(process.resident for process in once),
        pss=known_sum(process.pss for process in once),
        uss=known_sum(process.uss for process in once),
        swap=known_sum(process.swap for process in once),
        peak=_most(process.peak for process in found),
        page_tables=known_sum(process.page_tables for process in once),
        threads=known_sum(process.threads for process in found),
        oom_score=_most(process.oom_score for process in found),
        detailed=len(details),
        classes=merged_classes(detail.classes for detail in details),
        kinds=_sums(detail.kinds for detail in details),
        regions=_most(detail.regions for detail in details),
        arenas=sum(detail.arenas for detail in details) if details else None,
        findings=Counter(name for detail in details for name in detail.findings),
    )


def _most(values: Iterable[int | None]) -> int | None:
    most = max((_UNKNOWN if value is None else value for value in values), default=_UNKNOWN)
    return None if most == _UNKNOWN else most


def _sums(counted: Iterable[Mapping[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in counted:
        for name, size in one.items():
            sums[name] = sums.get(name, 0) + size
    return sums


def process_detail(
    snapshot: Snapshot, regions: Regions, report: Inspection, around: Surroundings, kinds: Sequence[str]
) -> ProcessDetail:
    """What the mappings of a process tell; ``kinds`` are those whose bytes in memory are wanted."""
    sizes = dict.fromkeys(kinds, 0)
    for label, rss in zip(regions.label, regions.rss, strict=True):
        if label.kind in sizes:
            sizes[label.kind] += rss or 0
    return ProcessDetail(
        classes=report.classes,
        kinds=sizes,
        regions=around.mappings,
        arenas=arenas_of(regions, snapshot.bits).at_least,
        findings=tuple(finding.name for finding in findings(snapshot, regions, report, around)),
    )
