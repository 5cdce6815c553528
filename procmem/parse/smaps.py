"""``/proc/<pid>/smaps``: a maps line, then a block of counters, for each VMA.

The text is taken apart in parts of many records. The fast way takes the shape of a part's first record (the same
lines, in the same order, of the same width) and works on all of its records at once. It is right only while all have
that shape, so no line may be left over, and nothing but digits may differ; otherwise the tolerant way goes line by
line. That one knows no shape at all: keys, their order and their number vary by kernel, and even by VMA.

Source: proc_pid_smaps(5); fs/proc/task_mmu.c, __show_smap() and show_smap_vma_flags().
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Mapping, Sequence

from procmem.errors import MalformedFile
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.proc_keys import SmapsKey
from procmem.parse.maps import HEADER, LINE, KnownMaps, MapsTable, are_lines, check_whole

__all__ = ["KnownSmaps", "SmapsReader", "end_of_records", "parse_rollup", "parse_smaps", "parse_smaps_by_line"]

_KIB = 1024
_TOO_LARGE = 1 << 64
_SIZE, _FLAGS, *_NO_SIZES = (
    b"%s:" % key.encode() for key in (SmapsKey.SIZE, SmapsKey.VM_FLAGS, SmapsKey.THP_ELIGIBLE, SmapsKey.PROTECTION_KEY)
)
_LAST_LINE = b"\n" + _FLAGS
_BEGIN_MAPS_LINES = b"0123456789abcdef"
"""Keys begin with a capital."""
_UNIT = b" kB"
_CAPITALS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTERS = b"abcdefghijklmnopqrstuvwxyz" + _CAPITALS
_DIGITS = b"0123456789"
_OF_KEYS = _LETTERS + _DIGITS + b"_()-"
_COUNTER_DIGITS_MAX = 20
_BLANKED = bytes.maketrans(_DIGITS, b" " * 10)
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
_FEW_BYTES = 1 << 18
"""In the first so many bytes records are found without ``re``: to load that takes as long as it gains with 3,000."""
_ENOUGH = 64
"""By so many records is seen which counters seldom differ."""
_PART_BYTES = 1 << 18
"""So much text is taken apart at a time, which takes about ten times as much memory. For larger parts the kernel is
asked for new pages each time, and the page faults take a fifth of the work."""


def end_of_records(data: bytes, start: int, stop: int) -> int:
    """Where the last record ends whose flags begin within a part of a text; 0 where none does.

    The flags come last, but only the next maps line says that nothing of the record follows them.
    """
    last = data.rfind(_LAST_LINE, start, stop)
    while last >= 0:
        end = data.find(b"\n", last + 1) + 1
        if end and data[end : end + 1] in _BEGIN_MAPS_LINES and end < len(data):
            return end
        last = data.rfind(_LAST_LINE, start, last)
    return 0


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
        self.shape: _Shape | None = None


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
        self._shape: _Shape | None = None if known is None or known.keys is not keys else known.shape

    def feed(self, piece: bytes) -> None:
        """Take the next piece; whole records are parsed at once."""
        data = self._rest + piece if self._rest else piece
        at = 0
        while not self._by_line and (end := end_of_records(data, at, at + _PART_BYTES)):
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
        second = data.find(b"\n", data.find(_LAST_LINE, at) + 1) + 1
        shape = _shape_of(data[at:second].split(b"\n")[1:-1], self._keys)
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
            if line and line[0] in _BEGIN_MAPS_LINES:
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
                if value >= _TOO_LARGE:
                    raise MalformedFile(name, number, "counter-too-large", line)
                column = usage.setdefault(key, [])
                if len(column) == len(headers):
                    raise MalformedFile(name, number, "counter-twice", line)
                column.extend([None] * (len(headers) - 1 - len(column)))
                column.append(value)
            elif line.startswith(_FLAGS):
                flags[-1] = line[len(_FLAGS) :]
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
        found = self[line] = _counter(line)
        return found


_COUNTERS_MAX = 65_536


def _counter(line: bytes) -> tuple[str, int] | None:
    """Key and bytes of a line ``Key: N kB``; None for another line."""
    key, _, value = line.partition(b": ")
    digits = value[: -len(_UNIT)].lstrip(b" ")
    if not value.endswith(_UNIT) or not 0 < len(digits) <= _COUNTER_DIGITS_MAX or digits.translate(None, _DIGITS):
        return None
    if not key or key[0] not in _LETTERS or key.translate(None, _OF_KEYS):
        return None
    return key.decode("ascii"), int(digits) * _KIB


class _Sizes(dict[bytes, int]):
    """Bytes by the digits of a counter in kB, each text read once: of many thousand counters few are different."""

    def __missing__(self, digits: bytes) -> int:
        size = int(digits) * _KIB
        if size >= _TOO_LARGE or digits[:1] != b" " or digits[-1:] != b" ":  # digits took the place of a blank
            raise ValueError(digits)
        self[digits] = size
        return size


class _Joined(dict[bytes, tuple[int, ...]]):
    """The same of counters that follow each other and seldom differ: all of them are one text, looked up once."""

    def __init__(self, places: Sequence[tuple[int, int]], sizes: _Sizes) -> None:
        super().__init__()
        self._places = places
        self._sizes = sizes

    def __missing__(self, text: bytes) -> tuple[int, ...]:
        found = self[text] = tuple([self._sizes[text[start:end]] for start, end in self._places])
        return found


class _Counter(NamedTuple):
    """Where a wanted counter stands in a block, from the blank behind its colon to the one before its unit."""

    key: str
    start: int
    end: int


class _SmapsColumns(NamedTuple):
    """Records of one shape, by columns: those of their maps lines, their counters as text, their flags."""

    low: Sequence[bytes]
    high: Sequence[bytes]
    perms: Sequence[bytes]
    offset: Sequence[bytes]
    objects: Sequence[bytes]
    bodies: Sequence[bytes]
    flags: Sequence[bytes]


class _Shape:
    """Records that have the same lines, in the same order and of the same width: only digits differ.

    ``template`` is a block of counters with its digits blanked, ``keys`` are those that are wanted.
    """

    def __init__(self, lines: Sequence[bytes], wanted: Sequence[_Counter]) -> None:
        body = b"".join(line + b"\n" for line in lines)
        self.lines = len(lines) + 3  # the maps line, Size and VmFlags
        self.keys = [counter.key for counter in wanted]
        self.template = body.translate(_BLANKED)
        self._parted = 0
        self._find: Callable[[bytes, int, int], list[tuple[bytes, ...]]] | None = None
        self._wanted = wanted
        self._templates = b""
        self._sizes = _Sizes()
        self._is_joined = False
        self._take_apart([[counter] for counter in wanted])

    def records(self, data: bytes, at: int, end: int) -> _SmapsColumns | None:
        """Part a text; None where any line of it belongs to no record of this shape."""
        self._parted += end - at
        return self._few(data[at:end]) if self._parted <= _FEW_BYTES else self._many(data, at, end)

    def _many(self, data: bytes, at: int, end: int) -> _SmapsColumns | None:
        if self._find is None:
            import re  # noqa: PLC0415  # not for few records

            # a line that belongs to no record is found as such: what is found has no gaps
            form = LINE + rb"%s.*\n((?s:.{%d}))%s(.*)\n|(.*\n)" % (_SIZE, len(self.template), _FLAGS)
            self._find = re.compile(form).findall
        *columns, strays = zip(*self._find(data, at, end), strict=True)
        return None if any(strays) else _SmapsColumns(*columns)

    def _few(self, data: bytes) -> _SmapsColumns | None:
        head, *rest = data.split(b"\n" + _SIZE)
        length = len(self.template)
        starts = [text.find(b"\n") + 1 for text in rest]
        bodies = [text[start : start + length] for text, start in zip(rest, starts, strict=True)]
        # behind a record's counters come its flags and the next one's maps line
        ends = [text[start + length :].split(b"\n") for text, start in zip(rest, starts, strict=True)]
        if not ends or not all(len(lines) == 2 and lines[0].startswith(_FLAGS) for lines in ends) or not all(starts):
            return None
        flags, following = zip(*ends, strict=True)
        heads = [line.split(b" ", 3) for line in (head, *following[:-1])]
        ranges = [fields[0].split(b"-") for fields in heads]
        if b"\n" in head or following[-1]:  # lines before the first record, or behind the last one
            return None
        if not all(len(fields) == 4 for fields in heads) or not all(len(both) == 2 for both in ranges):
            return None
        _, perms, offset, objects = zip(*heads, strict=True)
        low, high = zip(*ranges, strict=True)
        if not are_lines(low, high, perms, offset):
            return None
        return _SmapsColumns(low, high, perms, offset, objects, bodies, [line[len(_FLAGS) :] for line in flags])

    def columns(self, bodies: Sequence[bytes]) -> Sequence[Sequence[int]] | None:
        """The wanted counters in bytes; None where a block has another shape."""
        text = b"".join(bodies)
        if len(text) > len(self._templates):
            self._templates = self.template * len(bodies)
        if not self._templates.startswith(text.translate(_BLANKED)):
            return None
        if not self._is_joined and len(bodies) >= _ENOUGH:
            self._take_apart(self._groups(text))
            self._is_joined = True
        columns: list[Sequence[int]] = []
        try:
            for read, texts in zip(self._read, zip(*self._each(text), strict=True), strict=True):
                columns += _columns(read, texts)
        except ValueError:  # no number, as with a blank between digits, or one that is too large
            return None
        return columns

    def _take_apart(self, groups: Sequence[Sequence[_Counter]]) -> None:
        """Take the text of each group out of a block from now on."""
        form, at = "", 0
        self._read = []
        for group in groups:
            start, end = group[0].start, group[-1].end
            form += f"{start - at}x{end - start}s"
            at = end
            places = [(counter.start - start, counter.end - start) for counter in group]
            self._read.append(self._sizes if len(group) == 1 else _Joined(places, self._sizes))
        self._each = struct.Struct(f"{form}{len(self.template) - at}x").iter_unpack

    def _groups(self, text: bytes) -> list[list[_Counter]]:
        """The counters, those together that follow each other and are the same in all these blocks."""
        groups: list[list[_Counter]] = []
        was_same = False
        for counter, column in zip(self._wanted, zip(*self._each(text), strict=True), strict=True):
            same = len(set(column)) == 1
            if same and was_same and self.template.count(b"\n", groups[-1][-1].end, counter.start) == 1:
                groups[-1].append(counter)
            else:
                groups.append([counter])
            was_same = same
        return groups


def _columns(read: _Sizes | _Joined, texts: Sequence[bytes]) -> Sequence[Sequence[int]]:
    """The sizes of one counter in many blocks, or of several that are one text."""
    first = texts[0]
    found = read[first]
    if first == texts[-1] and texts.count(first) == len(texts):
        sizes = found if isinstance(found, tuple) else (found,)
        return [[size] * len(texts) for size in sizes]
    if isinstance(read, _Sizes):
        return [list(map(read.__getitem__, texts))]
    return list(zip(*map(read.__getitem__, texts), strict=True))


def _shape_of(lines: Sequence[bytes], keys: Collection[str] | None) -> _Shape | None:
    """The shape of a record by the lines below its maps line; None where only the tolerant reader can read it."""
    if len(lines) < 2 or not lines[0].startswith(_SIZE) or not lines[-1].startswith(_FLAGS):
        return None
    wanted: dict[str, _Counter] = {}
    at = 0
    for line in lines[1:-1]:
        key, colon, _ = line.partition(b":")
        word = key.decode("ascii", "replace")
        # a maps line among them belongs to another record; the same of a blank, which may be its digit elsewhere
        if not colon or line[0] not in _CAPITALS or line.startswith((_SIZE, _FLAGS)):
            return None
        if key + colon in _NO_SIZES and line.endswith(_UNIT):
            return None
        if key + colon not in _NO_SIZES and (keys is None or word in keys):
            if word in wanted or _counter(line) is None or key.translate(_BLANKED) != key:
                return None
            wanted[word] = _Counter(word, at + len(key) + 1, at + len(line) - len(_UNIT) + 1)
        at += len(line) + 1
    return _Shape(lines[1:-1], list(wanted.values())) if wanted else None


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
        counter = _counter(line)
        if counter is None:
            raise MalformedFile(name, number, "not-key-size", line)
        key, size = counter
        totals[key] = size
    return totals
