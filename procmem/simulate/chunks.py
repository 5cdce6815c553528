"""The free chunks of a glibc malloc arena: which one a request gets.

Only what malloc cannot serve from here moves the heap's end, so the simulator has to know what is free.
Five kinds of place are searched, from the quickest to the largest: the thread's own cache, fast bins,
exact small bins, the unsorted list, and the sorted bins, from which the best fit is split.

Source: glibc malloc/malloc.c, _int_malloc(), _int_free(), malloc_consolidate(); numbers for i386
(16-byte alignment, 8-byte header).
"""

__all__ = ["ALIGN", "MIN_CHUNK", "FreeChunks", "chunk_size"]

ALIGN = 16
MIN_CHUNK = 16
_WORD = 4
_CACHE_BINS, _CACHE_DEPTH = 64, 7
"""TCACHE_MAX_BINS and TCACHE_FILL_COUNT."""
_FAST_MAX = 64
"""Largest chunk of a fast bin (set_max_fast(DEFAULT_MXFAST))."""
_LARGE_MIN = 1008
"""MIN_LARGE_SIZE: smaller chunks have bins of their own size."""


def chunk_size(request: int) -> int:
    """Bytes that a request takes with its header (request2size())."""
    return max(MIN_CHUNK, (request + _WORD + ALIGN - 1) & -ALIGN)


def _bin_number(size: int) -> int:
    """The bin of a chunk size (bin_index(), largebin_index_32_big())."""
    if size < _LARGE_MIN:
        return (size >> 4) + 1
    for shift, first, last in ((6, 49, 45), (9, 20 + 71 - 24, 20)):
        del first
        if size >> shift <= last:
            return {6: 49, 9: 91}[shift] + (size >> shift)
    for shift, base, last in ((12, 110, 10), (15, 119, 4), (18, 124, 2)):
        if size >> shift <= last:
            return base + (size >> shift)
    return 126
