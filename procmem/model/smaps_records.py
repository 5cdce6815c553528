"""Records of smaps as text, as columns: for output that follows the kernel's form key by key.

Here belongs how many records are kept; a single one is :class:`procmem.model.mapping.SmapsRecord`.
"""

from __future__ import annotations

from procmem.model.mapping import SmapsRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["SaidLine", "SmapsRecords"]

SaidLine = tuple[str, str]
"""A line of a record: its key, and what it says."""


class SmapsRecords:
    """Records in the kernel's order. Nobody changes them.

    ``said`` has a column for each line of a record, where all records have lines of the same keys in the same order;
    else it is None, and only ``values`` tells what each says.
    """

    __slots__ = ("_values", "device", "end", "inode", "name", "offset", "perms", "said", "start")

    def __init__(
        self,
        start: list[int],
        end: list[int],
        perms: list[str],
        offset: list[str],
        device: list[str],
        inode: list[str],
        name: list[bytes],
        *,
        said: list[list[SaidLine]] | None = None,
        values: list[tuple[SaidLine, ...]] | None = None,
    ) -> None:
        self.start = start
        self.end = end
        self.perms = perms
        self.offset = offset
        self.device = device
        self.inode = inode
        self.name = name
        self.said = said
        self._values = values

    @classmethod
    def of(cls, records: Iterable[SmapsRecord]) -> SmapsRecords:
        """The same records as columns."""
        columns = list(map(list, zip(*records, strict=True))) or [[] for _ in SmapsRecord._fields]
        *front, values = columns
        return cls(*front, values=values)

    @classmethod
    def joined(cls, parts: Sequence[SmapsRecords]) -> SmapsRecords:
        """The records of several, one after the other."""
        if len(parts) == 1:
            return parts[0]
        keys = parts[0].keys if parts else None
        if keys is None or any(part.keys != keys for part in parts):
            return cls.of(record for part in parts for record in part)
        front = ([*_chained(parts, field)] for field in SmapsRecord._fields[:-1])
        said = [[pair for part in parts for pair in (part.said or ())[at]] for at in range(len(keys))]
        return cls(*front, said=said)  # type: ignore[arg-type]  # the same

    @property
    def keys(self) -> list[str] | None:
        """The keys of each record's lines, where all have the same; None where not, or where there is no record."""
        return [column[0][0] for column in self.said] if self.said is not None and self.start else None

    @property
    def values(self) -> Sequence[tuple[SaidLine, ...]]:
        """The lines of each record."""
        if self._values is None:
            self._values = list(zip(*self.said, strict=True)) if self.said else [()] * len(self.start)
        return self._values

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, at: int) -> SmapsRecord:
        values = tuple(column[at] for column in self.said) if self.said is not None else self.values[at]
        return SmapsRecord(
            self.start[at],
            self.end[at],
            self.perms[at],
            self.offset[at],
            self.device[at],
            self.inode[at],
            self.name[at],
            values,
        )

    def __iter__(self) -> Iterator[SmapsRecord]:
        front = (self.start, self.end, self.perms, self.offset, self.device, self.inode, self.name)
        return map(SmapsRecord, *front, self.values)


def _chained(parts: Sequence[SmapsRecords], field: str) -> Iterator[object]:
    for part in parts:
        yield from getattr(part, field)
