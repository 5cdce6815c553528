"""Where the kernel finds a free place for a mapping that names no address.

Today's layout is top-down: the highest gap below mmap_base that is large enough, and the block lies at
the end of that gap. The legacy layout, and a top-down search that found nothing, go bottom-up from a
third of the address space. A stack counts as beginning one guard gap lower than it does. A large
mapping of a 64-bit program is placed so that huge pages fit into it.

Sources: mm/vma.c (older kernels mm/mmap.c), unmapped_area() and unmapped_area_topdown();
arch/x86/kernel/sys_x86_64.c, arch_get_unmapped_area() and its top-down variant; mm/mmap.c,
__get_unmapped_area(); mm/huge_memory.c, __thp_get_unmapped_area() (as of Linux 6.18).
"""

from collections.abc import Iterator

from procmem.model.simulation import SimSpace, SimVma
from procmem.simulate.arch.layout import page_down, page_up

__all__ = ["bottom_up", "find_free", "guarded_start", "top_down"]


def guarded_start(space: SimSpace, vma: SimVma) -> int:
    """Where a VMA begins for those who look for room below it (include/linux/mm.h, vm_start_gap())."""
    return max(vma.start - space.layout.guard_gap, 0) if vma.grows_down else vma.start


def find_free(space: SimSpace, length: int, *, hint: int = 0, huge_at: int | None = None) -> int | None:
    """Find a place for ``length`` bytes; None where there is none (ENOMEM).

    A hint is taken, rounded to a page, where it is free. ``huge_at`` is the offset in a file by which huge pages are
    to fit, 0 for anonymous memory, None for what is not aligned to them.
    """
    length = page_up(length)
    layout = space.layout
    if not 0 < length <= layout.task_size:
        return None
    if huge_at is not None and layout.abi.huge_page:
        found = _aligned(space, length, hint, huge_at)
        if found is not None:
            return found
    return _plain(space, length, hint)


def _aligned(space: SimSpace, length: int, hint: int, offset: int) -> int | None:
    """A place at which huge pages of memory hold huge pages of the file; None where none would fit into it."""
    size = space.layout.abi.huge_page
    if length - (-offset % size) < size:
        return None
    found = _plain(space, length + size, hint)
    if found is None or (hint and found == page_down(hint)):
        return found
    shift = (offset - found) % size
    if space.layout.top_down and not shift:
        return found + size
    return found + shift


def _plain(space: SimSpace, length: int, hint: int) -> int | None:
    layout = space.layout
    if hint and _hint_is_free(space, page_down(hint), length):
        return page_down(hint)
    if layout.top_down:
        found = top_down(space, length)
        if found is not None:
            return found
    return bottom_up(space, length)


def _hint_is_free(space: SimSpace, start: int, length: int) -> bool:
    if start < space.layout.min_address or start + length > space.layout.task_size:
        return False
    # the first VMA that ends above the hint decides, as find_vma() gives it
    above = next((vma for vma in space.vmas if vma.end > start), None)
    return above is None or start + length <= guarded_start(space, above)


def top_down(space: SimSpace, length: int) -> int | None:
    """Take the end of the highest gap at or below mmap_base.

    The guard gap of a stack is looked at when a gap was found: where it reaches into the place, the search begins
    again below that guard gap, and passes over whatever is free between other mappings there.
    """
    low, high = space.layout.min_address, space.layout.mmap_base
    end = guarded = space.layout.task_size
    for below in (*reversed(space.vmas), None):
        floor = max(below.end if below is not None else 0, low)
        if min(end, high) - floor >= length:
            high = min(high, guarded)
            if min(end, high) - floor >= length:
                return min(end, high) - length
        if below is not None:
            end, guarded = below.start, guarded_start(space, below)
    return None


def bottom_up(space: SimSpace, length: int) -> int | None:
    """Take the start of the lowest gap at or above the legacy base."""
    low, high = space.layout.legacy_base, space.layout.task_size
    for start, end in _gaps(space):
        start_here = max(start, low)
        if min(end, high) - start_here >= length:
            return start_here
    return None


def _gaps(space: SimSpace) -> Iterator[tuple[int, int]]:
    """All free ranges, from low to high, guard gaps left out."""
    previous_end = 0
    for vma in space.vmas:
        start = guarded_start(space, vma)
        if start > previous_end:
            yield previous_end, start
        previous_end = max(previous_end, vma.end)
    if previous_end < space.layout.task_size:
        yield previous_end, space.layout.task_size
