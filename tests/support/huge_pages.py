"""Huge pages for a test, given back at its end."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from procmem.lab.machine_state import machine_lock
from tests.support import needs

__all__ = ["huge_pages"]


@contextlib.contextmanager
def huge_pages(count: int) -> Iterator[None]:
    """So many huge pages more than there were, for one user at a time: the laboratory changes their number too."""
    needs.marked("huge_pages()")
    setting = Path("/proc/sys/vm/nr_hugepages")
    with machine_lock():
        before = setting.read_text()
        try:
            for _ in range(3):
                setting.write_text(str(int(before) + count))
                if int(setting.read_text()) >= int(before) + count:
                    break
                Path("/proc/sys/vm/compact_memory").write_text("1")
            else:
                needs.lacking("the machine has no room for huge pages")
            yield
        finally:
            setting.write_text(before)
