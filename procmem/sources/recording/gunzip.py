"""What gzip packed, unpacked piece by piece within bounds.

The standard library's reader takes a header apart byte by byte, without an end where nobody ends it, and is slow over
many members that hold nothing; zlib does both itself. Source: RFC 1952.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

__all__ = ["Gunzip"]

_CHUNK = 65_536
_HEADER_AND_DATA = 31
"""wbits of zlib for one member of gzip with its checksum."""
_MEMBERS_MAX = 10_000
"""A log that is added to may have some; each costs time, though nothing may stand in it."""


class Gunzip:
    """The bytes of all members, one behind the other; ``read`` gives what is packed."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._packed = b""
        self._unpacker = zlib.decompressobj(_HEADER_AND_DATA)
        self._members = 0

    def read(self, size: int) -> bytes:
        """The next bytes, ``size`` of them at most; nothing at the end.

        Raises:
            EOFError: it ends within a member.
            ValueError: it has more members than anybody writes.
            zlib.error: damage.
        """
        while True:
            if self._unpacker.eof and not self._next_member():
                return b""
            self._packed = self._packed or self._read(_CHUNK)
            found = self._unpacker.decompress(self._packed, size)
            if not found and not self._packed:
                raise EOFError
            self._packed = self._unpacker.unconsumed_tail or self._unpacker.unused_data
            if found:
                return found

    def _next_member(self) -> bool:
        """Begin with the next member, behind zeros that fill up; False where there is none."""
        while not (packed := self._packed.lstrip(b"\0")):
            self._packed = self._read(_CHUNK)
            if not self._packed:
                return False
        self._packed = packed
        self._members += 1
        if self._members > _MEMBERS_MAX:
            raise ValueError("too many members")
        self._unpacker = zlib.decompressobj(_HEADER_AND_DATA)
        return True
