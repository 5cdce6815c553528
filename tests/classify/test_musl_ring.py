"""musl's ring of threads in memory that is made up: which descriptors are believed, and what is claimed of them."""

from collections.abc import Sequence

import pytest

from procmem.classify.partition import Rank
from procmem.classify.target_memory.musl import MuslThread, musl_claims, musl_threads
from procmem.classify.target_memory.words import TargetWords
from procmem.model import kinds
from procmem.model.note import note
from procmem.model.region import Certainty, Label
from procmem.model.snapshot import ThreadReading
from procmem.parse.smaps import parse_smaps
from tests.support.made_memory import MadeMemory
from tests.support.made_processes import made, record
from tests.support.smaps_text import Record, smaps

PAGE = 4096
AT = 0x110_3000
BLOCK, GUARD = 36 * PAGE, 3 * PAGE
STACK = 30 * PAGE
STEP = 49 * PAGE
DESCRIPTOR = BLOCK - 0x180


def at_of(number: int) -> int:
    """Where the block of a thread begins."""
    return AT + number * STEP


def descriptor(number: int) -> int:
    """Where its descriptor stands."""
    return at_of(number) + DESCRIPTOR


def ring(*numbers: int, block_at: int = 9) -> MadeMemory:
    """Descriptors in a ring, each with its block; the words of the block stand at one place of the structure."""
    memory = MadeMemory()
    for at, number in enumerate(numbers):
        address, base = descriptor(number), at_of(number)
        before, after = (descriptor(numbers[(at + step) % len(numbers)]) for step in (-1, 1))
        memory.put(address, address, 0, before, after)
        memory.put(address + 8 * block_at, base, BLOCK, base + GUARD + STACK, STACK, GUARD)
        memory.put(address + 48, 1000 + number)
    return memory


def memory_of_thread(number: int) -> Record:
    """The part of a block behind its guard."""
    return record(at_of(number) + GUARD, at_of(number) + BLOCK)


def reading(number: int, sp: int | None) -> ThreadReading:
    """A thread that lives."""
    return ThreadReading(tid=1000 + number, comm=b"w", sp=sp, pc=None, running=False)


def threads(memory: MadeMemory, *pointers: int | None, rows: Sequence[Record] | None = None) -> tuple[MuslThread, ...]:
    """What the ring says, where threads have these stack pointers."""
    table = parse_smaps(smaps([memory_of_thread(1), memory_of_thread(2)] if rows is None else rows))
    shot, _ = made({"maps": b""})
    readings = tuple(reading(number, sp) for number, sp in enumerate(pointers, start=1))
    return musl_threads(table, TargetWords(memory, 64), shot._replace(threads=readings))


def known(number: int) -> MuslThread:
    """What is said of a thread."""
    base = at_of(number)
    return MuslThread(1000 + number, descriptor(number), (base, base + BLOCK), GUARD, base + GUARD + STACK)


SP = at_of(1) + 20 * PAGE


def test_a_ring_is_found_from_one_stack_pointer() -> None:
    """All of its threads, from the one whose descriptor was found on."""
    assert threads(ring(1, 2), SP) == (known(1), known(2))
    assert threads(ring(2, 1), None, SP) == (known(1), known(2))
    assert threads(ring(1, 2), at_of(2) + GUARD) == (known(2), known(1))
    assert threads(ring(1), SP) == (known(1),)


@pytest.mark.parametrize(
    ("sp", "is_found"),
    [
        (at_of(1) + GUARD, True),
        (at_of(1) + GUARD - 1, False),
        (descriptor(1) - 8, True),
        (descriptor(1) + 0x100, True),
        (at_of(1) + BLOCK, False),
        (None, False),
    ],
)
def test_where_a_stack_pointer_must_lie(sp: int | None, is_found: bool) -> None:
    """In the memory that the descriptor lies in, no page above it."""
    assert bool(threads(ring(1), sp)) is is_found


def test_in_the_page_of_the_descriptor_a_stack_pointer_may_lie_above_it() -> None:
    """A page further up it may not."""
    memory = MadeMemory()
    address = at_of(1) + BLOCK - 2 * PAGE
    memory.put(address, address, 0, address, address)
    memory.put(address + 48, 7)
    memory.put(address + 72, at_of(1), BLOCK, address, STACK, address - STACK - at_of(1))
    assert [one.tid for one in threads(memory, address + PAGE - 1)] == [7]
    assert threads(memory, address + PAGE) == ()


@pytest.mark.parametrize(("pages", "is_found"), [(2047, True), (2048, False)])
def test_how_far_above_a_stack_pointer_a_descriptor_is_looked_for(pages: int, is_found: bool) -> None:
    """8 MiB."""
    rows = [record(AT - 4096 * PAGE, AT + STEP), memory_of_thread(1)._replace(start=at_of(1))]
    sp = descriptor(1) // PAGE * PAGE - pages * PAGE
    assert bool(threads(ring(1), sp, rows=[rows[0]._replace(end=at_of(2))])) is is_found


@pytest.mark.parametrize(
    ("change", "is_found"),
    [
        ({}, True),
        ({"perms": "r--p"}, False),
        ({"name": b"[anon:x]"}, False),
        ({"inode": 3, "name": b"/x"}, False),
        ({"inode": 3}, False),
    ],
)
def test_in_which_memory_a_descriptor_is_looked_for(change: dict[str, object], is_found: bool) -> None:
    """Writable, without a file and without a name."""
    rows = [memory_of_thread(1)._replace(**change)]  # type: ignore[arg-type]
    assert bool(threads(ring(1), SP, rows=rows)) is is_found


@pytest.mark.parametrize(
    ("number", "word", "value"),
    [
        (1, 2, 0),
        (1, 3, 0),
        (1, 2, 0x77_0000),
        (1, 3, 0x77_0000),
        (2, 0, descriptor(2) + 8),
        (2, 2, descriptor(2)),
        (3, 0, descriptor(3) + 8),
        (3, 3, descriptor(3)),
    ],
)
def test_a_word_that_stands_at_itself_is_a_descriptor_only_in_a_ring(number: int, word: int, value: int) -> None:
    """Its neighbours begin with their own addresses and point back."""
    memory = ring(1, 2, 3)
    assert len(threads(memory, SP)) == 3
    memory.put(descriptor(number) + 8 * word, value)
    assert threads(memory, SP) == ()


def test_something_else_that_stands_at_itself_is_passed_over() -> None:
    """And what lies at the end of what is there."""
    memory = ring(1)
    other = at_of(1) + 22 * PAGE
    memory.put(other, other)
    memory.put(other + PAGE - 8, other + PAGE - 8)
    assert threads(memory, SP) == (known(1),)


@pytest.mark.parametrize(("block_at", "is_found"), [(6, False), (7, True), (11, True), (12, False)])
def test_the_words_of_a_block_may_stand_anywhere_in_the_descriptor(block_at: int, is_found: bool) -> None:
    """Behind the thread id, within sixteen words."""
    memory = ring(1, block_at=block_at)
    assert threads(memory, SP) == ((known(1),) if is_found else ())


@pytest.mark.parametrize(
    ("words", "is_block"),
    [
        ((0, BLOCK, GUARD + STACK, STACK, GUARD), True),
        ((0, BLOCK, GUARD + STACK, GUARD + STACK, 0), True),
        ((8, BLOCK, GUARD + STACK, STACK - 8, GUARD), False),
        ((0, BLOCK + 8, GUARD + STACK, STACK, GUARD), False),
        ((0, BLOCK, GUARD + STACK, STACK - 8, GUARD + 8), False),
        ((8, BLOCK + 8, GUARD + STACK, STACK - 8, GUARD), False),
        ((8, BLOCK + 8, GUARD + STACK, STACK - 16, GUARD + 8), False),
        ((0, BLOCK, GUARD + STACK, STACK + 8, GUARD), False),
        ((0, BLOCK, 0, -GUARD, GUARD), False),
        ((0, BLOCK, DESCRIPTOR, DESCRIPTOR - GUARD, GUARD), True),
        ((0, BLOCK, DESCRIPTOR + 8, DESCRIPTOR + 8 - GUARD, GUARD), False),
        ((0, DESCRIPTOR // PAGE * PAGE, GUARD + STACK, STACK, GUARD), False),
    ],
)
def test_which_words_describe_a_block(words: tuple[int, int, int, int, int], is_block: bool) -> None:
    """Whole pages around a stack that ends below the descriptor, and as large as is said."""
    base, size, stack, stack_size, guard = words
    memory = ring(1)
    memory.put(descriptor(1) + 72, AT + STEP + base, size, AT + STEP + stack, stack_size % 2**64, guard)
    assert bool(threads(memory, SP)) is is_block


def test_the_main_thread_has_no_block() -> None:
    """Its descriptor is passed over, the ring goes on."""
    memory = ring(1, 2, 3)
    memory.put(descriptor(2) + 72, 0, 0, 0, 0, 0)
    assert threads(memory, SP) == (known(1), known(3))


def test_a_ring_that_is_broken_ends() -> None:
    """Where a descriptor cannot be read, all of it or its end; or after so many threads, where it leads elsewhere."""
    memory = ring(1, 2, 3, 4)
    memory.put(descriptor(2) + 24, 0x77_0000)
    assert threads(memory, SP) == (known(1), known(2))
    memory.put(descriptor(2) + 24, AT - 64)
    memory.put(AT - 64, AT - 64, 0, descriptor(2), descriptor(3))
    assert threads(memory, SP) == (known(1), known(2))
    memory.put(descriptor(2) + 24, descriptor(2))
    assert len(threads(memory, SP)) == 10_000


def claimed(*found: MuslThread) -> list[tuple[int, int, int, Label]]:
    """What is claimed where thread 1001 lives."""
    shot, _ = made({"maps": b""})
    claims = musl_claims(found, shot._replace(threads=(reading(1, None),)))
    return [(one.start, one.end, one.rank, one.label) for one in claims]


def test_a_thread_has_stack_tls_and_guard() -> None:
    """Each of them certain; nothing of threads that are not there any more."""
    seen = note("musl-descriptor", tid=1001, at=descriptor(1))
    owner = reading(1, None).owner
    low, rank = at_of(1), Rank.THREAD + 1
    stack = Label(kinds.THREAD_STACK, Certainty.CERTAIN, seen, owner)
    tls = Label(kinds.TLS, Certainty.CERTAIN, note("musl-tls", stack=seen), owner)
    guard = Label(kinds.STACK_GUARD, Certainty.CERTAIN, seen, owner)
    top = low + GUARD + STACK
    expected = [(low + GUARD, top, rank, stack), (top, low + BLOCK, rank, tls), (low, low + GUARD, rank, guard)]
    assert claimed(known(1)) == expected
    assert claimed(known(2), known(1)) == expected
    assert claimed(known(1)._replace(guard=0)) == [(low, top, rank, stack), expected[1]]
