"""The ELF reader: pyelftools says the same of every file of this machine, and no bytes can hurt it."""

import itertools
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment, NoteSegment, Segment
from hypothesis import given, settings
from hypothesis import strategies as st

from procmem.model.elf import DT_NEEDED, DT_SONAME, ElfImage
from procmem.parse.elf import (
    NotElf,
    build_id,
    dynamic_entries,
    dynamic_strings,
    interpreter,
    read_image,
    read_sections,
)

FOLDERS = ("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/libexec")
MOST_FILES = 150


class Bytes:
    """A file in memory, which counts what is asked of it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked = 0

    def read_at(self, offset: int, length: int) -> bytes:
        self.asked += length
        return self.data[offset : offset + length]


def _elf_files() -> Iterator[Path]:
    for folder in FOLDERS:
        for top, _, names in os.walk(folder):
            for name in sorted(names):
                path = Path(top, name)
                # files of split-off symbols speak of bytes that are in another file
                if "debug" not in path.parts and path.is_file() and not path.is_symlink() and os.access(path, os.R_OK):
                    with path.open("rb") as file:
                        if file.read(4) == b"\x7fELF":
                            yield path


def test_pyelftools_says_the_same_of_the_machines_files() -> None:
    """Headers, segments, sections, dynamic section, interpreter and build id, file by file."""
    every = list(_elf_files())
    step = max(1, len(every) // MOST_FILES)
    compared = silent = bits = 0
    for path in every[::step]:
        data = path.read_bytes()
        with path.open("rb") as file:
            if _oracle_fails(file):
                read_everything(data)  # ours has to bear the file that theirs does not
                silent += 1
                continue
            _compare(Bytes(data), ELFFile(file), path)
        compared += 1
        bits |= 1 << data[4]
    assert compared > 20, "too few ELF files were found to say anything"
    assert silent * 3 <= compared, "the oracle reads too few of them"
    assert bits & 1 << 2, "no 64-bit file was among them"


def _oracle_fails(file: BinaryIO) -> bool:
    """Whether pyelftools itself fails at a file, before anything of ours is asked."""
    try:
        oracle = ELFFile(file)
        list(oracle.iter_sections())
        for segment in oracle.iter_segments():
            if isinstance(segment, NoteSegment):
                list(segment.iter_notes())
            elif isinstance(segment, DynamicSegment):
                list(segment.iter_tags())
            elif isinstance(segment, InterpSegment):
                segment.get_interp_name()
    except Exception:  # whatever it raises
        return True
    finally:
        file.seek(0)
    return False


def _compare(reader: Bytes, oracle: ELFFile, path: Path) -> None:
    image = read_image(reader)
    assert (image.bits, image.little_endian) == (oracle.elfclass, oracle.little_endian), path
    assert (image.entry, image.phoff, image.shnum) == (oracle["e_entry"], oracle["e_phoff"], oracle["e_shnum"])
    segments = list(oracle.iter_segments())
    fields = ("p_flags", "p_offset", "p_vaddr", "p_filesz", "p_memsz", "p_align")
    assert [tuple(s[1:]) for s in image.segments] == [tuple(s[field] for field in fields) for s in segments], path
    assert len(image.loads) == sum(s["p_type"] == "PT_LOAD" and s["p_memsz"] > 0 for s in segments)
    sections = read_sections(reader, image, names=True)
    expected = [(s.name, s["sh_flags"], s["sh_addr"], s["sh_offset"], s["sh_size"]) for s in oracle.iter_sections()]
    assert [(s.name, s.flags, s.addr, s.offset, s.size) for s in sections or ()] == expected, path
    names = [s.get_interp_name() for s in segments if isinstance(s, InterpSegment)]
    assert interpreter(reader, image) == (names[0].encode() if names else None), path
    _compare_dynamic(reader, image, segments, path)
    ids = [
        note["n_desc"]
        for s in segments
        if isinstance(s, NoteSegment)
        for note in s.iter_notes()
        if note["n_type"] == "NT_GNU_BUILD_ID"
    ]
    assert build_id(reader, image) == (ids[0] if ids else None), path


def _compare_dynamic(reader: Bytes, image: ElfImage, segments: list[Segment], path: Path) -> None:
    dynamic = next((s for s in segments if isinstance(s, DynamicSegment)), None)
    entries = dynamic_entries(reader, image)
    if dynamic is None or not dynamic["p_filesz"]:
        assert not entries, path
        return
    tags = list(dynamic.iter_tags())
    assert [value for _, value in entries or ()] == [tag["d_val"] for tag in tags[:-1]], path
    for number, word in ((DT_NEEDED, "needed"), (DT_SONAME, "soname")):
        named = tuple(getattr(tag, word).encode() for tag in tags if tag.entry.d_tag == f"DT_{word.upper()}")
        assert dynamic_strings(reader, image, entries or (), number) == named, path


REAL = Path(os.path.realpath("/proc/self/exe")).read_bytes()[:65536]


def read_everything(data: bytes) -> Bytes:
    """All that is ever read of a file; gives the reader back, which knows how much it was asked for."""
    reader = Bytes(data)
    try:
        image = read_image(reader)
    except NotElf:
        return reader
    read_sections(reader, image, names=True)
    interpreter(reader, image)
    entries = dynamic_entries(reader, image) or ()
    dynamic_strings(reader, image, entries, DT_NEEDED)
    build_id(reader, image)
    return reader


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, 1024), st.binary(min_size=1, max_size=8)), min_size=1, max_size=12),
    st.integers(0, len(REAL)),
)
def test_mutated_headers_give_an_image_or_not_elf(patches: list[tuple[int, bytes]], length: int) -> None:
    """Never another error, never more than a few MB asked for, never long."""
    data = bytearray(REAL)
    for at, patch in patches:
        data[at : at + len(patch)] = patch
    began = time.process_time()
    reader = read_everything(bytes(data[:length]))
    assert time.process_time() - began < 5
    assert reader.asked < 16 << 20


@given(st.binary(max_size=400))
def test_any_bytes_behind_the_magic_number(data: bytes) -> None:
    """With each class and byte order."""
    for kind, order in itertools.product((0, 1, 2, 3), (0, 1, 2)):
        read_everything(b"\x7fELF" + bytes([kind, order]) + data)


def test_every_cut_is_survived() -> None:
    """Heads of files end anywhere."""
    for length in range(0, 1200, 3):
        read_everything(REAL[:length])


def header64(*, phnum: int = 1, phentsize: int = 56, phoff: int = 64, shoff: int = 0, shnum: int = 0) -> bytes:
    """An ELF64 header."""
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    return ident + struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, 0x401000, phoff, shoff, 0, 64, phentsize, phnum, 64, shnum, 0
    )


def load64(*, offset: int = 0, vaddr: int = 0x400000, filesz: int = 0x1000, memsz: int = 0x1000) -> bytes:
    """A PT_LOAD."""
    return struct.pack("<IIQQQQQQ", 1, 5, offset, vaddr, vaddr, filesz, memsz, 4096)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "magic"),
        (b"#!/bin/sh\n", "magic"),
        (b"\x7fELF", "cut off"),
        (b"\x7fELF\x09\x01" + bytes(100), "class"),
        (header64(phnum=0xFFFF), "65,535"),
        (header64(phnum=0xFFF0), "more than any loader"),
        (header64(phentsize=32) + load64(), "32 bytes"),
        (header64(phoff=1 << 62), "beyond the end"),
        (header64() + load64()[:-1], "beyond the end"),
        (header64() + load64(filesz=2, memsz=1), "more bytes in the file"),
        (header64() + load64(vaddr=(1 << 64) - 4096, memsz=8192), "beyond the address space"),
        (header64() + load64(offset=(1 << 63) - 1), "beyond the address space"),
    ],
)
def test_hostile_headers_are_refused_with_a_reason(data: bytes, why: str) -> None:
    """One sentence, which begins alike."""
    with pytest.raises(NotElf, match=why) as caught:
        read_image(Bytes(data))
    assert str(caught.value).startswith("ELF not readable: ")


def test_a_sparse_file_that_claims_everything_costs_nothing() -> None:
    """Four kilobytes that speak of 65,535 sections and endless tables."""
    data = (header64(shoff=4096, shnum=65_535) + load64()).ljust(4096, b"\0")
    image = read_image(Bytes(data))
    assert read_sections(Bytes(data), image) is None


def test_big_endian_32_bit() -> None:
    """The other byte order and width, by hand (as on MIPS or PowerPC)."""
    ident = b"\x7fELF\x01\x02\x01" + bytes(9)
    head = ident + struct.pack(">HHIIIIIHHHHHH", 2, 8, 1, 0x10000, 52, 0, 0, 52, 32, 1, 40, 0, 0)
    data = head + struct.pack(">IIIIIIII", 1, 0, 0x10000, 0x10000, 0x84, 0x2000, 6, 0x1000)
    image = read_image(Bytes(data))
    assert (image.bits, image.little_endian, image.machine) == (32, False, 8)
    assert tuple(image.loads[0]) == (1, 6, 0, 0x10000, 0x84, 0x2000, 0x1000)
