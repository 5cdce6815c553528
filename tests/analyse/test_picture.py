"""The bands of the picture lie side by side and reach from address 0 to the end of the address space."""

from itertools import pairwise

from hypothesis import given

from procmem.analyse.picture import picture
from procmem.model.reports.inspection import Band
from tests.support.made_processes import made, mappings, record
from tests.support.smaps_text import Record, smaps


def bands_of(records: list[Record]) -> tuple[Band, ...]:
    """The picture of a process."""
    shot, regions = made({"smaps": smaps(records)})
    assert regions is not None
    return picture(shot, regions)


@given(mappings())
def test_bands_adjoin(records: list[Record]) -> None:
    """High to low without a gap or an overlap; what is mapped is in them once, also where maps is out of order."""
    bands = bands_of(records)
    assert bands[0].end in (1 << 32, 1 << 64)
    assert bands[-1].start == 0
    assert all(above.start == below.end for above, below in pairwise(bands))
    assert sum(band.virt for band in bands) == sum(one.end - one.start for one in records)
    assert bands_of(list(reversed(records))) == bands


def test_words_of_the_textbook() -> None:
    """The heap grows up, the stack down; the gate area is of the kernel's half and makes no band."""
    bands = bands_of(
        [
            record(0x55_0000_0000, 0x55_0001_0000, name=b"[heap]", Rss=8),
            record(0x7F00_0000_0000, 0x7F00_0000_1000, "r-xp", b"/lib/x.so"),
            record(0x7FFC_0000_0000, 0x7FFC_0002_1000, name=b"[stack]", Rss=4),
            record(0xFFFF_FFFF_FF60_0000, 0xFFFF_FFFF_FF60_1000, "--xp", b"[vsyscall]"),
        ]
    )
    named = [(band.name, band.grows) for band in bands if band.name is not None]
    assert named == [
        ("kernel space", None),
        ("non-canonical", None),
        ("stack", "down"),
        ("mapping area", None),
        ("heap", "up"),
    ]
    assert (bands[0].start, bands[1].start) == (0xFFFF_8000_0000_0000, 1 << 47)


def test_nobody_draws_a_border_that_is_not_known() -> None:
    """Of an unknown machine nothing is said of what lies above; 32-bit programs of x86-64 own all but two pages."""
    stack = [record(0x7F_FC00_0000, 0x7F_FC02_1000, name=b"[stack]", Rss=4)]
    shot, regions = made({"smaps": smaps(stack)}, machine=None)
    assert regions is not None
    bands = picture(shot, regions)
    assert [(band.start, band.end, band.name) for band in bands[:2]] == [
        (0x7F_FC02_1000, 1 << 64, "unknown above"),
        (0x7F_FC00_0000, 0x7F_FC02_1000, "stack"),
    ]
    compat = bands_of([record(0xFFA0_0000, 0xFFA2_1000, name=b"[stack]", Rss=4)])
    assert (compat[0].start, compat[0].name) == (0xFFFF_E000, "not for programs")
    assert (compat[1].start, compat[1].name) == (0xFFA2_1000, None)


def test_unknown_memory_is_unknown() -> None:
    """With maps alone no band has a figure of what is in memory."""
    shot, regions = made({"maps": b"00400000-00401000 rw-p 00000000 00:00 0 [heap]\n"})
    assert regions is not None
    assert [band.rss for band in picture(shot, regions) if band.name == "heap"] == [None]
