"""The lock of whoever changes the whole machine, for tests that run side by side."""

import contextlib

from procmem.lab.machine_state import machine_lock

__all__ = ["PATIENCE_SECONDS", "machine_for_us"]

PATIENCE_SECONDS = 900
"""The tests of several workers, and of other checkouts, wait for each other."""


def machine_for_us() -> contextlib.AbstractContextManager[None]:
    """Hold the lock of the laboratory, which is waited for longer than the command would."""
    return machine_lock(seconds=PATIENCE_SECONDS)
