"""Call frame information: what pyelftools decodes of real objects, row by row, and what damaged ones are good for."""

import io
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from elftools.dwarf.callframe import FDE
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from procmem.model.code import SavedBy
from procmem.parse.eh_frame import CallFrames
from procmem.parse.elf import read_image
from tests.support import needs
from tests.support.growing import program

FILES = {
    "libc": "/lib/x86_64-linux-gnu/libc.so.6",
    "ld.so": "/lib64/ld-linux-x86-64.so.2",
    "libstdc++": "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
    "libc-32": "/lib32/libc.so.6",
    "bash": "/bin/bash",
}
ROWS_AT_MOST = 400
"""Of each file, drawn from all of them: pyelftools takes its time."""


class Bytes:
    """A reader of what stands in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read_at(self, offset: int, length: int) -> bytes:
        """A piece."""
        return self._data[offset : offset + length]


def frames_of(data: bytes) -> CallFrames:
    reader = Bytes(data)
    return CallFrames(reader, read_image(reader))


def told_by_pyelftools(path: Path) -> list[tuple[int, FDE, dict[Any, Any]]]:
    """Addresses with their entry and their row, some of each entry."""
    with path.open("rb") as file:
        dwarf = ELFFile(file).get_dwarf_info()
        entries = [entry for entry in dwarf.EH_CFI_entries() if isinstance(entry, FDE)]
        drawn = random.Random(1).sample(entries, min(ROWS_AT_MOST, len(entries)))
        found = []
        for entry in drawn:
            try:
                table = entry.get_decoded().table
            except ValueError:  # it does not know DW_CFA_GNU_args_size
                continue
            end = entry["initial_location"] + entry["address_range"]
            found += [(row["pc"], entry, row) for row in table if row["pc"] < end]
        return found


def same(rule: Any, row: dict[Any, Any]) -> bool:
    """Whether a rule of ours says what a row of pyelftools says, of what is no expression."""
    cfa = row["cfa"]
    if cfa.expr is None:
        if (rule.cfa_register, rule.cfa_offset, rule.cfa_operations) != (cfa.reg, cfa.offset, ()):
            return False
    elif not rule.cfa_operations:
        return False
    ours = {one.register: one for one in rule.saved}
    for register, theirs in row.items():
        if not isinstance(register, int):
            continue
        if theirs.type == "OFFSET" and (
            register not in ours or (ours[register].how, ours[register].value) != (SavedBy.OFFSET, theirs.arg)
        ):
            return False
        if theirs.type in ("UNDEFINED", "SAME_VALUE") and register in ours:
            return False
        if theirs.type == "UNDEFINED" and register == rule.returns_to and not rule.is_last:
            return False
    return True


@pytest.mark.parametrize("name", FILES)
def test_rows_of_real_objects(name: str) -> None:
    """Every row of hundreds of functions."""
    path = Path(FILES[name])
    if not path.exists():
        needs.lacking(f"{path} is not there")
    frames = frames_of(path.read_bytes())
    rows = told_by_pyelftools(path)
    assert len(rows) > ROWS_AT_MOST
    for address, entry, row in rows:
        rule = frames.rule_at(address)
        assert rule is not None, hex(address)
        assert rule.start == entry["initial_location"]
        assert same(rule, row), (hex(address), rule, row)


@pytest.mark.parametrize("variant", ["static", "static-pie"])
def test_a_program_without_a_sorted_table(variant: str, programs_folder: Path) -> None:
    """Its entries are gone through one by one."""
    path = program(variant, programs_folder)
    frames = frames_of(path.read_bytes())
    assert len(frames) > 500
    for address, _, row in told_by_pyelftools(path):
        rule = frames.rule_at(address)
        assert rule is not None
        assert same(rule, row)


def test_what_lies_between_functions_has_no_rule() -> None:
    """Nor what lies before and behind them."""
    frames = frames_of(Path(sys.executable).resolve().read_bytes())
    assert frames.rule_at(0) is None
    assert frames.rule_at(1 << 62) is None


def test_an_object_without_any(tmp_path: Path) -> None:
    """It has no rules, and that is all."""
    source, made = tmp_path / "a.c", tmp_path / "a.so"
    source.write_text("int one(void) { return 1; }\n")
    flags = ["-shared", "-fPIC", "-nostdlib", "-fno-asynchronous-unwind-tables", "-Wl,--build-id=none"]
    subprocess.run([needs.program("gcc"), *flags, str(source), "-o", str(made)], check=True)
    frames = frames_of(made.read_bytes())
    assert len(frames) == 0
    assert frames.rule_at(0x1000) is None


@pytest.fixture(scope="session")
def small_object(programs_folder: Path) -> bytes:
    """A program of a few functions."""
    return program("library", programs_folder).read_bytes()


@settings(max_examples=150)
@given(data=st.data())
def test_damaged_tables_end_well(small_object: bytes, data: st.DataObject) -> None:
    """Bytes of the tables changed: rules or none, never an error, never without an end."""
    with_names = ELFFile(io.BytesIO(small_object))
    changed = bytearray(small_object)
    for name in (".eh_frame_hdr", ".eh_frame"):
        section: Any = with_names.get_section_by_name(name)
        for _ in range(data.draw(st.integers(0, 6))):
            at = section["sh_offset"] + data.draw(st.integers(0, section["sh_size"] - 1))
            changed[at] = data.draw(st.integers(0, 255))
    frames = frames_of(bytes(changed))
    text: Any = with_names.get_section_by_name(".text")
    for address in range(text["sh_addr"], text["sh_addr"] + text["sh_size"], 97):
        frames.rule_at(address)
