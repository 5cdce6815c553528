"""Reading files whole and safely: the few system calls that every source shares.

A file of ``/proc`` is read in a loop of plain reads, since one read gives at most a page of ``maps``.
Whatever may never answer is not for here: see ``file_helper``. Errors of the system become refusals here and
nowhere else.
"""

from __future__ import annotations

import errno
import os
import stat

from procmem.errors import BadInput, shortage_of
from procmem.model.raw import FileContent, Refusal
from procmem.sources.reading_ahead import CHUNK_BYTES, OPEN_FLAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from procmem.sources.prefetch import PrefetchedFile
    from procmem.sources.reading_ahead import Content

__all__ = [
    "FdReader",
    "NoAnswer",
    "OpenFolder",
    "consume",
    "open_given",
    "open_regular",
    "opened_regular",
    "own_devices",
    "read_ahead",
    "read_record",
    "read_start",
    "read_whole",
    "refusal_of",
    "write_once",
]

_RECORD_BYTES = 16_384


class OpenFolder:
    """An open folder, closed when nobody holds it any more: sources and what was opened through them share one."""

    __slots__ = ("fd", "path")

    def __init__(self, fd: int, path: str = "") -> None:
        self.fd = fd
        self.path = path

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        if hasattr(self, "fd"):  # a signal may have come before it had one
            close(self.fd)


_REFUSALS = {
    errno.EACCES: Refusal.DENIED,
    errno.EPERM: Refusal.DENIED,
    errno.EROFS: Refusal.DENIED,
    errno.ENOENT: Refusal.ABSENT,
    errno.ENOTDIR: Refusal.ABSENT,
    errno.ESRCH: Refusal.GONE,
    errno.EIO: Refusal.IO_ERROR,
}


def refusal_of(error: OSError) -> Refusal:
    """The refusal that an error of the system means.

    Raises:
        OutOfResources: it means that we, or all, have too many files open, or no memory.
    """
    shortage = shortage_of(error)
    if shortage is not None:
        raise shortage from error
    return _REFUSALS.get(error.errno or 0, Refusal.FAILED)


def read_ahead(found: Content) -> FileContent:
    """What was read before anybody could say what an error means."""
    content, problem = found
    return refusal_of(OSError(problem, "")) if problem else content


def own_devices() -> frozenset[str]:
    """The devices that we ourselves run from, as ``maps`` writes them: where these do not answer, nor do we."""
    devices = set()
    for place in ("/", os.__file__):
        try:
            devices.add(os.stat(place).st_dev)
        except OSError:  # rights were given up since it was loaded
            continue
    return frozenset(f"{os.major(device):02x}:{os.minor(device):02x}" for device in devices)


def read_whole(name: str, dir_fd: int | None, *, limit: int | None = None, follow: bool = True) -> FileContent:
    """Read a regular file to its end as bytes, relative to an open folder.

    ``limit`` bounds the size in bytes; ``follow=False`` refuses symbolic links. Files that are not regular
    (a FIFO put in a recording) are refused before they can block.
    """

    def content(fd: int) -> FileContent:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return Refusal.FAILED
        chunks = []
        total = 0
        while chunk := os.read(fd, CHUNK_BYTES):
            total += len(chunk)
            if limit is not None and total > limit:
                return Refusal.TOO_LARGE
            chunks.append(chunk)
        return b"".join(chunks)

    return _read_opened(name, OPEN_FLAGS | (0 if follow else os.O_NOFOLLOW), dir_fd, content)


def read_record(name: str, dir_fd: int | None) -> FileContent:
    """Read a file that a kernel writes as one record: what it gives at a call is all, unless there is no more room."""
    return _read_opened(name, OPEN_FLAGS, dir_fd, _record)


def _record(fd: int) -> bytes:
    content = os.read(fd, _RECORD_BYTES)
    most = len(content)
    while most == _RECORD_BYTES:
        more = os.read(fd, _RECORD_BYTES)
        content, most = content + more, len(more)
    return content


def read_start(name: str, dir_fd: int | None, most: int) -> FileContent:
    """The first bytes of a file, ``most`` of them at most; the rest is not asked for."""

    def content(fd: int) -> FileContent:
        chunks: list[bytes] = []
        left = most
        while left > 0 and (chunk := os.read(fd, min(left, CHUNK_BYTES))):
            left -= len(chunk)
            chunks.append(chunk)
        return b"".join(chunks)

    return _read_opened(name, OPEN_FLAGS, dir_fd, content)


def write_once(name: str, dir_fd: int | None, data: bytes) -> Refusal | None:
    """Write a few bytes to a file that is there, by one call, relative to an open folder; why not, where it fails."""

    def written(fd: int) -> bytes:
        os.write(fd, data)
        return b""

    answer = _read_opened(name, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC, dir_fd, written)
    return answer if isinstance(answer, Refusal) else None


def _read_opened(name: str, flags: int, dir_fd: int | None, content: Callable[[int], FileContent]) -> FileContent:
    """What is read of a file while it is open; why not, where the system refuses to open or to read it."""
    try:
        fd = os.open(name, flags, dir_fd=dir_fd)
    except OSError as error:
        return refusal_of(error)
    try:
        return content(fd)
    except OSError as error:
        return refusal_of(error)
    finally:
        os.close(fd)


def consume(prefetched: PrefetchedFile, use: Callable[[bytes], None], *, keep: bool) -> FileContent:
    """Hand over each piece of a file that may be large as it comes, to the end.

    With ``keep`` the whole content is given back as well; else large files give back nothing.
    """
    if prefetched.errno:
        return refusal_of(OSError(prefetched.errno, ""))
    use(prefetched.first)
    if prefetched.is_whole:
        return prefetched.first
    pieces = [prefetched.first]
    try:
        for piece in prefetched.pieces():
            use(piece)
            if keep:
                pieces.append(piece)
    except OSError as error:
        return refusal_of(error)
    return b"".join(pieces) if keep else b""


def open_regular(name: str | bytes, dir_fd: int | None) -> int | Refusal:
    """Open a file that is looked at before it is opened, since opening a device can have effects."""
    try:
        return opened_regular(name, dir_fd)
    except OSError as error:
        return refusal_of(error)


def opened_regular(name: str | bytes, dir_fd: int | None = None) -> int | Refusal:
    """The same, with errors of the system as they are.

    It is the file that was looked at which is opened, by the link that O_PATH gives: the name may lead elsewhere by
    then.

    Raises:
        OSError: it cannot be looked at, or not be opened.
    """
    place = os.open(name, os.O_PATH | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        if not stat.S_ISREG(os.fstat(place).st_mode):
            return Refusal.FAILED
        return os.open(f"/proc/self/fd/{place}", OPEN_FLAGS)
    finally:
        os.close(place)


_SPECIAL = (
    (stat.S_ISDIR, "folder"),
    (stat.S_ISFIFO, "fifo"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISBLK, "device"),
    (stat.S_ISCHR, "device"),
)


def open_given(path: str) -> int:
    """Open a file that a user named, for reading; never one whose opening or reading has no end.

    A pipe that the shell made (``/dev/stdin``, ``<(...)``), a terminal and ``/dev/null`` are files in this sense.

    Raises:
        OSError: it cannot be opened.
        BadInput: it is a folder, a named pipe, a socket, a device or a stream of the kernel's.
    """
    found = os.stat(path)
    special = next((kind for test, kind in _SPECIAL if test(found.st_mode)), None)
    if special == "fifo" and os.path.basename(os.path.realpath(path)).startswith("pipe:["):
        special = None
    if special == "device" and (found.st_rdev == os.makedev(1, 3) or _is_terminal(path)):
        special = None
    if special is not None:
        raise BadInput("special-file", path=path, kind=special)
    fd = os.open(path, OPEN_FLAGS)
    if stat.S_IFMT(os.fstat(fd).st_mode) != stat.S_IFMT(found.st_mode):  # another file took its place
        os.close(fd)
        raise BadInput("special-file", path=path, kind="fifo")
    if special is None and stat.S_ISREG(found.st_mode) and _is_stream(fd):
        os.close(fd)
        raise BadInput("special-file", path=path, kind="stream")
    os.set_blocking(fd, True)
    return fd


def _is_stream(fd: int) -> bool:
    """Whether a regular file is one that one waits for (/proc/kmsg, trace_pipe), and whose reading takes from it.

    Only such files have a poll() of their own; of all others the kernel says at once that both may be done
    (DEFAULT_POLLMASK, include/linux/poll.h).
    """
    import select  # noqa: PLC0415  # only for a file that was named

    poll = select.poll()
    poll.register(fd, select.POLLIN | select.POLLOUT)
    ready = dict(poll.poll(0)).get(fd, 0)
    return ready & (select.POLLIN | select.POLLOUT) != select.POLLIN | select.POLLOUT


def _is_terminal(path: str) -> bool:
    fd = os.open(path, OPEN_FLAGS)
    try:
        return os.isatty(fd)
    finally:
        os.close(fd)


class NoAnswer(Exception):
    """What was to be read lies where nobody answers in time: see ``file_helper``."""


class FdReader:
    """A :class:`~procmem.model.elf.ByteReader` over an open descriptor, which it owns and closes."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def read_at(self, offset: int, length: int) -> bytes:
        """Read at an offset; nothing where the file has nothing, or will not say."""
        if offset >= 1 << 63:
            return b""
        try:
            return os.pread(self._fd, length, offset)
        except (OSError, OverflowError, MemoryError):
            return b""

    def search(self, low: int, high: int, matches: Callable[[int, bytes], Iterable[int]]) -> Iterator[int]:
        """What matches in a range, which is read at once."""
        yield from matches(low, self.read_at(low, high - low))

    def __del__(self) -> None:
        if hasattr(self, "_fd"):  # as above
            os.close(self._fd)
