"""The question of ``procmem growth``: which code fills the memory, while it does?

A process is looked at when sampling begins and when it ends; in between its page faults are sampled. The period is
chosen so that samples stay few, however many faults there are.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Container, Sequence
from functools import partial

from procmem.analyse.code_map import CodeMap, CodeRange
from procmem.analyse.fault_samples import FaultSamples
from procmem.analyse.growth import FaultFigures, PageLook, grown, sums_by
from procmem.analyse.unwind import unwound
from procmem.errors import BadInput, Misuse, ProcessGone
from procmem.model.code import AMD64
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.perf_records import FaultSample, Lost, MappedRange, RecordForm, ThreadName
from procmem.model.permissions import permissions
from procmem.model.proc_keys import StatusKey
from procmem.model.raw import MappedFile, Refusal
from procmem.model.reports.growth import CurvePoint
from procmem.model.reports.report import ShownGrowth
from procmem.model.vma_names import Backing
from procmem.parse.checked import BadDocument
from procmem.parse.demangle import readable_name
from procmem.parse.growth import parse_growths
from procmem.parse.object_code import ObjectCode
from procmem.parse.options import parse_trigger
from procmem.parse.perf_map import PerfMap
from procmem.parse.perf_records import parse_records
from procmem.parse.status import parse_status
from procmem.queries.examine import examine, local_devices, need_mappings, open_mapped
from procmem.queries.read import need_memory
from procmem.sources.debug_files import PartReader, SilentReader, open_debug_file, read_perf_map
from procmem.sources.parallel import cpu_seconds
from procmem.sources.perf_events import FaultEvents
from procmem.sources.script_file import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.code import CodeChain
    from procmem.model.ports import ByteReader
    from procmem.model.reports.growth import CodeGrowth, GrowthSum
    from procmem.parse.options import Trigger
    from procmem.queries.targets import TargetRef

__all__ = ["UNTIL", "GrowthWatch", "saved_growth", "shown_growth", "sums_of", "trigger_of", "watched_growth"]

UNTIL = ("rss", "anon", "file", "swap")
"""What ``--until`` may name: figures of ``status``, which costs next to nothing to look at."""
_FIELDS = {
    "rss": (StatusKey.VM_RSS,),
    "anon": (StatusKey.RSS_ANON,),
    "file": (StatusKey.RSS_FILE, StatusKey.RSS_SHMEM),
    "swap": (StatusKey.VM_SWAP,),
}
_SAMPLES_A_SECOND = 4000
"""Each costs the process some microseconds: a copy of 8 KiB, and a walk along frame pointers."""
_STACK_BYTES = 8192
_PERIODS = (1, 2, 3, 7, 13, 31, 61, 127, 251, 509, 1021, 2039, 4093, 8191, 16_381, 32_749, 65_521)
"""Prime numbers, so that no period keeps step with a program's own rhythm."""
_TOO_MANY, _TOO_FEW = 2.0, 0.2
"""Times the samples that are wanted: beyond these the period changes."""
_LEAST_SECONDS = 0.05
"""Of faults that a rate is taken from."""
_STATUS_SECONDS = 0.2
_STEP_SECONDS = 0.1
_COMPILED_SECONDS, _COMPILED_PAUSES, _COMPILED_LONGEST = 2.0, 50.0, 0.2
"""How often what a runtime writes down is read again: at least so far apart, and so many times what it takes; where
that is long, only once more, at the end."""
_POINTS_MAX = 512
"""Of the curve: where there are more, every other one is left out."""
_SAVED_CHARACTERS_MAX = 128 << 20
_PID_DIGITS_MAX = 11


def trigger_of(text: str) -> Trigger:
    """What ``--until`` says.

    Raises:
        Misuse: it is no such condition.
    """
    return parse_trigger(text, UNTIL, "--until", parts=False)


def _period_for(rate: float) -> int:
    """The smallest period with which so many faults a second give no more samples than are wanted."""
    return next((one for one in _PERIODS if rate / one <= _SAMPLES_A_SECOND), _PERIODS[-1])


def sums_of(report: CodeGrowth, by: str | None) -> tuple[GrowthSum, ...]:
    """What a report's rows come to, by one thing or by all."""
    return sums_by(report.rows, by)


def watched_growth(reference: TargetRef, seconds: float, goes_on: Callable[[], bool]) -> ShownGrowth:
    """Watch one process for so long, or until it ends or is to go on no more; with the sums that a page shows.

    Raises:
        ProcessGone, AccessRefused, Misuse: as :class:`GrowthWatch`.
    """
    end = time.monotonic() + seconds
    watch = GrowthWatch(reference)
    try:
        while (left := end - time.monotonic()) > 0 and goes_on() and watch.follow():
            watch.wait(min(left, _STEP_SECONDS))
        return shown_growth(watch.report())
    finally:
        watch.close()


def shown_growth(report: CodeGrowth) -> ShownGrowth:
    """A report with its sums by all and by function."""
    return ShownGrowth(report, sums_of(report, None), sums_of(report, "function"))


def saved_growth(path: str, words: Sequence[str] = ()) -> tuple[CodeGrowth, ...]:
    """What ``growth -o`` has written, of all processes in it or of those whose pids are named.

    Raises:
        BadInput: there is no such file, or it is none of those.
        ProcessGone: a process that is named is not in it.
    """
    text = read_text(path, _SAVED_CHARACTERS_MAX)
    try:
        found = parse_growths(text)
    except BadDocument as error:
        raise BadInput("not-growth", path=path) from error
    known = {str(one.process.pid): one for one in found}
    for word in words:
        if word not in known:
            pid = int(word) if word.isdecimal() and len(word) < _PID_DIGITS_MAX else 0
            raise ProcessGone(pid, "not-recorded", source=path, known=tuple(known))
    return tuple(known[word] for word in words) if words else found


class _CountedMoment(NamedTuple):
    """A moment, and what was counted until then."""

    seconds: float
    faults: int


class GrowthWatch:
    """One process, from when its faults begin to be sampled until the report is made.

    Raises:
        Misuse: it does not run: it is a recording, or a copied tree.
        ProcessGone, AccessRefused: as :func:`procmem.queries.read.need_memory`, and as
            :class:`procmem.sources.perf_events.FaultEvents`.
    """

    def __init__(self, reference: TargetRef, until: Trigger | None = None) -> None:
        if not reference.source.is_live:
            raise Misuse("faults-recorded", name=reference.name)
        self.reference = reference
        self._until = until
        self._cost = cpu_seconds()
        self._target = reference.open()
        self._events: FaultEvents | None = None
        try:
            need_memory(self._target)
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        self._samples = FaultSamples()
        self._code = CodeMap(readable_name)
        self._names: dict[int, bytes] = {}
        self._lost = 0
        self._objects: dict[tuple[str, int, bytes], ObjectCode] = {}
        events = self._events = FaultEvents(self._target.pid or 0, RecordForm(AMD64.mask, _STACK_BYTES))
        counted = events.count()
        time.sleep(_LEAST_SECONDS)
        events.sample(_period_for((events.count() - counted) / _LEAST_SECONDS))
        self._before, self._first_moment = self._look()
        self._process = self._before.snapshot.thread_of or self.pid
        self._first = self._epoch = _CountedMoment(time.monotonic(), events.count())
        self._read_code(self._before)
        self._read_compiled()
        self._next_status = 0.0
        self._curve: list[CurvePoint] = []
        self._grown_from = self._figure()

    @property
    def pid(self) -> int:
        """Whose memory it is."""
        return self._target.pid or 0

    def _look(self) -> tuple[PageLook, int]:
        """What it is, with its regions, and its pages at a moment (nanoseconds of CLOCK_MONOTONIC)."""
        seen = examine(self._target)
        need_mappings(seen)
        if seen.regions is None:
            raise ProcessGone(self.pid, "ended")
        table = seen.regions.mappings
        gates = frozenset(table.gates())
        ranges = [
            (table.start[row], table.end[row])
            for row in range(len(table))
            if row not in gates and table.named(row).backing not in (Backing.HUGETLB, Backing.DEVICE)
        ]
        moment = time.monotonic_ns()
        runs = self._target.page_runs(ranges, seen.snapshot.page_size)
        shot = seen.snapshot
        through = shot.read_through
        self._status_file = "status" if through is None else f"task/{through}/status"
        status = self._target.read(self._status_file)
        if isinstance(status, bytes):
            shot = shot._replace(status=parse_status(status))
        return PageLook(shot, seen.regions, None if isinstance(runs, Refusal) else runs), moment

    def _read_code(self, look: PageLook) -> None:
        """Take in all executable mappings, and the names of threads."""
        table = look.regions.mappings
        rows = table.rows_where(lambda row: permissions(table.perms[row]).executable)
        local = local_devices(self._target, {table.device[row] for row in rows if table.inode[row]})
        for row in rows:
            place = (table.start[row], table.end[row], table.offset[row])
            self._add_code(place, table.name[row], table.device[row], table.inode[row], local)
        for thread in look.snapshot.threads or ():
            if thread.comm is not None:
                self._names.setdefault(thread.tid, thread.comm)

    def _read_compiled(self) -> None:
        """Take in what a runtime has written down of its code, which grows while it runs."""
        self._next_compiled = time.monotonic() + _COMPILED_SECONDS
        if self._code.has_compiled:
            began = time.monotonic()
            self._code.compiled_by(PerfMap(read_perf_map(self.pid)))
            taken = time.monotonic() - began
            pause = _COMPILED_PAUSES * taken if taken < _COMPILED_LONGEST else math.inf
            self._next_compiled = began + max(_COMPILED_SECONDS, pause)

    def _add_code(
        self, place: tuple[int, int, int], name: bytes, device: str, inode: int, local: Container[str] | None = None
    ) -> None:
        """An executable mapping: where it starts and ends, and its offset in the file.

        ``local`` are the devices that answer; None where nobody has looked for them.
        """
        start, end, offset = place
        known = self._code.range_at(start)
        if known is not None and known[:4] == (*place, name):
            return
        if inode:
            file = MappedFile(device, inode, name, ((start, end),))
            code = self._objects.get((device, inode, name))
            if code is None:  # opened now: who ends soon takes the kernel's links to its files along
                reader = self._open_file(file, local_devices(self._target, {device}) if local is None else local)
                code = self._objects[device, inode, name] = ObjectCode(lambda: reader, open_debug_file)
            self._code.add(CodeRange(start, end, offset, name, code))
        elif name:
            code = ObjectCode(partial(self._open_kernel_code, start, end), open_debug_file)
            self._code.add(CodeRange(start, end, 0, name, code))
        else:
            self._code.add(CodeRange(start, end, 0, name, None))

    def _open_file(self, file: MappedFile, local: Container[str]) -> ByteReader | None:
        found = open_mapped(self._target, file, local)
        return None if isinstance(found, Refusal) else SilentReader(found)

    def _open_kernel_code(self, start: int, end: int) -> ByteReader | None:
        """The vdso: it has no file, and is read from the process's memory."""
        memory = self._target.memory()
        return None if isinstance(memory, Refusal) else PartReader(memory, start, end - start)

    def wait(self, seconds: float) -> None:
        """Wait for samples, so long or less: an interruption that comes here leaves everything whole."""
        assert self._events is not None
        self._events.wait(seconds)

    def follow(self) -> bool:
        """Take the samples that there are; whether to go on: it has not ended, nor grown as far as was asked."""
        self._take()
        self._adapt()
        now = time.monotonic()
        if now < self._next_status:
            return True
        self._next_status = now + _STATUS_SECONDS
        if now >= self._next_compiled:
            self._read_compiled()
        figure = self._figure()
        return figure is not None and not self._is_reached(figure)

    def _take(self) -> None:
        assert self._events is not None
        for piece in self._events.take():
            for record in parse_records(piece, self._events.form):
                if isinstance(record, FaultSample):
                    if record.pid == self._process and record.time >= self._first_moment:
                        self._samples.add(record, self._unwound)
                elif isinstance(record, Lost):
                    self._lost += record.records
                elif isinstance(record, ThreadName) and record.pid == self._process:
                    self._names[record.tid] = record.name
                elif isinstance(record, MappedRange) and record.executable and record.pid == self._process:
                    place = (record.start, record.end, record.offset)
                    self._add_code(place, record.name, record.device, record.inode)

    def _unwound(self, sample: FaultSample) -> CodeChain:
        return unwound(sample, self._code.rule_at, self._code.is_code)

    def _adapt(self) -> None:
        """Choose another period where samples are many more, or fewer, than are wanted."""
        assert self._events is not None
        now = _CountedMoment(time.monotonic(), self._events.count())
        passed = now.seconds - self._epoch.seconds
        taken = self._samples.seen_in_epoch
        wanted = _SAMPLES_A_SECOND * max(passed, _LEAST_SECONDS)
        too_many, too_few = taken > _TOO_MANY * wanted, taken < _TOO_FEW * wanted and self._events.period > 1
        if not too_many and not (too_few and passed > 10 * _LEAST_SECONDS):
            return
        period = _period_for((now.faults - self._epoch.faults) / max(passed, _LEAST_SECONDS))
        if period != self._events.period:
            with contextlib.suppress(ProcessGone):  # the next look at its status finds that too
                self._events.sample(period)
            self._take()
        self._end_epoch()

    def _end_epoch(self) -> None:
        assert self._events is not None
        now = _CountedMoment(time.monotonic(), self._events.count())
        self._samples.end_epoch(now.faults - self._epoch.faults)
        self._epoch = now

    def _figure(self) -> int | None:
        """What ``--until`` is about, in bytes (0 where it names nothing); None where the process has ended."""
        assert self._events is not None
        content = self._target.read(self._status_file)
        if not isinstance(content, bytes):
            return None
        sizes = parse_status(content).sizes
        if StatusKey.VM_RSS not in sizes:
            return None
        passed = time.monotonic() - self._first_moment / 1e9
        faults = self._events.count() - self._first.faults
        self._curve.append(CurvePoint(passed, sizes[StatusKey.VM_RSS], sizes.get(StatusKey.VM_SWAP), faults))
        if len(self._curve) > _POINTS_MAX:
            self._curve = self._curve[::2]
        return 0 if self._until is None else sum(sizes.get(key, 0) for key in _FIELDS[self._until.name])

    def _is_reached(self, figure: int) -> bool:
        until = self._until
        if until is None or until.size is None:
            return False
        return figure - ((self._grown_from or 0) if until.grown else 0) > until.size

    def report(self) -> CodeGrowth:
        """Look again, and put both looks and the samples together.

        Where it has ended meanwhile, or runs another program now, nothing is known of what is still there.

        Raises:
            AccessRefused, MalformedFile: as :func:`procmem.queries.examine.examine`.
        """
        events = self._events
        assert events is not None
        self._figure()
        before = self._before
        notes: tuple[Note, ...] = ()
        try:
            after, moment = self._look()
        except ProcessGone:  # what was sampled until then is told all the same
            after, moment = before._replace(pages=None), time.monotonic_ns()
            notes = (note("ended watched"),)
        self._take()
        self._end_epoch()
        self._read_code(after)
        self._read_compiled()
        if before.snapshot.auxv != after.snapshot.auxv:
            notes = (note("executed watched"),)
            before = before._replace(pages=None)
        figures = FaultFigures(
            seconds=(moment - self._first_moment) / 1e9,
            faults=self._epoch.faults - self._first.faults,
            lost=self._lost,
            period=events.period,
            sees_kernel=events.sees_kernel,
            cost=cpu_seconds() - self._cost,
            curve=tuple(self._curve),
        )
        found = grown(before, after, self._samples, self._code, self._names, figures)
        return found._replace(warnings=(*found.warnings, *notes))

    def close(self) -> None:
        """Let the process go."""
        if self._events is not None:
            self._events.close()
            self._events = None
        self._target.__exit__(None, None, None)
