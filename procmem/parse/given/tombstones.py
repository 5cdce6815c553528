"""The memory map in a tombstone: the report that Android's debuggerd writes of a crash.

The last address of a mapping is its last byte, and its size stands beside it, by which a row is known. Nothing tells
device, inode, and whether it is shared; Android before 5 tells no offset either.

Source: Android system/core, debuggerd/libdebuggerd/tombstone_proto_to_text.cpp and, before Android 12, tombstone.cpp
(dump_all_maps()).
"""

from __future__ import annotations

import re

from procmem.model.given_text import GivenText
from procmem.model.note import note
from procmem.parse.given.form import FoundMapping, maps_text
from procmem.parse.given.kernel_files import reported_pid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.parse.given.lines import GivenLines

__all__ = ["TOMBSTONE_ROWS", "read_tombstone"]

_HALF = rb"(?:([0-9a-f]{8})')?([0-9a-f]{1,8})"
"""An address: of 64 bits in two halves."""
_ROW = re.compile(rb"(?:--->)?" + _HALF + rb"-" + _HALF + rb"[ \t]([r-][w-][x-])[ \t]+([0-9a-f]{1,20}(?:[ \t].*)?)")
TOMBSTONE_ROWS = (_ROW,)
"""What it is known by, where something stands before its lines."""
_HEX = re.compile(rb"[0-9a-f]{1,16}")
_DECIMAL = re.compile(rb"[0-9]{1,20}")
_ABOUT_FILE = re.compile(rb"(?:^|[ \t])\((?:BuildId: [0-9a-f]+|load (?:bias|base) 0x[0-9a-f]+)\)$")
"""What stands behind a file's name."""


def read_tombstone(lines: GivenLines) -> GivenText | None:
    """The map of a tombstone; None where there is none."""
    found: list[FoundMapping] = []
    others = 0
    for line in lines.bare:
        row = _row(line)
        if row is not None:
            found.append(row)
        else:
            others += bool(line)
    if not found:
        return None
    notes = (note("tombstone"), *lines.passed_over(others))
    return GivenText({"maps": maps_text(found)}, reported_pid(lines), notes)


def _row(line: bytes) -> FoundMapping | None:
    """A line of the map; None where its size does not agree with its addresses."""
    found = _ROW.fullmatch(line.rstrip())
    if found is None:
        return None
    start, end = _address(found[1], found[2]), _address(found[3], found[4]) + 1
    words = found[6].split(None, 2)
    if len(words) > 1 and _is_size(words[1], _HEX, 16, end - start) and _HEX.fullmatch(words[0]):
        offset, name = int(words[0], 16), words[2:]
    elif _is_size(words[0], _DECIMAL, 10, end - start):
        offset, name = 0, found[6].split(None, 1)[1:]
    else:
        return None
    return FoundMapping(start, end, found[5], offset, _plain_name(name[0]) if name else b"")


def _address(high: bytes | None, low: bytes) -> int:
    return int((high or b"") + low, 16)


def _is_size(word: bytes, digits: re.Pattern[bytes], base: int, size: int) -> bool:
    return size > 0 and digits.fullmatch(word) is not None and int(word, base) == size


def _plain_name(name: bytes) -> bytes:
    """The name without what is told of the file behind it."""
    while (about := _ABOUT_FILE.search(name)) is not None:
        name = name[: about.start()]
    return name
