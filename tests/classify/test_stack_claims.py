"""Stacks without their memory: each rung of the ladder alone, and each bound of it from both sides."""

from collections.abc import Sequence
from typing import Any

import pytest

from procmem.classify.page_states import NOTHING_KNOWN, PageStates
from procmem.classify.partition import Partition, Rank
from procmem.classify.rules.loose_threads import place_loose_threads
from procmem.classify.rules.thread_stacks import marked_stack_claims, stack_claims
from procmem.classify.runtimes.detect import Detection, Runtimes
from procmem.model import kinds
from procmem.model.kinds import Kind
from procmem.model.note import Note, note
from procmem.model.raw import PageRun, PageState
from procmem.model.region import Certainty, Label
from procmem.model.snapshot import Limit, LimitName, Snapshot, Stat, Status, ThreadReading
from tests.support.made_processes import made, record
from tests.support.smaps_text import Record, smaps

PAGE, MIB = 4096, 1 << 20
USUAL = 8 * MIB
AT = 3 * MIB + 5 * PAGE
STEP = 64 * MIB
NH, PLAIN = "rd wr mr mw me ac nh", "rd wr mr mw me ac"
LIKELY, GUESS = Certainty.LIKELY, Certainty.GUESS


def area(
    number: int, size: int = USUAL, guard: int = PAGE, *, flags: str | None = NH, below: str | None = "mr mw me"
) -> list[Record]:
    """A guard and what lies behind it, at a place of its own."""
    start = AT + number * STEP
    return [
        record(start - guard, start, "---p")._replace(flags=below if flags is not None else None),
        record(start, start + size)._replace(flags=flags),
    ]


def thread(tid: int, sp: int | None) -> ThreadReading:
    """A thread of which the stack pointer may be known."""
    return ThreadReading(tid=tid, comm=b"w", sp=sp, pc=None, running=False)


def shot_of(
    records: Sequence[Record],
    *,
    threads: tuple[ThreadReading, ...] | None = (),
    limit: int | None = USUAL,
    count: int | None = None,
) -> Snapshot:
    """A process with these mappings and threads."""
    shot, _ = made({"smaps": smaps(records)})
    return shot._replace(
        threads=threads,
        limits={LimitName.STACK: Limit(limit, None, "bytes")},
        status=None if count is None else Status({"Threads": str(count)}, {}),
    )


Found = list[tuple[int, int, Kind, Certainty]]


def claims(
    *parts: list[Record],
    pages: PageStates = NOTHING_KNOWN,
    runtimes: Sequence[str] = (),
    tls: int | None = None,
    listed: Sequence[tuple[int, int]] | None = None,
    **process: Any,
) -> Found:
    """Start, end, kind and certainty of each claim, from the first place on."""
    records = [one for part in parts for one in part]
    shot = shot_of(records, **process)
    assert shot.mappings is not None
    found = Runtimes({name: Detection(note("unexplained"), LIKELY) for name in runtimes}, False)
    return [
        (one.start - AT, one.end - AT, one.label.kind, one.label.certainty)
        for one in stack_claims(shot, shot.mappings, pages, found, tls, listed)
    ]


def stack(number: int, kind: Kind, sure: Certainty, size: int = USUAL, guard: int = PAGE) -> Found:
    """The claims on a stack and its guard."""
    at = number * STEP
    return [(at, at + size, kind, sure), (at - guard, at, kinds.STACK_GUARD, sure)]


THREAD, CACHED, COROUTINE = kinds.THREAD_STACK, kinds.CACHED_STACK, kinds.COROUTINE_STACK
SIGNAL = kinds.SIGNAL_STACK


@pytest.mark.parametrize(
    ("size", "sp", "is_held"),
    [
        (USUAL, 0, True),
        (USUAL, USUAL - 1, True),
        (USUAL, USUAL, False),
        (USUAL, USUAL + PAGE, False),
        (USUAL, -1, False),
        (MIB, 100, True),
    ],
)
def test_a_stack_pointer_holds_the_stack_that_it_lies_in(size: int, sp: int, is_held: bool) -> None:
    """From its first to its last byte."""
    found = claims(area(0, size), threads=(thread(7, AT + sp),))
    assert found == stack(0, THREAD if is_held else CACHED, LIKELY, size)


EXEC, FORKED = 0x400000, 0x400040


def of_program(
    *parts: list[Record],
    threads: tuple[ThreadReading, ...] = (),
    flags: int | None = EXEC,
    main_stack: bool = True,
    listed: Sequence[tuple[int, int]] | None = None,
) -> list[Label]:
    """The label of each stack of a process whose main thread is 7; ``flags`` are those of stat, None without it."""
    top = record(0x7FFF_0000_0000, 0x7FFF_0002_0000, "rw-p", name=b"[stack]")
    shot = shot_of([*(one for part in parts for one in part), *([top] if main_stack else [])], threads=threads)
    if flags is not None:
        shot = shot._replace(stat=Stat(7, b"w", "S", 1, flags, *[0] * 18))
    assert shot.mappings is not None
    found = stack_claims(shot, shot.mappings, NOTHING_KNOWN, Runtimes({}, False), None, listed)
    return [one.label for one in found if one.label.kind is not kinds.STACK_GUARD]


def kinds_of(labels: Sequence[Label]) -> list[tuple[Kind, Certainty]]:
    """What they say."""
    return [(one.kind, one.certainty) for one in labels]


@pytest.mark.parametrize("listed", [None, []])
def test_the_main_thread_has_no_stack_but_that_of_exec(listed: list[tuple[int, int]] | None) -> None:
    """On another one it runs as a coroutine; stacks like it without a thread are coroutines' too."""
    on_it = (thread(7, AT + 100), thread(8, AT + STEP + 100))
    labels = of_program(area(0), area(1), area(2), threads=on_it, listed=listed)
    assert kinds_of(labels) == [(COROUTINE, LIKELY), (THREAD, LIKELY), (COROUTINE, GUESS)]


def test_a_main_thread_with_the_only_stack_of_its_sort() -> None:
    """May be one to which the program gave it, as to its others; a small one is for signals."""
    other = area(1, MIB)
    assert kinds_of(of_program(area(0), other, threads=(thread(7, AT + 100),))) == [
        (THREAD, LIKELY),
        (COROUTINE, GUESS),
    ]
    assert kinds_of(of_program(area(0, 4 * PAGE), threads=(thread(7, AT + 100),))) == [(SIGNAL, LIKELY)]


@pytest.mark.parametrize(("flags", "main_stack"), [(FORKED, True), (None, True), (EXEC, False)])
def test_where_the_main_thread_may_have_any_stack(flags: int | None, main_stack: bool) -> None:
    """A child that a thread forked goes on on that thread's stack."""
    labels = of_program(area(0), area(1), threads=(thread(7, AT + 100),), flags=flags, main_stack=main_stack)
    assert kinds_of(labels) == [(THREAD, LIKELY), (CACHED, LIKELY)]


@pytest.mark.parametrize(
    ("count", "flags", "kind"), [(4, EXEC, CACHED), (5, EXEC, COROUTINE), (5, FORKED, CACHED), (5, None, CACHED)]
)
def test_the_c_library_keeps_few_stacks_of_ended_threads(count: int, flags: int | None, kind: Kind) -> None:
    """At most 40 MiB; but a forked child has those of all its parent's threads."""
    assert {one.kind for one in of_program(*map(area, range(count)), flags=flags)} == {kind}


def test_memory_without_a_mark_is_not_counted_among_the_stacks() -> None:
    """Nor are stacks that threads may have whose place is not known."""
    others = [area(at, MIB, flags=PLAIN) for at in range(1, 60)]
    assert {one.kind for one in of_program(area(0), *others)} == {CACHED}
    some = (thread(9, None), thread(10, None))
    assert {one.kind for one in of_program(*map(area, range(6)), threads=some)} == {CACHED}
    assert {one.kind for one in of_program(*map(area, range(7)), threads=some)} == {COROUTINE}


@pytest.mark.parametrize(
    ("size", "count", "others", "expected"),
    [
        (4 * PAGE, 2, 2, {SIGNAL}),
        (3 * PAGE, 2, 2, {SIGNAL}),
        (4 * PAGE, 3, 2, {COROUTINE}),
        (5 * PAGE, 2, 2, {COROUTINE}),
        (4 * PAGE, 1, 0, {CACHED}),
    ],
)
@pytest.mark.parametrize("listed", [None, [(1, 2)]])
def test_small_stacks_not_more_than_threads_are_for_signals(
    size: int, count: int, others: int, expected: set[Kind], listed: list[tuple[int, int]] | None
) -> None:
    """None is so small that a thread could run on it."""
    threads = tuple(thread(7 + at, 0x1000) for at in range(others))
    labels = of_program(*(area(at, size) for at in range(count)), threads=threads, listed=listed)
    expected = {COROUTINE} if listed is not None and SIGNAL not in expected else expected
    assert {one.kind for one in labels} == expected
    assert {one.certainty for one in labels} == {GUESS}


def test_stacks_for_signals_may_be_unused() -> None:
    """No signal has come yet."""
    unused = PageStates([(AT - PAGE, AT + 4 * PAGE)])
    assert claims(area(0, 4 * PAGE), pages=unused, threads=(thread(7, 1),)) == stack(0, SIGNAL, GUESS, 4 * PAGE)
    assert claims(area(0, 4 * PAGE), pages=unused) == []


def test_small_stacks_on_which_threads_run_are_no_signals() -> None:
    """Where one of that size is a thread's, the others may be."""
    found = of_program(area(0, 4 * PAGE), area(1, 4 * PAGE), threads=(thread(8, AT), thread(9, 1)))
    assert kinds_of(found) == [(THREAD, LIKELY), (CACHED, LIKELY)]


@pytest.mark.parametrize(("of_exec", "is_stack"), [("rwxp", True), ("rw-p", False)])
def test_stacks_are_executable_where_that_of_exec_is(of_exec: str, is_stack: bool) -> None:
    """An object that asks for it (PT_GNU_STACK) has it for all stacks, and only then."""
    below, memory = area(0)
    top = record(0x7FFF_0000_0000, 0x7FFF_0002_0000, of_exec, name=b"[stack]")
    found = claims([below, memory._replace(perms="rwxp"), top], threads=(thread(8, AT + 100),))
    assert found == (stack(0, THREAD, LIKELY) if is_stack else [])


def test_each_thread_has_its_own() -> None:
    """Whichever order they come in."""
    threads = (thread(9, AT + STEP + 100), thread(7, None), thread(8, AT + 100), thread(6, AT + 200))
    found = claims(area(0), area(1), area(2), threads=threads)
    assert found == [*stack(0, THREAD, LIKELY), *stack(1, THREAD, LIKELY), *stack(2, THREAD, LIKELY)]


@pytest.mark.parametrize(
    ("unplaced", "free", "kind"),
    [(0, 1, CACHED), (1, 1, THREAD), (1, 2, THREAD), (1, 3, CACHED), (2, 4, THREAD), (2, 5, CACHED)],
)
def test_threads_without_a_stack_pointer_have_the_free_stacks(unplaced: int, free: int, kind: Kind) -> None:
    """Where they are at least half as many."""
    found = claims(*map(area, range(free)), threads=tuple(thread(9 + at, None) for at in range(unplaced)))
    assert {one[2] for one in found} == {kind, kinds.STACK_GUARD}


@pytest.mark.parametrize(
    ("count", "free", "kind"), [(1, 1, CACHED), (2, 1, THREAD), (2, 2, THREAD), (2, 3, CACHED), (None, 9, THREAD)]
)
def test_where_task_was_not_read_status_counts_the_threads(count: int | None, free: int, kind: Kind) -> None:
    """The main one has no such stack; where status was not read either, there may be as many as stacks."""
    found = claims(*map(area, range(free)), threads=None, count=count)
    assert {one[2] for one in found} == {kind, kinds.STACK_GUARD}


@pytest.mark.parametrize(
    ("size", "guard", "limit", "flags", "expected"),
    [
        (USUAL, PAGE, USUAL, NH, (CACHED, LIKELY)),
        (USUAL - PAGE, PAGE, USUAL, NH, (CACHED, LIKELY)),
        (USUAL - 2 * PAGE, PAGE, USUAL, NH, (CACHED, GUESS)),
        (USUAL, PAGE, 2 * USUAL, NH, (CACHED, GUESS)),
        (USUAL, PAGE, None, NH, (CACHED, GUESS)),
        (USUAL, PAGE, USUAL, PLAIN, (CACHED, GUESS)),
        (USUAL - PAGE, PAGE, USUAL, None, (CACHED, GUESS)),
        (MIB, PAGE, USUAL, PLAIN, None),
        (MIB, PAGE, USUAL, None, None),
    ],
)
def test_a_free_stack_by_its_size_and_mark(
    size: int, guard: int, limit: int | None, flags: str | None, expected: tuple[Kind, Certainty] | None
) -> None:
    """The default size, with the guard or without; MAP_STACK; both make it likely."""
    found = claims(area(0, size, guard, flags=flags), limit=limit)
    assert found == ([] if expected is None else stack(0, *expected, size, guard))


def test_what_has_no_mark_where_others_have_it_is_no_stack() -> None:
    """Whatever its size: a C library marks all of its own."""
    assert claims(area(0, flags=PLAIN), area(1)) == stack(1, CACHED, LIKELY)


def test_the_limit_is_the_usual_one_where_it_is_not_known() -> None:
    """8 MiB; where limits lack the line, no size is usual."""
    for limits, sure in ((None, LIKELY), ({}, GUESS)):
        shot = shot_of(area(0))._replace(limits=limits)
        assert shot.mappings is not None
        found = list(stack_claims(shot, shot.mappings, NOTHING_KNOWN, Runtimes({}, False), None))
        assert [one.label.certainty for one in found] == [sure, sure]


@pytest.mark.parametrize(
    ("sizes", "held", "expected"),
    [
        ((MIB,), False, [(CACHED, GUESS)]),
        ((MIB, MIB), False, [(COROUTINE, GUESS)] * 2),
        ((MIB, 2 * MIB), False, [(CACHED, GUESS)] * 2),
        ((MIB, MIB), True, [(THREAD, LIKELY), (CACHED, LIKELY)]),
        ((MIB, MIB, MIB), True, [(THREAD, LIKELY), (COROUTINE, GUESS), (COROUTINE, GUESS)]),
        ((MIB, 2 * MIB, 2 * MIB), True, [(THREAD, LIKELY), (COROUTINE, GUESS), (COROUTINE, GUESS)]),
        ((USUAL, USUAL), False, [(CACHED, LIKELY)] * 2),
    ],
)
def test_many_free_stacks_of_one_size_are_coroutines(
    sizes: tuple[int, ...], held: bool, expected: list[tuple[Kind, Certainty]]
) -> None:
    """More than one, and more than threads have of it; not of the usual size. The first may be a thread's."""
    threads = (thread(7, AT + 100),) if held else ()
    found = claims(*(area(at, size) for at, size in enumerate(sizes)), threads=threads)
    assert found == [
        claim for at, (size, one) in enumerate(zip(sizes, expected, strict=True)) for claim in stack(at, *one, size)
    ]


def test_fewer_free_stacks_than_threads_have_of_that_size_are_theirs_that_ended() -> None:
    """Not coroutines."""
    threads = (thread(7, AT), thread(8, AT + STEP))
    assert claims(area(0, MIB), area(1, MIB), area(2, MIB), threads=threads)[4:] == stack(2, CACHED, LIKELY, MIB)


def test_what_is_no_stack_hides_none_behind_it() -> None:
    """Read-only memory behind a guard."""
    below, memory = area(0)
    assert claims([below, memory._replace(perms="r--p")], area(1)) == stack(1, CACHED, LIKELY)


@pytest.mark.parametrize(
    ("below", "expected"),
    [("mr mw me", (CACHED, GUESS)), ("mr mw me ac", (COROUTINE, GUESS)), (None, (COROUTINE, GUESS))],
)
def test_a_guard_that_was_writable_once_is_a_coroutines(below: str | None, expected: tuple[Kind, Certainty]) -> None:
    """A C library maps its stacks inaccessible and opens them."""
    assert claims(area(0, MIB, below=below)) == stack(0, *expected, MIB)


@pytest.mark.parametrize("runtime", ["ruby", "php"])
@pytest.mark.parametrize(("flags", "sure"), [(NH, LIKELY), (PLAIN, GUESS)])
def test_free_stacks_of_runtimes_with_fibers(runtime: str, flags: str, sure: Certainty) -> None:
    """Are fibers', likely where the mark shows."""
    assert claims(area(0, flags=flags), runtimes=(runtime,)) == stack(0, COROUTINE, sure)
    held = claims(area(0, flags=flags), runtimes=(runtime,), threads=(thread(7, AT),))
    assert held == stack(0, THREAD, LIKELY)


@pytest.mark.parametrize(
    ("count", "alike", "sure"), [(1, 1, LIKELY), (2, 3, LIKELY), (2, 2, GUESS), (3, 4, GUESS), (None, 9, GUESS)]
)
def test_stacks_may_be_threads_where_it_is_not_known_where_those_run(
    count: int | None, alike: int, sure: Certainty
) -> None:
    """If half of the stacks of that size or more could be theirs."""
    found = claims(*map(area, range(alike)), runtimes=("ruby",), threads=None, count=count)
    assert {one[2:] for one in found} == {(COROUTINE, sure), (kinds.STACK_GUARD, sure)}


@pytest.mark.parametrize(
    ("threads", "count", "sizes", "runtimes", "kinds_found"),
    [
        (None, None, (2 * MIB, 2 * MIB), (), {THREAD}),
        (None, None, (2 * MIB, 2 * MIB), ("php",), {COROUTINE}),
        (None, 3, (2 * MIB, 2 * MIB), (), {THREAD}),
        (None, 2, (2 * MIB, 2 * MIB), (), set()),
        (None, None, (2 * MIB, 3 * MIB), (), set()),
        ((), None, (2 * MIB, 2 * MIB), (), set()),
    ],
)
def test_what_is_repeated_may_be_stacks_where_nothing_else_tells(
    threads: tuple[ThreadReading, ...] | None,
    count: int | None,
    sizes: Sequence[int],
    runtimes: tuple[str, ...],
    kinds_found: set[Kind],
) -> None:
    """Of a bare map, memory of one size behind guards: an allocator's pattern would fit some of it as well."""
    parts = [area(at, size, flags=None) for at, size in enumerate(sizes)]
    found = claims(*parts, threads=threads, count=count, runtimes=runtimes)
    assert {one[2] for one in found} - {kinds.STACK_GUARD} == kinds_found
    assert {one[3] for one in found} <= {GUESS}


def test_that_a_size_is_repeated_weighs_less_than_what_a_runtime_is_known_for() -> None:
    """Only where a mark or a usual size speaks for it does a stack outrank it."""
    for size, flags, is_below in ((2 * MIB, None, True), (USUAL, None, False), (2 * MIB, NH, False)):
        shot = shot_of([*area(0, size, flags=flags), *area(1, size, flags=flags)], threads=None)
        assert shot.mappings is not None
        found = list(stack_claims(shot, shot.mappings, NOTHING_KNOWN, Runtimes({}, False), PAGE))
        assert {one.rank < Rank.RUNTIME for one in found} == {is_below}


def test_fibers_that_the_c_library_does_not_list_are_no_less_likely() -> None:
    """More is known of them."""
    assert claims(area(0), runtimes=("php",), listed=[]) == stack(0, COROUTINE, LIKELY)
    assert claims(area(0, flags=PLAIN), runtimes=("php",), listed=[]) == stack(0, COROUTINE, GUESS)


@pytest.mark.parametrize(
    ("libc", "size", "sure"),
    [
        ("libc.so.6", USUAL, LIKELY),
        ("libc.so.6", USUAL - PAGE, GUESS),
        ("libc-2.17.so", USUAL - PAGE, LIKELY),
        ("libc.so.6", USUAL - 2 * PAGE, GUESS),
    ],
)
def test_a_guard_is_not_part_of_the_default_size(libc: str, size: int, sure: Certainty) -> None:
    """Since glibc 2.27: what has the size together with its guard was made by somebody else, as by Crystal."""
    file = record(PAGE, 2 * PAGE, "r-xp", f"/lib/{libc}".encode())
    assert claims([file], area(0, size), threads=None) == stack(0, THREAD, sure, size)


def test_what_the_c_library_did_not_list_is_no_threads() -> None:
    """What it did is not claimed here, however little of it overlaps."""
    assert claims(area(0), area(1), listed=[(AT, AT + USUAL)]) == stack(1, COROUTINE, GUESS)
    assert claims(area(0), listed=[]) == stack(0, COROUTINE, GUESS)
    for start, end, is_other in (
        (AT - 2 * PAGE, AT - PAGE, True),
        (AT - 2 * PAGE, AT - PAGE + 1, False),
        (AT + USUAL - 1, AT + USUAL + PAGE, False),
        (AT + USUAL, AT + USUAL + PAGE, True),
    ):
        assert claims(area(0), listed=[(start, end)]) == (stack(0, COROUTINE, GUESS) if is_other else [])


def test_what_a_part_of_the_threads_listed_is_not_claimed_again() -> None:
    """Where the lists were not complete, other stacks are what they were; nothing is said of what lies above one."""
    shot = shot_of([*area(0), *area(1)], threads=(thread(7, AT + 100),))
    assert shot.mappings is not None
    own = [(AT - PAGE, AT + MIB)]
    found = list(stack_claims(shot, shot.mappings, NOTHING_KNOWN, Runtimes({}, False), None, own, complete=False))
    assert [(one.start, one.label.kind) for one in found] == [
        (AT + STEP, CACHED),
        (AT + STEP - PAGE, kinds.STACK_GUARD),
    ]


def test_a_stack_whose_top_page_was_never_used_is_none() -> None:
    """But one that a thread runs on."""
    asked = [(AT - PAGE, AT + USUAL)]
    untouched = PageStates(asked, [PageRun(AT, AT + PAGE, PageState.PRESENT)])
    touched = PageStates(asked, [PageRun(AT + USUAL - PAGE, AT + USUAL, PageState.PRESENT)])
    assert claims(area(0), pages=untouched) == []
    assert claims(area(0), pages=touched) == stack(0, CACHED, LIKELY)
    assert claims(area(0), pages=untouched, threads=(thread(7, AT),)) == stack(0, THREAD, LIKELY)


@pytest.mark.parametrize(
    ("sp", "below", "has_tls"),
    [
        (100, "mr mw me", True),
        (USUAL - 2049, "mr mw me", True),
        (USUAL - 2048, "mr mw me", False),
        (USUAL - 1, "mr mw me", False),
    ],
)
def test_the_top_of_a_threads_stack_is_its_tls(sp: int, below: str, has_tls: bool) -> None:
    """Unless the thread itself is there, so that the library did not make the stack."""
    found = claims(area(0, below=below), tls=2048, threads=(thread(7, AT + sp),))
    expected = [(USUAL - 2048, USUAL, kinds.TLS, LIKELY)] if has_tls else []
    held, guard = stack(0, THREAD, LIKELY)
    assert found == [held, *expected, guard]


def test_which_stacks_have_tls() -> None:
    """Threads' of more than twice its size, whose guard was never writable."""
    held = (thread(7, AT),)
    assert len(claims(area(0), tls=None, threads=held)) == 2
    assert len(claims(area(0), tls=USUAL // 2, threads=held)) == 2
    assert len(claims(area(0), tls=USUAL // 2 - 1, threads=held)) == 3
    assert len(claims(area(0, below="mr mw me ac"), tls=2048, threads=held)) == 2
    assert len(claims(area(0), tls=2048)) == 2
    free = claims(area(0), tls=2048, threads=(thread(7, None),))
    assert (USUAL - 2048, USUAL, kinds.TLS, LIKELY) in free


MUSL = 128 * 1024 + PAGE


@pytest.mark.parametrize(
    ("sp", "runtimes", "end"),
    [
        (100, ("musl",), MUSL),
        (0, ("musl",), MUSL),
        (MUSL - 1, ("musl",), MUSL),
        (MUSL, ("musl",), MIB),
        (100, (), MIB),
    ],
)
def test_a_stack_of_musl_ends_where_musl_ends_it(sp: int, runtimes: tuple[str, ...], end: int) -> None:
    """What lies above was mapped later and merged."""
    found = claims(area(0, MIB, flags=None, below=None), runtimes=runtimes, threads=(thread(7, AT + sp),))
    assert found == stack(0, THREAD, LIKELY, end)


@pytest.mark.parametrize(
    ("sp", "others", "flags", "end"),
    [
        (MIB - 100, (MIB, MIB), PLAIN, MIB),
        (MIB - (256 << 10), (MIB, MIB), PLAIN, MIB),
        (MIB - (256 << 10) - 1, (MIB, MIB), PLAIN, 3 * MIB),
        (MIB, (MIB, MIB), PLAIN, 3 * MIB),
        (MIB - 100, (MIB,), PLAIN, 3 * MIB),
        (MIB - 100, (MIB, MIB), NH, 3 * MIB),
        (2 * MIB - 100, (MIB, MIB, 2 * MIB, 2 * MIB), PLAIN, 2 * MIB),
        (MIB - 100, (MIB, MIB, 3 * MIB), PLAIN, 3 * MIB),
    ],
)
def test_a_stack_ends_where_others_do(sp: int, others: tuple[int, ...], flags: str, end: int) -> None:
    """Where its thread runs close below that: what was mapped above it merged with it."""
    rest = [area(1 + at, size, flags=PLAIN) for at, size in enumerate(others)]
    assert claims(area(0, 3 * MIB, flags=flags), *rest, threads=(thread(7, AT + sp),))[:2] == stack(
        0, THREAD, LIKELY, end
    )


@pytest.mark.parametrize(("sp", "end"), [(USUAL - PAGE - 1, USUAL - PAGE), (USUAL - 1, USUAL), (USUAL, USUAL + MIB)])
def test_a_stack_ends_where_those_by_default_do(sp: int, end: int) -> None:
    """With the guard in the size or beside it, as glibc has it in different versions."""
    assert claims(area(0, USUAL + MIB, flags=None, below=None), threads=(thread(7, AT + sp),)) == stack(
        0, THREAD, LIKELY, end
    )


def test_a_stack_of_musl_without_more_above_it() -> None:
    """Is what it is."""
    found = claims(area(0, MUSL, flags=None, below=None), runtimes=("musl",), threads=(thread(7, AT),))
    assert found == stack(0, THREAD, LIKELY, MUSL)


@pytest.mark.parametrize(
    ("size", "flags", "is_held"),
    [(16 * MIB, PLAIN, True), (16 * MIB + PAGE, PLAIN, False), (32 * MIB, NH, True), (PAGE, PLAIN, True)],
)
def test_only_a_stack_pointer_tells_what_has_no_mark(size: int, flags: str, is_held: bool) -> None:
    """Up to 16 MiB."""
    found = claims(area(0, size, flags=flags), threads=(thread(7, AT),))
    assert found == (stack(0, THREAD, LIKELY, size) if is_held else [])


@pytest.mark.parametrize(
    ("change", "is_stack"),
    [
        ({}, True),
        ({"perms": "rwxp"}, False),
        ({"perms": "rw-s"}, False),
        ({"perms": "r--p"}, False),
        ({"flags": NH + " dc"}, False),
        ({"name": b"[anon:scudo:primary]"}, False),
        ({"name": b"[anon:glibc: pthread stack: 8]"}, True),
        ({"name": b"/x", "inode": 3}, False),
        ({"start": AT + PAGE}, False),
    ],
)
def test_what_may_be_a_stack(change: dict[str, Any], is_stack: bool) -> None:
    """Private anonymous memory, readable and writable, kept by fork, right behind its guard."""
    below, memory = area(0)
    found = claims([below, memory._replace(**change)])
    assert found == (stack(0, CACHED, LIKELY) if is_stack else [])


@pytest.mark.parametrize(
    ("change", "is_guard"),
    [
        ({"perms": "---s"}, False),
        ({"perms": "r--p"}, False),
        ({"flags": "mr mw me dc"}, False),
        ({"name": b"[anon:scudo:primary]"}, False),
        ({"name": b"/x", "inode": 3}, False),
        ({"end": AT - PAGE, "start": AT - 2 * PAGE}, False),
    ],
)
def test_what_may_be_a_guard(change: dict[str, Any], is_guard: bool) -> None:
    """Inaccessible memory of the same sort, right below."""
    below, memory = area(0)
    assert bool(claims([below._replace(**change), memory])) is is_guard


@pytest.mark.parametrize(
    ("size", "count", "expected"),
    [
        (16 * 1024, 2, [THREAD, THREAD]),
        (16 * 1024 - PAGE, 2, [THREAD, COROUTINE]),
        (16 * 1024, 1, [THREAD]),
        (32 * MIB, 2, [THREAD, THREAD]),
        (32 * MIB, 1, []),
    ],
)
def test_where_no_marks_show_repeated_sizes_speak(size: int, count: int, expected: list[Kind]) -> None:
    """Of 16 KiB and more; others are told by a stack pointer, up to 16 MiB, or by a size that a thread's stack has."""
    threads = (thread(7, AT), thread(8, None))
    found = claims(*(area(at, size, flags=None) for at in range(count)), threads=threads)
    assert [one[2] for one in found if one[2] is not kinds.STACK_GUARD] == expected


def guards(*places: int, size: int = PAGE) -> PageStates:
    """What pagemap says of installed guards."""
    return PageStates((), [PageRun(AT + at, AT + at + size, PageState.GUARD) for at in places])


def installed(*, size: int = 2 * USUAL, flags: str = NH + " gu") -> list[Record]:
    """A mapping with guards in it, and one before it."""
    return [record(PAGE, 2 * PAGE), record(AT, AT + size)._replace(flags=flags)]


def test_guards_inside_a_mapping_cut_it_into_stacks() -> None:
    """Each reaches to the next guard, the last to the end (glibc 2.42)."""
    found = claims(installed(), pages=guards(0, USUAL))
    guard = [(0, PAGE, kinds.STACK_GUARD, LIKELY), (USUAL, USUAL + PAGE, kinds.STACK_GUARD, LIKELY)]
    assert found[:2] == guard
    assert found[2:] == [
        (PAGE, USUAL, CACHED, LIKELY),
        (0, PAGE, kinds.STACK_GUARD, LIKELY),
        (USUAL + PAGE, 2 * USUAL, CACHED, LIKELY),
        (USUAL, USUAL + PAGE, kinds.STACK_GUARD, LIKELY),
    ]


def test_of_an_installed_guard_its_size_is_told() -> None:
    """In KiB."""
    evidence = notes_of(installed(), pages=guards(0, size=3 * PAGE))[1]
    assert evidence == note("stack-own-size", area=note("guarded-inside", kib=12))


def test_which_guards_are_of_the_mapping() -> None:
    """Those within it, and of pages marked as guards; what ends where the next begins is no stack."""
    assert claims(installed(), pages=guards(2 * USUAL, -PAGE)) == []
    assert claims(installed(flags=NH), pages=guards(0)) == []
    present = PageStates((), [PageRun(AT, AT + PAGE, PageState.PRESENT)])
    assert claims(installed(), pages=present) == []
    last = claims(installed(), pages=guards(2 * USUAL - PAGE))
    assert last == []
    both = claims(installed(), pages=guards(0, PAGE))
    assert [(start, end) for start, end, kind, _ in both if kind is not kinds.STACK_GUARD] == [(2 * PAGE, 2 * USUAL)]


def test_the_first_mapping_may_have_no_guard_below_it() -> None:
    """There is none before it; and nothing behind the last."""
    assert claims([area(0)[1]]) == []
    assert claims([area(0)[0]]) == []


def notes_of(*parts: list[Record], pages: PageStates = NOTHING_KNOWN, **process: Any) -> list[Note]:
    """The evidence of each claim."""
    shot = shot_of([one for part in parts for one in part], **process)
    assert shot.mappings is not None
    found = stack_claims(shot, shot.mappings, pages, Runtimes({}, False), 2048)
    return [claim.label.evidence for claim in found]


def test_what_was_seen_is_told() -> None:
    """The guard's size, the mark, the stack pointer; the guard tells its stack's."""
    marked = note("guarded-map-stack", kib=8)
    held = note("stack-held", area=marked, sp=AT, tid=7)
    assert notes_of(area(0, guard=2 * PAGE), threads=(thread(7, AT),)) == [
        held,
        note("stack-tls", size=2048),
        note("guard-below", stack=held),
    ]
    usual = note("stack-ended", stack=note("stack-default-size", area=note("guarded", kib=4)))
    assert notes_of(area(0, flags=PLAIN)) == [usual, note("guard-below", stack=usual)]
    own = note("stack-own-size", area=note("guarded-map-stack", kib=4))
    repeated = note("stack-repeated", stack=own, count=2)
    assert notes_of(area(0, MIB), area(1, MIB))[0] == repeated
    assert notes_of(area(0, MIB))[0] == note("stack-ended", stack=own)
    common = note("stack-common-size", area=note("guarded-map-stack", kib=4))
    assert notes_of(area(0, MIB), area(1, MIB), threads=(thread(7, AT),))[3] == note("stack-ended", stack=common)
    unknown = note("stack-unknown-thread", stack=own)
    assert notes_of(area(0, MIB), threads=(thread(7, None),))[0] == unknown
    assert notes_of(area(0, MIB, below="mr ac"))[0] == note("stack-guard-carved", stack=own)


def test_shadow_stacks_are_marked_by_the_kernel() -> None:
    """Certain."""
    shot = shot_of(
        [record(AT, AT + PAGE)._replace(flags="rd wr ss"), record(AT + STEP, AT + STEP + PAGE)._replace(flags="rd wr")]
    )
    assert shot.mappings is not None
    [claim] = marked_stack_claims(shot.mappings)
    assert (claim.start, claim.end, claim.rank) == (AT, AT + PAGE, Rank.BRK)
    assert claim.label == Label(kinds.SHADOW_STACK, Certainty.CERTAIN, note("shadow-stack"))


@pytest.mark.parametrize(
    ("size", "guard", "gap", "perms", "is_taken_back"),
    [
        (16 * MIB, 0, 0, "---p", False),
        (16 * MIB + PAGE, 0, 0, "---p", True),
        (16 * MIB + PAGE, PAGE, 0, "---p", False),
        (16 * MIB + PAGE, MIB, 0, "---p", False),
        (16 * MIB + PAGE, MIB + PAGE, 0, "---p", True),
        (16 * MIB + PAGE, PAGE, PAGE, "---p", True),
        (16 * MIB + PAGE, PAGE, 0, "r--p", True),
    ],
)
def test_the_kernels_label_of_a_stack(size: int, guard: int, gap: int, perms: str, is_taken_back: bool) -> None:
    """Is taken back of more than 16 MiB without a guard."""
    below = [record(AT - guard - gap, AT - gap, perms)] if guard else []
    shot = shot_of([*below, record(AT, AT + size, name=b"[stack:9]")])
    assert shot.mappings is not None
    found = list(marked_stack_claims(shot.mappings))
    label = Label(kinds.ANON_PRIVATE, GUESS, note("stack-label-too-large"))
    expected = [(AT, AT + size, Rank.BRK, label)]
    assert [(one.start, one.end, one.rank, one.label) for one in found] == (expected if is_taken_back else [])


def placed(
    rows: Sequence[tuple[Record, Kind, Certainty]], *threads: ThreadReading, blocks: Sequence[int] = ()
) -> list[tuple[Kind, Certainty, str]]:
    """Kind, certainty and evidence of each range after threads without a stack were placed."""
    shot = shot_of([one for one, _, _ in rows], threads=threads)
    table = shot.mappings
    assert table is not None
    labels = [Label(kind, sure, note("unexplained")) for _, kind, sure in rows]
    cut = Partition(list(range(len(rows))), list(table.start), list(table.end), labels, frozenset())
    found = place_loose_threads(shot, table, cut, dict.fromkeys(blocks, (0, 0)))
    assert found._replace(label=labels) == cut
    return [(label.kind, label.certainty, label.evidence.code) for label in found.label]


def anonymous(size: int = 64 * 1024, flags: str = PLAIN, perms: str = "rw-p", at: int = AT) -> Record:
    """Memory of its own."""
    return record(at, at + size, perms)._replace(flags=flags)


@pytest.mark.parametrize(("tid", "kind"), [(7, COROUTINE), (8, THREAD)])
@pytest.mark.parametrize(("flags", "sure"), [(PLAIN, GUESS), (NH, LIKELY)])
def test_the_main_thread_outside_of_its_stack(tid: int, kind: Kind, flags: str, sure: Certainty) -> None:
    """The program has switched stacks."""
    top = record(0x7FFF_0000_0000, 0x7FFF_0002_0000, "rw-p", name=b"[stack]")
    shot = shot_of([anonymous(flags=flags), top], threads=(thread(tid, AT + 100),))
    shot = shot._replace(stat=Stat(7, b"w", "S", 1, EXEC, *[0] * 18))
    assert shot.mappings is not None
    labels = [Label(kinds.ANON_PRIVATE, GUESS, note("unexplained")), Label(kinds.MAIN_STACK, LIKELY, note("x"))]
    cut = Partition([0, 1], list(shot.mappings.start), list(shot.mappings.end), labels, frozenset())
    [found, _] = place_loose_threads(shot, shot.mappings, cut, {}).label
    assert (found.kind, found.certainty) == (kind, sure)


SAME = (kinds.ANON_PRIVATE, GUESS, "unexplained")


@pytest.mark.parametrize(
    ("memory", "sp", "expected"),
    [
        (anonymous(), AT, (THREAD, GUESS, "loose")),
        (anonymous(), AT + 65535, (THREAD, GUESS, "loose")),
        (anonymous(), AT + 65536, SAME),
        (anonymous(), AT + 65536 + PAGE, SAME),
        (anonymous(), AT - 1, SAME),
        (anonymous(flags=NH), AT, (THREAD, LIKELY, "loose-map-stack")),
        (anonymous(perms="r--p"), AT, SAME),
        (anonymous(16 * MIB), AT, (THREAD, GUESS, "loose")),
        (anonymous(16 * MIB + PAGE), AT, SAME),
        (anonymous(16 * MIB + PAGE, NH), AT, (THREAD, LIKELY, "loose-map-stack")),
    ],
)
def test_memory_that_a_stack_pointer_lies_in(memory: Record, sp: int, expected: tuple[Kind, Certainty, str]) -> None:
    """Is a thread's stack, if nobody else explains it and it is not too large for that."""
    assert placed([(memory, kinds.ANON_PRIVATE, GUESS)], thread(7, sp)) == [expected]


@pytest.mark.parametrize(
    ("kind", "sure", "expected"),
    [
        (kinds.BRK, Certainty.CERTAIN, (kinds.BRK, LIKELY, "but-stack-pointer")),
        (kinds.BRK, LIKELY, (kinds.BRK, LIKELY, "unexplained")),
        (kinds.MEMFD, Certainty.CERTAIN, (kinds.MEMFD, LIKELY, "but-stack-pointer")),
        (kinds.FILE_PRIVATE, Certainty.CERTAIN, (kinds.FILE_PRIVATE, Certainty.CERTAIN, "unexplained")),
        (kinds.ANON_PRIVATE, LIKELY, (kinds.ANON_PRIVATE, LIKELY, "unexplained")),
        (kinds.JEMALLOC, GUESS, (kinds.JEMALLOC, GUESS, "unexplained")),
    ],
)
def test_what_is_explained_stays_what_it_is(kind: Kind, sure: Certainty, expected: tuple[Kind, Certainty, str]) -> None:
    """It cannot be called certain to the byte any more, where somebody's stack is in it."""
    assert placed([(anonymous(), kind, sure)], thread(7, AT)) == [expected]


@pytest.mark.parametrize(
    ("size", "flags", "blocks", "cached", "expected"),
    [
        (MIB, PLAIN, (7,), False, (kinds.SIGNAL_STACK, GUESS, "loose-other-stack")),
        (MIB + PAGE, PLAIN, (7,), False, (THREAD, GUESS, "loose")),
        (MIB, NH, (7,), False, (kinds.SIGNAL_STACK, LIKELY, "loose-other-stack")),
        (MIB, PLAIN, (8,), False, (THREAD, GUESS, "loose")),
        (MIB, PLAIN, (), True, (kinds.SIGNAL_STACK, GUESS, "loose-unlike")),
        (MIB + PAGE, PLAIN, (), True, (THREAD, GUESS, "loose")),
        (MIB, NH, (), True, (THREAD, LIKELY, "loose-map-stack")),
    ],
)
def test_a_thread_with_a_stack_elsewhere_is_on_a_signal_stack(
    size: int, flags: str, blocks: tuple[int, ...], cached: bool, expected: tuple[Kind, Certainty, str]
) -> None:
    """As the C library told, or as other stacks show; up to 1 MiB."""
    rows = [(anonymous(size, flags), kinds.ANON_PRIVATE, GUESS)]
    rows += [(anonymous(at=AT + STEP), CACHED, LIKELY)] if cached else []
    assert placed(rows, thread(7, AT), blocks=blocks)[0] == expected


def test_goroutines_and_threads_on_the_cpu_are_not_placed() -> None:
    """Go's heap is where goroutines' stacks are; without a stack pointer nothing is known."""
    go = (anonymous(at=0xC0_0000_0000), kinds.ANON_PRIVATE, GUESS)
    assert placed([go], thread(7, 0xC0_0000_0000)) == [SAME]
    before = (anonymous(at=0xC0_0000_0000 - 65536), kinds.ANON_PRIVATE, GUESS)
    assert placed([before], thread(7, 0xC0_0000_0000 - 1)) == [(THREAD, GUESS, "loose")]
    assert placed([(anonymous(), kinds.ANON_PRIVATE, GUESS)], thread(7, None)) == [SAME]


def test_ranges_out_of_order_are_found_too() -> None:
    """Each thread in its own."""
    rows = [
        (anonymous(at=AT + STEP), kinds.ANON_PRIVATE, GUESS),
        (anonymous(), kinds.ANON_PRIVATE, GUESS),
        (anonymous(at=AT + 2 * STEP), kinds.ANON_PRIVATE, GUESS),
    ]
    found = placed(rows, thread(6, AT - 1), thread(7, AT + STEP), thread(8, AT + 2 * STEP + 5))
    assert [one[0] for one in found] == [THREAD, kinds.ANON_PRIVATE, THREAD]
