"""What classification asks of a mapped file, of files that have just that; and the borders of headers."""

import struct

import pytest

from procmem.model.elf import DT_DEBUG, DT_NEEDED, DT_SONAME, PT_INTERP, PT_LOAD, PT_NOTE, ElfImage
from procmem.model.note import note
from procmem.model.program_files import OpenedFile
from procmem.model.raw import MappedFile
from procmem.model.region import ElfObject
from procmem.parse.elf import NotElf, build_id, dynamic_entries, read_image, read_sections
from procmem.parse.elf_object import may_list_threads, read_object, read_words
from procmem.parse.elf_program import describe_program
from tests.parse.test_elf_bounds import Endless, image, segment
from tests.parse.test_elf_program import NONE, Bytes, elf, symbol


def mapped(path: bytes = b"/usr/lib/x.so", *, is_program: bool = False) -> MappedFile:
    """A file of this name."""
    return MappedFile("08:01", 7, path, ((0x1000, 0x2000),), is_program)


class Asked(Bytes):
    """A file that notes what is read of it."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.read: list[tuple[int, int]] = []

    def read_at(self, offset: int, length: int) -> bytes:
        self.read.append((offset, length))
        return super().read_at(offset, length)


def test_a_library_and_a_program() -> None:
    """Its own name, the entry that linkers give to programs, its sections; their names of a program alone."""
    data = elf(names={b"me.so": [DT_SONAME]}, tags={DT_DEBUG: 0}, symtab=[NONE])
    library, program = (read_object(Bytes(data), mapped(is_program=whose)) for whose in (False, True))
    assert (library.soname, library.has_debug, library.problem) == (b"me.so", True, None)
    assert library.image == read_image(Bytes(data))
    assert [section.size for section in library.sections or ()] == [16, 0]
    assert library.exports == frozenset()
    plain = read_object(Bytes(elf(names={b"other.so": [DT_NEEDED]})), mapped())
    assert (plain.soname, plain.has_debug) == (None, False)
    asked = Asked(data)
    read_object(asked, mapped(is_program=True))
    assert program.sections is not None
    assert len(asked.read) == len(set(asked.read))


@pytest.mark.parametrize("tag", [DT_DEBUG - 1, DT_DEBUG + 1])
def test_other_entries_do_not_mark_a_program(tag: int) -> None:
    """Only DT_DEBUG does."""
    assert not read_object(Bytes(elf(tags={tag: 0x8000})), mapped()).has_debug


def test_a_file_that_is_none() -> None:
    """Why, in the value."""
    found = read_object(Bytes(b"#!/bin/sh\n"), mapped())
    assert (found.image, found.problem) == (None, note("elf-magic"))


@pytest.mark.parametrize(
    ("path", "symbols", "looks"),
    [
        (b"/usr/lib/x.so", ("malloc",), True),
        (b"/usr/lib/x.so", (), False),
        (b"/usr/lib/libc.so.6", ("malloc",), False),
        (b"/usr/lib/libc.so.6 (deleted)", ("malloc",), False),
        (b"/libc.so.6/x.so", ("malloc",), True),
    ],
)
def test_whose_exports_are_looked_at(
    path: bytes, symbols: tuple[str, ...], looks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where some are asked for, but for the C library, which exports none of them."""
    monkeypatch.setattr("procmem.parse.elf_exports.exported_names", lambda *_: frozenset({"seen"}))
    assert (read_object(Bytes(elf()), mapped(path), symbols).exports == {"seen"}) is looks


@pytest.mark.parametrize(
    ("path", "is_program", "interp", "may"),
    [
        (b"/bin/x", True, None, True),
        (b"/bin/x", True, b"/lib/ld-linux.so.2", False),
        (b"/usr/lib/libc.so.6", True, b"/lib/ld-linux.so.2", False),
        (b"/usr/lib/libc.so.6", False, None, True),
        (b"/usr/lib/libc.so.6 (deleted)", False, None, True),
        (b"/usr/lib/x.so", False, None, False),
    ],
)
def test_who_may_list_threads(path: bytes, is_program: bool, interp: bytes | None, may: bool) -> None:
    """A program without a linker, and glibc's own objects."""
    segments = [segment(PT_LOAD, 0x1000)] + ([segment(PT_INTERP, 9)] if interp else [])
    assert may_list_threads(ElfObject(mapped(path, is_program=is_program), image(*segments))) is may
    assert not may_list_threads(ElfObject(mapped(path, is_program=is_program), None))


def test_words_of_an_object() -> None:
    """Those that stand in its constants; the blocks that hold them are read once more for a recording."""
    data = elf(constants=b"one two")
    item, keep = read_object(Bytes(data), mapped()), Asked(data)
    found = read_words(Bytes(data), keep, item, (b"one", b"three"))
    assert (set(found.mentions), len(keep.read)) == ({b"one"}, 1)
    assert b"one" in data[keep.read[0][0] :][: keep.read[0][1]]
    assert read_words(Bytes(data), keep, item, (b"three",)).mentions == frozenset()
    assert len(keep.read) == 1


def header(*, bits: int = 64, order: int = 1, phoff: int | None = None, phnum: int = 1, at: int = 0) -> bytes:
    """An ELF header alone."""
    form, size = ("QQQ", 56) if bits == 64 else ("III", 32)
    own = 64 if bits == 64 else 52
    words = (2, 62, 1, at, own if phoff is None else phoff, 0, 0, own, size, phnum, 0, 0, 0)
    packed = struct.pack(f"{'<' if order == 1 else '>'}HHI{form}IHHHHHH", *words)
    return b"\x7fELF" + bytes([bits // 32, order, 1]) + bytes(9) + packed


def load(*, vaddr: int = 0, offset: int = 0, filesz: int = 0, memsz: int = 0) -> bytes:
    """A PT_LOAD of 64 bit."""
    return struct.pack("<IIQQQQQQ", PT_LOAD, 5, offset, vaddr, vaddr, filesz, memsz, 4096)


@pytest.mark.parametrize(
    ("bits", "order", "code"),
    [
        (32, 1, None),
        (32, 2, None),
        (64, 1, None),
        (64, 2, None),
        (0, 1, "elf-class"),
        (96, 1, "elf-class"),
        (64, 0, "elf-class"),
        (64, 3, "elf-class"),
    ],
)
def test_widths_and_byte_orders(bits: int, order: int, code: str | None) -> None:
    """Two of each."""
    data = header(bits=32 if bits in (0, 96) else bits, order=order, phnum=0, at=0x1234)
    data = data[:4] + bytes([bits // 32]) + data[5:]
    if code is not None:
        with pytest.raises(NotElf) as raised:
            read_image(Bytes(data))
        assert raised.value.code == code
        return
    found = read_image(Bytes(data))
    assert (found.bits, found.little_endian, found.entry) == (bits, order == 1, 0x1234)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (header(phnum=0), None),
        (header(phnum=0)[:-1], "elf-header-cut"),
        (header(phnum=0, bits=32), None),
        (header(phnum=0, bits=32)[:-1], "elf-class"),
        (header() + load(), None),
        (header() + load()[:-1], "elf-headers-beyond"),
        (header(phoff=4096 - 56).ljust(4096 - 56, b"\0") + load(), None),
        (header(phoff=5000).ljust(5000, b"\0") + load(), None),
        (header(phoff=5000).ljust(5000, b"\0") + load()[:-1], "elf-headers-beyond"),
        (header() + load(filesz=7, memsz=7), None),
        (header() + load(filesz=8, memsz=7), "elf-load-file"),
        (header() + load(vaddr=(1 << 64) - 8, memsz=8), None),
        (header() + load(vaddr=(1 << 64) - 8, memsz=9), "elf-load-beyond"),
        (header() + load(offset=(1 << 63) - 8, filesz=8, memsz=8), None),
        (header() + load(offset=(1 << 63) - 8, filesz=9, memsz=9), "elf-load-beyond"),
    ],
)
def test_borders_of_headers(data: bytes, code: str | None) -> None:
    """The last byte that must be there, and the last address."""
    if code is None:
        assert len(read_image(Bytes(data)).segments) == struct.unpack_from("<H", data, 56 if data[4] == 2 else 44)[0]
        return
    with pytest.raises(NotElf) as raised:
        read_image(Bytes(data))
    assert raised.value.code == code


def test_headers_in_the_first_bytes_cost_one_read() -> None:
    """4 KiB; others are read where they are."""
    for phoff, reads in ((64, [(0, 4096)]), (5000, [(0, 4096), (5000, 56)])):
        file = Asked(header(phoff=phoff).ljust(phoff, b"\0") + load())
        read_image(file)
        assert file.read == reads


def with_sections(strings: bytes, *names: int, link: int = 0, count: int | None = None) -> tuple[Bytes, ElfImage]:
    """Sections of 64 bit, the first of which holds the names of all."""
    rows = b"".join(
        struct.pack("<IIQQQQIIQQ", name, 3, 0, 0, 4096, len(strings) if not at else 0, 0, 0, 0, 0)
        for at, name in enumerate(names)
    )
    file = Bytes(bytes(128) + rows + bytes(4096 - 128 - len(rows)) + strings)
    shown = image(shnum=len(names) if count is None else count, shstrndx=link)._replace(shoff=128)
    return file, shown


@pytest.mark.parametrize(
    ("strings", "at", "name"),
    [
        (b".a\0.b\0", 0, ".a"),
        (b".a\0.b\0", 1, "a"),
        (b".a\0.b\0", 3, ".b"),
        (b".a\0.b", 3, ".b"),
        (b".a\0.b", 4, "b"),
        (b".a\0.b", 5, ""),
        (b".a\0.b", 99, ""),
        (b"\0", 0, ""),
    ],
)
def test_a_name_of_a_section(strings: bytes, at: int, name: str) -> None:
    """Up to its end, or that of the table."""
    file, shown = with_sections(strings, at)
    assert [section.name for section in read_sections(file, shown, names=True) or ()] == [name]
    assert [section.name for section in read_sections(file, shown) or ()] == [""]


@pytest.mark.parametrize(
    ("changed", "are_there"),
    [
        ({}, True),
        ({"shoff": 0}, False),
        ({"shentsize": 40}, False),
        ({"shentsize": 63}, False),
        ({"shnum": 0}, False),
        ({"shnum": 62}, True),
        ({"shnum": 63}, False),
    ],
)
def test_section_headers_that_are_there(changed: dict[str, int], are_there: bool) -> None:
    """Of the size that the width asks for, and all of them within the file."""
    file, shown = with_sections(b"", 0, 0)
    assert (read_sections(Bytes(file.data[:4096]), shown._replace(**changed)) is not None) is are_there  # type: ignore[arg-type]


def test_the_dynamic_section_ends_at_its_null() -> None:
    """What stands behind it counts no more; half an entry is none."""
    data = struct.pack("<qQqQqQ", 1, 2, 0, 0, 3, 4)
    shown = image(segment(2, 48))
    assert dynamic_entries(Bytes(data), shown) == ((1, 2),)
    assert dynamic_entries(Bytes(data[:31]), shown) == ((1, 2),)
    assert dynamic_entries(Bytes(data[:15]), shown) is None
    assert dynamic_entries(Bytes(data[16:]), shown) == ()


def elf_note(kind: int, name: bytes, description: bytes) -> bytes:
    """A note, padded to 4."""
    parts = (part.ljust(-(-len(part) // 4) * 4, b"\0") for part in (name, description))
    return struct.pack("<III", len(name), len(description), kind) + b"".join(parts)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (elf_note(3, b"GNU\0", b"\xab"), "ab"),
        (elf_note(2, b"GNU\0", b"\xab"), None),
        (elf_note(4, b"GNU\0", b"\xab"), None),
        (elf_note(3, b"GNX\0", b"\xab"), None),
        (elf_note(3, b"GNU", b"\xab"), None),
        (elf_note(1, b"abcde", b"12345") + elf_note(3, b"GNU\0", b"\xab\xcd"), "abcd"),
        (elf_note(1, b"", b"") + elf_note(3, b"GNU\0", b"\xab\xcd"), "abcd"),
        (elf_note(1, b"a", b"1") + elf_note(3, b"GNU\0", b"\xab\xcd")[:15], None),
        (elf_note(3, b"GNU\0", b"\xab" * 8)[:16], None),
        (elf_note(3, b"GNU\0", b"")[:12], None),
        (elf_note(3, b"", b""), None),
    ],
)
def test_which_note_is_the_build_id(data: bytes, found: str | None) -> None:
    """By its kind and its owner, behind notes of any length."""
    assert build_id(Bytes(data), image(segment(PT_NOTE, len(data)))) == found


def test_how_much_of_a_program_is_searched() -> None:
    """16 MiB of each constant segment, as many bytes of relocations, symbols up to 2^20, names of 4 KiB."""
    head = elf(interp=None)
    segments = bytearray(head)
    struct.pack_into("<I", segments, 52 + 16, 64 << 20)  # p_filesz of the first
    struct.pack_into("<I", segments, 52 + 20, 64 << 20)  # p_memsz

    class Large(Endless):
        """Behind its headers the file has no end."""

        def read_at(self, offset: int, length: int) -> bytes:
            self.read.append((offset, length))
            return bytes(segments[offset : offset + length])

    file = Large()
    assert describe_program_of(file) is not None
    assert (0, 16 << 20) in file.read


def describe_program_of(file: Endless) -> object:
    """What is said of an i386 program."""
    return describe_program(OpenedFile(b"/a", b"/a", 1 << 30, (0, 0), file))


def test_symbols_stand_where_their_numbers_say() -> None:
    """Sixteen bytes each."""
    symbols = [NONE, *[symbol(8, 8, 1 << 4, 5)] * 3, symbol(1, 8, 10 << 4, 5)]
    data = elf(symbols=symbols, relocations=[4, 2])
    found = describe_program(OpenedFile(b"/a", b"/a", len(data), (0, 0), Bytes(data)))
    assert found is not None
    assert found.unique_symbols == {b"unique"}
