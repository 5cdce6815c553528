"""Memory of V8: pages at random low addresses, one large range of code, and the memories of WebAssembly.

Source: V8 src/base/platform, src/heap, src/objects/backing-store.cc (8 GiB or more around each memory, so that no
32-bit index can leave it); madvise(MADV_DONTFORK) marks all that its platform maps (VmFlags dc).
"""

from collections.abc import Iterator

from procmem.classify.partition import Rank
from procmem.classify.runtimes.detect import Runtimes
from procmem.classify.runtimes.plain import is_plain, label_of_part, reservations
from procmem.model import kinds, owners
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.permissions import permissions
from procmem.model.region import Claim, Label
from procmem.model.snapshot import Snapshot
from procmem.model.vm_flags import MemoryFlag

__all__ = ["claims"]

_V8_PAGE = 1 << 18
_LOW_END = 1 << 46
_MEMORY_MIN = 4 << 30
_CAGE_MIN = 1 << 30
_MEMORIES_MAX = 2
"""Pieces of writable memory in one reservation; more of them are pages of a cage for objects."""


def claims(mappings: Mappings, runtimes: Runtimes, _snapshot: Snapshot) -> Iterator[Claim]:
    """Pages are random addresses below 2**46, aligned to 256 KiB; code lies in one large range."""
    certainty = runtimes.certainty("v8")
    owner = owners.Allocator(b"V8")
    yield from _memories(mappings, runtimes)
    pages_are_marked = any(
        _is_low(mappings, row) and is_plain(mappings, row)
        for row in mappings.rows_where(lambda row: mappings.has_flag(row, MemoryFlag.DONTCOPY), "kept-from-children")
    )
    for row, (start, end, perms) in enumerate(zip(mappings.start, mappings.end, mappings.perms, strict=True)):
        if not is_plain(mappings, row):
            continue
        allowed = permissions(perms)
        if allowed.executable:
            yield Claim(start, end, Rank.RUNTIME, Label(kinds.V8_CODE, certainty, note("v8-executable"), owner))
        elif pages_are_marked and mappings.has_flag(row, MemoryFlag.DONTCOPY) is False:
            continue  # of another allocator that asks for low addresses, as mimalloc in an extension of Node
        elif _is_low(mappings, row) and not allowed.inaccessible:
            yield Claim(start, end, Rank.RUNTIME, Label(kinds.V8, certainty, note("v8-page"), owner))


def _is_low(mappings: Mappings, row: int) -> bool:
    """Whether a mapping begins where V8 asks for its pages."""
    return mappings.start[row] < _LOW_END and mappings.start[row] % _V8_PAGE == 0


def _memories(mappings: Mappings, runtimes: Runtimes) -> Iterator[Claim]:
    """Writable memory within a reservation of several gibibytes that is nearly all inaccessible."""
    certainty, owner = runtimes.certainty("v8"), owners.Allocator(b"V8")
    for run in _without_code(mappings):
        closed = [row for row in run if permissions(mappings.perms[row]).inaccessible]
        if not closed:
            continue
        span = mappings.end[run[-1]] - mappings.start[run[0]]
        size = sum(mappings.end[row] - mappings.start[row] for row in closed)
        if _is_table(mappings, run):
            for row in run:
                label = label_of_part(mappings, row, kinds.V8, certainty, note("v8-cage", size=span), owner)
                yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME, label)
            continue
        if size < _MEMORY_MIN or len(run) - len(closed) > _MEMORIES_MAX:
            continue
        evidence = note("wasm-memory", size=span)
        for row in run:
            label = label_of_part(
                mappings, row, kinds.WASM_MEMORY, certainty, evidence, owner, reserve=kinds.V8_RESERVE
            )
            yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME, label)


def _is_table(mappings: Mappings, run: list[int]) -> bool:
    """Whether a reservation is one of V8's own cages: at a multiple of 1 GiB, and not all of it marked MADV_DONTFORK.

    Node marks all that V8 asks for; Chromium marks nothing, and has the memories of WebAssembly within its sandbox.
    """
    used = [row for row in run if not permissions(mappings.perms[row]).inaccessible]
    span = mappings.end[run[-1]] - mappings.start[run[0]]
    unmarked = [row for row in used if mappings.has_flag(row, MemoryFlag.DONTCOPY) is False]
    return span >= _CAGE_MIN and mappings.start[run[0]] % _CAGE_MIN == 0 and bool(used) and unmarked == used


def _without_code(mappings: Mappings) -> Iterator[list[int]]:
    """Reservations, cut where executable memory adjoins them."""
    for run in reservations(mappings):
        part: list[int] = []
        for row in run:
            if permissions(mappings.perms[row]).executable:
                yield part
                part = []
            else:
                part.append(row)
        yield part
