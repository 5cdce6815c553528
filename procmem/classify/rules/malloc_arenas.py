"""glibc's malloc arenas by their shape in the map.

An arena heap is a block of fixed, aligned size (64 MiB; 1 MiB on 32 bit; four huge pages with the hugetlb
tunable before glibc 2.42), of which the lower part is in use and the rest is inaccessible, all of it
mapped without reserving swap (VmFlags nr). The shape alone is likely, never certain: anybody can map a block
like that. The proof stands in the block's first words.

Source: glibc malloc/arena.c, new_heap() and grow_heap().
"""

from __future__ import annotations

from itertools import pairwise

from procmem.classify.page_states import PageStates
from procmem.classify.partition import Rank
from procmem.classify.runtimes.blocks import mimalloc_hinted
from procmem.classify.runtimes.detect import Runtimes
from procmem.model import kinds, owners
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import note
from procmem.model.permissions import PRIVATE_DATA, PRIVATE_NONE, permissions
from procmem.model.proc_keys import SmapsKey
from procmem.model.region import Certainty, Claim, Label
from procmem.model.vm_flags import MemoryFlag
from procmem.model.vma_names import KernelName

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator

__all__ = ["ArenaHeap", "arena_claims", "arena_heaps", "heap_sizes", "last_of_data"]


class ArenaHeap(NamedTuple):
    """A block shaped like an arena heap: [start, top) in use, [top, end) inaccessible."""

    start: int
    top: int
    end: int


_FULL_HEAPS_MAX = 1 << 16
"""So many heaps side by side are 4 TiB of malloc's; what is larger is somebody's one reservation."""


def heap_sizes(bits: int | None) -> tuple[int, ...]:
    """The sizes that an arena heap may have: HEAP_MAX_SIZE of glibc."""
    return (1 << 20,) if bits == 32 else (64 << 20,)


def arena_heaps(mappings: Mappings, bits: int | None) -> Iterator[ArenaHeap]:
    """All blocks with that shape. A heap that is full has no inaccessible part and cannot be seen this way.

    Memory in use may have merged with lower neighbours, so every aligned address is tried, not only starts.
    """
    (size,) = heap_sizes(bits)
    for above in mappings.rows_where(
        lambda row: mappings.perms[row] == PRIVATE_NONE, "private-none", without_inode=True
    ):
        row = above - 1
        if (
            row < 0
            or mappings.perms[row] != PRIVATE_DATA
            or mappings.inode[row]
            or mappings.named(row).named is KernelName.HEAP
        ):
            continue
        top = mappings.end[row]
        if mappings.start[above] != top:
            continue
        base = (top - 1) // size * size
        low = mappings.start[_first_of_data(mappings, row, base)]
        if base < low or mappings.end[above] != base + size:
            continue  # what goes on beyond the block is another allocator's reservation
        noreserve = [mappings.has_flag(at, MemoryFlag.NORESERVE) for at in (row, above)]
        if False in noreserve or mappings.has_flag(row, MemoryFlag.DONTCOPY):
            continue
        yield ArenaHeap(base, top, base + size)
        if (base - low) // size > _FULL_HEAPS_MAX:
            continue
        while base - size >= low:
            # a mapping that holds whole blocks below: heaps that are full, one behind the other
            base -= size
            yield ArenaHeap(base, base + size, base + size)


def _first_of_data(mappings: Mappings, row: int, until: int) -> int:
    """The lowest of the writable mappings that adjoin one from below, down to an address.

    A heap that grows while it is read is told in pieces: one before it grew, one with what it grew by.
    """
    while (
        row
        and mappings.start[row] > until
        and mappings.end[row - 1] == mappings.start[row]
        and mappings.perms[row - 1] == mappings.perms[row]
        and not mappings.inode[row - 1]
        and not mappings.name[row - 1]
    ):
        row -= 1
    return row


def last_of_data(mappings: Mappings, row: int, until: int) -> int:
    """The same from above."""
    while (
        row + 1 < len(mappings)
        and mappings.end[row] < until
        and mappings.start[row + 1] == mappings.end[row]
        and mappings.perms[row + 1] == mappings.perms[row]
        and not mappings.inode[row + 1]
        and not mappings.name[row + 1]
    ):
        row += 1
    return row


def arena_claims(
    mappings: Mappings, bits: int | None, runtimes: Runtimes, pages: PageStates, disproved: Container[int] = ()
) -> Iterator[Claim]:
    """Claims on arena heaps by shape, where the process has glibc.

    A heap's first page holds its header, so a block whose first page was never touched is none; nor are those that
    begin at one of the addresses ``disproved``, where something else stands, or where another allocator asked to be.
    Where another object has a malloc of its own, the C library's is seldom used: what has the shape may be either's.
    """
    if not runtimes.has("glibc"):
        return
    yield from _huge_arenas(mappings)
    seen = False
    sure = Certainty.GUESS if runtimes.has("own-malloc") else Certainty.LIKELY
    for heap in arena_heaps(mappings, bits):
        if pages.touched(heap.start) is False or heap.start in disproved:
            continue
        if runtimes.has("mimalloc") and mimalloc_hinted(heap.start):
            continue
        mib = (heap.end - heap.start) >> 20
        evidence = note("arena-shape", mib=mib)
        owner = owners.ArenaBlock(heap.start)
        used = Label(kinds.GLIBC_ARENA, sure, evidence, owner)
        yield Claim(heap.start, heap.top, Rank.ALLOCATOR, used)
        if heap.top < heap.end:
            rest = Label(kinds.GLIBC_ARENA_RESERVE, sure, evidence, owner)
            yield Claim(heap.top, heap.end, Rank.ALLOCATOR, rest)
        seen = True
    if seen:
        yield from _full_heaps(mappings, bits, disproved)


def _full_heaps(mappings: Mappings, bits: int | None, disproved: Container[int]) -> Iterator[Claim]:
    """Blocks of a heap's size and place without a rest, in a process that has arenas: heaps that are full."""
    (size,) = heap_sizes(bits)
    for row in mappings.rows_where(lambda row: mappings.perms[row] == PRIVATE_DATA, without_inode=True):
        start, end = mappings.start[row], mappings.end[row]
        if start % size or end % size or mappings.name[row] or start in disproved:
            continue
        if mappings.has_flag(row, MemoryFlag.NORESERVE) is False:
            continue
        label = Label(kinds.GLIBC_ARENA, Certainty.GUESS, note("arena-full", mib=size >> 20), owners.ArenaBlock(start))
        yield Claim(start, end, Rank.ALLOCATOR - 1, label)


_PAGES_OF_HUGE_ARENA = 4


def _huge_arenas(mappings: Mappings) -> Iterator[Claim]:
    """Arenas of huge pages (tunable glibc.malloc.hugetlb=2, glibc 2.35 to 2.41): four huge pages each, aligned.

    Where there is one, malloc takes all its memory so: the other private huge pages are most likely its own too.
    """
    huge = mappings.rows_where(lambda row: mappings.named(row).named is KernelName.ANON_HUGEPAGE, "huge-pages")
    rows = [row for row in huge if permissions(mappings.perms[row]).private]
    page_sizes = mappings.column(SmapsKey.KERNEL_PAGE_SIZE)
    arenas: set[int] = set()
    for row, rest in pairwise(rows):
        size = _PAGES_OF_HUGE_ARENA * ((page_sizes[row] if page_sizes else None) or 2 << 20)
        start, top, end = mappings.start[row], mappings.end[row], mappings.end[rest]
        if mappings.perms[row] != PRIVATE_DATA or mappings.perms[rest] != PRIVATE_NONE or mappings.start[rest] != top:
            continue
        if start % size or end - start != size:
            continue
        arenas |= {row, rest}
        evidence = note("huge-arena-shape", mib=size >> 20)
        owner = owners.ArenaBlock(start)
        used = Label(kinds.GLIBC_ARENA, Certainty.LIKELY, evidence, owner)
        yield Claim(start, top, Rank.ALLOCATOR, used)
        reserve = Label(kinds.GLIBC_ARENA_RESERVE, Certainty.LIKELY, evidence, owner)
        yield Claim(top, end, Rank.ALLOCATOR, reserve)
    for row in rows if arenas else ():
        if row not in arenas and permissions(mappings.perms[row]).read_write:
            evidence = note("huge-malloc")
            label = Label(kinds.GLIBC_MMAP_CHUNK, Certainty.GUESS, evidence)
            yield Claim(mappings.start[row], mappings.end[row], Rank.ALLOCATOR, label)
