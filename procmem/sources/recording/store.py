"""Where a recording lies: a folder, an archive, or one text; all read with distrust.

A recording may come from a stranger. Folders are opened piece by piece without following links,
archives are read as streams of members and never unpacked to disk, and everything has a bound.
"""

import io
import os
import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import IO, Any, Protocol, Self

from procmem.errors import BrokenRecording
from procmem.model.numbers import whole_number
from procmem.model.raw import FILE_BYTES_MAX, FileContent, Refusal
from procmem.sources.file_helper import need_answer
from procmem.sources.files import OpenFolder, open_given, read_whole, refusal_of

__all__ = ["STANDARD_INPUT", "ArchiveStore", "FolderStore", "Store", "TextStore", "open_store"]

UNPACKED_BYTES_MAX = 256 * 1024 * 1024
MEMBERS_MAX = 200_000
_NAMES_LETTERS_MAX = 16 * 1024 * 1024
"""Of all names of an archive: each member of a recording has some twenty letters."""
_SMALL, _MIDDLE = 64 * 1024, 2 * 1024 * 1024
_BYTES_MAX = {
    **dict.fromkeys(("about.toml", "comm", "statm", "wchan", "syscall", "limits", "smaps_rollup"), _SMALL),
    **dict.fromkeys(("cgroup.memory", "oom_score", "oom_score_adj", "uptime", "version", "meminfo", "vmstat"), _SMALL),
    **dict.fromkeys(("auxv", "cgroup", "cmdline", "stat", "status", "swaps"), _MIDDLE),
    "fdinfo.drm": _MIDDLE * 2,
    "objects.json": 16 * 1024 * 1024,
}
_GZIP_MAGIC = b"\x1f\x8b"
_OTHER_MAGIC = {
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
    _GZIP_MAGIC: "gzip twice",
}
_CHUNK = 65_536
STANDARD_INPUT = "-"
"""The path that stands for it."""
_HEAD_BYTES = 512  # one block of tar
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Store(Protocol):
    """Named files in named folders; names are relative, parts are separated by ``/``."""

    def read(self, name: str) -> FileContent:
        """One file, whole."""
        ...

    def names(self, folder: str) -> tuple[str, ...] | Refusal:
        """The names in a folder, sorted; ``""`` is the top."""
        ...

    def text_of_link(self, name: str) -> bytes | Refusal:
        """The text of a symbolic link, which is never followed."""
        ...


class FolderStore:
    """A recording in a folder. Each part of a name is opened relative to the one before it, links refused."""

    def __init__(self, path: str) -> None:
        self._top = OpenFolder(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def read(self, name: str) -> FileContent:
        """One regular file below the folder."""
        folder, _, base = name.rpartition("/")
        fd = self._descend(folder)
        if isinstance(fd, Refusal):
            return fd
        try:
            return read_whole(base, fd, limit=file_bytes_max(name), follow=False)
        finally:
            os.close(fd)

    def names(self, folder: str) -> tuple[str, ...] | Refusal:
        """The names in a folder below the top."""
        fd = self._descend(folder)
        if isinstance(fd, Refusal):
            return fd
        try:
            return tuple(sorted(os.listdir(fd)))
        finally:
            os.close(fd)

    def text_of_link(self, name: str) -> bytes | Refusal:
        """The text of a link, for ``exe`` of a copied process folder."""
        folder, _, base = name.rpartition("/")
        fd = self._descend(folder)
        if isinstance(fd, Refusal):
            return fd
        try:
            return os.fsencode(os.readlink(base, dir_fd=fd))
        except OSError as error:
            return refusal_of(error)
        finally:
            os.close(fd)

    def _descend(self, folder: str) -> int | Refusal:
        """Open a folder part by part; a part that is a link, or ``..``, is not there for us."""
        fd = os.dup(self._top.fd)
        for part in folder.split("/") if folder else ():
            if part in ("", ".", ".."):
                os.close(fd)
                return Refusal.ABSENT
            try:
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
            except OSError as error:
                os.close(fd)
                return refusal_of(error)
            os.close(fd)
            fd = inner
        return fd


class _Unpacked:
    """The bytes of an archive, unpacked where it is packed by gzip, and no more of them than the bound.

    The checksum of gzip stands at its end, so all of it is read.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._total = 0
        self._given_back = b""
        try:
            file = _opened(path)
        except OSError as error:
            raise BrokenRecording(path, "not-opened", reason=error.strerror) from error
        self._file = file
        self._read_more: Callable[[int], bytes] = file.read
        self._taken = 0
        if file.peek(2)[:2] == _GZIP_MAGIC:  # a pipe cannot go back
            from procmem.sources.recording.gunzip import Gunzip  # noqa: PLC0415  # folders do without it

            self._read_more = Gunzip(self._read_packed).read

    def _read_packed(self, size: int) -> bytes:
        """What is packed, of which there may be no more than of what comes out: a header may go on for ever."""
        data = self._file.read(size)
        self._taken += len(data)
        if self._taken > UNPACKED_BYTES_MAX:
            raise BrokenRecording(self._path, "recording-too-large")
        return data

    def read(self, size: int) -> bytes:
        """The next bytes.

        Raises:
            BrokenRecording: it unpacks to more than a recording may hold.
        """
        if self._given_back:
            data, self._given_back = self._given_back[:size], self._given_back[size:]
            return data
        data = self._read_more(size)
        self._total += len(data)
        if self._total > UNPACKED_BYTES_MAX:
            raise BrokenRecording(self._path, "recording-too-large")
        return data

    def is_archive(self) -> bool:
        """Whether what comes first is the head of an archive, or no text; it is read again afterwards."""
        head = self.read(_HEAD_BYTES)
        while len(head) < _HEAD_BYTES and (more := self.read(_HEAD_BYTES - len(head))):
            head += more
        self._given_back = head
        if head.startswith(_UTF_16_MARKS) or self.packer() is not None:
            return False
        return b"\0" in head or head[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC)

    def packer(self) -> str | None:
        """What packed it, where that is none that is unpacked here; its head must have been looked at."""
        if self._given_back[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC):
            return None
        return next((name for magic, name in _OTHER_MAGIC.items() if self._given_back.startswith(magic)), None)

    def read_text(self) -> bytes:
        """All of it, within the bound of a single file.

        Raises:
            BrokenRecording: it is larger.
        """
        pieces = []
        total = 0
        while piece := self.read(_CHUNK):
            total += len(piece)
            if total > FILE_BYTES_MAX:
                raise BrokenRecording(self._path, "recording-refused", refusal=Refusal.TOO_LARGE)
            pieces.append(piece)
        return b"".join(pieces)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


class ArchiveStore:
    """A recording in a ``.tar.gz``: its regular members, read into memory once, within bounds."""

    def __init__(self, path: str, stream: _Unpacked) -> None:
        from procmem.sources.recording.tar_members import read_members  # noqa: PLC0415  # folders do without

        files: dict[str, bytes] = {}
        links: dict[str, bytes] = {}
        letters = 0
        for member in read_members(path, stream.read, file_bytes_max, MEMBERS_MAX):
            if member.name in files or member.name in links:
                raise BrokenRecording(path, "member-twice", name=member.name)
            letters += len(member.name)
            if letters > _NAMES_LETTERS_MAX:
                raise BrokenRecording(path, "archive-long-names")
            if member.content is not None:
                files[member.name] = member.content
            else:
                links[member.name] = member.link or b""
        while stream.read(_CHUNK):
            pass  # to the end, where the checksum of all that was read stands
        top = _only_folder(files)
        self._files = {name.removeprefix(top): data for name, data in files.items()}
        self._links = {name.removeprefix(top): text for name, text in links.items()}
        self._names: dict[str, set[str]] = {}
        for name in (*self._files, *self._links):
            folder, mark, base = name.rpartition("/")
            while base and base not in self._names.setdefault(folder, set()):
                self._names[folder].add(base)
                folder, mark, base = folder.rpartition("/") if mark else ("", "", "")

    def read(self, name: str) -> FileContent:
        """One member's bytes."""
        return self._files.get(name, Refusal.ABSENT)

    def names(self, folder: str) -> tuple[str, ...] | Refusal:
        """The names in a folder, files, links and folders alike."""
        found = self._names.get(folder)
        return Refusal.ABSENT if found is None else tuple(sorted(found))

    def text_of_link(self, name: str) -> bytes | Refusal:
        """The text of a link that the archive holds; it is never followed."""
        return self._links.get(name, Refusal.ABSENT)


def _only_folder(files: Mapping[str, bytes]) -> str:
    """The one folder in which all is: archives made by ``tar czf x.tar.gz folder`` have it; empty where none is."""
    tops = {name.split("/", 1)[0] for name in files}
    if len(tops) != 1 or "/" not in next(iter(files)):
        return ""
    top = f"{tops.pop()}/"
    is_process = whole_number(top[:-1]) is not None and any(name.startswith(f"{top}task/") for name in files)
    return "" if is_process else top


def file_bytes_max(name: str) -> int:
    """The most that a file of a recording may hold, by its name: what is parsed at a cost is small by nature."""
    folder, _, base = name.rpartition("/")
    if folder.rpartition("/")[2] == "links":
        return _SMALL
    return _BYTES_MAX.get(base, FILE_BYTES_MAX)


class TextStore:
    """The files of one process that a text holds."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def read(self, name: str) -> FileContent:
        """One of them."""
        return self._files.get(name, Refusal.ABSENT)

    def names(self, folder: str) -> tuple[str, ...] | Refusal:
        """Their names; a text has no folders."""
        return Refusal.ABSENT if folder else tuple(sorted(self._files))

    def text_of_link(self, name: str) -> bytes | Refusal:
        """Texts hold no links."""
        del name
        return Refusal.ABSENT


def open_store(path: str) -> Store | bytes:
    """Open a folder or an archive as a store; the content of a text, unpacked where gzip packed it.

    Which it is, is told by what stands in it. ``-`` is standard input.

    Raises:
        BrokenRecording: nothing there, an archive that is damaged, or anything beyond the bounds.
    """
    if path != STANDARD_INPUT:
        need_answer(path)
    if path != STANDARD_INPUT and not os.path.exists(path):
        raise BrokenRecording(path, "no-recording")
    if path != STANDARD_INPUT and os.path.isdir(path):
        try:
            return FolderStore(path)
        except OSError as error:
            raise BrokenRecording(path, "not-opened", reason=error.strerror) from error
    import zlib  # noqa: PLC0415  # folders do without it

    try:
        with _Unpacked(path) as stream:
            if stream.is_archive():
                return ArchiveStore(path, stream)
            if (packer := stream.packer()) is not None:
                raise BrokenRecording(path, "packed-otherwise", packer=packer)
            return stream.read_text()
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise _bad_archive(path, error) from error


def _bad_archive(path: str, error: Exception) -> BrokenRecording:
    """What the system said of a file that cannot be read; what is inside is damaged in one of many ways."""
    if isinstance(error, OSError) and error.strerror:
        return BrokenRecording(path, "not-opened", reason=error.strerror)
    return BrokenRecording(path, "bad-archive")


def _opened(path: str) -> io.BufferedReader:
    """A file that a user named, or standard input; nothing where the shell has closed that (``<&-``)."""
    if path != STANDARD_INPUT:
        return open(open_given(path), "rb")
    if sys.stdin is None:
        return io.BufferedReader(_Input(io.BytesIO()))
    return io.BufferedReader(_Input(sys.stdin.buffer))


class _Input(io.RawIOBase):
    """Standard input as a raw stream, which stays open when we have read it."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes, put into a buffer; their number."""
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
