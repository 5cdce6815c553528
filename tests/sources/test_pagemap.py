"""pagemap as kernels before 6.7 give it (plain reads), and what PAGEMAP_SCAN answers since."""

import ctypes
import errno
import fcntl
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from procmem.model.raw import PageRun, PageRuns, PageState, Refusal, without_overlap
from procmem.sources.pagemap import read_page_runs

PAGE = 4096
PRESENT, SWAPPED, FILE, GUARD, EXCLUSIVE, DIRTY = 1 << 63, 1 << 62, 1 << 61, 1 << 58, 1 << 56, 1 << 55
"""Documentation/admin-guide/mm/pagemap.rst."""
FRAME = 0x1234
PLAIN_READ_PAGES_MAX = 16 * 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    """A folder for a pagemap that is no kernel file, open."""
    fd = os.open(tmp_path, os.O_RDONLY)
    yield fd
    os.close(fd)


def pagemap(path: Path, *words: int) -> None:
    """Write the words of the first pages."""
    (path / "pagemap").write_bytes(struct.pack(f"={len(words)}Q", *words))


def plain(folder: int, *ranges: tuple[int, int]) -> PageRuns | Refusal:
    """What plain reads give; ranges in pages."""
    return read_page_runs(folder, [(low * PAGE, high * PAGE) for low, high in ranges], PAGE, scan=False)


def test_each_bit_is_told(tmp_path: Path, folder: int) -> None:
    """Present, in swap, of a file or shared, and a guard, which is stored as if it were in swap (6.15)."""
    pagemap(
        tmp_path,
        *(0, PRESENT | EXCLUSIVE | DIRTY | FRAME, SWAPPED | FRAME, PRESENT | FILE, SWAPPED | FILE, GUARD),
        *(SWAPPED | GUARD, FILE, DIRTY, EXCLUSIVE | FRAME, 0),
    )
    assert plain(folder, (0, 11)) == (
        PageRun(PAGE, 2 * PAGE, PageState.PRESENT),
        PageRun(2 * PAGE, 3 * PAGE, PageState.SWAPPED),
        PageRun(3 * PAGE, 4 * PAGE, PageState.PRESENT | PageState.FILE),
        PageRun(4 * PAGE, 5 * PAGE, PageState.SWAPPED | PageState.FILE),
        PageRun(5 * PAGE, 7 * PAGE, PageState.GUARD),
    )


def test_pages_in_one_state_are_one_run(tmp_path: Path, folder: int) -> None:
    """Also over the frames, and to the end of a range; ranges do not join."""
    pagemap(tmp_path, PRESENT | 1, PRESENT | 2, PRESENT | 3, GUARD, GUARD, 0)
    assert plain(folder, (0, 2), (2, 6)) == (
        PageRun(0, 2 * PAGE, PageState.PRESENT),
        PageRun(2 * PAGE, 3 * PAGE, PageState.PRESENT),
        PageRun(3 * PAGE, 5 * PAGE, PageState.GUARD),
    )
    assert plain(folder, (3, 5)) == (PageRun(3 * PAGE, 5 * PAGE, PageState.GUARD),)


def test_more_pages_than_are_read_at_once(tmp_path: Path, folder: int) -> None:
    """The pieces of a long range make one run."""
    count = 3 * 64 * 1024 + 5
    pagemap(tmp_path, 0, *[PRESENT] * count, 0)
    assert plain(folder, (0, count + 2)) == (PageRun(PAGE, (count + 1) * PAGE, PageState.PRESENT),)


def test_a_pagemap_that_ends_early_is_refused(tmp_path: Path, folder: int) -> None:
    """Never a page less than was asked for."""
    pagemap(tmp_path, PRESENT, PRESENT)
    assert plain(folder, (0, 3)) is Refusal.FAILED
    assert plain(folder, (0, 2)) == (PageRun(0, 2 * PAGE, PageState.PRESENT),)


def test_plain_reads_have_a_bound(tmp_path: Path, folder: int) -> None:
    """64 GiB of addresses, all ranges together; beyond, nothing is read."""
    pagemap(tmp_path)
    half = PLAIN_READ_PAGES_MAX // 2
    assert plain(folder, (0, half), (half, PLAIN_READ_PAGES_MAX + 1)) is Refusal.TOO_LARGE
    assert plain(folder, (0, half), (half, PLAIN_READ_PAGES_MAX)) is Refusal.FAILED  # it was read, and is empty


def test_no_pagemap(folder: int) -> None:
    """Absent is a value."""
    assert plain(folder, (0, 1)) is Refusal.ABSENT


def test_ranges_that_overlap_or_touch() -> None:
    """No address twice; those that only touch stay two."""
    assert without_overlap([(5, 9), (1, 3), (3, 4), (6, 7), (8, 12)]) == [(1, 3), (3, 4), (5, 12)]


class Kernel:
    """An ioctl(2) that answers PAGEMAP_SCAN: the regions of each call, and where it stopped."""

    def __init__(self, answers: Sequence[tuple[int, Sequence[tuple[int, int, int]]]], *, guards: bool = True) -> None:
        self.answers = list(answers)
        self.guards = guards
        self.asked: list[tuple[int, ...]] = []

    def ioctl(self, _fd: int, request: int, argument: bytearray, _mutate: bool) -> int:
        """As pagemap_scan() does."""
        assert request == 0xC0606610
        words = struct.unpack("=12Q", argument)
        assert words[0] == 96
        self.asked.append(words)
        if words[11] >> 8 and not self.guards:
            raise OSError(errno.EINVAL, "Invalid argument")
        walked, regions = self.answers.pop(0)
        data = b"".join(struct.pack("=3Q", low, high, categories) for low, high, categories in regions)
        ctypes.memmove(words[5], data, len(data))
        struct.pack_into("=Q", argument, 32, walked)
        return len(regions)


def scanned(folder: int, kernel: Kernel, monkeypatch: pytest.MonkeyPatch, end: int) -> PageRuns | Refusal:
    """Ask that kernel about the first pages."""
    monkeypatch.setattr(fcntl, "ioctl", kernel.ioctl)
    return read_page_runs(folder, [(0, end)], PAGE)


def test_the_kernels_categories(tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its state; a guard is not in swap."""
    pagemap(tmp_path)
    bits = (1 << 3, 1 << 4, 1 << 3 | 1 << 2, 1 << 3 | 1 << 5, 1 << 3 | 1 << 6, 1 << 4 | 1 << 8)
    regions = [(at * PAGE, (at + 1) * PAGE, categories) for at, categories in enumerate(bits)]
    kernel = Kernel([(8 * PAGE, regions)])
    runs = scanned(folder, kernel, monkeypatch, 8 * PAGE)
    assert not isinstance(runs, Refusal)
    assert [run.state for run in runs] == [
        PageState.PRESENT,
        PageState.SWAPPED,
        PageState.PRESENT | PageState.FILE,
        PageState.PRESENT | PageState.ZERO,
        PageState.PRESENT | PageState.HUGE,
        PageState.GUARD,
    ]
    ((_, flags, start, end, _, _, room, most, inverted, all_of, any_of, told),) = kernel.asked
    assert (flags, start, end, most, inverted, all_of) == (0, 0, 8 * PAGE, 0, 0, 0)
    assert room >= len(regions)
    assert any_of == 1 << 3 | 1 << 4 | 1 << 8
    assert told == 1 << 2 | any_of | 1 << 5 | 1 << 6


def test_pages_told_again_are_told_once(tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel goes on from the beginning of a page table."""
    pagemap(tmp_path)
    first = (4 * PAGE, [(0, 2 * PAGE, 8), (3 * PAGE, 4 * PAGE, 8)])
    second = (9 * PAGE, [(0, 2 * PAGE, 8), (3 * PAGE, 6 * PAGE, 8), (6 * PAGE, 7 * PAGE, 16)])
    kernel = Kernel([first, second])
    assert scanned(folder, kernel, monkeypatch, 9 * PAGE) == (
        PageRun(0, 2 * PAGE, PageState.PRESENT),
        PageRun(3 * PAGE, 4 * PAGE, PageState.PRESENT),
        PageRun(4 * PAGE, 6 * PAGE, PageState.PRESENT),
        PageRun(6 * PAGE, 7 * PAGE, PageState.SWAPPED),
    )
    assert [words[2] for words in kernel.asked] == [0, 4 * PAGE]


def test_a_kernel_that_knows_no_guards(tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """6.7 to 6.14 refuse the category: it is asked again without."""
    pagemap(tmp_path)
    kernel = Kernel([(2 * PAGE, [(0, PAGE, 8)])], guards=False)
    assert scanned(folder, kernel, monkeypatch, 2 * PAGE) == (PageRun(0, PAGE, PageState.PRESENT),)
    assert [words[10:] for words in kernel.asked] == [(0b1_0001_1000, 0b1_0111_1100), (0b1_1000, 0b111_1100)]


def test_a_kernel_that_scans_nothing(tmp_path: Path, folder: int) -> None:
    """Before 6.7, or no kernel file: plain reads."""
    pagemap(tmp_path, 0, SWAPPED | GUARD)
    assert read_page_runs(folder, [(0, 2 * PAGE)], PAGE) == (PageRun(PAGE, 2 * PAGE, PageState.GUARD),)


def test_what_lies_between_ranges_is_not_told(tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges close to each other are scanned at once; a region that reaches over their ends is cut to them."""
    pagemap(tmp_path)
    regions = [(0, 3 * PAGE, 8), (4 * PAGE, 5 * PAGE, 8), (7 * PAGE, 12 * PAGE, 16)]
    kernel = Kernel([(12 * PAGE, regions)])
    monkeypatch.setattr(fcntl, "ioctl", kernel.ioctl)
    asked = [(PAGE, 2 * PAGE), (2 * PAGE, 3 * PAGE), (6 * PAGE, 8 * PAGE), (10 * PAGE, 12 * PAGE)]
    assert read_page_runs(folder, asked, PAGE) == (
        PageRun(PAGE, 2 * PAGE, PageState.PRESENT),
        PageRun(2 * PAGE, 3 * PAGE, PageState.PRESENT),
        PageRun(7 * PAGE, 8 * PAGE, PageState.SWAPPED),
        PageRun(10 * PAGE, 12 * PAGE, PageState.SWAPPED),
    )
    assert [(words[2], words[3]) for words in kernel.asked] == [(PAGE, 12 * PAGE)]


def test_ranges_far_apart_are_scanned_apart(tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies between may be large."""
    pagemap(tmp_path)
    far = 1 << 30
    kernel = Kernel([(2 * PAGE, [(0, PAGE, 8)]), (far + 2 * PAGE, [(far, far + PAGE, 8)])])
    monkeypatch.setattr(fcntl, "ioctl", kernel.ioctl)
    assert read_page_runs(folder, [(0, 2 * PAGE), (far, far + 2 * PAGE)], PAGE) == (
        PageRun(0, PAGE, PageState.PRESENT),
        PageRun(far, far + PAGE, PageState.PRESENT),
    )
    assert len(kernel.asked) == 2


def test_many_single_pages_are_read_one_by_one(tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """And longer ranges beside them are scanned."""
    words = [PRESENT | FRAME, 0, SWAPPED, PRESENT | FILE, GUARD, SWAPPED | GUARD, FILE, PRESENT, SWAPPED | FILE]
    pagemap(tmp_path, *(word for word in words for _ in range(2)), PRESENT, 0)
    kernel = Kernel([(20 * PAGE, [(18 * PAGE, 19 * PAGE, 8)])])
    monkeypatch.setattr(fcntl, "ioctl", kernel.ioctl)
    asked = [(2 * at * PAGE, (2 * at + 1) * PAGE) for at in range(len(words))]
    states = (
        *(PageState.PRESENT, 0, PageState.SWAPPED, PageState.PRESENT | PageState.FILE, PageState.GUARD),
        *(PageState.GUARD, 0, PageState.PRESENT, PageState.SWAPPED | PageState.FILE),
    )
    expected = [PageRun(start, end, state) for (start, end), state in zip(asked, states, strict=True) if state]
    assert read_page_runs(folder, [*asked, (18 * PAGE, 20 * PAGE)], PAGE) == (
        *expected,
        PageRun(18 * PAGE, 19 * PAGE, PageState.PRESENT),
    )
    assert [(words[2], words[3]) for words in kernel.asked] == [(18 * PAGE, 20 * PAGE)]


def test_single_pages_behind_the_end_are_refused(tmp_path: Path, folder: int) -> None:
    """As ranges are."""
    pagemap(tmp_path, *[PRESENT] * 10)
    assert plain(folder, *((at, at + 1) for at in range(1, 12))) is Refusal.FAILED
