"""Addresses of symbols and the bytes of constants, within bounds; a damaged file has none."""

import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from procmem.model.elf import PT_LOAD
from procmem.parse import symbols
from procmem.parse.symbols import constant_bytes, symbol_addresses
from tests.parse.test_elf_bounds import Endless, image, segment


class File:
    """A file in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with an exported symbol, a hidden one, and one that it only uses."""
    folder = tmp_path_factory.mktemp("symbols")
    (folder / "x.c").write_text(
        "extern int elsewhere; int shown = 0x1234567; static int hidden = 7;\n"
        "int *use(void) { elsewhere++; return &hidden; }\n"
    )
    gcc = shutil.which("gcc")
    assert gcc is not None
    subprocess.run(
        [gcc, "-shared", "-fPIC", "-Wl,--hash-style=gnu", "-o", str(folder / "x.so"), str(folder / "x.c")], check=True
    )
    return folder / "x.so"


@pytest.mark.needs("gcc", "readelf")
def test_symbols_are_where_readelf_says(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the hash table, or by the whole table where that is not too large; what is used only has no address."""
    said = subprocess.run(["readelf", "-sW", str(program)], capture_output=True, text=True, check=True).stdout
    due = {
        line.split()[-1]: int(line.split()[1], 16) for line in said.splitlines() if line.endswith((" shown", " hidden"))
    }
    names = ("shown", "hidden", "elsewhere", "nothing")
    file = File(program.read_bytes())
    assert symbol_addresses(file, names) == due
    count = sum(
        1 for line in said.split("'.symtab'")[1].splitlines() if line.split()[:1] and line.split()[0][0].isdigit()
    )
    for most, found in ((24 * count, due), (24 * count - 1, {"shown": due["shown"]})):
        monkeypatch.setattr(symbols, "_SYMTAB_BYTES_MAX", most)
        assert symbol_addresses(file, names) == found


@pytest.mark.needs("gcc", "readelf")
def test_damage_is_no_error(program: Path) -> None:
    """Whatever the library that reads the tables makes of it."""
    data = program.read_bytes()
    for cut in range(0, len(data), len(data) // 20):
        assert set(symbol_addresses(File(data[:cut]), ["shown", "hidden"])) <= {"shown", "hidden"}
    shoff = struct.unpack_from("<Q", data, 40)[0]
    assert symbol_addresses(File(data[:shoff] + os.urandom(len(data) - shoff)), ["shown"]).keys() <= {"shown"}


def test_of_a_constant_16_bytes_are_read() -> None:
    """At its place in the file; none where no bytes of the file stand behind the address."""
    file = Endless()
    loaded = image(segment(PT_LOAD, 0x1000, vaddr=0x400000, offset=0x200))
    assert constant_bytes(file, loaded, 0x400010) == b"A" * 16
    assert file.read == [(0x210, 16)]
    assert constant_bytes(file, loaded, 0x500000) == b""
    assert len(file.read) == 1
