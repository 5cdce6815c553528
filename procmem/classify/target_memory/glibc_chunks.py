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
_SAMPLES, _CHUNKS_OF_A_SAMPLE = 128, 400
"""Parts of what is left that are looked into, and chunks of each: as many as are walked, about."""
_SEARCHED = 16_384
_CHUNKS_IN_A_ROW = 8
_CHUNK_BYTES_MAX = 1 << 40
_FIRST_CHUNK_WITHIN = 1024
_STATE_WITHIN = 4096  # struct malloc_state is 2200 bytes on 64 bit, and stands before the first chunk
_STATE_LEAST = {8: 2000, 4: 1000}
"""Less than it in all versions, by word size."""
_CACHE_CHUNKS = {8: (0x251, 0x291), 4: (0x161, 0x191)}
"""Sizes of the chunk of ``tcache_perthread_struct``, with PREV_INUSE, before and since glibc 2.30, by word size."""

_HEAP_INFO_BYTES = {8: (0x30, 0x20), 4: (0x18, 0x10, 0x20)}
"""Where the chunks of a further heap begin, since glibc 2.35 and before, by word size."""


class HeapContents(NamedTuple):
    """A heap's chunks in bytes: what the program has, what lies free between, and the rest at the top.

    Of a heap with very many chunks samples are looked at: ``seen`` bytes of them in all, from which ``used`` and
    ``free`` are estimated; where its top begins is not known then, nor what lies in parts in which no chunk is found
    (``unknown``): a very large one, or memory that was never touched. ``seen`` is None where all chunks were walked.
    """

    used: int
    free: int
    top: int
    seen: int | None = None
    unknown: int = 0

    def told(self, evidence: Note) -> Note:
        """Evidence with these figures behind it."""
        used, free, top = (size // 1024 for size in self[:3])
        if self.seen is not None:
            more = {"seen_kib": self.seen // 1024, "unknown_kib": self.unknown // 1024}
            return note("with-sampled-chunks", evidence=evidence, used_kib=used, free_kib=free, **more)
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
    """Walk the chunks from the first to the end of a heap; None where they do not lead exactly there.

    Of those beyond the first 50,000, samples are looked at.
    """
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
    return _with_samples(words, at, end, HeapContents(used, free, 0, at - first))


def _with_samples(words: TargetWords, low: int, end: int, walked: HeapContents) -> HeapContents | None:
    """What was walked, with an estimate of the rest: in each of its parts, chunks are found and walked for a while.

    None where no part tells anything.
    """
    step = (end - low) // _SAMPLES
    used = free = seen = unknown = 0
    reached = low
    for number in range(_SAMPLES):
        start, stop = low + number * step, low + (number + 1) * step if number + 1 < _SAMPLES else end
        begin = max(start, reached)
        if begin >= stop:
            continue  # a chunk that began before it fills it, and was counted whole
        at = _chunk_within(words, begin, min(begin + _SEARCHED, stop))
        if at is None:
            unknown += stop - begin
            continue
        of_part, reached = _walked(words, at, stop)
        size = of_part.used + of_part.free
        if not size:
            unknown += stop - at
            continue
        seen += size
        inside = max(stop - begin, size)
        used += of_part.used * inside // size
        free += of_part.free * inside // size
    if not seen:
        return None
    return HeapContents(walked.used + used, walked.free + free, 0, (walked.seen or 0) + seen, unknown)


def _chunk_within(words: TargetWords, low: int, high: int) -> int | None:
    """Where a chunk begins: the first place from which so many chunks follow each other that it is no accident."""
    lead = 8 if words.size == 4 else 0
    for candidate in range(-(-(low - lead) // 16) * 16 + lead, high, 16):
        at = candidate
        for _step in range(_CHUNKS_IN_A_ROW):
            header = words.at(at, 2)
            if header is None or not _is_chunk(words, header, at):
                break
            at += header[1] & ~_FLAG_BITS
        else:
            return candidate
    return None


def _is_chunk(words: TargetWords, header: tuple[int, ...], at: int) -> bool:
    """Whether it may be a chunk's header; one behind a free chunk repeats its size, and that one says so too."""
    size = header[1] & ~_FLAG_BITS
    alignment = 2 * words.size
    if size < 2 * alignment or size % alignment or size > _CHUNK_BYTES_MAX or header[1] & _IS_MMAPPED:
        return False
    if header[1] & _PREV_INUSE:
        return True
    before = words.at(at - header[0], 2) if header[0] and header[0] % alignment == 0 else None
    return before is not None and before[1] & ~_FLAG_BITS == header[0]


def _walked(words: TargetWords, at: int, stop: int) -> tuple[HeapContents, int]:
    """Some chunks from one on, and where the last of them ends."""
    used = free = 0
    for _step in range(_CHUNKS_OF_A_SAMPLE):
        header = words.at(at, 2)
        if header is None or at >= stop:
            break
        size = header[1] & ~_FLAG_BITS
        after = words.at(at + size, 2) if size >= 2 * words.size and size <= _CHUNK_BYTES_MAX else None
        if after is None or header[1] & _IS_MMAPPED:
            break
        if after[1] & _PREV_INUSE:
            used += size
        else:
            free += size
        at += size
    return HeapContents(used, free, 0), at


def arena_contents(words: TargetWords, arena: int, heap: int, end: int) -> HeapContents | None:
    """The same for one heap of an arena; in the first one the arena's state stands before the chunks."""
    if heap <= arena < end:
        first = first_chunk(words, arena, within=_STATE_WITHIN, flags=_NON_MAIN_ARENA)
        if first is None:  # the cache of a thread that has ended is freed
            first = _chunk_within(words, arena + _STATE_LEAST[words.size], arena + _STATE_WITHIN)
        return None if first is None else heap_contents(words, first, end)
    for head in _HEAP_INFO_BYTES[words.size]:
        found = heap_contents(words, heap + head, end)
        if found is not None:
            return found
    return None
