"""Which further evidence is asked for: pages, words and symbols, each condition from both sides."""

from typing import Any

import pytest

from procmem.classify.evidence import (
    anonymous_ranges,
    answering_runs,
    empty_ranges,
    peekable_ranges,
    symbols_to_look_for,
    touched_ranges,
    words_to_look_for,
)
from procmem.classify.runtimes.table import RUNTIME_SYMBOLS, RUNTIME_WORDS
from procmem.model.raw import MappedFile, PageRun, PageState
from procmem.model.region import ElfObject
from procmem.model.snapshot import Snapshot
from tests.support.made_processes import made, record
from tests.support.smaps_text import Record, maps, smaps

PAGE, KIB, MIB, GIB = 4096, 1 << 10, 1 << 20, 1 << 30
HIGH = 0x7F00_0000_0000
PLAIN = "rd wr mr mw me ac"
TOP = record(0x7FFC_0000_0000, 0x7FFC_0002_1000, name=b"[stack]")


def shot_of(*records: Record) -> Snapshot:
    """A process with these mappings."""
    shot, _ = made({"smaps": smaps([*records, TOP])})
    return shot


def memory(
    start: int, end: int, perms: str = "rw-p", *, flags: str | None = PLAIN, rss: int = 4, swap: int = 0
) -> Record:
    """Anonymous memory of which a page is there, unless something else is said."""
    return record(start, end, perms, Rss=rss, Swap=swap)._replace(flags=flags)


BLOCK = memory(HIGH, HIGH + 64 * KIB)
FIRST = (HIGH, HIGH + PAGE)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([BLOCK], (FIRST,)),
        ([BLOCK._replace(end=HIGH + 60 * KIB)], ()),
        ([memory(HIGH, HIGH + 60 * KIB, flags=PLAIN + " nh")], (FIRST, (HIGH + 56 * KIB, HIGH + 60 * KIB))),
        ([memory(HIGH, HIGH + 60 * KIB), memory(HIGH + 60 * KIB, HIGH + MIB, "---p")], (FIRST,)),
        ([memory(HIGH, HIGH + 60 * KIB), memory(HIGH + 60 * KIB, HIGH + MIB + PAGE, "---p")], ()),
        ([memory(HIGH, HIGH + 60 * KIB), memory(HIGH + 60 * KIB, HIGH + MIB, "r--p")], ()),
        ([memory(HIGH, HIGH + 60 * KIB), memory(HIGH + 60 * KIB, HIGH + MIB, "---p")._replace(inode=3)], ()),
        ([memory(HIGH, HIGH + 64 * KIB, rss=0)], ()),
        ([memory(HIGH, HIGH + 64 * KIB, rss=0, swap=4)], (FIRST,)),
        ([memory(HIGH, HIGH + 64 * KIB, rss=0, flags=PLAIN + " gu")], ((HIGH, HIGH + 64 * KIB),)),
        ([memory(HIGH - MIB, HIGH, flags=PLAIN + " gu"), BLOCK], ((HIGH - MIB, HIGH), FIRST)),
        ([BLOCK._replace(inode=3)], ()),
        ([BLOCK._replace(perms="r--p")], ()),
        ([memory(HIGH - PAGE, HIGH, "---p"), BLOCK], (FIRST, (HIGH + 60 * KIB, HIGH + 64 * KIB))),
        ([memory(HIGH - 2 * PAGE, HIGH - PAGE, "---p"), BLOCK], (FIRST,)),
    ],
)
def test_of_which_memory_pages_are_asked_for(rows: list[Record], expected: tuple[tuple[int, int], ...]) -> None:
    """Of what is large, or marked as a stack, or may be the beginning of an arena; with something in it."""
    assert touched_ranges(shot_of(*rows)) == expected


@pytest.mark.parametrize(("end", "is_whole"), [(4 * GIB, True), (4 * GIB + PAGE, False)])
def test_below_4_gib_all_pages_are_asked_for(end: int, is_whole: bool) -> None:
    """Nothing is large there."""
    start = 4 * GIB - MIB
    assert touched_ranges(shot_of(memory(start, end)))[0] == (start, end if is_whole else start + PAGE)


def test_of_wide_memory_all_pages_are_asked_for() -> None:
    """Of more than 64 GiB; below that the places where arenas may begin, the first one once."""
    places = touched_ranges(shot_of(memory(HIGH, HIGH + 64 * GIB)))
    assert places == tuple((HIGH + at * 64 * MIB, HIGH + at * 64 * MIB + PAGE) for at in range(1024))
    assert touched_ranges(shot_of(memory(HIGH, HIGH + 64 * GIB + PAGE))) == ((HIGH, HIGH + 64 * GIB + PAGE),)


def test_of_so_many_places_pages_are_asked_for() -> None:
    """The lowest; a program may map terabytes."""
    step = 128 * GIB
    rows = [memory(HIGH + at * step, HIGH + at * step + 64 * GIB) for at in range(65)]
    places = touched_ranges(shot_of(*rows))
    assert len(places) == 65_536
    assert places[-1][0] == HIGH + 63 * step + 1023 * 64 * MIB


def test_without_figures_of_pages_nothing_is_asked_for() -> None:
    """What maps alone says of memory is no reason."""
    shot, _ = made({"maps": maps([BLOCK])})
    assert (touched_ranges(shot), empty_ranges(shot)) == ((), ())


@pytest.mark.parametrize(
    ("row", "is_empty"),
    [
        (memory(HIGH, HIGH + 64 * KIB, rss=0), True),
        (memory(HIGH, HIGH + 60 * KIB, rss=0), False),
        (memory(HIGH, HIGH + 64 * KIB), False),
        (memory(HIGH, HIGH + 64 * KIB, rss=0, swap=4), False),
        (memory(HIGH, HIGH + 64 * KIB, "r--p", rss=0), False),
        (memory(HIGH, HIGH + 64 * KIB, "-w-p", rss=0), True),
        (memory(HIGH, HIGH + 64 * KIB, rss=0)._replace(inode=3), False),
    ],
)
def test_memory_that_was_never_used(row: Record, is_empty: bool) -> None:
    """Writable, large, without a file, and nothing of it in memory or in swap."""
    large = memory(HIGH + MIB, HIGH + 2 * MIB, rss=0)
    expected = [(row.start, row.end)] if is_empty else []
    assert empty_ranges(shot_of(row, large)) == (*expected, (large.start, large.end), (TOP.start, TOP.end))


@pytest.mark.parametrize("missing", ["Rss", "Swap"])
def test_where_a_counter_is_missing_nothing_is_never_used(missing: str) -> None:
    """Kernels may lack one."""
    row = memory(HIGH, HIGH + MIB, rss=0)
    shot, _ = made({"smaps": smaps([row._replace(counters=tuple(one for one in row.counters if one[0] != missing))])})
    assert empty_ranges(shot) == ()


def test_which_pages_a_recording_keeps() -> None:
    """Of all that is without a file and not inaccessible, but the page that is the same in every process."""
    rows = [memory(HIGH, HIGH + PAGE, "r--p"), memory(HIGH + MIB, HIGH + 2 * MIB, "---p")]
    file = memory(HIGH + 3 * MIB, HIGH + 4 * MIB)._replace(inode=3, name=b"/x")
    gate = record(0xFFFF_FFFF_FF60_0000, 0xFFFF_FFFF_FF60_1000, "--xp", b"[vsyscall]")
    shot, _ = made({"smaps": smaps([*rows, file, TOP, gate])})
    assert list(anonymous_ranges(shot)) == [(HIGH, HIGH + PAGE), (TOP.start, TOP.end)]


LARGE = memory(HIGH, HIGH + 256 * KIB)


@pytest.mark.parametrize(
    ("row", "is_worth"),
    [
        (LARGE, True),
        (LARGE._replace(end=LARGE.end - PAGE), False),
        (LARGE._replace(inode=3), False),
        (LARGE._replace(name=b"[heap]"), False),
        (LARGE._replace(perms="r--p"), False),
        (LARGE._replace(perms="rw-s"), True),
    ],
)
def test_where_symbols_are_looked_for(row: Record, is_worth: bool) -> None:
    """In processes with writable anonymous memory of 256 KiB, wherever it stands in the map."""
    small = memory(HIGH - MIB, HIGH - MIB + PAGE)
    closed = memory(HIGH - 2 * MIB, HIGH - MIB, "---p")
    assert symbols_to_look_for(shot_of(closed, small, row)) == (RUNTIME_SYMBOLS if is_worth else frozenset())


NORESERVE = memory(HIGH, HIGH + 4 * MIB, flags=PLAIN + " nr", rss=1024)


@pytest.mark.parametrize(
    ("row", "is_worth"),
    [
        (NORESERVE, True),
        (memory(HIGH, HIGH + 4 * MIB, flags=PLAIN + " nr", rss=1025), True),
        (memory(HIGH, HIGH + 4 * MIB, flags=PLAIN + " nr", rss=1020), False),
        (NORESERVE._replace(flags=PLAIN), False),
        (NORESERVE._replace(flags=None), False),
        (NORESERVE._replace(inode=3), False),
        (NORESERVE._replace(name=b"[heap]"), False),
        (NORESERVE._replace(perms="r--p"), False),
        (NORESERVE._replace(perms="rw-s"), False),
    ],
)
def test_where_messages_of_allocators_are_looked_for(row: Record, is_worth: bool) -> None:
    """Where 1 MiB is in use of memory that was mapped without reserving swap."""
    other = memory(HIGH + 16 * MIB, HIGH + 17 * MIB, "---p", flags="mr mw me nr" if row.flags else None, rss=0)
    shot, _ = made({"smaps": smaps([row, other])})
    assert words_to_look_for(shot, []) == (RUNTIME_WORDS if is_worth else frozenset())


def test_no_message_is_looked_for_where_it_is_known_who_maps_so() -> None:
    """Or where no page is known."""

    def library(path: bytes) -> ElfObject:
        return ElfObject(MappedFile("00:01", 1, path, ((0x1000, 0x2000),)), None)

    assert words_to_look_for(shot_of(NORESERVE), [library(b"/lib/libjemalloc.so.2")]) == frozenset()
    assert words_to_look_for(shot_of(NORESERVE), [library(b"/lib/libc.so.6")]) == RUNTIME_WORDS
    shot, _ = made({"maps": maps([NORESERVE])})
    assert words_to_look_for(shot, []) == frozenset()


@pytest.mark.parametrize(
    ("change", "is_peekable"),
    [
        ({}, True),
        ({"perms": "rw-s"}, False),
        ({"perms": "rwxp"}, True),
        ({"perms": "r--p"}, False),
        ({"perms": "r--p", "inode": 3, "name": b"/lib/x"}, True),
        ({"perms": "r--s", "inode": 3, "name": b"/lib/x"}, False),
        ({"perms": "---p"}, False),
        ({"perms": "-w-p"}, False),
        ({"perms": "r-xp"}, False),
        ({"inode": 3, "name": b"/lib/x"}, True),
        ({"inode": 3, "name": b"/dev/mem"}, False),
        ({"inode": 3, "name": b"/dev/zero (deleted)"}, False),
        ({"inode": 3, "name": b"/dev/shm/x"}, False),
        ({"inode": 3, "name": b"/secretmem (deleted)"}, False),
        ({"flags": PLAIN + " io"}, False),
        ({"flags": PLAIN + " pf"}, False),
        ({"flags": PLAIN + " um"}, False),
        ({"flags": PLAIN + " uw"}, False),
        ({"flags": PLAIN + " nh"}, True),
        ({"flags": ""}, True),
    ],
)
def test_where_reading_has_no_effect(change: dict[str, Any], is_peekable: bool) -> None:
    """Private memory that may be written, and read-only parts of files; no devices, no handlers of faults."""
    row = BLOCK._replace(**change)
    found = peekable_ranges(shot_of(row))
    assert found == (((row.start, row.end),) if is_peekable else ()) + ((TOP.start, TOP.end),)


def test_where_flags_are_not_known_nothing_speaks_against_reading() -> None:
    """Kernels before 3.8 print none; what comes twice is told once, in order."""
    shot, _ = made({"maps": maps([TOP, BLOCK, TOP])})
    assert peekable_ranges(shot) == ((BLOCK.start, BLOCK.end), (TOP.start, TOP.end))


def test_pages_outside_of_all_mappings_are_their_neighbours() -> None:
    """Of the first where they lie below it; in whatever order maps gives them."""
    here = record(HIGH, HIGH + MIB)._replace(device="08:01", inode=1, name=b"/here")
    there = record(HIGH + 2 * MIB, HIGH + 3 * MIB)._replace(device="00:2f", inode=2, name=b"/there")
    shot, _ = made({"maps": maps([there, here])})
    state = PageState.PRESENT | PageState.FILE
    places = (HIGH - PAGE, HIGH, HIGH + MIB - PAGE, HIGH + MIB, HIGH + 2 * MIB, HIGH + 3 * MIB)
    runs = [PageRun(at, at + PAGE, state) for at in places]
    assert [run.start for run in answering_runs(shot, runs, {"08:01"})] == list(places[:4])
    assert [run.start for run in answering_runs(shot, runs, {"00:2f"})] == list(places[4:])
