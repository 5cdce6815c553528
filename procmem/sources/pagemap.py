"""Which pages of a range are in memory: pagemap, folded into runs of pages in the same state.

The PAGEMAP_SCAN request (Linux 6.7) lets the kernel fold, steps over what was never touched, and tells
the zero page and guard pages apart. Before it, 8 bytes are read for each page, within a bound.
Source: Documentation/admin-guide/mm/pagemap.rst; fs/proc/task_mmu.c, pagemap_read() and do_pagemap_scan().
"""

from __future__ import annotations

import array
import fcntl
import os
import struct
from itertools import compress
from operator import gt

from procmem.model.raw import PageRun, PageRuns, PageState, Refusal, without_overlap
from procmem.sources.files import refusal_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["read_page_runs"]

_PAGEMAP_SCAN = 0xC060_6610  # _IOWR('f', 16, struct pm_scan_arg), 96 bytes
_REGIONS_AT_ONCE = 4096
_MANY = 8
_GAP_BYTES = 64 << 10
"""To scan so much between two ranges takes less than another call."""
_ENTRY_BYTES = 8
_ENTRIES_AT_ONCE = 64 * 1024
_PLAIN_READ_PAGES_MAX = 16 * 1024 * 1024

# categories of PAGEMAP_SCAN (include/uapi/linux/fs.h)
_FILE, _PRESENT, _SWAPPED, _PFNZERO, _HUGE, _GUARD = 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 8
_ALWAYS_KNOWN = _FILE | _PRESENT | _SWAPPED | _PFNZERO | _HUGE
_STATES = (
    (_PRESENT, PageState.PRESENT),
    (_SWAPPED, PageState.SWAPPED),
    (_FILE, PageState.FILE),
    (_PFNZERO, PageState.ZERO),
    (_HUGE, PageState.HUGE),
    (_GUARD, PageState.GUARD),
)


def read_page_runs(
    dir_fd: int, ranges: Sequence[tuple[int, int]], page_size: int, *, scan: bool = True
) -> PageRuns | Refusal:
    """Read ``pagemap`` of an open process folder for some ranges (bytes, page aligned; they may overlap).

    ``scan=False`` keeps to plain reads, for a pagemap that is no kernel file. Of many single pages each is read by
    itself, which does not tell the zero page from others.
    """
    ranges = without_overlap(ranges)
    single = [start for start, end in ranges if end - start == page_size]
    if len(single) >= _MANY:
        ranges = [(start, end) for start, end in ranges if end - start != page_size]
    else:
        single = []
    try:
        fd = os.open("pagemap", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=dir_fd)
    except OSError as error:
        return refusal_of(error)
    try:
        pages = _single(fd, single, page_size)
        runs = _ranges(fd, ranges, page_size, scan=scan) if ranges or not single else PageRuns()
    except OSError as error:
        return refusal_of(error)
    finally:
        os.close(fd)
    return runs if isinstance(runs, Refusal) else PageRuns.joined(pages, runs)


def _ranges(fd: int, ranges: Sequence[tuple[int, int]], page_size: int, *, scan: bool) -> PageRuns | Refusal:
    # before 6.15 the guard category is unknown, before 6.7 the request itself
    for known in (_ALWAYS_KNOWN | _GUARD, _ALWAYS_KNOWN) if scan else ():
        try:
            return _scan(fd, without_overlap(ranges, gap=_GAP_BYTES), known).clipped(ranges)
        except OSError:
            pass
    if sum(end - start for start, end in ranges) // page_size > _PLAIN_READ_PAGES_MAX:
        return Refusal.TOO_LARGE
    return PageRuns.of(run for start, end in ranges for run in _plain(fd, start, end, page_size))


def _single(fd: int, starts: Sequence[int], page_size: int) -> PageRuns:
    """Single pages that are present, swapped or guards, each a run: a call takes less than a request to scan."""
    read, pages_of_entry = os.pread, page_size // _ENTRY_BYTES
    data = b"".join([read(fd, _ENTRY_BYTES, start // pages_of_entry) for start in starts])
    if len(data) < len(starts) * _ENTRY_BYTES:
        raise OSError(0, "pagemap ends early")
    states = list(map(_state, struct.unpack(f"={len(starts)}Q", data)))
    found = list(compress(starts, states))
    return PageRuns(found, [start + page_size for start in found], list(filter(None, states)))


class _States(dict[int, int]):
    """Our bits for the kernel's categories."""

    def __missing__(self, categories: int) -> int:
        state = sum(bit for category, bit in _STATES if categories & category)
        if state & PageState.GUARD:
            state &= ~PageState.SWAPPED  # a guard marker is stored as a swap entry, but nothing is swapped
        self[categories] = state
        return state


_buffers: list[array.array[int]] = []
"""What the kernel writes regions to, while nobody uses it."""


def _scan(fd: int, spans: Iterable[tuple[int, int]], known: int) -> PageRuns:
    """Let the kernel fold the pages that are present, swapped or guards.

    The ranges must lie below the user limit: gate areas such as [vsyscall] are not scanned.
    """
    wanted = _PRESENT | _SWAPPED | (known & _GUARD)
    # one is enough for all processes: to touch new memory takes longer than most requests
    found = _buffers.pop() if _buffers else array.array("Q", bytes(24 * _REGIONS_AT_ONCE))
    address, _ = found.buffer_info()
    low, high, state = array.array("Q"), array.array("Q"), array.array("B")
    states = _States()
    for start, end in spans:
        at = start
        while at < end:
            request = bytearray(
                struct.pack("=12Q", 96, 0, at, end, 0, address, _REGIONS_AT_ONCE, 0, 0, 0, wanted, known)
            )
            count = fcntl.ioctl(fd, _PAGEMAP_SCAN, request, True)
            (at,) = struct.unpack_from("=Q", request, 32)
            low += found[0 : 3 * count : 3]
            high += found[1 : 3 * count : 3]
            state.extend(map(states.__getitem__, found[2 : 3 * count : 3]))
            if count < _REGIONS_AT_ONCE and at >= end:
                break
    _buffers.append(found)
    runs = PageRuns(low, high, state)
    # where the kernel's own buffer of 512 regions is full, it goes on from the beginning of a page table, and some
    # pages are told again (seen on 6.18)
    return PageRuns.merged(runs) if any(map(gt, high, low[1:])) else runs


def _state(entry: int) -> int:
    """The state that an entry tells: bit 63 present, 62 swapped, 61 file or shared, 58 guard (6.15); 0 for no page."""
    top = entry >> 58
    if top & 1:
        return PageState.GUARD
    return (top >> 5 & 1) | (top >> 4 & 1) << 1 | (top >> 3 & 1) << 2 if top & 0b110000 else 0


def _plain(fd: int, start: int, end: int, page_size: int) -> Iterator[PageRun]:
    """Fold pagemap entries ourselves."""
    run_start, run_state = start, 0
    at = start
    while at < end:
        pages = min((end - at) // page_size, _ENTRIES_AT_ONCE)
        data = os.pread(fd, pages * _ENTRY_BYTES, at // page_size * _ENTRY_BYTES)
        if len(data) < pages * _ENTRY_BYTES:
            raise OSError(0, "pagemap ends early")
        for (entry,) in struct.iter_unpack("=Q", data):
            state = _state(entry)
            if state != run_state:
                if run_state:
                    yield PageRun(run_start, at, run_state)
                run_start, run_state = at, state
            at += page_size
    if run_state:
        yield PageRun(run_start, end, run_state)
