"""Growth with its code: bytes that add up, and samples that divide them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.analyse.code_map import CodeMap, CodeRange
from procmem.analyse.growth import asked_by, sums_by
from procmem.model.code import CodeFunction
from procmem.model.kinds import BRK
from procmem.model.owners import Thread
from procmem.model.raw import PageState
from procmem.model.reports.growth import GROUPINGS, PageChange
from tests.support.made_growth import CODE, PAGE, MadeCode, Touch, code_map, grown_by, look

MAIN, LIST, CACHE, MALLOC = 0x000, 0x100, 0x200, 0x300


def test_who_touches_first_is_charged() -> None:
    """By two functions, in two threads; malloc only acted for its caller."""
    touches = [Touch(page, MALLOC, LIST, MAIN) for page in range(30)]
    touches += [Touch(page, CACHE, MAIN, tid=8) for page in range(30, 40)]
    report = grown_by(look(()), look(range(40)), touches)
    assert report.grown == 40 * PAGE
    assert report.resident == (16 * PAGE, 56 * PAGE)
    by_function = {one.function.name: one for one in sums_by(report.rows, "function") if one.function}
    assert {name: one.size for name, one in by_function.items()} == {b"grow_list": 30 * PAGE, b"grow_cache": 10 * PAGE}
    largest = by_function[b"grow_list"]
    assert largest.touched_by is not None
    assert largest.touched_by.name == b"malloc"
    assert by_function[b"grow_cache"].touched_by is None
    [first, second] = sums_by(report.rows, "thread")
    assert (first.thread, first.size) == (Thread(7, b"leaker"), 30 * PAGE)
    assert second.thread == Thread(8, b"worker")
    [kind] = sums_by(report.rows, "kind")
    assert kind.place is not None
    assert (kind.place.kind, kind.size) == (BRK, 40 * PAGE)


@given(
    st.sets(st.integers(0, 99), max_size=60),
    st.sets(st.integers(0, 99), max_size=60),
    st.lists(
        st.tuples(st.integers(0, 120), st.sampled_from([LIST, CACHE, MALLOC]), st.sampled_from([7, 8])), max_size=80
    ),
    st.integers(1, 50),
)
def test_rows_add_up_whatever_was_sampled(
    before: set[int], after: set[int], drawn: list[tuple[int, int, int]], each: int
) -> None:
    """To what came, to the byte; by every sum alike; and faults to about what was counted."""
    touches = [Touch(page, function, MAIN, tid=tid) for page, function, tid in drawn]
    report = grown_by(look(before), look(after), touches, faults=each * len(touches))
    assert report.grown == len(after - before) * PAGE
    assert all(row.size >= 0 and row.faults >= 0 for row in report.rows)
    for by in (*GROUPINGS, None):
        assert sum(one.size for one in sums_by(report.rows, by)) == report.grown
    assert abs(sum(row.faults for row in report.rows) - report.faults) <= len(report.rows)
    changes = {one.change: one.anonymous for one in report.changes}
    assert changes.get(PageChange.MADE, 0) == len(after - before) * PAGE
    assert changes.get(PageChange.GIVEN_BACK, 0) == -len(before - after) * PAGE


def test_what_nobody_was_seen_to_touch_is_nobodys() -> None:
    """Memory that the kernel fills in advance."""
    report = grown_by(look(()), look(range(10)), [])
    [row] = report.rows
    assert (row.stack, row.thread, row.size, row.samples) == (None, None, 10 * PAGE, 0)


def test_faults_that_left_nothing_have_no_size() -> None:
    """Pages that were given back, and pages that were there."""
    touches = [Touch(page, LIST) for page in (5, 6, 7)] + [Touch(1, CACHE)]
    report = grown_by(look([1]), look([1]), touches)
    assert report.grown == 0
    assert {(row.change, row.size) for row in report.rows} == {(None, 0)}
    assert sum(row.faults for row in report.rows) == 4


def test_only_the_last_touch_of_a_page_counts() -> None:
    """What was given back and touched again is whose it is now."""
    touches = [*(Touch(page, CACHE) for page in range(10)), *(Touch(page, LIST) for page in range(10))]
    report = grown_by(look(()), look(range(10)), touches)
    assert {one.function.name: one.size for one in sums_by(report.rows, "function") if one.function} == {
        b"grow_list": 10 * PAGE,
        b"grow_cache": 0,
    }


def test_a_touch_that_was_followed_by_others_is_taken_for_stale() -> None:
    """Where addresses are used again, and some faults looked at: an island in what another thread has filled."""
    worker = [Touch(page, CACHE, tid=8) for page in range(5, 200, 20)]
    leaker = [Touch(page, LIST) for page in range(0, 200, 2) if page % 20 != 5]
    report = grown_by(look(()), look(range(200)), [*worker, *leaker], faults=2 * (len(worker) + len(leaker)))
    sizes = {one.function.name: one.size for one in sums_by(report.rows, "function") if one.function}
    assert sizes[b"grow_list"] >= 0.97 * 200 * PAGE


def test_two_threads_that_fill_by_turns_keep_their_shares() -> None:
    """None of their touches is taken for stale: they stand for no more than came."""
    touches = [Touch(page, LIST if page % 4 else CACHE, tid=7 if page % 4 else 8) for page in range(0, 400, 1)]
    report = grown_by(look(()), look(range(400)), touches)
    sizes = {one.function.name: one.size for one in sums_by(report.rows, "function") if one.function}
    assert sizes == {b"grow_list": 300 * PAGE, b"grow_cache": 100 * PAGE}


def test_a_huge_page_is_filled_by_one_touch() -> None:
    """All of its 512 pages are that function's."""
    state = PageState.PRESENT | PageState.HUGE
    after = look(range(1024), heap_pages=2000, state=state)
    report = grown_by(look((), heap_pages=2000), after, [Touch(3, LIST), Touch(700, CACHE)])
    assert [(one.function.name, one.size) for one in sums_by(report.rows, "function") if one.function] == [
        (b"grow_list", 512 * PAGE),
        (b"grow_cache", 512 * PAGE),
    ]


def test_without_page_tables_sizes_are_estimates() -> None:
    """Each page that was touched counts once."""
    before = look(())._replace(pages=None)
    report = grown_by(before, before, [Touch(1, LIST), Touch(1, LIST), Touch(2, LIST)], faults=30)
    assert report.resident is None
    assert report.changes == ()
    assert report.grown == 20 * PAGE


def function(name: bytes | None, file: bytes = b"/bin/x", *, nearest: bool = False) -> CodeFunction:
    return CodeFunction(file, name, 0, nearest, name)


@pytest.mark.parametrize(
    ("frames", "asker"),
    [
        ([function(b"memset", b"/lib/libc.so.6"), function(b"fill")], b"fill"),
        ([function(b"__memset_avx2"), function(b"_int_malloc"), function(b"malloc"), function(b"fill")], b"fill"),
        ([function(None, b"/lib/ld-musl-x86_64.so.1"), function(b"fill")], b"fill"),
        ([function(b"malloc"), function(b"free")], b"malloc"),
        ([function(b"malloc", nearest=True), function(b"fill")], b"malloc"),
        ([function(b"PyObject_Malloc"), function(b"PyDict_New")], b"PyDict_New"),
        ([function(b"runtime.mallocgc"), function(b"main.grow")], b"main.grow"),
        ([function(b"std::vector<int>::push_back"), function(b"fill")], b"fill"),
    ],
)
def test_who_asked(frames: list[CodeFunction], asker: bytes) -> None:
    """The innermost that does not only act for its caller; where all do, the innermost of all."""
    found = asked_by(frames)
    assert found is not None
    assert found.name == asker


def test_a_program_in_a_language_of_its_own_asked() -> None:
    """The innermost function that its runtime has written down, and none of the runtime's own."""
    frames = [
        function(b"memset", b"/lib/libc.so.6"),
        function(b"bytearray___init__", b"/lib/libpython3.12.so"),
        function(b"I2C/C2I adapters", b""),
        function(b"py::grow:/srv/a.py", b""),
        function(b"py::main:/srv/a.py", b""),
    ]
    found = asked_by(frames)
    assert found is not None
    assert found.name == b"py::grow:/srv/a.py"
    assert asked_by([function(b"stub", b""), function(b"void Leak.grow(int)", b"")]) == frames[0]._replace(
        object=b"", name=b"void Leak.grow(int)", symbol=b"void Leak.grow(int)"
    )


def test_nobody_asked() -> None:
    """Of a chain without frames."""
    assert asked_by(()) is None


def test_functions_by_address() -> None:
    """By its symbol, after the nearest one, by address alone; outside of all code by nothing."""
    code = code_map()
    assert code.function_at(CODE + 0x110) == CodeFunction(b"/bin/grower", b"grow_list", 0x100, symbol=b"grow_list")
    assert code.function_at(0x10) == CodeFunction(None, None, 0x10)
    sizeless = code_map({0x100: b"one"}, size=None)
    assert sizeless.function_at(CODE + 0x1F0).name == b"one"
    assert not sizeless.function_at(CODE + 0x1F0).is_nearest
    nearest = sizeless.function_at(CODE + 0x350)
    assert (nearest.name, nearest.start, nearest.is_nearest) == (b"one", 0x300, True)
    assert code_map({}).function_at(CODE + 0x350) == CodeFunction(b"/bin/grower", None, 0x300)


def test_a_later_mapping_takes_the_place() -> None:
    """Of what it overlaps; the rest stays, with its offset."""
    code = code_map()
    assert code.function_at(CODE + 0x110).name == b"grow_list"
    code.add(CodeRange(CODE + 0x100, CODE + 0x200, 0x5000, b"/lib/new.so", MadeCode({0x5000: b"new"})))
    assert code.function_at(CODE + 0x110).object == b"/lib/new.so"
    assert code.function_at(CODE + 0x010).name == b"main"
    assert code.function_at(CODE + 0x210).name == b"grow_cache"


def test_code_made_at_run_time() -> None:
    """It has no file; its runtime may have written down what it is."""
    code = CodeMap()
    code.add(CodeRange(0x1000, 0x3000, 0, b"", None))
    assert code.function_at(0x1800).object == b""
    assert code.function_at(0x1800).name is None
    code.compiled_by(MadeCode({0x1800: b"JS:grow"}))
    assert code.function_at(0x1810).name == b"JS:grow"
    assert code.function_at(0x2810).name is None
