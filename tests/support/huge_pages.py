"""Huge pages for a test, given back at its end."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from procmem.lab.machine_state import machine_lock

__all__ = ["huge_pages"]


@contextlib.contextmanager
def huge_pages(count: int) -> Iterator[None]:
    """So many huge pages more than there were, for one user at a time: the laboratory changes their number too."""
    setting = Path("/proc/sys/vm/nr_hugepages")
    with machine_lock():
        before = setting.read_text()
        try:
            setting.write_text(str(int(before) + count))
            if int(setting.read_text()) < int(before) + count:
                pytest.skip("the machine has no room for huge pages")
            yield
        finally:
            setting.write_text(before)
