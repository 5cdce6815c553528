"""smaps as records of text, in the kernel's own order: for output that follows the kernel's form key by key.

The column parser is faster and keeps sizes only; here every line survives, those without a unit too
(``THPeligible``, ``ProtectionKey``).
"""

import re
from itertools import pairwise

from procmem.errors import MalformedFile
from procmem.model.mapping import SmapsRecord
from procmem.parse.maps import HEADER

__all__ = ["smaps_records"]

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
    lines = data.split(b"\n")
    starts = [at for at, line in enumerate(lines) if line and line[0] in _BEGINS_HEADER]
    said = _Said()
    records: list[SmapsRecord] = []
    try:
        before = [*map(said.__getitem__, filter(None, lines[: starts[0] if starts else len(lines)]))]
        for at, end in pairwise([*starts, len(lines)]):
            found = _header(lines[at])
            if found is None:
                raise MalformedFile(name, at + 1, "not-a-mapping", lines[at])
            low, high, *words, path = found.groups()
            perms, offset, device, inode = (word.decode("ascii") for word in words)
            values = tuple(map(said.__getitem__, filter(None, lines[at + 1 : end])))
            records.append(SmapsRecord(int(low, 16), int(high, 16), perms, offset, device, inode, path or b"", values))
    except ValueError as error:
        (line,) = error.args
        raise MalformedFile(name, lines.index(line) + 1, "not-smaps", line) from None
    if before:
        first = next(line for line in lines if line)
        raise MalformedFile(name, lines.index(first) + 1, "not-smaps", first)
    return records
