"""Reading all processes while the command line is still being loaded.

Loading procmem takes about as long as the kernel needs to walk the pages of a few hundred processes, so that
``procmem system`` does both at once: children read, on other processors, what will surely be asked for, and as soon as
all is loaded we help them, and work on those that are read already while they read others. This module imports next to
nothing, since it is there to be early; what it read is a source like any other.
"""

from __future__ import annotations

import os

from procmem.model.proc_keys import has_memory
from procmem.sources.machine import own_pid
from procmem.sources.prefetch import read_plainly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from procmem.model.note import Note
    from procmem.model.raw import FileContent

    _Taken = tuple[str, list[tuple[str, bytes, int]]]
    """A pid, and of each file its name, its content, and the number of the error, if any."""

__all__ = ["PrefetchedSource", "Reading", "prefetch_all", "started"]

_HARMLESS = frozenset(
    {"--sort", "--reverse", "--top", "--by", "--bytes", "--human", "--json", "--csv", "--markdown", "--min-size"}
)
_FILES = ("status", "smaps_rollup")
_NAMES = {name.encode(): name for name in _FILES}
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_CHILDREN_MAX = 3
_SHARES_MAX = 1024
_TOKEN_BYTES = 4
"""All tokens together are a page: what a pipe holds at least, also where a user has too many of them (pipe(7))."""


class Reading:
    """What is to be read, and who reads it.

    ``names`` are the folders below ``root``, dealt into ``shares``; ``queue`` is a pipe with the number of each share
    that nobody has taken yet. ``children`` are those who take from it besides us, and ``files`` what is known by now,
    by pid.
    """

    __slots__ = ("children", "files", "names", "queue", "root", "shares")

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.shares = min(len(names), _SHARES_MAX)
        self.files: dict[int, dict[str, FileContent]] = {}
        self.root = os.open("/proc", _FOLDER)
        try:
            self.queue, end = os.pipe()
        except OSError:
            os.close(self.root)  # whoever reads by himself needs it
            raise
        os.write(end, b"".join(share.to_bytes(_TOKEN_BYTES, "little") for share in range(self.shares)))
        os.close(end)
        self.children: list[_AheadReader] = []

    def add_child(self) -> None:
        """Have one more that reads.

        Raises:
            OSError: there may be no more.
        """
        fd = os.memfd_create("procmem-prefetch")
        child = os.fork()
        if child:
            self.children.append(_AheadReader(child, fd))
            return
        status = 1
        try:
            while (taken := self.take()) is not None:
                _write(fd, taken)
            status = 0
        finally:
            os._exit(status)  # whatever happened: the parent reads by itself then

    def take(self) -> list[_Taken] | None:
        """Read the processes of a share that nobody has taken; None where there are no more."""
        token = os.read(self.queue, _TOKEN_BYTES)
        if not token:
            return None
        return [self._read(name) for name in self.names[int.from_bytes(token, "little") :: self.shares]]

    def _read(self, name: str) -> _Taken:
        try:
            folder = os.open(name, _FOLDER, dir_fd=self.root)
        except OSError as error:
            return name, [("status", b"", error.errno or 1)]
        files = []
        for file in _FILES:
            content, problem = read_plainly(file, folder)
            files.append((file, content, problem))
            if file == "status" and not has_memory(content):
                break
        os.close(folder)
        return name, files

    def drop(self) -> None:
        """Leave it to who asks later."""
        os.close(self.queue)
        os.close(self.root)

    def files_of(self, pid: int) -> dict[str, FileContent] | None:
        """The files of a process as soon as they are read, of which we do our part; None where a child lost them."""
        while pid not in self.files and self._go_on():
            pass
        if len(self.files) == len(self.names):
            self._finish()
        return self.files.get(pid)

    def _finish(self) -> None:
        """Wait for all who read."""
        if self.queue >= 0:
            self.drop()
            self.queue = -1
        while self.children:
            self.children.pop().end(self.files)

    def _go_on(self) -> bool:
        """Take over what children have read; else read a share; else wait for a child. Whether there was any of it."""
        if sum(child.tell(self.files) for child in self.children):
            return True
        taken = self.take() if self.queue >= 0 else None
        if taken is not None:
            for name, files in taken:
                self.files[int(name)] = {file: _refusal(why) if why else content for file, content, why in files}
            return True
        if not self.children:
            self._finish()
            return False
        self.children.pop(0).end(self.files)
        return True


class _AheadReader:
    """One that reads, by its pid, and the file that it writes to; ``told`` are the bytes that were taken over."""

    __slots__ = ("_fd", "_pid", "_told")

    def __init__(self, pid: int, fd: int) -> None:
        self._pid = pid
        self._fd = fd
        self._told = 0

    def tell(self, files: dict[int, dict[str, FileContent]]) -> int:
        """Take over the processes that it has read by now; how many bytes that were."""
        size = os.fstat(self._fd).st_size - self._told
        taken = _parsed(os.pread(self._fd, size, self._told), files) if size else 0
        self._told += taken
        return taken

    def end(self, files: dict[int, dict[str, FileContent]]) -> None:
        """Wait until it has read all that it took, and take over the rest."""
        os.waitpid(self._pid, 0)
        self.tell(files)
        os.close(self._fd)


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


def _write(fd: int, taken: Sequence[_Taken]) -> None:
    """Write files of processes: a line of the pid, each file's name and size (below 0 is an errno), then contents."""
    for name, files in taken:
        sizes = [f"{file} {-problem or len(content)}" for file, content, problem in files]
        head = f"{name} {' '.join(sizes)}\n".encode()
        data = memoryview(b"".join([head, *(content for _, content, _ in files)]))
        while data:
            data = data[os.write(fd, data) :]


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


def _parsed(data: bytes, files: dict[int, dict[str, FileContent]]) -> int:
    """Put in the files of every process that is there whole; gives how many bytes these are."""
    at = 0
    while (end := data.find(b"\n", at)) >= 0:
        pid, *words = data[at:end].split()
        sizes = [*map(int, words[1::2])]
        start = end + 1
        end = start + sum(size for size in sizes if size > 0)
        if end > len(data):
            break
        found = files[int(pid)] = {}
        for name, size in zip(words[::2], sizes, strict=True):
            found[_NAMES[name]] = data[start : start + size] if size >= 0 else _refusal(-size)
            start += max(size, 0)
        at = end
    return at


def _refusal(number: int) -> FileContent:
    from procmem.sources.files import refusal_of  # noqa: PLC0415  # most processes can be read

    return refusal_of(OSError(number, ""))
