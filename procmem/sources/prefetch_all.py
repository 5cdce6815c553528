"""Reading all processes while the command line is still being loaded.

Loading procmem takes about as long as the kernel needs to walk the pages of a few hundred processes, so that
``procmem system`` does both at once: children read, on other processors, what will surely be asked for, and as soon as
all is loaded we help them, and work on those that are read already while they read others. This module imports next to
nothing, since it is there to be early; what it read is a source like any other.
"""

from __future__ import annotations

import os

import procmem.model.proc_keys  # noqa: F401  # children have what is loaded before them
from procmem.sources.machine import own_pid
from procmem.sources.reading_ahead import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from procmem.model.note import Note
    from procmem.model.raw import FileContent
    from procmem.sources.reading_ahead import Content

__all__ = ["PrefetchedSource", "prefetch_all", "started"]

_HARMLESS = frozenset(
    {"--sort", "--reverse", "--top", "--by", "--bytes", "--human", "--json", "--csv", "--markdown", "--min-size"}
)
_FILES = ("status", "smaps_rollup")
_CHILDREN_MAX = 3

started: list[Reading] = []
"""What is being read for this run of the command, if anything."""


def prefetch_all(words: Sequence[str]) -> None:
    """Begin to read, if these are words of a command that will want it all."""
    options = {word.split("=", 1)[0] for word in words[1:] if word.startswith("-")}
    count = min(len(os.sched_getaffinity(0)) - 1, _CHILDREN_MAX)
    if words[:1] != ["system"] or not options <= _HARMLESS or count < 1:
        return
    try:
        reading = Reading("/proc", _FILES, without=str(own_pid()))
        started.append(reading)
        for _ in range(count):
            reading.add_child()
    except OSError:
        if started and not started[0].children:  # nobody reads until we are loaded
            started.pop().drop()


class PrefetchedSource:
    """Processes that were read ahead; any other question goes to the living ones, which ``live`` opens."""

    name = "/proc"
    is_live = True
    read_by_one = True

    def __init__(self, live: Callable[[], Any], reading: Reading) -> None:
        self._open_live = live
        self._live: Any = None
        self._reading = reading

    @classmethod
    def over(cls, live: Callable[[], Any]) -> Any:
        """What is read ahead, over the living source; that source itself where nothing is."""
        return cls(live, started.pop()) if started else live()

    @property
    def notes(self) -> tuple[Note, ...]:
        """Living processes have none."""
        return ()

    def pids(self) -> tuple[int, ...]:
        """Those that were there when reading began, ascending."""
        return tuple(sorted(map(int, self._reading.names)))

    def open(self, pid: int | None) -> Any:
        """The files that were read; nothing is held open."""
        files = None if pid is None else self._reading.files_of(pid)
        return self.living(pid) if pid is None or files is None else _AheadTarget(self.living, pid, files)

    def living(self, pid: int | None) -> Any:
        """The process itself."""
        self._live = self._live or self._open_live()
        return self._live.open(pid)


class _AheadTarget:
    def __init__(self, living: Callable[[int], Any], pid: int, files: dict[str, Content]) -> None:
        self._living = living
        self._files = files
        self.pid = pid

    def __enter__(self) -> _AheadTarget:
        return self

    def __exit__(self, *about: object) -> None:
        pass

    def read(self, name: str) -> FileContent:
        """A file that was read ahead, or the living process's."""
        if name in self._files:
            from procmem.sources.files import read_ahead  # noqa: PLC0415  # nothing is loaded before we read

            return read_ahead(self._files[name])
        with self._living(self.pid) as target:
            content: FileContent = target.read(name)
            return content

    def names(self, folder: str) -> Any:
        """The names in a folder of the living process."""
        with self._living(self.pid) as target:
            return target.names(folder)
