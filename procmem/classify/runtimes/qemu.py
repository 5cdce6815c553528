"""Guest memory of qemu: ranges that together are what the command line asks for (-m).

The guest's memory is mapped as one block, which advice on huge pages and holes of single pages cut into pieces.
"""

from collections.abc import Iterator, Sequence

from procmem.classify.partition import Rank
from procmem.classify.runtimes.detect import Runtimes
from procmem.classify.runtimes.plain import is_plain
from procmem.model import kinds, owners
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.permissions import permissions
from procmem.model.region import Certainty, Claim, Label
from procmem.model.snapshot import Snapshot

__all__ = ["claims", "memory_asked"]

_DEFAULT = 128 << 20
_HOLE = 64 * 1024
_UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def claims(mappings: Mappings, runtimes: Runtimes, snapshot: Snapshot) -> Iterator[Claim]:
    """The run of writable memory, holes of few pages let through, that is just as large or a little larger."""
    del runtimes  # its name has led here
    wanted = memory_asked(snapshot.cmdline or ()) or _DEFAULT
    best: list[int] = []
    run: list[int] = []
    last = 0
    for row, (start, end, perms) in enumerate(zip(mappings.start, mappings.end, mappings.perms, strict=True)):
        if not is_plain(mappings, row):
            continue
        if not permissions(perms).read_write:
            continue
        run = [*run, row] if run and start - last <= _HOLE else [row]
        last = end
        if _size(mappings, run) >= wanted and (not best or _size(mappings, run) < _size(mappings, best)):
            best = run
    if not best or _size(mappings, best) > wanted + wanted // 8 + (16 << 20):
        return
    label = Label(
        kinds.GUEST_RAM, Certainty.LIKELY, note("qemu-memory", size=wanted), owners.Allocator(b"virtual machine")
    )
    for row in best:
        yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME, label)


def _size(mappings: Mappings, rows: Sequence[int]) -> int:
    return sum(mappings.end[row] - mappings.start[row] for row in rows)


def memory_asked(cmdline: Sequence[bytes]) -> int | None:
    """What -m asks for, in bytes (a number alone is MiB); None where nothing does."""
    for at, word in enumerate(cmdline[:-1]):
        if word in (b"-m", b"--memory"):
            text = cmdline[at + 1].decode("ascii", "replace").split(",")[0].removeprefix("size=").lower()
            digits, unit = (text[:-1], _UNITS[text[-1:]]) if text[-1:] in _UNITS else (text, 1 << 20)
            if digits.isdecimal() and len(digits) < 16:
                return int(digits) * unit
    return None
