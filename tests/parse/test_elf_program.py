"""What is read of a program for i386 before it is predicted: each fact from a file that has just that."""

import struct
from collections.abc import Mapping, Sequence

import pytest

from procmem.model.elf import (
    DF_TEXTREL,
    DT_FLAGS,
    DT_INIT_ARRAYSZ,
    DT_NEEDED,
    DT_REL,
    DT_RELSZ,
    DT_RPATH,
    DT_RUNPATH,
    DT_SONAME,
    DT_STRTAB,
    DT_SYMTAB,
    DT_TEXTREL,
    PT_DYNAMIC,
    PT_INTERP,
    PT_LOAD,
    PT_NOTE,
    SHT_SYMTAB,
    STB_GNU_UNIQUE,
)
from procmem.model.program_files import OpenedFile, ProgramObject, SearchList
from procmem.parse.elf_program import describe_program

BASE = 0x8000
"""A byte of the first segment lies so far above its place in the file."""
INTERP, NOTE, STRINGS, DYNAMIC, SYMBOLS, RELOCATIONS = 0x200, 0x280, 0x300, 0x500, 0x700, 0x900
CONSTANTS, SYMTAB, STRTAB, SECTIONS, TEXT_END, DATA_END = 0xA00, 0xC00, 0xE00, 0xF00, 0x1000, 0x1200
_INTERPRETER = b"/lib/ld-linux.so.2"


class Bytes:
    """A file in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


Symbol = tuple[int, int, int, int]
"""Where its name stands, its value, its info and its section."""


def symbol(name: int, value: int, info: int, section: int) -> bytes:
    """An Elf32_Sym."""
    return struct.pack("<IIIBBH", name, value, 4, info, 0, section)


def elf(
    *,
    machine: int = 3,
    interp: bytes | None = _INTERPRETER,
    tags: Mapping[int, int] | None = None,
    names: Mapping[bytes, Sequence[int]] | None = None,
    constants: bytes = b"",
    data: bytes = b"",
    symbols: Sequence[bytes] = (),
    relocations: Sequence[int] = (),
    symtab: Sequence[bytes] = (),
    strtab: bytes = b"",
    kind: int = SHT_SYMTAB,
    link: int = 1,
    end: int = DATA_END,
) -> bytes:
    """A program with two segments, a dynamic section, and what a test wants in it.

    ``names`` are strings of the dynamic section with their tags; ``relocations`` are symbol numbers.
    """
    parts = {NOTE: struct.pack("<III", 4, 4, 3) + b"GNU\0\xab\xcd\x01\x02", CONSTANTS: constants, TEXT_END: data}
    strings, entries = b"\0unique\0other\0", dict(tags or {}) | {DT_STRTAB: BASE + STRINGS}
    pairs = list(entries.items())
    for name, of in (names or {}).items():
        pairs += [(tag, len(strings)) for tag in of]
        strings += name + b"\0"
    if relocations:
        pairs += [(DT_REL, BASE + RELOCATIONS), (DT_RELSZ, 8 * len(relocations))]
        parts[RELOCATIONS] = b"".join(struct.pack("<II", 0, number << 8 | 6) for number in relocations)
    if symbols:
        pairs.append((DT_SYMTAB, BASE + SYMBOLS))
        parts[SYMBOLS] = b"".join(symbols)
    parts[STRINGS] = strings
    parts[DYNAMIC] = b"".join(struct.pack("<iI", *pair) for pair in pairs) + bytes(8)
    headers = [
        (PT_LOAD, 0, BASE, TEXT_END, 5, 4096),
        (PT_LOAD, TEXT_END, 0xA000, DATA_END - TEXT_END, 6, 4096),
        (PT_DYNAMIC, DYNAMIC, BASE + DYNAMIC, 8 * len(pairs) + 8, 6, 4),
        (PT_NOTE, NOTE, BASE + NOTE, 20, 4, 4),
    ]
    if interp is not None:
        parts[INTERP] = interp + b"\0"
        headers.append((PT_INTERP, INTERP, BASE + INTERP, len(interp) + 1, 4, 1))
    parts[SYMTAB], parts[STRTAB] = b"".join(symtab), strtab
    if symtab:
        parts[SECTIONS] = _section(kind, SYMTAB, 16 * len(symtab), link) + _section(3, STRTAB, len(strtab), 0)
    head = b"\x7fELF\x01\x01\x01" + bytes(9)
    head += struct.pack(
        "<HHIIIIIHHHHHH", 3, machine, 1, BASE, 52, SECTIONS, 0, 52, 32, len(headers), 40, 2 if symtab else 0, 0
    )
    parts[0] = head + b"".join(
        struct.pack("<8I", kind, offset, vaddr, vaddr, size, size, flags, align)
        for kind, offset, vaddr, size, flags, align in headers
    )
    file = bytearray(DATA_END)
    for at, part in parts.items():
        file[at : at + len(part)] = part
    return bytes(file[:end])


def _section(kind: int, offset: int, size: int, link: int) -> bytes:
    return struct.pack("<10I", 0, kind, 0, 0, offset, size, link, 0, 4, 16)


def described(data: bytes) -> ProgramObject:
    """What is said of a file."""
    found = describe_program(OpenedFile(b"/asked", b"/real", len(data), (3, 4), Bytes(data), changes_ids=True))
    assert found is not None
    return found


def test_a_program_with_nothing_in_it() -> None:
    """Who it is, who loads it; the rest is not there."""
    found = described(elf())
    assert found == ProgramObject(
        opened=b"/asked",
        real=b"/real",
        image=found.image,
        identity=(3, 4),
        interpreter=_INTERPRETER,
        build_id="abcd0102",
        changes_ids=True,
    )
    assert (found.image.entry, len(found.image.loads)) == (BASE, 2)


def test_only_x86_is_described() -> None:
    """Not a header that contradicts itself, not another machine of 32 bit, not what is no ELF file."""
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    wide = [
        ident + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, 0, 64, 0, 0)
        for machine in (3, 62, 183)
    ]
    found = describe_program(OpenedFile(b"/a", b"/a", 64, (0, 0), Bytes(wide[1])))
    assert found is not None
    assert (found.image.bits, found.image.machine) == (64, 62)
    assert found.constructors == 1  # nothing says that it has none
    for data in (wide[0], wide[2], elf(machine=40), elf(machine=2), b"#!/bin/sh\n"):
        assert describe_program(OpenedFile(b"/a", b"/a", len(data), (0, 0), Bytes(data))) is None


def test_names_in_the_dynamic_section() -> None:
    """Libraries in their order, the object's own name, and where to look: the last entry counts."""
    found = described(
        elf(names={b"libm.so.6": [DT_NEEDED], b"me.so": [DT_SONAME], b"/a": [DT_RPATH, DT_RUNPATH], b"/b": [DT_RPATH]})
    )
    assert (found.needed_names, found.soname) == ((b"libm.so.6",), b"me.so")
    assert (found.rpath, found.runpath) == (SearchList(b"/b", ()), SearchList(b"/a", ()))


@pytest.mark.parametrize(
    ("tags", "textrel"),
    [
        ({}, False),
        ({DT_TEXTREL: 0}, True),
        ({DT_FLAGS: DF_TEXTREL}, True),
        ({DT_FLAGS: 0xFF}, True),
        ({DT_FLAGS: 0xFF ^ DF_TEXTREL}, False),
    ],
)
def test_relocations_in_the_code(tags: dict[int, int], textrel: bool) -> None:
    """By either sign."""
    assert described(elf(tags=tags)).textrel is textrel


@pytest.mark.parametrize(("size", "count"), [(None, 0), (0, 0), (4, 0), (8, 1), (12, 2), (40, 9), (11, 1)])
def test_constructors(size: int | None, count: int) -> None:
    """Beyond the one of every object; four bytes each."""
    assert described(elf(tags={} if size is None else {DT_INIT_ARRAYSZ: size})).constructors == count


RELEASE = b"GNU C Library stable release version 2.36, by"


@pytest.mark.parametrize(
    ("options", "version"),
    [
        ({"interp": None, "constants": RELEASE}, "2.36"),
        ({"interp": None, "constants": b"glibc 2.36"}, ""),
        ({"interp": None, "constants": b"musl"}, None),
        ({"interp": None, "data": RELEASE}, None),
        ({"interp": _INTERPRETER, "constants": RELEASE}, None),
        ({"interp": None, "constants": RELEASE, "names": {b"libc.so.6": [DT_SONAME]}}, "2.36"),
        ({"interp": _INTERPRETER, "constants": RELEASE, "names": {b"libc.so.6": [DT_SONAME]}}, "2.36"),
        ({"interp": None, "constants": RELEASE, "names": {b"ld-linux.so.2": [DT_SONAME]}}, "2.36"),
        ({"interp": None, "constants": RELEASE, "names": {b"libm.so.6": [DT_SONAME]}}, None),
        ({"interp": None, "constants": RELEASE, "names": {b"libm.so.6": [DT_NEEDED]}}, None),
    ],
)
def test_whose_constants_tell_glibcs_version(options: dict[str, object], version: str | None) -> None:
    """The C library's, its linker's, and those of a program that brought it along."""
    assert described(elf(**options)).glibc_version == version  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("soname", "constants", "dirs"),
    [
        (b"ld-linux.so.2", b"x\0/lib/\0/usr/lib/\0y", (b"/lib/", b"/usr/lib/")),
        (b"ld-linux.so.2", b"/lib/i386-a/\0/usr/lib/\0/lib32/\0", (b"/lib/i386-a/", b"/usr/lib/", b"/lib32/")),
        (b"ld-linux.so.2", b"x\0/lib/\0y", ()),
        (b"libc.so.6", b"x\0/lib/\0/usr/lib/\0y", ()),
    ],
)  # fmt: skip
def test_the_directories_of_the_linker(soname: bytes, constants: bytes, dirs: tuple[bytes, ...]) -> None:
    """Two or more of them, one behind the other."""
    assert described(elf(interp=None, constants=constants, names={soname: [DT_SONAME]})).system_dirs == dirs


UNIQUE = STB_GNU_UNIQUE << 4 | 1
NONE = symbol(0, 0, 0, 0)


@pytest.mark.parametrize(
    ("symbols", "relocations", "found"),
    [
        ([NONE, symbol(1, 8, UNIQUE, 5)], [1], {b"unique"}),
        ([NONE, symbol(1, 8, UNIQUE, 5), symbol(8, 8, UNIQUE, 5)], [2, 1], {b"unique", b"other"}),
        ([NONE, symbol(1, 8, UNIQUE, 5), symbol(8, 8, UNIQUE, 5)], [2], {b"other"}),
        ([NONE, symbol(1, 8, UNIQUE, 0)], [1], set()),
        ([NONE, symbol(1, 8, 1 << 4 | 1, 5)], [1], set()),
        ([NONE, symbol(1, 8, 11 << 4, 5)], [1], set()),
        ([symbol(1, 8, UNIQUE, 5)], [0], set()),
        ([NONE, symbol(1, 8, UNIQUE, 5)], [], set()),
        ([], [1], set()),
        ([NONE, symbol(1, 8, UNIQUE, 5)], [1, (1 << 20) - 1], {b"unique"}),
        ([NONE, symbol(1, 8, UNIQUE, 5)], [1, 1 << 20], set()),
    ],
)
def test_symbols_that_are_unique(symbols: list[bytes], relocations: list[int], found: set[bytes]) -> None:
    """Defined here, and named by a relocation; a number beyond any table finds none."""
    assert described(elf(symbols=symbols, relocations=relocations)).unique_symbols == found


def test_the_last_symbol_may_end_with_the_file() -> None:
    """One byte less, and it is not there."""
    symbols = [NONE, symbol(1, 8, UNIQUE, 5)]

    class Cut(Bytes):
        """A file in which the table of symbols ends early."""

        def __init__(self, data: bytes, last: int) -> None:
            super().__init__(data)
            self.last = last

        def read_at(self, offset: int, length: int) -> bytes:
            found = super().read_at(offset, length)
            return found[: self.last] if offset == SYMBOLS else found

    for last, names in ((32, {b"unique"}), (31, set())):
        data = elf(symbols=symbols, relocations=[1])
        found = describe_program(OpenedFile(b"/a", b"/a", len(data), (0, 0), Cut(data, last)))
        assert found is not None
        assert found.unique_symbols == names


MAIN = b"\0main\0domain\0x\0"


@pytest.mark.parametrize(
    ("symtab", "options", "main"),
    [
        ([NONE, symbol(1, 0x8123, 0x12, 5)], {}, 0x8123),
        ([NONE, symbol(8, 0x8123, 0x12, 5)], {}, 0x8123),
        ([NONE, symbol(6, 0x8111, 0x12, 5), symbol(1, 0x8123, 0x12, 5)], {}, 0x8123),
        ([NONE, symbol(1, 0, 0x12, 5), symbol(1, 0x8124, 0x12, 5)], {}, 0x8124),
        ([NONE, symbol(1, 0x8123, 0x12, 0)], {}, None),
        ([NONE, symbol(13, 0x8123, 0x12, 5)], {}, None),
        ([NONE, symbol(1, 0x8123, 0x12, 5)], {"kind": 11}, None),
        ([NONE, symbol(1, 0x8123, 0x12, 5)], {"kind": 1}, None),
        ([NONE, symbol(1, 0x8123, 0x12, 5)], {"link": 2}, None),
        ([NONE, symbol(1, 0x8123, 0x12, 5)], {"names": {b"me.so": [DT_SONAME]}}, 0x8123),
        ([NONE, symbol(1, 0x8123, 0x12, 5)], {"names": {b"me.so": [DT_SONAME]}, "interp": None}, None),
        ([NONE, symbol(1, 0x8123, 0x12, 5)], {"interp": None}, 0x8123),
        ([], {}, None),
    ],
)
def test_where_main_is(symtab: list[bytes], options: dict[str, object], main: int | None) -> None:
    """By the symbol table, of what may be a program; a name may be the tail of a longer one."""
    assert described(elf(symtab=symtab, strtab=MAIN, **options)).main == main  # type: ignore[arg-type]
