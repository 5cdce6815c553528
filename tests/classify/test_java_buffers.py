"""Blocks of malloc that belong to Java, in memory that is made up: what points to them, and from where."""

from collections.abc import Sequence

import pytest

from procmem.classify.partition import Rank
from procmem.classify.target_memory.java_buffers import buffer_claims
from procmem.classify.target_memory.words import TargetWords
from procmem.model import kinds, owners
from procmem.model.kinds import Kind
from procmem.model.note import note
from procmem.model.region import Certainty, Claim, Label
from tests.support.made_memory import MadeMemory

HEAP, BLOCK, SIZE = 0x7F00_0000_0000, 0x7F10_0000_0000, 0x10_0000
SEEN = note("unexplained")


def claim(start: int, kind: Kind) -> Claim:
    """Somebody's claim."""
    return Claim(start, start + SIZE, Rank.ALLOCATOR, Label(kind, Certainty.CERTAIN, SEEN))


def chunks(*numbers: int) -> list[Claim]:
    """Blocks of malloc."""
    return [claim(BLOCK + number * SIZE, kinds.GLIBC_MMAP_CHUNK) for number in numbers]


def found(memory: MadeMemory, blocks: Sequence[Claim], *heap: Claim) -> list[int]:
    """Which blocks are Java's, by number."""
    heaps = heap or (claim(HEAP, kinds.JVM_HEAP),)
    claims = list(buffer_claims(TargetWords(memory, 64), heaps, blocks))
    assert {one.end - one.start for one in claims} <= {SIZE}
    return [(one.start - BLOCK) // SIZE for one in claims]


@pytest.mark.parametrize(
    ("lead", "is_javas"), [(16, True), (32, True), (4096, True), (0, False), (8, False), (48, False), (8192, False)]
)
def test_an_object_holds_the_address_of_a_block(lead: int, is_javas: bool) -> None:
    """Behind malloc's header, behind that of native memory tracking, or at the next page."""
    assert found(MadeMemory({HEAP + 64: (BLOCK + lead,)}), chunks(0)) == ([0] if is_javas else [])


def test_what_is_claimed() -> None:
    """The whole block, before malloc's own claim; likely, since any number may be an address."""
    memory = MadeMemory({HEAP + 64: (BLOCK + 16,)})
    [one] = buffer_claims(TargetWords(memory, 64), [claim(HEAP, kinds.JVM_HEAP)], chunks(0))
    evidence = note("java-holds-address", evidence=SEEN, at=HEAP + 64, address=BLOCK + 16)
    label = Label(kinds.JVM_DIRECT_BUFFER, Certainty.LIKELY, evidence, owners.Allocator(b"Java"))
    assert one == Claim(BLOCK, BLOCK + SIZE, Rank.RUNTIME + 2, label)


def test_each_block_is_claimed_once() -> None:
    """However many objects point to it, from whatever part of the heap; others stay malloc's."""
    memory = MadeMemory({HEAP: (BLOCK + SIZE + 16, BLOCK + SIZE + 32, BLOCK + 3 * SIZE + 16)})
    memory.put(HEAP + 2 * SIZE, BLOCK + SIZE + 16, BLOCK + 16)
    heaps = [claim(HEAP + at, kinds.JVM_HEAP) for at in (0, 2 * SIZE)]
    assert found(memory, chunks(0, 1, 2, 3), *heaps) == [1, 3, 0]
    assert found(memory, chunks(1), *heaps) == [1]


def test_only_the_java_heap_is_searched_and_only_blocks_are_claimed() -> None:
    """A stack may hold the address as well; an arena is no block."""
    memory = MadeMemory({HEAP: (BLOCK + 16,), HEAP + SIZE: (BLOCK + SIZE + 16,)})
    code, heap = claim(HEAP, kinds.JVM_CODE), claim(HEAP + SIZE, kinds.JVM_HEAP)
    assert found(memory, chunks(0, 1), code, heap) == [1]
    assert found(memory, [claim(BLOCK, kinds.GLIBC_ARENA)]) == []
    assert found(memory, []) == []


@pytest.mark.parametrize(("number", "is_claimed"), [(65_535, True), (65_536, False)])
def test_so_many_blocks_are_looked_for(number: int, is_claimed: bool) -> None:
    """Of malloc's, in their order."""
    memory = MadeMemory({HEAP: (BLOCK + number * SIZE + 16,)})
    others = [claim(BLOCK, kinds.GLIBC_ARENA)]
    assert found(memory, [*others, *chunks(*range(number + 1))]) == ([number] if is_claimed else [])
