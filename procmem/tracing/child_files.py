"""The files of ``/proc`` of a child that we started: traced or not, they are read alike."""

import os
import time

__all__ = ["ChildFiles"]

_REST_SECONDS = 0.2
_POLL_SECONDS = 0.001
_RUNNING = b"R"


class ChildFiles:
    """A child by its pid, which is 0 before it is started."""

    def __init__(self) -> None:
        self.pid = 0

    def proc_file(self, name: str) -> bytes:
        """Read a file of ``/proc/PID`` whole.

        Raises:
            OSError: the child is gone, or the file may not be read.
        """
        with open(f"/proc/{self.pid}/{name}", "rb") as file:
            return file.read()

    def let_threads_rest(self) -> None:
        """Wait until its threads wait for something, at two looks one after another, but not for long.

        What a new thread maps for itself is there then, or not, at every run alike.
        """
        until = time.monotonic() + _REST_SECONDS
        quiet = 0
        while quiet < 2 and time.monotonic() < until:
            states = [self._state_of(name) for name in self._threads()]
            if len(states) < 2:
                return
            quiet = 0 if _RUNNING in states else quiet + 1
            time.sleep(_POLL_SECONDS)

    def _threads(self) -> list[str]:
        try:
            return os.listdir(f"/proc/{self.pid}/task")
        except OSError:
            return []  # it has ended

    def _state_of(self, tid: str) -> bytes:
        try:
            return self.proc_file(f"task/{tid}/stat").rpartition(b") ")[2][:1]
        except OSError:
            return b""
