"""What the analyses give: plain figures in bytes, ready to be laid out by any format."""

from procmem.errors import AccessRefused
from procmem.model.kinds import ByteClass
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.raw import Refusal
from procmem.model.region import Label, Regions
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.resident import Consumer, Surroundings
from procmem.model.snapshot import Nature

__all__ = ["Account", "Band", "Inspection", "LayoutInShort", "ProcessFacts", "Tile", "Totals"]


class ProcessFacts(NamedTuple):
    """Who the process is. ``age_seconds`` is the time since it was started."""

    pid: int | None
    ppid: int | None
    uid: int | None
    comm: bytes | None
    cmdline: tuple[bytes, ...] | None
    exe: bytes | None
    bits: int | None
    machine: str | None
    kernel: str | None
    page_size: int | None
    state: str | None
    threads: int | None
    nature: Nature
    age_seconds: float | None
    thread_of: int | None
    read_through: int | None


class Totals(NamedTuple):
    """The figures of the whole process, in bytes.

    ``rss``, ``pss``, ``uss``, ``swap``, ``swap_pss`` and ``hugetlb`` are sums of smaps, or from ``status`` where
    smaps is refused (then what status does not know is None). ``vm_size`` and ``vm_rss`` are what ``status`` says;
    ``page_tables`` is VmPTE.
    """

    virt: int | None
    rss: int | None
    pss: int | None
    uss: int | None
    swap: int | None
    swap_pss: int | None
    hugetlb: int | None
    vm_size: int | None
    vm_rss: int | None
    vm_swap: int | None
    page_tables: int | None


class Account(NamedTuple):
    """VIRT divided into what each byte of address space is today. The six parts add up to VIRT."""

    resident: int
    swapped: int
    hugetlb: int
    file_not_resident: int
    untouched: int
    reserved: int


class Band(NamedTuple):
    """One band of the picture of an address space; ``name`` is None where nothing is mapped."""

    start: int
    end: int
    name: str | None
    virt: int
    rss: int | None
    grows: str | None


class Tile(NamedTuple):
    """One piece of the picture with regions: a region, neighbouring regions, a hole, or a band without regions.

    ``band`` is the index of the band that it lies in. ``label`` is that of the largest region, ``largest`` the index of
    that region; both are None where nothing is mapped. ``cls`` is the class that has most of the bytes, ``regions`` how
    many regions the tile stands for. Sizes are bytes; ``rss`` is None where it is unknown.
    """

    start: int
    end: int
    band: int
    cls: ByteClass | None
    label: Label | None
    largest: int | None
    regions: int
    virt: int
    rss: int | None


class LayoutInShort(NamedTuple):
    """How many laws of the kernel's layout hold for a process, and the names of those that do not."""

    held: int
    broken: tuple[str, ...]


class Inspection(NamedTuple):
    """The answer of ``procmem inspect``.

    ``regions`` is None where mappings could not be read, ``layout`` where no law of the layout could be checked.
    ``consumers`` say what fills RES, the largest first: empty where that is not known. ``surroundings`` are peaks and
    limits, None where they were not asked for. ``compared_with`` names the earlier look that growth is told since.
    ``picture`` are the bands of the address space, ``tiles`` what they are made of, both from the highest address down;
    empty where no picture was asked for.
    """

    process: ProcessFacts
    totals: Totals
    account: Account | None
    classes: tuple[ClassRow, ...]
    picture: tuple[Band, ...]
    regions: Regions | None
    warnings: tuple[Note, ...]
    layout: LayoutInShort | None = None
    consumers: tuple[Consumer, ...] = ()
    surroundings: Surroundings | None = None
    compared_with: str | None = None
    tiles: tuple[Tile, ...] = ()

    @property
    def is_unread(self) -> bool:
        """Whether it has mappings, and nothing of them is known; a kernel thread and a zombie have none."""
        is_without = self.process.nature in (Nature.KERNEL_THREAD, Nature.ZOMBIE)
        return self.regions is None and not self.classes and not is_without

    def need_regions(self) -> None:
        """Refuse a question that is about nothing but regions where none is known.

        Raises:
            AccessRefused: neither smaps nor maps could be read.
        """
        if self.is_unread:
            denied = [one.figures for one in self.warnings if one.figures.get("refusal") is Refusal.DENIED]
            right = next((figures["right"] for figures in denied if figures.get("right")), None)
            raise AccessRefused(self.process.pid, "smaps-denied" if denied else "no-mappings", right=right)
