"""What fills RES: which ranges make one row, in which order, and what an earlier look adds."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from procmem.analyse.resident import consumers, since, surroundings
from procmem.model import kinds
from procmem.model.kinds import Kind, Part, Role, object_kind
from procmem.model.owners import Arena, MappingName, ObjectFile, Owner, Thread
from procmem.model.region import Certainty
from procmem.model.reports.system import CgroupMemory
from procmem.model.snapshot import ThreadReading
from tests.support.made_processes import labelled, made, record
from tests.support.smaps_text import Record

KIB, MIB = 1 << 10, 1 << 20
BASE = 0x10_0000_0000
LIBC = ObjectFile(b"/usr/lib/libc.so.6")
Row = tuple[Record, Kind, Owner | None]


def row(at: int, kind: Kind, owner: Owner | None = None, *, rss: int = 0, size: int = MIB, **how: Any) -> Row:
    """A mapping, so many MiB above a base; counters in KiB."""
    start = BASE + at * MIB
    return record(start, start + size, "rw-p", b"", Rss=rss, **how), kind, owner


def test_parts_of_an_object_are_one_row() -> None:
    """Code, constants and variables of a library, wherever they lie."""
    text, data = object_kind(Role.LIB, Part.TEXT), object_kind(Role.LIB, Part.DATA)
    (only,) = consumers(labelled(row(0, text, LIBC, rss=400), row(9, data, LIBC, rss=16)))
    assert (only.kind, only.role, only.owner) == (None, Role.LIB, LIBC)
    assert (only.rss, only.virt, only.ranges) == (416 * KIB, 2 * MIB, 2)


def test_the_holes_of_an_object_tell_no_role() -> None:
    """A hole is nobody's part: the role is that of the parts."""
    text = object_kind(Role.EXE, Part.TEXT)
    (only,) = consumers(labelled(row(0, kinds.ELF_GAP, LIBC), row(1, text, LIBC, rss=4)))
    assert only.role is Role.EXE


def test_blocks_of_one_allocator_are_one_row() -> None:
    """Wherever they lie, and without what is reserved for it."""
    regions = labelled(row(0, kinds.JVM_HEAP, rss=100), row(2, kinds.JVM_HEAP, rss=50), row(4, kinds.JVM_HEAP_RESERVE))
    heap, reserve = consumers(regions)
    assert (heap.kind, heap.rss, heap.ranges) == (kinds.JVM_HEAP, 150 * KIB, 2)
    assert (reserve.kind, reserve.rss) == (kinds.JVM_HEAP_RESERVE, 0)


def test_an_arena_is_a_row_with_its_thread() -> None:
    """Each arena by itself, with the first thread that uses it and is still there."""
    one, other = Arena(0x7F00, (5, 7)), Arena(0x7E00)
    reading = ThreadReading(7, b"worker", None, None, False)
    regions = labelled(
        row(0, kinds.GLIBC_ARENA, one, rss=100),
        row(1, kinds.GLIBC_ARENA, other, rss=300),
        row(2, kinds.GLIBC_ARENA, one, rss=20),
    )
    second, first = consumers(regions, [reading])
    assert (first.owner, first.rss, first.ranges, first.thread) == (one, 120 * KIB, 2, Thread(7, b"worker"))
    assert (second.owner, second.rss, second.thread) == (other, 300 * KIB, None)


def test_threads_share_a_row_for_their_stacks() -> None:
    """Stacks, TLS and guards of all threads; ranges count the stacks. The main thread's stack is a row of its own."""
    regions = labelled(
        row(0, kinds.STACK_GUARD, Thread(5)),
        row(1, kinds.THREAD_STACK, Thread(5), rss=8),
        row(2, kinds.TLS, Thread(5), rss=4),
        row(3, kinds.THREAD_STACK, Thread(6), rss=8),
        row(4, kinds.MAIN_STACK, rss=100),
    )
    main, threads = consumers(regions)
    assert (main.kind, main.rss) == (kinds.MAIN_STACK, 100 * KIB)
    assert (threads.kind, threads.owner, threads.rss, threads.ranges) == (kinds.THREAD_STACK, None, 20 * KIB, 2)


def test_files_are_rows_by_name() -> None:
    """Two files are two rows, two mappings of one are one."""
    a, b = MappingName(b"/data/a"), MappingName(b"/data/b")
    regions = labelled(
        row(0, kinds.FILE_SHARED, a, rss=4), row(1, kinds.FILE_SHARED, b, rss=8), row(2, kinds.FILE_SHARED, a, rss=8)
    )
    assert [(found.owner, found.rss) for found in consumers(regions)] == [(a, 12 * KIB), (b, 8 * KIB)]


def test_swap_decides_between_rows_of_equal_rss() -> None:
    """Then the size of the address space."""
    regions = labelled(row(0, kinds.RUBY, size=2 * MIB), row(4, kinds.PHP, size=3 * MIB), row(8, kinds.GO_HEAP, Swap=4))
    assert [found.kind for found in consumers(regions)] == [kinds.GO_HEAP, kinds.PHP, kinds.RUBY]


def test_most_of_the_bytes_say_how_sure_it_is() -> None:
    """A small guess among much that is certain does not make a row a guess."""
    regions = labelled(row(0, kinds.RUBY, rss=4), row(2, kinds.RUBY, rss=100))
    regions.label[0] = regions.label[0]._replace(certainty=Certainty.GUESS)
    assert [found.certainty for found in consumers(regions)] == [regions.label[1].certainty]


SOME = st.sampled_from([kinds.RUBY, kinds.GLIBC_ARENA, kinds.THREAD_STACK, kinds.FILE_SHARED, kinds.ELF_GAP])
OWNERS = st.sampled_from([None, LIBC, Arena(5), Arena(6, (1,)), Thread(9)])


@given(st.lists(st.tuples(SOME, OWNERS, st.integers(0, 1024)), min_size=1, max_size=20))
def test_rows_add_up(rows: list[tuple[Kind, Owner | None, int]]) -> None:
    """Each region is in just one row."""
    regions = labelled(*(row(at, kind, owner, rss=rss) for at, (kind, owner, rss) in enumerate(rows)))
    found = consumers(regions)
    assert sum(one.rss or 0 for one in found) == sum(rss for _, _, rss in rows) * KIB
    assert sum(one.virt for one in found) == len(rows) * MIB
    assert [one.rss for one in found] == sorted((one.rss or 0 for one in found), reverse=True)


def test_what_grew_since() -> None:
    """What is new was nothing before, and what is gone stays as a row of nothing."""
    before = consumers(labelled(row(0, kinds.RUBY, rss=100), row(2, kinds.PHP, rss=50), row(4, kinds.BEAM)))
    after = consumers(labelled(row(0, kinds.RUBY, rss=130), row(6, kinds.GO_HEAP, rss=7)))
    assert [(one.kind, one.rss, one.before) for one in since(after, before)] == [
        (kinds.RUBY, 130 * KIB, 100 * KIB),
        (kinds.GO_HEAP, 7 * KIB, 0),
        (kinds.PHP, 0, 50 * KIB),
    ]


def memory(current: int | None, limit: int | None, swap_limit: int | None = None) -> CgroupMemory:
    return CgroupMemory(current, limit, None, None, {}, swap_limit)


def test_the_group_that_leaves_the_least_room_is_named() -> None:
    """A group without a limit may lie in one that has one; of two limits the nearer one counts, not the lower."""
    shot, _ = made({"smaps": b"", "status": b"Name:\tx\nVmHWM:\t8 kB\n"})

    def use(*levels: tuple[bytes, CgroupMemory]) -> Any:
        found = surroundings(shot, max_map_count=None, oom_score=None, oom_score_adj=None, cgroup=levels)
        assert found.peak_rss == 8 * KIB
        return found.cgroup

    above = use((b"/a/b", memory(10, None)), (b"/a", memory(70, 100)), (b"/", memory(200, None)))
    assert (above.path, above.current, above.limited_by, above.limit, above.charged) == (b"/a/b", 10, b"/a", 100, 70)
    nearer = use((b"/a/b", memory(10, 50)), (b"/a", memory(98, 100, 7)))
    assert (nearer.limited_by, nearer.limit, nearer.swap_limit) == (b"/a", 100, 7)
    free = use((b"/a", memory(10, None)))
    assert (free.limited_by, free.limit, free.charged) == (None, None, None)
    assert use() is None
