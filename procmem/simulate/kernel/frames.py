"""The machine's memory on the workbench: frames, the lists they age on, swap slots, and who maps what.

A step takes the frozen machine apart into this, changes it, and freezes it again; nobody else ever holds it.
Everything that keeps the books right is here, so that the rules (``faults``, ``reclaim``, ``memory``) cannot
get them wrong: a frame knows who maps it, a process counts what it holds, a page table exists as long as it
is needed.
"""

import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from procmem.model.note import Note, note
from procmem.model.permissions import permissions
from procmem.model.simulated_memory import FIRST_FRAME, AccessOutcome, FileKey, Paging, SimMemory, SimProcess
from procmem.model.simulation import PAGE, SimSpace, SimVma
from procmem.model.vma_names import is_file_in_memory
from procmem.simulate.arch.page_entries import ZERO_FRAME, Pte, frame_of, is_swapped, slot_of

__all__ = ["ACTIVE", "ANON", "FILE", "Bench", "OutOfMemory", "TooMuchWork", "Worker"]

ANON, FILE, ACTIVE = 0, 2, 1
"""Indexes of the four lists: inactive and active, of anonymous memory and of files (include/linux/mmzone.h)."""

_KEY_BITS = 45
"""Bits of a page number of the longest address, which has 57: a mapping is (pid << 45 | page number)."""


class OutOfMemory(Exception):
    """No frame can be had; the machine turns this into the killing of a process."""


class TooMuchWork(Exception):
    """What was to be simulated takes more than was allowed."""


class Worker:
    """One process on the workbench."""

    def __init__(self, process: SimProcess) -> None:
        self.pid = process.pid
        self.space: SimSpace = process.space
        self.entries = dict(process.entries)
        self.tables = dict(process.tables)
        self.roots = process.roots
        self.middle = dict(process.middle)
        self.huge = set(process.huge)
        self.minor, self.major = process.minor, process.major
        self.pages = [process.anon_pages, process.file_pages, process.shmem_pages]
        self.swap_pages = process.swap_pages

    def frozen(self) -> SimProcess:
        """The process as a value again."""
        return SimProcess(
            self.pid,
            self.space,
            self.entries,
            self.tables,
            self.roots,
            self.middle,
            frozenset(self.huge),
            self.minor,
            self.major,
            self.pages[0],
            self.pages[1],
            self.pages[2],
            self.swap_pages,
        )


class Bench:
    """The machine taken apart."""

    def __init__(self, memory: SimMemory, *, most_work: int | None = None) -> None:
        self._work_left = math.inf if most_work is None else most_work
        self.settings = memory.settings
        self.table_bits = memory.settings.paging.table_bits
        self.workers: dict[int, Worker] = {pid: Worker(process) for pid, process in memory.processes.items()}
        self.maps = dict(memory.maps)
        self.owner = dict(memory.owner)
        self.cache = dict(memory.cache)
        self.slots = dict(memory.slots)
        self.swap_cache = dict(memory.swap_cache)
        self.slot_of_frame = {frame: slot for slot, frame in memory.swap_cache.items()}
        self.shmem_slots = dict(memory.shmem_slots)
        # a plain dict takes longer to find its first key the more of them were deleted before it
        self.lists = [OrderedDict(part) for part in memory.lists]
        self.free_frames = list(memory.free_frames)
        self.next_frame = memory.next_frame
        self.last_frame = FIRST_FRAME + memory.settings.ram // PAGE
        self.free_slots = list(memory.free_slots)
        self.next_slot = memory.next_slot
        self.swapped_out, self.swapped_in = memory.swapped_out, memory.swapped_in
        self.dropped, self.scanned = memory.dropped, memory.scanned
        self.outcome, self.error_code, self.killed = AccessOutcome.DONE, memory.error_code, memory.killed
        self.notes: list[Note] = []
        self.tracing = memory.settings.trace

    def frozen(self) -> SimMemory:
        """The machine as a value again."""
        return SimMemory(
            self.settings,
            {pid: worker.frozen() for pid, worker in self.workers.items()},
            self.maps,
            self.owner,
            self.cache,
            self.slots,
            self.swap_cache,
            self.shmem_slots,
            tuple(self.lists),
            tuple(self.free_frames),
            self.next_frame,
            tuple(self.free_slots),
            self.next_slot,
            self.swapped_out,
            self.swapped_in,
            self.dropped,
            self.scanned,
            self.outcome,
            self.error_code,
            self.killed,
            tuple(self.notes),
        )

    def spend(self, work: int) -> None:
        """Count work, in looks at a page: each takes about a microsecond.

        Raises:
            TooMuchWork: it is more than is left.
        """
        self._work_left -= work
        if self._work_left < 0:
            raise TooMuchWork

    def free_pages(self) -> int:
        """Frames that can be had without reclaim."""
        return len(self.free_frames) + self.last_frame - self.next_frame

    def take_frame(self, owner: FileKey | None) -> int:
        """A fresh frame, on its inactive list; room must have been made before."""
        if self.free_frames:
            frame = self.free_frames.pop()
        elif self.next_frame < self.last_frame:
            frame = self.next_frame
            self.next_frame += 1
        else:
            raise OutOfMemory
        self.maps[frame] = ()
        self.owner[frame] = owner
        self.lists[ANON if owner is None or is_file_in_memory(owner[0]) else FILE][frame] = None
        if owner is not None:
            self.cache[owner] = frame
        return frame

    def take_table(self) -> int:
        """A frame for a page table: the kernel's own, so on no list and mapped by nobody."""
        frame = self.take_frame(None)
        del self.lists[ANON][frame], self.owner[frame], self.maps[frame]
        return frame

    def free_frame(self, frame: int) -> None:
        """Give back a frame that nobody maps, with its place on a list and in the page cache."""
        owner = self.owner.pop(frame)
        if owner is not None:
            del self.cache[owner]
        slot = self.slot_of_frame.pop(frame, None)
        if slot is not None:
            del self.swap_cache[slot]
            self.drop_slot(slot)
        del self.maps[frame]
        for part in self.lists:
            part.pop(frame, None)
        self.free_frames.append(frame)

    def take_slot(self) -> int | None:
        """A free place in swap, or None."""
        if not self.settings.swap:
            return None
        if self.free_slots:
            return self.free_slots.pop()
        if self.next_slot > self.settings.swap // PAGE:
            return None
        self.next_slot += 1
        return self.next_slot - 1

    def drop_slot(self, slot: int) -> None:
        """Free a slot that no entry and no copy in RAM needs any more."""
        if not self.slots.get(slot) and slot not in self.swap_cache:
            self.slots.pop(slot, None)
            self.free_slots.append(slot)

    def kind(self, frame: int) -> int:
        """Which counter of a process a frame goes to: anonymous, file, shared memory."""
        owner = self.owner[frame]
        return 0 if owner is None else 2 if is_file_in_memory(owner[0]) else 1

    def need_table(self, worker: Worker, page: int) -> None:
        """Make sure that a page table exists for a page."""
        region = page >> self.table_bits
        if region not in worker.tables:
            for level in range(self.settings.paging.middle_levels, 0, -1):
                key = level, region >> 9 * level
                if key not in worker.middle:
                    worker.middle[key] = self.take_table()
            worker.tables[region] = self.take_table()

    def enter(self, worker: Worker, page: int, frame: int, bits: int) -> None:
        """Map a frame where nothing is mapped. The page table must exist."""
        worker.entries[page] = frame << 12 | bits
        if frame != ZERO_FRAME:
            self.maps[frame] += (worker.pid << _KEY_BITS | page,)
            worker.pages[self.kind(frame)] += 1

    def enter_fresh(self, worker: Worker, page: int, count: int, bits: int) -> None:
        """Map fresh anonymous frames at so many neighbouring pages: as ``take_frame`` and ``enter`` do for each."""
        used = self.free_frames[: -count - 1 : -1]
        if used:
            del self.free_frames[-len(used) :]
        new = count - len(used)
        frames: Sequence[int] = range(self.next_frame, self.next_frame + new)
        self.next_frame += new
        if used:
            frames = [*used, *frames]
        first = worker.pid << _KEY_BITS | page
        worker.entries.update(zip(range(page, page + count), [frame << 12 | bits for frame in frames], strict=True))
        self.maps.update(zip(frames, zip(range(first, first + count), strict=True), strict=True))
        fresh = dict.fromkeys(frames)
        self.owner.update(fresh)
        self.lists[ANON].update(fresh)
        worker.pages[0] += count

    def leave(self, worker: Worker, page: int) -> None:
        """Take an entry away, and what only it kept alive."""
        entry = worker.entries.pop(page)
        worker.huge.discard(page >> self.table_bits)
        if is_swapped(entry):
            worker.swap_pages -= 1
            slot = slot_of(entry)
            self.slots[slot] -= 1
            kept = None if self.slots[slot] else self.swap_cache.get(slot)
            if kept is not None and not self.maps[kept]:
                self.free_frame(kept)
                return
            if kept is not None:  # somebody has it mapped, and needs no copy in swap any more
                del self.swap_cache[slot], self.slot_of_frame[kept]
            self.drop_slot(slot)
            return
        frame = frame_of(entry)
        if frame == ZERO_FRAME:
            return
        self.release(worker, page, frame)
        if not self.maps[frame] and self.owner[frame] is None and frame not in self.slot_of_frame:
            self.free_frame(frame)

    def release(self, worker: Worker, page: int, frame: int) -> None:
        """Strike a mapping out of the books of its frame and its process."""
        key = worker.pid << _KEY_BITS | page
        users = self.maps[frame]
        self.maps[frame] = () if len(users) == 1 else tuple(user for user in users if user != key)
        worker.pages[self.kind(frame)] -= 1

    def users(self, frame: int) -> Iterable[tuple[Worker, int]]:
        """Who maps a frame, and at which page."""
        for key in self.maps[frame]:
            yield self.workers[key >> _KEY_BITS], key & (1 << _KEY_BITS) - 1

    def pages_in(self, worker: Worker, start: int, end: int) -> list[int]:
        """The pages of a range of addresses that have an entry, in order."""
        first, last = start // PAGE, -(-end // PAGE)
        if last - first > len(worker.entries):
            return sorted(page for page in worker.entries if first <= page < last)
        return [page for page in range(first, last) if page in worker.entries]

    def zap(self, worker: Worker, start: int, end: int) -> None:
        """Take away all entries of a range (mm/memory.c, zap_page_range_single())."""
        for page in self.pages_in(worker, start, end):
            self.spend(1)
            self.leave(worker, page)

    def free_tables(self, worker: Worker, start: int, end: int) -> None:
        """Free the page tables of an unmapped range that no VMA needs any more (mm/memory.c, free_pgtables())."""
        shift = self.table_bits + 12
        regions = range(start >> shift, (end - 1 >> shift) + 1)
        for region in [region for region in worker.tables if region in regions]:
            low, high = region << shift, region + 1 << shift
            if not any(vma.start < high and vma.end > low for vma in worker.space.vmas):
                self.free_frames.append(worker.tables.pop(region))
        for level, number in sorted(worker.middle):
            low, high = number << shift + 9 * level, number + 1 << shift + 9 * level
            in_range = low < end and high > start
            if in_range and not any(vma.start < high and vma.end > low for vma in worker.space.vmas):
                self.free_frames.append(worker.middle.pop((level, number)))

    def note(self, code: str, **figures: object) -> None:
        """Keep one decision for ``--trace``."""
        if self.tracing:
            self.spend(4)
            self.notes.append(note(code, **figures))


def page_tables_bytes(paging: Paging, tables: Iterable[int]) -> int:
    """What VmPTE says: the tables, and of the levels above what each kind of paging counts.

    Source: mm_pgtables_bytes(), which counts page tables, PMDs and PUDs, and no P4D; PAE preallocates its three user
    directories (arch/x86/mm/pgtable.c).
    """
    regions = list(tables)
    if paging.middle_levels:
        return PAGE * (len(regions) + sum(len({region >> 9 * level for region in regions}) for level in (1, 2)))
    if paging is Paging.TWO_LEVEL:
        return PAGE * len(regions)
    if paging is Paging.PAE:
        return 3 * PAGE + PAGE * len(regions)
    return PAGE * (1 + len({region >> 9 for region in regions}) + len(regions))


def bits_for(vma: SimVma, *, nx: bool) -> int:
    """The bits of a fresh entry of an area, without the right to write."""
    return Pte.PRESENT | Pte.USER | Pte.ACCESSED | (Pte.NX if nx and not permissions(vma.perms).executable else 0)
