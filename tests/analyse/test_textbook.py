"""Areas of the textbook in a real process."""

from procmem.analyse.textbook import counterparts
from procmem.model.reports.inspection import Band


def test_an_area_reaches_over_all_its_bands_and_none_is_left_out() -> None:
    """Of text in two pieces, from the first to the last; an area that is not there has no place."""
    bands = [Band(start=at, end=at + 2, name="text", virt=2, rss=None, grows=None) for at in (10, 20)]
    found = {one.area: one.here for one in counterparts(bands)}
    assert found["text"] == (10, 22)
    assert found["heap"] is None
    assert list(found) == ["kernel space", "stack", "mapping area", "heap", "bss", "data", "text"]
