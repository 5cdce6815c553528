"""The question of ``procmem serve``: groups of processes with their figures, at a cost that their targets do not feel.

Each look reads status and smaps_rollup of every process. All mappings of one, which tell classes, kinds, arenas and
findings, are read at a slower rhythm, a few processes at a time. Reading smaps_rollup and smaps holds the target's
mmap lock, on which its mmap() and its page faults may wait: each of the two takes at most ``SHARE`` of a process's
time, however large it is; until a process is due again, what was read of it last stands.
"""

from __future__ import annotations

import time

from procmem.analyse.explain import EXPLAIN_KEYS
from procmem.analyse.inspection import inspection
from procmem.analyse.metrics import metrics_groups, process_detail
from procmem.errors import AccessRefused, BadInput, ProcessGone
from procmem.model.named_tuple import NamedTuple
from procmem.model.proc_keys import StatusKey
from procmem.model.reports.metrics import GroupLabels, MetricsReport, ProcessFigures
from procmem.parse.cgroup_names import read_cgroup_name
from procmem.parse.status import parse_stat, parse_status
from procmem.parse.system import parse_number
from procmem.queries.examine import REGION_KEYS, KnownObjects, examine
from procmem.queries.surroundings import MAX_MAP_COUNT, read_surroundings
from procmem.queries.system import group_matcher, group_of, read_all
from procmem.queries.targets import other_pids, source_of
from procmem.sources.files import read_whole
from procmem.sources.find import user_name, wanted_processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from procmem.model.ports import Target
    from procmem.model.raw import FileContent
    from procmem.model.reports.metrics import ProcessDetail
    from procmem.model.reports.system import ProcessRow
    from procmem.queries.system import AllProcesses

__all__ = ["GROUPED_BY", "SHARE", "Metrics", "MetricsOptions"]

GROUPED_BY = ("name", "user", "cgroup")
SHARE = 0.004
"""Of a process's time that reading its rollup takes at most, and reading its mappings as much again."""
_PASS_SHARE = 0.2
"""Of the interval that one pass over mappings takes at most; the rest waits for the next one."""
_KEYS = REGION_KEYS | set(EXPLAIN_KEYS)


class MetricsOptions(NamedTuple):
    """Which processes are looked at, how they are grouped, and how much may come of it.

    ``detail_every`` are the least seconds between two looks at the mappings of a process, None for no such look.
    """

    by: tuple[str, ...] = ("name",)
    name: str | None = None
    user: str | None = None
    cgroup: str | None = None
    top: int | None = None
    series: int = 20_000
    kinds: tuple[str, ...] = ()
    interval: float = 10.0
    detail_every: float | None = 300.0


class _Known:
    """What is known of one process from earlier looks. ``start`` tells it from another one of the same pid."""

    __slots__ = ("detail", "detail_due", "due", "other", "row", "start")

    def __init__(self, start: int | None) -> None:
        self.start = start
        self.row: ProcessRow | None = None
        self.other: _OtherFigures | None = None
        self.detail: ProcessDetail | None = None
        self.due = self.detail_due = 0.0


class _OtherFigures(NamedTuple):
    """What the small files say besides a row's figures."""

    start: int | None
    peak: int | None
    page_tables: int | None
    threads: int | None
    oom_score: int | None
    cost: float


class Metrics:
    """Looks at processes, one after another, by one thread; ``label`` writes text of a process as a label.

    Raises:
        Misuse, NothingMatches: a name is no regular expression, or there is no such user.
    """

    def __init__(self, options: MetricsOptions, label: Callable[[bytes | str | None], str]) -> None:
        self._options = options
        self._label = label
        self._fits = wanted_processes(options.name, options.user)
        self._source = source_of(None, None)
        self._known: dict[int, _Known] = {}
        self._vanished = self._failed = 0
        self._detail_cost: float | None = None

    def look(self) -> MetricsReport:
        """Look once, cheaply.

        Raises:
            SystemFailed, OSError: nothing can be read.
        """
        when, began = time.time(), time.monotonic()
        pids = self._chosen(other_pids(self._source))
        due = {pid for pid in pids if pid is not None and not self._is_resting(pid, began)}
        found = self._read(due, quick=False)
        resting = self._read([pid for pid in pids if pid not in due], quick=True)
        here = {row.pid for row in (*found.rows, *resting.rows)}
        self._known = {pid: known for pid, known in self._known.items() if pid in here}
        self._vanished += found.vanished + resting.vanished
        figures = [figure for known in self._known.values() if (figure := self._figures(known)) is not None]
        groups, folded = metrics_groups(figures, top=self._options.top, series=self._options.series)
        return MetricsReport(
            when=when,
            cost=time.monotonic() - began,
            detail_cost=self._detail_cost,
            groups=groups,
            folded=folded,
            processes=len(figures),
            refused=found.unreadable + resting.unreadable,
            vanished=self._vanished,
            failed=self._failed,
            max_map_count=_number(read_whole(f"/proc/{MAX_MAP_COUNT}", None)),
        )

    def has_failed(self) -> None:
        """Count a look that came to nothing."""
        self._failed += 1

    def look_at_mappings(self, *, seconds: float | None = None) -> int:
        """Read the mappings of processes that are due, the longest due first; how many were read.

        No more is begun when ``seconds`` are over, a share of the interval unless given.
        """
        every = self._options.detail_every
        if every is None:
            return 0
        began = time.monotonic()
        end = began + (self._options.interval * _PASS_SHARE if seconds is None else seconds)
        waiting = sorted((known.detail_due, pid) for pid, known in self._known.items() if known.detail_due <= began)
        objects, looked = KnownObjects(), 0
        for _, pid in waiting:
            before = time.monotonic()
            if before >= end:
                break
            known = self._known[pid]
            known.detail = self._detail(pid, known, objects)
            now = time.monotonic()
            known.detail_due = now + max(every, (now - before) / SHARE)
            looked += 1
        if looked:
            self._detail_cost = time.monotonic() - began
        return looked

    def _chosen(self, pids: list[int | None]) -> list[int | None]:
        """Those of the control groups that are wanted: of others nothing that costs them is read."""
        if self._options.cgroup is None:
            return pids
        in_group = group_matcher(self._options.cgroup)  # made anew: it remembers all paths that it has seen
        return [pid for pid in pids if in_group(self._group(pid))]

    def _group(self, pid: int | None) -> bytes | None:
        try:
            return group_of(self._source, pid)
        except (ProcessGone, AccessRefused, BadInput):
            return None

    def _is_resting(self, pid: int, now: float) -> bool:
        known = self._known.get(pid)
        return known is not None and known.row is not None and known.due > now

    def _read(self, pids: Iterable[int | None], *, quick: bool) -> AllProcesses:
        """Read processes, and remember what they say; ``quick`` leaves PSS, USS and swap as they are known."""
        others: dict[int | None, _OtherFigures] = {}

        def also(target: Target, row: ProcessRow, cost: float) -> None:
            others[row.pid] = _other_figures(target, cost)

        found = read_all(
            self._source,
            pids,
            quick=quick,
            with_cgroup="cgroup" in self._options.by,
            users=user_name,
            wanted=self._fits,
            also=also,
        )
        for row in found.rows:
            self._remember(row, others[row.pid], quick=quick)
        return found

    def _remember(self, row: ProcessRow, other: _OtherFigures, *, quick: bool) -> None:
        assert row.pid is not None
        known = self._known.get(row.pid)
        if known is None or known.start != other.start:
            known = self._known[row.pid] = _Known(other.start)
        if quick and known.row is not None:
            last = known.row
            row = row._replace(
                pss=last.pss, uss=last.uss, swap=last.swap, swap_pss=last.swap_pss, same_memory=last.same_memory
            )
        if not quick:
            known.due = time.monotonic() + other.cost / SHARE
        known.row, known.other = row, other

    def _figures(self, known: _Known) -> ProcessFigures | None:
        row, other = known.row, known.other
        if row is None or other is None:
            return None
        return ProcessFigures(
            labels=self._labels(row),
            virtual=row.virt,
            resident=row.rss,
            pss=row.pss,
            uss=row.uss,
            swap=row.swap if row.swap_pss is None else row.swap_pss,
            peak=other.peak,
            page_tables=other.page_tables,
            threads=other.threads,
            oom_score=other.oom_score,
            counted=row.same_memory is None,
            detail=known.detail,
        )

    def _labels(self, row: ProcessRow) -> GroupLabels:
        by, label = self._options.by, self._label
        labels = GroupLabels(
            name=label(row.name) if "name" in by else "",
            user=label(row.user) if "user" in by else "",
        )
        if "cgroup" not in by or row.cgroup is None:
            return labels
        about = read_cgroup_name(row.cgroup)
        labels = labels._replace(cgroup=label(row.cgroup))
        if about is None:
            return labels
        return labels._replace(container=label(about.container), pod=label(about.pod_uid), unit=label(about.unit))

    def _detail(self, pid: int, known: _Known, objects: KnownObjects) -> ProcessDetail | None:
        """What the mappings of a process tell; None where it has ended, or they may not be read."""
        try:
            with self._source.open(pid) as target:
                seen = examine(target, keys=_KEYS, known=objects)
                stat = seen.snapshot.stat
                if seen.regions is None or not seen.snapshot.has_usage or stat is None or stat.starttime != known.start:
                    return None
                report, around = inspection(seen.snapshot, seen.regions), read_surroundings(target, seen.snapshot)
        except (ProcessGone, AccessRefused, BadInput):
            return None
        return process_detail(seen.snapshot, seen.regions, report, around, self._options.kinds)


def _other_figures(target: Target, cost: float) -> _OtherFigures:
    """What the small files of an open process say."""
    status, stat = target.read("status"), target.read("stat")
    sizes = parse_status(status) if isinstance(status, bytes) and status else None
    return _OtherFigures(
        start=parse_stat(stat).starttime if isinstance(stat, bytes) and stat else None,
        peak=None if sizes is None else sizes.sizes.get(StatusKey.VM_HWM),
        page_tables=None if sizes is None else sizes.sizes.get(StatusKey.VM_PTE),
        threads=None if sizes is None else sizes.threads,
        oom_score=_number(target.read("oom_score")),
        cost=cost,
    )


def _number(content: FileContent) -> int | None:
    return parse_number(content) if isinstance(content, bytes) else None
