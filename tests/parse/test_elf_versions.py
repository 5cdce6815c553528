"""The highest version index of an ELF object, by both of its tables; damaged ones end where they are damaged."""

import struct

import pytest

from procmem.model.elf import (
    DT_VERDEF,
    DT_VERDEFNUM,
    DT_VERNEED,
    DT_VERNEEDNUM,
    PT_LOAD,
)
from procmem.parse.elf_program import _highest_version
from tests.parse.test_elf_bounds import image, segment

NEED, DEF = 0x100, 0x200
IMAGE = image(segment(PT_LOAD, 0x1000), bits=32)


class File:
    """A file in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def need(count: int, following: int) -> bytes:
    """A Verneed; its Vernaux stand right behind it."""
    return struct.pack("<HHIII", 1, count, 0, 16, following)


def aux(index: int, following: int = 16) -> bytes:
    """A Vernaux."""
    return struct.pack("<IHHII", 0, 0, index, 0, following)


def definition(index: int, following: int) -> bytes:
    """A Verdef."""
    return struct.pack("<HHHHIII", 1, 0, index, 0, 0, 0, following)


NEEDED = need(2, 48) + aux(3) + aux(0x8007) + need(1, 0) + aux(5, 0)
DEFINED = definition(1, 20) + definition(9, 0)


def highest(needed: bytes = b"", defined: bytes = b"", *, needs: int = 2, definitions: int = 2) -> int | None:
    """Of a file with these tables."""
    data = b"\0" * NEED + needed
    tags = {DT_VERNEED: NEED, DT_VERNEEDNUM: needs} if needed else {}
    if defined:
        data = data.ljust(DEF, b"\0") + defined
        tags |= {DT_VERDEF: DEF, DT_VERDEFNUM: definitions}
    return _highest_version(File(data), IMAGE, tags)


def test_both_tables_count() -> None:
    """Bit 15 says hidden, and is no part of the index."""
    assert highest(NEEDED) == 7
    assert highest(defined=DEFINED) == 9
    assert highest(NEEDED, DEFINED) == 9
    assert highest(NEEDED, definition(2, 0)) == 7
    assert highest() is None


@pytest.mark.parametrize(
    ("needed", "index"),
    [
        (NEEDED[:15], None),
        (NEEDED[:16], None),
        (NEEDED[:31], None),
        (NEEDED[:32], 3),
        (NEEDED[:47], 3),
        (NEEDED[:48], 7),
        (need(1, 32) + aux(3) + (need(1, 0) + aux(5))[:31], 3),
        (need(1, 32) + aux(3) + need(1, 0) + aux(5), 5),
        (need(1, 0) + aux(3) + need(1, 0) + aux(5), 3),
        (need(0, 0) + aux(3), None),
    ],
)
def test_a_table_that_is_cut_off(needed: bytes, index: int | None) -> None:
    """What stands before the cut counts."""
    assert highest(needed) == index


def test_definitions_that_are_cut_off_or_end() -> None:
    """By their number, by the last one, or by the end of the file."""
    assert [highest(defined=DEFINED[:cut]) for cut in (19, 20, 39, 40)] == [None, 1, 1, 9]
    assert highest(defined=DEFINED, definitions=1) == 1
    assert highest(defined=definition(1, 0) + definition(9, 0)) == 1
    assert highest(NEEDED, needs=1) == 7
    assert highest(NEEDED, needs=0) is None


@pytest.mark.parametrize("lacking", [DT_VERNEED, DT_VERNEEDNUM])
def test_a_table_without_its_place_or_its_number(lacking: int) -> None:
    """Is none, whatever stands at the beginning of the file."""
    tags = {DT_VERNEED: 0, DT_VERNEEDNUM: 2}
    del tags[lacking]
    assert _highest_version(File(NEEDED), IMAGE, tags) is None


def test_tables_that_go_round_in_circles_end() -> None:
    """4096 of each sort are read: 65,535 versions of 65,535 files would take an hour."""
    read: list[int] = []

    class Endless(File):
        """Every record is the same, and has a next one."""

        def read_at(self, offset: int, length: int) -> bytes:
            read.append(offset)
            return struct.pack("<HHIIII", 1, 65_535, 0, 1, 1, 1)[:length]

    image_of_all = image(segment(PT_LOAD, 1 << 40), bits=32)
    tags = {DT_VERNEED: 0, DT_VERNEEDNUM: 65_535, DT_VERDEF: 0, DT_VERDEFNUM: 65_535}
    _highest_version(Endless(b""), image_of_all, tags)
    assert len(read) == 3 * 4096
