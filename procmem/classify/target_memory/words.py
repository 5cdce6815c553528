"""Reading words of the target's memory: the one place that knows their size.

A word that is not resident, or may not be read, is None; nobody downstream can take it for zero.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import MemoryReader

__all__ = ["TargetWords"]


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

    def find(self, low: int, high: int, values: Iterable[int]) -> dict[int, int]:
        """Which of some values stand in a range, as aligned words, and where each was first met."""
        sought = {struct.pack(f"{self._order}{self._letter}", value): value for value in values}
        return {sought[word]: at for word, at in self._memory.find_words(low, high, frozenset(sought)).items()}

    def int32(self, address: int) -> int | None:
        """A 32-bit number, as thread ids are."""
        data = self._memory.read_at(address, 4)
        return struct.unpack(f"{self._order}i", data)[0] if len(data) == 4 else None
