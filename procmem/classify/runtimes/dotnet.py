"""Memory of .NET: the garbage collector's regions below one large reservation, and code mapped twice from a memfd.

Source: dotnet/runtime, src/coreclr/gc/gc.cpp (regions: 256 GiB, or twice the physical memory), executableallocator.cpp.
"""

from collections.abc import Iterator

from procmem.classify.partition import Rank
from procmem.classify.runtimes.detect import Runtimes
from procmem.classify.runtimes.plain import label_of_part, reservations
from procmem.model import kinds, owners
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.permissions import permissions
from procmem.model.region import Claim, Label
from procmem.model.snapshot import Snapshot
from procmem.model.vma_names import name_in_memory

__all__ = ["claims"]

_SPACE_MIN = 16 << 30
_SEGMENT = 256 << 20  # of the collector with segments (until .NET 6), server heaps take more
_SEGMENT_MAX = 4 << 30
_DOUBLE_MAPPED = b"doublemapper"


def claims(mappings: Mappings, runtimes: Runtimes, _snapshot: Snapshot) -> Iterator[Claim]:
    """The collector's reservation; what both views of the double mapping show is code."""
    certainty = runtimes.certainty("dotnet")
    for run in reservations(mappings):
        span = mappings.end[run[-1]] - mappings.start[run[0]]
        closed = sum(mappings.end[row] - mappings.start[row] for row in run if _closed(mappings, row))
        segment = closed and span % _SEGMENT == 0 and span <= _SEGMENT_MAX
        if not segment and (span < _SPACE_MIN or closed * 2 < span):
            continue
        evidence = note("dotnet-space", size=span)
        for row in run:
            label = label_of_part(mappings, row, kinds.DOTNET, certainty, evidence, owners.Allocator(b".NET"))
            yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME, label)
    for row in mappings.rows_where(lambda row: name_in_memory(mappings.name[row]) == _DOUBLE_MAPPED):
        label = Label(kinds.JIT, certainty, note("dotnet-double-mapped"), owners.Allocator(b".NET"))
        file = (mappings.device[row], mappings.inode[row])
        yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME, label, file)


def _closed(mappings: Mappings, row: int) -> bool:
    return permissions(mappings.perms[row]).inaccessible
