"""The chunks of a heap in memory that is made up: where the first one stands, and what walking them adds up."""

import pytest

from procmem.classify.target_memory.glibc_chunks import HeapContents, arena_contents, first_chunk, heap_contents
from procmem.classify.target_memory.words import TargetWords
from procmem.model.note import note
from tests.support.made_memory import MadeMemory

AT = 0x3000
IN_USE, MMAPPED, NON_MAIN = 1, 2, 4
NEW, OLD = 0x291, 0x251


def wide(memory: MadeMemory) -> TargetWords:
    """Words of 64 bits."""
    return TargetWords(memory, 64)


@pytest.mark.parametrize(
    ("start", "chunk", "size", "is_found"),
    [
        (0, 0, NEW, True),
        (0, 0, OLD, True),
        (0, 0, NEW + 16, False),
        (0, 0, NEW - 1, False),
        (0, 0, NEW | NON_MAIN, False),
        (1, 16, NEW, True),
        (16, 16, NEW, True),
        (17, 16, NEW, False),
        (0, 8, NEW, False),
        (0, 1008, NEW, True),
        (0, 1024, NEW, False),
    ],
)
def test_the_first_chunk_is_that_of_the_cache(start: int, chunk: int, size: int, is_found: bool) -> None:
    """Within 1 KiB, at a multiple of 16; its size is known, of old and new versions."""
    memory = MadeMemory({AT + chunk + 8: (size,)})
    assert first_chunk(wide(memory), AT + start) == (AT + chunk if is_found else None)


@pytest.mark.parametrize(
    ("start", "chunk", "size", "is_found"),
    [
        (0, 8, 0x191, True),
        (0, 8, 0x161, True),
        (0, 8, NEW, False),
        (0, 0, 0x191, False),
        (8, 8, 0x191, True),
        (9, 8, 0x191, False),
        (9, 24, 0x191, True),
        (0, 1016, 0x191, True),
        (0, 1032, 0x191, False),
    ],
)
def test_the_first_chunk_on_32_bit(start: int, chunk: int, size: int, is_found: bool) -> None:
    """Stands 8 bytes beyond a multiple of 16."""
    at = 0x5000_0000
    memory = MadeMemory({at + chunk + 4: (size,)}, size=4)
    assert first_chunk(TargetWords(memory, 32), at + start) == (at + chunk if is_found else None)


def test_the_first_chunk_behind_pages_that_are_not_there() -> None:
    """What cannot be read is passed over; further bits and a wider search are asked for."""
    memory = MadeMemory({AT + 4096 + 8: (NEW | NON_MAIN,)})
    assert first_chunk(wide(memory), AT + 4096 - 512, flags=NON_MAIN) == AT + 4096
    assert first_chunk(wide(memory), AT, flags=NON_MAIN) is None
    assert first_chunk(wide(memory), AT, flags=NON_MAIN, within=4112) == AT + 4096


def heap(*sizes: int, end: int | None = None, size: int = 8) -> HeapContents | None:
    """What is in a heap with these size fields, one behind the other."""
    memory = MadeMemory(size=size)
    at = AT if size == 8 else 0x5000_0000
    first = at
    for field in sizes:
        memory.put(at + size, field)
        at += field & ~7
    memory.present(first, at + 4096)
    return heap_contents(TargetWords(memory, 8 * size), first, at if end is None else first + end)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((0x100 | IN_USE,), (0, 0, 0x100)),
        ((0x100 | IN_USE, 0x200 | IN_USE), (0x100, 0, 0x200)),
        ((0x100 | IN_USE, 0x200), (0, 0x100, 0x200)),
        (
            (0x100 | IN_USE, 0x200 | IN_USE, 0x400, 0x800 | IN_USE, 0x1000 | IN_USE),
            (0x100 + 0x400 + 0x800, 0x200, 0x1000),
        ),
        ((0x100 | IN_USE, 0x200, 0x400, 0x1000 | IN_USE), (0x400, 0x300, 0x1000)),
        ((0x100 | NON_MAIN, 0x200 | IN_USE | NON_MAIN), (0x100, 0, 0x200)),
        ((0x100 | MMAPPED,), None),
        ((0x100, 0x200 | MMAPPED), None),
        ((0x100, 24, 0x200), None),
        ((8, 0x200), None),
    ],
)
def test_what_is_in_use_and_what_is_free(sizes: tuple[int, ...], expected: tuple[int, int, int] | None) -> None:
    """A chunk's header says it of the one before; the last is the top."""
    assert heap(*sizes) == (None if expected is None else HeapContents(*expected))


@pytest.mark.parametrize(
    ("end", "is_whole"), [(0x300, True), (0x2FF, False), (0x320, True), (0x321, False), (0x310, True)]
)
def test_the_top_ends_with_the_heap(end: int, is_whole: bool) -> None:
    """Two of the smallest chunks may be left over behind it."""
    found = heap(0x100 | IN_USE, 0x200 | IN_USE, end=end)
    assert found == (HeapContents(0x100, 0, 0x200) if is_whole else None)


def test_chunks_on_32_bit() -> None:
    """Are multiples of 8."""
    assert heap(0x108 | IN_USE, 0x208 | IN_USE, size=4) == HeapContents(0x108, 0, 0x208)
    assert heap(0x108 | IN_USE, 0x208 | IN_USE, end=0x310 + 16, size=4) == HeapContents(0x108, 0, 0x208)
    assert heap(0x108 | IN_USE, 0x208 | IN_USE, end=0x310 + 17, size=4) is None
    assert heap(8 | IN_USE, 0x208 | IN_USE, size=4) == HeapContents(8, 0, 0x208)


def test_chunks_that_cannot_be_read_say_nothing() -> None:
    """The first one, or one behind it."""
    assert heap_contents(wide(MadeMemory()), AT, AT + 4096) is None
    assert heap(0x100, 0, end=0x300) is None
    memory = MadeMemory({AT + 8: (4096 | IN_USE,)})
    assert heap_contents(wide(memory), AT, AT + 8192) is None
    assert heap_contents(wide(memory), AT, AT + 4096) == HeapContents(0, 0, 4096)


@pytest.mark.parametrize(("count", "is_whole"), [(50_000, True), (50_001, False)])
def test_so_many_chunks_are_walked(count: int, is_whole: bool) -> None:
    """With the top."""
    found = heap(*[16 | IN_USE] * (count - 1), 256 | IN_USE)
    assert found == (HeapContents(16 * (count - 1), 0, 256) if is_whole else None)


SIZE = 0x10000


@pytest.mark.parametrize(
    ("arena", "chunk", "flags", "is_found"),
    [
        (0x30, 0x8D0, NON_MAIN, True),
        (0x30, 0x8D0, 0, False),
        (0, 0x8D0, NON_MAIN, True),
        (0x30, 0x30 + 4080, NON_MAIN, True),
        (0x30, 0x30 + 4096, NON_MAIN, False),
        (-16, 0x8D0, NON_MAIN, False),
        (SIZE, 0x8D0, NON_MAIN, False),
    ],
)
def test_the_first_heap_of_an_arena(arena: int, chunk: int, flags: int, is_found: bool) -> None:
    """Holds the arena's state, and behind it the cache's chunk with the arena's mark."""
    top = SIZE - chunk - 0x290
    memory = MadeMemory({AT + chunk + 8: (NEW | flags,), AT + chunk + 0x298: (top | NON_MAIN | IN_USE,)})
    memory.present(AT, AT + SIZE)
    found = arena_contents(wide(memory), AT + arena, AT, AT + SIZE)
    assert found == (HeapContents(0x290, 0, top) if is_found else None)


@pytest.mark.parametrize(("bits", "heads"), [(64, (0x30, 0x20)), (32, (0x18, 0x10, 0x20))])
def test_a_further_heap_of_an_arena(bits: int, heads: tuple[int, ...]) -> None:
    """Its chunks begin behind its header, which older versions have shorter."""
    at, word = 0x5000_0000, bits // 8
    for head in (*heads, 0x28 if bits == 64 else 0x14):
        memory = MadeMemory({at + head + word: (SIZE - head | IN_USE,)}, size=word)
        found = arena_contents(TargetWords(memory, bits), at + 0x100_0000, at, at + SIZE)
        assert found == (HeapContents(0, 0, SIZE - head) if head in heads else None)


def test_figures_are_told_in_kib() -> None:
    """Rounded down."""
    seen = note("unexplained")
    assert HeapContents(2047, 3072, 4096).told(seen) == note(
        "with-chunks", evidence=seen, used_kib=1, free_kib=3, top_kib=4
    )
