"""Addresses of a few symbols, and the bytes behind constants, of an ELF file; by pyelftools.

pyelftools trusts its input, so whatever it raises on a damaged file means "no symbols".
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable

from procmem.parse.elf import file_offset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procmem.model.elf import ElfImage
    from procmem.model.ports import ByteReader

__all__ = ["constant_bytes", "function_addresses", "symbol_addresses"]

_SYMTAB_BYTES_MAX = 8 * 1024 * 1024
_CONSTANT_BYTES_MAX = 16
_FAR = 1 << 40
_HIDDEN = 0x8000
"""Of a version index: only programs that name the version get the symbol (VERSYM_HIDDEN)."""


class _Stream(io.RawIOBase):
    """A seekable file over a reader."""

    def __init__(self, reader: ByteReader) -> None:
        super().__init__()
        self._reader = reader
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        # a kept head does not know where its file ends: far away, so that no offset is refused for that
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: _FAR}[whence]
        self._at = origin + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        data = self._reader.read_at(self._at, max(size, 0))
        self._at += len(data)
        return data


def symbol_addresses(reader: ByteReader, names: Iterable[str]) -> dict[str, int]:
    """The link-time addresses of defined symbols, by the hash table, else by the symbol table."""
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415  # slow to import, needed only here

    found: dict[str, int] = {}
    try:
        file: Any = ELFFile(_Stream(reader))  # type: ignore[arg-type]  # a stream, if not typing.IO
        table = file.get_section_by_name(".gnu.hash")
        full = file.get_section_by_name(".symtab")
        for name in names:
            symbol = table.get_symbol(name) if table is not None else None
            if symbol is None and full is not None and full["sh_size"] <= _SYMTAB_BYTES_MAX:
                symbols = full.get_symbol_by_name(name)
                symbol = symbols[0] if symbols else None
            if symbol is not None and symbol["st_shndx"] != "SHN_UNDEF":
                found[name] = symbol["st_value"]
    except Exception:  # it raises whatever a damaged file provokes
        return found
    return found


def function_addresses(reader: ByteReader, names: Collection[str]) -> dict[str, int]:
    """The link-time addresses of functions, of those exported in several versions the one that new programs get."""
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415  # slow to import, needed only here

    found: dict[str, int] = {}
    try:
        file: Any = ELFFile(_Stream(reader))  # type: ignore[arg-type]  # a stream, if not typing.IO
        versions = file.get_section_by_name(".gnu.version")
        for section in (".dynsym", ".symtab"):
            table = file.get_section_by_name(section)
            if table is None or table["sh_size"] > _SYMTAB_BYTES_MAX:
                continue
            for number, symbol in enumerate(table.iter_symbols()):
                if symbol.name not in names or symbol["st_shndx"] == "SHN_UNDEF" or symbol.name in found:
                    continue
                version = versions.get_symbol(number)["ndx"] if versions is not None and section == ".dynsym" else 1
                if not isinstance(version, int) or not version & _HIDDEN:
                    found[symbol.name] = symbol["st_value"]
    except Exception:  # it raises whatever a damaged file provokes
        return found
    return found


def constant_bytes(reader: ByteReader, image: ElfImage, address: int) -> bytes:
    """The file's bytes behind the address of a constant, up to 16 of them."""
    offset = file_offset(image, address)
    return b"" if offset is None else reader.read_at(offset, _CONSTANT_BYTES_MAX)
