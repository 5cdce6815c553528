"""Memory that nobody has: words at addresses, for tests of what looks into a process."""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["MadeMemory"]

PAGE = 4096


class MadeMemory:
    """Pages that are there, zero but for what was put; nothing of other pages can be read. Words of ``size`` bytes."""

    def __init__(self, words: Mapping[int, tuple[int, ...]] | None = None, *, size: int = 8) -> None:
        self._pages: dict[int, bytearray] = {}
        self._letter = {4: "I", 8: "Q"}[size]
        for address, values in (words or {}).items():
            self.put(address, *values)

    def put(self, address: int, *values: int) -> None:
        """Words, one behind the other; their pages are there from now on."""
        data = struct.pack(f"<{len(values)}{self._letter}", *values)
        self.present(address, address + len(data))
        for at, byte in enumerate(data, start=address):
            self._pages[at // PAGE][at % PAGE] = byte

    def present(self, low: int, high: int) -> None:
        """All pages of a range are there."""
        for page in range(low // PAGE, -(-high // PAGE)):
            self._pages.setdefault(page, bytearray(PAGE))

    def read_at(self, offset: int, length: int) -> bytes:
        """What is there from an address on: less than was asked for where a page is not."""
        data = b""
        for page in range(offset // PAGE, (offset + length - 1) // PAGE + 1):
            if page not in self._pages:
                break
            data += self._pages[page]
        return data[offset % PAGE :][:length]

    def search(self, low: int, high: int, matches: Callable[[int, bytes], Iterable[int]]) -> Iterator[int]:
        """Page by page."""
        for page in sorted(self._pages):
            if low <= page * PAGE < high:
                yield from matches(page * PAGE, bytes(self._pages[page]))
