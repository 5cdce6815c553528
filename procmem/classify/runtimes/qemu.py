"""Guest memory of qemu: ranges that together are what the command line asks for (-m).

The guest's memory is mapped as one block, which advice on huge pages and holes of single pages cut into pieces.
"""

from collections.abc import Iterator, Sequence

from procmem.classify.partition import Rank
from procmem.classify.runtimes.detect import Runtimes
from procmem.classify.runtimes.plain import is_plain, room_behind
from procmem.model import kinds, owners
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.permissions import permissions
from procmem.model.region import Certainty, Claim, Label
from procmem.model.sizes import size_of_text
from procmem.model.snapshot import Snapshot

__all__ = ["claims", "memory_asked"]

_DEFAULT = 128 << 20
_HOLE = 1 << 16
_ALIGNED = 2 << 20
_GUARD = 1 << 16


def claims(mappings: Mappings, runtimes: Runtimes, snapshot: Snapshot) -> Iterator[Claim]:
    """The run of writable memory, holes of few pages let through, that is just as large or a little larger."""
    del runtimes  # its name has led here
    yield from _of_devices(mappings)
    wanted = memory_asked(snapshot.cmdline or ()) or _DEFAULT
    best: list[int] = []
    best_size = size = last = 0
    run: list[int] = []
    for row, (start, end, perms) in enumerate(zip(mappings.start, mappings.end, mappings.perms, strict=True)):
        if not is_plain(mappings, row) or not permissions(perms).read_write:
            continue
        if not run or start - last > _HOLE:
            run, size = [], 0
        run.append(row)
        size += end - start
        last = end
        if size >= wanted and (size - (end - start) < wanted) and (not best or size < best_size):
            best, best_size = run[:], size
    if not best or best_size > wanted + wanted // 8 + (16 << 20):
        return
    label = Label(
        kinds.GUEST_RAM, Certainty.LIKELY, note("qemu-memory", size=wanted), owners.Allocator(b"virtual machine")
    )
    for row in best:
        yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME, label)


def _of_devices(mappings: Mappings) -> Iterator[Claim]:
    """Video memory, ROMs and tables: each aligned to huge pages, with one guard page behind; and translated code.

    Source: qemu util/mmap-alloc.c, qemu_ram_mmap(); tcg/region.c, tcg_region_init().
    """
    device = Label(kinds.GUEST_RAM, Certainty.GUESS, note("qemu-device-memory"), owners.Allocator(b"virtual machine"))
    code = Label(kinds.JIT, Certainty.LIKELY, note("qemu-translated"), owners.Allocator(b"virtual machine"))
    for row in range(len(mappings)):
        allowed = permissions(mappings.perms[row])
        if not is_plain(mappings, row) or not allowed.writable:
            continue
        if allowed.executable:
            yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME, code)
        elif mappings.start[row] % _ALIGNED == 0 and 0 < room_behind(mappings, row) <= _GUARD:
            yield Claim(mappings.start[row], mappings.end[row], Rank.ALLOCATOR, device)


def memory_asked(cmdline: Sequence[bytes]) -> int | None:
    """What -m asks for, in bytes (a number alone is MiB); None where nothing does."""
    for at, word in enumerate(cmdline[:-1]):
        if word in (b"-m", b"--memory"):
            text = cmdline[at + 1].decode("ascii", "replace").split(",")[0].removeprefix("size=").lower()
            return size_of_text(f"{text}M" if text.isdecimal() else text)
    return None
