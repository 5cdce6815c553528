"""The memory of a core by its addresses, and what a stranger's headers must not do to it."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from procmem.errors import ProcessGone
from procmem.model.elf import PT_LOAD, Segment
from procmem.model.given_text import GivenText
from procmem.model.raw import MappedFile, PageState, Refusal
from procmem.sources import core
from procmem.sources.core import CoreMemory, CoreSource, elf_reader
from procmem.sources.files import FdReader, open_given

PAGE = 4096


def segment(vaddr: int, offset: int, filesz: int, memsz: int) -> Segment:
    return Segment(PT_LOAD, 6, offset, vaddr, filesz, memsz, PAGE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "core"
    file.write_bytes(bytes(PAGE) + b"a" * PAGE + b"b" * PAGE)
    return file


def memory(path: Path, *segments: Segment) -> CoreMemory:
    return CoreMemory(FdReader(open_given(str(path))), segments)


def test_reading_goes_on_where_segments_adjoin(path: Path) -> None:
    """And ends at a gap, and at what was not dumped."""
    found = memory(
        path,
        segment(0x10000, PAGE, PAGE, PAGE),
        segment(0x11000, 2 * PAGE, PAGE, PAGE),
        segment(0x13000, PAGE, PAGE, 2 * PAGE),
        segment(0x15000, PAGE, PAGE, PAGE),
    )
    assert found.read_at(0x10FFE, 4) == b"aabb"
    assert found.read_at(0x11FFE, 4) == b"bb"
    assert found.read_at(0x13FFE, PAGE + 4) == b"aa"
    assert found.read_at(0x14000, 4) == b""
    assert found.read_at(0xFFFF, 4) == b""


def test_pieces_of_several_sizes_adjoin(path: Path) -> None:
    """Each goes on where the one before has ended, whatever the sizes; to the end of what was asked."""
    sizes = (5, 1, 7, 2, PAGE, 3)
    starts = [0x10000 + sum(sizes[:at]) for at in range(len(sizes))]
    parts = enumerate(zip(starts, sizes, strict=True))
    found = memory(path, *(segment(start, PAGE * (1 + at % 2), size, size) for at, (start, size) in parts))
    whole = b"".join(b"ab"[at % 2 : at % 2 + 1] * size for at, size in enumerate(sizes))
    for at in (0, 1, 4, 5, 6, 12, 13, 15, 16, len(whole) - 1):
        for length in (1, 2, 3, 8, 14, PAGE, 2 * PAGE):
            assert found.read_at(0x10000 + at, length) == whole[at : at + length]


def test_many_small_segments_are_read_one_after_the_other(path: Path) -> None:
    """A hundred thousand of a byte each."""
    found = memory(path, *(segment(0x10000 + at, PAGE, 1, 1) for at in range(100_000)))
    assert found.read_at(0x10000, 1 << 20) == b"a" * 100_000
    began = time.process_time()
    assert all(found.read_at(0x10000 + at, 1) == b"a" for at in range(100_000))
    assert time.process_time() - began < 10  # none has to be counted up to


def test_what_was_not_dumped_is_passed_over(path: Path) -> None:
    """However much it is, it holds nothing: 64 TiB take no time, and are not called used."""
    found = memory(path, segment(0x10000, 0, 0, 1 << 46), segment(1 << 46, 0, 3 * PAGE, 3 * PAGE))
    runs = found.page_runs([(0x10000, (1 << 46) + 4 * PAGE)], PAGE)
    assert [(run.start, run.end, run.state) for run in runs] == [
        ((1 << 46) + PAGE, (1 << 46) + 3 * PAGE, PageState.PRESENT)
    ]
    assert list(found.page_runs([(1 << 45, (1 << 45) + PAGE)], PAGE)) == []
    assert list(found.search(0, 1 << 60, lambda low, _data: [low])) == [1 << 46]


def test_borders_of_a_segment(path: Path) -> None:
    """Its first byte and its last; nothing of no length, and nothing from its end on."""
    found = memory(path, segment(0x10000, PAGE, PAGE, 4 * PAGE))
    assert found.read_at(0x10000, 1) == found.read_at(0x10FFF, 1) == found.read_at(0x10FFF, 2) == b"a"
    assert [found.read_at(*place) for place in ((0xFFFF, 1), (0x11000, 1), (0x10000, 0), (0x10000, -1))] == [b""] * 4
    assert found.read_at(0x10001, PAGE) == b"a" * (PAGE - 1)
    assert found.read_at(0x10001, PAGE - 2) == b"a" * (PAGE - 2)


def test_a_core_that_was_cut_ends_where_its_file_does(path: Path) -> None:
    """What a segment should have more is not there, nor is what comes behind it in one piece with it."""
    found = memory(path, segment(0x10000, 2 * PAGE, 3 * PAGE, 3 * PAGE), segment(0x13000, PAGE, PAGE, PAGE))
    assert found.read_at(0x10000, 4 * PAGE) == b"b" * PAGE
    assert found.read_at(0x11000, 1) == b""
    assert found.read_at(0x13000, 1) == b"a"


def test_a_search_goes_piece_by_piece(tmp_path: Path) -> None:
    """A mebibyte at a time, from the beginning to the end of the range; what was not dumped is not asked about."""
    size = 1 << 20
    file = tmp_path / "core"
    file.write_bytes(b"1" * size + b"2" * size + b"3" * PAGE)
    found = memory(file, segment(0x10000, 0, 2 * size, 2 * size), segment(0x10000 + 4 * size, 2 * size, PAGE, PAGE))
    seen: list[tuple[int, int, bytes]] = []

    def matches(low: int, data: bytes) -> Iterator[int]:
        seen.append((low, len(data), data[:1]))
        yield low

    assert list(found.search(0x10000 + 5, 0x10000 + 5 * size, matches)) == [one[0] for one in seen]
    assert seen == [
        (0x10005, size, b"1"), (0x10005 + size, size - 5, b"2"), (0x10000 + 4 * size, PAGE, b"3"),
    ]  # fmt: skip
    seen.clear()
    assert list(found.search(0x10000 + 4 * size, 0x10000 + 4 * size + 7, matches)) == [0x10000 + 4 * size]
    assert seen == [(0x10000 + 4 * size, 7, b"3")]
    assert list(found.search(0x10000, 0x10000, matches)) == []


def pages(found: CoreMemory, *ranges: tuple[int, int]) -> list[tuple[int, int]]:
    runs = found.page_runs(ranges, PAGE)
    assert all(run.state == PageState.PRESENT for run in runs)
    return [(run.start, run.end) for run in runs]


def test_pages_that_hold_something(tmp_path: Path) -> None:
    """Pages of zeros do not; those side by side are one run; a page of which little was dumped counts by that."""
    file = tmp_path / "core"
    file.write_bytes(bytes(PAGE) + b"a" * PAGE + b"b" * PAGE + bytes(PAGE) + bytes(99) + b"c" + bytes(50))
    found = memory(file, segment(0x10000, 0, 4 * PAGE + 150, 8 * PAGE))
    assert pages(found, (0x10000, 0x18000)) == [(0x11000, 0x13000), (0x14000, 0x15000)]
    assert pages(found, (0x10000, 0x12000)) == [(0x11000, 0x12000)]
    assert pages(found, (0x12000, 0x14000), (0x14000, 0x15000)) == [(0x12000, 0x13000), (0x14000, 0x15000)]
    zeros = memory(file, segment(0x10000, 4 * PAGE, 50, PAGE))
    assert pages(zeros, (0x10000, 0x11000)) == []


def test_pages_in_a_range_with_holes(path: Path) -> None:
    """The next segment is looked at from the page that it begins in; what was looked at is not looked at again."""
    found = memory(path, segment(0x10000, PAGE, PAGE, PAGE), segment(0x15010, 2 * PAGE, 100, 100))
    assert pages(found, (0x10000, 0x18000)) == [(0x10000, 0x11000)]  # the page's own start was not dumped
    assert pages(found, (0x15010, 0x16010)) == [(0x15010, 0x16010)]
    aligned = memory(path, segment(0x10000, PAGE, PAGE, PAGE), segment(0x15000, 2 * PAGE, PAGE, PAGE))
    assert pages(aligned, (0xE000, 0x18000)) == [(0x10000, 0x11000), (0x15000, 0x16000)]
    assert pages(aligned, (0x11000, 0x15000)) == pages(aligned, (0x20000, 0x21000)) == []


def test_so_much_is_looked_at_and_the_rest_is_taken_for_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gibibyte; here three pieces. Of what was not dumped nothing has to be looked at."""
    assert core._LOOKED_AT_MAX == 1 << 30
    piece = 1 << 20
    monkeypatch.setattr(core, "_LOOKED_AT_MAX", 3 * piece)
    file = tmp_path / "core"
    file.touch()
    os.truncate(file, 8 * piece)
    found = memory(file, segment(0x100000, 0, 2 * piece, 2 * piece), segment(0x900000, 0, 4 * piece, 4 * piece))
    assert pages(found, (0x100000, 0xD00000)) == [(0xA00000, 0xD00000)]
    assert pages(found, (0x900000, 0xC00000)) == []
    assert pages(found, (0x900000, 0xD00000), (0x100000, 0x200000)) == [(0x100000, 0x200000), (0xC00000, 0xD00000)]


def test_what_is_no_elf_file_is_read_otherwise(tmp_path: Path) -> None:
    """Folders, pipes, texts, what is not there, and standard input."""
    (tmp_path / "text").write_bytes(b"ELF\x7f")
    (tmp_path / "elf").write_bytes(b"\x7fELF")
    os.mkfifo(tmp_path / "fifo")
    assert [elf_reader(str(tmp_path / name)) for name in ("text", "fifo", "none", "")] == [None] * 4
    assert isinstance(elf_reader(str(tmp_path / "elf")), FdReader)
    assert elf_reader("-") is None


def test_what_cannot_be_opened_is_told_by_who_reads_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file without the right to read it we do not know what it is."""

    def refused(_path: str) -> int:
        raise PermissionError

    path.write_bytes(b"\x7fELF")
    monkeypatch.setattr(core, "open_given", refused)
    assert elf_reader(str(path)) is None


def test_the_process_of_a_core(path: Path) -> None:
    """Its threads by number; files as far as their pages were dumped; nothing of another process or folder."""
    text = GivenText({"maps": b"", "task/7/comm": b"x\n", "task/7/syscall": b"", "task/12/syscall": b""}, 7)
    found = memory(path, segment(0x10000, 0, 2 * PAGE, 2 * PAGE), segment(0x20000, PAGE, PAGE, PAGE))
    files = [(0x1F000, 0x21000, 3 * PAGE, b"/lib"), (0x10000, 0x12000, 0, b"/bin"), (0x13000, 0x14000, 0, b"/not")]
    path.write_bytes(b"\x7fELF" + bytes(PAGE - 4) + b"\x7fELF" + b"a" * (PAGE - 4) + b"b" * PAGE)
    source = CoreSource(str(path), text, found, files)
    with source.open(7) as target:
        assert target.names("task") == ("12", "7")
        assert target.names("fd") is Refusal.UNRECORDED
        assert target.read("task/7/comm") == b"x\n"
        assert target.memory() is found
        assert target.page_runs([(0x10000, 0x12000)], PAGE) == found.page_runs([(0x10000, 0x12000)], PAGE)
        program = target.open_file(MappedFile("??:??", 1, b"/bin", ()))
        assert not isinstance(program, Refusal)
        assert program.read_at(PAGE, 8) == b"\x7fELFaaaa"
        assert program.read_at(2 * PAGE - 2, 8) == b"aa"
        assert program.read_at(2 * PAGE, 8) == b""
        for name in (b"/lib", b"/not", b"/other"):
            assert target.open_file(MappedFile("??:??", 1, name, ())) is Refusal.UNRECORDED
        reader = core._DumpedFile(found, [one for one in files if one[3] == b"/lib"])
        assert [reader.read_at(at * PAGE, 4) for at in (2, 3, 4, 5)] == [b"", b"", b"\x7fELF", b""]
        assert len(reader.read_at(4 * PAGE + 10, 2 * PAGE)) == PAGE - 10
    with pytest.raises(ProcessGone):
        source.open(8)
    with CoreSource(str(path), GivenText({"maps": b""}, 7), found, ()).open(7) as bare:
        assert bare.names("task") is Refusal.UNRECORDED
