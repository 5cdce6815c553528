"""The end of malloc's brk heap, where pages were asked for first and headers read later."""

import struct
from collections.abc import Callable, Iterable, Iterator

import pytest

from procmem.classify.page_states import PageStates
from procmem.classify.target_memory.glibc_malloc import beside_brk
from procmem.classify.target_memory.words import TargetWords
from procmem.model.raw import PageRun, PageState
from procmem.parse.maps import parse_maps

START, PAGE = 0x5555_0000_0000, 4096
CACHE, IN_USE = 0x291, 1


class Memory:
    """Pages that are present, and the words that were put there."""

    def __init__(self, present: int, words: dict[int, int]) -> None:
        self._end, self._words = present, words

    def read_at(self, offset: int, length: int) -> bytes:
        """Nothing beyond the pages that were in use when pagemap was read."""
        if offset + length > self._end:
            return b""
        return b"".join(struct.pack("<Q", self._words.get(at, 0)) for at in range(offset, offset + length, 8))

    def search(self, low: int, high: int, matches: Callable[[int, bytes], Iterable[int]]) -> Iterator[int]:
        """Nobody searches here."""
        raise NotImplementedError


@pytest.mark.parametrize(
    ("used_to_its_end", "expected"),
    [(True, ("brk", "likely")), (False, ("anon-private", "likely"))],
    ids=["grew", "merged"],
)
def test_a_heap_that_grew_is_no_foreign_memory(*, used_to_its_end: bool, expected: tuple[str, str]) -> None:
    """Chunks in use up to a page that was not there yet are a growing heap; an unused top chunk is the heap's end."""
    end_of_chunks, end_of_mapping = START + 64 * PAGE, START + 96 * PAGE
    sizes = {START + 8: CACHE, START + 0x290 + 8: 64 * PAGE - 0x290 | IN_USE}
    present = end_of_chunks if used_to_its_end else START + PAGE
    memory = Memory(present, sizes)
    table = parse_maps(f"{START:x}-{end_of_mapping:x} rw-p 00000000 00:00 0 [heap]\n".encode())
    pages = PageStates(((START, end_of_mapping),), (PageRun(START, present, PageState.PRESENT),))
    claims = list(beside_brk(table, TargetWords(memory, 64), pages, START, PAGE, 0))
    assert [(claim.start, claim.end) for claim in claims] == [(end_of_chunks, end_of_mapping)]
    assert (claims[0].label.kind, claims[0].label.certainty.value) == expected
