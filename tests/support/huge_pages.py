"""Huge pages for a test, given back at its end."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support import needs
from tests.support.machine import machine_for_us

__all__ = ["huge_pages"]

_TRIES = 50


def _free() -> int:
    """Pages of the pool that nobody has or has reserved: those of a process that just ended come back late."""
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    return int(fields["HugePages_Free"]) - int(fields["HugePages_Rsvd"])


@contextlib.contextmanager
def huge_pages(count: int) -> Iterator[None]:
    """So many huge pages more than there were, for one user at a time: the laboratory changes their number too."""
    needs.marked("huge_pages()")
    setting = Path("/proc/sys/vm/nr_hugepages")
    with machine_for_us():
        before = setting.read_text()
        try:
            for _ in range(_TRIES):
                setting.write_text(str(int(before) + count))
                if _free() >= count:
                    break
                Path("/proc/sys/vm/compact_memory").write_text("1")
                time.sleep(0.1)
            else:
                needs.lacking("the machine has no room for huge pages")
            yield
        finally:
            setting.write_text(before)
