"""What ``procmem swap`` tells: who has what in swap, whether that hurts, and what switching it off would mean."""

from collections.abc import Mapping

from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.reports.system import CgroupMemory, ProcessRow
from procmem.model.snapshot import SwapArea

__all__ = [
    "SORTS",
    "Faulter",
    "Object",
    "Rates",
    "SwapMoment",
    "SwapPart",
    "SwapReading",
    "SwapRegion",
    "SwapReport",
    "SwapVerdict",
]


class Object(NamedTuple):
    """One object of shared memory with pages in swap: a tmpfs file, a memfd, a SysV segment."""

    name: bytes
    sort: str
    swap: int


class Faulter(NamedTuple):
    """A process that waited for pages from disk between two readings, its cgroup's charge and limit in bytes."""

    pid: int
    name: bytes
    faults: int
    cgroup: bytes | None = None
    charged: int | None = None
    limit: int | None = None


class Rates(NamedTuple):
    """What happened between two readings, ``seconds`` apart.

    ``swapped_in`` and ``swapped_out`` are bytes (pswpin, pswpout of vmstat); ``stalled`` is the share of the time in
    which some task waited for memory (``some`` of /proc/pressure/memory), None where the kernel does not measure it.
    """

    seconds: float
    swapped_in: int
    swapped_out: int
    major_faults: int
    stalled: float | None
    faulters: tuple[Faulter, ...]


class SwapMoment(NamedTuple):
    """One of two readings: the counters of vmstat, name and major faults of each process, and the clock's seconds.

    ``stalled`` is microseconds in which some task waited for memory, None where the kernel does not measure it.
    """

    counters: Mapping[str, int]
    faults: Mapping[int, tuple[bytes, int]]
    stalled: int | None
    at: float


class SwapReading(NamedTuple):
    """What was read of the system; sizes in bytes, None is unknown. ``objects`` is what shared memory has in swap.

    ``areas_known`` is False where /proc/swaps was not read, so that no area may mean anything. ``unanswered`` are
    folders whose files could not be looked for, as those of others in their mount namespace: one lies beyond a file
    system that does not answer. ``groups`` are the control groups of processes with something in swap, and those above
    them.
    """

    areas: tuple[SwapArea, ...]
    meminfo: dict[str, int]
    swappiness: int | None
    release: tuple[int, int] | None
    rates: Rates | None
    rows: tuple[ProcessRow, ...]
    objects: tuple[Object, ...]
    unreadable: int
    whole_machine: bool
    areas_known: bool = True
    unanswered: tuple[bytes, ...] = ()
    groups: tuple[tuple[bytes, CgroupMemory], ...] = ()


class GroupAfterSwapoff(NamedTuple):
    """A control group with a limit, and what swapoff would bring back to it; bytes.

    ``reclaimable`` is what the kernel can drop instead: the group's pages of files. ``left`` is below zero where it
    would not do, and processes of the group would be killed.
    """

    path: bytes
    limit: int
    charged: int
    reclaimable: int
    swapped: int
    left: int


SORTS = ("tmpfs files", "SysV segments", "mapped shared memory", "open shared memory")
"""Sorts of shared memory, each a part of what is in use: files on tmpfs; segments of shmget(2); what processes map and
what they only have open of memfd, shared anonymous memory and deleted files."""


class SwapPart(NamedTuple):
    """A part of what is in use; the parts add up to it.

    ``name`` is ``private`` (pages of processes' own), ``refused`` (processes that may not be read), one of
    :data:`SORTS`, ``unrecorded``, ``cache`` (in memory as well), ``unowned``, or ``moved`` (between two files that were
    read one after the other; below zero).
    """

    name: str
    size: int


class SwapVerdict(NamedTuple):
    """The judgement: one of ``no swap``, ``unused``, ``parked``, ``moving``, ``thrashing``, ``unknown``; and why."""

    word: str
    reasons: tuple[Note, ...]


class SwapRegion(NamedTuple):
    """A byte range of a process with something in swap."""

    pid: int | None
    start: int
    end: int
    cls: str
    kind: str
    owner: bytes | None
    swap: int


class SwapReport(NamedTuple):
    """The answer of ``procmem swap``.

    ``left_after_swapoff`` is below zero where the machine has no room for it; ``groups`` are those with a limit, the
    one with the least room first.
    """

    reading: SwapReading
    total: int | None
    used: int | None
    parts: tuple[SwapPart, ...]
    swappiness: Note
    verdict: SwapVerdict
    left_after_swapoff: int | None
    ranking: tuple[ProcessRow, ...]
    regions: tuple[SwapRegion, ...]
    warnings: tuple[Note, ...] = ()
    groups: tuple[GroupAfterSwapoff, ...] = ()
