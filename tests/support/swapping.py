"""A swap file of our own for a while: one at a time on a machine, and gone afterwards whatever happens."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support import needs
from tests.support.machine import machine_for_us


@contextlib.contextmanager
def swap_file(size: int) -> Iterator[Path]:
    """A swap file of the highest priority, switched off and removed at the end; the laboratory waits meanwhile.

    Raises:
        OSError: this machine, or its file system, does not let us have one.
    """
    needs.marked("swap_file()")
    with machine_for_us(), tempfile.TemporaryDirectory(prefix="procmem-swap-", dir="/var/tmp") as folder:
        path = Path(folder, "swapfile")
        path.touch(0o600)
        with open(path, "wb") as file:
            for _ in range(size >> 20):
                file.write(bytes(1 << 20))
        done = subprocess.run(["mkswap", path], capture_output=True, check=False)
        if not done.returncode:
            done = subprocess.run(["swapon", "-p", "32000", path], capture_output=True, check=False)
        if done.returncode:
            raise OSError(done.stderr.decode(errors="replace").strip())
        try:
            yield path
        finally:
            subprocess.run(["swapoff", path], capture_output=True, check=True)
