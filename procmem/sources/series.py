"""Series on disk: a file to which each look is added as one member of gzip, so that a cut loses the last look at most.

A member is written by one call and brought to disk before the next look; who opens a series to go on with it cuts off
what is not whole. Where the file would become larger than it may, every other look is dropped, and the file replaced.
"""

from __future__ import annotations

import fcntl
import gzip
import os
import zlib
from collections.abc import Iterator

from procmem.errors import BrokenRecording, CannotWrite
from procmem.sources.files import open_given
from procmem.sources.scratch import scratch_folder

__all__ = ["SeriesFile", "is_series", "read_lines"]

_HEAD = b'{"schema":"procmem/series/'
_HEAD_BYTES = 4096
_MAGIC = b"\x1f\x8b"
_LINE_BYTES_MAX = 64 * 1024 * 1024
"""Of one look: 200 processes take about half a megabyte."""
_CHUNK = 262_144
_GZIP = 31  # zlib: a header and a trailer of gzip
_LEVEL = 6


def is_series(path: str) -> bool:
    """Whether a file begins as a series does; false where it cannot be read, which another reader will tell."""
    if not os.path.isfile(path):
        return False  # what a pipe has given it does not give again
    try:
        with open(open_given(path), "rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    if not head.startswith(_MAGIC):
        return head.startswith(_HEAD)
    try:
        return bytes(zlib.decompressobj(_GZIP).decompress(head, len(_HEAD))) == _HEAD
    except zlib.error:
        return False


def read_lines(path: str) -> Iterator[tuple[bytes, int]]:
    """The line of each whole look, and where in the file it ends; what was cut off at the end is left out.

    Raises:
        BrokenRecording: it cannot be read, a look is too large, or something stands in its middle that is none.
    """
    try:
        with open(open_given(path), "rb") as file:
            yield from _members(path, iter(lambda: file.read(_CHUNK), b""))
    except OSError as error:
        raise BrokenRecording(path, "not-opened", reason=error.strerror) from error


def _members(path: str, chunks: Iterator[bytes]) -> Iterator[tuple[bytes, int]]:
    data, end = b"", 0
    unpack, line = zlib.decompressobj(_GZIP), b""
    while data or (data := next(chunks, b"")):
        try:
            line += unpack.decompress(data, _LINE_BYTES_MAX - len(line) + 1)
        except zlib.error as error:
            raise BrokenRecording(path, "bad-series") from error
        if len(line) > _LINE_BYTES_MAX:
            raise BrokenRecording(path, "look-too-large")
        left = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
        end += len(data) - len(left)
        data = left
        if unpack.eof:
            yield line, end
            unpack, line = zlib.decompressobj(_GZIP), b""


class SeriesFile:
    """A series that is being written; locked, so that nobody else adds to it.

    Raises:
        CannotWrite: there is something else of that name, somebody else writes to it, or the disk is full.
    """

    def __init__(self, path: str, *, most: int) -> None:
        self._path = path
        self._most = most
        self.resumed = 0
        """Looks that were there already."""
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
        except OSError as error:
            raise CannotWrite(path, "system-error", reason=error.strerror) from error
        try:
            self._lock()
            size = os.fstat(self._fd).st_size
            if size and not is_series(path):
                raise CannotWrite(path, "exists")
            ends = [end for _, end in read_lines(path)] if size else []
            self.resumed = len(ends)
            os.ftruncate(self._fd, ends[-1] if ends else 0)
        except BrokenRecording as error:
            self.close()
            raise CannotWrite(path, "series-damaged") from error
        except OSError as error:
            self.close()
            raise CannotWrite(path, "system-error", reason=error.strerror) from error
        except CannotWrite:
            self.close()
            raise

    def add(self, line: bytes) -> None:
        """Write one look down.

        Raises:
            CannotWrite: the disk is full.
        """
        member = gzip.compress(line, _LEVEL, mtime=0)
        size = os.fstat(self._fd).st_size
        if size and size + len(member) > self._most:
            self._thin()
            size = os.fstat(self._fd).st_size
        try:
            written = os.pwrite(self._fd, member, size)
            while written < len(member):
                written += os.pwrite(self._fd, member[written:], size + written)
            os.fdatasync(self._fd)
        except OSError as error:
            os.ftruncate(self._fd, size)
            raise CannotWrite(self._path, "system-error", reason=error.strerror) from error

    def close(self) -> None:
        """Let others go on with it."""
        os.close(self._fd)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotWrite(self._path, "series-in-use") from error

    def _thin(self) -> None:
        """Keep the first look, every other one behind it, and the last; the file is replaced whole."""
        lines = [line for line, _ in read_lines(self._path)]
        kept = [line for at, line in enumerate(lines) if at % 2 == 0 or at == len(lines) - 1]
        parent = os.path.dirname(os.path.abspath(self._path))
        try:
            with scratch_folder(parent) as scratch:
                inner = os.path.join(scratch, "series")
                fd = os.open(inner, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                fcntl.flock(fd, fcntl.LOCK_EX)
                with open(fd, "wb", closefd=False) as file:
                    for line in kept:
                        file.write(gzip.compress(line, _LEVEL, mtime=0))
                os.fdatasync(fd)
                os.rename(inner, self._path)
        except OSError as error:
            raise CannotWrite(self._path, "system-error", reason=error.strerror) from error
        os.close(self._fd)
        self._fd = fd
