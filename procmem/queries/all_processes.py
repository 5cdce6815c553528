"""The question of ``procmem system``: all processes, in sums that count nothing twice; or classes over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

from procmem.analyse.listing import name_matcher
from procmem.analyse.system import sorted_rows, system_report, tree_rows
from procmem.errors import AccessRefused, BadInput, NothingMatches, ProcessGone, SystemFailed
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.proc_keys import StatusKey
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.system import ProcessRow, SystemReport
from procmem.queries.system import cgroups_of, own_mountinfo, read_all
from procmem.queries.targets import has_name, other_pids, source_of
from procmem.sources.find import user_name, wanted_processes
from procmem.sources.parallel import with_children

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procmem.model.ports import Source

    _Look = list[tuple[Any, ...]] | str | None
    """The rows of a process, or why it has none; None where it is not counted at all."""
    _Answer = tuple[int, _Look]
    _Progress = Callable[[Iterator[_Answer], int], AbstractContextManager[Iterator[_Answer]]]

__all__ = ["GROUPINGS", "SORTS", "MachineClasses", "SystemOptions", "machine_classes", "system"]

SORTS = ("pid", "user", "name", "swap", "uss", "pss", "rss", "virt")
GROUPINGS = ("user", "name", "cgroup", "tree")
_SIZES = frozenset({"swap", "uss", "pss", "rss", "virt"})
_UNREADABLE, _UNSIZED = "unreadable", "unsized"


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
    procfs: str | None = None
    recording: str | None = None


class MachineClasses(NamedTuple):
    """Classes over all processes: how many are in the sums, and how many could not be read."""

    classes: tuple[ClassRow, ...]
    processes: int
    unreadable: int
    warnings: tuple[Note, ...] = ()


def system(options: SystemOptions) -> tuple[SystemReport, list[tuple[int, ProcessRow, int | None]] | None]:
    """The report, and the rows as a tree where that is asked for.

    Raises:
        NothingMatches: no process fits the filters.
        SystemFailed: nobody knows, since one could not be read.
    """
    source = _source(options)
    wanted = wanted_processes(options.name, options.user)
    found = read_all(
        source,
        other_pids(source),
        quick=options.quick,
        with_cgroup=options.by == "cgroup" or options.cgroup is not None,
        users=user_name if source.is_live else str,
        wanted=wanted,
    )
    field = options.sort or ("rss" if options.quick else "pss")
    least = options.min_size
    measure = field if field in _SIZES else "pss"
    rows = [row for row in found.rows if not least or (getattr(row, measure) or 0) >= least]
    if options.cgroup is not None:
        fits = name_matcher(options.cgroup)
        rows = [row for row in rows if row.cgroup is not None and fits(row.cgroup)]
    if not rows and found.failure is not None:
        raise SystemFailed("system-failed", reason=found.failure)
    if not rows and (options.name or options.user or options.cgroup is not None or least):
        raise NothingMatches("no-process-fits")
    if not rows and not found.without_memory and not found.unreadable:
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
    return report, tree_rows(shown) if options.by == "tree" else None


def _unseen(answers: Iterator[_Answer], count: int) -> AbstractContextManager[Iterator[_Answer]]:
    del count
    return nullcontext(answers)


def machine_classes(options: SystemOptions, progress: _Progress = _unseen) -> MachineClasses:
    """Walk the pages of all processes; ``progress`` is told what to go through, and how much it is."""
    from procmem.analyse.inspection import class_rows, merged_classes  # noqa: PLC0415  # only for this question
    from procmem.model.snapshot import Nature  # noqa: PLC0415  # the same
    from procmem.queries.examine import KnownObjects, examine  # noqa: PLC0415  # the same

    source = _source(options)
    wanted = wanted_processes(options.name, options.user)
    is_filtered = options.name is not None or options.user is not None
    known = KnownObjects()

    def look(pid: int | None) -> _Look:
        try:
            if is_filtered and not has_name(source, pid, wanted):
                return None
            with source.open(pid) as target:
                seen = examine(target, known=known)
        except ProcessGone:
            return None
        except (AccessRefused, BadInput):
            return _UNREADABLE
        if seen.regions is not None and seen.snapshot.has_usage:
            return [tuple(row) for row in class_rows(seen.regions)]
        if seen.snapshot.size(StatusKey.VM_SIZE) is not None:
            return _UNREADABLE
        return _UNSIZED if seen.snapshot.nature is Nature.PROCESS else None

    pids = other_pids(source)
    found = with_children(len(pids), lambda number: look(pids[number]), alone=not source.is_live)
    with progress(found, len(pids)) as answered:
        answers = [answer for _, answer in answered]
    unreadable, unsized = answers.count(_UNREADABLE), answers.count(_UNSIZED)
    classes = [[ClassRow(*row) for row in rows] for rows in answers if isinstance(rows, list)]
    if not classes and (unsized or (unreadable and source.notes)) and not source.is_live:
        raise AccessRefused(None, "no-sizes")
    return MachineClasses(merged_classes(classes), len(classes), unreadable, source.notes)


def _source(options: SystemOptions) -> Source:
    if options.recording is None and options.procfs is None:
        from procmem.sources.prefetch_all import PrefetchedSource  # noqa: PLC0415  # what was read while we were loaded

        prefetched: Source = PrefetchedSource.over(lambda: source_of(None, None))
        return prefetched
    return source_of(options.procfs, options.recording)
