"""Blocks hold every region once, in its order, and say what belongs together."""

import pytest
from hypothesis import given

from procmem.analyse.explain import explanation
from procmem.analyse.inspection import inspection
from procmem.model import kinds, owners
from procmem.model.kinds import ByteClass, Grouping, Kind, Part, Role
from procmem.model.note import Note, note
from procmem.model.owners import Owner
from procmem.model.raw import Refusal
from procmem.model.region import Regions
from procmem.model.reports.explanation import BlockForm, Explanation
from procmem.model.reports.resident import Surroundings
from tests.support.made_processes import labelled, made, record, smaps_texts
from tests.support.smaps_text import Record, smaps


def explained(text: bytes, **files: bytes) -> Explanation:
    """A process with this smaps."""
    shot, regions = made({"smaps": text, **files})
    return explanation(
        shot, regions, inspection(shot, regions)._replace(surroundings=Surroundings(max_map_count=65530))
    )


def codes(records: list[Record], **files: bytes) -> list[str]:
    """What is said at the head."""
    return [one.code for one in explained(smaps(records), **files).head]


@given(smaps_texts())
def test_every_region_is_in_one_block(text: bytes) -> None:
    """In the order of the map; a block is told by members of its own."""
    found = explained(text)
    assert found.inspection.regions is not None
    members = [index for block in found.blocks for index in block.regions]
    assert members == list(range(len(found.inspection.regions)))
    assert len(found.classic) == len(members)
    assert all(set(block.shown) <= set(block.regions) for block in found.blocks)


def test_equal_neighbours_are_one_block() -> None:
    """Those that touch; not those with a hole between them."""
    text = smaps(
        [
            record(0x10000, 0x20000, "r--s", b"/tmp/a"),
            record(0x20000, 0x30000, "r--s", b"/tmp/a"),
            record(0x50000, 0x60000, "r--s", b"/tmp/a"),
        ]
    )
    assert [block.regions for block in explained(text).blocks] == [(0, 1), (2,)]


def test_the_head_says_what_matters_most() -> None:
    """Where most of VIRT is used, reserved, untouched or of files."""
    size = 0x100_0000
    used = record(size, 2 * size, Rss=16000, Pss=16000, Private_Dirty=16000, Anonymous=16000)
    assert codes([used])[:1] == ["small"]
    assert codes([record(size, 2 * size, "---p")])[:1] == ["reserved"]
    assert codes([record(size, 2 * size)])[:1] == ["untouched"]
    assert codes([record(size, 2 * size, "r--s", b"/tmp/a")])[:1] == ["files"]
    assert codes([used])[-1] == "no swap"
    assert codes([record(size, 2 * size, Swap=16, SwapPss=16)])[-1] == "swap"


def test_a_process_without_a_map_is_told_by_what_it_is() -> None:
    """A zombie names who has to wait for it."""
    zombie = b"Name:\tx\nState:\tZ (zombie)\nTgid:\t7\nPPid:\t3\nThreads:\t1\n"
    found = explained(b"", status=zombie, stat=b"7 (x) Z 3 7 7 0 -1 4194304" + b" 0" * 43 + b"\n")
    assert [one.code for one in found.head] == ["zombie of"]
    assert found.blocks == ()


BASE, SIZE = 0x10_0000, 0x1_0000
THREAD, OTHER = owners.Thread(7, b"a"), owners.Thread(8, b"b")
LIBRARY, ANOTHER = owners.ObjectFile(b"/lib/a.so"), owners.ObjectFile(b"/lib/b.so")
TEXT, DATA = kinds.object_kind(Role.LIB, Part.TEXT), kinds.object_kind(Role.LIB, Part.DATA)
Row = tuple[int, Kind, Owner | None]


def regions_of(*rows: Row) -> Regions:
    """Regions of one size, each at a place: those at neighbouring places touch."""
    return labelled(*((record(BASE + at * SIZE, BASE + (at + 1) * SIZE), kind, owner) for at, kind, owner in rows))


def of_regions(regions: Regions) -> Explanation:
    """What is told of them."""
    shot, _ = made({"smaps": b""})
    shot = shot._replace(mappings=regions.mappings)
    return explanation(shot, regions, inspection(shot, regions))


ONE, OBJECT, ARENA, MANY = BlockForm.ONE, BlockForm.OBJECT, BlockForm.ARENA, BlockForm.MANY
Block = tuple[tuple[int, ...], BlockForm, tuple[int, ...]]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # parts of one object, wherever they lie, and other objects
        (
            [(0, TEXT, LIBRARY), (5, DATA, LIBRARY), (6, TEXT, ANOTHER), (7, kinds.BRK, None)],
            [((0, 1), OBJECT, (0, 1)), ((2,), ONE, (2,)), ((3,), ONE, (3,))],
        ),
        ([(0, kinds.ANON_PRIVATE, None), (1, TEXT, LIBRARY)], [((0,), ONE, (0,)), ((1,), ONE, (1,))]),
        # an arena and what it reserves behind it
        (
            [(0, kinds.GLIBC_ARENA, None), (1, kinds.GLIBC_ARENA_RESERVE, None), (2, kinds.GLIBC_ARENA, None)],
            [((0, 1), ARENA, (0,)), ((2,), ONE, (2,))],
        ),
        (
            [(0, kinds.GLIBC_ARENA, None), (2, kinds.GLIBC_ARENA_RESERVE, None)],
            [((0,), ONE, (0,)), ((1,), ONE, (1,))],
        ),
        (
            [(0, kinds.GLIBC_ARENA_RESERVE, None), (1, kinds.GLIBC_ARENA_RESERVE, None)],
            [((0,), ONE, (0,)), ((1,), ONE, (1,))],
        ),
        # a stack between its guard and its TLS
        (
            [(0, kinds.STACK_GUARD, THREAD), (1, kinds.THREAD_STACK, THREAD), (2, kinds.TLS, THREAD)],
            [((0, 1, 2), ONE, (1,))],
        ),
        (
            [(0, kinds.STACK_GUARD, THREAD), (2, kinds.THREAD_STACK, THREAD), (4, kinds.TLS, THREAD)],
            [((0,), ONE, (0,)), ((1,), ONE, (1,)), ((2,), ONE, (2,))],
        ),
        ([(0, kinds.STACK_GUARD, THREAD), (1, kinds.TLS, THREAD)], [((0, 1), MANY, (0, 1))]),
        ([(0, kinds.STACK_GUARD, THREAD), (1, kinds.BRK, None)], [((0,), ONE, (0,)), ((1,), ONE, (1,))]),
        ([(0, kinds.MAIN_STACK, None), (1, kinds.TLS, None)], [((0,), ONE, (0,)), ((1,), ONE, (1,))]),
        (
            [(0, kinds.THREAD_STACK, THREAD), (1, kinds.THREAD_STACK, THREAD)],
            [((0,), ONE, (0,)), ((1,), ONE, (1,))],
        ),
        # coroutines' stacks, with their guards, wherever they lie
        (
            [
                (0, kinds.COROUTINE_STACK, None),
                (4, kinds.STACK_GUARD, None),
                (5, kinds.COROUTINE_STACK, None),
                (9, kinds.COROUTINE_STACK, None),
            ],
            [((0, 1, 2, 3), MANY, (0, 2, 3))],
        ),
        (
            [(0, kinds.COROUTINE_STACK, None), (1, kinds.STACK_GUARD, None), (2, kinds.THREAD_STACK, THREAD)],
            [((0,), ONE, (0,)), ((1, 2), ONE, (2,))],
        ),
        (
            [(0, kinds.COROUTINE_STACK, None), (1, kinds.STACK_GUARD, None)],
            [((0,), ONE, (0,)), ((1,), ONE, (1,))],
        ),
        (
            [(0, kinds.COROUTINE_STACK, None), (1, kinds.STACK_GUARD, None), (2, kinds.BRK, None)],
            [((0,), ONE, (0,)), ((1,), ONE, (1,)), ((2,), ONE, (2,))],
        ),
        (
            [(0, kinds.BRK, None), (1, kinds.STACK_GUARD, None), (2, kinds.COROUTINE_STACK, None)],
            [((0,), ONE, (0,)), ((1, 2), ONE, (2,))],
        ),
        # blocks of one allocator, wherever they lie
        (
            [(0, kinds.JEMALLOC, None), (3, kinds.JEMALLOC, None), (4, kinds.MIMALLOC, None)],
            [((0, 1), MANY, (0, 1)), ((2,), ONE, (2,))],
        ),
        (
            [(0, kinds.JEMALLOC, owners.Allocator(b"a")), (1, kinds.JEMALLOC, owners.Allocator(b"b"))],
            [((0,), ONE, (0,)), ((1,), ONE, (1,))],
        ),
        # equal neighbours that touch
        (
            [(0, kinds.ANON_PRIVATE, None), (1, kinds.ANON_PRIVATE, None), (3, kinds.ANON_PRIVATE, None)],
            [((0, 1), MANY, (0, 1)), ((2,), ONE, (2,))],
        ),
        (
            [(0, kinds.ANON_PRIVATE, None), (1, kinds.ANON_PRIVATE, THREAD)],
            [((0,), ONE, (0,)), ((1,), ONE, (1,))],
        ),
        ([(0, kinds.MEMFD, None), (1, kinds.MEMFD, None)], [((0,), ONE, (0,)), ((1,), ONE, (1,))]),
        ([], []),
    ],
)
def test_what_is_told_together(rows: list[Row], expected: list[Block]) -> None:
    """Which regions are a block, in what form, and which of them the explanation is about."""
    found = of_regions(regions_of(*rows)).blocks
    assert [(block.regions, block.form, block.shown) for block in found] == expected


def test_where_each_region_is_in_the_textbook() -> None:
    """The kernel's pages have a place of their own."""
    found = of_regions(regions_of((0, kinds.BRK, None), (1, kinds.VDSO, None), (2, TEXT, LIBRARY)))
    assert found.classic == ("heap", "kernel", "text")


def view(at: int, offset: int, pages: int = 4, name: bytes = b"/memfd:a (deleted)", inode: int = 7) -> Record:
    """A view of an object, by number of the mapping, and by pages of the object."""
    start = BASE + at * SIZE
    return Record(start, start + pages * 4096, "rw-s", offset * 4096, "00:01", inode, name, (("Rss", 0),))


@pytest.mark.parametrize(
    ("views", "pages"),
    [
        ([(0, 4), (0, 4)], 4),
        ([(0, 4), (1, 4)], None),
        ([(0, 4), (2, 2), (0, 2)], 4),
        ([(0, 4), (2, 2), (0, 1)], None),
        ([(2, 4), (0, 4), (1, 4), (2, 2)], 6),
        ([(0, 1), (9, 1), (9, 1), (0, 1)], 2),
        ([(0, 8), (2, 1), (4, 7)], None),
        ([(0, 8), (2, 3), (4, 7), (6, 4)], 11),
    ],
)
def test_views_of_one_object(views: list[tuple[int, int]], pages: int | None) -> None:
    """How much of it they show, where that is at most half of what they take; in whatever order they lie."""
    rows = [(view(at, *one), kinds.JIT, None) for at, one in enumerate(views)]
    regions = labelled(
        *((one, Kind("x", ByteClass.MMAP, grouping=Grouping.ALLOCATOR), owner) for one, _, owner in rows)
    )
    [block] = of_regions(regions).blocks
    assert block.views_of == (None if pages is None else pages * 4096)


def test_only_one_objects_mappings_are_views() -> None:
    """Not those of two, nor memory without an object, nor one mapping in parts."""
    kind = Kind("x", ByteClass.MMAP, grouping=Grouping.ALLOCATOR)
    for others in (view(1, 0, inode=8), Record(BASE + SIZE, BASE + SIZE + 16384, counters=(("Rss", 0),))):
        [block] = of_regions(labelled((view(0, 0), kind, None), (others, kind, None))).blocks
        assert block.views_of is None
    none = [Record(BASE + at * SIZE, BASE + (at + 1) * SIZE, counters=(("Rss", 0),)) for at in range(2)]
    [block] = of_regions(labelled(*((one, kind, None) for one in none))).blocks
    assert block.views_of is None


def head(*records: Record) -> list[Note]:
    """What is said at the head of a process."""
    return list(explained(smaps(records)).head)


MEGA = 0x10_0000


def used(at: int, virt: int, rss: int, perms: str = "rw-p", name: bytes = b"", **more: int) -> Record:
    """A mapping of so many KiB of which so many are in memory, of its own."""
    start = at * MEGA
    private = {"Pss": rss, "Private_Dirty": rss, "Anonymous": rss}
    return record(start, start + virt * 1024, perms, name, Rss=rss, **(private | more))


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([used(1, 64, 32)], note("small", virt=64 << 10, share=50)),
        ([used(1, 64, 64)], note("small", virt=64 << 10, share=100)),
        ([used(1, 64, 28)], note("untouched", virt=64 << 10, rss=28 << 10, untouched=36 << 10)),
        (
            [used(1, 64, 0, "---p"), used(2, 64, 0), used(3, 64, 0, "r--s", b"/a")],
            note("reserved", virt=192 << 10, rss=0, reserved=64 << 10, untouched=64 << 10),
        ),
        (
            [used(1, 64, 0, "---p"), used(2, 68, 0), used(3, 64, 0, "r--s", b"/a")],
            note("untouched", virt=196 << 10, rss=0, untouched=68 << 10),
        ),
        (
            [used(1, 64, 0, "---p"), used(2, 64, 0), used(3, 68, 0, "r--s", b"/a")],
            note("files", virt=196 << 10, rss=0, files=68 << 10),
        ),
        (
            [used(2, 64, 0), used(3, 64, 0, "r--s", b"/a")],
            note("untouched", virt=128 << 10, rss=0, untouched=64 << 10),
        ),
    ],
)
def test_what_most_of_the_space_is(records: list[Record], expected: Note) -> None:
    """From half of it on it is in use; else the largest of the rest names it."""
    assert head(*records)[0] == expected


@pytest.mark.parametrize(
    ("heap", "stack", "expected"),
    [
        (40, 4, note("one class", rss=44 << 10, first="heap")),
        (36, 4, note("one class", rss=40 << 10, first="heap")),
        (32, 4, note("two classes", rss=36 << 10, first="heap", first_size=32 << 10, second="stack", second_size=4096)),
        (4, 8, note("two classes", rss=12 << 10, first="stack", first_size=8192, second="heap", second_size=4096)),
        (4, 0, note("one class", rss=4096, first="heap")),
    ],
)
def test_which_classes_have_most_of_the_memory(heap: int, stack: int, expected: Note) -> None:
    """One that has nine tenths, or the first two."""
    found = head(used(1, 64, heap, name=b"[heap]"), used(9, 64, stack, name=b"[stack]"))
    assert [one for one in found if one.code in {"one class", "two classes"}] == [expected]


def test_nothing_in_memory_is_of_no_class() -> None:
    """The head leaves it out."""
    assert [one.code for one in head(used(1, 64, 0))] == ["untouched", "freed", "no swap"]


@pytest.mark.parametrize(("copied", "word"), [(33, "shm-copied"), (32, "shm")])
def test_shared_objects_that_are_mostly_private_copies(copied: int, word: str) -> None:
    """More than half of what is in memory of them."""
    memory = used(1, 64, 64, "rw-p", b"/memfd:a (deleted)", Anonymous=copied)
    [one] = [one for one in head(memory, used(5, 64, 4)) if one.code.endswith("classes") or one.code == "one class"]
    assert one.figures["first"] == word


def test_what_of_the_memory_is_counted_again_is_told() -> None:
    """And what remains when each page is counted once; what would be freed, with swap."""
    twice = [
        record(at * MEGA, at * MEGA + 0x10000, "rw-s", b"/memfd:a (deleted)", Rss=64, Pss=32, Shared_Dirty=64)
        for at in (1, 2)
    ]
    found = {one.code: one for one in head(*twice)}
    assert found["counted again"] == note("counted again", again=64 << 10, once=64 << 10)
    assert found["freed"] == note("freed", freed=64 << 10)
    assert "no swap" in found
    swapped = {one.code: one for one in head(used(1, 64, 4, name=b"[heap]"), used(2, 64, 0, Swap=12, SwapPss=12))}
    assert swapped["freed, with swap"] == note("freed, with swap", freed=16 << 10)
    assert swapped["swap"] == note("swap", swap=12 << 10, first="mmap")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"status": b"Name:\tx\nState:\tS (x)\nVmSize:\t 8 kB\n"}, [note("no mappings", virt=8192, rss=None)]),
        ({"status": b"Name:\tx\nState:\tS (x)\nVmRSS:\t 4 kB\n"}, [note("no mappings", virt=None, rss=4096)]),
        ({"status": b"Name:\tx\nState:\tS (x)\n"}, []),
        ({"maps": b"00010000-00011000 rw-p 00000000 00:00 0\n"}, [note("no sizes", virt=4096, rss=None)]),
    ],
)
def test_the_head_of_what_may_not_be_read(files: dict[str, bytes], expected: list[Note]) -> None:
    """Without smaps, and without any map."""
    shot, regions = made({"smaps": Refusal.DENIED, **files})
    assert list(explanation(shot, regions, inspection(shot, regions)).head) == expected
