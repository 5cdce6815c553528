"""Which files this process has open, for tests that say that none was left open.

What belongs here: telling files opened within a test from what earlier tests left to the garbage collector, whose
descriptors may be closed, and their numbers given out again, in the middle of a later test.
"""

import contextlib
import gc
import os
from collections.abc import Iterator

OpenFile = tuple[int, int, int]
"""A descriptor, and the device and inode of its file: a number alone is given out again."""


def open_files() -> set[OpenFile]:
    """Each file that is open now, without the folder that is being listed."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own is closed by now
            status = os.fstat(int(name))
            found.add((int(name), status.st_dev, status.st_ino))
    return found


@contextlib.contextmanager
def no_file_left_open() -> Iterator[None]:
    """Whatever is opened within is closed at the end, by who opened it: garbage is collected before, not after."""
    gc.collect()
    before = open_files()
    yield
    left = {fd: os.readlink(f"/proc/self/fd/{fd}") for fd, *_ in open_files() - before}
    assert not left
