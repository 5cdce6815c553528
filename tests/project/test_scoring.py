"""The measure of the classification tests must itself be right."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.support.scoring import SaidRange, parse_regions, report, score


@dataclass(frozen=True)
class Known:
    start: int
    end: int
    cls: str
    kind: str
    name: str = ""


HEAP = Known(0x1000, 0x9000, "heap", "brk", "brk")
GUARD = Known(0x9000, 0xA000, "guard", "stack-guard")


def said(start: int, end: int, cls: str, kind: str, *, certain: str = "") -> SaidRange:
    """A region that is likely, or certain for the reason given."""
    certainty = "certain" if certain else "likely"
    return SaidRange(start=start, end=end, cls=cls, kind=kind, certainty=certainty, evidence=certain)


def test_all_right_scores_one() -> None:
    """A region may be larger than a true range, or end inside it: only the bytes count."""
    result = score(
        [GUARD, HEAP],
        [
            said(0x0, 0x5000, "heap", "brk"),
            said(0x5000, 0x9000, "heap", "brk"),
            said(0x9000, 0xB000, "guard", "stack-guard"),
        ],
    )
    assert (result.by_class, result.by_kind) == (1, 1)
    assert not result.misses


def test_each_kind_weighs_the_same() -> None:
    """Eight pages of heap right and one guard page wrong is one kind of two."""
    result = score([HEAP, GUARD], [said(0x1000, 0xA000, "heap", "brk")])
    assert result.by_class == 0.5
    assert result.by_kind == 0.5


def test_class_may_be_right_where_kind_is_not() -> None:
    result = score([HEAP], [said(0x1000, 0x5000, "heap", "go-heap"), said(0x5000, 0x9000, "heap", "brk")])
    assert result.by_class == 1
    assert result.by_kind == 0.5
    assert [miss.class_is_right for miss in result.misses] == [True]


def test_same_kind_of_another_class_is_wrong() -> None:
    result = score([Known(0, 4096, "mmap", "hugetlb")], [said(0, 4096, "shm", "hugetlb")])
    assert (result.by_class, result.by_kind) == (0, 0)


def test_uncovered_bytes_are_missed() -> None:
    """Before, between and behind the regions."""
    result = score([HEAP], [said(0x2000, 0x3000, "heap", "brk"), said(0x4000, 0x8000, "heap", "brk")])
    assert [(miss.start, miss.end, miss.said) for miss in result.misses] == [
        (0x1000, 0x2000, None),
        (0x3000, 0x4000, None),
        (0x8000, 0x9000, None),
    ]
    assert result.by_kind == 5 / 8
    assert score([HEAP], []).by_class == 0


def test_one_region_over_many_truths() -> None:
    """A region is looked at again for the next true range that it reaches into."""
    truths = [Known(start, start + 0x800, "bss", "lib-bss") for start in range(0, 0x4000, 0x1000)]
    result = score(truths, [said(0, 0x4000, "bss", "lib-bss")])
    assert result.by_kind == 1
    assert result.kinds["bss", "lib-bss"].size == 4 * 0x800


def test_wrong_certain_is_told_first() -> None:
    wrong = said(0x9000, 0xA000, "reserved", "reserved", certain="it is ---p")
    result = score([HEAP, GUARD], [said(0x1000, 0x9000, "mmap", "anon-private"), wrong])
    assert [miss.said for miss in result.wrong_certain] == [wrong]
    lines = report(result).splitlines()
    assert "1 wrong ranges called certain" in lines[0]
    told = next(line for line in lines if "0x9000-0xa000" in line)
    assert "WRONG AND CERTAIN" in told
    assert "it is ---p" in told
    assert lines.index(told) < next(i for i, line in enumerate(lines) if "0x1000-0x9000" in line)


def test_report_cuts_long_lists() -> None:
    truths = [Known(start, start + 1, "bss", "exe-bss") for start in range(10)]
    assert "and 7 smaller ones" in report(score(truths, []), most=3)


@pytest.mark.parametrize(
    "regions",
    [
        [said(0, 0x3000, "heap", "brk"), said(0x2000, 0x4000, "heap", "brk")],
        [said(0x2000, 0x2000, "heap", "brk")],
    ],
)
def test_regions_that_overlap_or_are_empty_are_refused(regions: list[SaidRange]) -> None:
    with pytest.raises(ValueError, match=r"overlap|empty"):
        score([HEAP], regions)


def test_nothing_known_is_nothing_wrong() -> None:
    assert score([], [said(0, 1, "heap", "brk")]).by_class == 1


def test_regions_are_read_from_the_report() -> None:
    region = {
        "start": "0x1000",
        "end": "0x9000",
        "class": "heap",
        "kind": "brk",
        "certainty": "certain",
        "evidence": "the kernel says so",
        "owner": None,
        "rss": 4096,
    }
    assert parse_regions({"regions": [region]}) == [said(0x1000, 0x9000, "heap", "brk", certain="the kernel says so")]
    with pytest.raises(ValueError, match="no list"):
        parse_regions({})
    with pytest.raises(ValueError, match="kind"):
        parse_regions({"regions": [{key: region[key] for key in ("start", "end", "class")}]})
