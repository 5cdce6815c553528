"""Which of some names an ELF object exports: a look into its hash table of dynamic symbols, as the dynamic linker does.

The table answers for each name with a few words, so that libraries of many megabytes need not be read. Nothing here
fails: a table that contradicts itself exports nothing.

Source: glibc elf/dl-lookup.c, do_lookup_x(); the table's form is GNU's (DT_GNU_HASH), described with binutils.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from procmem.model.elf import DT_GNU_HASH, DT_STRTAB, DT_SYMTAB, ElfImage
from procmem.model.memo import memo
from procmem.parse.elf import file_offset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import ByteReader

__all__ = ["exported_names"]

_BLOOM_BYTES_USUAL = 4096
_BLOOM_BYTES_MAX = 256 * 1024
_BUCKETS_MAX = 1 << 24
_CHAIN_MAX = 4096


@memo(256)
def _hash(name: str) -> int:
    """The hash of a symbol's name (Bernstein's, 32 bits)."""
    value = 5381
    for byte in name.encode():
        value = (value * 33 + byte) & 0xFFFF_FFFF
    return value


def _order(image: ElfImage) -> str:
    return "<" if image.little_endian else ">"


def exported_names(
    reader: ByteReader, image: ElfImage, entries: Iterable[tuple[int, int]], names: Iterable[str]
) -> frozenset[str]:
    """Those of the names that the object exports and defines; ``entries`` are those of its dynamic section."""
    tags = dict(entries)
    table, symbols, strings = (file_offset(image, tags.get(tag, 0)) for tag in (DT_GNU_HASH, DT_SYMTAB, DT_STRTAB))
    if table is None or symbols is None or strings is None or DT_GNU_HASH not in tags:
        return frozenset()
    try:
        return frozenset(_found(reader, image, (table, symbols, strings), names))
    except struct.error:  # the file ends before a table does
        return frozenset()


def _found(reader: ByteReader, image: ElfImage, places: tuple[int, int, int], names: Iterable[str]) -> Iterator[str]:
    table, symbols, strings = places
    order, word = _order(image), image.word_size
    head = reader.read_at(table, 16 + _BLOOM_BYTES_USUAL)
    buckets, first, bloom_words, shift = struct.unpack(f"{order}4I", head[:16])
    if not 0 < buckets <= _BUCKETS_MAX or not 0 < bloom_words * word <= _BLOOM_BYTES_MAX or shift > 63:
        return
    filter_bytes = bloom_words * word
    known = head[16:] if filter_bytes <= _BLOOM_BYTES_USUAL else reader.read_at(table + 16, filter_bytes)
    bloom = struct.unpack(f"{order}{bloom_words}{'I' if word == 4 else 'Q'}", known[:filter_bytes])
    at_buckets = table + 16 + bloom_words * word
    at_chains = at_buckets + 4 * buckets
    for name in names:
        value = _hash(name)
        mask = 1 << value % (8 * word) | 1 << (value >> shift) % (8 * word)
        if bloom[value // (8 * word) % bloom_words] & mask != mask:
            continue
        (index,) = struct.unpack(f"{order}I", reader.read_at(at_buckets + 4 * (value % buckets), 4))
        for number in range(index, index + _CHAIN_MAX) if index >= first else ():
            (link,) = struct.unpack(f"{order}I", reader.read_at(at_chains + 4 * (number - first), 4))
            if link | 1 == value | 1 and _is_defined(reader, image, symbols, strings, number, name):
                yield name
                break
            if link & 1:
                break


def _is_defined(reader: ByteReader, image: ElfImage, symbols: int, strings: int, number: int, name: str) -> bool:
    """Whether a symbol has this name and a section (Elf32_Sym and Elf64_Sym, gABI chapter 4)."""
    order = _order(image)
    if image.bits == 32:
        at, _value, _size, _info, _other, section = struct.unpack(
            f"{order}3I2BH", reader.read_at(symbols + 16 * number, 16)
        )
    else:
        at, _info, _other, section = struct.unpack(f"{order}I2BH", reader.read_at(symbols + 24 * number, 8))
    wanted = name.encode() + b"\0"
    return section != 0 and reader.read_at(strings + at, len(wanted)) == wanted
