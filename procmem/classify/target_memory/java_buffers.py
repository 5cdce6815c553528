"""Which large blocks of malloc belong to Java: those whose address stands in an object of the Java heap.

``ByteBuffer.allocateDirect`` and ``Unsafe.allocateMemory`` take memory from malloc, outside the Java heap and its
limit; what ties the block to Java is the object that holds its address. Blocks that nobody in the heap points to stay
malloc's.

Source: java.nio.Buffer (field ``address``), java.nio.Bits and DirectByteBuffer; HotSpot os::malloc(), which puts a
header of 16 bytes before the block when native memory is tracked (services/mallocHeader.hpp).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from procmem.classify.partition import Rank
from procmem.classify.target_memory.words import TargetWords
from procmem.model import kinds, owners
from procmem.model.note import note
from procmem.model.region import Certainty, Claim, Label

__all__ = ["buffer_claims"]

_MALLOC_HEADER = 16
_TRACKING_HEADER = 16
_BLOCKS_MAX = 65_536
_PAGE_ALIGNED = 4096
"""With -XX:+PageAlignDirectMemory the object holds the next page's start."""


def buffer_claims(words: TargetWords, heap: Sequence[Claim], blocks: Sequence[Claim]) -> Iterator[Claim]:
    """Claims on those of some ``blocks`` of malloc that an object in the Java heap (``heap``) points to."""
    chunks = [claim for claim in blocks if claim.label.kind is kinds.GLIBC_MMAP_CHUNK][:_BLOCKS_MAX]
    places = {
        chunk.start + lead: chunk
        for chunk in chunks
        for lead in (_MALLOC_HEADER, _MALLOC_HEADER + _TRACKING_HEADER, _PAGE_ALIGNED)
    }
    left = len(chunks)
    proved: set[int] = set()
    for part in heap:
        if part.label.kind is not kinds.JVM_HEAP or not left:
            continue
        for holder, address in words.find(part.start, part.end, places.keys()):
            chunk = places[address]
            if chunk.start in proved:
                continue
            proved.add(chunk.start)
            evidence = note("java-holds-address", evidence=chunk.label.evidence, at=holder, address=address)
            label = Label(kinds.JVM_DIRECT_BUFFER, Certainty.LIKELY, evidence, owners.Allocator(b"Java"))
            yield Claim(chunk.start, chunk.end, Rank.ALLOCATOR + 3, label)
            left -= 1
            if not left:
                break
