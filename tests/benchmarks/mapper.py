"""A process whose mappings differ in every record: ``python mapper.py COUNT [SEED]``; run by the benchmarks' loads.

Half of the mappings are of a hundred files, at offsets of their own; the others are blocks as malloc maps them, areas
of many sizes and permissions, shared memory and reserved addresses. Sizes and touched pages are drawn, so that hardly
two records have the same counters; some pages are shared with a child. It prints a line when all is there.
"""

import ctypes
import mmap
import os
import random
import sys
import tempfile

PAGE = 4096
FILES = 100
FILE_PAGES = 512
MALLOC_PAGES = 33
"""132 KiB: what malloc maps for a request of 128 KiB (M_MMAP_THRESHOLD)."""
FIXED_NOREPLACE = 0x100000
NORESERVE = 0x4000
R, W, X = mmap.PROT_READ, mmap.PROT_WRITE, mmap.PROT_EXEC

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]


def mapped(at: int, pages: int, prot: int, flags: int, file: int = -1, offset: int = 0) -> int:
    """Map something at an address; gives the address behind it."""
    got = libc.mmap(at, pages * PAGE, prot, flags | FIXED_NOREPLACE, file, offset * PAGE)
    if got != at:
        raise OSError(ctypes.get_errno(), "mmap")
    return at + pages * PAGE


def touched(draw: random.Random, at: int, pages: int, prot: int, most: int) -> list[int]:
    """Touch some pages, each by reading or writing; gives those that were written."""
    written = []
    for page in draw.sample(range(pages), min(pages, draw.randint(0, most))):
        address = at + page * PAGE
        if prot & W and draw.random() < 0.7:
            ctypes.memset(address, 1 + page % 255, 1)
            written.append(address)
        elif prot & R:
            ctypes.string_at(address, 1)
    return written


def one(draw: random.Random, at: int, files: list[int]) -> tuple[int, list[int]]:
    """Map and touch one; gives the address behind it, and the written pages."""
    private, anonymous = mmap.MAP_PRIVATE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    kind = draw.random()
    if kind < 0.5:
        prot = draw.choice([R, R, R | X, R | W])
        pages = draw.randint(1, 40)
        flags = draw.choice([private, private, mmap.MAP_SHARED])
        end = mapped(at, pages, prot, flags, draw.choice(files), draw.randint(0, FILE_PAGES - pages))
        return end, touched(draw, at, pages, prot, 4)
    if kind < 0.7:
        return mapped(at, MALLOC_PAGES, R | W, anonymous), touched(draw, at, MALLOC_PAGES, R | W, 12)
    if kind < 0.93:
        prot, pages = draw.choice([R | W, R | W, R | W, R, R | X, 0]), draw.randint(1, 60)
        flags = anonymous | (NORESERVE if draw.random() < 0.2 else 0)
        return mapped(at, pages, prot, flags), touched(draw, at, pages, prot, 6)
    if kind < 0.97:
        pages = draw.randint(1, 9)
        end = mapped(at, pages, R | W, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
        return end, touched(draw, at, pages, R | W, 5)
    return mapped(at, draw.randint(16, 4096), 0, anonymous | NORESERVE), []


def main() -> None:
    """Map everything, share some of it with a child, and wait."""
    count, draw = int(sys.argv[1]), random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    with tempfile.TemporaryDirectory(prefix="mapped-") as folder:
        files = []
        for number in range(FILES):
            path = os.path.join(folder, f"data-{number:03}.bin")
            with open(path, "wb") as file:
                file.write(os.urandom(PAGE) * FILE_PAGES)
            files.append(os.open(path, os.O_RDWR))
        at = libc.mmap(None, count * 4200 * PAGE // 10, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NORESERVE, -1, 0)
        libc.munmap(ctypes.c_void_p(at), ctypes.c_size_t(count * 4200 * PAGE // 10))
        with open("/proc/self/maps", "rb") as maps:
            missing = count - sum(1 for _ in maps)
        written: list[int] = []
        for _ in range(missing):
            at, pages = one(draw, at, files)
            written += pages
            at += draw.randint(1, 16) * PAGE  # neighbours would be merged
        gone = os.fork()
        if gone == 0:
            for address in draw.sample(written, len(written) // 3):
                ctypes.memset(address, 255, 1)
            os.write(1, b"ready\n")
            sys.stdin.read()
            os._exit(0)
        sys.stdin.read()


if __name__ == "__main__":
    main()
