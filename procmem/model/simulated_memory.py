"""Values of the simulated memory: frames, page tables, swap, and what a process costs.

An address space says what may be touched; here is what was. Sizes are bytes unless a name says ``pages`` or ``frame``;
what the words of page tables mean is told in ``simulate.arch``.
"""

from collections.abc import Mapping

from procmem.model.enumeration import TextEnumeration
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.simulation import PAGE, SimSpace

__all__ = [
    "FIRST_FRAME",
    "AccessOutcome",
    "FileKey",
    "MemorySettings",
    "Paging",
    "ProcessCost",
    "SimMemory",
    "SimProcess",
]

FIRST_FRAME = 0x1000
"""The first frame handed out: the first 16 MiB are the simulated kernel's own."""

FileKey = tuple[bytes, int]
"""A page of a file: the file's name and the page's number in it."""


class Paging(TextEnumeration):
    """How an address is split, and so what page tables cost; COMPAT is a 32-bit program on an x86-64 kernel."""

    TWO_LEVEL = "2-level"
    PAE = "pae"
    COMPAT = "compat"
    FOUR_LEVEL = "4-level"
    FIVE_LEVEL = "5-level"

    @property
    def table_bits(self) -> int:
        """Address bits that index one page table: it covers 4 MiB, or 2 MiB where entries have 8 bytes."""
        return 10 if self is Paging.TWO_LEVEL else 9

    @property
    def middle_levels(self) -> int:
        """Levels between the first table and the page tables of which tables come and go with what is mapped."""
        return {Paging.FOUR_LEVEL: 2, Paging.FIVE_LEVEL: 3}.get(self, 0)


class MemorySettings(NamedTuple):
    """The machine: RAM and swap in bytes, and the kernel's knobs.

    ``group`` says that ``ram`` is the limit of a memory cgroup, where swappiness 0 means no swap at all;
    ``fault_around`` is bytes; ``thp`` is transparent huge pages "always".
    """

    ram: int = 64 << 20
    swap: int = 64 << 20
    page_cluster: int = 3
    swappiness: int = 60
    thp: bool = False
    fault_around: int = 16 * PAGE
    paging: Paging = Paging.TWO_LEVEL
    group: bool = False
    trace: bool = False


class AccessOutcome(TextEnumeration):
    """What the last event came to."""

    DONE = "done"
    SIGSEGV = "SIGSEGV"
    OOM = "out of memory"


class SimProcess(NamedTuple):
    """One process: its space, its page-table entries by page number, and its counters.

    ``tables`` holds the frame of each page table in use by the number of the region that it covers, ``middle`` those of
    the levels above (1 is the one right above) where they come and go, by level and region; ``roots`` are the frames
    that are always there, ``huge`` the regions mapped by one large entry.
    """

    pid: int
    space: SimSpace
    entries: Mapping[int, int]
    tables: Mapping[int, int]
    roots: tuple[int, ...]
    middle: Mapping[tuple[int, int], int] = {}
    huge: frozenset[int] = frozenset()
    minor: int = 0
    major: int = 0
    anon_pages: int = 0
    file_pages: int = 0
    shmem_pages: int = 0
    swap_pages: int = 0


class SimMemory(NamedTuple):
    """The whole machine at one moment. No part of it is ever changed: a step gives a new one.

    ``maps`` holds for each used frame who maps it (pid << 45 | page number), ``owner`` the file page that it is, or
    None for anonymous memory; ``cache`` finds the frame of a file page. ``slots`` counts the entries that name a swap
    slot, ``swap_cache`` the slots that still have a copy in RAM, ``shmem_slots`` the swapped pages of shared memory.
    The four lists are in order of age, the oldest first.
    """

    settings: MemorySettings = MemorySettings()
    processes: Mapping[int, SimProcess] = {}
    maps: Mapping[int, tuple[int, ...]] = {}
    owner: Mapping[int, FileKey | None] = {}
    cache: Mapping[FileKey, int] = {}
    slots: Mapping[int, int] = {}
    swap_cache: Mapping[int, int] = {}
    shmem_slots: Mapping[FileKey, int] = {}
    lists: tuple[Mapping[int, None], ...] = ({}, {}, {}, {})
    free_frames: tuple[int, ...] = ()
    next_frame: int = FIRST_FRAME
    free_slots: tuple[int, ...] = ()
    next_slot: int = 1
    swapped_out: int = 0
    swapped_in: int = 0
    dropped: int = 0
    scanned: int = 0
    outcome: AccessOutcome = AccessOutcome.DONE
    error_code: int | None = None
    killed: int | None = None
    trace: tuple[Note, ...] = ()

    @property
    def used_pages(self) -> int:
        """Frames in use."""
        return self.next_frame - FIRST_FRAME - len(self.free_frames)


class ProcessCost(NamedTuple):
    """What ``smaps`` and ``status`` would say of a process; bytes, faults are counts. ``pss`` is rounded down."""

    pid: int
    virt: int
    rss_anon: int
    rss_file: int
    rss_shmem: int
    pss: int
    swap: int
    page_tables: int
    minor: int
    major: int

    @property
    def rss(self) -> int:
        """Bytes in memory (VmRSS)."""
        return self.rss_anon + self.rss_file + self.rss_shmem
