"""glibc's malloc as its own headers tell it: arena heaps, blocks mapped by themselves, a main arena beside brk.

Each of them begins with a header at a page's start whose fields fit the mapping to the byte. Where a shape
is right and the header is not, that is worth saying too: the memory is then no arena.

Source: glibc malloc/arena.c (struct _heap_info), malloc/malloc.c (struct malloc_chunk, sysmalloc_mmap()).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from procmem.classify.page_states import PageStates
from procmem.classify.partition import Rank
from procmem.classify.rules.malloc_arenas import ArenaHeap, arena_heaps, heap_sizes, last_of_data
from procmem.classify.target_memory.glibc_chunks import HeapContents, arena_contents, first_chunk, heap_contents
from procmem.classify.target_memory.words import TargetWords
from procmem.model import kinds, owners
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.permissions import PRIVATE_NONE, permissions
from procmem.model.raw import PageRuns, PageState
from procmem.model.region import Certainty, Claim, Label
from procmem.model.vma_names import KernelName

__all__ = ["beside_brk", "disproved_heaps", "malloc_claims"]

_PREV_INUSE, _IS_MMAPPED, _NON_MAIN_ARENA = 1, 2, 4
_FLAG_BITS = 7
_PAGES_TRIED = 4096
_CHUNKS_WALKED = 100_000
_BRK_CHUNKS_WALKED = 50_000
_MMAP_AS_MORECORE = 1 << 20
_HUGE_HEAP = 8 << 20


def malloc_claims(
    mappings: Mappings,
    words: TargetWords,
    runs: PageRuns,
    bits: int | None,
    page_size: int,
    taken: Sequence[Claim],
    users: Callable[[frozenset[int]], Mapping[int, tuple[int, ...]]],
) -> Iterator[Claim]:
    """Claims with proof. ``taken`` are stronger claims (objects, stacks), inside which nothing is looked for.

    ``users`` tells which threads allocate from which of some arenas.
    """
    heaps = list(_arena_heaps(mappings, words, bits))
    used_by = users(frozenset(arena for _, arena, *_ in heaps))
    for heap, arena, first, settled in heaps:
        contents = arena_contents(words, arena, heap.start, heap.top) if settled else None
        yield from _heap_claims(heap, arena, contents, first=first, tids=used_by.get(arena, ()), settled=settled)
    blocks = [(heap.start, heap.end) for heap, *_ in heaps]
    covered = sorted(blocks + [(claim.start, claim.end) for claim in taken])
    starts = {start for start, _ in covered}
    for low, high in _spans(mappings):
        for start, end in _free_parts(low, high, covered):
            yield from _chunks(words, runs, start, end, page_size, starts)


def _is_data(perms: str) -> bool:
    return permissions(perms).read_write and permissions(perms).private


def _spans(mappings: Mappings) -> Iterator[tuple[int, int]]:
    """Writable anonymous memory without a break; a block may reach over mappings that differ in flags only.

    A program that asks for huge pages (madvise) for the inside of its large blocks cuts their mappings so.
    """
    low = high = 0
    for row in sorted(range(len(mappings)), key=mappings.start.__getitem__):
        given = mappings.given(row) if mappings.name[row] else None
        plain = not mappings.name[row] or (given is not None and given.is_glibc_malloc)
        if not plain or mappings.inode[row] or not _is_data(mappings.perms[row]):
            continue
        if mappings.start[row] != high:
            if low < high:
                yield low, high
            low = mappings.start[row]
        high = mappings.end[row]
    if low < high:
        yield low, high


def beside_brk(
    mappings: Mappings, words: TargetWords, pages: PageStates, start_brk: int | None, page_size: int, skip: int
) -> Iterator[Claim]:
    """Memory that merged with the heap's mapping from above: what lies behind the top chunk of the brk heap.

    The chunks are walked from the first one on (``skip`` bytes or more from the start, where TLS lies there).
    Nothing is claimed unless the walk ends at a page's start, before the mapping does, with no header there.
    """
    row = next((row for row, start in enumerate(mappings.start) if start == start_brk), None)
    if row is None or mappings.named(row).named is not KernelName.HEAP:
        return
    alignment = 2 * words.size
    first = first_chunk(words, mappings.start[row] + skip)
    if first is None:
        return
    contents = heap_contents(words, first, mappings.end[row])
    if contents is not None:
        evidence = contents.told(note("heap-from", start_brk=start_brk))
        label = Label(kinds.BRK, Certainty.CERTAIN, evidence, owners.MappingName(mappings.name[row]))
        yield Claim(first if skip else mappings.start[row], mappings.end[row], Rank.BRK + 1, label)
        return
    at, header = first, None
    for _step in range(_BRK_CHUNKS_WALKED):
        header = words.at(at, 2)
        if at >= mappings.end[row] or (header is None and pages.touched(at) is not False):
            return
        if header is None:
            break  # a page that was never used holds no header
        size, flags = header[1] & ~_FLAG_BITS, header[1] & _FLAG_BITS
        if size < alignment or size % alignment or flags & (_IS_MMAPPED | _NON_MAIN_ARENA):
            break
        at += size
    else:
        return
    end = -(-at // page_size) * page_size
    # fewer bytes than a chunk needs may be left over behind the top chunk
    if end - at >= 16 or end >= mappings.end[row]:
        return
    if header is None and pages.touched(end - page_size) is not False:
        # the top chunk is seldom used to its end; rather the heap grew after pagemap was read
        label = Label(kinds.BRK, Certainty.LIKELY, note("heap-grew", end=end), owners.MappingName(mappings.name[row]))
        yield Claim(end, mappings.end[row], Rank.BRK + 1, label)
        return
    evidence = note("beside-brk", end=end)
    label = Label(kinds.ANON_PRIVATE, Certainty.LIKELY, evidence)
    yield Claim(end, mappings.end[row], Rank.ALLOCATOR + 1, label)


def _free_parts(low: int, high: int, covered: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What of a range no stronger claim covers."""
    at = low
    for start, end in covered:
        if end <= at:
            continue
        if start >= high:
            break
        if start > at:
            yield at, start
        at = max(at, end)
    if at < high:
        yield at, high


def _arena_heaps(
    mappings: Mappings, words: TargetWords, bits: int | None
) -> Iterator[tuple[ArenaHeap, int, bool, bool]]:
    """Every aligned address in writable anonymous memory whose heap_info fits, and the address of its arena.

    Then: whether it is the arena's first heap, and whether header and map agree on its size.
    """
    writable = mappings.rows_where(lambda row: _is_data(mappings.perms[row]), without_inode=True)
    ends = {mappings.start[row]: mappings.end[row] for row in writable}
    for size in (*heap_sizes(bits), _HUGE_HEAP):
        for row in writable:
            low, high = mappings.start[row], mappings.end[row]
            for base in range(-(-low // size) * size, high, size):
                found = words.at(base, 4)
                if found is None:
                    continue
                arena, previous, used, accessible = found
                first = arena in (base + 4 * words.size, base + 6 * words.size)
                if not 0 < used <= accessible <= size or used % 4096 or accessible % 4096:
                    continue
                if not first and (previous % size or not previous or arena // size * size == base):
                    continue
                if not any(start <= arena < end for start, end in ends.items()):
                    continue
                top = _top(mappings, row, base, size)
                if top is not None:
                    yield ArenaHeap(base, top, base + size), arena, first, base + accessible == top


def _top(mappings: Mappings, row: int, base: int, size: int) -> int | None:
    """Where the accessible part of a heap ends in the map; None where the block does not end as a heap's does.

    The header may say more or less than the map: the heap has grown between the two readings.
    """
    row = last_of_data(mappings, row, base + size)
    high, after = mappings.end[row], row + 1
    if high >= base + size:
        return base + size
    closed = (
        after < len(mappings)
        and mappings.start[after] == high
        and permissions(mappings.perms[after]).inaccessible
        and mappings.end[after] >= base + size
    )
    return high if closed else None


def _heap_claims(
    heap: ArenaHeap, arena: int, contents: HeapContents | None, *, first: bool, tids: tuple[int, ...], settled: bool
) -> Iterator[Claim]:
    evidence = note(
        "heap-info" if first else "heap-info-further", at=heap.start, arena=arena, size=heap.top - heap.start
    )
    if not settled:
        evidence = note("heap-info-growing", evidence=evidence)
    sure = Certainty.CERTAIN if settled or first else Certainty.LIKELY
    owner = owners.Arena(arena, tids)
    told = evidence if contents is None else contents.told(evidence)
    used = Label(kinds.GLIBC_ARENA, sure, told, owner)
    yield Claim(heap.start, heap.top, Rank.ALLOCATOR + 2, used)
    if heap.top < heap.end:
        rest = Label(kinds.GLIBC_ARENA_RESERVE, sure, evidence, owner)
        yield Claim(heap.top, heap.end, Rank.ALLOCATOR + 2, rest, perms=PRIVATE_NONE)


def disproved_heaps(mappings: Mappings, words: TargetWords, pages: PageStates, bits: int | None) -> frozenset[int]:
    """Where blocks shaped like arena heaps begin whose first words are no heap_info, or were never written.

    A block whose first words name an arena that lies in writable memory is not disproved, whatever its sizes say: they
    change while the heap grows.
    """
    found = set()
    spans = list(_spans(mappings))
    for heap in arena_heaps(mappings, bits):
        header = words.at(heap.start, 4)
        if header is None:
            if pages.touched(heap.start) is False:
                found.add(heap.start)
        elif not header[0] or not any(low <= header[0] < high for low, high in spans):
            found.add(heap.start)
    return frozenset(found)


def _chunks(
    words: TargetWords, runs: PageRuns, low: int, high: int, page_size: int, known_starts: set[int]
) -> Iterator[Claim]:
    """Blocks with headers at page starts, one behind the other, in a range nobody else claims."""
    found: list[tuple[int, int, str]] = []
    tried = 0
    at = -(-low // page_size) * page_size
    while at < high and tried < _PAGES_TRIED:
        end, kind = _block_at(words, at, high)
        if end is not None:
            found.append((at, end, kind))
            at = end
            continue
        tried += 1
        at = _next_resident(runs, at + page_size)
    for number, (start, end, kind) in enumerate(found):
        chained = end == high or end in known_starts or (number + 1 < len(found) and found[number + 1][0] == end)
        if kind == "mapped":
            certainty = Certainty.CERTAIN if chained else Certainty.LIKELY
            ends = "mapping-end" if end == high else "next-block" if chained else "nothing-known"
            evidence = note("malloc-header", size=end - start, at=start, ends=note(ends))
            label = Label(kinds.GLIBC_MMAP_CHUNK, certainty, evidence, owners.Allocator(b"malloc"))
        else:
            evidence = note("malloc-chain", start=start, end=end)
            label = Label(kinds.GLIBC_MAIN_MMAP, Certainty.LIKELY, evidence, owners.Allocator(b"main arena"))
        yield Claim(start, end, Rank.ALLOCATOR + 2, label)


def _block_at(words: TargetWords, at: int, high: int) -> tuple[int | None, str]:
    """The end of a block whose header stands at a page's start, and its sort."""
    lead = 0 if words.size == 8 else 2 * words.size  # 32-bit headers stand at page + 8, for alignment to 16
    header = words.at(at + lead, 2)
    if header is None:
        return None, ""
    previous, size_and_flags = header
    size, flags = size_and_flags & ~_FLAG_BITS, size_and_flags & _FLAG_BITS
    if flags == _IS_MMAPPED and previous in (0, lead):
        end = at + lead + size
        if size and end % 4096 == 0 and at < end <= high:
            return end, "mapped"
        return None, ""
    if flags & ~_PREV_INUSE or not flags & _PREV_INUSE or previous or size < 2 * words.size:
        return None, ""
    return _main_chain(words, at, at + lead, high), "main"


def _main_chain(words: TargetWords, block: int, first: int, high: int) -> int | None:
    """Walk the chunks of a main arena that could not grow by brk; its top chunk ends where a mapping of 1 MiB does."""
    at = first
    for _step in range(_CHUNKS_WALKED):
        header = words.at(at, 2)
        if header is None:
            return None
        size, flags = header[1] & ~_FLAG_BITS, header[1] & _FLAG_BITS
        if flags & (_IS_MMAPPED | _NON_MAIN_ARENA) or size < 2 * words.size or size % (2 * words.size):
            return None
        at += size
        whole = at - block
        if at <= high and whole >= _MMAP_AS_MORECORE and (at == high or whole % _MMAP_AS_MORECORE == 0):
            return at
        if at >= high:
            return None
    return None


def _next_resident(runs: PageRuns, at: int) -> int:
    """The next page at or above an address that is in memory; far above all where there is none."""
    for index in range(runs.first_beyond(at), len(runs)):
        if runs.state[index] & PageState.PRESENT:
            return max(runs.start[index], at)
    return 1 << 64
