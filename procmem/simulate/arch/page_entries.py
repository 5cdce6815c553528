"""Page-table entries as the processor reads them: a frame above bit 12, and the x86 bits below it.

Source: arch/x86/include/asm/pgtable_types.h.
"""

__all__ = [
    "FRAME_MASK",
    "PAGE_SHIFT",
    "ZERO_FRAME",
    "Pte",
    "frame_of",
    "is_held",
    "is_swapped",
    "slot_of",
]

PAGE_SHIFT = 12
FRAME_MASK = (1 << 40) - 1
ZERO_FRAME = 1
"""The one page of zeros that every first read of anonymous memory maps (mm/memory.c, do_anonymous_page())."""


class Pte:
    """Bits of a page-table entry (arch/x86/include/asm/pgtable_types.h).

    PROT_NONE is Linux's use of the global bit in an entry that is not present; SWAPPED is this simulator's mark
    of a swap entry, whose slot stands where the frame would.
    """

    PRESENT = 1
    WRITE = 2
    USER = 4
    WRITE_THROUGH = 8
    NO_CACHE = 16
    ACCESSED = 32
    DIRTY = 64
    LARGE = 128
    GLOBAL = 256
    PROT_NONE = 256
    SWAPPED = 1 << 10
    NX = 1 << 63


def frame_of(entry: int) -> int:
    """The frame of an entry."""
    return entry >> PAGE_SHIFT & FRAME_MASK


def slot_of(entry: int) -> int:
    """The swap slot of a swap entry."""
    return entry >> PAGE_SHIFT & FRAME_MASK


def is_swapped(entry: int) -> bool:
    """Whether the entry names a place in swap."""
    return entry & (Pte.PRESENT | Pte.PROT_NONE | Pte.SWAPPED) == Pte.SWAPPED


def is_held(entry: int) -> bool:
    """Whether the entry holds a frame, also where no access is allowed."""
    return bool(entry & (Pte.PRESENT | Pte.PROT_NONE))
