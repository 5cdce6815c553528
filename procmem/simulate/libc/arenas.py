"""The malloc arenas of threads: aligned megabytes, reserved whole and opened as they are used.

A thread's first malloc makes an arena for it, up to twice as many arenas as there are processors; later
threads share the ones that exist, the main one first.

Source: glibc malloc/arena.c, arena_get2(), new_heap(), grow_heap(), reused_arena().
"""

from procmem.model.note import note
from procmem.model.permissions import NO_ACCESS, READ_WRITE
from procmem.model.simulation import AreaRole, VmBit
from procmem.simulate.arch.i386_layout import page_up
from procmem.simulate.kernel.calls import Caller
from procmem.simulate.kernel.events import Map, Protect, Touch, Unmap
from procmem.simulate.libc.chunks import ALIGN, MIN_CHUNK, chunk_size
from procmem.simulate.libc.malloc import CACHE_STRUCT, Malloc

__all__ = ["ThreadArenas"]

_HEAP_MAX = 1 << 20
"""HEAP_MAX_SIZE on 32 bit."""
_TOP_PAD = 128 << 10
"""DEFAULT_TOP_PAD."""
_HEAD = 20 + 1096 + ALIGN
"""heap_info, malloc_state and alignment at the beginning of an arena, about."""
_PER_CPU = 2
"""NARENAS_FROM_NCORES on 32 bit; the main arena counts."""


class _Heap:
    """One thread arena: its aligned start, how much is open, and how much of that is left at the top."""

    def __init__(self, start: int, opened: int) -> None:
        self.start = start
        self.opened = opened
        self.top = opened - _HEAD


class ThreadArenas:
    """All arenas besides the main one, in a process on a machine with so many processors."""

    def __init__(self, caller: Caller, malloc: Malloc, cpus: int) -> None:
        self._caller = caller
        self._malloc = malloc
        self._most = _PER_CPU * cpus - 1
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
        self._take(heap, chunk_size(CACHE_STRUCT))
        self._take(heap, chunk_size(request))

    def _take(self, heap: _Heap, size: int) -> None:
        if heap.top < size + MIN_CHUNK:
            if size >= self._malloc.mmap_threshold:
                self._malloc.map_block(size)
                return
            more = page_up(size + MIN_CHUNK - heap.top)
            if heap.opened + more > _HEAP_MAX:
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
        opened = page_up(_HEAD + _TOP_PAD)
        rule = note("arena-first")
        self._caller.do(Protect(start, opened, READ_WRITE, role=AreaRole.HEAP, rule=rule))
        self._caller.do(Touch(start))
        heap = _Heap(start, opened)
        self._heaps.append(heap)
        return heap

    def _reserve(self) -> int | None:
        """Find an aligned megabyte, by mapping two and freeing what is too much."""
        rule = note("arena-reserved")
        first = Map(_HEAP_MAX, NO_ACCESS, flags=VmBit.NORESERVE, role=AreaRole.RESERVED, rule=rule)
        if self._next_start:
            hint, self._next_start = self._next_start, 0
            start = self._caller.do(first._replace(address=hint))
            if start >= 0 and not start % _HEAP_MAX:
                return start
            if start >= 0:
                self._caller.do(Unmap(start, _HEAP_MAX))
        start = self._caller.do(first._replace(length=2 * _HEAP_MAX))
        if start < 0:
            return None
        aligned = -(-start // _HEAP_MAX) * _HEAP_MAX
        below = aligned - start
        if below:
            self._caller.do(Unmap(start, below))
        else:
            self._next_start = aligned + _HEAP_MAX
        self._caller.do(Unmap(aligned + _HEAP_MAX, _HEAP_MAX - below))
        return aligned
