"""Where frames come from when none is free: reclaim, swap, and in the end the killing of a process.

Memory is kept on four lists, anonymous and file pages, each inactive and active. The oldest inactive page is looked
at: one that was used since (the processor has set the accessed bit) gets another round, anything else goes. A file
page is simply forgotten, for the file still has it; an anonymous page must first be written to swap. Which kind
is looked at, ``vm.swappiness`` decides as a weight: anonymous to file as s to 200 - s. Two things come before the
weight: where 16 MiB or more of the file cache lie cold, they alone are taken; in a memory cgroup, 0 means no swap.
Left out: refault costs, which move the weight in the kernel, and MGLRU.

Source: mm/vmscan.c, get_scan_count(), shrink_inactive_list(), shrink_folio_list(); mm/oom_kill.c.
"""

from procmem.model.simulation import PAGE
from procmem.model.vma_names import is_file_in_memory
from procmem.simulate.arch.page_entries import Pte
from procmem.simulate.kernel.frames import ACTIVE, ANON, FILE, Bench, OutOfMemory

__all__ = ["evict", "make_room"]

_BATCH = 32
"""Pages reclaimed at a time (include/linux/swap.h, SWAP_CLUSTER_MAX)."""
_MUCH_CACHE = 1 << 12
"""So many inactive file pages (16 MiB) are a large cold cache: file >> DEF_PRIORITY is not 0 (cache_trim_mode)."""


def make_room(bench: Bench, pages: int) -> None:
    """Make sure that so many frames are free.

    Raises:
        OutOfMemory: nothing more can be reclaimed.
    """
    if bench.free_pages() >= pages:
        return
    wanted = max(pages, min(_BATCH, bench.settings.ram // PAGE // 8))
    bench.note("reclaim", free=bench.free_pages(), wanted=wanted)
    credit = 100
    can_swap = bench.settings.swappiness > 0 or not bench.settings.group
    left = 3 * sum(map(len, bench.lists)) + _BATCH
    while bench.free_pages() < wanted and left > 0:
        left -= 1
        bench.spend(4)
        _refill(bench, ANON)
        _refill(bench, FILE)
        chosen, credit = _choose(bench, can_swap, credit)
        if chosen is None:
            break
        frame = next(iter(bench.lists[chosen]))
        bench.scanned += 1
        if _was_used(bench, frame):
            del bench.lists[chosen][frame]
            bench.lists[ANON + ACTIVE if chosen == ANON else FILE][frame] = None
        elif not evict(bench, frame):
            can_swap = False
    if bench.free_pages() < pages:
        raise OutOfMemory


def _choose(bench: Bench, can_swap: bool, credit: int) -> tuple[int | None, int]:
    """Which list to take from (get_scan_count()), and the credit that keeps the weights."""
    anon, file, active_file = bench.lists[ANON], bench.lists[FILE], bench.lists[FILE + ACTIVE]
    can_swap = can_swap and bool(anon)
    if not can_swap or not file:
        return (FILE if file else ANON if can_swap else None), credit
    swappiness = bench.settings.swappiness
    if swappiness == 200:  # files have no weight at all; real kernels took anonymous memory alone
        return ANON, credit
    if swappiness == 0 or len(file) >= max(len(active_file), _MUCH_CACHE):
        return FILE, credit
    credit += swappiness
    return (ANON, credit - 200) if credit >= 200 else (FILE, credit)


def _refill(bench: Bench, kind: int) -> None:
    """Move the oldest active page down when the inactive list is the shorter one (inactive_is_low())."""
    inactive, active = bench.lists[kind], bench.lists[kind + ACTIVE]
    if len(inactive) < len(active):
        frame = next(iter(active))
        del active[frame]
        _was_used(bench, frame)
        inactive[frame] = None


def _was_used(bench: Bench, frame: int) -> bool:
    """Whether any entry was used since the last look; the accessed bits are cleared (folio_referenced())."""
    used = False
    for worker, page in bench.users(frame):
        entry = worker.entries[page]
        if entry & Pte.ACCESSED:
            worker.entries[page] = entry & ~Pte.ACCESSED
            used = True
    return used


def evict(bench: Bench, frame: int, *, keep_copy: bool = False) -> bool:
    """Take a page out of memory; False where swap has no room for it.

    ``keep_copy`` leaves it in the swap cache, as it is while the writing goes on.
    """
    owner = bench.owner[frame]
    if owner is not None and not is_file_in_memory(owner[0]):
        _unmap(bench, frame, 0)
        bench.note("file-page-dropped", page=owner[1], frame=frame)
        bench.dropped += 1
        bench.free_frame(frame)
        return True
    if owner is None and frame in bench.lists[FILE] and not _is_dirty(bench, frame):
        _unmap(bench, frame, 0)
        bench.note("free-dropped", frame=frame)
        bench.free_frame(frame)
        return True
    slot = bench.slot_of_frame.get(frame)
    if slot is None:
        slot = bench.take_slot()
        if slot is None:
            bench.note("swap-full")
            return False
        bench.swapped_out += 1
        bench.note("swapped-out", frame=frame, slot=slot)
    if owner is not None:
        _unmap(bench, frame, 0)
        bench.shmem_slots[owner] = slot
        bench.free_frame(frame)
        return True
    bench.slots[slot] = bench.slots.get(slot, 0) + len(bench.maps[frame])
    _unmap(bench, frame, slot)
    bench.swap_cache[slot] = frame
    bench.slot_of_frame[frame] = slot
    if not keep_copy:
        bench.free_frame(frame)
    return True


def _is_dirty(bench: Bench, frame: int) -> bool:
    return any(worker.entries[page] & Pte.DIRTY for worker, page in bench.users(frame))


def _unmap(bench: Bench, frame: int, slot: int) -> None:
    """Take a frame from all who map it; with a slot, leave a swap entry behind (mm/rmap.c, try_to_unmap())."""
    for worker, page in list(bench.users(frame)):
        bench.release(worker, page, frame)
        worker.huge.discard(page >> bench.table_bits)
        if slot:
            worker.entries[page] = slot << 12 | Pte.SWAPPED
            worker.swap_pages += 1
        else:
            del worker.entries[page]
