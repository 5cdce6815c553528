"""How much of a heap of glibc's malloc is in use, free between blocks, or free at its top.

malloc lays a heap out as chunks, one behind the other, each with its size in a header and a bit that says whether
the one before it is in use. Walking them tells what was freed and not given back: the answer to "I freed it, and
RSS stays". What the per-thread cache and the fast bins hold counts as in use there, and so here.

Source: glibc malloc/malloc.c, struct malloc_chunk, PREV_INUSE; malloc/arena.c, struct _heap_info.
"""

from procmem.classify.target_memory.words import TargetWords
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note

__all__ = ["HeapContents", "arena_contents", "first_chunk", "heap_contents"]

_PREV_INUSE, _IS_MMAPPED, _NON_MAIN_ARENA = 1, 2, 4
_FLAG_BITS = 7
_CHUNKS_MAX = 50_000
_FIRST_CHUNK_WITHIN = 1024
_STATE_WITHIN = 4096  # struct malloc_state is 2200 bytes on 64 bit, and stands before the first chunk
_CACHE_CHUNKS = {8: (0x251, 0x291), 4: (0x161, 0x191)}
"""Sizes of the chunk of ``tcache_perthread_struct``, with PREV_INUSE, before and since glibc 2.30, by word size."""

_HEAP_INFO_BYTES = {8: (0x30, 0x20), 4: (0x18, 0x10, 0x20)}
"""Where the chunks of a further heap begin, since glibc 2.35 and before, by word size."""


class HeapContents(NamedTuple):
    """A heap's chunks in bytes: what the program has, what lies free between, and the rest at the top."""

    used: int
    free: int
    top: int

    def told(self, evidence: Note) -> Note:
        """Evidence with these figures behind it."""
        used, free, top = (size // 1024 for size in self)
        return note("with-chunks", evidence=evidence, used_kib=used, free_kib=free, top_kib=top)


def first_chunk(words: TargetWords, start: int, *, within: int = _FIRST_CHUNK_WITHIN, flags: int = 0) -> int | None:
    """The first chunk of a heap: the per-thread cache's, which is allocated before anything else.

    Chunks begin at multiples of 16, on 32 bit at 8 beyond one, so that what they give out is aligned to 16.
    ``flags`` are further bits of its size field (NON_MAIN_ARENA in an arena).
    """
    lead = 8 if words.size == 4 else 0
    at = -(-(start - lead) // 16) * 16 + lead
    wanted = {size | flags for size in _CACHE_CHUNKS[words.size]}
    for candidate in range(at, at + within, 16):
        header = words.at(candidate, 2)
        if header is not None and header[1] in wanted:
            return candidate
    return None


def heap_contents(words: TargetWords, first: int, end: int) -> HeapContents | None:
    """Walk the chunks from the first to the end of a heap; None where they do not lead exactly there."""
    alignment = 2 * words.size
    used = free = 0
    at = first
    header = words.at(at, 2)
    for _step in range(_CHUNKS_MAX):
        if header is None:
            return None
        size = header[1] & ~_FLAG_BITS
        if size < alignment or size % alignment or header[1] & _IS_MMAPPED or at + size > end:
            return None
        # a few bytes may be left over behind the top chunk, or two fence posts behind a heap that is full
        if end - (at + size) <= 2 * alignment:
            return HeapContents(used, free, size)
        header = words.at(at + size, 2)
        if header is None:
            return None
        if header[1] & _PREV_INUSE:
            used += size
        else:
            free += size
        at += size
    return None


def arena_contents(words: TargetWords, arena: int, heap: int, end: int) -> HeapContents | None:
    """The same for one heap of an arena; in the first one the arena's state stands before the chunks."""
    if heap <= arena < end:
        first = first_chunk(words, arena, within=_STATE_WITHIN, flags=_NON_MAIN_ARENA)
        return None if first is None else heap_contents(words, first, end)
    for head in _HEAP_INFO_BYTES[words.size]:
        found = heap_contents(words, heap + head, end)
        if found is not None:
            return found
    return None
