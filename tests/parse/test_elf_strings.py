"""Words that stand in an object's constants: found wherever they lie, and searched for within bounds."""

import pytest

from procmem.model.elf import PF_W, PF_X, PT_LOAD, ElfImage, Segment
from procmem.parse.elf_strings import words_mentioned

BLOCK = 64 * 1024
SEARCHED_BYTES_MAX = 1 << 30
READ = 4


class Places:
    """A file that has some words and zeros elsewhere; it notes what is read."""

    def __init__(self, words: dict[int, bytes]) -> None:
        self.words = words
        self.read: list[tuple[int, int]] = []

    def read_at(self, offset: int, length: int) -> bytes:
        self.read.append((offset, length))
        block = bytearray(length)
        for at, word in self.words.items():
            if offset - len(word) < at < offset + length:
                whole = bytearray(len(word) * 2 + length)
                whole[at - offset + len(word) : at - offset + 2 * len(word)] = word
                block = bytearray(a | b for a, b in zip(block, whole[len(word) : len(word) + length], strict=True))
        return bytes(block)


def image(*segments: tuple[int, int, int]) -> ElfImage:
    """An object of segments: offset, size, flags."""
    loads = tuple(Segment(PT_LOAD, flags, offset, offset, size, size, 4096) for offset, size, flags in segments)
    return ElfImage(
        bits=64, little_endian=True, type=3, machine=62, entry=0, phoff=64, shoff=0,
        shentsize=64, shnum=0, shstrndx=0, segments=loads,
    )  # fmt: skip


@pytest.mark.parametrize("at", [0, 100, BLOCK - 5, BLOCK - 1, BLOCK, 2 * BLOCK - 5])
def test_a_word_over_the_border_of_two_blocks_is_found(at: int) -> None:
    """Its block is told, with as much of the next as the longest word needs."""
    file = Places({at: b"word5"})
    found = words_mentioned(file, image((0, 2 * BLOCK, READ)), [b"word5", b"other"])
    start = at // BLOCK * BLOCK
    assert found == {b"word5": (start, min(BLOCK + 4, 2 * BLOCK - start))}
    assert file.read == [(0, BLOCK + 4), (BLOCK, BLOCK)]


def test_the_first_block_with_a_word_is_told_and_no_more_read_than_needed() -> None:
    """Once all are found."""
    file = Places({7: b"ab", BLOCK + 9: b"ab", BLOCK + 20: b"cd"})
    found = words_mentioned(file, image((0, 5 * BLOCK, READ)), [b"ab", b"cd"])
    assert found == {b"ab": (0, BLOCK + 1), b"cd": (BLOCK, BLOCK + 1)}
    assert len(file.read) == 2


def test_constants_are_what_is_read_only_and_no_code() -> None:
    """Small headers are not searched where there is more; where code and constants are one, both are."""
    head, code, data = (0, BLOCK - 1, READ), (BLOCK, BLOCK, READ | PF_X), (4 * BLOCK, BLOCK, READ | PF_W)
    for segments, offsets in (
        ((head, code, (2 * BLOCK, BLOCK, READ), data), [2 * BLOCK]),
        ((head, code, data), [0, BLOCK]),
        ((data,), []),
    ):
        file = Places({})
        assert words_mentioned(file, image(*segments), [b"x"]) == {}
        assert [offset for offset, _ in file.read] == offsets


def test_so_much_is_searched() -> None:
    """A gibibyte of all segments together."""

    class Zeros(Places):
        def read_at(self, offset: int, length: int) -> bytes:
            self.read.append((offset, length))
            return b""

    file = Zeros({})
    half = SEARCHED_BYTES_MAX // 2
    words_mentioned(file, image((0, half, READ), (1 << 40, half + 1, READ), (1 << 41, BLOCK, READ)), [b"x"])
    assert sum(length for _, length in file.read) == SEARCHED_BYTES_MAX
    assert file.read[-1] == ((1 << 40) + half - BLOCK, BLOCK)
