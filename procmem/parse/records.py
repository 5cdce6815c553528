"""smaps as records of text, in the kernel's own order: for output that follows the kernel's form key by key.

The column parser is faster and keeps sizes only; here every line survives, those without a unit too
(``THPeligible``, ``ProtectionKey``).
"""

import re
from itertools import pairwise

from procmem.errors import MalformedFile
from procmem.model.mapping import SmapsRecord
from procmem.model.smaps_records import SmapsRecords
from procmem.parse.maps import HEADER
from procmem.parse.smaps_shape import end_of_records

__all__ = ["RecordsReader", "smaps_records"]

_header = re.compile(HEADER).fullmatch
_headers = re.compile(b"(?m:^%s$)" % HEADER).findall
_PART_BYTES = 1 << 18
"""So much text is taken apart at a time, for the reason that :mod:`procmem.parse.smaps` has."""
_BEGINS_HEADER = frozenset(b"0123456789abcdef")
"""First bytes of maps lines; keys begin with a capital."""


class _Said(dict[bytes, tuple[str, str]]):
    """Key and text of each line, taken apart once: of many thousand lines most say the same."""

    def __missing__(self, line: bytes) -> tuple[str, str]:
        key, colon, value = line.partition(b":")
        if not colon:
            raise ValueError(line)
        text = value.decode("ascii", "replace").strip().removesuffix(" kB")
        said = self[line] = (key.decode("ascii", "replace"), text)
        return said


class _SaidOfKey(dict[bytes, tuple[str, str]]):
    """The same of the lines that have the key of one line.

    Raises:
        ValueError: a line has another one, or is no such line.
    """

    def __init__(self, first: bytes, said: _Said) -> None:
        self._key = first.partition(b":")[0].decode("ascii", "replace")
        self._said = said

    def __missing__(self, line: bytes) -> tuple[str, str]:
        found = self._said[line]
        if found[0] != self._key or line[0] in _BEGINS_HEADER:
            raise ValueError(line)
        self[line] = found
        return found


def smaps_records(data: bytes, *, name: str = "smaps") -> list[SmapsRecord]:
    """Read smaps, or maps (then ``values`` is empty), record by record.

    Raises:
        MalformedFile: a line that is neither a mapping nor ``Key: value``.
    """
    reader = RecordsReader(name=name)
    reader.feed(data)
    return list(reader.close())


class RecordsReader:
    """Reads records piece by piece, while the kernel still writes the rest; pieces may end anywhere."""

    def __init__(self, *, name: str = "smaps") -> None:
        self._name = name
        self._said = _Said()
        self._rest = b""
        self._lines = 0
        self._parts: list[SmapsRecords] = []
        self._of_keys: list[_SaidOfKey] = []

    def feed(self, piece: bytes) -> None:
        """Take the next piece; whole records are taken apart at once."""
        data = self._rest + piece if self._rest else piece
        at = 0
        while end := end_of_records(data, at, at + _PART_BYTES):
            self._take(data[at:end])
            at = end
        if at < len(data) - _PART_BYTES and (end := end_of_records(data, at, len(data))):  # a record of such a size
            self._take(data[at:end])
            at = end
        self._rest = data[at:]

    def close(self) -> SmapsRecords:
        """Take apart what is left, and give all.

        Raises:
            MalformedFile: as :func:`smaps_records`.
        """
        self._take(self._rest)
        self._rest = b""
        return SmapsRecords.joined(self._parts)

    def _take(self, data: bytes) -> None:
        lines = data.split(b"\n")
        part = self._in_columns(lines)
        if part is None:
            self._take_one_by_one(lines)
        else:
            self._parts.append(part)
        self._lines += len(lines) - 1

    def _in_columns(self, lines: list[bytes]) -> SmapsRecords | None:
        """Many records that have lines of the same keys; None where they are not so, or where any line is wrong."""
        last = len(lines) - 1
        period = next((at for at in range(1, last) if lines[at] and lines[at][0] in _BEGINS_HEADER), last)
        if not period or last % period or lines[-1]:
            return None
        heads = lines[:-1:period]
        found = _headers(b"\n".join(heads))
        if len(found) != len(heads):
            return None
        low, high, *words, name = zip(*found, strict=True)
        if len(self._of_keys) != period - 1:
            self._of_keys = [_SaidOfKey(line, self._said) for line in lines[1:period]]
        try:
            said = [
                list(map(known.__getitem__, lines[at:-1:period])) for at, known in enumerate(self._of_keys, start=1)
            ]
        except ValueError:
            self._of_keys = []  # what follows may have lines of other keys
            return None
        start, end = ([int(text, 16) for text in column] for column in (low, high))
        perms, offset, device, inode = (b"\n".join(column).decode("ascii").split("\n") for column in words)
        return SmapsRecords(start, end, perms, offset, device, inode, list(name), said=said)

    def _take_one_by_one(self, lines: list[bytes]) -> None:
        records: list[SmapsRecord] = []
        starts = [at for at, line in enumerate(lines) if line and line[0] in _BEGINS_HEADER]
        said = self._said.__getitem__
        try:
            before = next(filter(None, lines[: starts[0] if starts else len(lines)]), None)
            if before is not None:
                raise ValueError(before)
            for at, end in pairwise([*starts, len(lines)]):
                found = _header(lines[at])
                if found is None:
                    raise MalformedFile(self._name, self._lines + at + 1, "not-a-mapping", lines[at])
                low, high, *words, path = found.groups()
                perms, offset, device, inode = (word.decode("ascii") for word in words)
                values = tuple(map(said, filter(None, lines[at + 1 : end])))
                records.append(
                    SmapsRecord(int(low, 16), int(high, 16), perms, offset, device, inode, path or b"", values)
                )
        except ValueError as error:
            (line,) = error.args
            raise MalformedFile(self._name, self._lines + lines.index(line) + 1, "not-smaps", line) from None
        if records:
            self._parts.append(SmapsRecords.of(records))
