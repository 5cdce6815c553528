"""Malloc arenas and the blocks that they are made of, counted apart.

An arena of glibc begins with one block (``HEAP_MAX_SIZE``: 64 MiB, 1 MiB on 32 bit) and takes another one when that is
full, so a process with 30 blocks may have 30 arenas or 7. Which arena a block belongs to stands in its first words
(``heap_info.ar_ptr``): where they were read, each block has its arena. Where only the shape of a block is known, there
are bounds: a block takes requests of up to half its size, so that one that is less than half full is the last of its
arena, and each arena has one last block.

Source: glibc malloc/arena.c (new_heap(), heap_trim()), malloc/malloc.c (sysmalloc(), DEFAULT_MMAP_THRESHOLD_MAX).
"""

from __future__ import annotations

from procmem.model import kinds, owners
from procmem.model.region import Region, Regions
from procmem.model.reports.arenas import ArenaBlocks, ArenaCount
from procmem.model.unknown import exact_sum
from procmem.model.vma_names import Backing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["arenas_of"]

_BLOCK = {32: 1 << 20}
_BLOCK_USUAL = 64 << 20
_KINDS = frozenset({kinds.GLIBC_ARENA, kinds.GLIBC_ARENA_RESERVE})


def arenas_of(regions: Regions, bits: int | None) -> ArenaCount:
    """Count the arenas among the regions, and their blocks."""
    size = _BLOCK.get(bits or 0, _BLOCK_USUAL)
    known: dict[int, list[Region]] = {}
    owner: dict[int, owners.Arena] = {}
    loose: list[Region] = []
    for index, label in enumerate(regions.label):
        if label.kind not in _KINDS:
            continue
        region = regions[index]
        if isinstance(label.owner, owners.Arena):
            known.setdefault(label.owner.address, []).append(region)
            owner[label.owner.address] = label.owner
        else:
            loose.append(region)
    found = [_arena(owner[address], regions, parts, size) for address, parts in known.items()]
    found.sort(key=lambda one: (one.rss or 0, one.virt), reverse=True)
    virt = sum(part.size for part in loose) + sum(one.virt for one in found)
    rss = exact_sum([*(part.rss for part in loose), *(one.rss for one in found)])
    blocks = _blocks(regions, loose, size)
    least = sum(1 for used in blocks.values() if used < size // 2)
    return ArenaCount(tuple(found), len(blocks), least, virt, rss, size)


def _arena(arena: owners.Arena, regions: Regions, parts: Sequence[Region], size: int) -> ArenaBlocks:
    blocks = _blocks(regions, parts, size)
    return ArenaBlocks(arena, len(blocks), sum(part.size for part in parts), exact_sum(part.rss for part in parts))


def _blocks(regions: Regions, parts: Sequence[Region], size: int) -> dict[int, int]:
    """The blocks that ranges lie in, by address, each with what of it is accessible."""
    found: dict[int, int] = {}
    for part in parts:
        accessible = part.label.kind is kinds.GLIBC_ARENA
        if regions.mappings.named(part.vma).backing is Backing.HUGETLB:
            # four huge pages each, and an inaccessible mapping behind (tunable glibc.malloc.hugetlb=2)
            if accessible:
                found[part.start] = part.size
            continue
        for base in range(part.start // size * size, part.end, size):
            inside = min(part.end, base + size) - max(part.start, base)
            found[base] = found.get(base, 0) + (inside if accessible else 0)
    return found
