"""Memory of Haskell programs: a heap at a fixed address, below a reservation of one tebibyte.

The runtime sets the address space aside once and commits blocks of 1 MiB from its beginning.
Source: GHC rts/posix/OSMem.c, osReserveHeapMemory(); rts/sm/HeapAlloc.h, MBLOCK_SPACE_SIZE.
"""

from collections.abc import Iterator

from procmem.classify.partition import Rank
from procmem.classify.runtimes.detect import Runtimes
from procmem.classify.runtimes.plain import label_of_part, reservations
from procmem.model import kinds, owners
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.region import Certainty, Claim
from procmem.model.snapshot import Snapshot

__all__ = ["claims"]

_FIRST = 0x42_0000_0000
_SPACE_MIN = 1 << 36


def claims(mappings: Mappings, runtimes: Runtimes, _snapshot: Snapshot) -> Iterator[Claim]:
    """What adjoins from the heap's beginning on; the runtime halves its wish until the kernel grants it."""
    for run in reservations(mappings):
        start, end = mappings.start[run[0]], mappings.end[run[-1]]
        if start != _FIRST:
            continue
        # place and size together are as good as a name
        certainty = Certainty.LIKELY if end - start >= _SPACE_MIN else runtimes.certainty("ghc")
        for row in run:
            evidence = note("ghc-space", start=start, size=end - start)
            label = label_of_part(mappings, row, kinds.GHC, certainty, evidence, owners.Allocator(b"Haskell runtime"))
            yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME, label)
