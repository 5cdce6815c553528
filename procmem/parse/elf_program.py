"""What an ELF file of x86 says that decides where a program and its libraries lie: the input of a prediction.

Version tables, symbols that must be unique, constructors, built-in directories; headers are read by ``parse.elf``.
Source: the System V gABI and its i386 and x86-64 supplements; glibc elf/dl-load.c for what of it matters; for file
systems thp_get_unmapped_area in the file operations below fs (as of Linux 6.18).
"""

import re
import struct
from collections.abc import Iterator

from procmem.model.elf import (
    DF_TEXTREL,
    DT_FLAGS,
    DT_NEEDED,
    DT_REL,
    DT_RELA,
    DT_RELASZ,
    DT_RELSZ,
    DT_RPATH,
    DT_RUNPATH,
    DT_SONAME,
    DT_STRTAB,
    DT_SYMTAB,
    DT_TEXTREL,
    DT_VERDEF,
    DT_VERDEFNUM,
    DT_VERNEED,
    DT_VERNEEDNUM,
    EM_386,
    EM_X86_64,
    PF_W,
    PT_LOAD,
    SHT_SYMTAB,
    STB_GNU_UNIQUE,
    ElfImage,
)
from procmem.model.libc_files import GLIBC, LIBSTDCXX, LINKER_386, LINKER_X86_64, is_dynamic_linker
from procmem.model.named_tuple import NamedTuple
from procmem.model.ports import ByteReader
from procmem.model.program_files import OpenedFile, ProgramObject, SearchList
from procmem.parse.elf import (
    NotElf,
    build_id,
    dynamic_entries,
    dynamic_strings,
    file_offset,
    interpreter,
    read_image,
    read_sections,
)
from procmem.parse.elf_constructors import constructors_of, constructors_with_threads
from procmem.parse.mountinfo import file_system_of

__all__ = ["describe_program"]

_SYMBOLS_MAX, _NAME_MAX = 1 << 20, 4096
_VERSION = re.compile(rb"stable release version ([0-9]+\.[0-9]+)")
_SYSTEM_DIRS = re.compile(rb"(?:/[\w.+/-]*lib[\w.+/-]*/\0){2,}")
_SCAN_BYTES_MAX = 16 << 20
_VERSIONS_MAX = 4096
"""Of each table, and of all that an object needs: no object has as many, and a damaged one may go round in circles."""


def describe_program(opened: OpenedFile) -> ProgramObject | None:
    """Say of an opened file what decides its place in memory; None where it is no object of i386 or x86-64."""
    reader = opened.reader
    try:
        image = read_image(reader)
    except NotElf:
        return None
    records = _RECORDS.get((image.bits, image.machine)) if image.little_endian else None
    if records is None:
        return None
    entries = dynamic_entries(reader, image) or ()
    tags = dict(entries)
    soname = next(iter(dynamic_strings(reader, image, entries, DT_SONAME)), None)
    asked = interpreter(reader, image)
    needed = dynamic_strings(reader, image, entries, DT_NEEDED)
    alone = asked is None and soname is None and not needed
    rodata = _constants(reader, image) if soname in _SCANNED or alone else b""
    version = _VERSION.search(rodata)
    constructors = constructors_of(reader, image, tags, is_static=alone)
    holds_glibc = version is not None or b"glibc" in rodata
    dirs = _SYSTEM_DIRS.search(rodata) if is_dynamic_linker(soname) else None
    return ProgramObject(
        opened=opened.opened,
        real=opened.real,
        image=image,
        identity=opened.identity,
        interpreter=asked,
        needed_names=needed,
        soname=soname,
        rpath=_list(dynamic_strings(reader, image, entries, DT_RPATH)),
        runpath=_list(dynamic_strings(reader, image, entries, DT_RUNPATH)),
        textrel=DT_TEXTREL in tags or bool(tags.get(DT_FLAGS, 0) & DF_TEXTREL),
        highest_version=_highest_version(reader, image, tags),
        unique_symbols=_unique_symbols(reader, image, tags, records),
        constructors=constructors.own,
        early_constructors=constructors.early,
        constructor_threads=(
            constructors_with_threads(reader, image, constructors.addresses) if constructors.own and holds_glibc else 0
        ),
        changes_ids=opened.changes_ids,
        is_secure=opened.is_secure,
        build_id=build_id(reader, image),
        glibc_version=version[1].decode() if version else "" if holds_glibc else None,
        system_dirs=tuple(dirs[0].rstrip(b"\0").split(b"\0")) if dirs else (),
        main=_main_address(reader, image, records) if asked is not None or soname is None else None,
        holds_stdcxx=asked is not None
        and soname is None
        and LIBSTDCXX not in needed
        and _STDCXX_TYPE in _constants(reader, image),
        huge_aligned=_ALIGNED.get(file_system_of(opened.fdinfo, opened.mountinfo) or b""),
    )


class _Records(NamedTuple):
    """How symbols and relocations stand in a file: the fields of a symbol by name, and where relocations begin."""

    symbol: struct.Struct
    value_at: int
    info_at: int
    section_at: int
    relocation: struct.Struct
    symbol_shift: int
    table: int
    table_size: int


_RECORDS = {
    (32, EM_386): _Records(struct.Struct("<IIIBBH"), 1, 3, 5, struct.Struct("<II"), 8, DT_REL, DT_RELSZ),
    (64, EM_X86_64): _Records(struct.Struct("<IBBHQQ"), 4, 1, 3, struct.Struct("<QQq"), 32, DT_RELA, DT_RELASZ),
}
_ALIGNED = {
    **dict.fromkeys((b"ext4", b"xfs", b"btrfs"), True),
    **dict.fromkeys((b"overlay", b"tmpfs", b"ramfs", b"devtmpfs"), False),
}
"""Whether a file system places large mappings so that huge pages fit; measured of ext4, overlay and tmpfs, the others
from the kernel's sources. What is not here is not known."""


_STDCXX_TYPE = b"\0St9bad_alloc\0"
"""C++'s library, and the name of a type that only it defines (libsupc++/bad_alloc.cc)."""
_SCANNED = (GLIBC, LINKER_386, LINKER_X86_64)
"""Objects that carry glibc's version, and the linker's built-in directories, in their constants."""


def _list(texts: tuple[bytes, ...]) -> SearchList | None:
    return SearchList(texts[-1], ()) if texts else None


def _constants(reader: ByteReader, image: ElfImage) -> bytes:
    """The bytes of the segments that cannot be written, up to a bound."""
    parts = []
    for segment in image.segments:
        if segment.type == PT_LOAD and not segment.flags & PF_W:
            parts.append(reader.read_at(segment.offset, min(segment.filesz, _SCAN_BYTES_MAX)))
    return b"".join(parts)


def _highest_version(reader: ByteReader, image: ElfImage, tags: dict[int, int]) -> int | None:
    """The highest index in the version tables, without the bit that hides a version."""
    return max((index & 0x7FFF for index in _version_indices(reader, image, tags)), default=None)


def _version_indices(reader: ByteReader, image: ElfImage, tags: dict[int, int]) -> Iterator[int]:
    """The indices in the version tables (gABI supplement: Verneed, Vernaux, Verdef)."""
    needed, defined = (file_offset(image, tags[tag]) if tag in tags else None for tag in (DT_VERNEED, DT_VERDEF))
    left = _VERSIONS_MAX
    for place, (_version, count, _file, aux, _next) in _chain(reader, "<HHIII", needed, tags.get(DT_VERNEEDNUM, 0)):
        for _place, (_hash, _flags, other, _name, _next) in _chain(reader, "<IHHII", place + aux, min(count, left)):
            left -= 1
            yield other
    for _place, (_version, _flags, index, *_more) in _chain(reader, "<HHHHIII", defined, tags.get(DT_VERDEFNUM, 0)):
        yield index


def _chain(reader: ByteReader, form: str, place: int | None, count: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Records and their places: so many at most, each of which ends with how far on the next one is; 0 in the last."""
    size = struct.calcsize(form)
    for _number in range(min(count, _VERSIONS_MAX)):
        record = reader.read_at(place, size) if place is not None else b""
        if place is None or len(record) < size:
            return
        fields = struct.unpack(form, record)
        yield place, fields
        place = place + fields[-1] if fields[-1] else None


def _unique_symbols(reader: ByteReader, image: ElfImage, tags: dict[int, int], records: _Records) -> frozenset[bytes]:
    """The names of STB_GNU_UNIQUE symbols that the object defines and its data relocations name."""
    places = {tag: file_offset(image, tags[tag]) for tag in (DT_STRTAB, DT_SYMTAB, records.table) if tag in tags}
    strings, symbols, relocations = (places.get(tag) for tag in (DT_STRTAB, DT_SYMTAB, records.table))
    if strings is None or symbols is None or relocations is None:
        return frozenset()
    relocation, symbol = records.relocation, records.symbol
    data = reader.read_at(relocations, min(tags.get(records.table_size, 0), _SCAN_BYTES_MAX))
    whole = data[: len(data) // relocation.size * relocation.size]
    named = {fields[1] >> records.symbol_shift for fields in relocation.iter_unpack(whole)} - {0}
    if not named:
        return frozenset()
    table = reader.read_at(symbols, symbol.size * (max(named) + 1)) if max(named) < _SYMBOLS_MAX else b""
    found = set()
    for number in named:
        if symbol.size * (number + 1) > len(table):
            continue
        fields = symbol.unpack_from(table, symbol.size * number)
        if fields[records.info_at] >> 4 == STB_GNU_UNIQUE and fields[records.section_at]:
            found.add(reader.read_at(strings + fields[0], _NAME_MAX).split(b"\0", 1)[0])
    return frozenset(found)


def _main_address(reader: ByteReader, image: ElfImage, records: _Records) -> int | None:
    """Where ``main`` is, from the symbol table; None in a stripped file."""
    sections = read_sections(reader, image) or ()
    for section in sections:
        if section.type != SHT_SYMTAB or section.link >= len(sections) or section.size > _SCAN_BYTES_MAX:
            continue
        names = reader.read_at(sections[section.link].offset, min(sections[section.link].size, _SCAN_BYTES_MAX))
        # a name may be the tail of a longer one
        wanted = {match.start() for match in re.finditer(rb"main\0", names)}
        table = reader.read_at(section.offset, section.size)
        symbol = records.symbol
        whole = table[: len(table) // symbol.size * symbol.size]  # the file may end within it
        for fields in symbol.iter_unpack(whole):
            if fields[0] in wanted and fields[records.value_at] and fields[records.section_at]:
                return int(fields[records.value_at])
    return None
