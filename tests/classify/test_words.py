"""Words of a process's memory: their size and order, and what is not there."""

from collections.abc import Callable, Iterable, Iterator

import pytest

from procmem.classify.target_memory.words import TargetWords
from tests.support.made_memory import MadeMemory

AT = 0x3000


@pytest.mark.parametrize(("bits", "size"), [(32, 4), (64, 8), (None, 8)])
def test_words_by_their_size(bits: int | None, size: int) -> None:
    """8 bytes where nobody knows; all that was asked for, or nothing."""
    memory = MadeMemory({AT: (1, 2, 3), AT + 4096 - size: (9,)}, size=size)
    words = TargetWords(memory, bits)
    assert words.size == size
    assert words.at(AT, 3) == (1, 2, 3)
    assert words.at(AT + size, 1) == (2,)
    assert words.at(AT + 4096 - size, 1) == (9,)
    assert words.at(AT + 4096 - size, 2) is None
    assert (words.one(AT + size), words.one(AT + 4096)) == (2, None)


def test_numbers_of_32_bits_have_a_sign() -> None:
    """Whatever a word's size; one that is cut off is none."""
    memory = MadeMemory({AT: (0xFFFF_FFFF,), AT + 4092: (7,)}, size=4)
    words = TargetWords(memory, 64)
    assert (words.int32(AT), words.int32(AT + 4092), words.int32(AT + 4094)) == (-1, 7, None)


@pytest.mark.parametrize(("little", "first"), [(True, 0x0403_0201), (False, 0x0102_0304)])
@pytest.mark.parametrize("bits", [32, 64])
def test_words_of_either_byte_order(bits: int, little: bool, first: int) -> None:
    """Read one by one or searched for."""
    memory = MadeMemory({AT: (0x0403_0201, 0)}, size=4)
    words = TargetWords(memory, bits, little_endian=little)
    expected = first if little or bits == 32 else first << 32
    assert words.one(AT) == expected
    assert words.int32(AT) == first
    assert list(words.find(AT, AT + 4096, {expected})) == [(AT, expected)]


@pytest.mark.parametrize("size", [4, 8])
def test_where_values_stand(size: int) -> None:
    """As aligned words, each place with its value."""
    memory = MadeMemory({AT + 16: (5, 6, 5), AT + 4096 + 2 * size: (6,), AT + 8192: (5,)}, size=size)
    words = TargetWords(memory, 8 * size)
    found = list(words.find(AT, AT + 8192, {5, 6, 7}))
    assert found == [(AT + 16, 5), (AT + 16 + size, 6), (AT + 16 + 2 * size, 5), (AT + 4096 + 2 * size, 6)]
    assert list(words.find(AT, AT + 8192, {7})) == []


class _Piecewise(MadeMemory):
    """Memory that is searched in pieces which end within a word."""

    def search(self, low: int, high: int, matches: Callable[[int, bytes], Iterable[int]]) -> Iterator[int]:
        yield from matches(low, self.read_at(low, min(high - low, 30)))


def test_what_is_no_whole_word_is_not_searched() -> None:
    """The end of a piece."""
    for bits, little in ((64, True), (32, True), (64, False)):
        words = TargetWords(_Piecewise({AT: (AT, AT, AT, AT)}), bits, little_endian=little)
        value = words.one(AT) or 0
        assert [place for place, _ in words.find(AT, AT + 4096, {value})] == [AT, AT + 8, AT + 16] + [AT + 24] * (
            bits == 32
        )


class _Changing(MadeMemory):
    """Memory whose words are others by the time they are read again."""

    def read_at(self, offset: int, length: int) -> bytes:
        return bytes([8]) + bytes(length - 1) if offset == AT else b""


def test_a_value_that_is_gone_when_it_is_read_is_not_told() -> None:
    """What was searched is not kept: read again, it is another value, or cannot be read."""
    words = TargetWords(_Changing({AT: (5, 6)}), 64)
    assert list(words.find(AT, AT + 4096, {5, 6})) == []
    assert list(words.find(AT, AT + 4096, {5, 6, 8})) == [(AT, 8)]


@pytest.mark.parametrize("size", [4, 8])
def test_addresses_that_stand_at_themselves(size: int) -> None:
    """Word by word."""
    at = 0x5000_0000
    memory = MadeMemory({at + 64: (at + 64, at + 64), at + 4096 - size: (at + 4096 - size,)}, size=size)
    words = TargetWords(memory, 8 * size)
    assert list(words.pointing_to_themselves(at, at + 4096)) == [at + 64, at + 4096 - size]
