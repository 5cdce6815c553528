"""The memory of a core by its addresses, and what a stranger's headers must not do to it."""

from pathlib import Path

import pytest

from procmem.model.elf import PT_LOAD, Segment
from procmem.model.raw import PageState
from procmem.sources.core import CoreMemory
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


def test_many_small_segments_are_read_one_after_the_other(path: Path) -> None:
    """A hundred thousand of a byte each."""
    found = memory(path, *(segment(0x10000 + at, PAGE, 1, 1) for at in range(100_000)))
    assert found.read_at(0x10000, 1 << 20) == b"a" * 100_000


def test_what_was_not_dumped_is_passed_over(path: Path) -> None:
    """However much it is, it holds nothing: 64 TiB take no time, and are not called used."""
    found = memory(path, segment(0x10000, 0, 0, 1 << 46), segment(1 << 46, 0, 3 * PAGE, 3 * PAGE))
    runs = found.page_runs([(0x10000, (1 << 46) + 4 * PAGE)], PAGE)
    assert [(run.start, run.end, run.state) for run in runs] == [
        ((1 << 46) + PAGE, (1 << 46) + 3 * PAGE, PageState.PRESENT)
    ]
    assert list(found.page_runs([(1 << 45, (1 << 45) + PAGE)], PAGE)) == []
