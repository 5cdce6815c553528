"""How much the ELF reader reads at most: each bound to the byte, on files that claim to have more."""

import pytest

from procmem.model.elf import (
    DT_NEEDED,
    DT_STRTAB,
    NT_GNU_BUILD_ID,
    PT_DYNAMIC,
    PT_INTERP,
    PT_LOAD,
    PT_NOTE,
    ElfImage,
    Segment,
)
from procmem.parse.elf import build_id, dynamic_entries, dynamic_strings, file_offset, interpreter, read_sections

HEADER_BYTES_MAX = 64 * 1024
SECTION_BYTES_MAX = 1024 * 1024
DYNAMIC_BYTES_MAX = 64 * 1024
STRING_MAX = 4096
NAMES_BYTES_MAX = 1024 * 1024


class Endless:
    """A file of one byte over and over; it notes what is read."""

    def __init__(self, byte: bytes = b"A", **places: bytes) -> None:
        self.byte = byte
        self.places = {int(name.removeprefix("at_")): data for name, data in places.items()}
        self.read: list[tuple[int, int]] = []

    def read_at(self, offset: int, length: int) -> bytes:
        self.read.append((offset, length))
        return self.places.get(offset, b"")[:length].ljust(length, self.byte)


def image(*segments: Segment, bits: int = 64, shnum: int = 0, shstrndx: int = 0) -> ElfImage:
    """A little-endian file with these program headers and this many sections."""
    return ElfImage(
        bits=bits, little_endian=True, type=2, machine=62, entry=0, phoff=64, shoff=4096,
        shentsize=64 if bits == 64 else 40, shnum=shnum, shstrndx=shstrndx, segments=segments,
    )  # fmt: skip


def segment(kind: int, filesz: int, *, vaddr: int = 0, offset: int = 0, align: int = 4) -> Segment:
    """A program header."""
    return Segment(kind, 4, offset, vaddr, filesz, filesz, align)


@pytest.mark.parametrize(("filesz", "is_read"), [(0, False), (1, True), (STRING_MAX, True), (STRING_MAX + 1, False)])
def test_an_interpreters_name(filesz: int, is_read: bool) -> None:
    """As long as a path may be."""
    file = Endless()
    assert interpreter(file, image(segment(PT_INTERP, filesz))) == (b"A" * filesz if is_read else None)
    assert file.read == ([(0, filesz)] if is_read else [])


@pytest.mark.parametrize(("bits", "pair"), [(64, 16), (32, 8)])
def test_a_dynamic_section(bits: int, pair: int) -> None:
    """Whole entries of 64 KiB."""
    for filesz, size in (
        (pair, pair),
        (2 * pair - 1, pair),
        (DYNAMIC_BYTES_MAX, DYNAMIC_BYTES_MAX),
        (1 << 40, 1 << 16),
    ):
        file = Endless(b"\1")
        entries = dynamic_entries(file, image(segment(PT_DYNAMIC, filesz, offset=9), bits=bits))
        assert file.read == [(9, size)]
        assert entries is not None
        assert len(entries) == size // pair
    assert dynamic_entries(Endless(), image(segment(PT_DYNAMIC, pair - 1), bits=bits)) is None


def test_strings_of_the_dynamic_section() -> None:
    """4 KiB of each."""
    file = Endless()
    found = dynamic_strings(
        file, image(segment(PT_LOAD, 0x1000, vaddr=0x400000, offset=0x200)),
        ((DT_NEEDED, 3), (DT_STRTAB, 0x400010), (99, 4)), DT_NEEDED,
    )  # fmt: skip
    assert found == (b"A" * STRING_MAX,)
    assert file.read == [(0x213, STRING_MAX)]


@pytest.mark.parametrize(("bits", "entry"), [(64, 64), (32, 40)])
def test_section_headers(bits: int, entry: int) -> None:
    """A mebibyte of them; none are read of a file that claims more."""
    most = SECTION_BYTES_MAX // entry
    file = Endless(b"\0")
    assert len(read_sections(file, image(bits=bits, shnum=most)) or ()) == most
    assert file.read == [(4096, most * entry)]
    file = Endless(b"\0")
    assert read_sections(file, image(bits=bits, shnum=most + 1)) is None
    assert read_sections(file, image(bits=bits, shnum=0)) is None
    assert file.read == []


@pytest.mark.parametrize(("size", "is_read"), [(NAMES_BYTES_MAX, True), (NAMES_BYTES_MAX + 1, False)])
def test_names_of_sections(size: int, is_read: bool) -> None:
    """A mebibyte of all, of each 4 KiB; beyond, sections have no names."""
    header = (0).to_bytes(4, "little") + bytes(20) + (77).to_bytes(8, "little") + size.to_bytes(8, "little")
    file = Endless(at_4096=header.ljust(64, b"\0"))
    sections = read_sections(file, image(shnum=1), names=True)
    assert sections is not None
    assert sections[0].name == ("A" * STRING_MAX if is_read else "")
    assert file.read[1:] == ([(77, size)] if is_read else [])
    file = Endless(at_4096=header.ljust(64, b"\0"))
    read_sections(file, image(shnum=1, shstrndx=1), names=True)
    assert len(file.read) == 1, "there is no such section"


@pytest.mark.parametrize(("filesz", "is_read"), [(HEADER_BYTES_MAX, True), (HEADER_BYTES_MAX + 1, False)])
def test_notes(filesz: int, is_read: bool) -> None:
    """64 KiB; in what is longer no build id is looked for."""
    words = b"".join(number.to_bytes(4, "little") for number in (4, 3, NT_GNU_BUILD_ID))
    file = Endless(at_0=words + b"GNU\0" + b"\1\2\3")
    assert build_id(file, image(segment(PT_NOTE, filesz))) == ("010203" if is_read else None)
    assert file.read == ([(0, filesz)] if is_read else [])


@pytest.mark.parametrize(("align", "before"), [(4, 16), (8, 16)])
def test_a_build_id_behind_another_note(align: int, before: int) -> None:
    """Names and descriptions end at multiples of 4, or of 8 where the segment says so."""

    def entry(kind: int, name: bytes, description: bytes) -> bytes:
        step = 8 if align == 8 else 4
        pad = [part.ljust((len(part) + step - 1) // step * step, b"\0") for part in (name, description)]
        words = b"".join(n.to_bytes(4, "little") for n in (len(name), len(description), kind))
        return words + b"".join(pad)

    assert before == 16
    data = entry(5, b"GNU\0", b"x" * 5) + entry(NT_GNU_BUILD_ID, b"XXX\0", b"no") + entry(3, b"GNU\0", b"\xab" * 20)
    file = Endless(b"\0", at_0=data)
    assert build_id(file, image(segment(PT_NOTE, len(data), align=align))) == "ab" * 20
    file = Endless(b"\0", at_0=entry(3, b"GNU\0", b""))
    assert build_id(file, image(segment(PT_NOTE, 16, align=align))) is None


def test_bytes_of_a_segment() -> None:
    """From its first address to its last byte in the file."""
    loaded = image(
        segment(PT_LOAD, 0x100, vaddr=0x4000, offset=0x20), segment(PT_LOAD, 0x10, vaddr=0x4100, offset=0x900)
    )
    assert [file_offset(loaded, at) for at in (0x3FFF, 0x4000, 0x40FF, 0x4100, 0x410F, 0x4110)] == [
        None, 0x20, 0x11F, 0x900, 0x90F, None
    ]  # fmt: skip
