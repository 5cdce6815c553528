"""Splitting a real address as the processor does, and reading the words that the kernel shows of its page.

The page tables themselves cannot be read from outside; the indexes follow from the address alone, and pagemap tells
what the last entry says.
"""

from __future__ import annotations

from procmem.model.machine import I686, X86_64
from procmem.model.proc_keys import SmapsKey
from procmem.model.reports.translation import SwapPlace, WalkStep, level_names
from procmem.model.snapshot import SwapArea

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["frame_flags", "levels_of", "mapped_by_huge_entry", "pagemap_bits", "swap_place", "walk_steps"]

_BITS_OF_FIVE_LEVELS = 57
_AREAS_MAX = 23
"""Greater numbers mark entries of another sort (MAX_SWAPFILES, include/linux/swap.h)."""
_SWAPPED, _GUARD = 62, 58
_PAGEMAP_BITS = (
    (63, "present"),
    (_SWAPPED, "swapped"),
    (61, "file page or shared memory"),
    (57, "write-protected for userfaultfd"),
    (_GUARD, "guard"),
    (56, "mapped only here"),
    (55, "soft-dirty"),
)
"""Bits of a word of pagemap (Documentation/admin-guide/mm/pagemap.rst)."""


def levels_of(machine: str | None, virtual_bits: int | None) -> int | None:
    """How many levels the page tables of a machine have: 4, or 5 where addresses have 57 bits; None if unknown."""
    if machine not in (X86_64, I686) or virtual_bits is None:
        return None
    return 5 if virtual_bits == _BITS_OF_FIVE_LEVELS else 4


def walk_steps(address: int, levels: int) -> tuple[WalkStep, ...]:
    """The index at each level; 9 bits each (arch/x86/include/asm/pgtable_64_types.h)."""
    shifts = range(12 + 9 * (levels - 1), 11, -9)
    return tuple(
        WalkStep(name, address >> at & 0x1FF, None, None, ())
        for name, at in zip(level_names(levels), shifts, strict=True)
    )


def mapped_by_huge_entry(steps: tuple[WalkStep, ...], level: str) -> tuple[WalkStep, ...]:
    """The walk where the entry of a level maps a huge page: it ends there."""
    return steps[: [step.level for step in steps].index(level) + 1]


def swap_place(word: int, areas: Sequence[SwapArea]) -> SwapPlace | None:
    """Where the page of a word of pagemap was swapped out to; None where it was not, or the kernel does not tell whom.

    Bits 0-4 are the number of the area, bits 5-54 the slot (fs/proc/task_mmu.c, pte_to_pagemap_entry()); both are zero
    for who lacks CAP_SYS_ADMIN, and no page lies in slot 0, which is the area's header. /proc/swaps lists the areas in
    the order of their numbers without telling them: where there are several, only number 0 is surely the first.
    """
    area, slot = word & 0x1F, word >> 5 & (1 << 50) - 1
    if not word >> _SWAPPED & 1 or word >> _GUARD & 1 or not slot or area >= _AREAS_MAX:
        return None
    is_sure = len(areas) == 1 or (bool(areas) and area == 0)
    return SwapPlace(area, areas[0].path if is_sure else None, slot)


def pagemap_bits(word: int) -> tuple[str, ...]:
    """The names of the bits that are set in a word of pagemap."""
    return tuple(name for bit, name in _PAGEMAP_BITS if word >> bit & 1)


_KERNEL_PAGE_FLAGS = (
    "LOCKED", "ERROR", "REFERENCED", "UPTODATE", "DIRTY", "LRU", "ACTIVE", "SLAB", "WRITEBACK", "RECLAIM", "BUDDY",
    "MMAP", "ANON", "SWAPCACHE", "SWAPBACKED", "COMPOUND_HEAD", "COMPOUND_TAIL", "HUGE", "UNEVICTABLE", "HWPOISON",
    "NOPAGE", SmapsKey.KSM, "THP", "OFFLINE", "ZERO_PAGE", "IDLE", "PGTABLE",
)  # fmt: skip
"""Bits of /proc/kpageflags (include/uapi/linux/kernel-page-flags.h), from bit 0 up."""


def frame_flags(word: int) -> tuple[str, ...]:
    """The names of the bits that are set in a frame's word of ``/proc/kpageflags``."""
    return tuple(name for at, name in enumerate(_KERNEL_PAGE_FLAGS) if word >> at & 1)
