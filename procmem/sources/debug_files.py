"""Files beside a process that name its code: separate debug files, and the map that a runtime writes for perf.

Both are found by a name that others choose. So they are regular files or none, opened by a child where their file
system may not answer, and the map is believed only if it belongs to the process's own user.
"""

from __future__ import annotations

import os
import re
import stat

from procmem.model.proc_keys import StatusKey
from procmem.model.raw import Refusal, said_or_nothing
from procmem.sources.file_helper import call_apart, open_apart
from procmem.sources.files import NoAnswer, read_whole
from procmem.sources.status_field import status_field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import ByteReader

__all__ = ["PartReader", "SilentReader", "open_debug_file", "read_perf_map"]

_ROOT = "/usr/lib/debug/.build-id"
"""Where distributions put them (gdb, "Separate Debug Files")."""
_MAP_BYTES_MAX = 16 << 20
_PIECE = 1 << 20


class PartReader:
    """A file that lies at an address of a process's memory: the kernel's own code, which no file system has."""

    def __init__(self, memory: ByteReader, start: int, size: int) -> None:
        self._memory = memory
        self._start = start
        self._size = size

    def read_at(self, offset: int, length: int) -> bytes:
        """Read at an offset within it."""
        length = min(length, self._size - offset)
        return self._memory.read_at(self._start + offset, length) if offset >= 0 and length > 0 else b""


class SilentReader:
    """A file that has nothing to say once its file system does not answer, so that the rest of a report stands."""

    def __init__(self, reader: ByteReader) -> None:
        self._reader: ByteReader | None = reader

    def read_at(self, offset: int, length: int) -> bytes:
        """Read at an offset."""
        try:
            return b"" if self._reader is None else self._reader.read_at(offset, length)
        except NoAnswer:
            self._reader = None
            return b""


def open_debug_file(build_id: str) -> ByteReader | None:
    """The separate debug file of a build id; None where there is none."""
    if not re.fullmatch(r"[0-9a-f]{6,128}", build_id):
        return None
    path = f"{_ROOT}/{build_id[:2]}/{build_id[2:]}.debug"
    if not os.path.lexists(path):
        return None
    found = open_apart(path, _ROOT)
    return None if isinstance(found, Refusal) else SilentReader(found)


def read_perf_map(pid: int) -> bytes:
    """What a runtime has written for perf about its compiled code; nothing where no such file can be believed."""
    status = said_or_nothing(read_whole(f"/proc/{pid}/status", None))
    inner = status_field(status, StatusKey.NS_PID).split()
    users = status_field(status, StatusKey.UID).split()
    if len(users) < 2 or not all(word.isdigit() for word in (*inner, *users)):
        return b""
    path = f"/proc/{pid}/root/tmp/perf-{os.fsdecode(inner[-1]) if inner else pid}.map"
    try:
        return call_apart(lambda: _content_of(path, int(users[1])))
    except (NoAnswer, OSError):
        return b""


def _content_of(path: str, user: int) -> bytes:
    """A file's content, if it is this user's and lies there itself."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != user:
            return b""
        pieces = []
        left = _MAP_BYTES_MAX
        while left > 0 and (piece := os.read(fd, min(left, _PIECE))):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)
    finally:
        os.close(fd)
