"""A program started by us and looked at without tracing it, where tracing is forbidden.

A sandbox may forbid ptrace and still let us start a program, stop it by a signal, and read its map. The moment is
not ours to choose then: the program is stopped when it first waits for something, or after a while.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from types import TracebackType

from procmem.tracing.child_files import ChildFiles
from procmem.tracing.tracee import Started, fork_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

__all__ = ["Untraced"]

_PATIENCE_SECONDS = 2.0
_LOOK_SECONDS = 0.005
_QUIET_LOOKS = 3
"""So many looks in a row must find it waiting: a page that is read from disk is a short wait."""
_STOPPED = "Tt"
"""States in ``stat``: stopped by a signal, and the same under somebody else's tracer (strace -f)."""


class Untraced(ChildFiles):
    """One child that stands still inside the ``with`` statement, and is killed at its end."""

    def __init__(self, how: Started) -> None:
        super().__init__()
        self._how = how

    def __enter__(self) -> Self:
        own = os.stat("/proc/self/exe")
        self.pid = fork_program(self._how, ctypes.CDLL(None, use_errno=True), traced=False)
        end = time.monotonic() + _PATIENCE_SECONDS
        quiet = 0
        while quiet < _QUIET_LOOKS and time.monotonic() < end and self.alive:
            time.sleep(_LOOK_SECONDS)
            quiet = quiet + 1 if self._runs_another_program(own) and self._state() in "ST" else 0
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGSTOP)
        end = time.monotonic() + _PATIENCE_SECONDS
        while self.alive and self._state() not in _STOPPED:
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)  # a map that may change at any moment is none to read
            time.sleep(_LOOK_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    @property
    def alive(self) -> bool:
        """Whether there is a program to look at."""
        return self._state() not in "ZX"

    def _state(self) -> str:
        try:
            return self.proc_file("stat").rsplit(b")", 1)[1].split()[0].decode("ascii")
        except OSError:
            return "X"

    def _runs_another_program(self, own: os.stat_result) -> bool:
        """Whether its execve is over; until then it is a copy of ourselves."""
        try:
            now = os.stat(f"/proc/{self.pid}/exe")
        except OSError:
            return False
        return (now.st_dev, now.st_ino) != (own.st_dev, own.st_ino)
