"""What ``procmem system`` tells: one row a process, groups of them, and totals that count nothing twice."""

from __future__ import annotations

from procmem.model.cgroup_name import CgroupName
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CgroupFigures",
    "CgroupMemory",
    "Changed",
    "Changes",
    "Family",
    "GroupRow",
    "MappingRow",
    "ProcessRow",
    "SystemReport",
    "SystemTotals",
]


class ProcessRow(NamedTuple):
    """One process. Sizes are bytes; None is unknown (smaps_rollup was refused, or not asked for).

    ``swap`` holds shared memory as well; ``vm_swap`` (of ``status``) does not, and ``swap_pss`` divides private pages
    in swap among those that share them since a fork. ``same_memory`` is the process whose address space this one
    shares (vfork, CLONE_VM): its figures are the same pages once more. ``pss_shmem`` is the part of ``pss`` that is
    shared memory and tmpfs, read for groups alone (Linux 5.4). ``command`` is the command line, its words parted by
    blanks, None where it was not asked for. ``pid`` and ``name`` are None where a text does not say whose it is.
    """

    pid: int | None
    ppid: int | None
    uid: int | None
    user: str | None
    name: bytes | None
    virt: int | None
    rss: int | None
    pss: int | None
    uss: int | None
    swap: int | None
    swap_pss: int | None
    vm_swap: int | None = None
    cgroup: bytes | None = None
    same_memory: int | None = None
    pss_shmem: int | None = None
    command: bytes | None = None


class SystemTotals(NamedTuple):
    """Sums over the rows that may be added up: PSS and USS count each page once, and so does ``swap_pss``.

    None where no row knows it. RSS and VIRT are not added up: shared pages would count as often as they are mapped.
    """

    pss: int | None
    uss: int | None
    swap_pss: int | None


class GroupRow(NamedTuple):
    """Several processes as one row; ``unknown`` counts those whose PSS is not in the sums.

    ``about`` says what a control group is, where its path tells.
    """

    key: bytes
    processes: int
    unknown: int
    swap: int | None
    uss: int | None
    pss: int | None
    about: CgroupName | None = None


class MappingRow(NamedTuple):
    """All mappings of one name, by ``processes`` that have any: bytes, None is unknown.

    ``rss`` and ``virt`` count a page as often as it is mapped.
    """

    name: bytes
    processes: int
    mappings: int
    virt: int
    rss: int | None
    pss: int | None
    uss: int | None
    swap: int | None


class Family(NamedTuple):
    """A process and those of its children that have its name: a server and the workers that it forked.

    ``own_*`` are of one worker: what it does not share with anybody, from the smallest to the largest, and on average.
    ``shared`` is what parent and workers have in memory together beyond that, counted once.
    """

    parent: int
    name: bytes
    workers: int
    own_least: int
    own_mean: int
    own_most: int
    shared: int
    rss_sum: int


class CgroupMemory(NamedTuple):
    """What the files of a memory cgroup say, in bytes; None where a file is missing, or there is no limit.

    ``swap`` is without memory, in both versions. ``stat`` is memory.stat by key, ``kernel`` memory.kmem of version 1.
    ``pressure`` is the share of the last ten seconds, in percent, in which some task waited for memory (PSI).
    """

    current: int | None
    limit: int | None
    swap: int | None
    kernel: int | None
    stat: Mapping[str, int]
    swap_limit: int | None = None
    pressure: float | None = None


class CgroupFigures(NamedTuple):
    """What the kernel says of a cgroup with all below it, beside the PSS of their processes; bytes, None is unknown.

    ``parts`` name what ``current`` holds besides the processes' pages, as memory.stat divides it; ``about`` says what
    the group is, where its path tells.
    """

    path: bytes
    version: int
    processes: int
    pss: int | None
    swap: int | None
    current: int | None
    limit: int | None
    swap_current: int | None
    parts: tuple[tuple[str, int], ...]
    about: CgroupName | None = None


class Changed(NamedTuple):
    """A row of a table: a process by pid and name, or what a row is about by its name; bytes more or less.

    What is new has changed by all of it. None is unknown.
    """

    pid: int | None
    name: bytes
    change: int | None


class Changes(NamedTuple):
    """What is different from the look before, where all processes are looked at again and again.

    ``at`` is seconds since the first look, ``reading`` the part of a processor that looking took since then. ``field``
    is the figure that is followed; ``total`` is by how many bytes it has changed in all rows together, None where they
    may not be added up. ``came`` are those of the rows that were not there before, ``went`` those that are gone.
    """

    at: float
    reading: float
    field: str
    rows: tuple[Changed, ...]
    total: int | None
    came: tuple[Changed, ...]
    went: tuple[Changed, ...]


class SystemReport(NamedTuple):
    """The answer of ``procmem system``. ``rows`` are those to list, ``processes`` counts all that the sums are over.

    ``warnings`` tell what must be known of the text that it was read from.
    """

    rows: tuple[ProcessRow, ...]
    processes: int
    totals: SystemTotals
    groups: tuple[GroupRow, ...]
    families: tuple[Family, ...]
    cgroups: tuple[CgroupFigures, ...]
    without_memory: int
    unreadable: int
    same_memory: int
    warnings: tuple[Note, ...] = ()
    live: bool = True
