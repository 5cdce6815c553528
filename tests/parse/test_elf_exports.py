"""The table of dynamic symbols answers as pyelftools reads it."""

import random
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from procmem.parse.elf import dynamic_entries, read_image
from procmem.parse.elf_exports import exported_names


class Bytes:
    """A reader of what stands in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read_at(self, offset: int, length: int) -> bytes:
        """A piece."""
        return self._data[offset : offset + length]


def libraries() -> list[Path]:
    """Objects that this Python has loaded."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return sorted({Path(line.split(maxsplit=5)[5]) for line in lines if ".so" in line and "(deleted)" not in line})


@pytest.mark.parametrize("path", libraries(), ids=lambda path: path.name)
def test_every_exported_name_is_found_and_no_other(path: Path) -> None:
    """Names that it defines, names that it only asks for, and names that nobody has."""
    with open(path, "rb") as file:
        table = ELFFile(file).get_section_by_name(".dynsym")
        if not isinstance(table, SymbolTableSection):
            pytest.skip("no dynamic symbols")
        symbols = [(symbol.name, symbol["st_shndx"] != "SHN_UNDEF") for symbol in table.iter_symbols() if symbol.name]
    random.Random(1).shuffle(symbols)
    symbols = symbols[:300]
    data = Bytes(path.read_bytes())
    image = read_image(data)
    names = [name for name, _ in symbols]
    defined = {name for name, is_defined in symbols if is_defined}
    found = exported_names(data, image, dynamic_entries(data, image) or (), [*names, "no such name", ""])
    assert defined <= found
    assert found - defined <= {name for name, _ in symbols}  # another version of the name may be defined


def test_damaged_tables_export_nothing_and_end() -> None:
    """Bytes changed at random: an answer, never an exception."""
    whole = bytearray(next(path for path in libraries() if "libc" in path.name or sys.platform).read_bytes())
    image = read_image(Bytes(bytes(whole)))
    entries = dynamic_entries(Bytes(bytes(whole)), image) or ()
    chance = random.Random(7)
    for _ in range(200):
        damaged = bytearray(whole[: chance.randrange(4096, len(whole))])
        for _change in range(200):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        exported_names(Bytes(bytes(damaged)), image, entries, ["malloc", "free", "je_malloc"])
