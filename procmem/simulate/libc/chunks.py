"""The free chunks of a glibc malloc arena: which one a request gets, and what a free one joins.

Only what malloc cannot serve from here moves the end of the heap, so the simulator has to know what is
free. The places are searched from the quickest to the largest: the thread's own cache, fast bins, bins
of one size, the unsorted list, and the sorted bins, from which the best fit is split; last the top.

Source: glibc malloc/malloc.c, _int_malloc(), _int_free(), malloc_consolidate(); the numbers are in
``malloc_sizes``.
"""

from procmem.simulate.libc.malloc_sizes import MallocSizes

__all__ = ["ArenaChunks"]

_CACHE_BINS, _CACHE_DEPTH = 64, 7
"""TCACHE_MAX_BINS and TCACHE_FILL_COUNT."""
_LAST_BIN = 126


class ArenaChunks:
    """All chunks of one arena. Chunks are known by the address of their header.

    ``top`` and ``top_size`` are the chunk that borders on the end of the heap.
    """

    def __init__(self, sizes: MallocSizes) -> None:
        self._of = sizes
        self._cache_max = sizes.min_chunk + (_CACHE_BINS - 1) * sizes.align
        self.top = 0
        self.top_size = 0
        self._sizes: dict[int, int] = {}
        self._free_ends: dict[int, int] = {}
        self._free: set[int] = set()
        self._unsorted: list[int] = []
        self._bins: dict[int, list[int]] = {}
        self._fast: dict[int, list[int]] = {}
        self._cache: dict[int, list[int]] = {}
        self._has_fast = False
        self._last_remainder = 0

    def _bin_of(self, size: int) -> int:
        if size < self._of.large_min:
            return size // self._of.align
        for shift, highest, offset in self._of.large_steps:
            if size >> shift <= highest:
                return offset + (size >> shift)
        return _LAST_BIN

    def size_of(self, chunk: int) -> int:
        """Bytes of a chunk that was handed out."""
        return self._sizes[chunk]

    # -- taking ----------------------------------------------------------------------------------------

    def from_cache(self, size: int) -> int | None:
        """Take a chunk from the thread's own cache."""
        kept = self._cache.get(size)
        return kept.pop() if kept else None

    def take(self, size: int) -> int | None:
        """Find a chunk of ``size`` bytes; None where only more memory from the system helps."""
        if size <= self._of.fast_max and self._fast.get(size):
            chunk = self._fast[size].pop()
            self._fill_cache(size, self._fast[size])
            return chunk
        small = size < self._of.large_min
        number = self._bin_of(size)
        if small:
            exact = self._bins.get(number)
            if exact:
                chunk = exact.pop()
                self._use(chunk)
                while exact and self._cache_has_room(size):
                    other = exact.pop()
                    self._use(other)
                    self._cache.setdefault(size, []).append(other)
                return chunk
        elif self._has_fast:
            self.consolidate()
        while True:
            found = self._from_unsorted(size, small=small)
            if found is None:
                found = self._best_fit(size, number, small=small)
            if found is not None:
                return found
            if self.top_size >= size + self._of.min_chunk:
                return self.take_from_top(size)
            if not self._has_fast:
                return None
            self.consolidate()

    def take_from_top(self, size: int) -> int:
        """Cut the lower end of the top off."""
        chunk = self.top
        self._sizes[chunk] = size
        self.top += size
        self.top_size -= size
        return chunk

    def _fill_cache(self, size: int, source: list[int]) -> None:
        while source and self._cache_has_room(size):
            self._cache.setdefault(size, []).append(source.pop())

    def _cache_has_room(self, size: int) -> bool:
        return size <= self._cache_max and len(self._cache.get(size, ())) < _CACHE_DEPTH

    def _from_unsorted(self, size: int, *, small: bool) -> int | None:
        """Sort the unsorted chunks, oldest first, until one fits exactly."""
        cached = False
        while self._unsorted:
            chunk = self._unsorted[-1]
            has = self._sizes[chunk]
            if small and len(self._unsorted) == 1 and chunk == self._last_remainder and has > size + self._of.min_chunk:
                self._unsorted.pop()
                self._use(chunk)
                self._last_remainder = self._split(chunk, size)
                return chunk
            self._unsorted.pop()
            if has == size:
                self._use(chunk)
                if self._cache_has_room(size):
                    self._cache.setdefault(size, []).append(chunk)
                    cached = True
                    continue
                return chunk
            self._sort_in(chunk, has)
        return self.from_cache(size) if cached else None

    def _sort_in(self, chunk: int, size: int) -> None:
        """Put a chunk in its bin: bins of one size by age, larger ones by size, equals behind the first."""
        row = self._bins.setdefault(self._bin_of(size), [])
        if size < self._of.large_min:
            row.insert(0, chunk)
            return
        at = 0
        while at < len(row) and self._sizes[row[at]] > size:
            at += 1
        if at < len(row) and self._sizes[row[at]] == size:
            at += 1
        row.insert(at, chunk)

    def _best_fit(self, size: int, number: int, *, small: bool) -> int | None:
        if not small:
            row = self._bins.get(number, [])
            fits = [chunk for chunk in row if self._sizes[chunk] >= size]
            if fits:
                smallest = self._sizes[fits[-1]]
                group = [chunk for chunk in fits if self._sizes[chunk] == smallest]
                # not the first of its size, to spare the links between sizes
                return self._take_binned(row, group[1] if len(group) > 1 else group[0], size, small=False)
        for higher in sorted(key for key, row in self._bins.items() if key > number and row):
            row = self._bins[higher]
            return self._take_binned(row, row[-1], size, small=small)
        return None

    def _take_binned(self, row: list[int], chunk: int, size: int, *, small: bool) -> int:
        row.remove(chunk)
        self._use(chunk)
        if self._sizes[chunk] - size >= self._of.min_chunk:
            remainder = self._split(chunk, size)
            if small:
                self._last_remainder = remainder
        return chunk

    def _split(self, chunk: int, size: int) -> int:
        """Keep ``size`` bytes; the rest becomes the newest unsorted chunk."""
        rest = self._sizes[chunk] - size
        self._sizes[chunk] = size
        self._release(chunk + size, rest)
        return chunk + size

    def _use(self, chunk: int) -> None:
        self._free.discard(chunk)
        self._free_ends.pop(chunk + self._sizes[chunk], None)

    def _release(self, chunk: int, size: int) -> None:
        self._sizes[chunk] = size
        self._free.add(chunk)
        self._free_ends[chunk + size] = chunk
        self._unsorted.insert(0, chunk)

    # -- giving back -----------------------------------------------------------------------------------

    def to_cache(self, chunk: int) -> bool:
        """Keep a freed chunk for its thread, where there is room."""
        size = self._sizes[chunk]
        if not self._cache_has_room(size):
            return False
        self._cache.setdefault(size, []).append(chunk)
        return True

    def give(self, chunk: int) -> int:
        """Free a chunk; gives the size of what it became, 0 where it went to a fast bin."""
        size = self._sizes[chunk]
        if size <= self._of.fast_max:
            self._fast.setdefault(size, []).append(chunk)
            self._has_fast = True
            return 0
        return self._join(chunk)

    def _join(self, chunk: int) -> int:
        size = self._sizes[chunk]
        before = self._free_ends.get(chunk)
        if before is not None:
            self._forget(before)
            size += self._sizes[before]
            del self._sizes[chunk]
            chunk = before
        after = chunk + size
        if after == self.top:
            self._sizes.pop(chunk, None)
            self.top, self.top_size = chunk, self.top_size + size
            return self.top_size
        if after in self._free:
            self._forget(after)
            size += self._sizes.pop(after)
        self._release(chunk, size)
        return size

    def _forget(self, chunk: int) -> None:
        """Take a free chunk out of whatever list holds it."""
        self._use(chunk)
        if chunk in self._unsorted:
            self._unsorted.remove(chunk)
            return
        self._bins[self._bin_of(self._sizes[chunk])].remove(chunk)

    # -- another size ----------------------------------------------------------------------------------

    def resize(self, chunk: int, size: int) -> bool:
        """Make a chunk at least so large where it stands (_int_realloc()); False where what is above is in use."""
        has = self._sizes[chunk]
        if has >= size:
            return True
        above = chunk + has
        if above == self.top and has + self.top_size >= size + self._of.min_chunk:
            self.top_size -= size - has
            self.top = chunk + size
            self._sizes[chunk] = size
            return True
        if above in self._free and has + self._sizes[above] >= size:
            self._forget(above)
            self._sizes[chunk] = has + self._sizes.pop(above)
            return True
        return False

    def join_above(self, chunk: int, above: int) -> None:
        """Make one of two chunks in use that border on each other."""
        self._sizes[chunk] += self._sizes.pop(above)

    def split_off(self, chunk: int, size: int) -> int | None:
        """Cut what is too much off as a chunk in use, to be freed; None where it would be too small for one."""
        rest = self._sizes[chunk] - size
        if rest < self._of.min_chunk:
            return None
        self._sizes[chunk] = size
        self._sizes[chunk + size] = rest
        return chunk + size

    def consolidate(self) -> None:
        """Join the chunks of all fast bins with their free neighbours (malloc_consolidate())."""
        self._has_fast = False
        for size in sorted(self._fast):
            waiting = self._fast[size]
            while waiting:
                self._join(waiting.pop())

    @property
    def has_fast(self) -> bool:
        """Whether a chunk went to a fast bin since the last consolidation."""
        return self._has_fast

    def abandon_top(self) -> int | None:
        """Close the old top off with two small chunks, where new memory does not border on it; what is to be freed."""
        rest = (self.top_size - 2 * self._of.header) & -self._of.align
        chunk, self.top, self.top_size = self.top, 0, 0
        if rest < self._of.min_chunk:
            return None
        self._sizes[chunk] = rest
        return chunk
