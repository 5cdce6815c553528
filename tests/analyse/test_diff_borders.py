"""What is the same in two looks, and what changed: identities, ranges, thresholds and conditions by made-up regions."""

import pytest

from procmem.analyse.diff import Condition, Look, _change, _clusters, _Namer, _same_process, diff_report
from procmem.errors import AccessRefused
from procmem.model import kinds, owners
from procmem.model.kinds import Kind
from procmem.model.note import note
from procmem.model.owners import Owner, Thread
from procmem.model.region import Region, Regions
from procmem.model.reports.diff import Figures, NumberedThread, Whose
from procmem.model.snapshot import Snapshot, ThreadReading
from procmem.parse.status import parse_stat
from tests.support.made_processes import labelled, made, record
from tests.support.smaps_text import Record

KIB = 1024


def shot(*, pid: int | None = 7, start: int | None = 5, threads: tuple[tuple[int, bytes], ...] = ()) -> Snapshot:
    """A process that began at this tick; None where stat was not read."""
    found, _ = made({})
    line = None if start is None else parse_stat(b"7 (x) S " + b"0 " * 18 + b"%d 0 0\n" % start)
    readings = tuple(ThreadReading(tid, name, None, None, False) for tid, name in threads)
    return found._replace(pid=pid, stat=line, threads=readings or None)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (shot(), shot(), True),
        (shot(), shot(pid=8), False),
        (shot(pid=8), shot(), False),
        (shot(), shot(start=6), False),
        (shot(start=6), shot(), False),
        (shot(start=None), shot(), False),
        (shot(), shot(start=None), False),
        (shot(pid=None), shot(pid=None), False),
    ],
)
def test_one_process_at_two_moments(one: Snapshot, other: Snapshot, is_same: bool) -> None:
    """The same pid, begun at the same tick, where both are known."""
    assert _same_process(one, other) is is_same


def anonymous(*ranges: tuple[int, int], name: bytes = b"", owner: Owner | None = None) -> Regions:
    """Memory that nothing but its address tells apart."""
    return labelled(*((record(start, end, "rw-p", name), kinds.ANON_PRIVATE, owner) for start, end in ranges))


A, B, C, D = 0x10000, 0x20000, 0x30000, 0x40000


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        ([(A, B)], [(A, B)], [(A, B)]),
        ([(A, C)], [(B, D)], [(A, D)]),
        ([(A, B)], [(B, C)], [(A, B), (B, C)]),
        ([(A, D)], [(B, C)], [(A, D)]),
        ([(B, C)], [(A, D)], [(A, D)]),
        ([(A, B), (C, D)], [], [(A, B), (C, D)]),
    ],
)
def test_ranges_that_overlap_are_one(
    first: list[tuple[int, int]], last: list[tuple[int, int]], found: list[tuple[int, int]]
) -> None:
    """Grown or shrunk; what only touches is another."""
    assert _clusters(anonymous(*first), anonymous(*last)) == found
    assert _clusters(anonymous(*first, name=b"/a"), anonymous(*last, name=b"/a")) == []
    assert _clusters(anonymous(*first, owner=owners.MAIN_THREAD)) == []


def regions_of(rss: int | None, virt: int, start: int = A) -> list[Region]:
    """One region of so many kB."""
    found = labelled((record(start, start + virt * KIB), kinds.ANON_PRIVATE, None))[0]
    return [found._replace(rss=None if rss is None else rss * KIB, pss=None, swap=0)]


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        ((8, 64), (16, 64), "grown"),
        ((16, 64), (8, 64), "shrunk"),
        ((8, 64), (12, 64), "grown"),
        ((8, 64), (11, 64), "same"),
        ((12, 64), (9, 64), "same"),
        ((8, 64), (8, 68), "grown"),
        ((8, 64), (9, 60), "shrunk"),
        ((8, 64), (4, 128), "shrunk"),
        ((None, 64), (16, 64), "same"),
        ((None, 64), (16, 68), "grown"),
        (None, (16, 64), "new"),
        ((16, 64), None, "gone"),
        (None, (0, 3), "same"),
    ],
)
def test_what_became_of_memory(
    before: tuple[int | None, int] | None, after: tuple[int | None, int] | None, status: str
) -> None:
    """By what it holds where that changed by 4 kB or more, else by its address space."""
    sides = [[] if side is None else regions_of(*side) for side in (before, after)]
    change = _change(("mmap", kinds.ANON_PRIVATE, Whose(), 0), sides[0], sides[1], 4 * KIB)
    assert (change.status, change.cls, change.kind, change.owner) == (status, "mmap", "anon-private", Whose())
    assert (change.before is None, change.after is None) == (before is None, after is None)


def test_where_a_change_is_told_to_be() -> None:
    """Lowest in the later look, in the earlier one where it is gone."""
    low, high = regions_of(8, 8, A), regions_of(8, 8, B)
    key = ("mmap", kinds.ANON_PRIVATE, Whose(), 0)
    assert _change(key, low, [*high, *regions_of(8, 8, C)], 1).start == B
    assert _change(key, low, [], 1).start == A
    summed = _change(key, [], [*low, *high], 1).after
    assert summed == Figures(16 * KIB, 16 * KIB, None, 0, 2)


FIRST, LAST = ((7, b"main"), (8, b"one"), (9, b"two")), ((7, b"main"), (8, b"other"))


def test_threads_are_known_by_id_or_by_number() -> None:
    """Within one process by their ids, with the name that they have last; else in the order of their ids."""
    same = _Namer([shot(threads=FIRST), shot(threads=LAST)], by_id=True, by_arena=True)
    assert same.whose(Thread(8, b"one")) == Whose(threads=(Thread(8, b"other"),))
    assert same.whose(Thread(99, b"x")) == Whose(owners.owner_name(Thread(99, b"x")) or b"")
    run = _Namer([shot(threads=tuple(reversed(FIRST)))], by_id=False, by_arena=True)
    assert run.whose(Thread(7)) == Whose(threads=(NumberedThread(0, None),))
    assert run.whose(Thread(9)) == Whose(threads=(NumberedThread(2, b"two"),))


def test_arenas_and_their_blocks() -> None:
    """By their threads where both looks know them; a block by its address within one process alone."""
    arena, block = owners.Arena(0x7000, (8, 99)), owners.ArenaBlock(0x9000)
    threads = [shot(threads=FIRST)]
    known = _Namer(threads, by_id=False, by_arena=True)
    assert known.whose(arena) == Whose(threads=(NumberedThread(1, b"one"), Thread(99)), is_arena=True)
    assert _Namer(threads, by_id=True, by_arena=False).whose(arena) == Whose(is_arena=True)
    for by_id in (True, False):
        for by_arena in (True, False):
            told = _Namer(threads, by_id=by_id, by_arena=by_arena).whose(block)
            assert told == Whose(is_arena=True, block=0x9000 if by_id and by_arena else None)


def look(*rows: tuple[Record, Kind, Owner | None], name: str = "a", start: int = 5) -> Look:
    """One side."""
    return Look(name, shot(start=start), labelled(*rows))


def heap(rss: int, *, start: int = A) -> tuple[Record, Kind, Owner | None]:
    """Heap of so many kB, and 4 kB in swap."""
    return (
        record(start, start + 0x10000, "rw-p", b"[heap]", Rss=rss, Pss=rss, Private_Dirty=rss, Swap=4),
        kinds.BRK,
        None,
    )


def file(offset: int, rss: int, *, perms: str = "r--p", start: int = A) -> tuple[Record, Kind, Owner | None]:
    """A part of a mapped file."""
    one = record(start, start + 0x10000, perms, b"/a", Rss=rss)
    return one._replace(offset=offset), kinds.FILE_PRIVATE, None


def test_parts_of_a_mapped_file_are_told_apart() -> None:
    """By where they begin in the file; what moved in memory alone is the same."""
    first = look(file(0, 4), file(0x10000, 8, start=B))
    moved = look(file(0, 4, start=C), file(0x10000, 8, start=D), start=6)
    assert [change.status for change in diff_report(first, moved, threshold=1).changes] == ["same", "same"]
    turned = look(file(0x10000, 8), file(0, 12, start=B), start=6)
    grown = diff_report(first, turned, threshold=1).changes
    assert [(change.status, change.growth) for change in grown] == [("same", 0), ("grown", 8 * KIB)]


def test_the_largest_change_comes_last() -> None:
    """By what is held, then by address space; whichever way it went."""
    stack = record(D, D + 0x10000, "rw-p", b"[stack]", Rss=60), kinds.MAIN_STACK, None
    less = record(D, D + 0x10000, "rw-p", b"[stack]", Rss=4), kinds.MAIN_STACK, None
    report = diff_report(look(heap(8), stack), look(heap(16), less), threshold=1)
    assert [(change.kind, change.status, change.growth) for change in report.changes] == [
        (kinds.BRK, "grown", 8 * KIB), (kinds.MAIN_STACK, "shrunk", -56 * KIB),
    ]  # fmt: skip


def test_gates_are_in_no_class() -> None:
    """Nor in the total; what only one side has was nothing there."""
    gate = record(0xFFFF_FFFF_FF60_0000, 0xFFFF_FFFF_FF60_1000, "--xp", b"[vsyscall]"), kinds.VSYSCALL, None
    report = diff_report(look(heap(8), gate), look(gate), threshold=1)
    nothing = Figures(0, 0, 0, 0, 0)
    held = Figures(0x10000, 8 * KIB, 8 * KIB, 4 * KIB, 1)
    assert [tuple(change) for change in report.classes] == [("heap", held, nothing), ("total", held, nothing)]


@pytest.mark.parametrize(
    ("condition", "figures"),
    [
        (Condition("x", "heap", 7 * KIB, None), {"share": 8 / 12}),
        (Condition("x", "heap", 8 * KIB, None), None),
        (Condition("x", "heap", 0, None), {"share": 8 / 12}),
        (Condition("x", "heap", None, 66.0), {"share": 8 / 12}),
        (Condition("x", "heap", None, 67.0), None),
        (Condition("x", "total", None, 0.0), {"share": 8 / 12}),
        (Condition("x", "stack", 0, None), None),
    ],
)
def test_a_condition_is_met_beyond_its_limit(condition: Condition, figures: dict[str, float] | None) -> None:
    """Of memory and swap together; a class that neither has grows by nothing."""
    report = diff_report(look(heap(8)), look(heap(16)), threshold=1, conditions=[condition])
    if figures is None:
        assert report.failed == ()
        return
    [failed] = report.failed
    assert failed == note("grown by share", **figures, condition="x", cls=condition.cls, grown=8 * KIB)


def test_what_was_nothing_has_grown_by_no_share() -> None:
    """But by bytes, and by any per cent."""
    stack = record(D, D + 0x10000, "rw-p", b"[stack]", Rss=4), kinds.MAIN_STACK, None
    for condition in (Condition("x", "stack", 0, None), Condition("x", "stack", None, 500.0)):
        report = diff_report(look(heap(8)), look(heap(8), stack), threshold=1, conditions=[condition])
        assert report.failed == (note("grown", condition="x", cls="stack", grown=4 * KIB),)


@pytest.mark.parametrize("unknown", [0, 1])
def test_a_condition_on_what_is_not_known_is_refused(unknown: int) -> None:
    """Whether it grew cannot be said, whichever side it is."""
    sides = [look(heap(8)), look(heap(8))]
    sides[unknown].regions.rss[0] = None
    with pytest.raises(AccessRefused) as raised:
        diff_report(sides[0], sides[1], threshold=1, conditions=[Condition("x", "heap", 0, None)])
    assert (raised.value.code, raised.value.pid) == ("no-sizes", 7)
