"""What became of pages: runs compared as every page by itself would be."""

from hypothesis import given
from hypothesis import strategies as st

from procmem.analyse.page_changes import change_at, changed_bytes, resident_bytes, sum_of_changes, was_there
from procmem.model.raw import PageRun, PageRuns, PageState
from procmem.model.reports.growth import PageChange
from procmem.model.vma_names import Backing

PAGE = 4096
PAGES = 24
STATES = (
    0, PageState.PRESENT, PageState.PRESENT | PageState.FILE, PageState.SWAPPED, PageState.PRESENT | PageState.ZERO,
    PageState.PRESENT | PageState.HUGE, PageState.GUARD,
)  # fmt: skip


def runs(states: list[int]) -> PageRuns:
    """Neighbours in one state as one run."""
    found: list[PageRun] = []
    for number, state in enumerate(states):
        if not state:
            continue
        if found and found[-1].end == number * PAGE and found[-1].state == state:
            found[-1] = found[-1]._replace(end=(number + 1) * PAGE)
        else:
            found.append(PageRun(number * PAGE, (number + 1) * PAGE, state))
    return PageRuns.of(found) if found else PageRuns()


def place(state: int) -> str:
    """Where a page is, in words."""
    if state & PageState.PRESENT:
        return "none" if state & PageState.ZERO else "file" if state & PageState.FILE else "anonymous"
    return "swap" if state & PageState.SWAPPED else "none"


STATE_LISTS = st.lists(st.sampled_from(STATES), min_size=PAGES, max_size=PAGES)


@given(STATE_LISTS, STATE_LISTS, st.sampled_from([Backing.ANONYMOUS, Backing.FILE, Backing.SHARED_MEMORY]))
def test_runs_are_compared_page_by_page(before: list[int], after: list[int], backing: Backing) -> None:
    """All figures are those of single pages, and explain the difference to the byte."""
    first, last = runs(before), runs(after)
    by_range: dict[PageChange, int] = {}
    for change, size in changed_bytes(first, last, 0, PAGES * PAGE, backing):
        by_range[change] = by_range.get(change, 0) + size
    by_page: dict[PageChange, int] = {}
    for number in range(PAGES):
        found = change_at(first, last, number * PAGE + 17, backing)
        if found is not None:
            by_page[found] = by_page.get(found, 0) + PAGE
        is_anonymous = place(before[number]) == place(after[number]) == "anonymous"
        assert was_there(first, last, number * PAGE) is is_anonymous
    assert by_range == by_page
    sums = sum_of_changes(first, last, [(0, PAGES * PAGE, backing)])
    for name in ("anonymous", "file", "swap"):
        grown = sum((place(b) == name) - (place(a) == name) for a, b in zip(before, after, strict=True)) * PAGE
        assert sum(getattr(one, name) for one in sums) == grown
    difference = resident_bytes(last) - resident_bytes(first)
    assert sum(one.anonymous + one.file for one in sums) == difference


@given(STATE_LISTS, STATE_LISTS, st.integers(1, PAGES - 1))
def test_ranges_add_up(before: list[int], after: list[int], cut: int) -> None:
    """Wherever they are divided."""
    first, last = runs(before), runs(after)
    anonymous = Backing.ANONYMOUS
    whole = sum_of_changes(first, last, [(0, PAGES * PAGE, anonymous)])
    assert sum_of_changes(first, last, [(0, cut * PAGE, anonymous), (cut * PAGE, PAGES * PAGE, anonymous)]) == whole


def test_each_change_has_its_name() -> None:
    """By what the page was, what it is, and what stands behind it."""
    present, file, swapped, huge = STATES[1], STATES[2], STATES[3], STATES[5]
    cases = [
        (0, present, Backing.ANONYMOUS, PageChange.MADE),
        (STATES[4], present, Backing.ANONYMOUS, PageChange.MADE),
        (0, huge, Backing.ANONYMOUS, PageChange.HUGE),
        (present, huge, Backing.ANONYMOUS, PageChange.COLLAPSED),
        (0, present, Backing.FILE, PageChange.COPIED),
        (file, present, Backing.FILE, PageChange.COPIED),
        (0, file, Backing.FILE, PageChange.READ),
        (0, file, Backing.SHARED_MEMORY, PageChange.SHARED),
        (swapped, present, Backing.ANONYMOUS, PageChange.SWAPPED_IN),
        (present, swapped, Backing.ANONYMOUS, PageChange.SWAPPED_OUT),
        (present, 0, Backing.ANONYMOUS, PageChange.GIVEN_BACK),
        (file, 0, Backing.FILE, PageChange.DROPPED),
        (swapped, 0, Backing.ANONYMOUS, PageChange.SWAP_FREED),
        (present, present, Backing.ANONYMOUS, None),
    ]
    for was, became, backing, change in cases:
        assert change_at(runs([was]), runs([became]), 0, backing) is change
    assert {change for *_, change in cases} == {*PageChange, None}
