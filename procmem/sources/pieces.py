"""Readers around a reader: one that remembers what was read, and one that keeps to pages that are in memory.

What was remembered is what a recording keeps, so that a later look at it finds exactly what this one read.
"""

from __future__ import annotations

from bisect import bisect_right

from procmem.model.raw import PageRun, PageState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from procmem.model.ports import ByteReader, MemoryReader

__all__ = ["LoggedMemory", "LoggingReader", "Pieces", "ResidentMemory", "merged_pieces", "without_holes"]

Pieces = dict[tuple[int, int], bytes]
"""What was read, by offset and the length that was asked for."""


_SEARCHED_MAX = 512 << 20
"""At about 4 ns a byte: two seconds."""
_SEARCHED_AT_ONCE = 1 << 20


class LoggingReader:
    """A reader that remembers what was read."""

    def __init__(self, reader: ByteReader, pieces: Pieces | None = None) -> None:
        self._reader = reader
        self.pieces: Pieces = {} if pieces is None else pieces

    def read_at(self, offset: int, length: int) -> bytes:
        """Read, and remember."""
        data = self._reader.read_at(offset, length)
        self.pieces[offset, length] = data
        return data


class LoggedMemory(LoggingReader):
    """Memory that remembers what was read of it, and nothing of what was only searched."""

    def __init__(self, memory: MemoryReader) -> None:
        super().__init__(memory)
        self._memory = memory

    def search(self, low: int, high: int, matches: Callable[[int, bytes], Iterable[int]]) -> Iterator[int]:
        """Search without remembering."""
        return self._memory.search(low, high, matches)


class ResidentMemory:
    """The target's memory, but only where its pages are present: reading must not change the target."""

    def __init__(self, memory: MemoryReader, runs: Iterable[PageRun]) -> None:
        self._memory = memory
        self._runs = [(run.start, run.end) for run in runs if run.state & PageState.PRESENT]
        self._starts = [start for start, _ in self._runs]

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes, or none where a page of them is not in memory."""
        at = bisect_right(self._starts, offset) - 1
        end = self._runs[at][1] if at >= 0 else 0
        while at >= 0 and offset < end < offset + length and at + 1 < len(self._runs) and self._runs[at + 1][0] == end:
            at += 1
            end = self._runs[at][1]
        return self._memory.read_at(offset, length) if offset + length <= end else b""

    def search(self, low: int, high: int, matches: Callable[[int, bytes], Iterable[int]]) -> Iterator[int]:
        """What matches in a range's resident pages, of which so many are looked at (:data:`_SEARCHED_MAX`)."""
        left = _SEARCHED_MAX
        for start, end in self._runs[max(bisect_right(self._starts, low) - 1, 0) :]:
            at, stop = max(start, low), min(end, high)
            while at < stop and left > 0:
                step = min(stop - at, _SEARCHED_AT_ONCE, left)
                yield from self._memory.search(at, at + step, matches)
                at, left = at + step, left - step
            if start >= high:
                break


def merged_pieces(pieces: Pieces) -> tuple[tuple[int, bytes], ...]:
    """Pieces by offset, those that lie within another one or adjoin it made one."""
    return tuple(without_holes((offset, data) for (offset, _), data in pieces.items() if data))


def without_holes(pieces: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Pieces that overlap or adjoin made one, ascending; of bytes that differ, those of the earlier piece count."""
    begin = end = 0
    joined: list[bytes] = []
    for start, data in sorted(pieces, key=lambda piece: (piece[0], len(piece[1]))):
        if joined and start > end:
            yield begin, b"".join(joined)
            joined = []
        if not joined:
            begin = end = start
        if start + len(data) > end:
            joined.append(data[end - start :])
            end = start + len(data)
    if joined:
        yield begin, b"".join(joined)
