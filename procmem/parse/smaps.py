"""``/proc/<pid>/smaps``: a maps line, then a block of counters, for each VMA.

Two readers give the same table. The fast one takes the shape of the first record (the same
lines, in the same order, of the same width) and lets one pattern run over the whole text. It is right only
while all records have that shape, so no line may be left over, and every key must stand where it stood; otherwise
the tolerant one goes line by line. The tolerant one knows no shape at all: keys, their order and their number vary
by kernel, and even by VMA.

Source: proc_pid_smaps(5); fs/proc/task_mmu.c, __show_smap() and show_smap_vma_flags().
"""

import re
from collections.abc import Collection, Sequence

from procmem.errors import MalformedFile
from procmem.model.mapping import Mappings, joined
from procmem.model.proc_keys import SmapsKey
from procmem.parse.maps import HEADER, check_whole, columns

__all__ = ["SmapsReader", "parse_rollup", "parse_smaps", "parse_smaps_by_line"]

_KIB = 1024
_SIZE, _FLAGS, *_NO_SIZES = (
    b"%s:" % key.encode() for key in (SmapsKey.SIZE, SmapsKey.VM_FLAGS, SmapsKey.THP_ELIGIBLE, SmapsKey.PROTECTION_KEY)
)
_COUNTER = rb"([A-Za-z][A-Za-z0-9_()-]*): +([0-9]{1,20}) kB"
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


class SmapsReader:
    """Reads smaps piece by piece, while the kernel still writes the rest; pieces may end anywhere.

    A large smaps takes the kernel longer to write than us to read, so both go on at the same time.
    """

    def __init__(self, *, keys: Collection[str] | None = None, name: str = "smaps") -> None:
        self._keys = keys
        self._name = name
        self._rest = b""
        self._parts: list[Mappings] = []

    def feed(self, piece: bytes) -> None:
        """Take the next piece; whole records are parsed at once."""
        data = self._rest + piece
        last = data.rfind(b"\n" + _FLAGS)
        cut = data.find(b"\n", last + 1) + 1 if last >= 0 else 0
        self._rest = data[cut:]
        if cut:
            self._parts.append(_parse_part(data[:cut], self._keys, self._name))

    def close(self) -> Mappings:
        """Parse what is left and give the whole table.

        Raises:
            MalformedFile: as :func:`parse_smaps`.
        """
        if self._rest:
            rest = _parse_part(self._rest, self._keys, self._name)
            _check_last_record(self._parts, rest, self._name)
            self._parts.append(rest)
        return self._parts[0] if len(self._parts) == 1 else joined(self._parts)


def _parse_part(data: bytes, keys: Collection[str] | None, name: str) -> Mappings:
    check_whole(data, name)
    if len(data) >= _SHORT_BYTES:
        fast = _parse_fast(data, keys, name)
        if fast is not None:
            return fast
    return parse_smaps_by_line(data, keys=keys, name=name)


def _parse_fast(data: bytes, keys: Collection[str] | None, name: str) -> Mappings | None:
    """The pattern built from the first record, or None where it leaves any line over.

    What follows the addresses, and the block of counters, are alike for many mappings: each different text is
    taken apart once.
    """
    second = data.find(b"\n", data.find(b"\n" + _FLAGS) + 1) + 1
    first = data[:second].split(b"\n")[1:-1]
    if len(first) < 2 or not first[0].startswith(_SIZE) or not first[-1].startswith(_FLAGS):
        return None
    width = sum(len(line) + 1 for line in first[1:-1])
    fields = _fields(first[1:-1])
    # a line that belongs to no record is found as such: what is found has no gaps
    header = rb"([0-9a-f]{1,16})-([0-9a-f]{1,16}) (.*)\n"
    pattern = header + rb"%s.*\n((?s:.{%d}))%s(.*)\n|(.*\n)" % (_SIZE, width, _FLAGS)
    rows = re.findall(pattern, data)
    start, end, tails, bodies, flags, strays = zip(*rows, strict=True)
    if any(strays):
        return None
    usage = _usage(bodies, fields, keys, name)
    if usage is None:
        return None
    return Mappings(**columns(start, end, tails, flags, name)._asdict(), usage=usage)


def _fields(lines: Sequence[bytes]) -> list[tuple[bytes, int, int]]:
    """Where each line of a block of counters begins and ends, and its key."""
    fields = []
    at = 0
    for line in lines:
        fields.append((line[: line.find(b":") + 1], at, at + len(line)))
        at += len(line) + 1
    return fields


def _usage(
    bodies: Sequence[bytes], fields: Sequence[tuple[bytes, int, int]], keys: Collection[str] | None, name: str
) -> dict[str, list[int | None]] | None:
    """The wanted counters as columns; None where a block has not the shape of the first one."""
    number = {body: at for at, body in enumerate(dict.fromkeys(bodies))}
    numbers = list(map(number.__getitem__, bodies))
    usage: dict[str, list[int | None]] = {}
    for key, start, end in fields:
        lines = [body[start:end] for body in number]
        if (
            not key
            or not all(line.startswith(key) for line in lines)
            or any(body[end : end + 1] != b"\n" for body in number)
        ):
            return None
        word = key[:-1].decode("ascii", "replace")
        if key in _NO_SIZES or (keys is not None and word not in keys):
            continue
        if word in usage or not all(line.endswith(b" kB") for line in lines):
            return None
        digits = [line[len(key) : -3].strip() for line in lines]
        if not all(text.isdigit() and len(text) <= 20 for text in digits):
            return None
        values: list[int | None] = [int(text) * _KIB for text in digits]
        if max(filter(None, values), default=0) >= 1 << 64:
            raise MalformedFile(name, 0, "counter-too-large")
        usage[word] = list(map(values.__getitem__, numbers))
    return usage


def parse_smaps_by_line(data: bytes, *, keys: Collection[str] | None = None, name: str = "smaps") -> Mappings:
    """The tolerant reader: any keys in any order, each once, each record by itself.

    Same result as :func:`parse_smaps`.
    """
    check_whole(data, name)
    header_line = re.compile(HEADER)
    headers: list[tuple[bytes, bytes, bytes]] = []
    flags: list[bytes | None] = []
    usage: dict[str, list[int | None]] = {}
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        if line[:1].isdigit() or b"a" <= line[:1] <= b"f":
            if header_line.fullmatch(line) is None:
                raise MalformedFile(name, number, "not-a-mapping", line)
            span, _, tail = line.partition(b" ")
            low, _, high = span.partition(b"-")
            headers.append((low, high, tail))
            flags.append(None)
            continue
        if not headers:
            raise MalformedFile(name, number, "counter-before-mapping", line)
        counter = re.fullmatch(_COUNTER, line)
        if counter is not None:
            key = counter[1].decode("ascii")
            if key == SmapsKey.SIZE or (keys is not None and key not in keys):
                continue
            value = int(counter[2]) * _KIB
            if value >= 1 << 64:
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
        elif (keys is None or line.split(b":", 1)[0].decode("ascii", "replace") in keys) and _is_known_counter(line):
            raise MalformedFile(name, number, "not-a-counter", line)
    for column in usage.values():
        column.extend([None] * (len(headers) - len(column)))
    starts, ends, tails = ([header[at] for header in headers] for at in range(3))
    return Mappings(**columns(starts, ends, tails, flags, name)._asdict(), usage=usage)


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


def _is_known_counter(line: bytes) -> bool:
    return line.startswith(_KNOWN_COUNTERS)


def _check_last_record(before: Sequence[Mappings], rest: Mappings, name: str) -> None:
    """A text that ends within a record, at the end of a line, must not look complete.

    Whole records end in VmFlags, or on kernels before 3.8 all lack it.
    """
    if not len(rest):
        return
    earlier = [flags for part in before for flags in part.flags[-1:]] + rest.flags[:-1]
    if earlier and None not in earlier and rest.flags[-1] is None:
        raise MalformedFile(name, 0, "record-without-flags")
    shapes = [tuple(column[at] is None for column in rest.usage.values()) for at in range(len(rest))]
    if len(shapes) > 1 and all(shapes[-1]) and not all(shapes[-2]):
        raise MalformedFile(name, 0, "record-without-counters")


def parse_rollup(data: bytes, *, name: str = "smaps_rollup") -> dict[str, int]:
    """Read ``smaps_rollup`` (4.14+): key to bytes, without the header line's range.

    Raises:
        MalformedFile: no header line, or a line that is no counter.
    """
    check_whole(data, name)
    lines = data.split(b"\n")[:-1]
    if lines and not re.fullmatch(HEADER, lines[0]):
        raise MalformedFile(name, 1, "no-mapping-line", lines[0])
    totals = {}
    for number, line in enumerate(lines[1:], start=2):
        counter = re.fullmatch(_COUNTER, line)
        if counter is None:
            raise MalformedFile(name, number, "not-key-size", line)
        totals[counter[1].decode("ascii")] = int(counter[2]) * _KIB
    return totals
