"""What a touch of memory does: nothing if the entry allows it, else a page fault and the kernel's answer.

Asking for memory (mmap, brk) only promises it. The first access finds no entry in the page table, the processor
raises a fault, and the kernel looks at the area: no area, or no right, is SIGSEGV. Fresh anonymous memory that is read
gets the one page of zeros that all share; written, a frame of its own. A file's page is mapped where it lies in the
page cache, with up to sixteen neighbours that are there too (fault-around); if it must be read, the fault is a major
one. A write to what may be written but is shared is answered by a copy (copy on write), unless nobody else is left. A
page in swap is brought back, with its neighbours in swap.

Source: mm/memory.c, handle_pte_fault() and the functions named below; arch/x86/mm/fault.c.
"""

from procmem.model.permissions import permissions
from procmem.model.simulated_memory import AccessOutcome, FileKey, Paging
from procmem.model.simulation import PAGE, SimVma, VmBit
from procmem.model.vma_names import is_file_in_memory
from procmem.simulate.arch.page_entries import ZERO_FRAME, Pte, frame_of, is_swapped, slot_of
from procmem.simulate.kernel.events import Touch
from procmem.simulate.kernel.frames import Bench, Worker, bits_for
from procmem.simulate.kernel.machine import failed, step
from procmem.simulate.kernel.reclaim import make_room

__all__ = ["access", "file_key", "from_swap", "read_file_page"]

_READ_AHEAD = 32
"""Pages read at once from a file: 128 KiB (block device's read_ahead_kb)."""
_HUGE_BITS = 9
"""A huge page is 2 MiB: 512 pages (PAE and x86-64)."""


def access(bench: Bench, worker: Worker, start: int, length: int, *, write: bool) -> bool:
    """Touch each page of a range; False at the first that is answered by SIGSEGV."""
    page, end = start // PAGE, -(-(start + length) // PAGE)
    entries = worker.entries
    entry_of = entries.get
    wanted = Pte.PRESENT | (Pte.WRITE if write else 0)
    marks = Pte.ACCESSED | (Pte.DIRTY if write else 0)
    done = wanted | marks
    while page < end:
        vma = _area(bench, worker, page, write=write)
        if vma is None:
            return False
        stop = min(end, vma.end // PAGE)
        while page < stop:
            for other in range(page, stop):
                entry = entry_of(other, 0)
                if entry & done != done:  # else it was used so before, as most were
                    page = other
                    break
            else:
                page = stop
                break
            if entry & wanted == wanted:
                entries[page] = entry | marks
            elif write and not entry and (run := _first_writes(bench, worker, vma, page, stop)):
                page += run
                continue
            elif not _fault(bench, worker, vma, page, write=write):
                return False
            page += 1
    return True


def _first_writes(bench: Bench, worker: Worker, vma: SimVma, page: int, stop: int) -> int:
    """Answer the first writes to neighbouring pages of fresh anonymous memory at once, within one page table.

    What comes of it is what faults one by one would give. Gives how many pages; 0 where these must be answered one by
    one, since there may be huge pages, decisions are noted, or memory is short.
    """
    may_be_huge = bench.settings.thp and bench.settings.paging is not Paging.TWO_LEVEL
    if vma.name or vma.flags & VmBit.SHARED or bench.tracing or may_be_huge:
        return 0
    spare = bench.free_pages() - _room(bench) - bench.settings.paging.middle_levels - 1  # tables may be missing too
    stop = min(stop, (page >> bench.table_bits) + 1 << bench.table_bits, page + spare)
    if stop <= page:
        return 0
    count = 1
    while page + count < stop and page + count not in worker.entries:
        count += 1
    bench.spend(count // 2)
    bench.need_table(worker, page)
    bench.enter_fresh(worker, page, count, _bits(bench, vma) | _WRITTEN)
    worker.minor += count
    return count


def _room(bench: Bench) -> int:
    """So many frames must be free before a fault, or some are reclaimed: for a page, its tables, what swap reads."""
    return 2 + bench.settings.paging.middle_levels + (1 << bench.settings.page_cluster)


def _area(bench: Bench, worker: Worker, page: int, *, write: bool) -> SimVma | None:
    """The area of a page, after a stack has grown to it and a first write has left its mark; None for SIGSEGV."""
    address = page * PAGE
    vma = next((vma for vma in worker.space.vmas if vma.end > address), None)
    if vma is None or vma.start > address or (write and not vma.anon and not vma.flags & VmBit.SHARED):
        space = step(worker.space, Touch(address, write))
        if failed(space):
            _violation(bench, worker, page, write=write)
            return None
        if vma is not None and vma.start > address:
            bench.note("stack-grows", address=address)
        worker.space = space
        vma = next(vma for vma in space.vmas if vma.end > address)
    right = permissions(vma.perms).writable if write else not permissions(vma.perms).inaccessible
    if not right:
        _violation(bench, worker, page, write=write)
        return None
    return vma


def _violation(bench: Bench, worker: Worker, page: int, *, write: bool) -> None:
    present = worker.entries.get(page, 0) & Pte.PRESENT
    bench.error_code = (1 if present else 0) | (2 if write else 0) | 4
    bench.outcome = AccessOutcome.SIGSEGV
    bench.note("violation", address=page * PAGE, error_code=bench.error_code)


def _fault(bench: Bench, worker: Worker, vma: SimVma, page: int, *, write: bool) -> bool:
    """One page fault. The area allows the access."""
    bench.spend(3)
    make_room(bench, _room(bench))
    entry = worker.entries.get(page)  # reclaim may have taken it
    bench.need_table(worker, page)
    major = False
    if entry is None:
        if not vma.name and not vma.flags & VmBit.SHARED:
            _anonymous(bench, worker, vma, page, write=write)
        else:
            major = _from_file(bench, worker, vma, page, write=write)
    elif is_swapped(entry):
        major = from_swap(bench, worker, vma, page, entry, write=write)
    else:
        _write_to_present(bench, worker, vma, page, entry)
    if major:
        worker.major += 1
    else:
        worker.minor += 1
    return True


def _bits(bench: Bench, vma: SimVma) -> int:
    return bits_for(vma, nx=bench.settings.paging is not Paging.TWO_LEVEL)


_WRITTEN = Pte.WRITE | Pte.DIRTY


def _anonymous(bench: Bench, worker: Worker, vma: SimVma, page: int, *, write: bool) -> None:
    """do_anonymous_page(), and do_huge_pmd_anonymous_page() where a whole aligned piece is free."""
    bits = _bits(bench, vma)
    two_level = bench.settings.paging is Paging.TWO_LEVEL  # has no huge pages for programs (arch/x86/Kconfig)
    if bench.settings.thp and not two_level and write and _huge(bench, worker, vma, page, bits):
        return
    if write:
        bench.enter(worker, page, bench.take_frame(None), bits | _WRITTEN)
    else:
        worker.entries[page] = ZERO_FRAME << 12 | bits
    if bench.tracing:
        if write:
            bench.note("fresh-frame", address=page * PAGE, frame=frame_of(worker.entries[page]))
        else:
            bench.note("zero-page", address=page * PAGE)


def _huge(bench: Bench, worker: Worker, vma: SimVma, page: int, bits: int) -> bool:
    count = 1 << _HUGE_BITS
    first = page & -count
    if vma.flags & VmBit.NOHUGEPAGE or vma.start > first * PAGE or vma.end < (first + count) * PAGE:
        return False
    if any(other in worker.entries for other in range(first, first + count)):
        return False
    start = -(-bench.next_frame // count) * count
    if start + count > bench.last_frame:
        return False
    bench.free_frames.extend(range(bench.next_frame, start))
    bench.next_frame = start
    kept, bench.free_frames = bench.free_frames, []
    for other in range(first, first + count):
        bench.need_table(worker, other)
        bench.enter(worker, other, bench.take_frame(None), bits | _WRITTEN)
    bench.free_frames = kept
    worker.huge.add(page >> bench.table_bits)
    bench.note("huge-page", address=page * PAGE, count=count)
    return True


def file_key(vma: SimVma, page: int) -> FileKey:
    """Which page of which file lies at a page of an area."""
    return vma.name, (page * PAGE - vma.start + vma.offset) // PAGE


def read_file_page(bench: Bench, key: FileKey, *, ahead: int = _READ_AHEAD) -> bool:
    """Bring a page of a file into the page cache, ``ahead`` pages at once; True where it had to be read."""
    if key in bench.cache:
        return False
    if is_file_in_memory(key[0]):
        bench.take_frame(key)
        slot = bench.shmem_slots.pop(key, None)
        if slot is None:
            return False
        bench.swapped_in += 1
        bench.drop_slot(slot)
        return True
    bench.take_frame(key)
    for index in range(key[1] + 1, key[1] + ahead):
        if bench.free_pages() <= 2:
            break
        if (key[0], index) not in bench.cache:
            bench.take_frame((key[0], index))
    return True


def _from_file(bench: Bench, worker: Worker, vma: SimVma, page: int, *, write: bool) -> bool:
    """do_read_fault(), do_cow_fault(), do_shared_fault(): True for a major fault."""
    key = file_key(vma, page)
    major = read_file_page(bench, key)
    bits = _bits(bench, vma)
    if bench.tracing:
        bench.note("file-page-read" if major else "file-page", address=page * PAGE, page=key[1])
    if write and vma.flags & VmBit.SHARED:
        bench.enter(worker, page, bench.cache[key], bits | _WRITTEN)
    elif write:
        bench.enter(worker, page, bench.take_frame(None), bits | _WRITTEN)
        bench.note("private-copy")
    else:
        bench.enter(worker, page, bench.cache[key], bits)
        _fault_around(bench, worker, vma, page, bits)
    return major


def _fault_around(bench: Bench, worker: Worker, vma: SimVma, page: int, bits: int) -> None:
    """Map the neighbours that are in the cache, within one aligned window (do_fault_around())."""
    window = bench.settings.fault_around // PAGE
    low = max(page & -window, vma.start // PAGE)
    high = min((page & -window) + window, vma.end // PAGE)
    for other in range(low, high):
        if other not in worker.entries:
            frame = bench.cache.get(file_key(vma, other))
            if frame is not None:
                bench.enter(worker, other, frame, bits & ~Pte.ACCESSED)


def from_swap(bench: Bench, worker: Worker, vma: SimVma, page: int, entry: int, *, write: bool) -> bool:
    """do_swap_page(): True for a major fault."""
    slot = slot_of(entry)
    bench.spend(4)
    major = slot not in bench.swap_cache
    if major:
        group = 1 << bench.settings.page_cluster
        first = slot & -group
        for other in range(first, first + group):
            if bench.slots.get(other) and other not in bench.swap_cache:
                frame = bench.take_frame(None)
                bench.swap_cache[other] = frame
                bench.slot_of_frame[frame] = other
                bench.swapped_in += 1
    frame = bench.swap_cache[slot]
    if bench.tracing:
        bench.note("from-swap-read" if major else "from-swap", address=page * PAGE, slot=slot)
    bench.slots[slot] -= 1
    worker.swap_pages -= 1
    del worker.entries[page]
    bench.enter(worker, page, frame, _bits(bench, vma))
    if not bench.slots[slot]:
        del bench.swap_cache[slot], bench.slot_of_frame[frame]
        bench.drop_slot(slot)
        if permissions(vma.perms).writable and len(bench.maps[frame]) == 1:
            worker.entries[page] |= Pte.WRITE | Pte.DIRTY
    if write and not worker.entries[page] & Pte.WRITE:
        _write_to_present(bench, worker, vma, page, worker.entries[page])
    return major


def _write_to_present(bench: Bench, worker: Worker, vma: SimVma, page: int, entry: int) -> None:
    """do_wp_page(): reuse, or copy."""
    if not entry & Pte.WRITE and permissions(vma.perms).writable:
        frame = frame_of(entry)
        private = not vma.flags & VmBit.SHARED
        alone = frame != ZERO_FRAME and len(bench.maps[frame]) == 1 and frame not in bench.slot_of_frame
        if private and (frame == ZERO_FRAME or bench.owner[frame] is not None or not alone):
            copy = bench.take_frame(None)
            bench.leave(worker, page)
            bench.enter(worker, page, copy, _bits(bench, vma))
            bench.note("copied", address=page * PAGE, frame=copy)
        else:
            bench.note("reused", address=page * PAGE)
        entry = worker.entries[page] | _WRITTEN
    worker.entries[page] = entry | Pte.PRESENT | Pte.ACCESSED
