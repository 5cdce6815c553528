"""What ``procmem account`` tells: VIRT and RES divided to the last byte, and who says which figure."""

from procmem.errors import AccessRefused
from procmem.model.enumeration import Enumeration
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.raw import Refusal
from procmem.model.reports.inspection import ProcessFacts
from procmem.model.snapshot import Nature

__all__ = ["AccountLeaf", "AccountReport", "AccountTotals", "Leaf", "Readings", "Saying", "Who"]


class AccountTotals(NamedTuple):
    """The sums that the leaves add up to, in bytes: sums of smaps, or of ``status`` where smaps is refused."""

    virt: int | None
    rss: int | None
    pss: int | None
    uss: int | None
    swap: int | None


class AccountLeaf(Enumeration):
    """A part of a total: of which, and what these bytes are. In the order in which they are told."""

    RESIDENT = ("virt", "resident")
    SWAPPED = ("virt", "swapped")
    HUGETLB = ("virt", "hugetlb")
    FILE_NOT_RESIDENT = ("virt", "file, not resident")
    SHMEM_NOT_RESIDENT = ("virt", "shmem, not resident")
    NEVER_TOUCHED = ("virt", "never touched")
    NOT_COMMITTED = ("virt", "not committed")
    RESERVED = ("virt", "reserved")
    ANONYMOUS_PRIVATE_DIRTY = ("rss", "anonymous, private dirty")
    ANONYMOUS_PRIVATE_CLEAN = ("rss", "anonymous, private clean")
    ANONYMOUS_LAZILY_FREED = ("rss", "anonymous, lazily freed")
    ANONYMOUS_SHARED_DIRTY = ("rss", "anonymous, shared dirty")
    ANONYMOUS_SHARED_CLEAN = ("rss", "anonymous, shared clean")
    ANONYMOUS_MERGED = ("rss", "anonymous, merged")
    FILE_PRIVATE_CLEAN = ("rss", "file, private clean")
    FILE_PRIVATE_DIRTY = ("rss", "file, private dirty")
    FILE_SHARED_CLEAN = ("rss", "file, shared clean")
    FILE_SHARED_DIRTY = ("rss", "file, shared dirty")
    SHMEM_PRIVATE_CLEAN = ("rss", "shmem, private clean")
    SHMEM_PRIVATE_DIRTY = ("rss", "shmem, private dirty")
    SHMEM_SHARED_CLEAN = ("rss", "shmem, shared clean")
    SHMEM_SHARED_DIRTY = ("rss", "shmem, shared dirty")
    COUNTED_AGAIN = ("rss", "counted again")
    PSS_PRIVATE = ("pss", "private")
    PSS_MAPPED_AGAIN = ("pss", "mapped several times")
    PSS_ITS_SHARE_OF_SHARED = ("pss", "its share of shared")
    SWAP_PRIVATE = ("swap", "private")
    SWAP_SHARED_MEMORY = ("swap", "shared memory")

    @property
    def of(self) -> str:
        """The total that it is a part of."""
        return self.value[0]

    @property
    def code(self) -> str:
        """What documents and tables call it."""
        return self.value[1]


class Leaf(NamedTuple):
    """A part of one total in the ranges of one class: the leaves of each total add up to it."""

    leaf: AccountLeaf
    cls: str
    size: int

    @property
    def of(self) -> str:
        """The total: ``virt``, ``rss``, ``pss`` or ``swap``."""
        return self.leaf.of


class Who(Enumeration):
    """A file and its field, or a program whose figure follows from one: who says how much there is."""

    SMAPS_SIZE = "smaps Size"
    STATUS_VM_SIZE = "status VmSize"
    STATM_SIZE = "statm size"
    STAT_VSIZE = "stat vsize"
    PMAP_KBYTES = "pmap Kbytes"
    SMAPS_RSS = "smaps Rss"
    ROLLUP_RSS = "rollup Rss"
    STATUS_VM_RSS = "status VmRSS"
    STATUS_RSS_PARTS = "status Rss*"
    STATM_RESIDENT = "statm resident"
    STAT_RSS = "stat rss"
    SMAPS_PSS = "smaps Pss"
    ROLLUP_PSS = "rollup Pss"
    SMAPS_PRIVATE = "smaps Private_*"
    ROLLUP_PRIVATE = "rollup Private_*"
    PSUTIL_USS = "psutil uss"
    SMAPS_SWAP = "smaps Swap"
    ROLLUP_SWAP = "rollup Swap"
    STATUS_VM_SWAP = "status VmSwap"


class Saying(NamedTuple):
    """What one file, or a program that reads it, says of one measure, beside the sum of smaps.

    ``difference`` is bytes above the sum, None where either is
    unknown. ``cause`` is None where there is no difference; its code is ``unexplained`` where none of the known
    causes fits.
    """

    measure: str
    who: Who
    size: int | None
    difference: int | None
    cause: Note | None


class Readings(NamedTuple):
    """What was read beside smaps: some of it before and after, to tell movement from disagreement.

    Each is None where it was refused. Sizes are bytes.
    """

    rollup_before: dict[str, int] | None
    rollup_after: dict[str, int] | None
    sizes_before: dict[str, int] | None
    sizes_after: dict[str, int] | None
    shmem_devices: frozenset[str]
    numa_nodes: dict[int, int] | None = None


class AccountReport(NamedTuple):
    """The answer of ``procmem account``.

    ``page_tables`` and ``kernel_stacks`` are memory of the kernel's for this process, outside VIRT and RES.
    ``huge_pages`` (transparent ones), ``merged`` (by KSM, Linux 6.6) and ``numa_nodes`` (bytes by node) say of what
    sort the pages in RES are. ``freed`` is what ending the process would give back of memory and swap, ``again`` what
    RES counts more than once. ``has_usage`` says whether smaps was there: without it leaves and sayings are unknown.
    """

    process: ProcessFacts
    totals: AccountTotals
    leaves: tuple[Leaf, ...]
    page_tables: int | None
    kernel_stacks: int | None
    reconciliation: tuple[Saying, ...]
    warnings: tuple[Note, ...]
    huge_pages: int | None = None
    merged: int | None = None
    numa_nodes: dict[int, int] | None = None
    has_usage: bool = True
    freed: int | None = None
    again: int | None = None

    @property
    def is_unread(self) -> bool:
        """Whether what the totals consist of is not known: it has memory, and smaps could not be read."""
        nature = self.process.nature
        return not self.has_usage and nature not in (Nature.KERNEL_THREAD, Nature.ZOMBIE)

    def need_leaves(self) -> None:
        """Refuse a question that is about nothing but leaves where none is known.

        Raises:
            AccessRefused: smaps could not be read.
        """
        if self.is_unread:
            denied = [one.figures for one in self.warnings if one.figures.get("refusal") is Refusal.DENIED]
            right = next((figures["right"] for figures in denied if figures.get("right")), None)
            raise AccessRefused(self.process.pid, "smaps-denied" if denied else "no-sizes", right=right)

    def sums(self, of: str) -> dict[str, int]:
        """The leaves of one total by name, over all classes, in the order in which they were found."""
        found: dict[str, int] = {}
        for leaf in self.leaves:
            if leaf.of == of:
                found[leaf.leaf.code] = found.get(leaf.leaf.code, 0) + leaf.size
        return found

    @property
    def unexplained(self) -> int:
        """How many differences have no known cause."""
        return sum(1 for saying in self.reconciliation if saying.cause is not None and saying.cause.code == UNEXPLAINED)


MOVED, UNEXPLAINED = "moved", "unexplained"
"""Causes that may be gone at the next reading."""
