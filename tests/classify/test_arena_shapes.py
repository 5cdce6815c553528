"""Blocks that are shaped like heaps of malloc's arenas, and how the figures of a mapping are dealt out."""

from collections.abc import Sequence
from typing import Any

import pytest

from procmem.classify.apportion import shared_out
from procmem.classify.page_states import NOTHING_KNOWN, PageStates
from procmem.classify.partition import Partition
from procmem.classify.rules.malloc_arenas import arena_claims, arena_heaps, heap_sizes, last_of_data
from procmem.classify.runtimes.detect import Detection, Runtimes
from procmem.model import kinds
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.raw import PageRun, PageRuns, PageState, Refusal
from procmem.model.region import Certainty, Label, Share
from procmem.parse.smaps import parse_smaps
from tests.support.made_processes import record
from tests.support.smaps_text import Record, smaps

PAGE, KIB, MIB = 4096, 1 << 10, 1 << 20
SIZE = 64 * MIB
AT = 0x7F00_0000_0000
GLIBC = Runtimes({"glibc": Detection(note("unexplained"), Certainty.LIKELY)}, False)
NR = "rd wr mr mw me nr"


def part(start: int, end: int, perms: str = "rw-p", flags: str | None = NR, name: bytes = b"") -> Record:
    """A mapping, counted from AT."""
    return record(AT + start, AT + end, perms, name)._replace(flags=flags)


def table(*records: Record) -> Mappings:
    """A map."""
    return parse_smaps(smaps(list(records)))


USED, REST = part(0, MIB), part(MIB, SIZE, "---p")


def shapes(*records: Record, bits: int = 64) -> list[tuple[int, int, int]]:
    """Start, top and end of each block, counted from AT."""
    return [tuple(place - AT for place in heap) for heap in arena_heaps(table(*records), bits)]  # type: ignore[misc]


def test_what_is_no_heap_hides_none_behind_it() -> None:
    """Closed memory behind another sort of memory, behind a gap, or of another size."""
    rows = [part(-4 * SIZE, -3 * SIZE, "r--p"), part(-3 * SIZE, -2 * SIZE, "---p"), part(-2 * SIZE, -SIZE)]
    rows += [part(-SIZE + PAGE, -SIZE + MIB, "---p"), part(-MIB, -PAGE), part(-PAGE, 0, "---p"), USED, REST]
    assert shapes(*rows)[-1] == (0, MIB, SIZE)


def test_how_large_a_heap_is() -> None:
    """HEAP_MAX_SIZE of glibc."""
    assert (heap_sizes(32), heap_sizes(64), heap_sizes(None)) == ((MIB,), (SIZE,), (SIZE,))


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([USED, REST], [(0, MIB, SIZE)]),
        ([part(0, MIB, flags=None), part(MIB, SIZE, "---p", flags=None)], [(0, MIB, SIZE)]),
        ([part(0, SIZE - PAGE), part(SIZE - PAGE, SIZE, "---p")], [(0, SIZE - PAGE, SIZE)]),
        ([part(-MIB, MIB), REST], [(0, MIB, SIZE)]),
        ([part(PAGE, MIB), REST], []),
        ([USED, part(MIB, SIZE - PAGE, "---p")], []),
        ([USED, part(MIB, SIZE + PAGE, "---p")], []),
        ([USED, part(MIB + PAGE, SIZE, "---p")], []),
        ([part(0, MIB, "r--p"), REST], []),
        ([part(0, MIB, "rwxp"), REST], []),
        ([part(0, MIB, name=b"[heap]"), REST], []),
        ([part(0, MIB, name=b"/x")._replace(inode=3), REST], []),
        ([USED, REST._replace(name=b"/x", inode=3)], []),
        ([USED, part(MIB, SIZE, "r--p")], []),
        ([part(0, MIB, flags="rd wr"), REST], []),
        ([USED, part(MIB, SIZE, "---p", "mr")], []),
        ([part(0, MIB, flags=NR + " dc"), REST], []),
        ([part(-2 * SIZE, MIB), REST], [(0, MIB, SIZE), (-SIZE, 0, 0), (-2 * SIZE, -SIZE, -SIZE)]),
        ([part(-2 * SIZE + PAGE, MIB), REST], [(0, MIB, SIZE), (-SIZE, 0, 0)]),
        ([part(0, PAGE), part(PAGE, MIB), REST], [(0, MIB, SIZE)]),
        ([part(0, PAGE, "r--p"), part(PAGE, MIB), REST], []),
        ([part(0, PAGE), part(2 * PAGE, MIB), REST], []),
        ([part(0, PAGE, name=b"[anon:x]"), part(PAGE, MIB), REST], []),
        ([REST], []),
    ],
)
def test_what_is_shaped_like_a_heap(rows: list[Record], found: list[tuple[int, int, int]]) -> None:
    """Aligned, in use from its start, closed to its end, mapped without reserving swap; with full ones below it."""
    assert shapes(*rows) == found


def test_a_reservation_is_no_row_of_heaps() -> None:
    """4 TiB of full heaps side by side are believed; in what is larger only the one that shows its rest."""
    low = -(AT - (1 << 20))
    assert len(shapes(part(low, MIB), REST)) == 1
    assert len(shapes(part(-1000 * SIZE, MIB), REST)) == 1001


def test_heaps_of_32_bit() -> None:
    """1 MiB."""
    assert shapes(part(0, PAGE), part(PAGE, MIB, "---p"), bits=32) == [(0, PAGE, MIB)]
    assert shapes(USED, REST, bits=32) == []


def claimed(*records: Record, runtimes: Runtimes = GLIBC, pages: PageStates = NOTHING_KNOWN, **how: Any) -> set[Any]:
    """Start and end (from AT), kind and certainty of each claim."""
    found = arena_claims(table(*records), 64, runtimes, pages, **how)
    return {(one.start - AT, one.end - AT, one.label.kind, one.label.certainty) for one in found}


LIKELY, GUESS = Certainty.LIKELY, Certainty.GUESS
ONE = {(0, MIB, kinds.GLIBC_ARENA, LIKELY), (MIB, SIZE, kinds.GLIBC_ARENA_RESERVE, LIKELY)}


def test_another_malloc_makes_the_shape_a_guess() -> None:
    """The process uses that one; what hooks into the C library's exports the same name."""
    seen = Detection(note("unexplained"), Certainty.CERTAIN)
    both = Runtimes({"glibc": seen, "own-malloc": seen}, False)
    assert claimed(USED, REST, runtimes=both) == {(*one[:3], GUESS) for one in ONE}


@pytest.mark.parametrize(("start", "is_arena"), [(2 << 40, False), ((30 << 40) - SIZE, False), (30 << 40, True)])
def test_no_arena_lies_where_mimalloc_asks_for_memory(start: int, is_arena: bool) -> None:
    """The kernel puts nothing there by itself."""
    seen = Detection(note("unexplained"), Certainty.CERTAIN)
    rows = [part(start - AT, start - AT + MIB), part(start - AT + MIB, start - AT + SIZE, "---p")]
    assert bool(claimed(*rows, runtimes=Runtimes({"glibc": seen, "mimalloc": seen}, False))) is is_arena
    assert claimed(*rows)


def test_claims_by_shape() -> None:
    """Where glibc is, the first page was used, and nothing else stands there."""
    assert claimed(USED, REST) == ONE
    assert claimed(USED, REST, runtimes=Runtimes({}, False)) == set()
    assert claimed(USED, REST, disproved={AT}) == set()
    assert claimed(USED, REST, disproved={AT + 1}) == ONE
    asked = [(AT, AT + SIZE)]
    assert claimed(USED, REST, pages=PageStates(asked, [])) == set()
    assert claimed(USED, REST, pages=PageStates(asked, [PageRun(AT, AT + PAGE, PageState.PRESENT)])) == ONE


FULL = part(4 * SIZE, 5 * SIZE)


@pytest.mark.parametrize(
    ("full", "is_claimed"),
    [
        (FULL, True),
        (part(4 * SIZE, 6 * SIZE), True),
        (part(4 * SIZE + PAGE, 5 * SIZE), False),
        (part(4 * SIZE, 5 * SIZE - PAGE), False),
        (FULL._replace(perms="rwxp"), False),
        (FULL._replace(name=b"[anon:x]"), False),
        (FULL._replace(name=b"/x", inode=3), False),
        (FULL._replace(flags="rd wr"), False),
    ],
)
def test_full_heaps_are_known_where_there_are_others(full: Record, is_claimed: bool) -> None:
    """By size and place: a guess."""
    extra = {(full.start - AT, full.end - AT, kinds.GLIBC_ARENA, GUESS)}
    assert claimed(USED, REST, full) == (ONE | extra if is_claimed else ONE)
    assert claimed(USED, REST, full, disproved={full.start}) == ONE
    assert claimed(full) == set()


HUGE = 8 * MIB


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([part(0, 2 * MIB), part(2 * MIB, HUGE, "---p")], 2),
        ([part(2 * MIB, 4 * MIB), part(4 * MIB, 10 * MIB, "---p")], 0),
        ([part(0, 2 * MIB), part(2 * MIB, 6 * MIB, "---p")], 0),
        ([part(0, 2 * MIB, "r--p"), part(2 * MIB, HUGE, "---p")], 0),
        ([part(0, 2 * MIB), part(2 * MIB, HUGE, "r--p")], 0),
        ([part(0, 2 * MIB), part(4 * MIB, HUGE, "---p")], 0),
        ([part(0, 2 * MIB), part(2 * MIB, HUGE, "---p"), part(2 * HUGE, 2 * HUGE + MIB)], 3),
        ([part(0, 2 * MIB), part(2 * MIB, HUGE, "---p"), part(2 * HUGE, 2 * HUGE + MIB, "---p")], 2),
        ([part(2 * HUGE, 2 * HUGE + MIB)], 0),
    ],
)
def test_arenas_of_huge_pages(rows: list[Record], count: int) -> None:
    """Four of them, aligned; where there is one, the other private huge pages are malloc's too."""
    named = [one._replace(name=b"/anon_hugepage (deleted)", inode=9, device="00:0f") for one in rows]
    assert len(claimed(*named)) == count


def test_neighbours_of_one_sort() -> None:
    """Up to an address."""
    rows = [part(0, MIB), part(MIB, 2 * MIB), part(2 * MIB, 3 * MIB, "r--p")]
    found = table(*rows)
    assert last_of_data(found, 0, AT + 2 * MIB) == 1
    assert last_of_data(found, 0, AT + MIB) == 0
    assert last_of_data(found, 0, AT + 9 * MIB) == 1
    assert last_of_data(found, 2, AT + 9 * MIB) == 2
    assert last_of_data(table(part(0, MIB), part(2 * MIB, 3 * MIB)), 0, AT + 9 * MIB) == 0


LABEL = Label(kinds.BRK, Certainty.GUESS, note("unexplained"))
Figures = tuple[int | None, int | None, int | None, int | None, tuple[str, ...]]


def dealt(
    counters: dict[str, int], cuts: Sequence[int], runs: tuple[PageRun, ...] | Refusal = Refusal.DENIED
) -> list[Figures]:
    """The figures of the ranges of one mapping of 16 pages, cut at these places; sizes in KiB."""
    one = Record(AT, AT + 16 * PAGE, counters=tuple(counters.items()))
    edges = [AT, *(AT + cut for cut in cuts), AT + 16 * PAGE]
    count = len(edges) - 1
    cut = Partition([0] * count, edges[:-1], edges[1:], [LABEL] * count, frozenset({0}))
    found = shared_out(table(one), cut, runs if isinstance(runs, Refusal) else PageRuns.of(runs), PAGE)
    assert list(found) == list(range(count))

    def kib(size: int | None) -> int | None:
        return None if size is None else size // KIB

    return [(kib(one.rss), kib(one.pss), kib(one.uss), kib(one.swap), one.about) for one in found.values()]


def run(first: int, last: int, state: int) -> PageRun:
    """Pages in a state."""
    return PageRun(AT + first * PAGE, AT + last * PAGE, state)


PRIVATE = {"Rss": 24, "Pss": 24, "Private_Clean": 0, "Private_Dirty": 24, "Swap": 8}


def test_figures_as_pagemap_saw_them() -> None:
    """Exactly, where what was seen adds up; of private memory all three are the same."""
    runs = (run(0, 4, PageState.PRESENT), run(4, 6, PageState.SWAPPED), run(14, 16, PageState.PRESENT))
    assert dealt(PRIVATE, [5 * PAGE], runs) == [(16, 16, 16, 4, ()), (8, 8, 8, 4, ())]
    zero = (*runs[:2], run(8, 10, PageState.PRESENT | PageState.ZERO), runs[2])
    assert dealt(PRIVATE, [5 * PAGE], zero) == [(16, 16, 16, 4, ()), (8, 8, 8, 4, ())]
    guard = (*runs[:2], run(8, 10, PageState.SWAPPED | PageState.GUARD), runs[2])
    assert dealt(PRIVATE, [5 * PAGE], guard) == [(16, 16, 16, 4, ()), (8, 8, 8, 4, ())]


def test_a_page_belongs_to_the_range_with_its_first_byte() -> None:
    """Where ranges end within pages."""
    runs = (run(0, 6, PageState.PRESENT),)
    figures = PRIVATE | {"Swap": 0}
    assert dealt(figures, [5 * PAGE + 1], runs) == [(24, 24, 24, 0, ()), (0, 0, 0, 0, ())]
    assert dealt(figures, [5 * PAGE], runs) == [(20, 20, 20, 0, ()), (4, 4, 4, 0, ())]


def test_figures_in_proportion() -> None:
    """To what was seen, else to the sizes; whole KiB that add up, and told as such."""
    about = ("rss", "pss", "uss", "swap")
    assert dealt(PRIVATE, [4 * PAGE]) == [(6, 6, 6, 2, about), (18, 18, 18, 6, about)]
    seen = (run(0, 1, PageState.PRESENT), run(8, 10, PageState.PRESENT))
    assert dealt(PRIVATE, [4 * PAGE], seen) == [(8, 8, 8, 2, about), (16, 16, 16, 6, about)]
    odd = {"Rss": 10, "Pss": 10, "Private_Clean": 0, "Private_Dirty": 10, "Swap": 0}
    thirds = dealt(odd, [5 * PAGE, 10 * PAGE])
    assert [one[0] for one in thirds] == [3, 3, 4]


def test_figures_of_a_mapping_smaller_than_a_page() -> None:
    """As it is where a recording tells another page size than its kernel had: all ranges have the same."""
    one = Record(AT + PAGE, AT + 3 * PAGE, counters=(("Rss", 8),))
    halves = Partition([0, 0], [one.start, one.start + PAGE], [one.start + PAGE, one.end], [LABEL] * 2, frozenset({0}))
    found = shared_out(table(one), halves, Refusal.DENIED, 64 * KIB)
    assert [share.rss for share in found.values()] == [4 * KIB, 4 * KIB]


def test_shared_memory_in_proportion_to_what_is_there() -> None:
    """PSS and USS follow RSS."""
    runs = (run(0, 2, PageState.PRESENT), run(8, 14, PageState.PRESENT))
    shared = {"Rss": 32, "Pss": 16, "Private_Clean": 4, "Private_Dirty": 4, "Swap": 0}
    assert dealt(shared, [8 * PAGE], runs) == [(8, 4, 2, 0, ("pss", "uss")), (24, 12, 6, 0, ("pss", "uss"))]
    alone = (run(8, 16, PageState.PRESENT),)
    assert dealt(shared, [8 * PAGE], alone) == [(0, 0, 0, 0, ("pss", "uss")), (32, 16, 8, 0, ("pss", "uss"))]


def test_unknown_figures_stay_unknown() -> None:
    """And nothing is dealt out of what is not there at all."""
    assert dealt({"Rss": 8}, [8 * PAGE]) == [(4, None, None, None, ("rss",)), (4, None, None, None, ("rss",))]
    whole = Partition([0], [AT], [AT + 16 * PAGE], [LABEL], frozenset())
    one = Record(AT, AT + 16 * PAGE, counters=(("Rss", 4),))
    assert shared_out(table(one), whole, PageRuns(), PAGE) == {}
    bare = Record(AT, AT + 16 * PAGE, counters=(("Pss", 4),))
    halves = Partition([0, 0], [AT, AT + PAGE], [AT + PAGE, AT + 16 * PAGE], [LABEL] * 2, frozenset({0}))
    assert shared_out(table(bare), halves, PageRuns(), PAGE) == {}
    assert isinstance(shared_out(table(one), halves, PageRuns(), PAGE)[0], Share)
