"""The questions of ``procmem browse``: a list of processes, and one of them, at one moment after the other.

Here belongs what is looked at, how often that may be, and what is compared; how it is shown, and at which key, is for
the browser. A recording has one moment, a series has many, and a living process has only the present one.
"""

from __future__ import annotations

import contextlib
import time

from procmem.analyse.diff import Look, diff_report
from procmem.analyse.explain import EXPLAIN_KEYS
from procmem.analyse.resident import since
from procmem.analyse.series import series_row
from procmem.errors import AccessRefused, Misuse, NothingMatches, ProcessGone
from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.system import ProcessRow
from procmem.queries.all_processes import SystemOptions, look_at_system
from procmem.queries.examine import REGION_KEYS, examine
from procmem.queries.explain import explained
from procmem.queries.growth import watched_growth
from procmem.queries.prefetch import FILES_OF_A_THREAD
from procmem.queries.series import chosen_in_series, looks_of, names_a_series
from procmem.queries.targets import Selection, exists
from procmem.queries.threads import threads_in
from procmem.queries.watch import READING_SHARE
from procmem.sources.find import user_name, wanted_processes
from procmem.sources.parallel import cpu_seconds
from procmem.text.units import time_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from procmem.model.ports import Target
    from procmem.model.reports.diff import DiffReport
    from procmem.model.reports.explanation import Explanation
    from procmem.model.reports.inspection import Inspection
    from procmem.model.reports.report import ShownGrowth
    from procmem.model.reports.threads import ThreadReport
    from procmem.model.series import SeriesLook, SeriesProcess
    from procmem.queries.targets import TargetRef

__all__ = ["Listed", "OneProcess", "ProcessView", "Processes", "SeriesProcesses", "one_of", "processes_of"]

_LISTING_SHARE = 0.1
"""At most this part of a processor goes into looking at all processes, as ``system --watch`` has it."""
_LEAST_CHANGE = 4096
"""What changed by less than a page counts as the same."""


class Listed(NamedTuple):
    """A process of the list.

    ``growth`` is by how many bytes its PSS (RSS where that is unknown) grew since it was first seen; ``depth`` is its
    place in the tree of processes.
    """

    row: ProcessRow
    growth: int | None = None
    depth: int = 0


class ProcessView(NamedTuple):
    """One process at one moment.

    ``explanation`` and ``threads`` are None where a series or a recording does not hold them, or they may not be read;
    ``when`` is Unix time, None for the present. ``look`` is what is compared with other moments. ``pause`` is how many
    seconds must pass before the next look, by what this one cost.
    """

    inspection: Inspection
    explanation: Explanation | None = None
    threads: ThreadReport | None = None
    when: float | None = None
    look: Look | None = None
    pause: float = 0.0

    def compared_with(self, before: ProcessView) -> DiffReport | None:
        """What became of its memory since another moment; None where one of the two does not tell sizes of regions."""
        if before.look is None or self.look is None:
            return None
        return diff_report(before.look, self.look, threshold=_LEAST_CHANGE)

    def grown_since(self, before: ProcessView) -> Inspection | None:
        """The sums with what each has grown by since another moment, as a series has them; None where it has none."""
        now, then = self.inspection.consumers, before.inspection.consumers
        if not now or not then or before.when is None:
            return None
        return self.inspection._replace(consumers=since(now, then), compared_with=time_text(before.when))


class Processes:
    """All processes of this machine, of another proc tree or of a recording, that fit a selection."""

    def __init__(self, selection: Selection) -> None:
        self.is_live = selection.recording is None and selection.procfs is None
        self.moments: tuple[float, ...] = ()
        self._selection = selection
        self.named = _named(selection)
        by_words = self.named is not None
        self._options = SystemOptions(
            name=None if by_words else selection.name,
            user=None if by_words else selection.user,
            procfs=selection.procfs,
            recording=selection.recording,
            commands=True,
        )
        self._first: dict[tuple[int | None, int | None, bytes | None], int | None] = {}
        self._pids = frozenset(ref.pid for ref in self.named or ())
        also_others = by_words and (selection.name or selection.user)
        self._also = wanted_processes(selection.name, selection.user) if also_others else None
        self.pause = 0.0

    def look(self, at: int = -1) -> tuple[Listed, ...]:
        """Look at all; ``at`` says which moment, where there are several.

        Raises:
            NothingMatches, SystemFailed: as :func:`procmem.queries.all_processes.look_at_system`, at the first look.
        """
        del at
        began = cpu_seconds()
        try:
            rows = look_at_system(self._options).rows
        except NothingMatches:
            if not self._first:
                raise
            rows = ()
        self.pause = (cpu_seconds() - began) / _LISTING_SHARE
        return tuple(self._listed(row) for row in rows if isinstance(row, ProcessRow) and self._is_wanted(row))

    def _is_wanted(self, row: ProcessRow) -> bool:
        """One of those that were named; besides them those of a name or a user, where that was asked for as well."""
        if self.named is None or row.pid in self._pids:
            return True
        return self._also is not None and self._also(row.name, row.uid)

    def _listed(self, row: ProcessRow) -> Listed:
        held = _held(row)
        first = self._first.setdefault((row.pid, row.ppid, row.name), held)
        return Listed(row, None if held is None or first is None else held - first)

    def process(self, row: ProcessRow) -> OneProcess:
        """One of the list, for a closer look."""
        found = self._selection._replace(words=() if row.pid is None else (str(row.pid),), name=None, user=None)
        return OneProcess(next(iter(found.refs())))


class SeriesProcesses:
    """The processes of a series, look by look."""

    is_live = False
    pause = 0.0

    def __init__(self, path: str, selection: Selection) -> None:
        self._looks = looks_of(path)
        self._chosen = chosen_in_series(selection)
        self.moments = tuple(look.when for look in self._looks)

    def look(self, at: int = -1) -> tuple[Listed, ...]:
        """The processes of one look, with what each grew since the first look that has it."""
        return tuple(self._listed(one) for one in self._looks[at].processes if self._chosen(one))

    def _listed(self, one: SeriesProcess) -> Listed:
        row = series_row(one, user_name)
        earlier = (other for look in self._looks for other in look.processes if _same(one, other))
        first = next((_held(series_row(other, user_name)) for other in earlier), None)
        held = _held(row)
        return Listed(row, None if held is None or first is None else held - first)

    def process(self, row: ProcessRow) -> OneInSeries:
        """One of the list, for a closer look."""
        return OneInSeries(self._looks, row.pid)


class OneProcess:
    """One process that is held open, so that a reused pid is never taken for it; or one of a recording."""

    moments: tuple[float, ...] = ()

    def __init__(self, ref: TargetRef) -> None:
        self.name = ref.name
        self.is_live = ref.source.is_live
        self._ref = ref
        self._target: Target = ref.open()

    def look(self, at: int = -1) -> ProcessView:
        """Read and classify it.

        Raises:
            ProcessGone, AccessRefused, MalformedFile: as :func:`procmem.queries.examine.examine`.
        """
        del at
        began = time.monotonic()
        seen = examine(self._target, keys=REGION_KEYS | set(EXPLAIN_KEYS), thread_files=FILES_OF_A_THREAD, stacks=True)
        report = explained(self._target, seen, drawn=True)
        threads = None
        with contextlib.suppress(AccessRefused):  # a text has none
            threads = threads_in(self._target, seen)
        look = None
        if seen.regions is not None and seen.snapshot.has_usage:
            look = Look(self.name, seen.snapshot, seen.regions)
        cost = time.monotonic() - began
        return ProcessView(report.inspection, report, threads, look=look, pause=cost / READING_SHARE)

    def growth(self, seconds: float, goes_on: Callable[[], bool]) -> ShownGrowth:
        """Watch its page faults for so long, or until nobody waits any more.

        Raises:
            ProcmemError: as :class:`procmem.queries.growth.GrowthWatch`.
        """
        return watched_growth(self._ref, seconds, goes_on)

    def close(self) -> None:
        """Let it go."""
        self._target.__exit__(None, None, None)


class OneInSeries:
    """One process of a series: its moments are the looks; those in which it is not there are told as errors."""

    is_live = False

    def __init__(self, looks: Sequence[SeriesLook], pid: int | None) -> None:
        self.name = "?" if pid is None else str(pid)
        self._pid = pid
        self._looks = looks
        self.moments = tuple(look.when for look in looks)

    def look(self, at: int = -1) -> ProcessView:
        """What one look saw of it.

        Raises:
            ProcessGone: it was not there then.
        """
        look = self._looks[at]
        for one in look.processes:
            if one.pid == self._pid:
                return ProcessView(one.report, when=look.when)
        raise ProcessGone(self._pid or 0, "not-there-then")

    def close(self) -> None:
        """Nothing is held open."""


def processes_of(selection: Selection) -> Processes | SeriesProcesses:
    """What a list of processes is made of: this machine, a recording, or a series.

    Raises:
        BrokenRecording, BadInput: a recording or series that cannot be read.
    """
    if selection.recording is not None and names_a_series(selection.recording):
        return SeriesProcesses(selection.recording, selection)
    return Processes(selection)


def one_of(selection: Selection) -> tuple[Processes | SeriesProcesses, OneProcess | OneInSeries | None]:
    """The list to begin with, and the one process that is named, or is the only one of a recording; else None.

    Raises:
        ProcmemError: a process that is named is not there, or may not be opened; a recording cannot be read.
    """
    selection = _with_recording(selection)
    listing = processes_of(selection)
    if isinstance(listing, SeriesProcesses):
        listed = listing.look()
        alone = len(listed) == 1 and listed[0].row.pid is not None
        return listing, listing.process(listed[0].row) if alone else None
    refs = listing.named
    if refs is None and selection.recording is not None:
        refs = [*selection.refs()]
    return listing, OneProcess(refs[0]) if refs is not None and len(refs) == 1 else None


def _with_recording(selection: Selection) -> Selection:
    """The same, with a recording or a series that stands in the place of a pid as what is read from."""
    if selection.recording is not None or len(selection.words) != 1:
        return selection
    word = selection.words[0]
    if word == "self" or word.removeprefix("/proc/").rstrip("/").isdecimal() or not exists(word):
        return selection
    return selection._replace(words=(), recording=word)


def _named(selection: Selection) -> list[TargetRef] | None:
    """The processes that were named; None where none was, and all are meant.

    Raises:
        Misuse: a recording among them, which stands alone.
        ProcessGone, AccessRefused: one that is not there, or may not be opened.
    """
    if not selection.words:
        return None
    refs = [*selection.refs()]
    if selection.recording is None and any(not ref.source.is_live for ref in refs):
        raise Misuse("one-recording")
    if len(refs) > 1:  # a single one is held open from the beginning
        for ref in refs:
            with ref.open():
                pass
    return refs


def _held(row: ProcessRow) -> int | None:
    return row.rss if row.pss is None else row.pss


def _same(one: SeriesProcess, other: SeriesProcess) -> bool:
    return (one.pid, one.start) == (other.pid, other.start)
