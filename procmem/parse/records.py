"""smaps as records of text, in the kernel's own order: for output that follows the kernel's form key by key.

The column parser is faster and keeps sizes only; here every line survives, those without a unit too
(``THPeligible``, ``ProtectionKey``).
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from procmem.errors import MalformedFile
from procmem.model.mapping import SmapsRecord
from procmem.parse.maps import HEADER
from procmem.parse.smaps import end_of_records

__all__ = ["RecordsReader", "smaps_records"]

_header = re.compile(HEADER).fullmatch
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


def smaps_records(data: bytes, *, name: str = "smaps") -> list[SmapsRecord]:
    """Read smaps, or maps (then ``values`` is empty), record by record.

    Raises:
        MalformedFile: a line that is neither a mapping nor ``Key: value``.
    """
    reader = RecordsReader(name=name)
    reader.feed(data)
    return reader.close()


class RecordsReader:
    """Reads records piece by piece, while the kernel still writes the rest; pieces may end anywhere."""

    def __init__(self, *, name: str = "smaps") -> None:
        self._name = name
        self._said = _Said()
        self._rest = b""
        self._lines = 0
        self._records: list[SmapsRecord] = []

    def feed(self, piece: bytes) -> None:
        """Take the next piece; whole records are taken apart at once."""
        self._rest += piece
        cut = end_of_records(self._rest, 0, len(self._rest))
        if cut:
            self._take(self._rest[:cut])
            self._rest = self._rest[cut:]

    def close(self) -> list[SmapsRecord]:
        """Take apart what is left, and give all.

        Raises:
            MalformedFile: as :func:`smaps_records`.
        """
        self._take(self._rest)
        self._rest = b""
        return self._records

    def _take(self, data: bytes) -> None:
        lines = data.split(b"\n")
        starts = [at for at, line in enumerate(lines) if line and line[0] in _BEGINS_HEADER]
        said = self._said.__getitem__
        try:
            before = [*map(said, filter(None, lines[: starts[0] if starts else len(lines)]))]
            if before:
                self._go_on(lines, before)
            for at, end in pairwise([*starts, len(lines)]):
                found = _header(lines[at])
                if found is None:
                    raise MalformedFile(self._name, self._lines + at + 1, "not-a-mapping", lines[at])
                low, high, *words, path = found.groups()
                perms, offset, device, inode = (word.decode("ascii") for word in words)
                values = tuple(map(said, filter(None, lines[at + 1 : end])))
                self._records.append(
                    SmapsRecord(int(low, 16), int(high, 16), perms, offset, device, inode, path or b"", values)
                )
        except ValueError as error:
            (line,) = error.args
            raise MalformedFile(self._name, self._lines + lines.index(line) + 1, "not-smaps", line) from None
        self._lines += len(lines) - 1

    def _go_on(self, lines: Sequence[bytes], values: Sequence[tuple[str, str]]) -> None:
        """Counters that stand behind the flags of the last record."""
        if not self._records:
            first = next(line for line in lines if line)
            raise MalformedFile(self._name, self._lines + lines.index(first) + 1, "not-smaps", first)
        self._records[-1] = self._records[-1]._replace(values=(*self._records[-1].values, *values))
