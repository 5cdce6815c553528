"""smaps as records of text, in the kernel's own order: for output that follows the kernel's form key by key.

The column parser is faster and keeps sizes only; here every line survives, those without a unit too
(``THPeligible``, ``ProtectionKey``).
"""

from procmem.errors import MalformedFile
from procmem.model.mapping import SmapsRecord

__all__ = ["smaps_records"]


def smaps_records(data: bytes, *, name: str = "smaps") -> list[SmapsRecord]:
    """Read smaps, or maps (then ``values`` is empty), record by record.

    Raises:
        MalformedFile: a line that is neither a mapping nor ``Key: value``.
    """
    records: list[SmapsRecord] = []
    values: list[tuple[str, str]] = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line:
            continue
        if line[:1] in b"0123456789abcdef":
            words = line.split(b" ", 5)
            span = words[0].split(b"-")
            if len(words) < 5 or len(span) != 2:
                raise MalformedFile(name, number, "not 'start-end perms offset dev inode path'", line)
            perms, offset, device = (word.decode("ascii", "replace") for word in words[1:4])
            inode, _, path = b" ".join(words[4:]).partition(b" ")
            values = []
            records.append(
                SmapsRecord(
                    int(span[0], 16), int(span[1], 16), perms, offset, device, inode.decode(), path.lstrip(b" "), ()
                )
            )
            continue
        key, colon, value = line.partition(b":")
        if not colon or not records:
            raise MalformedFile(name, number, "neither a mapping nor 'Key: value'", line)
        text = value.decode("ascii", "replace").strip()
        values.append((key.decode("ascii", "replace"), text.removesuffix(" kB")))
        records[-1] = records[-1]._replace(values=tuple(values))
    return records
