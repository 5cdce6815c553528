"""glibc's malloc, as far as the map shows it: when the heap's end moves, and when a block is mapped.

Small requests are cut from the heap, which brk extends by at least 128 KiB at a time. A request above the
mmap threshold that the heap's top cannot serve gets a mapping of its own, and freeing such a block raises
the threshold. Freeing at the top gives memory back once more than the trim threshold lies there.

Source: glibc malloc/malloc.c, sysmalloc(), sysmalloc_mmap(), systrim(), munmap_chunk().
"""

from procmem.model.note import note
from procmem.model.permissions import READ_WRITE
from procmem.model.simulation import PAGE, AreaRole
from procmem.simulate.arch.layout import page_up
from procmem.simulate.kernel.calls import Caller
from procmem.simulate.kernel.events import Map, Remap, SetBrk, Touch, Unmap
from procmem.simulate.libc.chunks import ArenaChunks
from procmem.simulate.libc.malloc_sizes import malloc_sizes

__all__ = ["Malloc"]

_THRESHOLD = 128 << 10
"""DEFAULT_MMAP_THRESHOLD_MIN, DEFAULT_TRIM_THRESHOLD and DEFAULT_TOP_PAD."""
_FALLBACK = 1 << 20
"""MMAP_AS_MORECORE_SIZE: what is mapped at least where brk fails."""
_CONSOLIDATE = 64 << 10
"""FASTBIN_CONSOLIDATION_THRESHOLD."""


class Malloc:
    """The main arena and the mapped blocks. Pointers are those that the program sees."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.sizes = malloc_sizes(caller.space.layout.abi)
        self._arena = ArenaChunks(self.sizes)
        self._mapped: dict[int, int] = {}
        self._mmap_threshold = _THRESHOLD
        self._trim_threshold = _THRESHOLD
        self._contiguous = True
        self._ready = False

    def rebase(self, caller: Caller) -> None:
        """Go on with another holder of the same space."""
        self._caller = caller

    def allocate(self, request: int, *, cached: bool = True) -> int | None:
        """Serve malloc(request), or calloc with ``cached`` False; None where there is no memory left."""
        if not self._ready:
            self._ready = True
            self.allocate_cache()
        size = self.sizes.chunk_size(request)
        chunk = self._arena.from_cache(size) if cached else None
        if chunk is None:
            chunk = self._from_arena(size)
        return None if chunk is None else chunk + self.sizes.header

    def allocate_cache(self) -> None:
        """Take a thread's cache from the main arena: what each thread does first."""
        self._from_arena(self.sizes.chunk_size(self.sizes.cache_struct))

    def free(self, pointer: int) -> None:
        """Take a block back."""
        chunk = pointer - self.sizes.header
        if chunk in self._mapped:
            self._free_mapped(chunk)
        else:
            self._free_unmapped(chunk)

    def _free_unmapped(self, chunk: int) -> None:
        if self._arena.to_cache(chunk):
            return
        size = self._arena.give(chunk)
        if size >= _CONSOLIDATE:
            if self._arena.has_fast:
                self._arena.consolidate()
            if self._arena.top_size >= self._trim_threshold:
                self._trim()

    def reallocate(self, pointer: int, request: int) -> int | None:
        """Give a block another size (realloc()); None where there is no memory, and the block stays."""
        chunk, size = pointer - self.sizes.header, self.sizes.chunk_size(request)
        if chunk in self._mapped:
            return self._reallocate_mapped(chunk, size)
        if self._arena.resize(chunk, size):
            self._free_rest(chunk, size)
            return pointer
        new = self._from_arena(size)
        if new is None:
            return None
        if new == chunk + self._arena.size_of(chunk):  # what was got borders on it: they become one
            self._arena.join_above(chunk, new)
            self._free_rest(chunk, size)
            return pointer
        self._free_unmapped(chunk)
        return new + self.sizes.header

    def _free_rest(self, chunk: int, size: int) -> None:
        rest = self._arena.split_off(chunk, size)
        if rest is not None:
            self._free_unmapped(rest)

    def _reallocate_mapped(self, chunk: int, size: int) -> int | None:
        """Change the mapping of a block that has its own (mremap_chunk())."""
        start = chunk // PAGE * PAGE
        before = chunk + self._mapped[chunk] - start
        length = page_up(size + (chunk - start) + self.sizes.word)
        if length == before:
            return chunk + self.sizes.header
        place = self._caller.do(Remap(start, before, length))
        if place < 0:
            return chunk + self.sizes.header if self._mapped[chunk] - self.sizes.word >= size else None
        del self._mapped[chunk]
        moved = chunk - start + place
        self._mapped[moved] = place + length - moved
        return moved + self.sizes.header

    def _from_arena(self, size: int) -> int | None:
        return self._arena.take(size) or self._from_system(size)

    def _from_system(self, size: int) -> int | None:
        """Ask the kernel (sysmalloc())."""
        if size >= self._mmap_threshold:
            found = self.map_block(size)
            if found is not None:
                return found
        arena = self._arena
        wanted = size + _THRESHOLD + self.sizes.min_chunk
        length = page_up(wanted - arena.top_size) if self._contiguous else page_up(wanted)
        old_end = arena.top + arena.top_size
        start = self._sbrk(length)
        if start is None:
            start, length = self._map_instead(length, size)
            if start is None:
                return None
            self._contiguous = False
        if arena.top_size and start == old_end:
            arena.top_size += length
        else:
            self._new_top(start, length)
        if arena.top_size < size + self.sizes.min_chunk:
            return None
        return arena.take_from_top(size)

    def _new_top(self, start: int, length: int) -> None:
        """Begin a top at memory that does not border on the old one; its first chunk must be aligned."""
        arena = self._arena
        shift = -(start + self.sizes.header) % self.sizes.align
        end = start + length
        if self._contiguous:
            end = page_up(end + shift + (arena.top_size if arena.top else 0))
            self._caller.do(SetBrk(end, rule=note("malloc-page")))
        old = arena.abandon_top() if arena.top_size else None
        self._caller.do(Touch(start))
        arena.top = start + shift
        arena.top_size = (end - arena.top) & -self.sizes.align if not self._contiguous else end - arena.top
        if old is not None:  # as any chunk: a large one looks whether the new top is too large
            self._free_unmapped(old)

    def _sbrk(self, length: int) -> int | None:
        old = self._caller.space.brk
        rule = note("malloc-grows")
        if self._caller.do(SetBrk(old + length, rule=rule)) != old + length:
            return None
        return old

    def _map_instead(self, length: int, size: int) -> tuple[int | None, int]:
        """Map memory where brk failed (sysmalloc_mmap_fallback())."""
        if self._contiguous:
            length = page_up(length + self._arena.top_size)
        length = max(length, _FALLBACK)
        if length <= size:
            return None, 0
        rule = note("malloc-main-mmap")
        start = self._caller.do(Map(length, READ_WRITE, role=AreaRole.HEAP, rule=rule))
        return (start if start >= 0 else None), length

    @property
    def mmap_threshold(self) -> int:
        """From this chunk size on a request gets a mapping of its own."""
        return self._mmap_threshold

    def map_block(self, size: int) -> int | None:
        """Give a large request a mapping of its own (sysmalloc_mmap())."""
        length = page_up(size + self.sizes.mapped_pad)
        rule = note("malloc-mmap", request=size - self.sizes.word)
        start = self._caller.do(Map(length, READ_WRITE, role=AreaRole.HEAP, rule=rule))
        if start < 0:
            return None
        self._caller.do(Touch(start))
        chunk = start + -(start + self.sizes.header) % self.sizes.align
        self._mapped[chunk] = start + length - chunk
        return chunk

    def _free_mapped(self, chunk: int) -> None:
        size = self._mapped.pop(chunk)
        # the flag bit of the size field takes part in these comparisons
        if self._mmap_threshold < size + 2 <= self.sizes.threshold_max:
            self._mmap_threshold = size
            self._trim_threshold = 2 * size
        start = chunk // PAGE * PAGE
        self._caller.do(Unmap(start, chunk + size - start))

    def _trim(self) -> None:
        """Give whole pages at the top back, all but 128 KiB (systrim())."""
        arena = self._arena
        area = arena.top_size - self.sizes.min_chunk - 1
        extra = (area - _THRESHOLD) // PAGE * PAGE
        end = arena.top + arena.top_size
        if area <= _THRESHOLD or not extra or self._caller.space.brk != end:
            return
        self._caller.do(SetBrk(end - extra, rule=note("malloc-trim")))
        arena.top_size -= extra
