"""What is said of memory in reserved huge pages: RES leaves it out, and it is there all the same."""

import pytest

from procmem.analyse.explain import explanation
from procmem.analyse.inspection import inspection
from procmem.analyse.shared import shared_report
from procmem.model.note import note
from procmem.text.block_texts import BlockTexts
from procmem.text.explanation import block_sentences
from procmem.text.kinds import region_sentences
from procmem.text.notes import note_text
from tests.support.made_processes import made

SIZE = 4 << 20


def smaps(*mappings: tuple[int, str, dict[str, int]]) -> bytes:
    """Mappings of 4 MiB at these addresses, with their counters in kB."""
    text = ""
    for start, name, counters in mappings:
        text += f"{start:x}-{start + SIZE:x} {name}\nSize: {SIZE >> 10} kB\nRss: 0 kB\nPss: 0 kB\nSwap: 0 kB\n"
        text += "Private_Clean: 0 kB\nPrivate_Dirty: 0 kB\n"
        text += "".join(f"{key}: {size} kB\n" for key, size in counters.items())
    return text.encode()


PRIVATE = "rw-p 00000000 00:0f 7 /anon_hugepage (deleted)"
SHARED = "r-xs 00000000 00:0f 8 /anon_hugepage (deleted)"
FILE = "rw-s 00000000 00:2a 9 /dev/hugepages/rtemap_0"
ANONYMOUS = "rw-p 00000000 00:00 0"


@pytest.mark.parametrize(
    ("name", "counters", "expected"),
    [
        (PRIVATE, {"Private_Hugetlb": 2048, "Shared_Hugetlb": 0}, "2 MiB of 4 MiB are in memory, as huge pages"),
        (PRIVATE, {"Private_Hugetlb": 0, "Shared_Hugetlb": 4096}, "4 MiB of 4 MiB are in memory, as huge pages"),
        (SHARED, {"Private_Hugetlb": 2048, "Shared_Hugetlb": 2048}, "4 MiB of 4 MiB are in memory, as huge pages"),
        (FILE, {"Private_Hugetlb": 0, "Shared_Hugetlb": 0}, "None of its 4 MiB is in memory."),
        (FILE, {}, "How much of it is in memory is not known."),  # before Linux 4.4
        (ANONYMOUS, {}, "None of its 4 MiB is in memory."),
    ],
)
def test_how_much_of_huge_pages_is_in_memory(name: str, counters: dict[str, int], expected: str) -> None:
    """By their own counters: all others say 0. The same in each of the ways in which a region is told."""
    shot, regions = made({"smaps": smaps((0x7F0000400000, name, counters))})
    assert regions is not None
    (block,) = explanation(shot, regions, inspection(shot, regions)).blocks
    told = [
        " ".join(region_sentences(regions, 0)),
        " ".join(block_sentences(block, regions)),
        *BlockTexts(regions).joined([block]),
    ]
    assert len(set(told)) == 1
    assert expected in told[0]


def test_several_are_told_together() -> None:
    """With what is in memory of all of them."""
    counters = [{"Private_Hugetlb": 2048, "Shared_Hugetlb": 0}, {"Private_Hugetlb": 4096, "Shared_Hugetlb": 0}]
    places = [0x7F0000400000, 0x7F0000800000]
    shot, regions = made({"smaps": smaps(*((at, PRIVATE, held) for at, held in zip(places, counters, strict=True)))})
    assert regions is not None
    (block,) = explanation(shot, regions, inspection(shot, regions)).blocks
    assert "2 of the same sort, 8 MiB together, 6 MiB in memory." in " ".join(block_sentences(block, regions))


def test_a_kernel_without_the_counters() -> None:
    """It is said that the account does not know it."""
    for counters, count in (({}, 1), ({"Private_Hugetlb": 0, "Shared_Hugetlb": 0}, 0)):
        shot, regions = made({"smaps": smaps((0x7F0000400000, FILE, counters))})
        said = note("hugetlb untold", size=SIZE)
        assert list(inspection(shot, regions).warnings).count(said) == count
        assert "4 MiB" in note_text(said)


def test_objects_whose_figures_leave_them_out() -> None:
    """``shared`` says how much there is besides; where there is none, nothing."""
    for size, said in ((2048, [note("hugetlb beside", size=2 << 20)]), (0, [])):
        counters = {"Private_Hugetlb": size, "Shared_Hugetlb": 0}
        shot, regions = made({"smaps": smaps((0x7F0000400000, PRIVATE, counters))})
        report = shared_report(shot, regions, {}, looked_at=0, unreadable=0)
        assert list(report.warnings) == said
        assert all("2 MiB" in note_text(one) for one in said)
