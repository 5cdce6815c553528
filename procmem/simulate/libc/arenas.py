"""The malloc arenas of threads: aligned heaps, reserved whole and opened as they are used.

A thread's first malloc makes an arena for it, up to so many for each processor; later
threads share the ones that exist, the main one first.

Source: glibc malloc/arena.c, arena_get2(), new_heap(), grow_heap(), reused_arena().
"""

from procmem.model.note import note
from procmem.model.permissions import NO_ACCESS, READ_WRITE
from procmem.model.simulation import AreaRole, VmBit
from procmem.simulate.arch.layout import page_up
from procmem.simulate.kernel.calls import Caller
from procmem.simulate.kernel.events import Map, Protect, Touch, Unmap
from procmem.simulate.libc.malloc import Malloc

__all__ = ["ThreadArenas"]

_TOP_PAD = 128 << 10
"""DEFAULT_TOP_PAD."""


class _Heap:
    """One thread arena: its aligned start, how much is open, and how much of that is left at the top."""

    def __init__(self, start: int, opened: int, head: int) -> None:
        self.start = start
        self.opened = opened
        self.top = opened - head


class ThreadArenas:
    """All arenas besides the main one, in a process on a machine with so many processors."""

    def __init__(self, caller: Caller, malloc: Malloc, cpus: int) -> None:
        self._caller = caller
        self._malloc = malloc
        self._of = malloc.sizes
        self._most = self._of.arenas_per_cpu * cpus - 1
        self._heaps: list[_Heap] = []
        self._next_start = 0
        self._turn = 0

    def first_request(self, request: int) -> None:
        """Serve the first malloc of another thread."""
        if len(self._heaps) < self._most:
            heap = self._new_heap()
        else:
            # the ring of arenas begins with the main one, then the newest
            turn, self._turn = self._turn, (self._turn + 1) % (len(self._heaps) + 1)
            heap = self._heaps[-turn] if turn else None
        if heap is None:
            self._malloc.allocate_cache()
            self._malloc.allocate(request, cached=False)
            return
        self._take(heap, self._of.chunk_size(self._of.cache_struct))
        self._take(heap, self._of.chunk_size(request))

    def _take(self, heap: _Heap, size: int) -> None:
        if heap.top < size + self._of.min_chunk:
            if size >= self._malloc.mmap_threshold:
                self._malloc.map_block(size)
                return
            more = page_up(size + self._of.min_chunk - heap.top)
            if heap.opened + more > self._of.arena_max:
                return
            rule = note("arena-opened")
            self._caller.do(Protect(heap.start + heap.opened, more, READ_WRITE, role=AreaRole.HEAP, rule=rule))
            heap.opened += more
            heap.top += more
        heap.top -= size

    def _new_heap(self) -> _Heap | None:
        start = self._reserve()
        if start is None:
            return None
        opened = page_up(self._of.arena_head + _TOP_PAD)
        rule = note("arena-first")
        self._caller.do(Protect(start, opened, READ_WRITE, role=AreaRole.HEAP, rule=rule))
        self._caller.do(Touch(start))
        heap = _Heap(start, opened, self._of.arena_head)
        self._heaps.append(heap)
        return heap

    def _reserve(self) -> int | None:
        """Find an aligned heap, by mapping twice as much and freeing what is too much."""
        rule = note("arena-reserved")
        first = Map(self._of.arena_max, NO_ACCESS, flags=VmBit.NORESERVE, role=AreaRole.RESERVED, rule=rule)
        if self._next_start:
            hint, self._next_start = self._next_start, 0
            start = self._caller.do(first._replace(address=hint))
            if start >= 0 and not start % self._of.arena_max:
                return start
            if start >= 0:
                self._caller.do(Unmap(start, self._of.arena_max))
        start = self._caller.do(first._replace(length=2 * self._of.arena_max))
        if start < 0:
            return None
        aligned = -(-start // self._of.arena_max) * self._of.arena_max
        below = aligned - start
        if below:
            self._caller.do(Unmap(start, below))
        else:
            self._next_start = aligned + self._of.arena_max
        self._caller.do(Unmap(aligned + self._of.arena_max, self._of.arena_max - below))
        return aligned
