"""smaps as records of text, in the kernel's own order: for output that follows the kernel's form key by key.

The column parser is faster and keeps sizes only; here every line survives, those without a unit too
(``THPeligible``, ``ProtectionKey``).
"""

import re

from procmem.errors import MalformedFile
from procmem.model.mapping import SmapsRecord
from procmem.parse.maps import HEADER

__all__ = ["smaps_records"]

_HEADER = re.compile(HEADER)


def smaps_records(data: bytes, *, name: str = "smaps") -> list[SmapsRecord]:
    """Read smaps, or maps (then ``values`` is empty), record by record.

    Raises:
        MalformedFile: a line that is neither a mapping nor ``Key: value``.
    """
    records: list[SmapsRecord] = []
    values: list[tuple[str, str]] = []
    known: dict[bytes, tuple[str, str]] = {}  # of many thousand lines most say the same
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line:
            continue
        if line[:1] in b"0123456789abcdef":
            found = _HEADER.fullmatch(line)
            if found is None:
                raise MalformedFile(name, number, "not-a-mapping", line)
            _complete(records, values)
            values = []
            perms, offset, device, inode = (word.decode("ascii") for word in found.groups()[2:6])
            records.append(
                SmapsRecord(int(found[1], 16), int(found[2], 16), perms, offset, device, inode, found[7] or b"", ())
            )
            continue
        said = known.get(line)
        if said is None:
            key, colon, value = line.partition(b":")
            if not colon or not records:
                raise MalformedFile(name, number, "not-smaps", line)
            text = value.decode("ascii", "replace").strip()
            said = known[line] = (key.decode("ascii", "replace"), text.removesuffix(" kB"))
        values.append(said)
    _complete(records, values)
    return records


def _complete(records: list[SmapsRecord], values: list[tuple[str, str]]) -> None:
    """Give the last record its values."""
    if records and values:
        records[-1] = records[-1]._replace(values=tuple(values))
