"""The members of a tar archive, read as a stream and with distrust: every length has a bound before it is used.

A recording is a few thousand regular files. So sparse files, hard links, devices and names that lead out of the archive
are refused, a link is text that nobody follows, and of the extended headers only the names count. The standard
library's reader is made for archives that one trusts: it expands sparse members, and takes a time with the square of an
extended header's length.

Source: POSIX.1-2017 pax, ustar interchange format and pax header block; GNU tar manual, Basic Tar Format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from procmem.errors import BrokenRecording
from procmem.model.named_tuple import NamedTuple
from procmem.model.numbers import whole_number

__all__ = ["Member", "read_members"]

_BLOCK = 512
_HEADER_BYTES_MAX = 64 * 1024
_NAME_BYTES_MAX = 4096
_NAME_PARTS_MAX = 32
_OCTAL_DIGITS_MAX = 22
_REGULAR, _FOLDER, _SYMLINK = (b"0", b"\0", b"7"), b"5", b"2"
_LONG_NAME, _LONG_LINK, _OF_NEXT, _OF_ALL = b"L", b"K", b"x", b"g"


class Member(NamedTuple):
    """A regular file with its content, or a symbolic link with its text; the other is None."""

    name: str
    content: bytes | None
    link: bytes | None


class _Header(NamedTuple):
    name: bytes
    size: int
    kind: bytes
    link: bytes


def read_members(
    path: str, read: Callable[[int], bytes], limit_of: Callable[[str], int], members_max: int
) -> Iterator[Member]:
    """Each file and link of an archive, to its end mark.

    ``path`` is what messages call the archive. ``read`` gives the next bytes, fewer at the end; ``limit_of`` the most
    that a file of a name may hold, in bytes.

    Raises:
        BrokenRecording: damage, too many members, a member too large or of a sort that is refused.
    """
    archive = _Archive(path, read)
    long_name = long_link = size = None
    seen = 0
    while (header := archive.header()) is not None:
        seen += 1
        if seen > members_max:
            raise BrokenRecording(path, "too-many-members", most=members_max)
        if header.kind in (_LONG_NAME, _LONG_LINK, _OF_NEXT, _OF_ALL):
            if header.size > _HEADER_BYTES_MAX:
                raise BrokenRecording(path, "archive-long-header")
            content = archive.content(header.size)
            if header.kind == _LONG_NAME:
                long_name = content.split(b"\0", 1)[0]
            elif header.kind == _LONG_LINK:
                long_link = content.split(b"\0", 1)[0]
            elif header.kind == _OF_NEXT:
                found = _records(path, content)
                long_name, long_link = found.get(b"path") or long_name, found.get(b"linkpath") or long_link
                size = whole_number(found[b"size"]) if found.get(b"size") else None
                if found.get(b"size") and size is None:
                    raise BrokenRecording(path, "archive-size")
            continue
        name = _name(path, long_name if long_name is not None else header.name)
        link = long_link if long_link is not None else header.link
        held = header.size if size is None else size
        long_name = long_link = size = None
        if header.kind == _FOLDER:
            continue
        if header.kind == _SYMLINK:
            yield Member(name, None, link[:_NAME_BYTES_MAX])
            continue
        if header.kind not in _REGULAR:
            raise _refused(path, name, header.kind)
        if held > limit_of(name):
            raise BrokenRecording(path, "member-too-large", name=name, most=limit_of(name))
        yield Member(name, archive.content(held), None)


def _refused(path: str, name: str, kind: bytes) -> BrokenRecording:
    match kind:
        case b"1":
            return BrokenRecording(path, "member-hard-link", name=name)
        case b"3" | b"4":
            return BrokenRecording(path, "member-device", name=name)
        case b"6":
            return BrokenRecording(path, "member-fifo", name=name)
        case b"S":
            return BrokenRecording(path, "member-sparse", name=name)
    return BrokenRecording(path, "member-unknown", name=name)


class _Archive:
    """The blocks of an archive, one behind the other."""

    def __init__(self, path: str, read: Callable[[int], bytes]) -> None:
        self._path = path
        self._read = read

    def header(self) -> _Header | None:
        """The next header; None at the end mark."""
        block = self._exactly(_BLOCK)
        if not any(block):
            return None
        # the field itself counts as blanks
        if _octal(block[148:156]) != sum(block) - sum(block[148:156]) + 8 * ord(" "):
            raise BrokenRecording(self._path, "archive-checksum")
        name, prefix = block[:100].split(b"\0", 1)[0], block[345:500].split(b"\0", 1)[0]
        if block[257:263] == b"ustar\0" and prefix:
            name = prefix + b"/" + name
        size = block[124:136]
        # octal, or the bytes of a large number behind a set highest bit (GNU, star)
        value = int.from_bytes(size[1:], "big") if size[0] == 0x80 else _octal(size)
        if value is None:
            raise BrokenRecording(self._path, "archive-size")
        return _Header(name, value, block[156:157], block[157:257].split(b"\0", 1)[0])

    def content(self, size: int) -> bytes:
        """What stands behind a header, filled up to whole blocks."""
        data = self._exactly(size)
        self._exactly(-size % _BLOCK)
        return data

    def _exactly(self, size: int) -> bytes:
        data = self._read(size) if size else b""
        while len(data) < size:
            more = self._read(size - len(data))
            if not more:
                raise BrokenRecording(self._path, "archive-cut")
            data += more
        return data


def _octal(field: bytes) -> int | None:
    digits = field.strip(b" \0")
    if not digits:
        return 0
    if len(digits) > _OCTAL_DIGITS_MAX or digits.strip(b"01234567"):
        return None
    return int(digits, 8)


def _name(path: str, data: bytes) -> str:
    if len(data) > _NAME_BYTES_MAX:
        raise BrokenRecording(path, "archive-long-name")
    if data.count(b"/") >= _NAME_PARTS_MAX:
        raise BrokenRecording(path, "archive-deep-name")
    name = data.decode("utf-8", "surrogateescape")
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise BrokenRecording(path, "member-outside", name=name)
    return "/".join(part for part in parts if part not in ("", "."))


def _records(path: str, content: bytes) -> dict[bytes, bytes]:
    """The records of an extended header, ``length key=value`` and a newline each."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(content):
        blank = content.find(b" ", at, at + 8)
        length = whole_number(content[at:blank]) if blank > at else None
        record = content[blank + 1 : at + length] if length else b""
        key, mark, value = record.partition(b"=")
        if not length or at + length > len(content) or not mark or not value.endswith(b"\n"):
            raise BrokenRecording(path, "archive-extended")
        if key.startswith(b"GNU.sparse"):
            name = found.get(b"path", b"?").decode("utf-8", "surrogateescape")
            raise BrokenRecording(path, "member-sparse", name=name)
        found[key] = value[:-1]
        at += length
    return found
