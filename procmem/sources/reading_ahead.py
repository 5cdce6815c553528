"""Reading files of many folders of /proc by children, while we do something else, and helping them in the end.

The folders are those of processes, or of the threads of one. Whoever is free takes the next ones from a queue, so that
nobody waits for somebody who is slow. This module imports next to nothing, since it is there to be early.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Content = tuple[bytes, int]
    """What a file holds, and zero; or nothing, and the error's number."""
    _Taken = tuple[str, list[tuple[str, bytes, int]]]
    """A folder, and of each file its name, its content, and the number of the error, if any."""

__all__ = ["CHUNK_BYTES", "FOLDER_FLAGS", "OPEN_FLAGS", "Reading", "let_go_on", "read_plainly", "wait_for_end"]

OPEN_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
CHUNK_BYTES = 65_536
"""So much is asked for at a time; of smaps the kernel gives a page."""
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_SHARES_MAX = 1024
_TOKEN_BYTES = 4
"""All tokens together are a page: what a pipe holds at least, also where a user has too many of them (pipe(7))."""


def read_plainly(name: str, folder: int) -> tuple[bytes, int]:
    """A small file below an open folder, and zero; or nothing, and the error's number."""
    try:
        fd = os.open(name, OPEN_FLAGS, dir_fd=folder)
    except OSError as error:
        return b"", error.errno or 1
    try:
        content = b""
        while piece := os.read(fd, CHUNK_BYTES):
            content += piece
    except OSError as error:
        return b"", error.errno or 1
    finally:
        os.close(fd)
    return content, 0


def wait_for_end(child: int) -> None:
    """Wait until a child has ended; one that somebody has stopped goes on.

    Raises:
        ChildProcessError: it is not there: a program that we are part of ignores SIGCHLD.
    """
    while (found := os.waitid(os.P_PID, child, os.WEXITED | os.WSTOPPED)) and found.si_code == os.CLD_STOPPED:
        _continue(child)


def let_go_on(child: int) -> None:
    """The same of one that we do not wait for: it is told to go on, if it is stopped.

    Raises:
        ChildProcessError: as above.
    """
    if os.waitid(os.P_PID, child, os.WSTOPPED | os.WNOHANG):
        _continue(child)


def _continue(child: int) -> None:
    import _signal  # type: ignore[import-not-found]  # noqa: PLC0415  # seldom, and signal itself takes a millisecond

    os.kill(child, _signal.SIGCONT)


class Reading:
    """What is to be read, and who reads it.

    Of each folder below ``folder`` that is called by a number, but not of the one to be left out, the ``wanted`` files
    are read; ``names`` are these folders where they are known. They are dealt into ``shares``; ``queue`` is a pipe with
    the number of each share that nobody has taken yet. ``children`` are those who take from it besides us, and
    ``files`` what is known by now, by the folder's number.

    Raises:
        OSError: there is no such folder, or no more files can be opened.
    """

    __slots__ = ("children", "files", "names", "queue", "root", "shares", "wanted")

    def __init__(
        self,
        folder: str,
        wanted: Sequence[str],
        *,
        below: int | None = None,
        without: str = "",
        names: Sequence[str] | None = None,
    ) -> None:
        self.wanted = wanted
        self.files: dict[int, dict[str, Content]] = {}
        self.root = os.open(folder, FOLDER_FLAGS, dir_fd=below)
        try:
            listed = os.listdir(self.root) if names is None else names
            self.queue, end = os.pipe()
        except OSError:
            os.close(self.root)  # whoever reads by himself needs it
            raise
        self.names = [name for name in listed if name.isdecimal() and name != without]
        self.shares = min(len(self.names), _SHARES_MAX)
        os.write(end, b"".join(share.to_bytes(_TOKEN_BYTES, "little") for share in range(self.shares)))
        os.close(end)
        self.children: list[_AheadReader] = []

    def add_child(self) -> None:
        """Have one more that reads.

        Raises:
            OSError: there may be no more.
        """
        fd = os.memfd_create("procmem-ahead")
        parent = os.getpid()
        try:
            child = os.fork()
        except OSError:
            os.close(fd)
            raise
        if child:
            self.children.append(_AheadReader(child, fd))
            return
        status = 1
        try:
            # nobody reads on for a parent that was killed, or that did not come to ask
            while os.getppid() == parent and (taken := self.take()) is not None:
                _write(fd, taken)
            status = 0
        finally:
            os._exit(status)  # whatever happened: the parent reads by itself then

    def take(self) -> list[_Taken] | None:
        """Read the folders of a share that nobody has taken; None where there are no more."""
        token = os.read(self.queue, _TOKEN_BYTES)
        if not token:
            return None
        return [self._read(name) for name in self.names[int.from_bytes(token, "little") :: self.shares]]

    def _read(self, name: str) -> _Taken:
        try:
            folder = os.open(name, FOLDER_FLAGS, dir_fd=self.root)
        except OSError as error:
            return name, [("status", b"", error.errno or 1)]
        from procmem.model.proc_keys import has_memory  # noqa: PLC0415  # reading one process begins without it

        files = []
        for file in self.wanted:
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

    def files_of(self, number: int) -> dict[str, Content] | None:
        """The files of a folder as soon as they are read, of which we do our part; None where a child lost them."""
        files = self.files
        while number not in files and self._go_on():
            pass
        if self.queue >= 0 and len(files) == len(self.names):
            self.finish()
        return files.get(number)

    def finish(self) -> None:
        """Wait for all who read; what nobody has begun is not read any more."""
        if self.queue >= 0:
            while os.read(self.queue, CHUNK_BYTES):
                pass
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
                self.files[int(name)] = {file: (content, why) for file, content, why in files}
            return True
        if not self.children:
            self.finish()
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

    def tell(self, files: dict[int, dict[str, Content]]) -> int:
        """Take over what it has read by now; how many bytes that were."""
        size = os.fstat(self._fd).st_size - self._told
        taken = _parsed(os.pread(self._fd, size, self._told), files) if size else 0
        self._told += taken
        return taken

    def end(self, files: dict[int, dict[str, Content]]) -> None:
        """Wait until it has read all that it took, and take over the rest."""
        wait_for_end(self._pid)
        self.tell(files)
        os.close(self._fd)


def _write(fd: int, taken: Sequence[_Taken]) -> None:
    """Write files of folders: a line of its name, each file's name and size (below 0 is an errno), then contents."""
    for name, files in taken:
        sizes = [f"{file} {-problem or len(content)}" for file, content, problem in files]
        head = f"{name} {' '.join(sizes)}\n".encode()
        data = memoryview(b"".join([head, *(content for _, content, _ in files)]))
        while data:
            data = data[os.write(fd, data) :]


def _parsed(data: bytes, files: dict[int, dict[str, Content]]) -> int:
    """Put in the files of every folder that is there whole; gives how many bytes these are."""
    at = 0
    while (end := data.find(b"\n", at)) >= 0:
        number, *words = data[at:end].split()
        sizes = [*map(int, words[1::2])]
        start = end + 1
        end = start + sum(size for size in sizes if size > 0)
        if end > len(data):
            break
        found = files[int(number)] = {}
        for name, size in zip(words[::2], sizes, strict=True):
            found[name.decode()] = (data[start : start + size], 0) if size >= 0 else (b"", -size)
            start += max(size, 0)
        at = end
    return at
