"""The functions that files name, as nm has them; and tables that are cut off."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procmem.parse.demangle import readable_name
from procmem.parse.elf import read_image
from procmem.parse.elf_functions import FunctionTable
from procmem.parse.perf_map import PerfMap
from tests.parse.test_eh_frame import Bytes
from tests.support import needs
from tests.support.growing import program


def table_of(data: bytes) -> FunctionTable:
    reader = Bytes(data)
    return FunctionTable(reader, read_image(reader))


def told_by_nm(path: Path, *options: str) -> dict[int, tuple[int, set[bytes]]]:
    """Address to size and names of the functions that nm lists (letters of code, and indirect ones)."""
    command = [needs.program("nm"), "-S", "--defined-only", *options, str(path)]
    found: dict[int, tuple[int, set[bytes]]] = {}
    for line in subprocess.run(command, capture_output=True, check=True).stdout.splitlines():
        words = line.split(maxsplit=3)
        if len(words) == 4 and words[2] in (b"T", b"t", b"W", b"w", b"i"):
            size, names = found.setdefault(int(words[0], 16), (int(words[1], 16), set()))
            names.add(words[3].split(b"@")[0])
            found[int(words[0], 16)] = (max(size, int(words[1], 16)), names)
    return found


@pytest.mark.needs("nm")
@pytest.mark.parametrize("variant", ["library", "static"])
def test_full_tables(variant: str, programs_folder: Path) -> None:
    """Every function, in the middle and at the last byte."""
    path = program(variant, programs_folder)
    table = table_of(path.read_bytes())
    assert table.has_all
    checked = 0
    for address, (size, names) in told_by_nm(path).items():
        for at in (address, address + size // 2, address + size - 1):
            found = table.before(at)
            assert found is not None
            if found.start == address:
                assert re.sub(rb"@.*", b"", found.name) in names
                checked += 1
    assert checked > 20


@pytest.mark.needs("nm")
def test_exported_names_alone() -> None:
    """A stripped library still says what it exports."""
    path = Path("/lib/x86_64-linux-gnu/libc.so.6")
    if not path.exists():
        needs.lacking(f"{path} is not there")
    table = table_of(path.read_bytes())
    for address, (_, names) in list(told_by_nm(path, "-D").items())[::20]:
        found = table.before(address)
        assert found is not None
        assert found.start == address
        assert found.name in names


def test_nothing_before_the_first() -> None:
    """No name is made up."""
    assert table_of(Path(sys.executable).resolve().read_bytes()).before(0) is None


@settings(max_examples=40)
@given(st.integers(64, 20_000))
def test_a_file_that_is_cut_off(programs_folder: Path, length: int) -> None:
    """It has the functions of what is there."""
    data = program("library", programs_folder).read_bytes()
    reader = Bytes(data[:length])
    try:
        image = read_image(reader)
    except Exception:
        return
    FunctionTable(reader, image).before(0x1200)


def test_the_map_of_a_runtime() -> None:
    """Later lines count; what is no line is passed over."""
    text = b"1000 10 first\n2000 zz no\nnonsense\n1000 20 JS:*grow /a b.js:1:2\n3000 0 empty\n-1 5 x\n4000 10 last"
    functions = PerfMap(text)
    assert len(functions) == 2
    found = functions.function_before(0x101F)
    assert found is not None
    assert (found.start, found.end, found.name) == (0x1000, 0x1020, b"JS:*grow /a b.js:1:2")
    assert functions.function_before(0xFFF) is None
    last = functions.function_before(0x9000)
    assert last is not None
    assert last.name == b"last"


def test_pythons_trampolines_can_be_gone_through() -> None:
    """By their name and size alone; other code that a runtime made cannot."""
    functions = PerfMap(b"1000 b py::grow:/a.py\n2000 b JS:grow\n3000 80 py::odd\n4000 f py::with_endbr:/a.py\n")
    rule = functions.rule_at(0x1005)
    assert rule is not None
    assert (rule.start, rule.cfa_register, rule.cfa_offset) == (0x1000, 7, 16)
    assert [(one.register, one.value) for one in rule.saved] == [(16, -8)]
    assert functions.rule_at(0x4009) is not None
    assert [functions.rule_at(address) for address in (0x100B, 0x2005, 0x3005, 0x500)] == [None] * 4


@given(st.binary(max_size=400))
def test_any_map_ends_well(text: bytes) -> None:
    """Programs write it."""
    PerfMap(text).function_before(0x1000)


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        (b"main", b"main"),
        (b"read_all.isra.0", b"read_all"),
        (b"work.constprop.0.cold", b"work"),
        (b"__libc_start_main@@GLIBC_2.34", b"__libc_start_main"),
        (b"_ZN5CacheIiE4fillEi", b"Cache<int>::fill(int)"),
        (b"_ZN4core3fmt9Formatter3pad17h9b2b3a0e5b4d1b31E", b"core::fmt::Formatter::pad"),
        (b"_Znonsense", b"_Znonsense"),
        (b"_Z" + b"N1a" * 2000, b"_Z" + b"N1a" * 2000),
        (b"runtime.(*mheap).alloc", b"runtime.(*mheap).alloc"),
    ],
)
def test_names_as_people_write_them(symbol: bytes, name: bytes) -> None:
    """What is not known, or too long, stays as it is."""
    assert readable_name(symbol) == name


@given(st.binary(max_size=80))
def test_any_symbol_has_a_name(tail: bytes) -> None:
    """Whatever its bytes are."""
    assert isinstance(readable_name(b"_Z" + tail), bytes)
    assert isinstance(readable_name(b"_R" + tail), bytes)
