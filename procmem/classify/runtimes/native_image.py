"""Memory of Java programs that GraalVM compiled ahead of time: one reservation, which begins with the image heap.

The image heap is mapped from the program's section .svm_heap; the chunks of the collector lie above it in the same
reservation, aligned, each with what is left of it inaccessible.
Source: GraalVM substratevm, com.oracle.svm.core, ImageHeapProvider and AddressRangeCommittedMemoryProvider.
"""

from collections.abc import Iterator

from procmem.classify.partition import Rank
from procmem.classify.runtimes.detect import Runtimes
from procmem.classify.runtimes.plain import label_of_part, reservations
from procmem.model import kinds, owners
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.region import Claim
from procmem.model.snapshot import Snapshot

__all__ = ["claims"]

_SPACE_MIN = 1 << 30
_OWNER = owners.Allocator(b"GraalVM native image")


def claims(mappings: Mappings, runtimes: Runtimes, _snapshot: Snapshot) -> Iterator[Claim]:
    """The reservation behind the image heap: what is accessible is heap, the rest is kept for it."""
    certainty = runtimes.certainty("native-image")
    for run in reservations(mappings):
        start, end = mappings.start[run[0]], mappings.end[run[-1]]
        before = run[0] - 1
        behind_file = before >= 0 and mappings.end[before] == start and mappings.inode[before]
        if not behind_file or end - start < _SPACE_MIN:
            continue
        seen = note("native-image-space", size=end - start)
        for row in run:
            label = label_of_part(mappings, row, kinds.NATIVE_IMAGE, certainty, seen, _OWNER)
            yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME, label)
