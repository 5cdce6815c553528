"""Page faults of a process as the kernel samples them: events of perf_event_open(2), and the rings that they fill.

Here belongs getting the records as bytes; what they say is read in :mod:`procmem.parse.perf_records`. The event is the
software event "page faults", which every machine has. Nothing is written into the process, and nothing stops it: the
kernel copies a record at some of its faults.

Three sets of events follow the threads, and what they start (``inherit``): one for each thread counts all faults; one
for each thread and processor takes a sample at every n-th; one for each processor owns the ring that the samples of
this processor go to. The kernel's own way of choosing the period (``freq``) is not used: faults come in bursts, from
which it infers rates that are a hundred times too high (seen on 6.18: 14 samples where 2,000 were asked for). So the
samplers are opened anew where the period does not fit the rate; only counting goes on without a gap.

Source: perf_event_open(2); include/uapi/linux/perf_event.h; kernel/events/core.c, perf_swevent_event(),
perf_event_set_output() and perf_mmap(); Documentation/admin-guide/perf-security.rst.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import resource
import select
import struct
from collections.abc import Iterable, Iterator

from procmem.errors import AccessRefused, ProcessGone, ProcmemError, SystemFailed, shortage_of
from procmem.model.named_tuple import NamedTuple
from procmem.model.perf_records import RecordForm
from procmem.model.raw import said_or_nothing
from procmem.sources.files import read_whole
from procmem.sources.machine import own_pid

__all__ = ["FaultEvents", "faults_allowed", "online_processors", "perf_setting"]

_NUMBERS = {"x86_64": 298, "aarch64": 241, "riscv64": 241, "ppc64le": 319, "s390x": 331}
"""The system call's number by architecture (arch/*/entry/syscalls, include/uapi/asm-generic/unistd.h)."""
_TYPE_SOFTWARE, _PAGE_FAULTS, _DUMMY = 1, 2, 9
_FORM_ATTR = "=2I5Q2I4QIiQIHH"
_SIZE_ATTR = struct.calcsize(_FORM_ATTR)
_SAMPLE_IP, _SAMPLE_TID, _SAMPLE_TIME, _SAMPLE_ADDR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_SAMPLE_CALLCHAIN, _SAMPLE_REGS_USER, _SAMPLE_STACK_USER = 1 << 5, 1 << 12, 1 << 13
_INHERIT, _EXCLUDE_KERNEL, _EXCLUDE_HV, _MMAP, _COMM, _TASK = 1 << 1, 1 << 5, 1 << 6, 1 << 8, 1 << 9, 1 << 13
_WATERMARK, _SAMPLE_ID_ALL, _EXCLUDE_CALLCHAIN_KERNEL = 1 << 14, 1 << 18, 1 << 21
_MMAP2, _USE_CLOCKID, _INHERIT_THREAD = 1 << 23, 1 << 25, 1 << 35
_COUNTING = _INHERIT | _EXCLUDE_HV
_SAMPLING = (
    _COUNTING | _MMAP | _COMM | _TASK | _WATERMARK | _SAMPLE_ID_ALL | _EXCLUDE_CALLCHAIN_KERNEL | _MMAP2 | _USE_CLOCKID
)
_CLOCK_MONOTONIC = 1
_FLAG_FD_CLOEXEC = 1 << 3
_SET_OUTPUT = 0x2405
_RING_BYTES_MAX = 4 << 20
_RING_PAGES_MIN = 4
_HEAD, _TAIL = 1024, 1032
"""Where struct perf_event_mmap_page has data_head and data_tail."""
_CHAIN_MAX = 127
_THREADS_AGAIN = 8
"""So often the list of threads is read anew, until there are none that nobody follows."""
_TRIES = 3
_FILES_BESIDES = 256


class _EventAccess(NamedTuple):
    """What we may ask for: with ``kernel``, faults in system calls too; with ``threads``, threads and no children."""

    kernel: bool
    threads: bool


_LADDER = (
    _EventAccess(kernel=True, threads=True),
    _EventAccess(kernel=True, threads=False),
    _EventAccess(kernel=False, threads=True),
    _EventAccess(kernel=False, threads=False),
)


def perf_setting() -> int | None:
    """What others than root may ask of perf_event_open: kernel.perf_event_paranoid; None where there is no such."""
    text = said_or_nothing(read_whole("/proc/sys/kernel/perf_event_paranoid", None)).strip()
    digits = text.removeprefix(b"-")
    return int(text) if digits.isdigit() and len(digits) < 10 else None


def online_processors() -> tuple[int, ...]:
    """The numbers of the processors that run (``/sys/devices/system/cpu/online``: ``0-3,8``)."""
    text = said_or_nothing(read_whole("/sys/devices/system/cpu/online", None)).decode("ascii", "replace").strip()
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            found += range(int(first), min(int(last or first), int(first) + 4096) + 1)
    return tuple(found) or tuple(range(os.cpu_count() or 1))


def faults_allowed() -> tuple[str, int | None]:
    """Whether our own page faults may be watched, found by doing so, and what kernel.perf_event_paranoid is.

    ``all``; ``user`` where those in system calls are not shown; else the code of what is refused.
    """
    try:
        with FaultEvents(own_pid(), RecordForm()) as events:
            events.sample(1)
            return "all" if events.sees_kernel else "user", perf_setting()
    except ProcmemError as error:
        return error.code, perf_setting()


def _make_room(files: int) -> None:
    """Let us have so many more files open, as far as that is ours to decide (getrlimit(2))."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files + _FILES_BESIDES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(most, soft), hard))


class _Ring:
    """The records of one processor: a ring that the kernel writes and we empty."""

    def __init__(self, fd: int, data_bytes: int) -> None:
        page = mmap.PAGESIZE
        self._map = mmap.mmap(fd, page + data_bytes)
        self._size = data_bytes
        self._start = page
        self._tail = 0

    def take(self) -> bytes:
        """Whole records since the last time; they are ours, and the kernel may write there again."""
        (head,) = struct.unpack_from("=Q", self._map, _HEAD)
        if head == self._tail:
            return b""
        first, last = self._tail % self._size, head % self._size
        view = memoryview(self._map)
        try:
            if first < last:
                data = bytes(view[self._start + first : self._start + last])
            else:
                end = self._start + self._size
                data = bytes(view[self._start + first : end]) + bytes(view[self._start : self._start + last])
        finally:
            view.release()
        self._tail = head
        struct.pack_into("=Q", self._map, _TAIL, head)
        return data

    def close(self) -> None:
        self._map.close()


class FaultEvents:
    """The page faults of one process, from when this is made until it is closed.

    They are counted at once, and sampled from :meth:`sample` on. ``form`` says what is in a sample. ``sees_kernel`` is
    False where faults that happen in system calls, such as a read(2) into new memory, are not shown.

    Raises:
        ProcessGone: there is no such process.
        AccessRefused: the kernel lets us have no such event of it (``perf-denied``, ``perf-forbidden``,
            ``perf-no-ring``), or has none (``perf-absent``).
        OutOfResources, SystemFailed: files, memory.
    """

    def __init__(self, pid: int, form: RecordForm, processors: Iterable[int] | None = None) -> None:
        number = _NUMBERS.get(os.uname().machine)
        if number is None:
            raise AccessRefused(pid, "perf-absent")
        self.pid = pid
        self.form = form
        self.period = 0
        self._number = number
        self._call = ctypes.CDLL(None, use_errno=True).syscall
        self._processors = tuple(online_processors() if processors is None else processors)
        self._access: _EventAccess | None = None
        self._counters: dict[int, int] = {}
        self._samplers: list[int] = []
        self._owners: dict[int, int] = {}
        self._rings: list[_Ring] = []
        self._poll = select.poll()
        self._ring_bytes = _RING_BYTES_MAX
        self._taken: list[bytes] = []
        try:
            self._count_all()
        except BaseException:
            self.close()
            raise

    @property
    def sees_kernel(self) -> bool:
        """Whether faults in system calls are among the samples."""
        return self._access is not None and self._access.kernel

    @property
    def sees_children(self) -> bool:
        """Whether children that it forks are counted too (before Linux 5.13)."""
        return self._access is not None and not self._access.threads

    def _count_all(self) -> None:
        """Count in all threads; of those that start meanwhile, the parent's counter counts them as well.

        Which of the two holds for a thread that appears between two looks is not known; so only the first look opens
        counters, and again where it found threads that had ended.
        """
        for _ in range(_TRIES):
            tids = self._threads()
            _make_room((len(self._processors) + 1) * len(tids))
            for tid in tids:
                if tid not in self._counters:
                    with contextlib.suppress(ProcessLookupError):
                        self._counters[tid] = self._need(tid, -1, _COUNTING, _PAGE_FAULTS)
            if self._counters:
                return
        raise ProcessGone(self.pid, "ended")

    def _threads(self) -> list[int]:
        try:
            return sorted(int(name) for name in os.listdir(f"/proc/{self.pid}/task"))
        except FileNotFoundError as error:
            raise ProcessGone(self.pid, "ended" if self._counters else "no-process") from error
        except OSError as error:
            raise AccessRefused(self.pid, "cannot-open", reason=error.strerror) from error

    def sample(self, period: int) -> None:
        """Take a sample at every so many faults from now on; what was sampled before is kept to be taken.

        Raises:
            ProcessGone, AccessRefused, OutOfResources, SystemFailed: as the class.
        """
        self._close_samplers()
        self._taken += self._records()
        self.period = period
        followed: set[int] = set()
        for _ in range(_THREADS_AGAIN):
            records = self._records()
            self._taken += records
            # a thread that a followed one has started is followed by inheritance, and must not be followed twice
            followed |= {tid for piece in records for tid in _started_threads(piece)}
            new = [tid for tid in self._threads() if tid not in followed]
            if not new:
                return
            for tid in new:
                self._sample_thread(tid, period)
            followed |= set(new)

    def _sample_thread(self, tid: int, period: int) -> None:
        for processor in self._processors:
            try:
                if processor not in self._owners:
                    self._make_ring(tid, processor)
                fd = self._need(tid, processor, _SAMPLING, _PAGE_FAULTS, period)
            except ProcessLookupError:
                return  # this thread has ended
            if fd < 0:
                continue
            self._samplers.append(fd)
            fcntl.ioctl(fd, _SET_OUTPUT, self._owners[processor])

    def _make_ring(self, tid: int, processor: int) -> None:
        """A ring of one processor; the kernel wants an event that owns it, which counts nothing."""
        owner = self._need(tid, processor, _EXCLUDE_HV | _WATERMARK | _USE_CLOCKID, _DUMMY)
        if owner < 0:
            return
        self._owners[processor] = owner
        while True:
            try:
                self._rings.append(_Ring(owner, self._ring_bytes))
                break
            except OSError as error:
                # more than kernel.perf_event_mlock_kb and RLIMIT_MEMLOCK allow
                if error.errno != errno.EPERM:
                    raise self._failure(error) from error
                if self._ring_bytes <= _RING_PAGES_MIN * mmap.PAGESIZE:
                    raise AccessRefused(self.pid, "perf-no-ring") from error
                self._ring_bytes //= 2
        self._poll.register(owner, select.POLLIN)

    def _need(self, tid: int, processor: int, flags: int, event: int, period: int = 0) -> int:
        """Open an event, with as much as we are allowed; -1 for a processor that was switched off.

        Raises:
            ProcessLookupError: there is no such thread any more.
            AccessRefused, OutOfResources, SystemFailed: as the class.
        """
        refused: OSError | None = None
        for access in _LADDER if self._access is None else (self._access,):
            try:
                fd = self._opened(access, tid, processor, flags, event, period)
            except ProcessLookupError:
                raise
            except OSError as error:
                if error.errno == errno.ENODEV and processor >= 0:
                    return -1
                if error.errno not in (errno.EACCES, errno.EPERM, errno.EINVAL):
                    raise self._failure(error) from error
                refused = refused if refused is not None and error.errno == errno.EINVAL else error
                continue
            self._access = access
            return fd
        assert refused is not None
        raise self._failure(refused) from refused

    def _opened(self, access: _EventAccess, tid: int, processor: int, flags: int, event: int, period: int) -> int:
        fields = _SAMPLE_IP | _SAMPLE_TID | _SAMPLE_TIME | _SAMPLE_ADDR | _SAMPLE_CALLCHAIN
        if self.form.stack_bytes:
            fields |= _SAMPLE_REGS_USER | _SAMPLE_STACK_USER
        flags |= 0 if access.kernel else _EXCLUDE_KERNEL
        if flags & _INHERIT and access.threads:
            flags |= _INHERIT_THREAD
        attr = struct.pack(
            _FORM_ATTR,
            *(_TYPE_SOFTWARE, _SIZE_ATTR, event, period, fields if period else 0, 0, flags),
            *(self._ring_bytes // 4 if flags & _WATERMARK else 0, 0, 0, 0, 0),
            *((self.form.registers, self.form.stack_bytes) if period else (0, 0)),
            *(_CLOCK_MONOTONIC if flags & _USE_CLOCKID else 0, 0, 0, _CHAIN_MAX if period else 0, 0),
        )
        fd = int(self._call(self._number, attr, tid, processor, -1, _FLAG_FD_CLOEXEC))
        if fd < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return fd

    def _failure(self, error: OSError) -> Exception:
        shortage = shortage_of(error)
        if shortage is not None:
            return shortage
        if error.errno == errno.EACCES:
            return AccessRefused(self.pid, "perf-denied", setting=perf_setting())
        if error.errno == errno.EPERM:  # what a seccomp filter answers; the kernel itself says EACCES
            return AccessRefused(self.pid, "perf-forbidden")
        if error.errno in (errno.ENOSYS, errno.ENOENT, errno.EOPNOTSUPP):
            return AccessRefused(self.pid, "perf-absent")
        return SystemFailed("system-failed", reason=error.strerror)

    def wait(self, seconds: float) -> None:
        """Until a ring is filled by a quarter, or so long."""
        self._poll.poll(max(0, round(1000 * seconds)))

    def take(self) -> list[bytes]:
        """The records since the last time, in pieces of whole ones, each of one processor."""
        taken, self._taken = self._taken, []
        return taken + self._records()

    def _records(self) -> list[bytes]:
        return [data for ring in self._rings if (data := ring.take())]

    def count(self) -> int:
        """All page faults so far, those of threads that have ended as well."""
        return sum(int.from_bytes(os.read(fd, 8), "little") for fd in self._counters.values())

    def _close_samplers(self) -> None:
        for fd in self._samplers:
            os.close(fd)
        self._samplers = []

    def close(self) -> None:
        """Give everything back."""
        self._close_samplers()
        for ring in self._rings:
            ring.close()
        for fd in (*self._owners.values(), *self._counters.values()):
            os.close(fd)
        self._rings, self._owners, self._counters = [], {}, {}

    def __enter__(self) -> FaultEvents:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _started_threads(records: bytes) -> Iterator[int]:
    at = 0
    while at + 8 <= len(records):
        kind, _, size = struct.unpack_from("=IHH", records, at)
        if size < 8:
            return
        if kind == 7 and size >= 24:
            yield struct.unpack_from("=4I", records, at + 8)[2]
        at += size
