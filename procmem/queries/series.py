"""Series: looks at processes, again and again, written down as they come; and read back."""

from __future__ import annotations

import time

from procmem.analyse.inspection import inspection
from procmem.analyse.series import series_report
from procmem.analyse.watch import report_figures, shown_name, trends
from procmem.errors import AccessRefused, BadInput, BrokenRecording, NothingMatches, ProcessGone
from procmem.model.kinds import ByteClass
from procmem.model.named_tuple import NamedTuple
from procmem.model.proc_keys import MeminfoKey
from procmem.model.raw import said_or_nothing
from procmem.model.reports.watch import Sample, Watched
from procmem.model.series import SeriesLook, SeriesProcess
from procmem.model.snapshot import Nature
from procmem.parse.checked import BadDocument
from procmem.parse.options import parse_moment, parse_trigger
from procmem.parse.redact import first_word
from procmem.parse.series import parse_look
from procmem.parse.system import parse_meminfo
from procmem.queries.examine import KnownObjects, examine
from procmem.queries.inspect import consumers_of
from procmem.queries.surroundings import read_surroundings
from procmem.queries.targets import exists
from procmem.queries.watch import SAMPLES_KEPT
from procmem.sources.find import wanted_processes
from procmem.sources.parallel import cpu_seconds
from procmem.sources.series import SeriesFile, is_series, read_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from procmem.model.ports import Target
    from procmem.model.reports.inspection import Inspection
    from procmem.model.reports.series import SeriesReport
    from procmem.parse.options import Trigger
    from procmem.queries.targets import Selection

__all__ = [
    "SERIES_SHARE",
    "SeriesOptions",
    "chosen_in_series",
    "look_at",
    "looks_of",
    "names_a_series",
    "processes_at",
    "record_series",
    "replayed",
    "report_of",
    "trigger_of",
]

SERIES_SHARE = 0.1
"""At most this part of a processor goes into looking; the interval grows by itself where that would not do."""
_TOTALS = ("rss", "pss", "uss", "swap", "virt")
_NAMES = (*_TOTALS, *(cls.value for cls in ByteClass))


class SeriesOptions(NamedTuple):
    """How a series is made: seconds between looks, for how long (None without end), the most bytes of its file.

    ``triggers`` say when a look is kept: all must hold of a process. The first look is kept in any case.
    """

    every: float
    duration: float | None = None
    most: int = 64 << 20
    triggers: tuple[Trigger, ...] = ()
    deep: bool = False
    keep_arguments: bool = False


def trigger_of(text: str) -> Trigger:
    """A condition of ``--when``.

    Raises:
        Misuse: it is none.
    """
    return parse_trigger(text, _NAMES)


def record_series(
    selection: Selection,
    path: str,
    options: SeriesOptions,
    line_of: Callable[[SeriesLook], bytes],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> Generator[tuple[SeriesLook, bool]]:
    """Look, write down, wait; each look, and whether it was kept. It ends when the time is over or nobody is left.

    Processes that are named by name or user are looked for anew each time, so that one that is started again is
    followed. ``line_of`` writes a look as a line of the series.

    Raises:
        CannotWrite: the file cannot be written.
        ProcmemError: nothing can be read at the first look.
    """
    watching = _Watching(selection, options)
    first = watching.look(is_first=True)
    file = SeriesFile(path, most=options.most)
    try:
        began = due = time.monotonic()
        look = first
        while True:
            kept = look is first or watching.wants(look)
            if kept:
                file.add(line_of(look))
            yield look, kept
            now = time.monotonic()
            wait = max(options.every, look.cost / SERIES_SHARE)
            due = max(due + wait, now)  # looks keep to the rhythm, and none is made up for
            if options.duration is not None and due - began > options.duration:
                return
            if not look.processes and not watching.may_come_back:
                return
            pause(due - now)
            look = watching.look()
    finally:
        file.close()


class _Watching:
    """The processes of a selection, from look to look."""

    def __init__(self, selection: Selection, options: SeriesOptions) -> None:
        self._selection = selection
        self._options = options
        self._known = KnownObjects()
        self._before: set[int] = set()
        self._first: dict[tuple[int | None, int | None], SeriesProcess] = {}
        self.may_come_back = bool(selection.name or selection.user)

    def look(self, *, is_first: bool = False) -> SeriesLook:
        """One look at all.

        Raises:
            ProcmemError: the first look, and none of them can be read.
        """
        when, began = time.time(), cpu_seconds()
        seen: list[SeriesProcess] = []
        refused: list[int] = []
        problem: Exception | None = None
        try:
            for ref in self._selection.refs():
                try:
                    with ref.open() as target:
                        seen.append(self._process(target))
                except ProcessGone as error:
                    problem = error
                except (AccessRefused, BadInput) as error:
                    problem = error
                    refused.append(ref.pid or 0)
        except (NothingMatches, ProcessGone) as error:
            problem = error
        if is_first and not seen and problem is not None:
            raise problem
        for one in seen:
            self._first.setdefault((one.pid, one.start), one)
        here = {one.pid for one in seen if one.pid is not None}
        ended = sorted(self._before - here - set(refused))
        self._before = here
        return SeriesLook(when, cpu_seconds() - began, tuple(seen), tuple(ended), tuple(refused))

    def _process(self, target: Target) -> SeriesProcess:
        seen = examine(target, known=self._known, deep=self._options.deep)
        if seen.snapshot.nature is Nature.ZOMBIE:  # it has ended, and only nobody has asked for its status
            raise ProcessGone(seen.snapshot.pid or 0, "ended")
        around = read_surroundings(target, seen.snapshot)
        report = inspection(seen.snapshot, seen.regions)
        report = report._replace(picture=(), regions=None, consumers=consumers_of(seen), surroundings=around)
        if not self._options.keep_arguments and report.process.cmdline:
            words = tuple(first_word(report.process.cmdline))
            report = report._replace(process=report.process._replace(cmdline=words))
        stat = seen.snapshot.stat
        return SeriesProcess(seen.snapshot.pid, None if stat is None else stat.starttime, report)

    def wants(self, look: SeriesLook) -> bool:
        """Whether a look is to be kept: one process fulfils all conditions, or one came or went."""
        if not self._options.triggers or look.ended:
            return True
        return any(all(self._holds(one, trigger) for trigger in self._options.triggers) for one in look.processes)

    def _holds(self, one: SeriesProcess, trigger: Trigger) -> bool:
        size = _figure(one, trigger.name)
        if size is None:
            return False
        if trigger.percent is not None:
            most = _most(one)
            return most is not None and 100 * size > trigger.percent * most
        least = trigger.size or 0
        if trigger.grown:
            was = _figure(self._first[one.pid, one.start], trigger.name)
            return was is not None and size - was > least
        return size > least


def _figure(one: SeriesProcess, name: str) -> int | None:
    if name in _TOTALS:
        value: int | None = getattr(one.report.totals, name)
        return value
    return next((row.rss for row in one.report.classes if row.cls == name), 0)


def _most(one: SeriesProcess) -> int | None:
    """What a process may have: its group's limit, else the machine's memory."""
    around = one.report.surroundings
    if around is not None and around.cgroup is not None and around.cgroup.limit is not None:
        return around.cgroup.limit
    from procmem.sources.files import read_whole  # noqa: PLC0415  # only for --when with a share

    return parse_meminfo(said_or_nothing(read_whole("/proc/meminfo", None))).get(MeminfoKey.TOTAL)


def names_a_series(path: str) -> bool:
    """Whether a path is that of a series.

    Raises:
        BadInput: nobody answers for it.
    """
    return exists(path) and is_series(path)


def looks_of(path: str) -> list[SeriesLook]:
    """All looks of a series.

    Raises:
        BrokenRecording: it cannot be read, is damaged in its middle, or holds no look at all.
    """
    looks = []
    for number, (line, _) in enumerate(read_lines(path), start=1):
        try:
            looks.append(parse_look(line))
        except BadDocument as error:
            raise BrokenRecording(path, "bad-look", number=number) from error
    if not looks:
        raise BrokenRecording(path, "no-look")
    return looks


def report_of(path: str) -> SeriesReport:
    """How memory grew over a series.

    Raises:
        BrokenRecording: as :func:`looks_of`.
    """
    return series_report(path, looks_of(path))


def chosen_in_series(selection: Selection) -> Callable[[SeriesProcess], bool]:
    """Who of a series is meant: the pids that are named, and those of the name and user; all where none is named."""
    wanted = wanted_processes(selection.name, selection.user)
    pids = {int(word) for word in selection.words if word.isdecimal()}
    is_by_name = bool(selection.name or selection.user)

    def chosen(one: SeriesProcess) -> bool:
        facts = one.report.process
        if not selection.words and not is_by_name:
            return True
        return one.pid in pids or (is_by_name and wanted(facts.comm, facts.uid))

    return chosen


def processes_at(selection: Selection, moment: str | None) -> list[Inspection]:
    """What one look of a series saw: all processes, or those that are named.

    Raises:
        BrokenRecording, Misuse: as :func:`looks_of` and :func:`look_at`.
        ProcessGone, NothingMatches: a process that is named is not in that look.
    """
    assert selection.recording is not None
    look = look_at(looks_of(selection.recording), moment)
    known = {one.pid: one.report for one in look.processes}
    for word in selection.words:
        if not word.isdecimal() or int(word) not in known:
            pids = tuple(pid for pid in known if pid is not None)[:10]
            raise ProcessGone(
                int(word) if word.isdecimal() else 0, "not-recorded", source=selection.recording, known=pids
            )
    named = dict.fromkeys(int(word) for word in selection.words)
    found = [known[pid] for pid in named]
    if named and not (selection.name or selection.user):
        return found
    fits = [one for one in look.processes if chosen_in_series(selection._replace(words=()))(one)]
    if not fits:
        raise NothingMatches("none-recorded-so", source=selection.recording)
    return [*found, *(one.report for one in fits if one.pid not in named)]


def replayed(selection: Selection) -> Iterator[list[Watched]]:
    """A series as ``watch`` would have shown it: what each look saw of each process, or of those that are named.

    Raises:
        BrokenRecording: as :func:`looks_of`.
        NothingMatches: no process that is named is in it.
    """
    assert selection.recording is not None
    looks = looks_of(selection.recording)
    chosen = chosen_in_series(selection)
    samples: dict[tuple[int | None, int | None], list[Sample]] = {}
    shown = False
    for look in looks:
        seen = []
        for one in look.processes:
            facts = one.report.process
            if not chosen(one):
                continue
            of_one = samples.setdefault((one.pid, one.start), [])
            of_one.append(Sample(look.when - looks[0].when, report_figures(one.report)))
            history = trends(of_one[-SAMPLES_KEPT:], of_one[0])
            share = look.cost / max(look.when - looks[0].when, look.cost, 0.001)
            seen.append(Watched(one.pid or 0, shown_name(facts.comm), of_one[-1].at, share, history))
        shown = shown or bool(seen)
        yield seen
    if not shown:
        raise NothingMatches("none-recorded-so", source=selection.recording)


def look_at(looks: Sequence[SeriesLook], moment: str | None) -> SeriesLook:
    """The last look, or the last one that is not behind a moment (the first, where all are).

    Raises:
        Misuse: what is given is no moment.
    """
    if moment is None:
        return looks[-1]
    wanted = parse_moment(moment, looks[0].when, looks[-1].when) + 0.001  # looks are written to the millisecond
    return next((look for look in reversed(looks) if look.when <= wanted), looks[0])
