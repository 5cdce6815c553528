"""Reading all processes while the command line is still being loaded.

Loading click takes about as long as the kernel needs to walk the pages of a few hundred processes, so that
``procmem system`` does both at once: children read, on other processors, what will surely be asked for. This module
imports next to nothing, since it is there to be early; what it read is a source like any other.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from procmem.sources.begun import read_plainly

if TYPE_CHECKING:
    from procmem.model.raw import FileContent

__all__ = ["Ahead", "AheadSource", "read_ahead", "started"]

_HARMLESS = frozenset(
    {"--sort", "--reverse", "--top", "--by", "--bytes", "--human", "--json", "--csv", "--markdown", "--min-size"}
)
_FILES = ("status", "smaps_rollup")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_CHILDREN_MAX = 4


class Ahead(NamedTuple):
    """A child that reads, and where it writes; a ``child`` of 0 could not be made."""

    child: int
    fd: int


started: list[Ahead] = []
"""The children that read for this run of the command, if any."""


def read_ahead(words: Sequence[str]) -> None:
    """Begin to read, if these are words of a command that will want it all."""
    options = {word.split("=", 1)[0] for word in words[1:] if word.startswith("-")}
    count = min(len(os.sched_getaffinity(0)), _CHILDREN_MAX)
    if words[:1] != ["system"] or not options <= _HARMLESS or count < 2:
        return
    names = [name for name in os.listdir("/proc") if name.isdecimal() and name != str(os.getpid())]
    for number in range(count):
        try:
            fd = os.memfd_create("procmem-ahead")
            child = os.fork()
        except OSError:
            started.append(Ahead(0, -1))  # a share that nobody reads
            return
        if child:
            started.append(Ahead(child, fd))
            continue
        status = 1
        try:
            _write(fd, names[number::count])
            status = 0
        finally:
            os._exit(status)  # whatever happened: the parent reads by itself then


def _write(fd: int, names: Sequence[str]) -> None:
    """Write the files of processes: lines of ``pid file size`` (a size below 0 is an errno), content behind each."""
    root = os.open("/proc", _FOLDER)
    pieces = []
    for name in names:
        try:
            folder = os.open(name, _FOLDER, dir_fd=root)
        except OSError:
            continue
        for file in _FILES:
            content, problem = read_plainly(file, folder)
            pieces += [f"{name} {file} {-problem or len(content)}\n".encode(), content]
            if file == "status" and b"\nVmSize:" not in content:
                break
        os.close(folder)
    data = memoryview(b"".join(pieces))
    while data:
        data = data[os.write(fd, data) :]


class AheadSource:
    """Processes that were read ahead; any other question goes to the living one."""

    def __init__(self, live: Any, files: dict[int, dict[str, FileContent]]) -> None:
        self.name = live.name
        self.is_live = True
        self.read_by_one = True
        self._live = live
        self._files = files

    @classmethod
    def over(cls, live: Any) -> Any:
        """What was read ahead, over the living source; that source itself where nothing was, or it failed."""
        if not started:
            return live
        files: dict[int, dict[str, FileContent]] = {}
        failed = False
        for ahead in started:
            if not ahead.child:
                failed = True
                continue
            _, status = os.waitpid(ahead.child, 0)
            failed = failed or status != 0
            if not failed:
                files |= _parsed(ahead.fd)
            os.close(ahead.fd)
        started.clear()
        return live if failed else cls(live, files)

    def pids(self) -> tuple[int, ...]:
        """Those that were there when reading began, ascending."""
        return tuple(sorted(self._files))

    def open(self, pid: int) -> Any:
        """The files that were read; nothing is held open."""
        if pid in self._files:
            return _AheadTarget(self._live, pid, self._files[pid])
        return self._live.open(pid)


class _AheadTarget:
    def __init__(self, live: Any, pid: int, files: dict[str, FileContent]) -> None:
        self._live = live
        self._files = files
        self.pid = pid

    def __enter__(self) -> _AheadTarget:
        return self

    def __exit__(self, *about: object) -> None:
        pass

    def read(self, name: str) -> FileContent:
        """A file that was read ahead, or the living process's."""
        if name in self._files:
            return self._files[name]
        with self._live.open(self.pid) as target:
            content: FileContent = target.read(name)
            return content

    def names(self, folder: str) -> Any:
        """The names in a folder of the living process."""
        with self._live.open(self.pid) as target:
            return target.names(folder)


def _parsed(fd: int) -> dict[int, dict[str, FileContent]]:
    from procmem.sources.files import refusal_of  # noqa: PLC0415  # not needed to begin

    size = os.fstat(fd).st_size
    data = os.pread(fd, size, 0) if size else b""
    files: dict[int, dict[str, FileContent]] = {}
    at = 0
    while at < size:
        end = data.index(b"\n", at)
        pid, name, length = data[at:end].split()
        at = end + 1
        whole = int(length)
        content = refusal_of(OSError(-whole, "")) if whole < 0 else data[at : at + whole]
        at += max(whole, 0)
        files.setdefault(int(pid), {})[sys.intern(name.decode())] = content
    return files
