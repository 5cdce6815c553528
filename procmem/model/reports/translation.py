"""Values of a translation: how one virtual address becomes a physical one, or a fault."""

from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note

__all__ = ["Descriptor", "Fault", "RealTranslation", "SwapPlace", "Translation", "WalkStep", "level_names"]

_LEVELS = ("PGD", "P4D", "PUD", "PMD", "PTE")


def level_names(levels: int) -> tuple[str, ...]:
    """Linux's names of the four or five levels of x86-64, from CR3 down; with four P4D is left out."""
    return _LEVELS if levels == 5 else (_LEVELS[0], *_LEVELS[2:])


class WalkStep(NamedTuple):
    """One level of the walk: which entry of which table, and what stands in it.

    ``number`` is its index, ``entry_address`` is physical (bytes; None where it cannot be known), ``entry`` the word
    itself, None where it cannot be read; ``bits`` are those that are set, or what else it holds.
    """

    level: str
    number: int
    entry_address: int | None
    entry: int | None
    bits: tuple[Note, ...]


class Descriptor(NamedTuple):
    """A segment: its selector taken apart, and its descriptor. ``limit`` is the last offset, in bytes.

    ``kind`` is ``code`` or ``data``.
    """

    register: str
    selector: int
    number: int
    rpl: int
    value: int
    base: int
    limit: int
    dpl: int
    kind: str


class Fault(NamedTuple):
    """A page fault: the error code, what its bits say, and what the kernel does with it."""

    code: int
    bits: tuple[str, ...]
    answer: Note


class Translation(NamedTuple):
    """The whole way of one access on the simulated machine.

    ``first`` is the walk that the access met, ``second`` the one after the kernel mended a fault (empty where there was
    none). ``physical`` is None where the access is refused. ``tlb`` tells what the buffer did.
    """

    address: int
    access: str
    user_mode: bool
    paging: str
    directory: int
    segment: Descriptor
    first: tuple[WalkStep, ...]
    fault: Fault | None
    second: tuple[WalkStep, ...]
    physical: int | None
    tlb: tuple[Note, ...]
    notes: tuple[Note, ...]


class SwapPlace(NamedTuple):
    """Where a page is that was swapped out: the number of the area, its file or device where that is sure, the slot.

    ``slot`` counts pages from the area's beginning.
    """

    area: int
    path: bytes | None
    slot: int


class RealTranslation(NamedTuple):
    """What may be known of the translation of one address of a real process.

    ``pagemap`` is the page's word in /proc/PID/pagemap; ``frame`` the frame number, None where the kernel hides it or
    there is none; ``flags`` and ``maps`` those of the frame (kpageflags, kpagecount). ``area`` is the line of maps that
    holds the address, or None. ``reasons`` say why something is missing. ``offset`` is the one in what the last entry
    maps, which is more than a page where that is ``huge``; None where nothing tells how large a page is. ``swap`` is
    where a page that was swapped out lies. ``warnings`` tell what must be known of the text that it was read from.
    """

    pid: int | None
    address: int
    page_size: int
    levels: int | None
    steps: tuple[WalkStep, ...]
    offset: int | None
    area: str | None
    pagemap: int | None
    pagemap_bits: tuple[str, ...]
    frame: int | None
    flags: tuple[str, ...] | None
    maps: int | None
    reasons: tuple[Note, ...]
    huge: bool = False
    swap: SwapPlace | None = None
    warnings: tuple[Note, ...] = ()

    @property
    def physical(self) -> int | None:
        """The physical address, None where the frame or the size of a page is not known."""
        if self.frame is None or self.offset is None:
            return None
        return self.frame * self.page_size + self.address % self.page_size
