"""Where HotSpot puts what it maps: each rule by itself, at the borders of what it claims."""

from collections.abc import Sequence

import pytest

from procmem.classify.partition import Rank
from procmem.classify.runtimes.detect import Runtimes
from procmem.classify.runtimes.hotspot import claims, heap_size_asked
from procmem.model import kinds
from procmem.model.kinds import Kind
from procmem.model.note import Note, note
from procmem.model.owners import Allocator, ObjectFile, Owner
from procmem.model.region import Certainty
from tests.support.made_processes import made, record
from tests.support.smaps_text import Record, smaps

PAGE, KIB, MIB, GIB = 4096, 1 << 10, 1 << 20, 1 << 30
FAR = 0x7F00_0000_0000
LIKELY, GUESS = Certainty.LIKELY, Certainty.GUESS
Found = set[tuple[int, int, Kind, Certainty]]


def part(start: int, size: int, perms: str = "rw-p", name: bytes = b"", flags: str | None = "rd wr") -> Record:
    """A mapping by its size."""
    return record(start, start + size, perms, name)._replace(flags=flags)


def found(*records: Record, cmdline: Sequence[bytes] = ()) -> Found:
    """What is claimed: start, end, kind, and how sure."""
    shot, _ = made({"smaps": smaps(list(records)), "cmdline": b"".join(word + b"\0" for word in cmdline)})
    assert shot.mappings is not None
    every = claims(shot.mappings, Runtimes({}, False), shot)
    return {(one.start, one.end, one.label.kind, one.label.certainty) for one in every}


HEAP, CLASSES, CODE = kinds.JVM_HEAP, kinds.JVM_METASPACE, kinds.JVM_CODE
HEAP_RESERVE, CLASSES_RESERVE = kinds.JVM_HEAP_RESERVE, kinds.JVM_METASPACE_RESERVE
LOW = 32 * GIB
"""How far compressed pointers reach."""


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        (part(MIB, MIB), HEAP),
        (part(MIB, MIB, "---p"), HEAP_RESERVE),
        (part(MIB - PAGE, MIB), None),
        (part(LOW - MIB, MIB), HEAP),
        (part(LOW - MIB, MIB + PAGE), None),
        (part(LOW, MIB), CLASSES),
        (part(LOW, MIB, "---p"), CLASSES_RESERVE),
        (part(LOW + 5 * GIB - MIB, MIB), CLASSES),
        (part(LOW + 5 * GIB - MIB, MIB + PAGE), None),
        (part(LOW + 5 * GIB, MIB), None),
        (part(FAR, MIB, "rwxp"), CODE),
        (part(FAR, MIB - PAGE, "rwxp"), None),
        (part(FAR, MIB, "rw-p"), None),
        (part(MIB, MIB, "rw-s"), None),
        (part(MIB, MIB, "rw-p", b"/x"), None),
        (part(MIB, MIB, "rw-p", b"[heap]"), None),
    ],
)
def test_what_is_told_by_its_place(one: Record, kind: Kind | None) -> None:
    """Heap below 32 GiB, classes above, code wherever it is executable."""
    assert found(one) == (set() if kind is None else {(one.start, one.end, kind, LIKELY)})


def test_openj9_is_another_machine() -> None:
    """It has a launcher of the same name."""
    assert found(part(MIB, MIB), part(FAR, PAGE, "r-xp", b"/opt/libj9vm29.so")) == set()


def test_the_class_space_of_jdk_8() -> None:
    """The last of the 32 GiB, all of it."""
    start = LOW - GIB
    whole = [part(start, 4 * MIB), part(start + 4 * MIB, GIB - 4 * MIB, "---p")]
    assert {(start, start + 4 * MIB, CLASSES, LIKELY), (start + 4 * MIB, LOW, CLASSES_RESERVE, LIKELY)} <= found(*whole)
    for less in (
        [part(start, 4 * MIB), part(start + 4 * MIB, GIB - 5 * MIB, "---p")],
        [part(start + PAGE, 4 * MIB - PAGE), part(start + 4 * MIB, GIB - 4 * MIB, "---p")],
        [part(start, 4 * MIB), part(start + 5 * MIB, GIB - 5 * MIB, "---p")],
    ):
        assert {kind for _, _, kind, _ in found(*less)} == {HEAP, HEAP_RESERVE}


@pytest.mark.parametrize(
    ("start", "used", "perms", "is_found"),
    [
        (3 * GIB, 4 * MIB, "rw-p", True),
        (3 * GIB + 16 * MIB, 4 * MIB, "rw-p", True),
        (3 * GIB + 8 * MIB, 4 * MIB, "rw-p", False),
        (3 * GIB, 4 * MIB, "---p", False),
        (LOW - 2 * GIB, 4 * MIB, "rw-p", True),
        (LOW - 2 * GIB + 16 * MIB, 4 * MIB, "rw-p", False),
    ],
)
def test_the_class_space_above_a_low_heap(start: int, used: int, perms: str, is_found: bool) -> None:
    """Just 1 GiB, aligned, of which the lower part is in use, behind the heap and what it reserves."""
    rows = [
        part(start - 128 * MIB, 64 * MIB),
        part(start - 64 * MIB, 64 * MIB, "---p"),
        part(start, used, perms),
        part(start + used, GIB - used, "---p"),
    ]
    classes = {(start, start + used, CLASSES, LIKELY), (start + used, start + GIB, CLASSES_RESERVE, LIKELY)}
    assert (classes <= found(*rows)) is is_found
    larger = [*rows[:3], part(start + used, GIB - used + PAGE, "---p")]
    assert not any(kind is CLASSES for _, _, kind, _ in found(*larger))
    smaller = [*rows[:3], part(start + used, GIB - used - PAGE, "---p")]
    assert not any(kind is CLASSES for _, _, kind, _ in found(*smaller))
    assert not any(kind is CLASSES for _, _, kind, _ in found(*rows[1:]))
    opened = [rows[0], part(start - 64 * MIB, 64 * MIB, "r--p"), *rows[2:]]
    assert not any(kind is CLASSES for _, _, kind, _ in found(*opened))


THREAD, GUARD = kinds.THREAD_STACK, kinds.STACK_GUARD


@pytest.mark.parametrize(
    ("zones", "span", "sure"),
    [
        (12 * KIB, MIB, LIKELY),
        (16 * KIB, MIB, LIKELY),
        (12 * KIB, MIB + PAGE, LIKELY),
        (16 * KIB, MIB + PAGE, LIKELY),
        (16 * KIB, MIB + 2 * PAGE, GUESS),
        (16 * KIB, MIB - PAGE, GUESS),
        (16 * KIB, 80 * KIB, GUESS),
        (16 * KIB, 80 * KIB - PAGE, None),
        (16 * KIB, 16 * MIB + 16 * KIB, GUESS),
        (16 * KIB, 16 * MIB + 20 * KIB, None),
        (8 * KIB, MIB, None),
        (20 * KIB, MIB, None),
    ],
)
def test_stacks_of_java_before_the_kernel_marked_them(zones: int, span: int, sure: Certainty | None) -> None:
    """Three or four closed pages at the lower end; by default 1 MiB, or a page more."""
    rows = [part(FAR, zones, "---p", flags="mr"), part(FAR + zones, span - zones)]
    stacks = {(FAR + zones, FAR + span, THREAD, sure), (FAR, FAR + zones, GUARD, sure)}
    assert found(*rows) == (set() if sure is None else stacks)


@pytest.mark.parametrize(
    "rows",
    [
        [part(FAR, 16 * KIB, "---p"), part(FAR + 16 * KIB, MIB - 16 * KIB), part(2 * FAR, PAGE, flags="rd wr nh")],
        [part(FAR, 16 * KIB, "r--p"), part(FAR + 16 * KIB, MIB - 16 * KIB)],
        [part(FAR, 16 * KIB, "---p"), part(FAR + 16 * KIB, MIB - 16 * KIB, "r--p")],
        [part(FAR, 16 * KIB, "---p"), part(FAR + 20 * KIB, MIB - 16 * KIB)],
        [part(FAR, 16 * KIB, "---p", b"[anon:x]"), part(FAR + 16 * KIB, MIB - 16 * KIB)],
        [part(FAR, 16 * KIB, "---p"), part(FAR + 16 * KIB, MIB - 16 * KIB, "rw-p", b"[anon:x]")],
    ],
)
def test_what_is_no_stack_of_java(rows: list[Record]) -> None:
    """Where marks show, others know better; else the two lie side by side, closed and open, of nobody."""
    assert not {kind for _, _, kind, _ in found(*rows)} & {THREAD, GUARD}


def test_heaps_in_files_and_archives_of_classes() -> None:
    """By their names; code is not of the heap."""
    assert found(part(FAR, MIB, "rw-s", b"/memfd:java_heap (deleted)")) == {(FAR, FAR + MIB, HEAP, LIKELY)}
    assert found(part(FAR, MIB, "r-xs", b"/memfd:java_heap (deleted)")) == set()
    assert found(part(FAR, MIB, "r--p", b"/x/classes.jsa")) == {(FAR, FAR + MIB, kinds.JVM_CDS, LIKELY)}
    assert found(part(FAR, MIB, "r--p", b"/x/classes.jsa.old")) == set()


ARCHIVE = part(FAR, 12 * MIB, "rw-p", b"/x/classes.jsa")
BEHIND = FAR + 12 * MIB


@pytest.mark.parametrize(
    ("rows", "claimed"),
    [
        ([part(BEHIND, 4 * MIB), part(BEHIND + 4 * MIB, GIB - 4 * MIB, "---p")], GIB),
        ([part(BEHIND, 4 * MIB), part(BEHIND + 4 * MIB, 5 * GIB - 4 * MIB, "---p")], 5 * GIB),
        ([part(BEHIND, 4 * MIB), part(BEHIND + 4 * MIB, 5 * GIB - 3 * MIB, "---p")], 4 * MIB),
        ([part(BEHIND, 4 * MIB)], 4 * MIB),
        ([part(BEHIND, 4 * MIB), part(BEHIND + 4 * MIB, 4 * MIB, "r-xp")], 4 * MIB),
        ([part(BEHIND, 16 * MIB, "---p"), part(BEHIND + 16 * MIB, 4 * MIB)], 16 * MIB),
        ([part(BEHIND, 4 * MIB), part(BEHIND + 4 * MIB, 4 * MIB, "rw-p", b"/y")], 4 * MIB),
        ([part(BEHIND, 4 * MIB), part(BEHIND + 5 * MIB, 4 * MIB)], 4 * MIB),
        ([part(BEHIND + 16 * MIB - PAGE, 4 * MIB)], 4 * MIB),
        ([part(BEHIND + 16 * MIB, 4 * MIB)], 0),
        ([], 0),
    ],
)
def test_the_class_space_above_the_archive(rows: list[Record], claimed: int) -> None:
    """Soon behind it: one block of a round size, at most 5 GiB, and nothing that adjoins it."""
    for before in ([], [part(FAR - GIB, PAGE)]):
        seen = {one for one in found(*before, ARCHIVE, *rows) if one[2] in (CLASSES, CLASSES_RESERVE)}
        assert sum(end - start for start, end, *_ in seen) == claimed


def test_the_usual_class_space_ends_at_its_size() -> None:
    """What adjoins it behind 1 GiB, counted from where it is aligned, is somebody else's."""
    first = -(-BEHIND // (16 * MIB)) * 16 * MIB
    rows = [part(first, 4 * MIB), part(first + 4 * MIB, GIB - 4 * MIB, "---p"), part(first + GIB, 16 * MIB, "---p")]
    seen = {one for one in found(ARCHIVE, *rows) if one[2] in (CLASSES, CLASSES_RESERVE)}
    assert max(end for _, end, *_ in seen) == first + GIB


MARK = part(2 * FAR // 2 + 64 * GIB, PAGE, "r--p", b"/x/classes_nocoops.jsa")


@pytest.mark.parametrize(
    ("cmdline", "start", "sure"),
    [((), FAR, GUESS), ((b"java", b"-Xmx64m"), FAR, LIKELY), ((b"java", b"-Xmx32m"), FAR + 32 * MIB, LIKELY)],
)
def test_a_heap_of_whole_pointers(cmdline: tuple[bytes, ...], start: int, sure: Certainty) -> None:
    """The run with the most writable memory, or the one that can hold what was asked for."""
    rows = [part(FAR, 16 * MIB), part(FAR + 16 * MIB, 48 * MIB, "---p"), part(FAR + GIB, 8 * MIB), MARK]
    seen = {one for one in found(*rows, cmdline=cmdline) if one[2] in (HEAP, HEAP_RESERVE)}
    assert {one[3] for one in seen} == {sure}
    assert (min(one[0] for one in seen), max(one[1] for one in seen)) == (start, FAR + 64 * MIB)
    assert found(*rows[:3], cmdline=cmdline) == set()


def test_a_heap_that_merged_with_others_begins_at_its_alignment() -> None:
    """2 MiB."""
    rows = [part(FAR + MIB, 15 * MIB), part(FAR + 16 * MIB, 48 * MIB, "---p"), MARK]
    seen = {one for one in found(*rows) if one[2] is HEAP}
    assert seen == {(FAR + 2 * MIB, FAR + 16 * MIB, HEAP, GUESS)}


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ((b"java", b"-Xmx2g"), 2 * GIB),
        ((b"-XX:MaxHeapSize=512m",), 512 * MIB),
        ((b"-Xmx1g", b"-Xmx2g"), 2 * GIB),
        ((b"-Xmx1g", b"-Xmxwhat"), GIB),
        ((b"-Xms1g",), None),
        ((), None),
    ],
)
def test_the_size_that_was_asked_for(words: tuple[bytes, ...], size: int | None) -> None:
    """The last counts."""
    assert heap_size_asked(words) == size


@pytest.mark.parametrize(
    ("low", "high", "gap", "size", "is_found"),
    [
        ("---p", "r--p", 0, PAGE, True),
        ("r--p", "---p", 0, PAGE, True),
        ("r--p", "r--p", 0, PAGE, False),
        ("---p", "rw-p", 0, PAGE, False),
        ("---p", "r--p", PAGE, PAGE, False),
        ("---p", "r--p", 0, 2 * PAGE, False),
    ],
)
def test_the_pages_by_which_threads_are_stopped(low: str, high: str, gap: int, size: int, is_found: bool) -> None:
    """Two neighbours, one closed and one to be read."""
    end = FAR + PAGE + gap
    seen = found(part(FAR, PAGE, low), part(end, size, high))
    assert seen == ({(FAR, FAR + 2 * PAGE, kinds.JVM_SAFEPOINT, LIKELY)} if is_found else set())


OTHERS = [part(PAGE, PAGE), part(2 * MIB, PAGE, "rw-p", b"[heap]"), part(FAR - MIB, PAGE)]
"""Nothing of Java's, before all else."""


def test_what_is_not_javas_hides_nothing_behind_it() -> None:
    """Each sort of memory, the second time."""
    for start in (FAR, FAR + 2 * GIB):
        code = part(start, MIB, "rwxp")
        assert (start, start + MIB, CODE, LIKELY) in found(*OTHERS, part(FAR - 8 * MIB, MIB, "rwxp"), code)
    heap = part(4 * MIB, MIB)
    assert (heap.start, heap.end, HEAP, LIKELY) in found(*OTHERS[:2], heap)
    code_of_heap = part(FAR, MIB, "r-xs", b"/memfd:java_heap (deleted)")
    file = part(FAR + MIB, MIB, "rw-s", b"/memfd:java_heap (deleted)")
    assert found(code_of_heap, file) == {(file.start, file.end, HEAP, LIKELY)}
    pages = [
        part(FAR + at * MIB + half * PAGE, PAGE, "---p" if half else perms)
        for at, perms in ((0, "rw-p"), (1, "r--p"))
        for half in (0, 1)
    ]
    assert {one[0] for one in found(*pages)} == {FAR + MIB}
    wide = [part(FAR, 2 * PAGE, "---p"), part(FAR + 2 * PAGE, PAGE, "r--p"), *pages[2:]]
    assert {one[0] for one in found(*wide)} == {FAR + MIB}
    start = LOW - GIB
    whole = [part(start, 4 * MIB), part(start + 4 * MIB, GIB - 4 * MIB, "---p")]
    assert (start, start + 4 * MIB, CLASSES, LIKELY) in found(part(2 * MIB, MIB), *whole)


def test_stacks_of_java_behind_what_is_none() -> None:
    """Another gap, or one that is too small."""
    rows = [part(FAR, 8 * KIB, "---p"), part(FAR + 8 * KIB, MIB)]
    rows += [part(FAR + 4 * MIB, 16 * KIB, "---p"), part(FAR + 4 * MIB + 16 * KIB, 60 * KIB)]
    last = FAR + 8 * MIB
    rows += [part(last, 16 * KIB, "---p"), part(last + 16 * KIB, MIB - 16 * KIB)]
    assert found(*rows) == {(last + 16 * KIB, last + MIB, THREAD, LIKELY), (last, last + 16 * KIB, GUARD, LIKELY)}


def test_the_class_space_above_a_low_heap_is_the_pair_that_fits() -> None:
    """Others of the same reservation lie before it."""
    start = 3 * GIB
    rows = [
        part(start - 192 * MIB, 64 * MIB),
        part(start - 128 * MIB, 64 * MIB, "---p"),
        part(start - 64 * MIB, 32 * MIB),
        part(start - 32 * MIB, 32 * MIB, "---p"),
        part(start, 4 * MIB),
        part(start + 4 * MIB, GIB - 4 * MIB, "---p"),
    ]
    seen = {(low, high) for low, high, kind, _ in found(*rows) if kind in (CLASSES, CLASSES_RESERVE)}
    assert seen == {(start, start + 4 * MIB), (start + 4 * MIB, start + GIB)}


@pytest.mark.parametrize(("extra", "ends"), [(0, GIB), (PAGE, 2 * GIB)])
def test_a_class_space_that_is_not_aligned_goes_on(extra: int, ends: int) -> None:
    """Only one that begins at its alignment ends at the usual size."""
    first = -(-BEHIND // (16 * MIB)) * 16 * MIB - extra
    rows = [
        part(first, 4 * MIB),
        part(first + 4 * MIB, GIB - 4 * MIB, "---p"),
        part(first + GIB, 4 * MIB),
        part(first + GIB + 4 * MIB, GIB - 4 * MIB, "---p"),
    ]
    seen = [one for one in found(ARCHIVE, *rows) if one[2] in (CLASSES, CLASSES_RESERVE)]
    assert max(one[1] for one in seen) == first + ends


def high_heaps(*rows: Record, asked: bytes = b"") -> list[tuple[int, int]]:
    """Where the heap of a process with whole pointers lies, counted from FAR."""
    seen = found(*rows, MARK, cmdline=(b"java", asked) if asked else ())
    return sorted((one[0] - FAR, one[1] - FAR) for one in seen if one[2] in (HEAP, HEAP_RESERVE))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (b"", [(0, 8 * MIB), (8 * MIB, 16 * MIB)]),
        (b"-Xmx16m", [(0, 8 * MIB), (8 * MIB, 16 * MIB)]),
        (b"-Xmx6m", [(GIB, GIB + 6 * MIB)]),
        (b"-Xmx14m", [(2 * MIB, 8 * MIB), (8 * MIB, 16 * MIB)]),
        (b"-Xmx18m", []),
        (b"-Xmx4m", [(GIB + 2 * MIB, GIB + 6 * MIB)]),
    ],
)
def test_which_run_is_the_heap_of_whole_pointers(asked: bytes, expected: list[tuple[int, int]]) -> None:
    """That with the most writable memory in what was asked for; the first of those that are equal."""
    first = [part(FAR, 8 * MIB), part(FAR + 8 * MIB, 8 * MIB, "---p")]
    second = [part(FAR + GIB, 6 * MIB)]
    small = [part(FAR + 2 * GIB + PAGE, MIB)]
    assert high_heaps(*first, *second, *small, asked=asked) == expected


def test_of_runs_that_are_equal_the_first_is_the_heap() -> None:
    """What lies below what was asked for counts for nothing."""
    runs = [[part(FAR + at, 8 * MIB), part(FAR + at + 8 * MIB, 8 * MIB, "---p")] for at in (0, GIB)]
    assert high_heaps(*runs[0], *runs[1], asked=b"-Xmx2m") == [(14 * MIB, 16 * MIB)]


def test_runs_end_where_code_or_another_begins() -> None:
    """A run begins with what may be written; closed memory belongs to what lies below it."""
    rows = [
        part(FAR, 2 * MIB, "---p"),
        part(FAR + 2 * MIB, 2 * MIB),
        part(FAR + 4 * MIB, 2 * MIB, "---p"),
        part(FAR + 6 * MIB, 4 * MIB),
        part(FAR + 10 * MIB, 2 * MIB, "r--p"),
        part(FAR + 12 * MIB, 2 * MIB, "---p"),
        part(FAR + 14 * MIB, 2 * MIB, "rwxp"),
        part(FAR + 16 * MIB, 3 * MIB),
    ]
    assert high_heaps(*rows) == [(6 * MIB, 10 * MIB), (10 * MIB, 12 * MIB), (12 * MIB, 14 * MIB)]
    assert high_heaps(*rows, asked=b"-Xmx4m") == [(2 * MIB, 4 * MIB), (4 * MIB, 6 * MIB)]
    assert high_heaps(*rows[6:]) == [(16 * MIB, 19 * MIB)]
    assert high_heaps(rows[0], rows[6]) == []


def test_what_is_said_of_each_part() -> None:
    """What was seen; stacks and class spaces outrank what the place alone says."""

    def said(*rows: Record) -> set[tuple[int, Note, Owner | None]]:
        shot, _ = made({"smaps": smaps(list(rows))})
        assert shot.mappings is not None
        return {
            (one.rank, one.label.evidence, one.label.owner) for one in claims(shot.mappings, Runtimes({}, False), shot)
        }

    above, java = Rank.RUNTIME + 1, Allocator(b"Java")
    low = [part(2 * MIB, 12 * KIB, "---p"), part(2 * MIB + 12 * KIB, MIB - 12 * KIB)]
    assert said(*low) == {
        (above, note("java-guard-zones", kib=12, size=MIB), None),
        (Rank.RUNTIME, note("java-low"), java),
    }
    start = LOW - GIB
    old = [part(start, 4 * MIB), part(start + 4 * MIB, GIB - 4 * MIB, "---p")]
    assert (above, note("java-old-class-space"), java) in said(*old)
    start = 3 * GIB
    rows = [part(start - 2 * MIB, MIB), part(start - MIB, MIB, "---p"), part(start, 4 * MIB)]
    assert (above, note("java-low-class-space"), java) in said(*rows, part(start + 4 * MIB, GIB - 4 * MIB, "---p"))
    assert said(part(FAR, MIB, "rwxp")) == {(Rank.RUNTIME, note("java-executable"), Allocator(b"code cache"))}
    assert said(part(LOW, MIB)) == {(Rank.RUNTIME, note("java-class-space"), java)}
    assert said(ARCHIVE, part(BEHIND, MIB)) == {
        (Rank.RUNTIME, note("java-archive"), ObjectFile(ARCHIVE.name)),
        (Rank.ALLOCATOR - 1, note("java-above-archive"), java),
    }
    assert said(part(FAR, 2 * MIB), MARK) >= {(Rank.RUNTIME, note("java-high-heap", size=2 * MIB), java)}
    assert said(part(FAR, PAGE, "---p"), part(FAR + PAGE, PAGE, "r--p")) == {(Rank.RUNTIME, note("java-polling"), java)}
