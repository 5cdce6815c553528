"""Readers around a reader: memory that is in memory only, searched within bounds; pieces that are put together."""

from collections.abc import Callable, Iterable, Iterator

from procmem.model.raw import PageRun, PageState
from procmem.sources.pieces import LoggedMemory, ResidentMemory, merged_pieces, without_holes

PAGE = 4096
SEARCHED_MAX = 512 << 20
SEARCHED_AT_ONCE = 1 << 20


class Memory:
    """Memory of As that notes what is asked of it."""

    def __init__(self) -> None:
        self.read: list[tuple[int, int]] = []
        self.searched: list[tuple[int, int]] = []

    def read_at(self, offset: int, length: int) -> bytes:
        self.read.append((offset, length))
        return b"A" * length

    def search(self, low: int, high: int, matches: Callable[[int, bytes], Iterable[int]]) -> Iterator[int]:
        self.searched.append((low, high))
        yield from matches(low, b"")


def run(low: int, high: int, state: int = PageState.PRESENT) -> PageRun:
    """Pages by number."""
    return PageRun(low * PAGE, high * PAGE, state)


def test_only_pages_in_memory_are_read() -> None:
    """All of what is asked for has to be in runs that adjoin; of anything else, nothing is touched."""
    memory = Memory()
    resident = ResidentMemory(
        memory, [run(1, 2), run(2, 3, PageState.PRESENT | PageState.FILE), run(3, 4, PageState.SWAPPED), run(5, 6)]
    )
    for offset, length in ((PAGE, 1), (PAGE, 2 * PAGE), (2 * PAGE - 1, 2), (3 * PAGE - 1, 1), (5 * PAGE, PAGE)):
        assert resident.read_at(offset, length) == b"A" * length
    asked = len(memory.read)
    for offset, length in (
        *((0, 1), (PAGE - 1, 1), (PAGE - 1, 2), (PAGE, 2 * PAGE + 1), (3 * PAGE, 1), (3 * PAGE - 1, 2)),
        *((4 * PAGE, PAGE), (4 * PAGE, 2 * PAGE), (5 * PAGE, PAGE + 1), (6 * PAGE, 1)),
    ):
        assert resident.read_at(offset, length) == b"", (offset, length)
    assert len(memory.read) == asked
    assert ResidentMemory(memory, []).read_at(0, 1) == b""


def test_a_search_keeps_to_pages_in_memory_and_to_the_range() -> None:
    """Pieces of at most a mebibyte; what is found is passed on."""
    memory = Memory()
    pages = SEARCHED_AT_ONCE // PAGE
    resident = ResidentMemory(memory, [run(1, 3), run(8, 8 + pages + 1), run(1000, 1001), run(2000, 2001)])
    found = list(resident.search(2 * PAGE, 1000 * PAGE + 16, lambda at, _: [at]))
    assert memory.searched == [
        (2 * PAGE, 3 * PAGE),
        (8 * PAGE, (8 + pages) * PAGE),
        ((8 + pages) * PAGE, (9 + pages) * PAGE),
        (1000 * PAGE, 1000 * PAGE + 16),
    ]
    assert found == [low for low, _ in memory.searched]


def test_a_search_has_a_bound() -> None:
    """512 MiB, all runs together."""
    memory = Memory()
    half = SEARCHED_MAX // 2 // PAGE
    resident = ResidentMemory(memory, [run(0, half), run(2 * half, 3 * half + 1), run(9 * half, 10 * half)])
    assert list(resident.search(0, 1 << 47, lambda _at, _data: ())) == []
    assert sum(high - low for low, high in memory.searched) == SEARCHED_MAX
    assert memory.searched[-1][1] == 3 * half * PAGE


def test_what_was_read_is_remembered_and_what_was_searched_is_not() -> None:
    """By offset and length."""
    logged = LoggedMemory(Memory())
    assert logged.read_at(5, 2) == b"AA"
    assert list(logged.search(0, 9, lambda at, _: [at])) == [0]
    assert logged.pieces == {(5, 2): b"AA"}


def test_pieces_that_overlap_or_adjoin_are_one() -> None:
    """Ascending, each byte once; holes stay."""
    pieces = {(8, 2): b"89", (0, 3): b"012", (3, 1): b"3", (1, 2): b"12", (2, 3): b"234", (6, 0): b"", (20, 1): b"x"}
    assert merged_pieces(pieces) == ((0, b"01234"), (8, b"89"), (20, b"x"))
    assert list(without_holes([])) == []
    assert list(without_holes([(0, b"ab"), (1, b"XY")])) == [(0, b"abY")], "the earlier piece counts"
    assert list(without_holes([(0, b"abcd"), (0, b"a"), (1, b"b")])) == [(0, b"abcd")]
