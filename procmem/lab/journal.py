"""What the laboratory is about to change of the machine, written down first: a run that was killed can be undone.

Here belongs the journal's form and how it is read and written; what undoes an entry belongs to ``undo``. The journal
is a file of JSON lines: one that begins a change (kind, values, the boot it was made in), one that says that the change
was made as meant, one that ends it. Each is on the disk before what it announces is done. Whatever the file holds is
read within bounds, and a line that makes no sense is passed over and counted.
"""

import contextlib
import json
import os
from collections.abc import Iterator

from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.lab import Skipped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Entry", "Journal", "boot", "current", "using"]

_MOST_BYTES = 1 << 18
_MOST_TEXT = 4096
_MOST_NUMBER = 1 << 62


class Entry(NamedTuple):
    """A change that was begun and not ended; ``made`` says that it was made as meant, ``boot`` since which boot."""

    number: int
    kind: str
    values: "dict[str, Any]"
    boot: str
    made: bool = False


def boot() -> str:
    """The identity of this run of the kernel (random(4))."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


class Journal:
    """The journal in an open file, which somebody else closes."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        entries, self.unreadable, self.too_large = _read(fd)
        self._open = {entry.number: entry for entry in entries}
        self._next = max(self._open, default=0) + 1

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What was begun and not ended, the latest first: as it is to be undone."""
        return tuple(self._open[number] for number in sorted(self._open, reverse=True))

    def begin(self, kind: str, **values: "str | int") -> Entry:
        """Write down what is about to be changed.

        Raises:
            Skipped: it cannot be written, so the change must not be made.
        """
        entry = Entry(self._next, kind, values, boot())
        self._next += 1
        self._write({"begin": entry.number, "kind": kind, "boot": entry.boot, "values": values})
        self._open[entry.number] = entry
        return entry

    def made(self, entry: Entry) -> None:
        """Write down that a change was made to its end.

        Raises:
            Skipped: it cannot be written.
        """
        self._open[entry.number] = entry._replace(made=True)
        self._write({"made": entry.number})

    def end(self, entry: Entry) -> None:
        """Write down that a change is undone; where nothing is left the file is emptied.

        A disk that is full is no reason to keep anything changed: what was undone will be found so again.
        """
        self._open.pop(entry.number, None)
        with contextlib.suppress(Skipped, OSError):
            if self._open:
                self._write({"end": entry.number})
            else:
                self.clear()

    def clear(self) -> None:
        """Empty the file."""
        self.unreadable, self.too_large = 0, False
        os.ftruncate(self._fd, 0)
        os.fsync(self._fd)

    def keep_only_open(self) -> None:
        """Write anew what is left open, without what could not be read."""
        self.clear()
        for entry in reversed(self.entries):
            self._write({"begin": entry.number, "kind": entry.kind, "boot": entry.boot, "values": entry.values})
            if entry.made:
                self._write({"made": entry.number})

    def _write(self, line: "dict[str, Any]") -> None:
        # a line feed first: the line before may have been cut off
        text = b"\n" + json.dumps(line).encode("ascii") + b"\n"
        try:
            written = os.pwrite(self._fd, text, os.fstat(self._fd).st_size)
            os.fsync(self._fd)
        except OSError as error:
            raise Skipped("no-journal", reason=error.strerror) from error
        if written != len(text):
            raise Skipped("no-journal", reason="")


def _read(fd: int) -> "tuple[list[Entry], int, bool]":
    """What is begun and not ended, how many lines make no sense, and whether the file is larger than any of ours."""
    size = os.fstat(fd).st_size
    data = os.pread(fd, _MOST_BYTES, 0)
    found: dict[int, Entry] = {}
    unreadable = 0
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        if not _understood(line, found):
            unreadable += 1
    return list(found.values()), unreadable, size > _MOST_BYTES


def _understood(line: bytes, found: dict[int, Entry]) -> bool:
    """Take in one line; whether it has the form of ours."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return False
    match told:
        case {"begin": int(number), "kind": str(kind), "boot": str(since), "values": dict(values)}:
            if not _is_number(number) or not all(map(_is_plain, values.values())):
                return False
            found[number] = Entry(number, kind[:_MOST_TEXT], values, since)
            return True
        case {"made": int(number)}:
            if number in found:
                found[number] = found[number]._replace(made=True)
            return True
        case {"end": int(number)}:
            found.pop(number, None)
            return True
    return False


def _is_plain(value: object) -> bool:
    return _is_number(value) or (isinstance(value, str) and len(value) <= _MOST_TEXT and "\0" not in value)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_NUMBER


class _Held:
    """The journal of the lock that this process holds."""

    journal: Journal | None = None


def current() -> Journal | None:
    """The journal, where this process holds the lock of the machine."""
    return _Held.journal


@contextlib.contextmanager
def using(journal: Journal) -> Iterator[None]:
    """Have changes written down in this journal."""
    assert _Held.journal is None
    _Held.journal = journal
    try:
        yield
    finally:
        _Held.journal = None
