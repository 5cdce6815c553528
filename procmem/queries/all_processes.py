"""The question of ``procmem system``: all processes, in sums that count nothing twice; classes; what is mapped."""

from __future__ import annotations

import time

from procmem.analyse.system import sorted_rows, system_report, tree_rows
from procmem.analyse.system_changes import changes_between, of_classes, of_groups, of_mappings, of_processes
from procmem.errors import AccessRefused, BadInput, NothingMatches, ProcessGone, SystemFailed
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.proc_keys import StatusKey
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.system import Changes, MappingRow, ProcessRow, SystemReport
from procmem.queries.system import cgroups_of, group_matcher, group_of, own_mountinfo, read_all, with_names
from procmem.queries.targets import has_name, other_pids, source_of
from procmem.sources.find import user_name, wanted_processes
from procmem.sources.kcmp import same_memory
from procmem.sources.parallel import cpu_seconds, with_children

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from typing import Any

    from procmem.analyse.system_changes import Followed
    from procmem.model.ports import Source
    from procmem.model.region import Regions

    _Row = tuple[Any, ...]
    _Look = tuple[list[_Row], list[int]] | str | None
    """The rows of a process with what its address space spans, or why it has none; None where it is not counted."""
    _Answer = tuple[int, _Look]
    _Progress = Callable[[Iterator[_Answer], int], AbstractContextManager[Iterator[_Answer]]]

__all__ = [
    "GROUPINGS",
    "SORTS",
    "MachineClasses",
    "MachineMappings",
    "SystemLook",
    "SystemOptions",
    "follow_system",
    "look_at_system",
    "machine_classes",
    "machine_mappings",
    "system",
]

SORTS = ("pid", "user", "name", "swap", "uss", "pss", "rss", "virt")
GROUPINGS = ("user", "name", "cgroup", "tree")
_SIZES = frozenset({"swap", "uss", "pss", "rss", "virt"})
_FILES = ("auxv", "cmdline", "smaps", "limits")
"""Of each process: what classification looks at, and no names. To open a file takes its time."""
_UNREADABLE, _UNSIZED = "unreadable", "unsized"
_READING_SHARE = 0.1
"""At most this part of a processor goes into looking again and again."""


class SystemOptions(NamedTuple):
    """What is asked for: all processes by PSS, the largest last, unless it says more."""

    sort: str | None = None
    reverse: bool = False
    top: int | None = None
    by: str | None = None
    name: str | None = None
    user: str | None = None
    cgroup: str | None = None
    min_size: int = 0
    quick: bool = False
    classes: bool = False
    mappings: bool = False
    only: tuple[str, ...] = ()
    commands: bool = False
    procfs: str | None = None
    recording: str | None = None


class MachineClasses(NamedTuple):
    """Classes over all processes: how many are in the sums, and how many could not be read."""

    classes: tuple[ClassRow, ...]
    processes: int
    unreadable: int
    warnings: tuple[Note, ...] = ()


class MachineMappings(NamedTuple):
    """Mapped objects over all processes: those to list, and of all ``names`` that fit the sums."""

    rows: tuple[MappingRow, ...]
    names: int
    totals: MappingRow
    processes: int
    unreadable: int
    warnings: tuple[Note, ...] = ()


def _unseen(answers: Iterator[_Answer], count: int) -> AbstractContextManager[Iterator[_Answer]]:
    from contextlib import nullcontext  # noqa: PLC0415  # only for questions that take long

    del count
    return nullcontext(answers)


class SystemLook(NamedTuple):
    """One look at all processes: the answer to what was asked for (one of three), and all rows that fit."""

    report: SystemReport | None = None
    tree: list[tuple[int, ProcessRow, int | None]] | None = None
    classes: MachineClasses | None = None
    mapped: MachineMappings | None = None
    rows: Sequence[ProcessRow] | Sequence[MappingRow] = ()


def look_at_system(options: SystemOptions, progress: _Progress = _unseen) -> SystemLook:
    """Look at all processes once.

    Raises:
        NothingMatches, AccessRefused, SystemFailed: as :func:`system`.
    """
    if options.mappings:
        mapped, names = _machine_mappings(options, progress)
        return SystemLook(mapped=mapped, rows=names)
    if options.classes:
        return SystemLook(classes=machine_classes(options, progress))
    report, tree, rows = _system(options)
    return SystemLook(report, tree, rows=rows)


def _followed(look: SystemLook, options: SystemOptions) -> Followed:
    """The figure of every row that fits, however few are listed: what the next look is compared with."""
    if look.classes is not None:
        return of_classes(look.classes.classes)
    if look.mapped is not None:
        return of_mappings([row for row in look.rows if isinstance(row, MappingRow)], _measure(options))
    rows = [row for row in look.rows if isinstance(row, ProcessRow)]
    if options.by not in (None, "tree"):
        return of_groups(system_report(rows, by=options.by).groups)
    return of_processes(rows, _measure(options))


def follow_system(
    options: SystemOptions, every: float, *, pause: Callable[[float], None] = time.sleep
) -> Iterator[tuple[SystemLook, Changes]]:
    """Look at all processes again and again, each time with what has changed since the look before.

    Looking takes a tenth of a processor at most: where it costs more, looks come less often. Where nothing fits any
    more, the rows of a look are none.

    Raises:
        NothingMatches, AccessRefused, SystemFailed: as :func:`system`, at the first look.
    """
    began = time.monotonic()
    spent, before = 0.0, None
    while True:
        started, used = time.monotonic(), cpu_seconds()
        try:
            look = look_at_system(options)
        except (NothingMatches, AccessRefused):
            if before is None:
                raise
            look = SystemLook(report=system_report(()))
        figures = _followed(look, options)
        at = 0.0 if before is None else started - began
        yield look, changes_between(before, figures, _measure(options), at=at, reading=spent / at if at else 0.0)
        before = figures
        cost = cpu_seconds() - used
        spent += cost
        pause(max(max(every, cost / _READING_SHARE) - (time.monotonic() - started), 0.0))


def _field(options: SystemOptions) -> str:
    """What rows are sorted by."""
    return options.sort or ("rss" if options.quick else "pss")


def _measure(options: SystemOptions) -> str:
    """The size that a row is judged by."""
    field = _field(options)
    return field if field in _SIZES else "pss"


def system(options: SystemOptions) -> tuple[SystemReport, list[tuple[int, ProcessRow, int | None]] | None]:
    """The report, and the rows as a tree where that is asked for.

    Raises:
        NothingMatches: no process fits the filters.
        AccessRefused: nobody knows, since some may not be read, and none of the others fits.
        SystemFailed: nobody knows, since one could not be read.
    """
    return _system(options)[:2]


def _system(
    options: SystemOptions,
) -> tuple[SystemReport, list[tuple[int, ProcessRow, int | None]] | None, list[ProcessRow]]:
    """The same, and all rows that fit."""
    source = _source(options)
    wanted = wanted_processes(options.name, options.user)
    found = read_all(
        source,
        other_pids(source),
        quick=options.quick,
        with_cgroup=options.by == "cgroup" or options.cgroup is not None,
        with_command=options.commands,
        users=user_name if source.is_live else str,
        wanted=wanted,
    )
    field, measure, least = _field(options), _measure(options), options.min_size
    rows = [row for row in found.rows if not least or (getattr(row, measure) or 0) >= least]
    if options.cgroup is not None:
        fits = group_matcher(options.cgroup)
        rows = [row for row in rows if fits(row.cgroup)]
    if not rows and found.failure is not None:
        raise SystemFailed("system-failed", reason=found.failure)
    if not rows and found.unreadable:
        raise AccessRefused(None, "none-may-be-read", count=found.unreadable)
    if not rows and (options.name or options.user or options.cgroup is not None or least):
        raise NothingMatches("no-process-fits")
    if not rows and not found.without_memory:
        raise NothingMatches("no-process-in", source=source.name)
    rows = sorted_rows(rows, field, reverse=options.reverse, top=None)
    shown = sorted_rows(rows, field, reverse=options.reverse, top=options.top)
    report = system_report(
        rows,
        shown=shown,
        by=options.by,
        top=options.top,
        cgroups=cgroups_of(rows, own_mountinfo()) if options.by == "cgroup" and source.is_live else (),
        without_memory=found.without_memory,
        unreadable=found.unreadable,
    )
    report = report._replace(warnings=source.notes, live=source.is_live)
    if options.by == "cgroup":
        report = report._replace(groups=with_names(report.groups))
    return report, tree_rows(shown) if options.by == "tree" else None, rows


def machine_classes(options: SystemOptions, progress: _Progress = _unseen) -> MachineClasses:
    """Walk the pages of all processes; ``progress`` is told what to go through, and how much it is."""
    from procmem.analyse.inspection import class_rows, merged_classes  # noqa: PLC0415  # only for this question

    seen = _walk(options, progress, class_rows)
    classes = merged_classes([ClassRow(*row) for row in rows] for rows in seen.rows)
    return MachineClasses(classes, len(seen.rows), seen.unreadable, seen.warnings)


def machine_mappings(options: SystemOptions, progress: _Progress = _unseen) -> MachineMappings:
    """The same by the names of what is mapped; ``options.only`` are the classes to count."""
    return _machine_mappings(options, progress)[0]


def _machine_mappings(options: SystemOptions, progress: _Progress) -> tuple[MachineMappings, list[MappingRow]]:
    """The same, and all rows that fit."""
    from procmem.analyse.mappings import (  # noqa: PLC0415  # only for this question
        mapping_rows,
        merged_mappings,
        sorted_mappings,
        summed,
    )

    seen = _walk(options, progress, lambda regions: mapping_rows(regions, options.only))
    rows = merged_mappings([MappingRow(*row) for row in rows] for rows in seen.rows)
    field, measure, least = _field(options), _measure(options), options.min_size
    rows = [row for row in rows if not least or (getattr(row, measure) or 0) >= least]
    shown = sorted_mappings(rows, field, reverse=options.reverse, top=options.top)
    total = summed(rows)
    return MachineMappings(tuple(shown), len(rows), total, len(seen.rows), seen.unreadable, seen.warnings), rows


class _Walked(NamedTuple):
    """The rows of each process, each address space once; how many could not be read."""

    rows: list[list[_Row]]
    unreadable: int
    warnings: tuple[Note, ...]


def _walk(
    options: SystemOptions, progress: _Progress, rows_of: Callable[[Regions], Sequence[tuple[Any, ...]]]
) -> _Walked:
    """Examine all processes, and make rows of the regions of each."""
    from procmem.model.snapshot import Nature  # noqa: PLC0415  # only for these questions
    from procmem.queries.examine import KnownObjects, examine  # noqa: PLC0415  # the same

    source = _source(options)
    wanted = _wanted(options)
    known = KnownObjects()

    def look(pid: int | None) -> _Look:
        try:
            if wanted is not None and not wanted(source, pid):
                return None
            with source.open(pid) as target:
                seen = examine(target, files=_FILES, system=(), thread_files=("syscall",), known=known)
        except ProcessGone:
            return None
        except (AccessRefused, BadInput):
            return _UNREADABLE
        if seen.regions is not None and seen.snapshot.has_usage:
            table = seen.regions.mappings
            return [tuple(row) for row in rows_of(seen.regions)], [*table.start[:1], *table.end[-1:], sum(table.sizes)]
        if seen.snapshot.size(StatusKey.VM_SIZE) is not None:
            return _UNREADABLE
        return _UNSIZED if seen.snapshot.nature is Nature.PROCESS else None

    pids = other_pids(source)
    found = with_children(len(pids), lambda number: look(pids[number]), alone=not source.is_live)
    with progress(found, len(pids)) as answered:
        answers = [(pids[number], answer) for number, answer in answered]
    told = [answer for _, answer in answers]
    unreadable, unsized = told.count(_UNREADABLE), told.count(_UNSIZED)
    spans = {pid: (answer[0], tuple(answer[1])) for pid, answer in answers if isinstance(answer, tuple)}
    again = _again({pid: span for pid, (_, span) in spans.items() if pid is not None}) if source.is_live else set()
    rows = [rows for pid, (rows, _) in spans.items() if pid not in again]
    if not rows and (unsized or (unreadable and source.notes)) and not source.is_live:
        raise AccessRefused(None, "no-sizes")
    if not rows and unreadable:
        raise AccessRefused(None, "none-may-be-read", count=unreadable)
    return _Walked(rows, unreadable, source.notes)


def _again(spans: dict[int, tuple[int, ...]]) -> set[int]:
    """Those that show the address space of another one once more (vfork, CLONE_VM)."""
    alike: dict[tuple[int, ...], list[int]] = {}
    for pid in sorted(spans):
        alike.setdefault(spans[pid], []).append(pid)
    return {pid for pids in alike.values() if len(pids) > 1 for pid in same_memory(pids)}


def _wanted(options: SystemOptions) -> Callable[[Source, int | None], bool] | None:
    """Whether a process is one of those asked for, by its small files alone; None where all are."""
    if options.name is None and options.user is None and options.cgroup is None:
        return None
    by_name = wanted_processes(options.name, options.user)
    by_group = None if options.cgroup is None else group_matcher(options.cgroup)

    def wanted(source: Source, pid: int | None) -> bool:
        return (by_group is None or by_group(group_of(source, pid))) and has_name(source, pid, by_name)

    return wanted


def _source(options: SystemOptions) -> Source:
    if options.recording is None and options.procfs is None:
        from procmem.sources.prefetch_all import PrefetchedSource  # noqa: PLC0415  # what was read while we were loaded

        prefetched: Source = PrefetchedSource.over(lambda: source_of(None, None))
        return prefetched
    return source_of(options.procfs, options.recording)
