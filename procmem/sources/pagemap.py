"""Which pages of a range are in memory: pagemap, folded into runs of pages in the same state.

The PAGEMAP_SCAN request (Linux 6.7) lets the kernel fold, steps over what was never touched, and tells
the zero page and guard pages apart. Before it, 8 bytes are read for each page, within a bound.
Source: Documentation/admin-guide/mm/pagemap.rst; fs/proc/task_mmu.c, pagemap_read() and do_pagemap_scan().
"""

import array
import fcntl
import os
import struct
from collections.abc import Iterator, Sequence

from procmem.model.raw import PageRun, PageState, Refusal
from procmem.sources.files import refusal_of

__all__ = ["read_page_runs", "without_overlap"]

_PAGEMAP_SCAN = 0xC060_6610  # _IOWR('f', 16, struct pm_scan_arg), 96 bytes
_REGIONS_AT_ONCE = 4096
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


def without_overlap(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same addresses as ascending ranges that do not overlap, so that no page is told twice."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def read_page_runs(
    dir_fd: int, ranges: Sequence[tuple[int, int]], page_size: int, *, scan: bool = True
) -> tuple[PageRun, ...] | Refusal:
    """Read ``pagemap`` of an open process folder for some ranges (bytes, page aligned; they may overlap).

    ``scan=False`` keeps to plain reads, for a pagemap that is no kernel file.
    """
    ranges = without_overlap(ranges)
    try:
        fd = os.open("pagemap", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=dir_fd)
    except OSError as error:
        return refusal_of(error)
    try:
        if scan:
            try:
                return tuple(run for start, end in ranges for run in _scan(fd, start, end, _ALWAYS_KNOWN | _GUARD))
            except OSError:
                pass  # before 6.15 the guard category is unknown, before 6.7 the request itself
            try:
                return tuple(run for start, end in ranges for run in _scan(fd, start, end, _ALWAYS_KNOWN))
            except OSError:
                pass
        if sum(end - start for start, end in ranges) // page_size > _PLAIN_READ_PAGES_MAX:
            return Refusal.TOO_LARGE
        return tuple(run for start, end in ranges for run in _plain(fd, start, end, page_size))
    except OSError as error:
        return refusal_of(error)
    finally:
        os.close(fd)


def _scan(fd: int, start: int, end: int, known: int) -> Iterator[PageRun]:
    """Let the kernel fold the pages that are present, swapped or guards.

    The range must lie below the user limit: gate areas such as [vsyscall] are not scanned. Where the kernel's own
    buffer of 512 regions is full, it goes on from the beginning of a page table (seen on 6.18), and tells some pages
    again.
    """
    wanted = _PRESENT | _SWAPPED | (known & _GUARD)
    found = array.array("Q", bytes(24 * _REGIONS_AT_ONCE))
    address, _ = found.buffer_info()
    at = told = start
    while at < end:
        request = bytearray(struct.pack("=12Q", 96, 0, at, end, 0, address, _REGIONS_AT_ONCE, 0, 0, 0, wanted, known))
        count = fcntl.ioctl(fd, _PAGEMAP_SCAN, request, True)
        at = struct.unpack_from("=Q", request, 32)[0]
        for index in range(count):
            low, high, categories = found[3 * index : 3 * index + 3]
            if high <= told:
                continue
            low, told = max(low, told), high
            state = 0
            for category, bit in _STATES:
                if categories & category:
                    state |= bit
            if state & PageState.GUARD:
                state &= ~PageState.SWAPPED  # a guard marker is stored as a swap entry, but nothing is swapped
            yield PageRun(low, high, state)
        if count < _REGIONS_AT_ONCE and at >= end:
            return


def _plain(fd: int, start: int, end: int, page_size: int) -> Iterator[PageRun]:
    """Fold pagemap entries ourselves: bit 63 present, 62 swapped, 61 file or shared, 58 guard (6.15)."""
    run_start, run_state = start, 0
    at = start
    while at < end:
        pages = min((end - at) // page_size, _ENTRIES_AT_ONCE)
        data = os.pread(fd, pages * _ENTRY_BYTES, at // page_size * _ENTRY_BYTES)
        if len(data) < pages * _ENTRY_BYTES:
            raise OSError(0, "pagemap ends early")
        for (entry,) in struct.iter_unpack("=Q", data):
            top = entry >> 58
            state = 0
            if top & 0b110001:
                state = (top >> 5 & 1) | (top >> 4 & 1) << 1 | (top >> 3 & 1) << 2
                if top & 1:
                    state = PageState.GUARD
            if state != run_state:
                if run_state:
                    yield PageRun(run_start, at, run_state)
                run_start, run_state = at, state
            at += page_size
    if run_state:
        yield PageRun(run_start, end, run_state)
