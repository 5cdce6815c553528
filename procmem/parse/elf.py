"""A small, hardened reader of ELF headers.

Files that processes map belong to strangers: a four-kilobyte sparse file can claim four billion
program headers. So every table is bounded before it is read (64 KiB of program headers, 1 MiB of section headers),
every offset is checked against what is really there, and every failure is one exception with one
sentence. Files may be heads of files, cut off after their headers: what is needed must be there,
what is not needed may be missing. Symbols are left to pyelftools, which is also this reader's
oracle in the tests.

Source: the System V gABI, chapters 4 (headers, sections) and 5 (program headers, dynamic section).
"""

from __future__ import annotations

import struct

from procmem.errors import BadInput
from procmem.model.elf import (
    NT_GNU_BUILD_ID,
    PN_XNUM,
    PT_DYNAMIC,
    PT_INTERP,
    PT_LOAD,
    PT_NOTE,
    ElfImage,
    Section,
    Segment,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from procmem.model.ports import ByteReader

__all__ = [
    "NotElf",
    "build_id",
    "dynamic_entries",
    "dynamic_strings",
    "interpreter",
    "read_image",
    "read_sections",
]

_HEADER_BYTES_MAX = 64 * 1024
_SECTION_BYTES_MAX = 1024 * 1024
_DYNAMIC_BYTES_MAX = 64 * 1024
_STRING_MAX = 4096
_NAMES_BYTES_MAX = 1024 * 1024


class NotElf(BadInput):
    """The file is no ELF file, or its headers contradict themselves."""


def read_image(reader: ByteReader, *, most: int = _HEADER_BYTES_MAX) -> ElfImage:
    """Read the ELF header and the program headers, of which there may be ``most`` bytes.

    Raises:
        NotElf: not an ELF file, cut off before its program headers, or headers beyond the bounds.
    """
    head = reader.read_at(0, 4096)
    if head[:4] != b"\x7fELF":
        raise NotElf("elf-magic")
    if len(head) < 52 or head[4] not in (1, 2) or head[5] not in (1, 2):
        raise NotElf("elf-class")
    bits = 32 * head[4]
    little = head[5] == 1
    order = "<" if little else ">"
    header_form = order + ("HHIQQQIHHHHHH" if bits == 64 else "HHIIIIIHHHHHH")
    if len(head) < 16 + struct.calcsize(header_form):
        raise NotElf("elf-header-cut")
    (
        file_type,
        machine,
        _version,
        entry,
        phoff,
        shoff,
        _flags,
        _ehsize,
        phentsize,
        phnum,
        shentsize,
        shnum,
        shstrndx,
    ) = struct.unpack_from(header_form, head, 16)
    if phnum == PN_XNUM:
        if most == _HEADER_BYTES_MAX:
            raise NotElf("elf-header-count")
        phnum = _count_of_many(reader, shoff, order, bits)
    wanted_size = 56 if bits == 64 else 32
    if phnum and phentsize != wanted_size:
        raise NotElf("elf-header-size", size=phentsize, due=wanted_size)
    table_bytes = phnum * wanted_size
    if table_bytes > most:
        raise NotElf("elf-too-many-headers", count=phnum)
    in_head = phoff + table_bytes <= len(head)
    table = head[phoff : phoff + table_bytes] if in_head else reader.read_at(phoff, table_bytes)
    if len(table) < table_bytes:
        raise NotElf("elf-headers-beyond")
    segments = tuple(_segments(table, order, bits))
    for segment in segments:
        if segment.type == PT_LOAD:
            _check_load(segment, bits)
    return ElfImage(
        bits=bits,
        little_endian=little,
        type=file_type,
        machine=machine,
        entry=entry,
        phoff=phoff,
        shoff=shoff,
        shentsize=shentsize,
        shnum=shnum,
        shstrndx=shstrndx,
        segments=segments,
    )


def _count_of_many(reader: ByteReader, shoff: int, order: str, bits: int) -> int:
    """The number of program headers where the header has no room for it: sh_info of the first section header."""
    form, at = (order + "I", 44) if bits == 64 else (order + "I", 28)
    found = reader.read_at(shoff + at, 4)
    if len(found) < 4:
        raise NotElf("elf-header-count")
    (count,) = struct.unpack(form, found)
    return int(count)


def _segments(table: bytes, order: str, bits: int) -> Iterator[Segment]:
    if bits == 64:
        for kind, flags, offset, vaddr, _paddr, filesz, memsz, align in struct.iter_unpack(order + "IIQQQQQQ", table):
            yield Segment(kind, flags, offset, vaddr, filesz, memsz, align)
    else:
        for kind, offset, vaddr, _paddr, filesz, memsz, flags, align in struct.iter_unpack(order + "IIIIIIII", table):
            yield Segment(kind, flags, offset, vaddr, filesz, memsz, align)


def _check_load(segment: Segment, bits: int) -> None:
    if segment.filesz > segment.memsz:
        raise NotElf("elf-load-file")
    if segment.vaddr + segment.memsz > 1 << bits or segment.offset + segment.filesz > 1 << 63:
        raise NotElf("elf-load-beyond")


def read_sections(reader: ByteReader, image: ElfImage, *, names: bool = False) -> tuple[Section, ...] | None:
    """Read the section headers; None where the file has none, or where they are cut off or absurd.

    Names cost one more read and are left out unless asked for.
    """
    entry_size = 64 if image.bits == 64 else 40
    count = image.shnum
    if not image.shoff or image.shentsize != entry_size or not 0 < count * entry_size <= _SECTION_BYTES_MAX:
        return None
    table = reader.read_at(image.shoff, count * entry_size)
    if len(table) < count * entry_size:
        return None
    order = "<" if image.little_endian else ">"
    form = order + ("IIQQQQIIQQ" if image.bits == 64 else "IIIIIIIIII")
    rows = list(struct.iter_unpack(form, table))
    strings = b""
    if names and image.shstrndx < count:
        _name, _type, _flags, _addr, offset, size, *_rest = rows[image.shstrndx]
        if size <= _NAMES_BYTES_MAX:
            strings = reader.read_at(offset, size)
    return tuple(
        Section(_string(strings, name), kind, flags, addr, offset, size, link, entsize)
        for name, kind, flags, addr, offset, size, link, _info, _align, entsize in rows
    )


def _string(table: bytes, start: int) -> str:
    if start >= len(table):
        return ""
    end = table.find(b"\0", start)
    return table[start : end if end >= 0 else len(table)][:_STRING_MAX].decode("utf-8", "replace")


def interpreter(reader: ByteReader, image: ElfImage) -> bytes | None:
    """The path in PT_INTERP, or None where the file asks for no interpreter."""
    segment = image.first(PT_INTERP)
    if segment is None or not 0 < segment.filesz <= _STRING_MAX:
        return None
    return reader.read_at(segment.offset, segment.filesz).split(b"\0", 1)[0]


def dynamic_entries(reader: ByteReader, image: ElfImage) -> tuple[tuple[int, int], ...] | None:
    """The dynamic section as (tag, value) pairs up to DT_NULL; None where there is none or it is cut off."""
    segment = image.first(PT_DYNAMIC)
    if segment is None:
        return None
    pair = 2 * image.word_size
    size = min(segment.filesz, _DYNAMIC_BYTES_MAX) // pair * pair
    data = reader.read_at(segment.offset, size)
    data = data[: len(data) // pair * pair]
    if not data:
        return None
    form = ("<" if image.little_endian else ">") + ("qQ" if image.bits == 64 else "iI")
    entries = []
    for tag, value in struct.iter_unpack(form, data):
        if tag == 0:
            break
        entries.append((tag, value))
    return tuple(entries)


def dynamic_strings(
    reader: ByteReader, image: ElfImage, entries: tuple[tuple[int, int], ...], tag: int
) -> tuple[bytes, ...]:
    """The strings that entries of one tag name (DT_NEEDED, DT_SONAME, DT_RUNPATH, DT_RPATH), in order."""
    table_address = next((value for t, value in entries if t == 5), None)  # DT_STRTAB
    offset = None if table_address is None else file_offset(image, table_address)
    if offset is None:
        return ()
    found = []
    for entry_tag, value in entries:
        if entry_tag == tag:
            text = reader.read_at(offset + value, _STRING_MAX)
            found.append(text.split(b"\0", 1)[0])
    return tuple(found)


def file_offset(image: ElfImage, vaddr: int) -> int | None:
    """Where the byte for a virtual address lies in the file; None if no file byte stands behind it."""
    for segment in image.loads:
        if segment.vaddr <= vaddr < segment.vaddr + segment.filesz:
            return vaddr - segment.vaddr + segment.offset
    return None


def build_id(reader: ByteReader, image: ElfImage) -> str | None:
    """The GNU build id as hex digits, from the PT_NOTE segments; None where there is none."""
    form = "<III" if image.little_endian else ">III"
    for segment in image.segments:
        if segment.type != PT_NOTE or segment.filesz > _HEADER_BYTES_MAX:
            continue
        data = reader.read_at(segment.offset, segment.filesz)
        step = 8 if segment.align == 8 else 4
        at = 0
        while at + 12 <= len(data):
            name_size, desc_size, kind = struct.unpack_from(form, data, at)
            name_end = at + 12 + name_size
            desc_start = at + 12 + (name_size + step - 1) // step * step
            if kind == NT_GNU_BUILD_ID and data[at + 12 : name_end] == b"GNU\0":
                return data[desc_start : desc_start + desc_size].hex() or None
            at = desc_start + (desc_size + step - 1) // step * step
    return None
