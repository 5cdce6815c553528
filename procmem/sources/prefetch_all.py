"""Reading all processes while the command line is still being loaded.

Loading procmem takes about as long as the kernel needs to walk the pages of a few hundred processes, so that
``procmem system`` does both at once: children read, on other processors, what will surely be asked for, and as soon as
all is loaded we help them. This module imports next to nothing, since it is there to be early; what it read is a source
like any other.
"""

from __future__ import annotations

import os
import sys

from procmem.model.proc_keys import has_memory
from procmem.sources.machine import own_pid
from procmem.sources.prefetch import read_plainly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from procmem.model.note import Note
    from procmem.model.raw import FileContent

__all__ = ["PrefetchedSource", "Reading", "prefetch_all", "started"]

_HARMLESS = frozenset(
    {"--sort", "--reverse", "--top", "--by", "--bytes", "--human", "--json", "--csv", "--markdown", "--min-size"}
)
_FILES = ("status", "smaps_rollup")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_CHILDREN_MAX = 3
_SHARES_MAX = 1024
_TOKEN_BYTES = 4
"""All tokens together are a page: what a pipe holds at least, also where a user has too many of them (pipe(7))."""


class Reading:
    """What is to be read, and who reads it.

    ``names`` are the folders below ``root``, dealt into ``shares``; ``queue`` is a pipe with the number of each share
    that nobody has taken yet. ``children`` are those who take from it besides us, each with the file that it writes to.
    """

    __slots__ = ("children", "names", "queue", "root", "shares")

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.shares = min(len(names), _SHARES_MAX)
        self.root = os.open("/proc", _FOLDER)
        try:
            self.queue, end = os.pipe()
        except OSError:
            os.close(self.root)  # whoever reads by himself needs it
            raise
        os.write(end, b"".join(share.to_bytes(_TOKEN_BYTES, "little") for share in range(self.shares)))
        os.close(end)
        self.children: list[tuple[int, int]] = []

    def add_child(self) -> None:
        """Have one more that reads.

        Raises:
            OSError: there may be no more.
        """
        fd = os.memfd_create("procmem-prefetch")
        child = os.fork()
        if child:
            self.children.append((child, fd))
            return
        status = 1
        try:
            _write(fd, self.taken())
            status = 0
        finally:
            os._exit(status)  # whatever happened: the parent reads by itself then

    def taken(self) -> Iterator[tuple[str, str, bytes, int]]:
        """Take shares until there are no more: pid, file, content, and the number of the error, if any."""
        while token := os.read(self.queue, _TOKEN_BYTES):
            for name in self.names[int.from_bytes(token, "little") :: self.shares]:
                try:
                    folder = os.open(name, _FOLDER, dir_fd=self.root)
                except OSError as error:
                    yield name, "status", b"", error.errno or 1
                    continue
                for file in _FILES:
                    content, problem = read_plainly(file, folder)
                    yield name, file, content, problem
                    if file == "status" and not has_memory(content):
                        break
                os.close(folder)

    def drop(self) -> None:
        """Leave it to who asks later."""
        os.close(self.queue)
        os.close(self.root)

    def finish(self) -> dict[int, dict[str, FileContent]] | None:
        """Read what is left, and gather what the children read; None where one of them failed."""
        files: dict[int, dict[str, FileContent]] = {}
        for name, file, content, problem in self.taken():
            files.setdefault(int(name), {})[file] = _refusal(problem) if problem else content
        os.close(self.queue)
        os.close(self.root)
        failed = False
        for child, fd in self.children:
            _, status = os.waitpid(child, 0)
            failed = failed or status != 0
            if not failed:
                files |= _parsed(fd)
            os.close(fd)
        return None if failed else files


started: list[Reading] = []
"""What is being read for this run of the command, if anything."""


def prefetch_all(words: Sequence[str]) -> None:
    """Begin to read, if these are words of a command that will want it all."""
    options = {word.split("=", 1)[0] for word in words[1:] if word.startswith("-")}
    count = min(len(os.sched_getaffinity(0)) - 1, _CHILDREN_MAX)
    if words[:1] != ["system"] or not options <= _HARMLESS or count < 1:
        return
    try:
        ours = str(own_pid())
        reading = Reading([name for name in os.listdir("/proc") if name.isdecimal() and name != ours])
        started.append(reading)
        for _ in range(count):
            reading.add_child()
    except OSError:
        if started and not started[0].children:  # nobody reads until we are loaded
            started.pop().drop()


def _write(fd: int, taken: Iterator[tuple[str, str, bytes, int]]) -> None:
    """Write files of processes: lines of ``pid file size`` (a size below 0 is an errno), content behind each."""
    pieces = []
    for name, file, content, problem in taken:
        pieces += [f"{name} {file} {-problem or len(content)}\n".encode(), content]
    data = memoryview(b"".join(pieces))
    while data:
        data = data[os.write(fd, data) :]


class PrefetchedSource:
    """Processes that were read ahead; any other question goes to the living ones, which ``live`` opens."""

    name = "/proc"
    is_live = True
    read_by_one = True

    def __init__(self, live: Callable[[], Any], files: dict[int, dict[str, FileContent]]) -> None:
        self._open_live = live
        self._live: Any = None
        self._files = files

    @classmethod
    def over(cls, live: Callable[[], Any]) -> Any:
        """What was read ahead, over the living source; that source itself where nothing was, or it failed."""
        files = started.pop().finish() if started else None
        return live() if files is None else cls(live, files)

    @property
    def notes(self) -> tuple[Note, ...]:
        """Living processes have none."""
        return ()

    def pids(self) -> tuple[int, ...]:
        """Those that were there when reading began, ascending."""
        return tuple(sorted(self._files))

    def open(self, pid: int | None) -> Any:
        """The files that were read; nothing is held open."""
        if pid is not None and pid in self._files:
            return _AheadTarget(self.living, pid, self._files[pid])
        return self.living(pid)

    def living(self, pid: int | None) -> Any:
        """The process itself."""
        self._live = self._live or self._open_live()
        return self._live.open(pid)


class _AheadTarget:
    def __init__(self, living: Callable[[int], Any], pid: int, files: dict[str, FileContent]) -> None:
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
            return self._files[name]
        with self._living(self.pid) as target:
            content: FileContent = target.read(name)
            return content

    def names(self, folder: str) -> Any:
        """The names in a folder of the living process."""
        with self._living(self.pid) as target:
            return target.names(folder)


def _parsed(fd: int) -> dict[int, dict[str, FileContent]]:
    size = os.fstat(fd).st_size
    data = os.pread(fd, size, 0) if size else b""
    files: dict[int, dict[str, FileContent]] = {}
    at = 0
    while at < size:
        end = data.index(b"\n", at)
        pid, name, length = data[at:end].split()
        at = end + 1
        whole = int(length)
        content = _refusal(-whole) if whole < 0 else data[at : at + whole]
        at += max(whole, 0)
        files.setdefault(int(pid), {})[sys.intern(name.decode())] = content
    return files


def _refusal(number: int) -> FileContent:
    from procmem.sources.files import refusal_of  # noqa: PLC0415  # most processes can be read

    return refusal_of(OSError(number, ""))
