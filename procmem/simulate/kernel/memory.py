"""The machine with its memory: ``step(memory, event)`` gives the memory after the event.

Part one moves areas about and knows nothing of pages; here each process has an address space of that kind, and the
page tables, frames and swap under it. A layout event goes through the same ``step`` as there; whatever lost its area
loses its pages. ``run`` does many events with one copy of the books, and gives what ``step`` one by one would.

Source: mm/memory.c, copy_page_range(); mm/mprotect.c; mm/madvise.c; mm/oom_kill.c.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import assert_never

from procmem.model.permissions import permissions
from procmem.model.simulated_memory import AccessOutcome, Paging, ProcessCost, SimMemory, SimProcess
from procmem.model.simulation import PAGE, SimSpace, VmBit
from procmem.model.vma_names import KernelName, kernel_label
from procmem.simulate.arch.layout import page_down, page_up
from procmem.simulate.arch.page_entries import ZERO_FRAME, Pte, frame_of, is_held, is_swapped, slot_of
from procmem.simulate.kernel import machine
from procmem.simulate.kernel.events import Map, Touch
from procmem.simulate.kernel.faults import access, from_swap, read_file_page
from procmem.simulate.kernel.frames import ACTIVE, FILE, Bench, OutOfMemory, Worker, page_tables_bytes
from procmem.simulate.kernel.memory_events import (
    Access,
    Advice,
    Advise,
    Begin,
    Do,
    End,
    ForkAs,
    MemoryEvent,
    ReadFile,
    Scatter,
    Settle,
    SwapOff,
)
from procmem.simulate.kernel.reclaim import evict, make_room

__all__ = ["LiveMachine", "cost", "pss_of", "run", "step"]


def step(memory: SimMemory, event: MemoryEvent) -> SimMemory:
    """Give the memory after one event; ``outcome`` says whether a process was stopped by it."""
    return run(memory, (event,))


def run(memory: SimMemory, events: Iterable[MemoryEvent]) -> SimMemory:
    """Give the memory after several events."""
    return LiveMachine(memory).go_on(events)


class LiveMachine:
    """A machine that goes on without a copy of its books: what an earlier ``go_on`` gave is not kept as it was."""

    def __init__(self, memory: SimMemory, *, most_work: int | None = None) -> None:
        self._bench = Bench(memory, most_work=most_work)

    def go_on(self, events: Iterable[MemoryEvent]) -> SimMemory:
        """Let several events happen: what ``run`` gives of the memory before.

        Raises:
            TooMuchWork: with what happened before, it is more than was allowed.
        """
        bench = self._bench
        bench.notes, bench.outcome = [], AccessOutcome.DONE
        for event in events:
            bench.outcome = AccessOutcome.DONE
            try:
                _do(bench, event)
            except OutOfMemory:
                _kill_one(bench)
        held = sum(len(worker.entries) for worker in bench.workers.values()) + len(bench.cache)
        areas = sum(len(worker.space.vmas) for worker in bench.workers.values())
        bench.spend(held // 4 + areas // 4 + (len(bench.free_frames) + len(bench.free_slots)) // 64)
        return bench.frozen()


def _do(bench: Bench, event: MemoryEvent) -> None:
    match event:
        case Begin():
            _begin(bench, event.pid, event.space)
        case ReadFile():
            _read_file(bench, event)
        case Settle():
            _settle(bench)
        case SwapOff():
            _swap_off(bench)
        case Do() | Access() | Scatter() | Advise() | ForkAs() | End():
            worker = bench.workers.get(event.pid)
            if worker is not None:  # it may have been killed
                _of_process(bench, worker, event)
        case _:
            assert_never(event)


def _of_process(bench: Bench, worker: Worker, event: Do | Access | Scatter | Advise | ForkAs | End) -> None:
    match event:
        case Do():
            _call(bench, worker, event)
        case Access():
            access(bench, worker, event.start, event.length, write=event.write)
        case Scatter():
            _scatter(bench, worker, event)
        case Advise():
            _advise(bench, worker, event)
        case ForkAs():
            _fork(bench, worker, event.child)
        case End():
            _end(bench, worker)
        case _:
            assert_never(event)


def _begin(bench: Bench, pid: int, space: SimSpace) -> Worker:
    above = {Paging.PAE: 5, Paging.COMPAT: 6}.get(bench.settings.paging, 1)
    make_room(bench, above)
    roots = tuple(bench.take_table() for _ in range(above))
    worker = bench.workers[pid] = Worker(SimProcess(pid, space, {}, {}, roots))
    return worker


_USED = Pte.PRESENT | Pte.WRITE | Pte.ACCESSED | Pte.DIRTY


def _scatter(bench: Bench, worker: Worker, event: Scatter) -> None:
    """Write to one page after the other; what a write leaves as it is needs no more than a look."""
    entry_of = worker.entries.get
    for page in event.pages:
        if entry_of(page, 0) & _USED == _USED:
            bench.outcome = AccessOutcome.DONE
            continue
        if worker.pid not in bench.workers:
            bench.outcome = AccessOutcome.DONE  # it was killed: nothing happens any more
            return
        bench.outcome = AccessOutcome.DONE
        bench.spend(5)
        try:
            access(bench, worker, page * PAGE, 1, write=True)
        except OutOfMemory:
            _kill_one(bench)


def _call(bench: Bench, worker: Worker, event: Do) -> None:
    """A layout event: the same step as without memory, then pages follow their areas."""
    call = event.event
    if isinstance(call, Touch):
        access(bench, worker, call.address, 1, write=call.write)
        return
    before = worker.space
    bench.spend(2 * len(before.vmas))
    after = machine.step(before, call)
    if isinstance(call, Map) and not machine.failed(after):
        start = after.registers.eax
        bench.zap(worker, start, start + page_up(call.length))  # MAP_FIXED takes the place of what was there
        if call.flags & VmBit.SHARED and not call.name:
            after = _named_shared(bench, after, start)
    worker.space = after
    for start, end in _lost(before, after):
        bench.zap(worker, start, end)
        bench.free_tables(worker, start, end)
    if after.vmas != before.vmas:
        _new_rights(bench, worker, before)


_SHARED_ZERO = kernel_label(KernelName.SHARED_ZERO)


def _named_shared(bench: Bench, space: SimSpace, start: int) -> SimSpace:
    """Shared anonymous memory is a file of its own that nobody can open (mm/shmem.c, shmem_zero_setup())."""
    taken = {vma.name for worker in bench.workers.values() for vma in worker.space.vmas}
    taken |= {name for name, _index in bench.cache} | {name for name, _index in bench.shmem_slots}
    number = 1
    while b"%s #%d" % (_SHARED_ZERO, number) in taken:
        number += 1
    name = b"%s #%d" % (_SHARED_ZERO, number)
    vmas = tuple(vma._replace(name=name, offset=0) if vma.start == start else vma for vma in space.vmas)
    return space._replace(vmas=vmas)


def _lost(before: SimSpace, after: SimSpace) -> list[tuple[int, int]]:
    """Ranges that had an area and have none now."""
    if before.vmas is after.vmas:
        return []
    lost = []
    first = 0  # both are in order of address, and no two of one overlap
    for vma in before.vmas:
        at = vma.start
        while first < len(after.vmas) and after.vmas[first].end <= at:
            first += 1
        following = first
        while following < len(after.vmas) and after.vmas[following].start < vma.end:
            other = after.vmas[following]
            if other.start > at:
                lost.append((at, other.start))
            at = max(at, other.end)
            following += 1
        if at < vma.end:
            lost.append((at, vma.end))
    return lost


def _new_rights(bench: Bench, worker: Worker, before: SimSpace) -> None:
    """mprotect: entries get the rights of their area (change_pte_range())."""
    known = {(vma.start, vma.end, vma.perms) for vma in before.vmas}
    for vma in worker.space.vmas:
        if (vma.start, vma.end, vma.perms) in known:
            continue
        for page in bench.pages_in(worker, vma.start, vma.end):
            bench.spend(1)
            entry = worker.entries[page]
            if is_swapped(entry):
                continue
            frame = frame_of(entry)
            entry &= ~(Pte.PRESENT | Pte.PROT_NONE | Pte.NX)
            if not permissions(vma.perms).writable:
                entry &= ~Pte.WRITE
            elif frame != ZERO_FRAME and bench.owner[frame] is None and entry & Pte.DIRTY:
                alone = len(bench.maps[frame]) == 1 and frame not in bench.slot_of_frame
                entry |= Pte.WRITE if alone else 0
            entry |= Pte.PROT_NONE if permissions(vma.perms).inaccessible else Pte.PRESENT
            if bench.settings.paging is not Paging.TWO_LEVEL and not permissions(vma.perms).executable:
                entry |= Pte.NX
            worker.entries[page] = entry


def _advise(bench: Bench, worker: Worker, event: Advise) -> None:
    start, end = page_down(event.start), page_up(event.start + event.length)
    match event.advice:
        case Advice.POPULATE:
            for vma in worker.space.vmas:
                low, high = max(start, vma.start), min(end, vma.end)
                if low < high and not permissions(vma.perms).inaccessible:
                    private_write = permissions(vma.perms).writable and not vma.flags & VmBit.SHARED
                    counted = worker.minor, worker.major
                    access(bench, worker, low, high - low, write=private_write)
                    worker.minor, worker.major = counted  # done in the call: no fault is raised
        case Advice.DONTNEED:
            bench.zap(worker, start, end)
        case Advice.FREE:
            for page in bench.pages_in(worker, start, end):
                bench.spend(1)
                _free_lazily(bench, worker, page)
        case Advice.PAGEOUT:
            for page in bench.pages_in(worker, start, end):
                bench.spend(3)
                entry = worker.entries[page]
                if is_held(entry) and frame_of(entry) != ZERO_FRAME and len(bench.maps[frame_of(entry)]) == 1:
                    evict(bench, frame_of(entry), keep_copy=True)
        case _:
            assert_never(event.advice)


def _free_lazily(bench: Bench, worker: Worker, page: int) -> None:
    """MADV_FREE: the page may be dropped as if it were a clean file page, unless it is written again."""
    entry = worker.entries[page]
    if is_swapped(entry):
        bench.leave(worker, page)
        return
    frame = frame_of(entry)
    if frame == ZERO_FRAME or bench.owner[frame] is not None or len(bench.maps[frame]) != 1:
        return
    worker.entries[page] = entry & ~(Pte.DIRTY | Pte.ACCESSED)
    for part in bench.lists:
        part.pop(frame, None)
    bench.lists[FILE][frame] = None


def _fork(bench: Bench, parent: Worker, pid: int) -> None:
    """Copy what a fault could not bring back: pages of areas that were written (vma_needs_copy())."""
    child = _begin(bench, pid, parent.space)
    for vma in parent.space.vmas:
        if not vma.anon or vma.flags & VmBit.SHARED:
            continue
        for page in bench.pages_in(parent, vma.start, vma.end):
            bench.spend(1)
            make_room(bench, 1)
            entry = parent.entries.get(page)
            if entry is None:
                continue
            bench.need_table(child, page)
            if is_swapped(entry):
                bench.slots[slot_of(entry)] += 1
                child.entries[page] = entry
                child.swap_pages += 1
                continue
            parent.entries[page] = entry & ~Pte.WRITE
            bench.enter(child, page, frame_of(entry), entry & ~Pte.WRITE & (0xFFF | Pte.NX))
    bench.note("forked", count=len(child.entries))


def _end(bench: Bench, worker: Worker) -> None:
    bench.spend(len(worker.entries))
    for page in list(worker.entries):
        bench.leave(worker, page)
    bench.free_frames.extend([*worker.tables.values(), *worker.middle.values(), *worker.roots])
    del bench.workers[worker.pid]
    alive = {vma.name for other in bench.workers.values() for vma in other.space.vmas}
    gone = {name for name, _ in [*bench.cache, *bench.shmem_slots] if name.startswith(_SHARED_ZERO)} - alive
    for key, frame in list(bench.cache.items()):
        if key[0] in gone:
            bench.free_frame(frame)
    for key in [key for key in bench.shmem_slots if key[0] in gone]:
        bench.drop_slot(bench.shmem_slots.pop(key))


def _read_file(bench: Bench, event: ReadFile) -> None:
    for index in range(event.first, event.first + event.pages):
        bench.spend(1)
        key = event.name, index
        frame = bench.cache.get(key)
        if frame is None:
            make_room(bench, 1)
            read_file_page(bench, key, ahead=1)  # pages read ahead would look as if used twice
        elif frame in bench.lists[FILE]:  # the second use makes it active (mark_page_accessed())
            del bench.lists[FILE][frame]
            bench.lists[FILE + ACTIVE][frame] = None


def _settle(bench: Bench) -> None:
    for frame in list(bench.swap_cache.values()):
        if not bench.maps[frame]:
            bench.free_frame(frame)


def _swap_off(bench: Bench) -> None:
    """Bring every page back, without a fault of anybody; then there is no swap (mm/swapfile.c, try_to_unuse()).

    Where memory is short, it is swapoff itself that is killed (set_current_oom_origin()), and the rest stays out.
    """
    # nothing may go out again meanwhile
    before, bench.settings = bench.settings, bench.settings._replace(swap=0)
    try:
        _bring_back(bench)
    except OutOfMemory:
        bench.settings = before
        bench.outcome, bench.killed = AccessOutcome.OOM, None
        bench.note("swap-off-killed")
        return
    bench.note("swap-off")


def _bring_back(bench: Bench) -> None:
    for worker in bench.workers.values():
        for vma in worker.space.vmas:
            for page in bench.pages_in(worker, vma.start, vma.end):
                bench.spend(1)
                if is_swapped(worker.entries.get(page, Pte.PRESENT)):
                    make_room(bench, 1 << bench.settings.page_cluster)
                    from_swap(bench, worker, vma, page, worker.entries[page], write=False)
    for key in list(bench.shmem_slots):
        bench.spend(6)
        make_room(bench, 1)
        read_file_page(bench, key)


def _kill_one(bench: Bench) -> None:
    """The OOM killer takes the process with the most memory (oom_badness(): pages, swap, page tables)."""
    if not bench.workers:
        return
    victim = max(bench.workers.values(), key=lambda one: (sum(one.pages) + one.swap_pages + len(one.tables), one.pid))
    bench.note("killed", pid=victim.pid)
    _end(bench, victim)
    bench.outcome, bench.killed = AccessOutcome.OOM, victim.pid


def pss_of(memory: SimMemory, pid: int) -> Fraction:
    """The exact share of a process in the pages that it maps, in bytes."""
    shares: dict[int, int] = {}
    for entry in memory.processes[pid].entries.values():
        if is_held(entry) and frame_of(entry) != ZERO_FRAME:
            users = len(memory.maps[frame_of(entry)])
            shares[users] = shares.get(users, 0) + 1
    return sum((Fraction(PAGE * count, users) for users, count in shares.items()), Fraction(0))


def cost(memory: SimMemory, pid: int) -> ProcessCost:
    """What the kernel would say of a process."""
    process = memory.processes[pid]
    return ProcessCost(
        pid,
        process.space.virtual_size,
        process.anon_pages * PAGE,
        process.file_pages * PAGE,
        process.shmem_pages * PAGE,
        int(pss_of(memory, pid)),
        process.swap_pages * PAGE,
        page_tables_bytes(memory.settings.paging, process.tables),
        process.minor,
        process.major,
    )
