"""The lines of ``maps`` and ``smaps`` as one table of columns.

A process may have 60,000 mappings. A value object for each would cost more than the kernel needs to
print them all, so the table keeps one list per field and hands out a row only when somebody asks.
"""

from __future__ import annotations

from itertools import chain, compress, count, repeat
from operator import gt, sub

from procmem.model.enumeration import Enumeration
from procmem.model.named_tuple import NamedTuple
from procmem.model.permissions import permissions
from procmem.model.proc_keys import SmapsKey
from procmem.model.vm_flags import MemoryFlag
from procmem.model.vma_names import GATES, Backing, KernelName, VmaName, kernel_label, read_vma_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Hashable, Iterator, Mapping, Sequence
    from typing import Any, TypeVar

    from procmem.model.given_names import GivenName

    Value = TypeVar("Value")

__all__ = ["Mappings", "SmapsRecord", "TableShape", "Unpopulated", "Vma"]


class Vma(NamedTuple):
    """One line of ``maps``: a virtual memory area. ``name`` is all that follows the inode, to the last byte."""

    start: int
    end: int
    perms: str
    offset: int
    device: str
    inode: int
    name: bytes

    @property
    def size(self) -> int:
        """Bytes of address space."""
        return self.end - self.start


class Unpopulated(Enumeration):
    """What the pages of a mapping are that are neither in memory nor in swap."""

    UNTOUCHED = "never touched"
    """They come into being as zeros at the first access."""
    SHARED_MEMORY = "shared memory, not resident"
    """The same, but for pages of the object that others have written, or that were moved out to swap."""
    NOT_COMMITTED = "not committed"
    """The same, of memory that was asked for without a promise (MAP_NORESERVE, VmFlags nr)."""
    FILE = "file, not resident"
    """They can be read from a file, or belong to a device."""
    RESERVED = "reserved"
    """Inaccessible address space."""
    GATE = "gate"
    """A gate VMA is nobody's address space."""


class SmapsRecord(NamedTuple):
    """One VMA: the header's words as the kernel printed them, the name, and each ``Key: value`` in order."""

    start: int
    end: int
    perms: str
    offset: str
    device: str
    inode: str
    name: bytes
    values: tuple[tuple[str, str], ...]


class TableShape:
    """What follows from all that mappings say beside their addresses and counters, in which forked processes are alike.

    Tables that are alike in all that share one, so that it is found once for all of them. ``facts`` are by a name that
    each of those who ask chooses. ``is_shared`` says that there may be several such tables.
    """

    __slots__ = ("facts", "files", "is_shared", "names", "rows")

    def __init__(self, *, is_shared: bool = False) -> None:
        self.is_shared = is_shared
        self.rows: list[list[int]] | None = None
        self.files: dict[tuple[str, int, bytes], list[int]] | None = None
        self.names: dict[int, VmaName] = {}
        self.facts: dict[Hashable, Any] = {}


_FIELDS = (*Vma._fields, "flags")
"""The columns that hold something of each mapping; counters are columns by key, in ``usage``."""


class Mappings:
    """All VMAs of a process, in the order in which the kernel gave them.

    ``usage`` maps a key of smaps (``Rss``, ``Private_Dirty``) to a column of bytes; an entry is None where
    this VMA has no such line. A key that no VMA has is not there at all. ``flags`` is the VmFlags line of
    each VMA (two-letter words, blank separated), None where the kernel does not print it.
    ``sort`` numbers what the mappings say beside their addresses, offsets and counters, from 0 on: of many thousand
    mappings most say the same, and need to be looked at once (:meth:`one_of_each_sort`, :meth:`rows_where`).
    The columns belong to this value: nobody changes them. ``shape`` is shared by tables that differ in addresses and
    counters alone.
    """

    __slots__ = (*_FIELDS, "_sizes", "shape", "sort", "usage")

    def __init__(
        self,
        *,
        start: list[int],
        end: list[int],
        perms: list[str],
        offset: list[int],
        device: list[str],
        inode: list[int],
        name: list[bytes],
        flags: list[str | None] | None = None,
        sort: list[int] | None = None,
        usage: Mapping[str, list[int | None]] | None = None,
    ) -> None:
        self.start = start
        self.end = end
        self.perms = perms
        self.offset = offset
        self.device = device
        self.inode = inode
        self.name = name
        self.flags: list[str | None] = flags if flags is not None else [None] * len(start)
        self.sort = sort if sort is not None else _sorts(perms, device, inode, name, self.flags)
        self.usage: Mapping[str, list[int | None]] = usage if usage is not None else {}
        self.shape = TableShape()
        self._sizes: list[int] | None = None

    def __len__(self) -> int:
        return len(self.start)

    @property
    def sizes(self) -> list[int]:
        """The bytes of each mapping; computed once."""
        if self._sizes is None:
            self._sizes = list(map(sub, self.end, self.start))
        return self._sizes

    def __getitem__(self, index: int) -> Vma:
        return Vma(
            self.start[index],
            self.end[index],
            self.perms[index],
            self.offset[index],
            self.device[index],
            self.inode[index],
            self.name[index],
        )

    def __iter__(self) -> Iterator[Vma]:
        columns = zip(self.start, self.end, self.perms, self.offset, self.device, self.inode, self.name, strict=True)
        return map(Vma._make, columns)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mappings):
            return NotImplemented
        return all(getattr(self, field) == getattr(other, field) for field in (*_FIELDS, "usage"))

    __hash__ = None  # type: ignore[assignment]  # a table is compared, never a key

    def of_shape(self, name: Hashable, compute: Callable[[], Value]) -> Value:
        """What follows from permissions, offsets, files, names and flags alone, computed once for all of one shape."""
        facts = self.shape.facts
        if name not in facts:
            facts[name] = compute()
        found: Value = facts[name]
        return found

    def of_place(self, name: Hashable, rows: Sequence[int], compute: Callable[[], Value]) -> Value:
        """What follows from the same and from where some of the mappings lie."""
        if not self.shape.is_shared:
            return compute()
        start, end = map(self.start.__getitem__, rows), map(self.end.__getitem__, rows)
        return self.of_shape((name, tuple(start), tuple(end)), compute)

    def with_permissions(self, perms: list[str]) -> Mappings:
        """The same table with other permissions; it shares all other columns with this one."""
        return _table(lambda field: perms if field == "perms" else getattr(self, field), self.usage)

    def without_repeats(self) -> Mappings:
        """The same without mappings that the next one covers: this very table where there are none.

        The kernel gives the file in pieces, and goes on behind the last address: what grew meanwhile comes once more.
        """
        if not any(map(gt, self.end, self.start[1:])):
            return self
        covered = {
            row
            for row in range(len(self) - 1)
            if self.start[row + 1] <= self.start[row] < self.end[row + 1] and self.end[row] <= self.end[row + 1]
        }
        if not covered:
            return self
        kept = [row not in covered for row in range(len(self))]
        usage = {key: list(compress(column, kept)) for key, column in self.usage.items()}
        return _table(lambda field: list(compress(getattr(self, field), kept)), usage)

    def unpopulated(self, row: int) -> Unpopulated:
        """What the pages of a mapping are that are neither in memory nor in swap."""
        if self.name[row] in GATES and not self.inode[row]:
            return Unpopulated.GATE
        if permissions(self.perms[row]).inaccessible:
            return Unpopulated.RESERVED
        if self.named(row).backing in (Backing.FILE, Backing.DEVICE):
            return Unpopulated.FILE
        if self.named(row).backing is Backing.SHARED_MEMORY:
            return Unpopulated.SHARED_MEMORY
        return Unpopulated.NOT_COMMITTED if self.has_flag(row, MemoryFlag.NORESERVE) else Unpopulated.UNTOUCHED

    def is_shared_memory(self, row: int, devices: Container[str] = ()) -> bool:
        """Whether it is of an object that lives in memory and swap alone, and counts as shmem (RssShmem, not RssFile).

        ``devices`` are those of tmpfs mounts; objects without a mount (memfd, System V) are known by their names.
        """
        if not self.inode[row] or self.has_flag(row, MemoryFlag.HUGETLB):
            return False
        name = self.named(row)
        # pages of secretmem are never swapped, so mm_counter_file() counts them with files
        is_shared = name.backing is Backing.SHARED_MEMORY and name.named is not KernelName.SECRETMEM
        return is_shared or self.device[row] in devices

    def is_of_object_at(self, address: int) -> bool:
        """Whether an address lies in a mapping of a file or of shared memory."""
        at = self.row_at(address)
        return at is not None and self.named(at).backing in (Backing.FILE, Backing.SHARED_MEMORY)

    def row_at(self, address: int) -> int | None:
        """The index of the first mapping that holds an address; None where nothing is mapped."""
        return next(
            (row for row in compress(count(), map(gt, self.end, repeat(address))) if self.start[row] <= address), None
        )

    def column(self, key: str) -> list[int | None] | None:
        """A smaps column in bytes, or None where no VMA has this key."""
        return self.usage.get(key)

    def total(self, key: str) -> int | None:
        """The sum of a smaps column; None where the kernel does not print the key for any VMA."""
        column = self.usage.get(key)
        if column is None:
            return None
        return sum(filter(None, column))

    def hugetlb(self) -> dict[int, int | None]:
        """The bytes in memory of mappings of reserved huge pages, by index, where there are any.

        RSS leaves them out. None where nobody knows: before Linux 4.4 no counter tells it.
        """
        columns = [self.usage.get(key) for key in (SmapsKey.SHARED_HUGETLB, SmapsKey.PRIVATE_HUGETLB)]
        if columns == [None, None]:
            return dict.fromkeys(self.rows_where(lambda row: self.named(row).backing is Backing.HUGETLB, "hugetlb"))
        found: dict[int, int | None] = {}
        for column in columns:
            for row in compress(count(), column or ()):
                found[row] = (found.get(row) or 0) + (column[row] or 0)  # type: ignore[index]
        return found

    def rows_of_sorts(self) -> list[list[int]]:
        """The indexes, ascending, of the mappings of each sort, by the sort's number; found once."""
        found = self.shape.rows
        if found is None:
            found = self.shape.rows = [[] for _ in range(max(self.sort, default=-1) + 1)]
            for row, sort in enumerate(self.sort):
                found[sort].append(row)
        return found

    def one_of_each_sort(self) -> list[int]:
        """The index of one mapping of each sort, by the sort's number: to look at what all of it share."""
        return [rows[0] for rows in self.rows_of_sorts()]

    def rows_where(
        self, holds: Callable[[int], object], name: Hashable = None, *, without_inode: bool = False
    ) -> list[int]:
        """The indexes, ascending, of those of which something is true that all mappings of a sort share.

        ``holds`` is asked about the index of one mapping of each sort; by a ``name`` the answer is known to all tables
        of this shape. ``without_inode`` leaves out mappings of files and other objects, whose sorts are many.
        """
        if name is not None:
            return self.of_shape((name, without_inode), lambda: self.rows_where(holds, without_inode=without_inode))
        found = [rows for rows in (self._without_inode() if without_inode else self.rows_of_sorts()) if holds(rows[0])]
        return found[0] if len(found) == 1 else sorted(chain.from_iterable(found))

    def _without_inode(self) -> list[list[int]]:
        def found() -> list[list[int]]:
            return [rows for rows in self.rows_of_sorts() if not self.inode[rows[0]]]

        return self.of_shape("sorts-without-an-inode", found)

    def rows_of_files(self) -> dict[tuple[str, int, bytes], list[int]]:
        """The indexes, ascending, of the mappings of each file, by device, inode and path; found once."""
        if self.shape.files is None:
            found: dict[tuple[str, int, bytes], list[list[int]]] = {}
            for rows in self.rows_of_sorts():
                row = rows[0]
                if self.inode[row]:
                    found.setdefault((self.device[row], self.inode[row], self.name[row]), []).append(rows)
            self.shape.files = {key: rows[0] if len(rows) == 1 else sorted(chain(*rows)) for key, rows in found.items()}
        return self.shape.files

    def named(self, row: int) -> VmaName:
        """The name of a mapping, read: what stands behind it. Few are different, and each is read once."""
        found = self.shape.names.get(self.sort[row])
        if found is None:
            found = self.shape.names[self.sort[row]] = read_vma_name(
                self.name[row],
                device=self.device[row],
                has_inode=self.inode[row] != 0,
                shared=permissions(self.perms[row]).shared,
                flags=self.flags[row],
            )
        return found

    def given(self, row: int) -> GivenName | None:
        """Who named a mapping, None where no program did."""
        if self.named(row).named is not KernelName.GIVEN:
            return None
        from procmem.model.given_names import given_name  # noqa: PLC0415  # few processes have such names

        return given_name(self.name[row])

    def rows_labelled(self, *names: KernelName) -> list[int]:
        """The indexes of the mappings to which the kernel gives one of these labels, ascending.

        A file of such a name has an inode, and is none of them.
        """
        labels = {kernel_label(name) for name in names}
        return self.rows_where(lambda row: self.name[row] in labels, names, without_inode=True)

    def gates(self) -> list[int]:
        """The indexes of gate VMAs: printed in maps, counted in no total, and the same page in every process."""
        return self.rows_where(lambda row: self.name[row] in GATES, "gates", without_inode=True)

    def flags_with(self, flag: str) -> frozenset[str | None]:
        """Those VmFlags lines that hold a two-letter flag; few lines are different, however many mappings there are."""

        def lines_with() -> frozenset[str | None]:
            lines = self.of_shape("lines-of-flags", lambda: {self.flags[row] for row in self.one_of_each_sort()})
            return frozenset(line for line in lines if line is not None and flag in line)

        return self.of_shape(("flags", flag), lines_with)

    def has_flag(self, index: int, flag: str) -> bool | None:
        """Whether VmFlags of a VMA hold a two-letter flag; None where the kernel does not say."""
        flags = self.flags[index]
        # words of two letters with blanks between: two letters side by side are a word
        return None if flags is None else flag in flags


def _table(
    column: Callable[[str], list[Any]], usage: Mapping[str, list[int | None]], sort: list[int] | None = None
) -> Mappings:
    """A table of these columns, one for each field that a row has."""
    return Mappings(**{field: column(field) for field in _FIELDS}, usage=usage, sort=sort)


def _sorts(*columns: Sequence[Hashable]) -> list[int]:
    """The numbers of equal rows of some columns."""
    rows = list(zip(*columns, strict=True))
    number = {row: at for at, row in enumerate(dict.fromkeys(rows))}
    return list(map(number.__getitem__, rows))
