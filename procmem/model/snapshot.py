"""One process at one moment, understood: the value that classification and every report start from.

A real process, a recording and a simulated one all give a snapshot. Sizes and addresses are bytes;
None means that nobody could say, never zero.
"""

from __future__ import annotations

from procmem.model import owners
from procmem.model.enumeration import Enumeration, TextEnumeration
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.proc_keys import SmapsKey, StatusKey
from procmem.model.raw import Machine, MissingRight, Refusal
from procmem.model.unknown import exact_sum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Limit", "LimitName", "Nature", "Snapshot", "Stat", "Statm", "Status", "SwapArea", "ThreadReading"]


class Nature(Enumeration):
    """What sort of task a pid is: each sort has its own answer to "what is in its memory"."""

    PROCESS = "process"
    KERNEL_THREAD = "kernel thread"
    ZOMBIE = "zombie"
    DEAD_LEADER = "process whose main thread has ended"
    SIMULATED = "simulated process"


class Status(NamedTuple):
    """``/proc/<pid>/status``: every line as text, sizes (``N kB`` lines) in bytes."""

    fields: Mapping[str, str]
    sizes: Mapping[str, int]

    @property
    def tgid(self) -> int | None:
        """The process (thread group) that the task belongs to."""
        return self._number(StatusKey.TGID)

    @property
    def ppid(self) -> int | None:
        """The parent's pid."""
        return self._number(StatusKey.PPID)

    @property
    def threads(self) -> int | None:
        """Threads of the process, the dead leader of live threads among them."""
        return self._number(StatusKey.THREADS)

    @property
    def state(self) -> str | None:
        """The state's letter (``S``, ``R``, ``Z``, ...)."""
        return self.fields.get(StatusKey.STATE, "")[:1] or None

    @property
    def uid(self) -> int | None:
        """The real user id."""
        return self._number(StatusKey.UID)

    def _number(self, key: str) -> int | None:
        words = self.fields.get(key, "").split()
        return int(words[0]) if words and words[0].isdigit() else None


class Stat(NamedTuple):
    """``/proc/<pid>/stat``, the fields that we use, by their names in proc_pid_stat(5).

    Times are clock ticks, ``rss`` is pages as the kernel prints it. Addresses are None where the reader is
    not permitted to see them (the kernel then prints 0, or 1 for the code's limits).
    """

    pid: int
    comm: bytes
    state: str
    ppid: int
    flags: int
    majflt: int
    utime: int
    stime: int
    num_threads: int
    starttime: int
    vsize: int
    rss_pages: int
    startcode: int | None
    startstack: int | None
    processor: int | None
    policy: int | None
    start_data: int | None
    end_data: int | None
    start_brk: int | None
    arg_start: int | None
    arg_end: int | None
    env_start: int | None
    env_end: int | None


class Statm(NamedTuple):
    """``/proc/<pid>/statm``, in bytes."""

    size: int
    resident: int
    shared: int
    text: int
    data: int


class LimitName(TextEnumeration):
    """The lines of ``/proc/<pid>/limits`` that are asked for (fs/proc/base.c, lnames[])."""

    STACK = "Max stack size"
    ADDRESS_SPACE = "Max address space"
    LOCKED_MEMORY = "Max locked memory"


class Limit(NamedTuple):
    """A resource limit; None is unlimited. The unit is as ``/proc/<pid>/limits`` says."""

    soft: int | None
    hard: int | None
    unit: str


class SwapArea(NamedTuple):
    """One line of ``/proc/swaps``, sizes in bytes."""

    path: bytes
    type: str
    size: int
    used: int
    priority: int


class ThreadReading(NamedTuple):
    """One thread, as ``task/<tid>`` shows it.

    ``sp`` and ``pc`` are the user registers that ``syscall`` shows of a thread that is not on a CPU; ``running``
    says that it is, so that they cannot be known. ``stat`` and ``status`` are None where they were not read.
    """

    tid: int
    comm: bytes | None
    sp: int | None
    pc: int | None
    running: bool
    stat: Stat | None = None
    status: Status | None = None

    @property
    def owner(self) -> owners.Thread:
        """What its stack, TLS and guard are labelled with."""
        return owners.Thread(self.tid, self.comm)


class Snapshot(NamedTuple):
    """One process at one moment.

    ``mappings`` is None where maps was refused, and empty for a task that has no memory of its own.
    ``has_usage`` says whether smaps was there (then ``mappings.usage`` is filled).
    ``threads`` is None where ``task`` could not be listed.
    ``read_through`` is the live thread that was read because the leader is dead; ``thread_of`` is the
    process when the pid asked for is one of its threads. ``refusals`` tells which files gave nothing.
    ``rollup`` are the sums of smaps_rollup in bytes, where no mapping is known. ``known_page_size`` is None where
    nothing tells it; ``page_size`` is what to reckon with then. ``notes`` are about the text that it was read from.
    ``missing_right`` is what we lack where something was refused.
    """

    pid: int | None
    nature: Nature
    comm: bytes | None
    cmdline: tuple[bytes, ...] | None
    exe: bytes | None
    bits: int | None
    page_size: int
    machine: Machine
    status: Status | None
    stat: Stat | None
    statm: Statm | None
    mappings: Mappings | None
    has_usage: bool
    auxv: Mapping[int, int] | None
    limits: Mapping[str, Limit] | None
    threads: tuple[ThreadReading, ...] | None
    uptime: float | None
    read_through: int | None
    thread_of: int | None
    unstable: Note | None
    refusals: Mapping[str, Refusal]
    rollup: Mapping[str, int] | None = None
    known_page_size: int | None = None
    notes: tuple[Note, ...] = ()
    missing_right: MissingRight | None = None

    def size(self, key: str) -> int | None:
        """A size from ``status`` in bytes (``VmSize``), or None."""
        return None if self.status is None else self.status.sizes.get(key)

    @property
    def rss(self) -> int | None:
        """Bytes in memory: the sum of smaps, else what ``status`` says, or ``statm``; a kernel thread has none."""
        if self.nature in (Nature.KERNEL_THREAD, Nature.ZOMBIE):
            return 0
        if self.mappings is not None and self.has_usage:
            return self.mappings.total(SmapsKey.RSS)
        if self.rollup is not None and SmapsKey.RSS in self.rollup:
            return self.rollup[SmapsKey.RSS]
        rss = self.size(StatusKey.VM_RSS)
        if rss is None:
            parts = [self.size(key) for key in (StatusKey.RSS_ANON, StatusKey.RSS_FILE, StatusKey.RSS_SHMEM)]
            rss = exact_sum(parts)
        return self.statm.resident if rss is None and self.statm is not None else rss

    @property
    def virt(self) -> int | None:
        """Address space in bytes: the sum of the mappings without gate VMAs, else VmSize.

        ``[vsyscall]`` and ``[vectors]`` are the same page in every process and belong to none, so the kernel's
        total_vm leaves them out, and so do we.
        """
        if self.mappings is None:
            return self.size(StatusKey.VM_SIZE)
        table = self.mappings
        return sum(table.end) - sum(table.start) - sum(table.end[row] - table.start[row] for row in table.gates())
