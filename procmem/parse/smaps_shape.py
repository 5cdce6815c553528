"""The lines of a record of smaps, and records that all have the same ones: these are taken apart many at once.

Here belongs what a line says, where a record ends, and the shape that records have in common; which records have it,
and what else may stand in a text, is for the reader in :mod:`procmem.parse.smaps`.
"""

from __future__ import annotations

import struct

from procmem.model.named_tuple import NamedTuple
from procmem.model.proc_keys import SmapsKey
from procmem.parse.maps import LINE, are_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

__all__ = ["BEGIN_MAPS_LINES", "FLAGS", "TOO_LARGE", "Shape", "end_of_records", "read_counter", "shape_at"]

_KIB = 1024
TOO_LARGE = 1 << 64
_SIZE, FLAGS, *_NO_SIZES = (
    b"%s:" % key.encode() for key in (SmapsKey.SIZE, SmapsKey.VM_FLAGS, SmapsKey.THP_ELIGIBLE, SmapsKey.PROTECTION_KEY)
)
_LAST_LINE = b"\n" + FLAGS
BEGIN_MAPS_LINES = b"0123456789abcdef"
"""Keys begin with a capital."""
_UNIT = b" kB"
_CAPITALS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTERS = b"abcdefghijklmnopqrstuvwxyz" + _CAPITALS
_DIGITS = b"0123456789"
_OF_KEYS = _LETTERS + _DIGITS + b"_()-"
_COUNTER_DIGITS_MAX = 20
_BLANKED = bytes.maketrans(_DIGITS, b" " * 10)
_FEW_BYTES = 1 << 18
"""In the first so many bytes records are found without ``re``: to load that takes as long as it gains with 3,000."""
_ENOUGH = 64
"""By so many records is seen which counters seldom differ."""


def end_of_records(data: bytes, start: int, stop: int) -> int:
    """Where the last record ends whose flags begin within a part of a text; 0 where none does.

    The flags come last, but only the next maps line says that nothing of the record follows them.
    """
    last = data.rfind(_LAST_LINE, start, stop)
    while last >= 0:
        end = data.find(b"\n", last + 1) + 1
        if end and data[end : end + 1] in BEGIN_MAPS_LINES and end < len(data):
            return end
        last = data.rfind(_LAST_LINE, start, last)
    return 0


def read_counter(line: bytes) -> tuple[str, int] | None:
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
        if size >= TOO_LARGE or digits[:1] != b" " or digits[-1:] != b" ":  # digits took the place of a blank
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


class Shape:
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
            form = LINE + rb"%s.*\n((?s:.{%d}))%s(.*)\n|(.*\n)" % (_SIZE, len(self.template), FLAGS)
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
        if not ends or not all(len(lines) == 2 and lines[0].startswith(FLAGS) for lines in ends) or not all(starts):
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
        return _SmapsColumns(low, high, perms, offset, objects, bodies, [line[len(FLAGS) :] for line in flags])

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


def shape_at(data: bytes, at: int, keys: Collection[str] | None) -> Shape | None:
    """The shape of the record that begins at a place; None where only the tolerant reader can read it.

    ``keys`` are the counters that are wanted, all where it is None.
    """
    end = data.find(b"\n", data.find(_LAST_LINE, at) + 1) + 1
    return _shape_of(data[at:end].split(b"\n")[1:-1], keys)


def _shape_of(lines: Sequence[bytes], keys: Collection[str] | None) -> Shape | None:
    """The shape of a record by the lines below its maps line; None where only the tolerant reader can read it."""
    if len(lines) < 2 or not lines[0].startswith(_SIZE) or not lines[-1].startswith(FLAGS):
        return None
    wanted: dict[str, _Counter] = {}
    at = 0
    for line in lines[1:-1]:
        key, colon, _ = line.partition(b":")
        word = key.decode("ascii", "replace")
        # a maps line among them belongs to another record; the same of a blank, which may be its digit elsewhere
        if not colon or line[0] not in _CAPITALS or line.startswith((_SIZE, FLAGS)):
            return None
        if key + colon in _NO_SIZES and line.endswith(_UNIT):
            return None
        if key + colon not in _NO_SIZES and (keys is None or word in keys):
            if word in wanted or read_counter(line) is None or key.translate(_BLANKED) != key:
                return None
            wanted[word] = _Counter(word, at + len(key) + 1, at + len(line) - len(_UNIT) + 1)
        at += len(line) + 1
    return Shape(lines[1:-1], list(wanted.values())) if wanted else None
