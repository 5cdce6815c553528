"""Memory that no rule explains: what is seen of it, what is asked of the patterns, and what its neighbours say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from procmem.classify.page_states import NOTHING_KNOWN, PageStates
from procmem.classify.partition import Partition
from procmem.classify.rules.fallback import fallback_rules
from procmem.classify.runtimes.blocks import AnonymousRange
from procmem.classify.runtimes.detect import Detection, Runtimes
from procmem.classify.runtimes.table import NO_LIBRARY, RUNTIMES
from procmem.model import kinds, owners
from procmem.model.kinds import Kind
from procmem.model.note import note
from procmem.model.raw import PageRun, PageState
from procmem.model.region import Certainty, Label
from procmem.parse.smaps import parse_smaps
from tests.support.made_processes import record
from tests.support.smaps_text import Record, smaps

if TYPE_CHECKING:
    from procmem.classify.runtimes.detect import GuessRule

PAGE, KIB, MIB = 4096, 1 << 10, 1 << 20
AT = 0x7F00_0000_0000
LIKELY, GUESS, CERTAIN = Certainty.LIKELY, Certainty.GUESS, Certainty.CERTAIN
SEEN = note("unexplained")
UNEXPLAINED = Label(kinds.ANON_PRIVATE, GUESS, SEEN)
RESERVED = Label(kinds.RESERVED, LIKELY, SEEN)
NO_ONE = Runtimes({}, False)
OF_THEM = RUNTIMES[0]
PLAIN = "rd wr mr mw me ac"
Row = tuple[Record, Label]


class Asked(Runtimes):
    """Runtimes of which one pattern fits all blocks, and keeps what it was asked."""

    __slots__ = ()

    def patterns(self) -> list[GuessRule]:
        """The one."""

        def fits(block: AnonymousRange) -> bool:
            BLOCKS.append(block)
            return True

        return [((OF_THEM, kinds.V8, LIKELY), fits)]


BLOCKS: list[AnonymousRange] = []
ASKED = Asked({OF_THEM.name: Detection(note("program-is", name=b"x"), CERTAIN)}, False)


def block(start: int = 0, size: int = MIB, *, label: Label = UNEXPLAINED, **more: Any) -> Row:
    """Writable memory, counted from AT."""
    more = {"flags": PLAIN} | more
    return record(AT + start, AT + start + size, more.pop("perms", "rw-p"))._replace(**more), label


def closed(start: int, size: int, *, label: Label = RESERVED, **more: Any) -> Row:
    """Inaccessible memory."""
    return block(start, size, label=label, perms="---p", **more)


def found(
    *rows: Row, runtimes: Runtimes = NO_ONE, pages: PageStates = NOTHING_KNOWN, deep: bool = False
) -> list[Label]:
    """The label of each range: one a mapping."""
    table = parse_smaps(smaps([one for one, _ in rows]))
    labels = [label for _, label in rows]
    cut = Partition(list(range(len(rows))), list(table.start), list(table.end), labels, frozenset())
    judged = fallback_rules(table, cut, runtimes, pages, deep=deep)
    assert judged._replace(label=labels) == cut
    return judged.label


def asked(*rows: Row, pages: PageStates = NOTHING_KNOWN, deep: bool = False) -> list[AnonymousRange]:
    """What the patterns are asked about."""
    BLOCKS.clear()
    found(*rows, runtimes=ASKED, pages=pages, deep=deep)
    return list(BLOCKS)


def test_only_what_is_unexplained_is_judged() -> None:
    """Writable memory that is a guess, and address space of no kind; what a rule has said stays."""
    for label, is_judged in (
        (UNEXPLAINED, True),
        (UNEXPLAINED._replace(certainty=LIKELY), False),
        (UNEXPLAINED._replace(kind=kinds.JEMALLOC), False),
    ):
        assert bool(asked(block(label=label))) is is_judged
        assert found(block(label=label)) == [label]
    explained = RESERVED._replace(kind=kinds.GLIBC_ARENA_RESERVE)
    assert found(closed(0, PAGE), closed(MIB, PAGE, label=explained))[1] == explained
    assert asked(block(inode=3)) == asked(block(inode=3, name=b"/x")) == []


@pytest.mark.parametrize(("size", "is_asked"), [(64 * KIB - PAGE, False), (64 * KIB, True)])
def test_small_memory_is_nobodys(size: int, is_asked: bool) -> None:
    """Below 64 KiB."""
    assert bool(asked(block(size=size))) is is_asked
    assert bool(asked(block(size=size), block(MIB, 2 * MIB))) is True


def test_what_is_said_of_a_block() -> None:
    """The guess, with what was seen of the allocator and how much it is."""
    evidence = note("by-runtime", kib=1024, runtime=OF_THEM.title, seen=note("program-is", name=b"x"))
    assert found(block(), runtimes=ASKED) == [Label(kinds.V8, LIKELY, evidence)]
    assert found(block(), runtimes=NO_ONE) == [UNEXPLAINED]
    nothing = Runtimes({NO_LIBRARY: Detection(note("no-library-known"), GUESS)}, True)
    [label] = found(block(), runtimes=nothing)
    assert (label.certainty, label.evidence) == (GUESS, note("static-program-memory", kib=1024))


USUAL = AnonymousRange(AT, AT + MIB, True)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (PLAIN, USUAL),
        (None, USUAL),
        (PLAIN + " nr", USUAL._replace(may_be_malloc=False, noreserve=True, noreserve_shows=True)),
        (PLAIN + " hg", USUAL._replace(advised=True)),
        *((f"{PLAIN} {flag}", USUAL._replace(may_be_malloc=False)) for flag in ("um", "uw", "ui", "dp", "sl", "dc")),
        (PLAIN + " nh", USUAL),
    ],
)
def test_flags_of_a_block(flags: str | None, expected: AnonymousRange) -> None:
    """What a program asks the kernel for of memory that it mapped itself is none of malloc's."""
    assert asked(block(flags=flags)) == [expected]


def test_whether_swap_is_not_reserved_for_others() -> None:
    """As a mark that a block lacks."""
    [one, other] = asked(block(), block(16 * MIB, flags=PLAIN + " nr"))
    assert (one.noreserve, one.noreserve_shows) == (False, True)
    assert other.noreserve
    [alone] = asked(block(flags=None))
    assert not alone.noreserve_shows


LIBRARY = Label(kinds.object_kind(kinds.Role.LIB, kinds.Part.TEXT), CERTAIN, SEEN)


@pytest.mark.parametrize(
    ("start", "is_asked_for"),
    [
        (-(1 << 40) - MIB, True),
        (-(1 << 40) - MIB + PAGE, False),
        (-4 * MIB, False),
        (4 * MIB, False),
        (2 * MIB + (1 << 40) - PAGE, False),
        (2 * MIB + (1 << 40), True),
    ],
)
def test_which_places_the_kernel_does_not_give(start: int, is_asked_for: bool) -> None:
    """More than 1 TiB from all that lies around the libraries; where there is none, nobody knows."""
    libc = block(0, 2 * MIB, label=LIBRARY, name=b"/lib/libc.so.6", inode=9)
    [one] = asked(*sorted([libc, block(start)]))
    assert one.asked_for is is_asked_for
    [alone] = asked(*sorted([(libc[0]._replace(name=b"/bin/x"), LIBRARY), block(start)]))
    assert not alone.asked_for


def test_the_place_is_told_where_it_tells_something() -> None:
    """It makes memory another allocator's; of a runtime's own nothing follows from it."""
    glibc = Runtimes({"glibc": Detection(SEEN, LIKELY)}, False)
    libc = block(2 << 40, 2 * MIB, label=LIBRARY, name=b"/lib/libc.so.6", inode=9)
    label, _ = found(block(0, 2 * MIB), libc, runtimes=glibc)
    said = note("by-runtime", kib=2048, runtime="glibc", seen=SEEN)
    assert label == Label(kinds.UNKNOWN_ALLOCATOR, GUESS, note("at-chosen-place", evidence=said))
    assert found(block(0, 2 * MIB), libc, runtimes=ASKED)[0].evidence.code == "by-runtime"


def test_what_lies_between_joins_areas() -> None:
    """A chain of mappings, each less than 1 TiB from the next."""
    step = (1 << 40) - MIB
    libc = block(2 * step, 2 * MIB, label=LIBRARY, name=b"/lib/libc.so.6", inode=9)
    assert not any(one.asked_for for one in asked(block(0), block(step, 2 * MIB), libc))


ALL_OF_IT = [(AT, AT + MIB)]


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        (NOTHING_KNOWN, USUAL),
        (PageStates(ALL_OF_IT, [PageRun(AT, AT + PAGE, PageState.PRESENT)]), USUAL),
        (PageStates(ALL_OF_IT, [PageRun(AT + PAGE, AT + MIB, PageState.PRESENT)]), USUAL._replace(may_be_malloc=False)),
        (PageStates(ALL_OF_IT), USUAL._replace(may_be_malloc=False, touched=False)),
        (PageStates([(AT, AT + PAGE)]), USUAL._replace(may_be_malloc=False)),
    ],
)
def test_pages_of_a_block(pages: PageStates, expected: AnonymousRange) -> None:
    """A block of malloc has a header in its first page; nothing known is no "never used"."""
    assert asked(block(), pages=pages) == [expected]


def test_where_allocators_own_structures_were_read() -> None:
    """What they do not hold is no block of malloc's, and may outweigh it."""
    assert asked(block(), deep=True) == [USUAL._replace(may_be_malloc=False, outweighs_malloc=True)]


@pytest.mark.parametrize(
    ("held", "kind", "outweighs"),
    [
        (MIB, kinds.GLIBC_MMAP_CHUNK, False),
        (MIB - PAGE, kinds.GLIBC_MMAP_CHUNK, True),
        (MIB, kinds.GLIBC_ARENA, False),
        (MIB, kinds.BRK, False),
        (MIB, kinds.GLIBC_MAIN_MMAP, False),
        (MIB, kinds.JEMALLOC, True),
    ],
)
def test_what_outweighs_malloc(held: int, kind: Kind, outweighs: bool) -> None:
    """More than four times what malloc's structures hold."""
    malloc = block(PAGE - AT, held, label=Label(kind, CERTAIN, SEEN))
    rows = [malloc, block(0, 3 * MIB), block(8 * MIB, MIB)]
    assert {one.outweighs_malloc for one in asked(*rows, deep=True)} == {outweighs}
    assert {one.outweighs_malloc for one in asked(*rows)} == {False}


def test_what_was_never_used_outweighs_nothing() -> None:
    """Nor does address space."""
    malloc = block(64 * MIB, MIB, label=Label(kinds.BRK, CERTAIN, SEEN))
    rows = [block(0, 4 * MIB), block(8 * MIB, MIB), malloc]
    assert {one.outweighs_malloc for one in asked(*rows, deep=True)} == {True}
    unused = PageStates([(AT + 8 * MIB, AT + 9 * MIB)])
    assert {one.outweighs_malloc for one in asked(*rows, pages=unused, deep=True)} == {False}
    space = [rows[0], closed(16 * MIB, MIB), malloc]
    assert {one.outweighs_malloc for one in asked(*space, deep=True)} == {False}


HEAP = Label(kinds.BRK, CERTAIN, SEEN)


@pytest.mark.parametrize(
    ("heap", "above", "is_free"),
    [
        ([], None, False),
        ([(0, PAGE)], None, True),
        ([(0, PAGE)], PAGE + MIB, True),
        ([(0, PAGE)], MIB, False),
        ([(0, PAGE)], PAGE, False),
        ([(0, PAGE), (PAGE, 2 * PAGE)], PAGE + MIB, False),
        ([(0, PAGE), (PAGE, 2 * PAGE)], 2 * PAGE + MIB, True),
    ],
)
def test_whether_the_heap_could_grow(heap: list[tuple[int, int]], above: int | None, is_free: bool) -> None:
    """With a mebibyte free above it."""
    low = -64 * MIB
    rows = [block(-128 * MIB, MIB)]
    rows += [block(low + start, end - start, label=HEAP, name=b"[heap]") for start, end in heap]
    rows += [] if above is None else [block(low + above, PAGE, label=HEAP)]
    [one] = asked(*rows)
    assert one.brk_is_free is is_free


@pytest.mark.parametrize(
    ("rows", "room"),
    [
        ([], 0),
        ([closed(MIB, 3 * MIB)], 3 * MIB),
        ([closed(MIB, PAGE)], PAGE),
        ([closed(MIB + PAGE, MIB)], 0),
        ([closed(MIB, MIB, inode=3)], 0),
        ([block(MIB, MIB, label=HEAP)], 0),
    ],
)
def test_room_behind_a_block(rows: list[Row], room: int) -> None:
    """Inaccessible memory that begins where it ends, and is no file's."""
    assert asked(block(), *rows) == [USUAL._replace(room=room)]


def test_room_is_behind_a_whole_mapping() -> None:
    """Of several ranges in one the last has it."""
    table = parse_smaps(smaps([block(0, 2 * MIB)[0], closed(2 * MIB, MIB)[0]]))
    cut = Partition(
        [0, 0, 1], [AT, AT + MIB, AT + 2 * MIB], [AT + MIB, AT + 2 * MIB, AT + 3 * MIB],
        [UNEXPLAINED, UNEXPLAINED._replace(owner=owners.Allocator(b"x")), RESERVED], frozenset({0}),
    )  # fmt: skip
    BLOCKS.clear()
    fallback_rules(table, cut, ASKED, NOTHING_KNOWN, deep=False)
    assert [(one.start - AT, one.room) for one in BLOCKS] == [(0, 0), (MIB, MIB)]


TIB, ROUND = 1 << 40, 16 * MIB


@pytest.mark.parametrize(
    ("other", "is_asked"),
    [
        (block(2 * ROUND), False),
        (block(3 * ROUND), False),
        (block(8 * MIB), False),
        (block(ROUND + 4 * MIB), True),
        (block(ROUND + 8 * MIB - MIB), True),
        (block(TIB), True),
        (block(TIB - ROUND), False),
        (block(2 * ROUND, 2 * MIB), True),
        (block(2 * ROUND, flags=PLAIN + " hg"), True),
        (block(2 * ROUND, flags=""), True),
    ],
)
def test_blocks_that_are_alike_are_judged_once(other: Row, is_asked: bool) -> None:
    """In size, flags, how round their addresses are, up to 8 MiB, and in which TiB they lie."""
    rows = [block(ROUND), other]
    assert len(asked(*rows)) == 1 + is_asked
    assert len(set(found(*rows, runtimes=ASKED))) == 1 + (other[0].end - other[0].start != MIB)


@pytest.mark.parametrize(("size", "first"), [(2 * MIB, 2 * MIB), (4 * MIB, 4 * MIB)])
def test_blocks_that_end_otherwise_are_not_alike(size: int, first: int) -> None:
    """Where the ends are rounder than the starts: of one size, they may still differ in that."""
    rows = [block(ROUND + 8 * MIB - first, size), block(2 * ROUND + 4 * MIB - first, size)]
    assert len(asked(*rows)) == 2


def test_blocks_with_other_pages_or_rooms_are_not_alike() -> None:
    """Each is asked about."""
    rows = [block(ROUND), block(2 * ROUND)]
    start = AT + 2 * ROUND
    for state in (
        PageStates([(start, start + MIB)]),
        PageStates([(start, start + MIB)], [PageRun(start + PAGE, start + MIB, PageState.PRESENT)]),
    ):
        assert len(asked(*rows, pages=state)) == 2
    assert len(asked(*rows, closed(2 * ROUND + MIB, MIB))) == 2


# Neighbours

PROGRAM = Label(kinds.object_kind(kinds.Role.EXE, kinds.Part.DATA), CERTAIN, SEEN)
VDSO = Label(kinds.VDSO, CERTAIN, SEEN)


def of_linker(size: int) -> Label:
    """What small memory beside an object is."""
    return Label(kinds.LOADER, GUESS, note("adjoins-object", kib=size // KIB), owners.Allocator(b"dynamic linker"))


@pytest.mark.parametrize(
    ("start", "size", "is_linkers"),
    [
        (-8 * KIB, 8 * KIB, True),
        (-8 * KIB - PAGE, 8 * KIB, False),
        (MIB, 8 * KIB, True),
        (MIB + PAGE, 8 * KIB, False),
        (MIB, 60 * KIB, True),
        (MIB, 128 * KIB, True),
        (MIB, 128 * KIB + PAGE, False),
    ],
)
@pytest.mark.parametrize("label", [PROGRAM, VDSO])
def test_small_memory_beside_an_object(start: int, size: int, is_linkers: bool, label: Label) -> None:
    """Is the dynamic linker's; below it or above it."""
    rows = sorted([block(0, MIB, label=label), block(start, size)])
    expected = of_linker(size) if is_linkers else UNEXPLAINED
    assert [one for one in found(*rows) if one is not label] == [expected]


@pytest.mark.parametrize(("size", "is_linkers"), [(64 * KIB - PAGE, True), (64 * KIB, False)])
def test_what_an_allocator_may_have_is_not_the_linkers(size: int, is_linkers: bool) -> None:
    """Of 64 KiB and more its patterns are asked first."""
    [_, label] = found(block(0, MIB, label=PROGRAM), block(MIB, size), runtimes=ASKED)
    assert label.kind is (kinds.LOADER if is_linkers else kinds.V8)


def test_with_deep_only_small_memory_is_the_linkers_by_its_neighbour() -> None:
    """Its larger memory has the main thread's TLS in it, which is known then."""
    rows = [block(0, MIB, label=PROGRAM), block(MIB, 64 * KIB)]
    assert found(*rows)[1].kind is kinds.LOADER
    assert found(*rows, deep=True)[1].kind is kinds.ANON_PRIVATE


TLS = Label(kinds.TLS, CERTAIN, SEEN)


@pytest.mark.parametrize(
    ("mapping", "object_at", "expected"),
    [
        ([UNEXPLAINED, TLS, UNEXPLAINED], 3, [True, None, False]),
        ([UNEXPLAINED, TLS, UNEXPLAINED], -1, [False, None, True]),
        ([UNEXPLAINED, TLS, UNEXPLAINED], 5, [None, None, None]),
        ([HEAP_BELOW := Label(kinds.GLIBC_MMAP_CHUNK, CERTAIN, SEEN), UNEXPLAINED, TLS], 3, [None, True, None]),
        ([UNEXPLAINED, HEAP_BELOW, TLS], 3, [None, None, None]),
    ],
)
def test_memory_beside_tls_is_the_linkers_too(
    mapping: list[Label], object_at: int, expected: list[bool | None]
) -> None:
    """In one mapping with it, that adjoins an object: the linker made room for both. True is beside TLS alone."""
    step = 8 * KIB
    rows = sorted([block(0, 3 * step), block(object_at * step, step, label=PROGRAM)])
    table = parse_smaps(smaps([one for one, _ in rows]))
    own = next(at for at, (_, label) in enumerate(rows) if label is not PROGRAM)
    parts = [(own, AT + at * step, AT + (at + 1) * step, label) for at, label in enumerate(mapping)]
    parts.insert(0 if own else 3, (1 - own, table.start[1 - own], table.end[1 - own], PROGRAM))
    vma, starts, ends, labels = map(list, zip(*parts, strict=True))
    cut = Partition(vma, starts, ends, labels, frozenset({own}))
    judged = fallback_rules(table, cut, NO_ONE, NOTHING_KNOWN, deep=True).label
    codes = {note("beside-main-tls", kib=8): True, note("adjoins-object", kib=8): False}
    assert [codes.get(one.evidence) for one in judged if one is not PROGRAM] == expected


@pytest.mark.parametrize(("size", "is_linkers"), [(128 * KIB, True), (128 * KIB + PAGE, False)])
def test_beside_tls_no_allocator_is_asked(size: int, is_linkers: bool) -> None:
    """Of what is not larger than the linker's memory is."""
    table = parse_smaps(smaps([block(0, size + PAGE)[0], block(size + PAGE, PAGE)[0]]))
    starts, ends = [AT, AT + PAGE, table.start[1]], [AT + PAGE, AT + PAGE + size, table.end[1]]
    cut = Partition([0, 0, 1], starts, ends, [TLS, UNEXPLAINED, PROGRAM], frozenset({0}))
    judged = fallback_rules(table, cut, ASKED, NOTHING_KNOWN, deep=True).label
    assert judged[1].kind is (kinds.LOADER if is_linkers else kinds.V8)


HG = PLAIN + " hg"


@pytest.mark.parametrize(
    ("flags", "wholes"),
    [
        ((PLAIN, HG, PLAIN), [(0, 3)]),
        ((HG, PLAIN), [(0, 2)]),
        ((PLAIN, HG, PLAIN + " dc"), [(0, 2), (2, 3)]),
        ((PLAIN, None, HG), [(0, 1), (1, 2), (2, 3)]),
    ],
)
def test_a_block_in_which_huge_pages_were_asked_for_is_one(
    flags: tuple[str | None, ...], wholes: list[tuple[int, int]]
) -> None:
    """madvise() cuts a block's mapping; its parts differ in that flag alone, and its header is in the first."""
    size = 16 * MIB
    rows = [block(at * size, size, flags=text) for at, text in enumerate(flags)]
    assert sorted({((one.start - AT) // size, (one.end - AT) // size) for one in asked(*rows)}) == wholes
    assert len({label.evidence for label in found(*rows, runtimes=ASKED)}) == len({end - low for low, end in wholes})
    pages = PageStates([(AT, AT + len(rows) * size)], [PageRun(AT, AT + PAGE, PageState.PRESENT)])
    assert asked(*rows, pages=pages)[0].may_be_malloc
    gap = [rows[0], block(size + PAGE, size, flags=HG)]
    assert len(asked(*gap)) == 2


def test_small_memory_beside_something_else_stays() -> None:
    """Of a file, or of a heap; the first and the last range have one neighbour only."""
    assert found(block(0, MIB, label=HEAP), block(MIB, PAGE)) == [HEAP, UNEXPLAINED]
    assert found(block(0, MIB, label=PROGRAM), block(MIB, PAGE, inode=3)) == [PROGRAM, UNEXPLAINED]
    assert found(block(0, PAGE), block(PAGE, MIB, label=PROGRAM), block(PAGE + MIB, PAGE)) == [
        of_linker(PAGE),
        PROGRAM,
        of_linker(PAGE),
    ]


STACK = Label(kinds.THREAD_STACK, LIKELY, note("guarded", kib=4), owners.Thread(7, b"w"))
GUARD_MAX = 64 * KIB


def guard_of(stack: Label, sure: Certainty = LIKELY) -> Label:
    """What lies below a stack."""
    return Label(kinds.STACK_GUARD, sure, note("guard-below", stack=stack.evidence), stack.owner)


@pytest.mark.parametrize("kind", [kinds.THREAD_STACK, kinds.CACHED_STACK, kinds.COROUTINE_STACK, kinds.SIGNAL_STACK])
@pytest.mark.parametrize(("sure", "of_guard"), [(CERTAIN, LIKELY), (LIKELY, LIKELY), (GUESS, GUESS)])
def test_small_inaccessible_memory_below_a_stack_is_its_guard(kind: Kind, sure: Certainty, of_guard: Certainty) -> None:
    """Never surer than the stack."""
    stack = STACK._replace(kind=kind, certainty=sure)
    for size, expected in ((GUARD_MAX, guard_of(stack, of_guard)), (GUARD_MAX + PAGE, RESERVED)):
        assert found(closed(-size, size), block(label=stack)) == [expected, stack]


def guard(size: int) -> Label:
    """Small, and nobody's."""
    return Label(kinds.GUARD, LIKELY, note("small-inaccessible", kib=size // KIB))


def test_small_inaccessible_memory_elsewhere_is_a_guard() -> None:
    """Below what is no stack, not right below one, or with nothing above it."""
    assert found(closed(0, GUARD_MAX)) == [guard(GUARD_MAX)]
    assert found(closed(0, GUARD_MAX + PAGE)) == [RESERVED]
    assert found(closed(-PAGE, PAGE), block(label=HEAP)) == [guard(PAGE), HEAP]
    assert found(closed(-2 * PAGE, PAGE), block(label=STACK)) == [guard(PAGE), STACK]
    assert found(block(label=STACK), closed(MIB, PAGE)) == [STACK, guard(PAGE)]
    main = STACK._replace(kind=kinds.MAIN_STACK)
    assert found(closed(-PAGE, PAGE), block(label=main)) == [guard(PAGE), main]
    assert found(closed(0, PAGE, inode=3)) == [RESERVED]


JAVA = Label(kinds.JVM_HEAP, CERTAIN, note("java-low"), owners.Allocator(b"Java"))
REST = Label(kinds.JVM_HEAP_RESERVE, LIKELY, note("continues", below=JAVA.evidence), JAVA.owner)


@pytest.mark.parametrize(
    ("gap", "size", "expected"),
    [
        (0, GUARD_MAX + PAGE, REST),
        (0, GUARD_MAX, guard(GUARD_MAX)),
        (PAGE, GUARD_MAX + PAGE, RESERVED),
    ],
)
def test_large_inaccessible_memory_continues_what_lies_below(gap: int, size: int, expected: Label) -> None:
    """What can grow into it, right below."""
    assert found(block(label=JAVA), closed(MIB + gap, size)) == [JAVA, expected]
    assert found(block(label=HEAP), closed(MIB, MIB)) == [HEAP, RESERVED]


def test_what_was_just_judged_has_a_rest_too() -> None:
    """Neighbours below come first."""
    judged, rest = found(block(), closed(MIB, MIB), runtimes=ASKED)
    assert judged.kind is kinds.V8
    assert rest == Label(kinds.V8_RESERVE, LIKELY, note("continues", below=judged.evidence))


def test_equal_labels_are_one() -> None:
    """Of many ranges that are alike."""
    rows = [closed(at * MIB, PAGE) for at in range(3)]
    assert len({id(label) for label in found(*rows)}) == 1
    many = [block(at * ROUND) for at in range(3)]
    assert len({id(label) for label in found(*many, runtimes=ASKED)}) == 1
