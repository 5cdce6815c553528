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

_TABLE_BYTES_MAX = 96 << 20
_NAME_BYTES_MAX = 1024
_CODE = frozenset({STT_FUNC, STT_GNU_IFUNC})
_PREFERENCE = {STB_GLOBAL: 0, STB_WEAK: 1}
"""Of several names of one address the one that others use comes first."""


class FunctionTable:
    """The functions of one file, by address. ``has_all`` says that it also names those that it does not export."""

    def __init__(self, reader: ByteReader, image: ElfImage) -> None:
        self._reader = reader
        sections = read_sections(reader, image) or ()
        rows: list[tuple[int, int, int, int]] = []
        tables = [section for section in sections if section.type in (SHT_SYMTAB, SHT_DYNSYM)]
        self.has_all = any(section.type == SHT_SYMTAB for section in tables)
        for section in tables:
            if section.link < len(sections):
                rows += self._rows(section, sections[section.link], image)
        rows.sort(key=_by_place)
        self._starts = array.array("Q")
        self._sizes = array.array("Q")
        self._names = array.array("Q")
        for start, _, size, name in rows:
            if not self._starts or self._starts[-1] != start:
                self._starts.append(start)
                self._sizes.append(size)
                self._names.append(name)

    def __len__(self) -> int:
        return len(self._starts)

    def _rows(self, table: Section, strings: Section, image: ElfImage) -> list[tuple[int, int, int, int]]:
        """Address, preference, size, and where in the file the name stands."""
        order = "<" if image.little_endian else ">"
        form = struct.Struct(order + ("IBBHQQ" if image.bits == 64 else "IIIBBH"))
        if table.size > _TABLE_BYTES_MAX:
            return []
        data = self._reader.read_at(table.offset, table.size)
        whole = form.iter_unpack(data[: len(data) // form.size * form.size])
        if image.bits == 64:
            found = [
                (value, _PREFERENCE.get(info >> 4, 2), size, strings.offset + name)
                for name, info, _, section, value, size in whole
                if info & 0xF in _CODE and section and value
            ]
        else:
            found = [
                (value, _PREFERENCE.get(info >> 4, 2), size, strings.offset + name)
                for name, value, size, info, _, section in whole
                if info & 0xF in _CODE and section and value
            ]
        return found

    def before(self, address: int) -> FunctionSymbol | None:
        """The last function that begins at or before a link-time address; None where there is none."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        start, size = self._starts[index], self._sizes[index]
        name = self._reader.read_at(self._names[index], _NAME_BYTES_MAX).split(b"\0", 1)[0]
        return FunctionSymbol(start, start + size if size else None, name) if name else None


def _by_place(row: tuple[int, int, int, int]) -> tuple[int, int, int]:
    """By address; then the preferred one, and of those the one that says its size."""
    start, preference, size, _ = row
    return start, preference, -size
