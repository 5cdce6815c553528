"""glibc's lists of threads in memory that is made up: where they are found, what fits, and what is claimed of them."""

import struct
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest

from procmem.classify.partition import Rank
from procmem.classify.target_memory.glibc_threads import GlibcThread, arena_threads, glibc_threads, thread_claims
from procmem.classify.target_memory.words import TargetWords
from procmem.model import kinds, owners
from procmem.model.deep import DeepLook
from procmem.model.note import Note, note
from procmem.model.region import Certainty, Label
from procmem.model.snapshot import ThreadReading
from tests.support.made_memory import MadeMemory
from tests.support.made_processes import made

LD, BIAS = b"/lib/ld-linux.so", 0x7F10_0000_0000
RTLD, READ_ONLY = BIAS + 0x1140, BIAS + 0x8000
USED, USER = RTLD + 0x100, RTLD + 0x110
CACHED = USER + 16
LIST, TID, DESCRIPTOR = 0x2C0, 0x2D0, 0x900
BLOCK_AT = 0x690
STATIC = 0x1200
STACK = 0x10_0000
CONSTANTS = {
    "_thread_db_rtld_global__dl_stack_used": struct.pack("<3I", 128, 1, USED - RTLD),
    "_thread_db_rtld_global__dl_stack_user": struct.pack("<3I", 128, 1, USER - RTLD),
    "_thread_db_pthread_list": struct.pack("<3I", 128, 1, LIST),
    "_thread_db_pthread_tid": struct.pack("<3I", 32, 1, TID),
    "_thread_db_sizeof_pthread": struct.pack("<I", DESCRIPTOR),
}
SYMBOLS = {"_rtld_global": RTLD - BIAS, "_rtld_global_ro": READ_ONLY - BIAS}


def at_of(number: int) -> int:
    """The descriptor of a thread at the top of its stack."""
    return 0x7F20_0000_0000 + number * STACK + STACK - DESCRIPTOR


def ring(memory: MadeMemory, head: int, addresses: Sequence[int]) -> None:
    """A circular list of descriptors."""
    places = [head, *(address + LIST for address in addresses), head]
    for place, following in pairwise(places):
        memory.put(place, following)


def described(memory: MadeMemory, number: int, *, guard: int = 4096, at: int = BLOCK_AT) -> int:
    """A descriptor with its tid and its block."""
    address = at_of(number)
    memory.present(address, address + DESCRIPTOR)
    memory.put(address + TID, 1000 + number)
    memory.put(address + at, address + DESCRIPTOR - STACK, STACK, guard)
    return address


def memory_of(used: Sequence[int] = (), user: Sequence[int] = (), cached: Sequence[int] = ()) -> MadeMemory:
    """A process with descriptors of these numbers in its lists."""
    memory = MadeMemory()
    memory.present(READ_ONLY, READ_ONLY + 0x3000)
    for head, numbers in ((USED, used), (USER, user), (CACHED, cached)):
        ring(memory, head, [described(memory, number) for number in numbers])
    return memory


def threads(
    memory: MadeMemory,
    *,
    symbols: Mapping[bytes, Mapping[str, int]] | None = None,
    constants: Mapping[str, bytes] = CONSTANTS,
    biases: Mapping[bytes, int] | None = None,
    estimate: int | None = STATIC,
) -> tuple[GlibcThread, ...] | None:
    """What the lists say."""
    look = DeepLook(memory, {LD: SYMBOLS} if symbols is None else symbols, constants)
    return glibc_threads(look, TargetWords(memory, 64), {LD: BIAS} if biases is None else biases, estimate)


def thread(number: int, state: str = "used", **more: Any) -> GlibcThread:
    """What is known of a thread whose descriptor lies at the top of its stack."""
    address = at_of(number)
    top = address + DESCRIPTOR
    known = GlibcThread(1000 + number, address, state, (top - STACK, top), 4096, None, top)
    return known._replace(**more)


def test_all_three_lists() -> None:
    """In use, supplied by the program, and cached for reuse."""
    found = threads(memory_of([1, 2], [3], [4]))
    assert found == (thread(1), thread(2), thread(3, "user"), thread(4, "cached"))
    assert threads(memory_of()) == ()


@pytest.mark.parametrize("missing", [*CONSTANTS, "_rtld_global"])
def test_without_one_of_its_marks_the_lists_are_not_found(missing: str) -> None:
    """Not found is not "no threads"."""
    constants = {name: value for name, value in CONSTANTS.items() if name != missing}
    symbols = {name: value for name, value in SYMBOLS.items() if name != missing}
    assert threads(memory_of([1]), constants=constants, symbols={LD: symbols}) is None


@pytest.mark.parametrize("short", CONSTANTS)
def test_constants_that_are_cut_off_say_nothing(short: str) -> None:
    """A description has three numbers, a size has one."""
    assert threads(memory_of([1]), constants=CONSTANTS | {short: CONSTANTS[short][:-1]}) is None
    assert threads(memory_of([1]), constants=CONSTANTS | {short: CONSTANTS[short] + b"x"}) == (thread(1),)


def test_symbols_of_an_object_that_is_not_loaded_are_passed_over() -> None:
    """Where two have the name, the first that is."""
    other = dict.fromkeys(SYMBOLS, 119)
    symbols = {b"/other": other, LD: SYMBOLS}
    assert threads(memory_of([1]), symbols=symbols) == (thread(1),)
    assert threads(memory_of([1]), biases={}) is None


PLAIN = {
    "_dl_stack_used": USED - BIAS,
    "_dl_stack_user": USER - BIAS,
    "_dl_stack_cache": CACHED - BIAS,
    "_dl_tls_static_size": READ_ONLY - BIAS,
}
OLD = {"stack_used": USED - BIAS, "__stack_user": USER - BIAS, "stack_cache": CACHED - BIAS}


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [
        (
            PLAIN,
            [thread(1, tls=at_of(1) + DESCRIPTOR - STATIC), thread(4, "cached", tls=at_of(4) + DESCRIPTOR - STATIC)],
        ),
        (OLD, [thread(1), thread(4, "cached")]),
        ({name: at for name, at in OLD.items() if name != "stack_cache"}, [thread(1)]),
        ({name: at for name, at in OLD.items() if name != "stack_used"}, None),
        ({name: at for name, at in OLD.items() if name != "__stack_user"}, None),
    ],
)
def test_lists_that_are_variables_of_their_own(symbols: dict[str, int], expected: list[GlibcThread] | None) -> None:
    """Of static programs, and of libpthread; the cache may not be known, nor the size of static TLS."""
    memory = memory_of([1], [], [4])
    memory.put(READ_ONLY, STATIC)
    constants = {name: value for name, value in CONSTANTS.items() if "rtld" not in name}
    found = threads(memory, symbols={LD: symbols}, constants=constants)
    assert found == (None if expected is None else tuple(expected))


def test_a_size_of_static_tls_that_is_zero_or_cannot_be_read_is_not_known() -> None:
    """Then it is not said where it begins."""
    constants = {name: value for name, value in CONSTANTS.items() if "rtld" not in name}
    for at in (READ_ONLY, BIAS + 0x77_0000):
        symbols = PLAIN | {"_dl_tls_static_size": at - BIAS}
        found = threads(memory_of([1]), symbols={LD: symbols}, constants=constants)
        assert found == (thread(1),)


SURPLUS = 0x700


@pytest.mark.parametrize(
    ("words", "estimate", "is_found"),
    [
        ((STATIC, 64, SURPLUS), STATIC, True),
        ((STATIC, 77, 64, SURPLUS), STATIC, True),
        ((STATIC, 77, 78, 64, SURPLUS), STATIC, False),
        ((STATIC, 16, SURPLUS), STATIC, True),
        ((STATIC, 8, SURPLUS), STATIC, False),
        ((STATIC, 48, SURPLUS), STATIC, False),
        ((0x2000, 4096, SURPLUS), 0x2000, True),
        ((0x2000, 8192, SURPLUS), 0x2000, False),
        ((STATIC, 64, 256), STATIC, True),
        ((STATIC, 64, 255), STATIC, False),
        ((STATIC + 1, 64, SURPLUS), STATIC, False),
        ((DESCRIPTOR + SURPLUS, 64, SURPLUS), STATIC, True),
        ((DESCRIPTOR + SURPLUS - 64, 64, SURPLUS), STATIC, False),
        ((0x10_1000, 64, (1 << 20) - 16), 0x10_1000, True),
        ((0x10_1000, 64, 1 << 20), 0x10_1000, False),
        ((STATIC, 64, SURPLUS), STATIC + 8192, True),
        ((STATIC, 64, SURPLUS), STATIC + 8193, False),
        ((STATIC, 64, SURPLUS), STATIC - 8192, True),
        ((STATIC, 64, SURPLUS), STATIC - 8193, False),
        ((STATIC, 64, SURPLUS), None, False),
    ],
)
def test_the_size_of_static_tls_by_the_fields_behind_it(
    words: tuple[int, ...], estimate: int | None, is_found: bool
) -> None:
    """Alignment and surplus; together with the descriptor they fit into the size, which is about what is expected."""
    memory = memory_of([1])
    memory.put(READ_ONLY + 0x80, *words)
    top = at_of(1) + DESCRIPTOR
    assert threads(memory, estimate=estimate) == (thread(1, tls=top - words[0] if is_found else None),)


@pytest.mark.parametrize(("at", "is_found"), [(0, True), (1, True), (1019, True), (1020, False)])
def test_how_far_the_size_of_static_tls_is_looked_for(at: int, is_found: bool) -> None:
    """Through the first 1024 words."""
    memory = memory_of([1])
    memory.put(READ_ONLY + at * 8, STATIC, 64, SURPLUS)
    [found] = threads(memory) or ()
    assert found.tls == (found.top - STATIC if is_found else None)


def test_the_size_of_static_tls_in_either_structure_of_the_linker() -> None:
    """The read-only one comes first; where neither can be read, or has it, it is not known."""
    memory = memory_of([1])
    memory.present(RTLD, RTLD + 0x4000)
    memory.put(RTLD + 0x200, STATIC + 64, 64, SURPLUS)
    [found] = threads(memory) or ()
    assert found.tls == found.top - STATIC - 64
    memory.put(READ_ONLY + 0x200, STATIC, 64, SURPLUS)
    [found] = threads(memory) or ()
    assert found.tls == found.top - STATIC
    [found] = threads(memory, symbols={LD: {"_rtld_global": RTLD - BIAS}}) or ()
    assert found.tls == found.top - STATIC - 64
    unread = SYMBOLS | {"_rtld_global_ro": 0x77_0000}
    [found] = threads(memory_of([1]), symbols={LD: unread}) or ()
    assert found.tls is None


def test_a_list_that_is_broken_ends() -> None:
    """At a word that is zero or cannot be read."""
    for following in (0, 0x77_0000_0000):
        memory = memory_of([1, 2])
        memory.put(at_of(1) + LIST, following)
        found = threads(memory) or ()
        assert found[0] == thread(1)
        assert at_of(2) not in {one.address for one in found}


def test_a_list_that_does_not_lead_back_to_its_head_ends() -> None:
    """After as many threads as no process has."""
    memory = memory_of([1])
    memory.put(at_of(1) + LIST, at_of(1) + LIST)
    assert len(threads(memory) or ()) == 200_000


def test_a_thread_whose_id_cannot_be_read_is_left_out() -> None:
    """Its node may stand in another page than its id."""
    memory = memory_of([1])
    ring(memory, USED, [0x7F60_0000_1000 - LIST - 8, at_of(1)])
    assert threads(memory) == (thread(1),)


TOP = at_of(1) + DESCRIPTOR


@pytest.mark.parametrize(
    ("block", "guard"),
    [
        ((TOP - STACK, STACK, 4096), 4096),
        ((TOP - STACK, STACK, 0), 0),
        ((TOP - STACK, STACK, STACK - 1), STACK - 1),
        ((TOP - STACK, STACK, STACK), None),
        ((TOP - STACK, STACK, STACK + 1), None),
        ((TOP - STACK, STACK + 8192 + 63, 4096), 4096),
        ((TOP - STACK, STACK + 8192 + 64, 4096), None),
        ((TOP - STACK, STACK - 1, 4096), None),
        ((TOP - 4096, 4096, 0), 0),
        ((TOP - 4095, 4095, 0), None),
        ((at_of(1) - 1, 4096, 0), 0),
        ((at_of(1), 4096, 0), None),
        ((0, STACK, 0), None),
        ((0, TOP, 0), None),
    ],
)
def test_which_words_of_a_descriptor_tell_its_block(block: tuple[int, int, int], guard: int | None) -> None:
    """Start, size and guard of a block that begins below it and ends soon behind it."""
    memory = memory_of([1])
    memory.put(at_of(1) + BLOCK_AT, 0, 0, 0)
    memory.put(at_of(1) + 0x100, *block)
    whole = None if guard is None else (block[0], block[0] + block[1])
    assert threads(memory) == (thread(1, block=whole, guard=guard or 0),)


@pytest.mark.parametrize(("at", "is_found"), [(0, True), (8, True), (DESCRIPTOR - 24, True), (DESCRIPTOR - 16, False)])
def test_the_words_may_stand_anywhere_in_the_descriptor(at: int, is_found: bool) -> None:
    """At a multiple of a word's size."""
    memory = memory_of([1])
    address = at_of(1)
    memory.put(address + BLOCK_AT, 0, 0, 0)
    memory.put(address + at, TOP - STACK, STACK, 4096)
    memory.put(address + TID, 1001)
    [found] = threads(memory) or ()
    assert found.block == ((TOP - STACK, TOP) if is_found else None)


def test_all_descriptors_have_their_block_in_the_same_place() -> None:
    """Where the first thread in use has it, that fits; what others have elsewhere is something else."""
    memory = MadeMemory()
    memory.present(READ_ONLY, READ_ONLY + 0x3000)
    main, first, second = (described(memory, number) for number in (1, 2, 3))
    memory.put(main + BLOCK_AT, 0, 0, 0)
    memory.put(second + BLOCK_AT, 0, 0, 0)
    memory.put(second + 0x100, second + DESCRIPTOR - STACK, STACK, 0)
    cached = described(memory, 4, at=0x80)
    for head, addresses in ((USED, [first, second]), (USER, [main]), (CACHED, [cached])):
        ring(memory, head, addresses)
    none: dict[str, Any] = {"block": None, "guard": 0}
    assert threads(memory) == (thread(2), thread(3, **none), thread(1, "user", **none), thread(4, "cached", **none))
    ring(memory, USED, [])
    assert threads(memory) == (thread(1, "user", **none), thread(4, "cached"))


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        ((1, 0, 0), False),
        ((at_of(2) - 100, 101, 100), True),
        ((at_of(2) - 100, 100, 99), False),
        ((at_of(2) - 100, 101, 101), False),
        ((at_of(2), 100, 0), False),
    ],
)
def test_what_is_believed_of_the_words_in_that_place(words: tuple[int, int, int], fits: bool) -> None:
    """A block that holds the descriptor, and is larger than its guard."""
    memory = memory_of([1, 2])
    memory.put(at_of(2) + BLOCK_AT, *words)
    _, found = threads(memory) or ()
    assert found.block == ((words[0], words[0] + words[1]) if fits else None)
    assert found.guard == (words[2] if fits else 0)


def test_a_descriptor_of_which_a_part_is_not_there() -> None:
    """Its block is not known, and that of others is."""
    memory = MadeMemory()
    address = 0x7F60_0000_1000 - DESCRIPTOR + 0x600
    memory.put(address + TID, 1001)
    ring(memory, USED, [address, described(memory, 2)])
    memory.put(USER, USER, CACHED, 0, CACHED)
    ring(memory, CACHED, [])
    ring(memory, USER, [])
    found = threads(memory) or ()
    assert [one.block is not None for one in found] == [False, True]


# Which thread allocates from which arena

ARENA, OTHER = 0x7F30_0000_0030, 0x7F34_0000_0030


def test_whose_arena_is_named_in_static_tls() -> None:
    """Of threads that live; between its start and the descriptor."""
    tls = at_of(1) - 0x100
    memory = MadeMemory({tls: (ARENA,), at_of(1) - 8: (OTHER, ARENA + 16), at_of(2) - 16: (ARENA,)})
    words = TargetWords(memory, 64)
    known = [
        thread(1, tls=tls),
        thread(2, tls=at_of(2) - 0x100),
        thread(3, tls=at_of(3) - 0x100),
        thread(2, tls=None, tid=7),
        thread(2, tls=at_of(2) - 0x100, state="cached", tid=8),
        thread(2, tls=at_of(2), tid=9),
        thread(2, tls=at_of(2) + 8, tid=10),
        thread(2, tls=at_of(2) - 8, tid=11),
        thread(2, tls=at_of(2) - 16, state="user", tid=12),
    ]
    arenas = frozenset({ARENA, OTHER, ARENA + 16})
    assert arena_threads(words, known, arenas) == {ARENA: (1001, 1002, 12), OTHER: (1001,)}
    assert arena_threads(words, known, frozenset({5})) == {}


# What is claimed

LIVE = ThreadReading(tid=1001, comm=b"w", sp=None, pc=None, running=False)
TLS = TOP - STATIC


def claimed(*found: GlibcThread) -> list[tuple[int, int, int, Label]]:
    """Claims on the stacks of a process whose thread 1001 lives."""
    shot, _ = made({"maps": b""})
    return [(one.start, one.end, one.rank, one.label) for one in thread_claims(found, shot._replace(threads=(LIVE,)))]


def certain(kind: kinds.Kind, seen: Note, owner: owners.Owner | None = LIVE.owner) -> Label:
    """What glibc's lists prove."""
    return Label(kind, Certainty.CERTAIN, seen, owner)


def test_a_thread_has_stack_guard_and_tls() -> None:
    """Static TLS and descriptor lie in the stack, and outrank it."""
    seen = note("glibc-stack-used", at=at_of(1))
    pthread = note("glibc-pthread", tid=1001, at=at_of(1))
    low = TOP - STACK
    assert claimed(thread(1, tls=TLS)) == [
        (TLS, TOP, Rank.THREAD + 35, certain(kinds.TLS, pthread)),
        (low + 4096, TOP, Rank.THREAD + 1, certain(kinds.THREAD_STACK, seen)),
        (low, low + 4096, Rank.THREAD + 1, certain(kinds.STACK_GUARD, seen)),
    ]
    stack = [(low, TOP, Rank.THREAD + 1, certain(kinds.THREAD_STACK, seen))]
    assert claimed(thread(1, guard=0)) == stack
    assert claimed(thread(1, block=None, tls=TLS)) == claimed(thread(1, tls=TLS))[:1]
    assert claimed(thread(1, block=None), thread(1, guard=0)) == stack


def test_a_stack_that_the_program_supplied_ends_with_its_descriptor() -> None:
    """It may lie in memory that something else explains, and outranks that."""
    seen = note("glibc-stack-user", at=at_of(1))
    longer = (TOP - STACK, TOP + 64)
    assert claimed(thread(1, "user", block=longer, guard=0)) == [
        (TOP - STACK, TOP, Rank.RELRO + 1, certain(kinds.THREAD_STACK, seen))
    ]
    assert claimed(thread(1, block=longer, guard=0))[0][1] == TOP + 64


@pytest.mark.parametrize(
    ("one", "seen", "owner"),
    [
        (thread(1, "cached", tls=TLS), note("glibc-stack-cached", at=at_of(1)), LIVE.owner),
        (
            thread(1, tid=7, tls=TLS),
            note("no-such-thread", stack=note("glibc-stack-used", at=at_of(1)), tid=7),
            None,
        ),
        (thread(1, "cached", tid=7, tls=TLS), note("glibc-stack-cached", at=at_of(1)), None),
    ],
)
def test_a_stack_whose_thread_has_ended(one: GlibcThread, seen: Note, owner: owners.Owner | None) -> None:
    """In the cache, or still listed as in use: kept for reuse, and its TLS is nobody's."""
    low = TOP - STACK
    assert claimed(one) == [
        (low + 4096, TOP, Rank.THREAD + 1, certain(kinds.CACHED_STACK, seen, owner)),
        (low, low + 4096, Rank.THREAD + 1, certain(kinds.STACK_GUARD, seen, owner)),
    ]
