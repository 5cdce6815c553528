"""The functions that an ELF file names: all of its symbol tables, sorted by address.

For one name by its hash see ``elf_exports``. Tables have a bound, and one that is cut off or contradicts itself gives
the symbols up to there. Source: gABI chapter 4, "Symbol Table".
"""

from __future__ import annotations

import array
import bisect
import struct

from procmem.model.code import FunctionSymbol
from procmem.model.elf import SHT_DYNSYM, SHT_SYMTAB, STB_GLOBAL, STB_WEAK, STT_FUNC, STT_GNU_IFUNC
from procmem.parse.elf import read_sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.elf import ElfImage, Section
    from procmem.model.ports import ByteReader

__all__ = ["FunctionTable"]

_TABLE_BYTES_MAX = 64 << 20
_RANK_BITS = 3
_HIGHEST = 1 << (64 - _RANK_BITS)
_NAME_BYTES_MAX = 1024
_CODE = frozenset({STT_FUNC, STT_GNU_IFUNC})
_PREFERENCE = {STB_GLOBAL: 0, STB_WEAK: 1}
"""Of several names of one address the one that others use comes first."""


class FunctionTable:
    """The functions of one file, by address. ``has_all`` says that it also names those that it does not export.

    Columns hold numbers alone: a browser has a million of them, and names are read when they are asked for.
    """

    def __init__(self, reader: ByteReader, image: ElfImage) -> None:
        self._reader = reader
        self._starts = array.array("Q")
        self._sizes = array.array("Q")
        self._names = array.array("Q")
        sections = read_sections(reader, image) or ()
        tables = [section for section in sections if section.type in (SHT_SYMTAB, SHT_DYNSYM)]
        self.has_all = any(section.type == SHT_SYMTAB for section in tables)
        ranks = array.array("Q")
        for section in tables:
            if section.link < len(sections):
                self._read(section, sections[section.link].offset, image, ranks)
        self._sort(ranks)

    def __len__(self) -> int:
        return len(self._starts)

    def _read(self, table: Section, strings: int, image: ElfImage, ranks: array.array[int]) -> None:
        """Take in the functions of a table; a rank is an address and, in its last bits, which name comes first."""
        order = "<" if image.little_endian else ">"
        wide = image.bits == 64
        form = struct.Struct(order + ("IBBHQQ" if wide else "IIIBBH"))
        data = self._reader.read_at(table.offset, table.size) if table.size <= _TABLE_BYTES_MAX else b""
        for symbol in form.iter_unpack(data[: len(data) // form.size * form.size]):
            name, info, section, value, size = (
                (symbol[0], symbol[1], symbol[3], symbol[4], symbol[5])
                if wide
                else (symbol[0], symbol[3], symbol[5], symbol[1], symbol[2])
            )
            if info & 0xF in _CODE and section and 0 < value < _HIGHEST:
                ranks.append(value << _RANK_BITS | _PREFERENCE.get(info >> 4, 2) << 1 | (size == 0))
                self._sizes.append(size)
                self._names.append(strings + name)

    def _sort(self, ranks: array.array[int]) -> None:
        """By address, one of each."""
        sizes, names = array.array("Q"), array.array("Q")
        for at in sorted(range(len(ranks)), key=ranks.__getitem__):
            start = ranks[at] >> _RANK_BITS
            if not self._starts or self._starts[-1] != start:
                self._starts.append(start)
                sizes.append(self._sizes[at])
                names.append(self._names[at])
        self._sizes, self._names = sizes, names

    def before(self, address: int) -> FunctionSymbol | None:
        """The last function that begins at or before a link-time address; None where there is none."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        start, size = self._starts[index], self._sizes[index]
        name = self._reader.read_at(self._names[index], _NAME_BYTES_MAX).split(b"\0", 1)[0]
        return FunctionSymbol(start, start + size if size else None, name) if name else None
