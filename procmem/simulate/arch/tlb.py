"""The processor's memory of translations: a walk through the page tables is slow, so its result is kept.

A model with the rules that matter and sizes that are parameters. An entry is filled by a walk, and only by one that
found a present page: what is not present is never kept, so that the kernel may map a page without telling anybody.
Taking a right away, or unmapping, needs a flush. Loading CR3, as at a switch of processes, drops all but global entries
(the kernel's own).

Source: Intel SDM volume 3, 4.10; arch/x86/mm/tlb.c.
"""

from procmem.model.named_tuple import NamedTuple
from procmem.simulate.arch.page_entries import PAGE_SHIFT, Pte

__all__ = ["Tlb", "fill", "lookup"]


class Tlb(NamedTuple):
    """A set-associative buffer: each set holds (page, entry) pairs, the last used at the end."""

    sets: int = 16
    ways: int = 4
    entries: tuple[tuple[tuple[int, int], ...], ...] = ((),) * 16


def _set_of(tlb: Tlb, address: int) -> int:
    return (address >> PAGE_SHIFT) % tlb.sets


def lookup(tlb: Tlb, address: int) -> int | None:
    """The entry kept for a page, or None: a miss."""
    page = address >> PAGE_SHIFT
    return next((entry for kept, entry in tlb.entries[_set_of(tlb, address)] if kept == page), None)


def fill(tlb: Tlb, address: int, entry: int) -> Tlb:
    """Keep an entry; the oldest of its set makes room. One that is not present is not kept."""
    if not entry & Pte.PRESENT:
        return tlb
    page, at = address >> PAGE_SHIFT, _set_of(tlb, address)
    kept = tuple(pair for pair in tlb.entries[at] if pair[0] != page)
    kept = (*kept[-(tlb.ways - 1) :], (page, entry)) if tlb.ways > 1 else ((page, entry),)
    return tlb._replace(entries=(*tlb.entries[:at], kept, *tlb.entries[at + 1 :]))
