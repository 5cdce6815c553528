"""What ``procmem serve`` tells: groups of processes with their figures, and what the look cost."""

from collections.abc import Mapping

from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.classes import ClassRow

__all__ = ["GroupLabels", "MetricsGroup", "MetricsReport", "ProcessDetail", "ProcessFigures"]


class GroupLabels(NamedTuple):
    """What tells one group of processes from another, as text that is printed as it stands; empty: not grouped by it.

    ``container``, ``pod`` and ``unit`` are read from the path of the control group.
    """

    name: str = ""
    user: str = ""
    cgroup: str = ""
    container: str = ""
    pod: str = ""
    unit: str = ""


class ProcessDetail(NamedTuple):
    """What only reading all mappings of a process tells: classes, kinds, arenas, and the names of findings.

    ``kinds`` are bytes in memory by kind, of those that were asked for; ``regions`` counts what max_map_count limits.
    """

    classes: tuple[ClassRow, ...]
    kinds: Mapping[str, int]
    regions: int | None
    arenas: int
    findings: tuple[str, ...]


class ProcessFigures(NamedTuple):
    """One process: bytes, None is unknown. ``counted`` is False where another one has the same address space.

    ``detail`` is None where its mappings were not read yet, or may not be.
    """

    labels: GroupLabels
    virtual: int | None
    resident: int | None
    pss: int | None
    uss: int | None
    swap: int | None
    peak: int | None
    page_tables: int | None
    threads: int | None
    oom_score: int | None
    counted: bool = True
    detail: ProcessDetail | None = None


class MetricsGroup(NamedTuple):
    """Several processes as one. Sizes are sums over what is known, None where nothing is; a page counts once in PSS.

    ``peak``, ``regions`` and ``oom_score`` are those of the process that has most. ``sizes_unknown`` counts those whose
    PSS may not be read, ``detailed`` those that ``classes``, ``kinds``, ``arenas`` and ``findings`` are of.
    ``findings`` are processes by finding.
    """

    labels: GroupLabels
    processes: int
    sizes_unknown: int
    virtual: int | None
    resident: int | None
    pss: int | None
    uss: int | None
    swap: int | None
    peak: int | None
    page_tables: int | None
    threads: int | None
    oom_score: int | None
    detailed: int
    classes: tuple[ClassRow, ...]
    kinds: Mapping[str, int]
    regions: int | None
    arenas: int | None
    findings: Mapping[str, int]


class MetricsReport(NamedTuple):
    """One look. ``groups`` are the largest first; ``folded`` are those that were put together for lack of room.

    ``when`` is Unix time, ``cost`` are the seconds that the look took, ``detail_cost`` those of the last look at
    mappings (None before the first); ``refused`` processes may not be looked at. ``vanished`` counts those that ended
    while they were looked at since the beginning, ``failed`` the looks that came to nothing.
    """

    when: float
    cost: float
    detail_cost: float | None
    groups: tuple[MetricsGroup, ...]
    folded: int
    processes: int
    refused: int
    vanished: int
    failed: int
    max_map_count: int | None
