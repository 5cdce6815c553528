"""Reading words of the target's memory: the one place that knows their size.

A word that is not resident, or may not be read, is None; nobody downstream can take it for zero.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import MemoryReader

__all__ = ["TargetWords"]

_NATIVE = "<" if sys.byteorder == "little" else ">"


class TargetWords:
    """Words of one process: 4 or 8 bytes, in its byte order."""

    def __init__(self, memory: MemoryReader, bits: int | None, *, little_endian: bool = True) -> None:
        self._memory = memory
        self.size = 4 if bits == 32 else 8
        self._letter = "I" if bits == 32 else "Q"
        self._order = "<" if little_endian else ">"

    def at(self, address: int, count: int) -> tuple[int, ...] | None:
        """Neighbouring words, or None where one of them cannot be had."""
        data = self._memory.read_at(address, count * self.size)
        if len(data) < count * self.size:
            return None
        return struct.unpack(f"{self._order}{count}{self._letter}", data)

    def one(self, address: int) -> int | None:
        """One word, or None."""
        words = self.at(address, 1)
        return None if words is None else words[0]

    def find(self, low: int, high: int, values: Set[int]) -> Iterator[tuple[int, int]]:
        """Which of some values stand in a range as aligned words: each place, and the value there."""

        def matches(start: int, data: bytes) -> Iterable[int]:
            words = self._words_in(data)
            if values.isdisjoint(words):
                return ()
            return [start + at * self.size for at, word in enumerate(words) if word in values]

        for place in self._memory.search(low, high, matches):
            value = self.one(place)
            if value is not None and value in values:
                yield place, value

    def pointing_to_themselves(self, low: int, high: int) -> Iterator[int]:
        """The addresses in a range at which they themselves stand."""

        def matches(start: int, data: bytes) -> Iterable[int]:
            words = self._words_in(data)
            return [at for at, word in zip(count(start, self.size), words, strict=False) if word == at]

        return self._memory.search(low, high, matches)

    def _words_in(self, data: bytes) -> Sequence[int]:
        usable = data[: len(data) // self.size * self.size]
        if self._order == _NATIVE:
            return memoryview(usable).cast("I" if self.size == 4 else "Q")
        return struct.unpack(f"{self._order}{len(usable) // self.size}{self._letter}", usable)

    def int32(self, address: int) -> int | None:
        """A 32-bit number, as thread ids are."""
        data = self._memory.read_at(address, 4)
        return struct.unpack(f"{self._order}i", data)[0] if len(data) == 4 else None
