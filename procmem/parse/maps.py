r"""``/proc/<pid>/maps``: one line a VMA, and the one place that knows the form of that line.

Source: proc_pid_maps(5); fs/proc/task_mmu.c, show_vma_header_prefix() and show_map_vma(). The kernel
escapes only newline in names (as ``\012``), so a name may hold anything else, blanks at its end too.
"""

from __future__ import annotations

import struct
from itertools import islice
from operator import contains, lt

from procmem.errors import MalformedFile
from procmem.model.mapping import Mappings, TableShape
from procmem.model.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

__all__ = ["HEADER", "LINE", "PART_BYTES", "KnownMaps", "MapsTable", "are_lines", "check_whole", "parse_maps"]

_ADDRESSES = rb"([0-9a-f]{1,16})-([0-9a-f]{1,16})"
_PERMS = rb"([r?-][w?-][x?-][sp?])"
_OFFSET = rb"([0-9a-f]{1,16})"
_OBJECT = rb"([0-9a-f]{2,8}:[0-9a-f]{2,8}|\?\?:\?\?) ([0-9]{1,20})(?: +([^\n]*))?"
"""Device, inode, name. Question marks stand where a text of another form does not tell (``model.given_text``); the
kernel writes none."""

HEADER = b" ".join((_ADDRESSES, _PERMS, _OFFSET, _OBJECT))
"""The form of a whole maps line, without its line end; groups: the addresses, perms, offset, device, inode, name."""

LINE = b" ".join((_ADDRESSES, _PERMS, _OFFSET, rb"([^\n]*)\n"))
"""The same with its line end, for many lines at once: what follows the offset is one group."""

_HEX, _DIGITS = b"0123456789abcdef", b"0123456789"
_PERMISSIONS = (b"r?-", b"w?-", b"x?-", b"sp?")
_ADDRESS_DIGITS_MAX = 16
_DEVICE_DIGITS = (2, 8)
_INODE_DIGITS_MAX = 20
PART_BYTES = 1 << 18
"""So much text is taken apart at a time, which takes about ten times as much memory. For larger parts the kernel is
asked for new pages each time, and the page faults take a fifth of the work."""


def parse_maps(data: bytes, *, name: str = "maps") -> Mappings:
    """Read the text of ``/proc/<pid>/maps``; a kernel thread's empty text gives no mapping.

    Raises:
        MalformedFile: a line does not have the documented form, or the last line is cut off.
    """
    check_whole(data, name)
    if b"]\r\n" in data and data.count(b"\r\n") == data.count(b"\n"):
        raise MalformedFile(name, 1, "line-ends", data[: data.find(b"\n")])  # labels of the kernel do not
    import re  # noqa: PLC0415  # a long text that comes alone; what reads smaps does without where it can

    table = MapsTable(name)
    find = re.compile(LINE + rb"|(.*\n)").findall
    at = 0
    while at < len(data):
        end = data.find(b"\n", at + PART_BYTES) + 1 or len(data)
        low, high, perms, offset, objects, strays = zip(*find(data, at, end), strict=True)
        first = len(table) + 1
        for number, stray in enumerate(strays, start=first):
            if stray:
                raise MalformedFile(name, number, "not-a-mapping", stray[:-1])
        table.extend(low, high, perms, offset, objects, [None] * len(low), lambda row, first=first: first + row)  # type: ignore[misc]
        at = end
    return table.mappings({})


def are_lines(low: Sequence[bytes], high: Sequence[bytes], perms: Sequence[bytes], offsets: Sequence[bytes]) -> bool:
    """Whether the first four columns of some lines have the form of :data:`LINE`: the same without ``re``.

    To load that takes as long as to read a process of a few hundred mappings.
    """
    return all(map(_is_permissions, set(perms))) and all(
        all(column) and max(map(len, column)) <= _ADDRESS_DIGITS_MAX and not b"".join(column).translate(None, _HEX)
        for column in (low, high, offsets)
    )


def _is_permissions(text: bytes) -> bool:
    return len(text) == len(_PERMISSIONS) and all(map(contains, _PERMISSIONS, text))


def check_whole(data: bytes, name: str, *, before: int = 0) -> None:
    """Make sure that the text ends with a whole line; so many lines were ``before`` it."""
    if data and not data.endswith(b"\n"):
        line = before + data.count(b"\n") + 1
        raise MalformedFile(name, line, "last-line-cut", data[data.rfind(b"\n") + 1 :])


def _numbers(texts: Sequence[bytes]) -> tuple[int, ...]:
    """Numbers of up to 16 hexadecimal digits, all at once: a call of int() for each takes five times as long."""
    widths = set(map(len, texts))
    if len(widths) == 1:
        zeros = b"0" * (16 - widths.pop())
        digits = zeros + zeros.join(texts)
    else:
        digits = b"".join([text.zfill(16) for text in texts])
    return struct.unpack(f">{len(texts)}Q", bytes.fromhex(digits.decode("ascii")))


class _Sort(NamedTuple):
    """What a mapping says beside its addresses and its offset."""

    perms: str
    device: str
    inode: int
    name: bytes
    flags: str | None


_Said = tuple[bytes, bytes, bytes | None]
"""The same as it was written: permissions, what follows the offset, and the words of VmFlags."""


class _Sorts(dict[_Said, int]):
    """The number of each sort, by its text. Many mappings say the same, so each text is taken apart once.

    ``read`` are the sorts by number.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._objects: dict[bytes, tuple[str, int, bytes]] = {}
        self.read: list[_Sort] = []

    def __missing__(self, said: _Said) -> int:
        perms, text, flags = said
        device, inode, path = self._objects.get(text) or self._object(text)
        words = None if flags is None else flags.decode("ascii", "replace").strip()
        number = self[said] = len(self.read)
        self.read.append(_Sort(perms.decode("ascii"), device, inode, path, words))
        return number

    def _object(self, text: bytes) -> tuple[str, int, bytes]:
        """Device, inode and name: one file is mapped with several permissions and flags."""
        device, _, rest = text.partition(b" ")
        digits, _, path = rest.partition(b" ")
        if not _is_device(device) or not 0 < len(digits) <= _INODE_DIGITS_MAX or digits.translate(None, _DIGITS):
            raise MalformedFile(self._name, 0, "not-a-mapping", text)
        inode = int(digits)
        if inode >= 1 << 64:
            raise MalformedFile(self._name, 0, "inode-too-large", text)
        read = self._objects[text] = (device.decode("ascii"), inode, path.lstrip(b" "))
        return read


def _is_device(text: bytes) -> bool:
    """Whether it is a device's number, or what stands where a text of another form does not tell it."""
    least, most = _DEVICE_DIGITS
    major, _, minor = text.partition(b":")
    return text == b"??:??" or all(least <= len(at) <= most and not at.translate(None, _HEX) for at in (major, minor))


class _Alike(NamedTuple):
    """The columns that are not addresses or counters, and the shape of all tables that have them."""

    columns: dict[str, Any]
    shape: TableShape


_ALIKE_MAX = 4096
"""Of a process with more mappings nothing is kept for others."""
_SORTS_MAX = 65_536
"""So many different lines are kept: they take about 20 MiB."""


class KnownMaps:
    """What the lines of processes that were read before said, and which of them are alike in all but addresses."""

    __slots__ = ("_name", "alike", "sorts")

    def __init__(self, name: str = "smaps") -> None:
        self._name = name
        self.sorts = _Sorts(name)
        self.alike: dict[tuple[tuple[int, ...], tuple[int, ...]], _Alike] = {}

    def columns_of(self, sorts: _Sorts, sort: Sequence[int], offset: list[int]) -> _Alike:
        """The columns by the numbers of lines in ``sorts``; one shape for all that are equal, but for large tables."""
        is_shared = sorts is self.sorts and len(sort) <= _ALIKE_MAX
        key = (tuple(sort), tuple(offset)) if is_shared else ((), ())
        found = self.alike.get(key) if is_shared else None
        if found is None:
            # a table numbers its own lines from 0 on
            number = {of: at for at, of in enumerate(dict.fromkeys(sort))}
            read = [sorts.read[of] for of in number]
            own = list(map(number.__getitem__, sort))
            columns = {**_columns(read, own), "offset": offset, "sort": own}
            found = _Alike(columns, TableShape(is_shared=is_shared))
            if is_shared:
                self.alike[key] = found
        if len(self.sorts) > _SORTS_MAX:
            self.sorts, self.alike = _Sorts(self._name), {}
        return found


def _columns(read: Sequence[_Sort], sort: Sequence[int]) -> dict[str, Any]:
    """The columns of what lines say beside their addresses and offsets."""
    return {field: list(map([line[at] for line in read].__getitem__, sort)) for at, field in enumerate(_Sort._fields)}


class MapsTable:
    """Columns that grow while a text is read: the fields of its maps lines, and the VmFlags below them in smaps.

    ``known`` is what was read of other processes.
    """

    def __init__(self, name: str, known: KnownMaps | None = None) -> None:
        self._name = name
        self._known = known
        self._alike: _Alike | None = None
        self._start: list[int] = []
        self._end: list[int] = []
        self._offset: list[int] = []
        self._sort: list[int] = []
        self._sorts = _Sorts(name) if known is None else known.sorts

    def __len__(self) -> int:
        return len(self._start)

    def extend(
        self,
        low: Sequence[bytes],
        high: Sequence[bytes],
        perms: Sequence[bytes],
        offsets: Sequence[bytes],
        objects: Sequence[bytes],
        flags: Sequence[bytes | None],
        line_of: Callable[[int], int],
    ) -> None:
        """Take over some lines, of which the first four columns have the form of :data:`LINE`.

        ``line_of`` gives the number of a row's line, for errors.

        Raises:
            MalformedFile: a range that is empty or backwards, another form; nothing was taken over then. It is the
                first line that is wrong.
        """
        start, end, offset = _numbers(low), _numbers(high), _numbers(offsets)
        count = len(start)
        right = count if all(map(lt, start, end)) else next(at for at in range(count) if start[at] >= end[at])
        try:
            sort = list(map(self._sorts.__getitem__, islice(zip(perms, objects, flags, strict=True), right)))
        except MalformedFile as error:
            error.line = line_of(objects.index(error.text))
            raise
        if right < count:
            raise MalformedFile(self._name, line_of(right), "range-backwards", low[right] + b"-" + high[right])
        self._start += start
        self._end += end
        self._offset += offset
        self._sort += sort

    def flags(self) -> list[str | None]:
        """The words of VmFlags of each mapping, None where there was no such line."""
        flags: list[str | None] = self._read().columns["flags"]
        return flags

    def _read(self) -> _Alike:
        """All that is there, once no more is taken over."""
        if self._alike is None and self._known is not None:
            self._alike = self._known.columns_of(self._sorts, self._sort, self._offset)
        elif self._alike is None:
            columns = {**_columns(self._sorts.read, self._sort), "offset": self._offset, "sort": self._sort}
            self._alike = _Alike(columns, TableShape())
        return self._alike

    def mappings(self, usage: Mapping[str, list[int | None]]) -> Mappings:
        """The whole table, with its counters."""
        alike = self._read()
        table = Mappings(start=self._start, end=self._end, **alike.columns, usage=usage)
        table.shape = alike.shape
        return table
