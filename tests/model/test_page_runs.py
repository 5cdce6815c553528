"""Runs of pages as columns: found by address, merged, compared."""

from hypothesis import given
from hypothesis import strategies as st

from procmem.model.raw import PageRun, PageRuns, without_overlap

PAGE = 4096
SOME = (PageRun(0x1000, 0x3000, 1), PageRun(0x3000, 0x4000, 2), PageRun(0x8000, 0x9000, 4))
any_runs = st.lists(
    st.builds(
        lambda at, pages, state: PageRun(at * PAGE, (at + pages) * PAGE, state),
        st.integers(0, 40),
        st.integers(1, 6),
        st.integers(1, 3),
    )
)


def test_columns_and_rows_are_the_same() -> None:
    """By index, in order, and beside a tuple of rows."""
    runs = PageRuns.of(SOME)
    assert len(runs) == 3
    assert runs[2] == SOME[2]
    assert tuple(runs) == SOME
    assert runs == SOME == PageRuns.of(iter(SOME))
    assert PageRuns.of(runs) is runs
    assert runs != PageRuns.of(SOME[:2])
    assert runs != PageRuns.of([*SOME[:2], SOME[2]._replace(state=1)])
    assert PageRuns() == ()
    assert PageRuns() != [1]


def test_the_first_run_above_an_address() -> None:
    """The one that holds it, else the next; none behind the last."""
    runs = PageRuns.of(SOME)
    found = [runs.first_beyond(at) for at in (0, 0xFFF, 0x1000, 0x2FFF, 0x3000, 0x3FFF, 0x4000, 0x8FFF, 0x9000)]
    assert found == [0, 0, 0, 0, 1, 1, 2, 2, 3]


@given(st.integers(0, 50 * PAGE), st.integers(1, 50 * PAGE), any_runs)
def test_the_runs_of_a_range(start: int, size: int, drawn: list[PageRun]) -> None:
    """Those that have a byte in it, however the range lies."""
    runs = PageRuns.merged(drawn)
    expected = [run for run in runs if run.start < start + size and run.end > start]
    assert list(runs.within(start, start + size)) == expected


@given(any_runs)
def test_merged_runs_hold_each_page_once(drawn: list[PageRun]) -> None:
    """As the run says that begins first."""
    merged = list(PageRuns.merged(drawn))
    pages: dict[int, int] = {}
    for run in sorted(drawn):
        for at in range(run.start, run.end, PAGE):
            pages.setdefault(at, run.state)
    assert [(at, run.state) for run in merged for at in range(run.start, run.end, PAGE)] == sorted(pages.items())


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)).map(lambda drawn: (drawn[0], sum(drawn)))))
def test_ranges_without_overlap_have_the_same_addresses(ranges: list[tuple[int, int]]) -> None:
    """Each once, ascending."""
    told = [at for start, end in without_overlap(ranges) for at in range(start, end)]
    assert told == sorted({at for start, end in ranges for at in range(start, end)})
