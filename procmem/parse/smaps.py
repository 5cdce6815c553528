"""``/proc/<pid>/smaps``: a maps line, then a block of counters, for each VMA.

The text is taken apart in parts of many records. The fast way takes the shape of a part's first record (the same
lines, in the same order, of the same width) and works on all of its records at once. It is right only while all have
that shape, so no line may be left over, and nothing but digits may differ; otherwise the tolerant way goes line by
line. That one knows no shape at all: keys, their order and their number vary by kernel, and even by VMA.

Source: proc_pid_smaps(5); fs/proc/task_mmu.c, __show_smap() and show_smap_vma_flags().
"""

from __future__ import annotations

from procmem.errors import MalformedFile
from procmem.model.mapping import Mappings
from procmem.model.proc_keys import SmapsKey
from procmem.parse.maps import HEADER, LINE, PART_BYTES, KnownMaps, MapsTable, check_whole
from procmem.parse.smaps_shape import BEGIN_MAPS_LINES, FLAGS, TOO_LARGE, Shape, end_of_records, read_counter, shape_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = ["KnownSmaps", "SmapsReader", "parse_rollup", "parse_smaps", "parse_smaps_by_line"]

_KNOWN_COUNTERS = tuple(
    b"%s:" % key.encode()
    for key in (
        SmapsKey.RSS,
        SmapsKey.PSS,
        SmapsKey.SWAP,
        SmapsKey.SWAP_PSS,
        SmapsKey.PRIVATE_CLEAN,
        SmapsKey.PRIVATE_DIRTY,
        SmapsKey.SHARED_CLEAN,
    )
)
_SHORT_BYTES = 4096
"""A text of few records is not worth a pattern of its own."""


def parse_smaps(data: bytes, *, keys: Collection[str] | None = None, name: str = "smaps") -> Mappings:
    """Read the text of ``/proc/<pid>/smaps`` into columns of bytes.

    ``keys`` names the counters that are wanted (all, when None); ``VmFlags`` always comes along. ``Size`` is
    left out, since the addresses say it and the kernel's field overflows its width.

    Raises:
        MalformedFile: a line contradicts the documented form, or the text is cut off.
    """
    reader = SmapsReader(keys=keys, name=name)
    reader.feed(data)
    return reader.close()


def parse_smaps_by_line(data: bytes, *, keys: Collection[str] | None = None, name: str = "smaps") -> Mappings:
    """The same by the tolerant way alone, which is slower."""
    reader = SmapsReader(keys=keys, name=name, by_line=True)
    reader.feed(data)
    return reader.close()


class KnownSmaps(KnownMaps):
    """The same of smaps: besides, the shape that records had last, and which counters were wanted of them."""

    __slots__ = ("keys", "shape")

    def __init__(self) -> None:
        super().__init__()
        self.keys: Collection[str] | None = None
        self.shape: Shape | None = None


class SmapsReader:
    """Reads smaps piece by piece, while the kernel still writes the rest; pieces may end anywhere.

    A large smaps takes the kernel longer to write than us to read, so both go on at the same time.
    """

    def __init__(
        self,
        *,
        keys: Collection[str] | None = None,
        name: str = "smaps",
        by_line: bool = False,
        known: KnownSmaps | None = None,
    ) -> None:
        self._keys = keys
        self._name = name
        self._by_line = by_line
        self._rest = b""
        self._lines = 0
        self._table = MapsTable(name, known)
        self._usage: dict[str, list[int | None]] = {}
        self._known = known
        self._shape: Shape | None = None if known is None or known.keys is not keys else known.shape

    def feed(self, piece: bytes) -> None:
        """Take the next piece; whole records are parsed at once."""
        data = self._rest + piece if self._rest else piece
        at = 0
        while not self._by_line and (end := end_of_records(data, at, at + PART_BYTES)):
            self._take(data, at, end)
            at = end
        self._rest = data[at:]

    def close(self) -> Mappings:
        """Parse what is left and give the whole table.

        Raises:
            MalformedFile: as :func:`parse_smaps`.
        """
        rest = self._rest
        whole = rest.rfind(b"\n") + 1
        if whole:
            self._take(rest, 0, whole)
        check_whole(rest[whole:], self._name, before=self._lines)
        self._check_last_record()
        return self._table.mappings(self._usage)

    def _take(self, data: bytes, at: int, end: int) -> None:
        """Take over the records of a part of a text."""
        if self._by_line or not self._take_fast(data, at, end):
            part = data[at:end]
            self._take_by_line(part)
            self._lines += part.count(b"\n")

    def _take_fast(self, data: bytes, at: int, end: int) -> bool:
        """Take over many records of one shape; False, and nothing was done, where any line is left over."""
        if self._shape is None and end - at < _SHORT_BYTES:
            return False
        return self._take_in_shape(data, at, end) or (
            self._take_new_shape(data, at) and self._take_in_shape(data, at, end)
        )

    def _take_new_shape(self, data: bytes, at: int) -> bool:
        shape = shape_at(data, at, self._keys)
        changed = shape is not None and (self._shape is None or shape.template != self._shape.template)
        self._shape = shape if changed else self._shape
        if self._known is not None:
            self._known.keys, self._known.shape = self._keys, self._shape
        return changed

    def _take_in_shape(self, data: bytes, at: int, end: int) -> bool:
        shape = self._shape
        if shape is None:
            return False
        records = shape.records(data, at, end)
        columns = None if records is None else shape.columns(records.bodies)
        if records is None or columns is None:
            return False
        first = self._lines + 1
        count = len(records.low)
        self._table.extend(*records[:5], records.flags, lambda row: first + row * shape.lines)
        self._extend_usage(dict(zip(shape.keys, columns, strict=True)), count)
        self._lines += count * shape.lines
        return True

    def _extend_usage(self, columns: Mapping[str, Sequence[int | None]], count: int) -> None:
        before = len(self._table) - count
        usage = self._usage
        for key, column in columns.items():
            if key not in usage:
                usage[key] = [None] * before
            usage[key] += column
        if len(usage) > len(columns):
            for key in usage.keys() - columns.keys():
                usage[key] += [None] * count

    def _take_by_line(self, data: bytes) -> None:
        """The tolerant way: any keys in any order, each once, each record by itself."""
        headers: list[tuple[bytes, ...]] = []
        numbers: list[int] = []
        flags: list[bytes | None] = []
        usage: dict[str, list[int | None]] = {}
        try:
            self._sort_lines(data, headers, numbers, flags, usage)
        finally:  # also before the error of a line: what is wrong above it is told first
            if headers:
                low, high, perms, offset, objects = zip(*headers, strict=True)
                self._table.extend(low, high, perms, offset, objects, flags, numbers.__getitem__)
        for column in usage.values():
            column.extend([None] * (len(headers) - len(column)))
        self._extend_usage(usage, len(headers))

    def _sort_lines(
        self,
        data: bytes,
        headers: list[tuple[bytes, ...]],
        numbers: list[int],
        flags: list[bytes | None],
        usage: dict[str, list[int | None]],
    ) -> None:
        """Put each line where it belongs: maps lines with their numbers, the words of flags, counters by key."""
        import re  # noqa: PLC0415  # few texts come here, and re remembers what it has compiled

        first, name, keys = self._lines + 1, self._name, self._keys
        header, counters = re.compile(LINE).fullmatch, _Counters()
        for number, line in enumerate(data.split(b"\n")[:-1], start=first):
            if line and line[0] in BEGIN_MAPS_LINES:
                found = header(line + b"\n")
                if found is None:
                    raise MalformedFile(name, number, "not-a-mapping", line)
                headers.append(found.groups())
                numbers.append(number)
                flags.append(None)
                continue
            if not headers:
                raise MalformedFile(name, number, "counter-before-mapping", line)
            counter = counters[line]
            if counter is not None:
                key, value = counter
                if key == SmapsKey.SIZE or (keys is not None and key not in keys):
                    continue
                if value >= TOO_LARGE:
                    raise MalformedFile(name, number, "counter-too-large", line)
                column = usage.setdefault(key, [])
                if len(column) == len(headers):
                    raise MalformedFile(name, number, "counter-twice", line)
                column.extend([None] * (len(headers) - 1 - len(column)))
                column.append(value)
            elif line.startswith(FLAGS):
                flags[-1] = line[len(FLAGS) :]
            elif b":" not in line:
                raise MalformedFile(name, number, "not-smaps", line)
            elif line.startswith(_KNOWN_COUNTERS) and (keys is None or line.partition(b":")[0].decode("ascii") in keys):
                raise MalformedFile(name, number, "not-a-counter", line)

    def _check_last_record(self) -> None:
        """A text that ends within a record, at the end of a line, must not look complete.

        Whole records end in VmFlags, or on kernels before 3.8 all lack it.
        """
        flags = self._table.flags()
        if len(flags) < 2:
            return
        if flags[-1] is None and None not in flags[:-1]:
            raise MalformedFile(self._name, 0, "record-without-flags")
        last, before = ([column[at] for column in self._usage.values()] for at in (-1, -2))
        if all(value is None for value in last) and not all(value is None for value in before):
            raise MalformedFile(self._name, 0, "record-without-counters")


class _Counters(dict[bytes, tuple[str, int] | None]):
    """Key and bytes of a line ``Key: N kB``, None for another line; most lines of a text come again and again."""

    def __missing__(self, line: bytes) -> tuple[str, int] | None:
        if len(self) >= _COUNTERS_MAX:
            self.clear()
        found = self[line] = read_counter(line)
        return found


_COUNTERS_MAX = 65_536


def parse_rollup(data: bytes, *, name: str = "smaps_rollup") -> dict[str, int]:
    """Read ``smaps_rollup`` (4.14+): key to bytes, without the header line's range.

    Raises:
        MalformedFile: no header line, or a line that is no counter.
    """
    check_whole(data, name)
    import re  # noqa: PLC0415  # only for this file

    lines = data.split(b"\n")[:-1]
    if lines and not re.fullmatch(HEADER, lines[0]):
        raise MalformedFile(name, 1, "no-mapping-line", lines[0])
    totals = {}
    for number, line in enumerate(lines[1:], start=2):
        counter = read_counter(line)
        if counter is None:
            raise MalformedFile(name, number, "not-key-size", line)
        key, size = counter
        totals[key] = size
    return totals
