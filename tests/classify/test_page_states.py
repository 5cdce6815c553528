"""What pagemap said, asked by address and by range; where it was not asked, nobody knows."""

import pytest

from procmem.classify.page_states import NOTHING_KNOWN, PageStates
from procmem.model.raw import PageRun, PageState

STATES = PageStates(
    asked=((0x1000, 0x5000), (0x8000, 0xC000)),
    runs=(
        PageRun(0x2000, 0x3000, PageState.PRESENT),
        PageRun(0x3000, 0x4000, PageState.GUARD),
        PageRun(0x9000, 0xB000, PageState.SWAPPED),
    ),
)


@pytest.mark.parametrize(
    ("address", "touched"),
    [
        (0xFFF, None), (0x1000, False), (0x1FFF, False), (0x2000, True), (0x2FFF, True), (0x3000, False),
        (0x4FFF, False), (0x5000, None), (0x7FFF, None), (0x8000, False), (0x9000, True), (0xAFFF, True),
        (0xB000, False), (0xBFFF, False), (0xC000, None),
    ],
)  # fmt: skip
def test_a_page_is_touched_or_not_or_unknown(address: int, touched: bool | None) -> None:
    """A guard is not."""
    assert STATES.touched(address) is touched
    assert NOTHING_KNOWN.touched(address) is None


@pytest.mark.parametrize(
    ("start", "end", "touched"),
    [
        (0x1000, 0x2000, False), (0x1000, 0x2001, True), (0x2FFF, 0x3000, True), (0x3000, 0x5000, False),
        (0x8000, 0x9000, False), (0x8000, 0x9001, True), (0xAFFF, 0xC000, True), (0xB000, 0xC000, False),
        (0xFFF, 0x3000, None), (0x5000, 0x6000, None), (0xC000, 0xD000, None),
    ],
)  # fmt: skip
def test_a_range_is_touched_where_one_of_its_pages_is(start: int, end: int, touched: bool | None) -> None:
    """It is unknown where its first page is."""
    assert STATES.touched_between(start, end) is touched
    assert NOTHING_KNOWN.touched_between(start, end) is None
