"""glibc's malloc by its own headers, in memory that is made up: each word of a header at its border."""

from collections.abc import Sequence
from typing import Any

import pytest

from procmem.classify.page_states import NOTHING_KNOWN, PageStates
from procmem.classify.partition import Rank
from procmem.classify.target_memory.glibc_malloc import beside_brk, disproved_heaps, malloc_claims
from procmem.classify.target_memory.words import TargetWords
from procmem.model import kinds, owners
from procmem.model.kinds import Kind
from procmem.model.note import note
from procmem.model.raw import PageRun, PageRuns, PageState
from procmem.model.region import Certainty, Claim, Label
from procmem.parse.smaps import parse_smaps
from tests.support.made_memory import MadeMemory
from tests.support.made_processes import record
from tests.support.smaps_text import Record, smaps

PAGE, MIB = 4096, 1 << 20
SIZE = 64 * MIB
AT = 3 * SIZE
USED = 9 * MIB
"""Of a heap: more than the whole of one of huge pages, whose header is the same."""
CERTAIN, LIKELY = Certainty.CERTAIN, Certainty.LIKELY
ARENA, RESERVE = kinds.GLIBC_ARENA, kinds.GLIBC_ARENA_RESERVE
CACHE, IN_USE, MMAPPED, NON_MAIN = 0x291, 1, 2, 4
TAKEN = Label(kinds.THREAD_STACK, CERTAIN, note("unexplained"))


def part(start: int, end: int, perms: str = "rw-p", **more: Any) -> Record:
    """A mapping, counted from AT."""
    return record(AT + start, AT + end, perms)._replace(**more)


def claims_of(
    records: Sequence[Record],
    memory: MadeMemory,
    *,
    bits: int = 64,
    runs: Sequence[PageRun] = (),
    taken: Sequence[tuple[int, int]] = (),
    users: dict[int, tuple[int, ...]] | None = None,
) -> list[Claim]:
    """What malloc's headers claim."""
    table = parse_smaps(smaps(list(records)))
    others = [Claim(AT + start, AT + end, Rank.THREAD, TAKEN) for start, end in taken]
    threads = users or {}

    def used_by(arenas: frozenset[int]) -> dict[int, tuple[int, ...]]:
        return {arena: tids for arena, tids in threads.items() if arena in arenas}

    words = TargetWords(memory, bits)
    return list(malloc_claims(table, words, PageRuns.of(runs), bits, PAGE, others, used_by))


Found = list[tuple[int, int, Kind, Certainty, str]]


def told(claims: Sequence[Claim]) -> Found:
    """Start and end, counted from AT, kind, certainty and what was seen."""
    return [
        (one.start - AT, one.end - AT, one.label.kind, one.label.certainty, one.label.evidence.code) for one in claims
    ]


# Arena heaps


def arena(used: int = USED, size: int = SIZE) -> list[Record]:
    """A block of an arena's heap: the part in use, and what is left."""
    return [part(0, used), part(used, size, "---p")]


def heap_info(*, pointer: int = AT + 0x30, previous: int = 0, used: int = USED, accessible: int = USED) -> MadeMemory:
    """A heap_info at AT."""
    return MadeMemory({AT: (pointer, previous, used, accessible)})


def test_a_heap_is_proved_by_its_header() -> None:
    """What is in use, and what is left: certain, with the arena and who allocates from it; not over what is open."""
    used, rest = claims_of(arena(), heap_info(), users={AT + 0x30: (7, 9)})
    assert told([used, rest]) == [
        (0, USED, ARENA, CERTAIN, "heap-info"),
        (USED, SIZE, RESERVE, CERTAIN, "heap-info"),
    ]
    assert used.label.owner == rest.label.owner == owners.Arena(AT + 0x30, (7, 9))
    assert used.label.evidence == note("heap-info", at=AT, arena=AT + 0x30, size=USED)
    assert (used.perms, rest.perms) == (None, "---p")
    assert {used.rank, rest.rank} == {Rank.RUNTIME + 1}
    nobody = claims_of(arena(), heap_info())[0]
    assert nobody.label.owner == owners.Arena(AT + 0x30, ())


FIRST, FURTHER = "heap-info", "heap-info-further"


@pytest.mark.parametrize(
    ("header", "seen"),
    [
        ({}, FIRST),
        ({"pointer": AT + 0x20}, FIRST),  # before glibc 2.35
        ({"pointer": AT + 0x28}, None),
        ({"pointer": AT + 0x28, "previous": AT}, None),
        ({"previous": AT - SIZE}, FIRST),
        ({"used": 0}, None),
        ({"used": PAGE}, FIRST),
        ({"used": USED - PAGE // 2}, None),
        ({"used": USED + PAGE}, None),
        ({"accessible": USED + PAGE // 2}, None),
    ],
)
def test_what_a_header_of_a_first_heap_says(header: dict[str, int], seen: str | None) -> None:
    """The arena right behind it; sizes in whole pages, of which no more is used than may be."""
    found = told(claims_of(arena(), heap_info(**header)))
    assert [one[4] for one in found] == ([] if seen is None else [seen, seen])


FAR = 4 * SIZE
"""Where another heap of the same arena lies."""


@pytest.mark.parametrize(
    ("pointer", "previous", "is_heap"),
    [
        (FAR + 0x30, FAR, True),
        (FAR, FAR, True),
        (FAR + PAGE - 1, FAR, True),
        (FAR + PAGE, FAR, False),
        (FAR - 1, FAR, False),
        (FAR + 0x30, FAR + PAGE, False),
        (FAR + 0x30, -AT, False),
        (0x100, FAR, False),
    ],
)
def test_what_a_header_of_a_further_heap_says(pointer: int, previous: int, is_heap: bool) -> None:
    """The arena in writable memory elsewhere, and an aligned heap before it."""
    memory = heap_info(pointer=AT + pointer, previous=AT + previous)
    found = told(claims_of([*arena(), part(FAR, FAR + PAGE)], memory))
    expected: Found = [(0, USED, ARENA, CERTAIN, FURTHER), (USED, SIZE, RESERVE, CERTAIN, FURTHER)]
    assert found == (expected if is_heap else [])


@pytest.mark.parametrize(
    ("further", "accessible", "sure"),
    [(False, USED + PAGE, CERTAIN), (False, USED - PAGE, CERTAIN), (True, USED + PAGE, LIKELY)],
)
def test_a_heap_whose_header_and_map_differ_is_growing(further: bool, accessible: int, sure: Certainty) -> None:
    """It is what the map says; a further heap is then likely only."""
    place = {"pointer": AT + FAR, "previous": AT + FAR} if further else {}
    memory = heap_info(used=PAGE, accessible=accessible, **place)
    found = told(claims_of([*arena(), part(FAR, FAR + PAGE)], memory))
    assert found == [
        (0, USED, ARENA, sure, "heap-info-growing"),
        (USED, SIZE, RESERVE, sure, "heap-info-growing"),
    ]


@pytest.mark.parametrize(
    ("rows", "top"),
    [
        (arena(), USED),
        ([part(0, USED)], None),
        ([part(0, USED), part(USED + PAGE, SIZE, "---p")], None),
        ([part(0, USED), part(USED, SIZE, "r--p")], None),
        ([part(0, USED), part(USED, SIZE - PAGE, "---p")], None),
        ([part(0, USED), part(USED, SIZE + PAGE, "---p")], USED),
        ([part(0, SIZE)], SIZE),
        ([part(0, SIZE + PAGE)], SIZE),
        ([part(0, SIZE - PAGE), part(SIZE - PAGE, SIZE, "---p")], SIZE - PAGE),
        ([part(0, PAGE), part(PAGE, USED), part(USED, SIZE, "---p")], USED),
        ([part(-PAGE, USED), part(USED, SIZE, "---p")], USED),
        ([part(-2 * SIZE - PAGE, USED), part(USED, SIZE, "---p")], USED),
        ([part(0, USED, "r--p"), part(USED, SIZE, "---p")], None),
        ([part(0, USED, "rw-s"), part(USED, SIZE, "---p")], None),
        ([part(0, USED, inode=3, name=b"/x"), part(USED, SIZE, "---p")], None),
    ],
)
def test_a_block_ends_as_a_heaps_does(rows: list[Record], top: int | None) -> None:
    """In use to its end, or closed from its top on; what lies below may have merged with it."""
    claims = [one for one in claims_of(rows, heap_info()) if one.label.kind in (ARENA, RESERVE)]
    found = [one[:3] for one in told(claims)]
    rest = [] if top == SIZE else [(top, SIZE, RESERVE)]
    assert found == ([] if top is None else [(0, top, ARENA), *rest])


def test_heaps_side_by_side_are_found_each() -> None:
    """Whatever lies between: what cannot be read, or is no header."""
    memory = MadeMemory(
        {AT + at * SIZE: (AT + at * SIZE + 0x30, 0, SIZE, SIZE) for at in (0, 3)}
        | {AT + SIZE: (5, 5, 5, 5), AT + 4 * SIZE: (AT + 4 * SIZE + 0x28, 0, SIZE, SIZE)}
        | {AT + 5 * SIZE: (1, AT, SIZE, SIZE), AT + 6 * SIZE: (AT + 6 * SIZE + 0x30, 0, SIZE, SIZE)}
    )
    found = told(claims_of([part(0, 7 * SIZE)], memory))
    assert found == [(at * SIZE, (at + 1) * SIZE, ARENA, CERTAIN, FIRST) for at in (0, 3, 6)]


def test_a_block_that_ends_otherwise_hides_no_other() -> None:
    """The next one is looked at too."""
    other = [part(2 * SIZE, 2 * SIZE + USED), part(2 * SIZE + USED, 3 * SIZE, "---p")]
    memory = heap_info()
    memory.put(AT + 2 * SIZE, AT + 2 * SIZE + 0x30, 0, USED, USED)
    found = told(claims_of([part(0, USED), *other], memory))
    assert (2 * SIZE, 2 * SIZE + USED, ARENA, CERTAIN, FIRST) in found


@pytest.mark.parametrize(("size", "bits"), [(8 * MIB, 64), (MIB, 32), (8 * MIB, 32)])
def test_other_sizes_of_heaps(size: int, bits: int) -> None:
    """Four huge pages, and 1 MiB on 32 bit, where words are of 4 bytes."""
    at = 0x4000_0000
    used = 33 * PAGE
    rows = [record(at, at + used), record(at + used, at + size, "---p")]
    word = bits // 8
    memory = MadeMemory({at: (at + 6 * word, 0, used, used)}, size=word)
    found = [(one.start - at, one.end - at, one.label.kind) for one in claims_of(rows, memory, bits=bits)]
    assert found[-2:] == [(0, used, ARENA), (used, size, RESERVE)]


def test_a_heap_of_another_size_has_no_more_than_that_accessible() -> None:
    """What the header says must fit into the block."""
    for accessible, count in ((8 * MIB, 4), (8 * MIB + PAGE, 2)):
        memory = heap_info(used=PAGE, accessible=accessible)
        assert len(claims_of(arena(PAGE), memory)) == count
    for accessible, count in ((SIZE, 1), (SIZE + PAGE, 0)):
        memory = heap_info(used=PAGE, accessible=accessible)
        assert len(claims_of([part(0, SIZE)], memory)) == count


def test_what_is_in_use_of_a_heap_is_told() -> None:
    """Where its chunks lead from the first to the top; not while it grows."""
    first = AT + 0x8A0
    top = USED - 0x8A0 - 0x290
    chunks = {first + 8: (CACHE | NON_MAIN,), first + 0x298: (top | NON_MAIN | IN_USE,)}
    for accessible, seen in ((USED, "with-chunks"), (USED + PAGE, "heap-info-growing")):
        memory = heap_info(accessible=accessible)
        for address, values in chunks.items():
            memory.put(address, *values)
        used, rest = told(claims_of(arena(), memory))
        assert (used[4], rest[4]) == (seen, FIRST if accessible == USED else seen)


@pytest.mark.parametrize(
    ("header", "touched", "is_disproved"),
    [
        ((AT + 0x30,), None, False),
        ((AT,), None, False),
        ((AT + USED - 8,), None, False),
        ((AT + USED,), None, True),
        ((AT - 1,), None, True),
        ((0,), None, True),
        ((AT + FAR,), None, False),
        ((AT + FAR + PAGE,), None, True),
        (None, None, False),
        (None, True, False),
        (None, False, True),
    ],
)
def test_a_block_without_a_header_is_disproved(
    header: tuple[int, ...] | None, touched: bool | None, is_disproved: bool
) -> None:
    """By words that name no arena, or a first page that was never used; not by what nobody knows."""
    rows = [one._replace(flags=None) for one in (*arena(), part(FAR, FAR + PAGE))]
    memory = MadeMemory({} if header is None else {AT: header})
    run = [PageRun(AT, AT + PAGE, PageState.PRESENT)] if touched else []
    pages = NOTHING_KNOWN if touched is None else PageStates([(AT, AT + USED)], run)
    found = disproved_heaps(parse_smaps(smaps(rows)), TargetWords(memory, 64), pages, 64)
    assert found == (frozenset({AT}) if is_disproved else frozenset())


# Blocks that were mapped by themselves

BLOCK = 40 * PAGE
MAPPED, MAIN = kinds.GLIBC_MMAP_CHUNK, kinds.GLIBC_MAIN_MMAP


def mapped(start: int, end: int, *, chained: bool = True) -> Found:
    """The claim on such a block."""
    return [(start, end, MAPPED, CERTAIN if chained else LIKELY, "malloc-header")]


@pytest.mark.parametrize(
    ("header", "end"),
    [
        ((0, BLOCK | MMAPPED), BLOCK),
        ((0, PAGE | MMAPPED), PAGE),
        ((0, BLOCK + PAGE | MMAPPED), None),
        ((0, BLOCK - 16 | MMAPPED), None),
        ((0, MMAPPED), None),
        ((0, BLOCK | MMAPPED | IN_USE), None),
        ((0, BLOCK | MMAPPED | NON_MAIN), None),
        ((0, BLOCK), None),
        ((16, BLOCK | MMAPPED), None),
        ((8, BLOCK | MMAPPED), None),
    ],
)
def test_the_header_of_a_block(header: tuple[int, int], end: int | None) -> None:
    """Its size in whole pages within the memory, the flag and no other, and nothing before it."""
    found = told(claims_of([part(0, BLOCK)], MadeMemory({AT: header})))
    assert found == ([] if end is None else mapped(0, end, chained=end == BLOCK))


@pytest.mark.parametrize(
    ("lead", "header", "is_block"),
    [
        (8, (0, BLOCK - 8 | MMAPPED), True),
        (8, (8, BLOCK - 8 | MMAPPED), True),
        (8, (4, BLOCK - 8 | MMAPPED), False),
        (8, (0, BLOCK | MMAPPED), False),
        (0, (0, BLOCK | MMAPPED), False),
    ],
)
def test_the_header_of_a_block_on_32_bit(lead: int, header: tuple[int, int], is_block: bool) -> None:
    """Stands 8 bytes behind the page's start."""
    at = 0x4000_0000
    memory = MadeMemory({at + lead: header}, size=4)
    found = claims_of([record(at, at + BLOCK)], memory, bits=32)
    assert [(one.start - at, one.end - at) for one in found] == ([(0, BLOCK)] if is_block else [])


def test_where_a_block_ends_tells_how_sure_it_is() -> None:
    """With the mapping, where the next block or something else that is known begins, or nowhere known."""
    memory = MadeMemory({AT: (0, BLOCK | MMAPPED), AT + BLOCK: (0, BLOCK | MMAPPED)})
    chained = claims_of([part(0, 2 * BLOCK)], memory)
    assert told(chained) == mapped(0, BLOCK) + mapped(BLOCK, 2 * BLOCK)
    assert [one.label.evidence for one in chained] == [
        note("malloc-header", size=BLOCK, at=AT, ends=note("next-block")),
        note("malloc-header", size=BLOCK, at=AT + BLOCK, ends=note("mapping-end")),
    ]
    assert {one.label.owner for one in chained} == {owners.Allocator(b"malloc")}
    assert {one.rank for one in chained} == {Rank.RUNTIME + 1}
    one = MadeMemory({AT: (0, BLOCK | MMAPPED)})
    [loose] = claims_of([part(0, 2 * BLOCK)], one)
    assert told([loose]) == mapped(0, BLOCK, chained=False)
    assert loose.label.evidence == note("malloc-header", size=BLOCK, at=AT, ends=note("nothing-known"))
    assert told(claims_of([part(0, 2 * BLOCK)], one, taken=[(BLOCK, 2 * BLOCK)])) == mapped(0, BLOCK)
    apart = MadeMemory({AT: (0, BLOCK | MMAPPED), AT + BLOCK + PAGE: (0, BLOCK | MMAPPED)})
    runs = [PageRun(AT, AT + 2 * BLOCK + PAGE, PageState.PRESENT)]
    found = told(claims_of([part(0, 2 * BLOCK + PAGE)], apart, runs=runs))
    assert found == mapped(0, BLOCK, chained=False) + mapped(BLOCK + PAGE, 2 * BLOCK + PAGE)


TWO = {AT: (0, BLOCK | MMAPPED), AT + BLOCK: (0, BLOCK | MMAPPED)}


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ([(0, BLOCK)], mapped(BLOCK, 2 * BLOCK)),
        ([(BLOCK, 2 * BLOCK)], mapped(0, BLOCK)),
        ([(0, BLOCK + 1)], []),
        ([(-PAGE, 0)], mapped(0, BLOCK) + mapped(BLOCK, 2 * BLOCK)),
        ([(-2 * PAGE, -PAGE), (0, BLOCK)], mapped(BLOCK, 2 * BLOCK)),
        ([(2 * BLOCK, 3 * BLOCK)], mapped(0, BLOCK) + mapped(BLOCK, 2 * BLOCK)),
        ([(BLOCK - 1, BLOCK)], mapped(BLOCK, 2 * BLOCK)),
        ([(0, BLOCK), (PAGE, 2 * PAGE)], mapped(BLOCK, 2 * BLOCK)),
        ([(0, 2 * BLOCK)], []),
        ([(0, PAGE - 8)], mapped(BLOCK, 2 * BLOCK)),
    ],
)
def test_what_others_claim_more_strongly_holds_no_block(taken: list[tuple[int, int]], expected: Found) -> None:
    """What is left between is looked at, from a page's start on."""
    runs = [PageRun(AT + BLOCK, AT + BLOCK + PAGE, PageState.PRESENT)]
    assert told(claims_of([part(0, 2 * BLOCK)], MadeMemory(TWO), taken=taken, runs=runs)) == expected


def test_pages_without_a_header_are_passed_over() -> None:
    """On to the next that is in memory, which may lie far off; swapped ones hold nothing that can be read."""
    far = 400 * PAGE
    memory = MadeMemory({AT + far: (0, BLOCK | MMAPPED)})
    rows = [part(0, far + BLOCK)]

    def found(*runs: tuple[int, int, int]) -> Found:
        return told(claims_of(rows, memory, runs=[PageRun(AT + low, AT + high, state) for low, high, state in runs]))

    here = mapped(far, far + BLOCK)
    assert found((far, far + PAGE, PageState.PRESENT)) == here
    assert found((-PAGE, far + PAGE, PageState.PRESENT)) == here
    assert found((0, PAGE, PageState.PRESENT), (far, far + PAGE, PageState.PRESENT)) == here
    assert found((PAGE, far, PageState.SWAPPED), (far, far + PAGE, PageState.PRESENT)) == here
    assert found((far, far + PAGE, PageState.SWAPPED)) == []
    assert found((far + PAGE, far + BLOCK, PageState.PRESENT)) == []
    assert found() == []


@pytest.mark.parametrize(("pages", "is_found"), [(4095, True), (4096, False)])
def test_so_many_pages_are_tried(pages: int, is_found: bool) -> None:
    """In each range."""
    end = pages * PAGE
    memory = MadeMemory({AT + end: (0, BLOCK | MMAPPED)})
    runs = [PageRun(AT, AT + end + BLOCK, PageState.PRESENT)]
    assert told(claims_of([part(0, end + BLOCK)], memory, runs=runs)) == (mapped(end, end + BLOCK) if is_found else [])


@pytest.mark.parametrize(
    ("rows", "is_found"),
    [
        ([part(0, BLOCK)], True),
        ([part(0, PAGE), part(PAGE, BLOCK)], True),
        ([part(PAGE, BLOCK), part(0, PAGE)], True),
        ([part(-PAGE, 0, inode=3, name=b"/x"), part(0, BLOCK)], True),
        ([part(-2 * PAGE, -PAGE), part(0, BLOCK)], True),
        ([part(0, BLOCK), part(BLOCK + PAGE, BLOCK + 2 * PAGE)], True),
        ([part(0, PAGE), part(2 * PAGE, BLOCK)], False),
        ([part(0, PAGE), part(PAGE, BLOCK, "r--p")], False),
        ([part(0, PAGE), part(PAGE, BLOCK, "rw-s")], False),
        ([part(0, PAGE), part(PAGE, BLOCK, inode=3, name=b"/x")], False),
        ([part(0, BLOCK, name=b"[heap]")], False),
        ([part(0, BLOCK, name=b"[anon:scudo:primary]")], False),
        ([part(0, BLOCK, name=b"[anon: glibc: malloc]")], True),
        ([part(0, BLOCK, inode=3)], False),
    ],
)
def test_where_blocks_are_looked_for(rows: list[Record], is_found: bool) -> None:
    """In writable anonymous memory without a break, without a name or with malloc's."""
    assert told(claims_of(rows, MadeMemory({AT: (0, BLOCK | MMAPPED)}))) == (mapped(0, BLOCK) if is_found else [])


# A main arena that could not grow by brk

CHUNK = 1 << 19


def chain(*sizes: int, at: int = AT) -> MadeMemory:
    """Chunks one behind the other, each of them in use."""
    memory = MadeMemory()
    for size in sizes:
        memory.put(at, 0, size | IN_USE)
        at += size
    return memory


@pytest.mark.parametrize(
    ("sizes", "high", "ends"),
    [
        ((CHUNK, CHUNK), 2 * CHUNK, [2 * CHUNK]),
        ((2 * CHUNK,), 2 * CHUNK, [2 * CHUNK]),
        ((CHUNK, CHUNK), 4 * CHUNK, [2 * CHUNK]),
        ((CHUNK, CHUNK - PAGE), 2 * CHUNK - PAGE, []),
        ((CHUNK, CHUNK + PAGE), 2 * CHUNK + PAGE, [2 * CHUNK + PAGE]),
        ((CHUNK, CHUNK + PAGE), 2 * CHUNK + 2 * PAGE, []),
        ((CHUNK, CHUNK + PAGE, CHUNK, CHUNK - PAGE), 8 * CHUNK, [4 * CHUNK]),
        ((CHUNK, CHUNK), 2 * CHUNK - PAGE, []),
        ((16, 2 * CHUNK - 16), 2 * CHUNK, [2 * CHUNK]),
        ((8, 2 * CHUNK - 8), 2 * CHUNK, []),
        ((CHUNK, 24, CHUNK - 24), 2 * CHUNK, []),
        ((CHUNK, 8, CHUNK - 8), 2 * CHUNK, []),
        ((CHUNK | MMAPPED, CHUNK), 2 * CHUNK, []),
        ((CHUNK | NON_MAIN, CHUNK), 2 * CHUNK, []),
        ((CHUNK, CHUNK | MMAPPED), 2 * CHUNK, []),
        ((CHUNK, CHUNK | NON_MAIN), 2 * CHUNK, []),
        ((CHUNK,), 2 * CHUNK, []),
    ],
)
def test_chunks_of_a_main_arena(sizes: tuple[int, ...], high: int, ends: list[int]) -> None:
    """One behind the other to the end of the mapping or to a mebibyte, of which there is one at least."""
    memory = MadeMemory()
    at = AT
    for size in sizes:
        memory.put(at, 0, size | IN_USE)
        at += size & ~7
    claims = claims_of([part(0, high)], memory)
    assert told(claims) == [(0, end, MAIN, LIKELY, "malloc-chain") for end in ends]
    for one in claims:
        assert one.label.evidence == note("malloc-chain", start=AT, end=one.end)
        assert one.label.owner == owners.Allocator(b"main arena")


@pytest.mark.parametrize(
    ("header", "is_found"),
    [((0, 2 * CHUNK | IN_USE), True), ((0, 2 * CHUNK), False), ((16, 2 * CHUNK | IN_USE), False)],
)
def test_the_first_chunk_of_a_main_arena(header: tuple[int, int], is_found: bool) -> None:
    """Nothing before it, and that in use."""
    assert bool(claims_of([part(0, 2 * CHUNK)], MadeMemory({AT: header}))) is is_found


def test_a_main_arena_on_32_bit() -> None:
    """Its chunks begin 8 bytes behind the page's start, and are multiples of 8."""
    at = 0x4000_0000
    memory = MadeMemory({at + 8: (0, CHUNK - 8 | IN_USE), at + CHUNK: (0, CHUNK | IN_USE)}, size=4)
    found = claims_of([record(at, at + 2 * CHUNK)], memory, bits=32)
    assert [(one.start - at, one.end - at, one.label.kind) for one in found] == [(0, 2 * CHUNK, MAIN)]


@pytest.mark.parametrize(("count", "is_found"), [(100_000, True), (100_001, False)])
def test_so_many_chunks_are_walked(count: int, is_found: bool) -> None:
    """Of small ones none of which ends at a mebibyte."""
    memory = chain(16, *[32] * (count - 2), 4 * MIB - 16 - (count - 2) * 32)
    assert bool(claims_of([part(0, 4 * MIB)], memory)) is is_found


# Memory beside the heap that brk made

TOP, END = 64 * PAGE, 96 * PAGE


def heap_of(*words: tuple[int, tuple[int, ...]], first: int = 0, end: int = TOP) -> MadeMemory:
    """A heap at AT: the per-thread cache's chunk, one that reaches to ``end``, and some words more; all is there."""
    memory = MadeMemory()
    memory.present(AT, AT + END)
    memory.put(AT + first + 8, CACHE)
    memory.put(AT + first + 0x298, end - first - 0x290 | IN_USE)
    for at, values in words:
        memory.put(AT + at, *values)
    return memory


def beside(
    memory: MadeMemory,
    pages: PageStates = NOTHING_KNOWN,
    *,
    start_brk: int | None = AT,
    skip: int = 0,
    end: int = END,
    name: bytes = b"[heap]",
) -> list[Claim]:
    """What is claimed around the end of the heap."""
    table = parse_smaps(smaps([part(-8 * PAGE, -7 * PAGE), part(0, end, name=name)]))
    return list(beside_brk(table, TargetWords(memory, 64), pages, start_brk, PAGE, skip))


FOREIGN: Found = [(TOP, END, kinds.ANON_PRIVATE, LIKELY, "beside-brk")]


def test_what_merged_with_the_heap_from_above() -> None:
    """It begins where the chunks end, at a page's start; what was no heap's is not claimed."""
    [claim] = beside(heap_of())
    assert told([claim]) == FOREIGN
    assert (claim.rank, claim.label.evidence) == (Rank.RUNTIME, note("beside-brk", end=AT + TOP))
    assert beside(heap_of(), name=b"") == []
    assert beside(heap_of(), start_brk=None) == []
    assert beside(heap_of(), start_brk=AT + PAGE) == []
    assert beside(MadeMemory()) == []


@pytest.mark.parametrize(
    ("header", "ends_there"),
    [
        (0, True),
        (8 | IN_USE, True),
        (16 * PAGE + 8 | IN_USE, True),
        (16 * PAGE | IN_USE | MMAPPED, True),
        (16 * PAGE | IN_USE | NON_MAIN, True),
        (16 * PAGE | IN_USE, False),
        (16 * PAGE, False),
        (16, False),
    ],
)
def test_where_the_chunks_of_the_heap_end(header: int, ends_there: bool) -> None:
    """At a header that no chunk of the heap has."""
    found = told(beside(heap_of((TOP + 8, (header,)))))
    at_next: Found = [(TOP + 16 * PAGE, END, kinds.ANON_PRIVATE, LIKELY, "beside-brk")]
    assert found == (FOREIGN if ends_there else at_next if header & ~7 == 16 * PAGE else [])


@pytest.mark.parametrize(("end", "is_found"), [(TOP, True), (TOP - 16, False), (TOP + 16, False)])
def test_the_chunks_end_at_a_page(end: int, is_found: bool) -> None:
    """Else it is not known where the heap ends."""
    assert bool(beside(heap_of(end=end))) is is_found


def test_on_32_bit_a_few_bytes_are_left_over() -> None:
    """Chunks begin 8 bytes beyond a multiple of 16."""
    at = 0x5000_0000
    memory = MadeMemory({at + 12: (0x191,), at + 8 + 0x194: (TOP - 16 - 0x190 | IN_USE,)}, size=4)
    memory.present(at, at + END)
    table = parse_smaps(smaps([record(at, at + END, name=b"[heap]")]))
    found = list(beside_brk(table, TargetWords(memory, 32), NOTHING_KNOWN, at, PAGE, 0))
    assert [(one.start - at, one.end - at) for one in found] == [(TOP, END)]


def test_chunks_that_lead_beyond_the_heap_say_nothing() -> None:
    """Nor do those that end in its last page."""
    assert beside(heap_of(end=END + 16 * PAGE)) == []
    memory = heap_of((END - PAGE, (0, 0)), end=END - 16 * 3)
    assert beside(memory) == []


def grown(*runs: tuple[int, int]) -> PageStates:
    """Pages that were in memory when pagemap was read."""
    return PageStates([(AT, AT + END)], [PageRun(AT + low, AT + high, PageState.PRESENT) for low, high in runs])


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        (grown((0, TOP)), [(TOP, END, kinds.BRK, LIKELY, "heap-grew")]),
        (PageStates([(AT + TOP, AT + END)]), [(TOP, END, kinds.BRK, LIKELY, "heap-grew")]),
        (grown((0, PAGE)), FOREIGN),
        (grown((0, TOP - PAGE)), FOREIGN),
        (grown((0, END)), []),
        (NOTHING_KNOWN, []),
    ],
)
def test_a_page_that_was_not_there_holds_no_header(pages: PageStates, expected: Found) -> None:
    """The heap's end, or its growth where the page before was used; a page in swap has a header that nobody reads."""
    memory = MadeMemory({AT + 8: (CACHE,), AT + 0x298: (TOP - 0x290 | IN_USE,)})
    claims = beside(memory, pages)
    assert told(claims) == expected
    if expected and expected != FOREIGN:
        assert (claims[0].rank, claims[0].label.owner) == (Rank.BRK + 1, owners.MappingName(b"[heap]"))
        assert claims[0].label.evidence == note("heap-grew", end=AT + TOP)


@pytest.mark.parametrize(("skip", "first", "start"), [(0, 0, 0), (512, 512, 512), (512, 1024, 1024)])
def test_a_heap_whose_chunks_lead_to_its_end_is_certain(skip: int, first: int, start: int) -> None:
    """From its first chunk on where TLS may lie before it."""
    [claim] = beside(heap_of(first=first, end=END), skip=skip)
    assert (claim.start - AT, claim.end - AT, claim.rank) == (start, END, Rank.BRK + 1)
    evidence = note(
        "with-chunks",
        evidence=note("heap-from", start_brk=AT),
        used_kib=0,
        free_kib=0,
        top_kib=(END - first - 0x290) // 1024,
    )
    assert claim.label == Label(kinds.BRK, CERTAIN, evidence, owners.MappingName(b"[heap]"))


@pytest.mark.parametrize(("count", "is_found"), [(49_997, True), (49_998, False)])
def test_so_many_chunks_of_the_heap_are_walked(count: int, is_found: bool) -> None:
    """Beyond them nothing is claimed, wherever the last one ends."""
    small = count * 16
    end = -(-(0x290 + small) // PAGE) * PAGE + PAGE
    memory = chain(0x290, end - 0x290 - small, *[16] * count)
    memory.present(AT, AT + end + 2 * PAGE)
    assert bool(beside(memory, end=end + 2 * PAGE)) is is_found
