"""The numbers of glibc's malloc for each machine: chunks, bins, thresholds, arenas.

Source: glibc malloc/malloc.c, malloc/arena.c; sysdeps/i386/malloc-alignment.h.
"""

from procmem.model.machine import I686, X86_64
from procmem.model.named_tuple import NamedTuple
from procmem.model.simulation import Abi

__all__ = ["MallocSizes", "malloc_sizes"]


class MallocSizes(NamedTuple):
    """All in bytes. ``word`` is SIZE_SZ, ``align`` MALLOC_ALIGNMENT, ``min_chunk`` MINSIZE.

    ``fast_max`` is the largest chunk of a fast bin (set_max_fast(DEFAULT_MXFAST)), ``large_min`` MIN_LARGE_SIZE:
    smaller chunks have a bin for each size. ``large_steps`` are the bins of large chunks: shift, highest shifted size,
    offset (largebin_index()). ``cache_struct`` is sizeof(tcache_perthread_struct), ``threshold_max``
    DEFAULT_MMAP_THRESHOLD_MAX. ``arena_max`` is HEAP_MAX_SIZE, ``arena_head`` what stands at the beginning of an
    arena (heap_info, malloc_state, alignment), ``arenas_per_cpu`` NARENAS_FROM_NCORES, the main one counted.
    """

    word: int
    align: int
    min_chunk: int
    fast_max: int
    large_min: int
    large_steps: tuple[tuple[int, int, int], ...]
    cache_struct: int
    threshold_max: int
    arena_max: int
    arena_head: int
    arenas_per_cpu: int

    @property
    def header(self) -> int:
        """Bytes of a chunk before what the program sees."""
        return 2 * self.word

    @property
    def mapped_pad(self) -> int:
        """Added to a chunk that gets a mapping of its own, so that its block is aligned (sysmalloc_mmap())."""
        return self.word + (self.align - 1 if self.align > self.header else 0)

    def chunk_size(self, request: int) -> int:
        """Bytes that a request takes with its header (request2size())."""
        return max(self.min_chunk, (request + self.word + self.align - 1) & -self.align)


_I386 = MallocSizes(
    word=4,
    align=16,
    min_chunk=16,
    fast_max=64,
    large_min=1008,
    large_steps=((6, 45, 49), (9, 20, 91), (12, 10, 110), (15, 4, 119), (18, 2, 124)),
    cache_struct=384,
    threshold_max=512 << 10,
    arena_max=1 << 20,
    arena_head=20 + 1096 + 16,
    arenas_per_cpu=2,
)
_X86_64 = MallocSizes(
    word=8,
    align=16,
    min_chunk=32,
    fast_max=128,
    large_min=1024,
    large_steps=((6, 48, 48), (9, 20, 91), (12, 10, 110), (15, 4, 119), (18, 2, 124)),
    cache_struct=640,
    threshold_max=32 << 20,
    arena_max=64 << 20,
    arena_head=48 + 2200 + 16,
    arenas_per_cpu=8,
)
_SIZES = {I686: _I386, X86_64: _X86_64}


def malloc_sizes(abi: Abi) -> MallocSizes:
    """The numbers for programs of this machine."""
    return _SIZES[abi.machine]
