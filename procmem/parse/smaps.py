"""``/proc/<pid>/smaps``: a maps line, then a block of counters, for each VMA.

Two readers give the same table. The fast one builds a single pattern from the first record, in which
wanted counters are captured and the others are stepped over by their width, and lets the pattern
matcher run over the whole text. It is right only while all records have the same shape, so the rows it
finds must be as many as there are records; otherwise the tolerant one goes line by line. The tolerant
one knows no shape at all: keys, their order and their number vary by kernel, and even by VMA.

Source: proc_pid_smaps(5); fs/proc/task_mmu.c, __show_smap() and show_smap_vma_flags().
"""

import re
from collections.abc import Collection, Sequence

from procmem.errors import MalformedFile
from procmem.model.mapping import Mappings
from procmem.parse.maps import HEADER, check_whole, columns

__all__ = ["parse_rollup", "parse_smaps", "parse_smaps_by_line"]

_KIB = 1024
_COUNTER = re.compile(rb"([A-Za-z][A-Za-z0-9_()-]*): +([0-9]{1,20}) kB")
_FEW_RECORDS = 8


def parse_smaps(data: bytes, *, keys: Collection[str] | None = None, name: str = "smaps") -> Mappings:
    """Read the text of ``/proc/<pid>/smaps`` into columns of bytes.

    ``keys`` names the counters that are wanted (all, when None); ``VmFlags`` always comes along. ``Size`` is
    left out, since the addresses say it and the kernel's field overflows its width.

    Raises:
        MalformedFile: a line contradicts the documented form, or the text is cut off.
    """
    check_whole(data, name)
    records = data.count(b"\nSize:")
    if records >= _FEW_RECORDS:
        fast = _parse_fast(data, records, keys, name)
        if fast is not None:
            return fast
    return parse_smaps_by_line(data, keys=keys, name=name)


def _parse_fast(data: bytes, records: int, keys: Collection[str] | None, name: str) -> Mappings | None:
    """The pattern built from the first record, or None where it does not fit every record."""
    second = data.find(b"\n", data.find(b"\nVmFlags:") + 1) + 1
    first = data[:second].split(b"\n")[1:-1]
    if not first or not first[-1].startswith(b"VmFlags:"):
        return None
    pattern = [HEADER]
    captured = []
    width = 0
    for line in first[:-1]:
        counter = _COUNTER.fullmatch(line)
        key = counter[1].decode("ascii") if counter else ""
        if counter and key != "Size" and (keys is None or key in keys):
            if width:
                pattern.append(b"[^\\0]{%d}" % width)
            pattern.append(re.escape(counter[1]) + rb": +([0-9]{1,20}) kB\n")
            captured.append(key)
            width = 0
        else:
            width += len(line) + 1
    if width:
        pattern.append(b"[^\\0]{%d}" % width)
    pattern.append(rb"VmFlags: ?([^\n]*)\n")
    rows = re.findall(b"".join(pattern), data)
    if len(rows) != records:
        return None
    by_field = list(zip(*rows, strict=True))
    header = columns(by_field, name)
    usage = {key: _byte_column(by_field[7 + at], name) for at, key in enumerate(captured)}
    return Mappings(**header._asdict(), flags=_flag_column(by_field[-1]), usage=usage)


def _byte_column(texts: Sequence[bytes], name: str) -> list[int | None]:
    """Turn kB texts into bytes; most values of a column are the same few."""
    known = {text: int(text) * _KIB for text in set(texts)}
    if max(known.values()) >= 1 << 64:
        raise MalformedFile(name, 0, "a counter beyond 64 bits")
    return [known[text] for text in texts]


def _flag_column(texts: Sequence[bytes]) -> list[str | None]:
    known = {text: text.decode("ascii", "replace").strip() for text in set(texts)}
    return [known[text] for text in texts]


def parse_smaps_by_line(data: bytes, *, keys: Collection[str] | None = None, name: str = "smaps") -> Mappings:
    """The tolerant reader: any keys in any order, each record by itself. Same result as :func:`parse_smaps`."""
    check_whole(data, name)
    header_line = re.compile(HEADER)
    headers: list[Sequence[bytes]] = []
    flags: list[str | None] = []
    usage: dict[str, list[int | None]] = {}
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        if line[:1].isdigit() or b"a" <= line[:1] <= b"f":
            header = header_line.fullmatch(line + b"\n")
            if header is None:
                raise MalformedFile(name, number, "not 'start-end perms offset dev inode path'", line)
            headers.append(header.groups(default=b""))
            flags.append(None)
            continue
        if not headers:
            raise MalformedFile(name, number, "a counter before the first mapping", line)
        counter = _COUNTER.fullmatch(line)
        if counter is not None:
            key = counter[1].decode("ascii")
            if key == "Size" or (keys is not None and key not in keys):
                continue
            value = int(counter[2]) * _KIB
            if value >= 1 << 64:
                raise MalformedFile(name, number, "a counter beyond 64 bits", line)
            column = usage.setdefault(key, [])
            column.extend([None] * (len(headers) - 1 - len(column)))
            column.append(value)
        elif line.startswith(b"VmFlags:"):
            flags[-1] = line[8:].decode("ascii", "replace").strip()
        elif b":" not in line:
            raise MalformedFile(name, number, "neither a mapping nor 'Key: value'", line)
        elif (keys is None or line.split(b":", 1)[0].decode("ascii", "replace") in keys) and _is_known_counter(line):
            raise MalformedFile(name, number, "a counter that is not 'N kB'", line)
    for column in usage.values():
        column.extend([None] * (len(headers) - len(column)))
    _check_last_record(flags, usage, len(headers), name)
    return Mappings(**columns(list(zip(*headers, strict=True)), name)._asdict(), flags=flags, usage=usage)


_KNOWN_COUNTERS = (
    b"Rss:",
    b"Pss:",
    b"Swap:",
    b"SwapPss:",
    b"Private_Clean:",
    b"Private_Dirty:",
    b"Shared_Clean:",
)


def _is_known_counter(line: bytes) -> bool:
    return line.startswith(_KNOWN_COUNTERS)


def _check_last_record(flags: list[str | None], usage: dict[str, list[int | None]], count: int, name: str) -> None:
    """A text that ends within a record, at the end of a line, must not look complete."""
    if count > 1 and flags[-1] is None and all(text is not None for text in flags[:-1]):
        raise MalformedFile(name, 0, "the last record is cut off: it has no VmFlags, all others have")
    if count > 1 and all(column[-1] is None for column in usage.values()):
        if any(None not in column[:-1] for column in usage.values()):
            raise MalformedFile(name, 0, "the last record is cut off: it has no counters, all others have")


def parse_rollup(data: bytes, *, name: str = "smaps_rollup") -> dict[str, int]:
    """Read ``smaps_rollup`` (4.14+): key to bytes, without the header line's range.

    Raises:
        MalformedFile: no header line, or a line that is no counter.
    """
    check_whole(data, name)
    lines = data.split(b"\n")[:-1]
    if lines and not re.fullmatch(HEADER, lines[0] + b"\n"):
        raise MalformedFile(name, 1, "not a mapping line", lines[0])
    totals = {}
    for number, line in enumerate(lines[1:], start=2):
        counter = _COUNTER.fullmatch(line)
        if counter is None:
            raise MalformedFile(name, number, "not 'Key: N kB'", line)
        totals[counter[1].decode("ascii")] = int(counter[2]) * _KIB
    return totals
