"""Memory of PartitionAlloc, the allocator of Chromium and of programs made from it: pools of gibibytes, nearly empty.

A pool is a reservation at a multiple of its size; of each super page of 2 MiB in it the first system page is a guard.
What describes the super pages lies behind the guard, or, in newer versions, in one page for each super page in a
reservation of its own.
Source: Chromium base/allocator/partition_allocator, partition_address_space.h and partition_alloc_constants.h.
"""

from collections.abc import Iterator

from procmem.classify.partition import Rank
from procmem.classify.runtimes.detect import Runtimes
from procmem.classify.runtimes.plain import label_of_part, reservations
from procmem.model import kinds, owners
from procmem.model.mapping import Mappings
from procmem.model.note import Note, note
from procmem.model.permissions import permissions
from procmem.model.region import Claim
from procmem.model.snapshot import Snapshot

__all__ = ["claims"]

_POOL_MIN = 1 << 30
_SUPER_PAGE = 2 << 20
_GUARD_MAX = 1 << 16
_DESCRIPTOR_MAX = 1 << 16
_DESCRIBED_MIN = 8 << 30
_OWNER = owners.Allocator(b"PartitionAlloc")


def claims(mappings: Mappings, runtimes: Runtimes, _snapshot: Snapshot) -> Iterator[Claim]:
    """The pools and their descriptors: what is accessible is heap, the rest is kept for it."""
    certainty = runtimes.certainty("partition-alloc")
    for run in reservations(mappings):
        if mappings.end[run[-1]] - mappings.start[run[0]] < _POOL_MIN:
            continue
        seen = _pool(mappings, run)
        if seen is None:
            continue
        for row in run:
            label = label_of_part(mappings, row, kinds.PARTITION_ALLOC, certainty, seen, _OWNER)
            yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME, label)


def _pool(mappings: Mappings, run: list[int]) -> Note | None:
    """What makes a reservation a pool, or that of the descriptors of one; None for any other."""
    start, size = mappings.start[run[0]], mappings.end[run[-1]] - mappings.start[run[0]]
    used = [row for row in run if not permissions(mappings.perms[row]).inaccessible]
    held = sum(mappings.end[row] - mappings.start[row] for row in used)
    if not used or held * 2 > size or any(permissions(mappings.perms[row]).executable for row in used):
        return None
    first = mappings.start[used[0]]
    if start % _POOL_MIN == 0 and 0 < first % _SUPER_PAGE <= _GUARD_MAX:
        return note("partition-pool", size=size)
    ends = [(mappings.end[row] - start - 1) % _SUPER_PAGE for row in used]
    small = all(mappings.end[row] - mappings.start[row] <= _DESCRIPTOR_MAX for row in used)
    if size >= _DESCRIBED_MIN and small and max(ends) < _DESCRIPTOR_MAX:
        return note("partition-descriptors", size=size)
    return None
