"""Figures and trends of a watch, borders of an address space, and whether files tell of one moment."""

import pytest

from procmem.analyse.borders import borders_for
from procmem.analyse.consistency import tells_of_two_moments
from procmem.analyse.watch import class_figures, rollup_figures, status_figures, trends
from procmem.model.machine import GAP_MIN, LayoutFacts
from procmem.model.proc_keys import SmapsKey
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.watch import Sample
from tests.support.made_processes import made, record
from tests.support.smaps_text import smaps

KIB = 1024


def test_figures_of_status() -> None:
    """By their own names; what this kernel does not say is unknown."""
    sizes = {"VmSize": 1, "VmRSS": 2, "RssAnon": 3, "RssFile": 4, "RssShmem": 5, "VmSwap": 6, "VmPTE": 7}
    assert list(status_figures(sizes).values()) == [1, 2, 3, 4, 5, 6, 7]
    assert set(status_figures({}).values()) == {None}


def test_figures_of_the_rollup_and_of_classes() -> None:
    """USS is what is private; a class holds what is in memory and in swap, if both are known."""
    rolled = {SmapsKey.PSS: 9, SmapsKey.PRIVATE_CLEAN: 3, SmapsKey.PRIVATE_DIRTY: 4}
    assert rollup_figures(rolled) == {"PSS": 9, "USS": 7}
    rows = [ClassRow("heap", 9, 5, None, None, 2, 1), ClassRow("mmap", 9, 5, None, None, None, 1)]
    assert class_figures(rows) == {"heap": 7, "mmap": None}


def samples(*sizes: int | None, every: float = 60.0) -> list[Sample]:
    """One figure at even times, in bytes."""
    return [Sample(number * every, {"RES": size}) for number, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "change", "since_start", "per_minute"),
    [
        ((5,), 0, 0, None),
        ((None,), None, None, None),
        ((0, 4 * KIB), 4 * KIB, 4 * KIB, 4 * KIB),
        ((0, 4 * KIB, 8 * KIB), 4 * KIB, 8 * KIB, 4 * KIB),
        ((8 * KIB, 0), -8 * KIB, -8 * KIB, -8 * KIB),
        ((0, None, 8 * KIB), None, 8 * KIB, 4 * KIB),
        ((None, 0, 8 * KIB), 8 * KIB, None, 8 * KIB),
        ((0, 8 * KIB, None), None, None, 8 * KIB),
        ((0, 0, 0, 40 * KIB), 40 * KIB, 40 * KIB, 12 * KIB),
        ((0, KIB // 2 + 1), KIB // 2 + 1, KIB // 2 + 1, KIB),
        ((0, KIB // 2 - 1), KIB // 2 - 1, KIB // 2 - 1, 0),
    ],
)
def test_trends(
    sizes: tuple[int | None, ...], change: int | None, since_start: int | None, per_minute: int | None
) -> None:
    """Since the look before, since the first, and by the straight line through all, in whole KiB a minute."""
    seen = samples(*sizes)
    [trend] = trends(seen, seen[0])
    assert (trend.name, trend.now, trend.history) == ("RES", sizes[-1], sizes)
    assert (trend.change, trend.since_start, trend.per_minute) == (change, since_start, per_minute)


def test_the_first_sample_may_be_gone_from_the_history() -> None:
    """And looks at one moment have no slope."""
    [trend] = trends(samples(5, 9), Sample(-60.0, {"RES": 1}))
    assert trend.since_start == 8
    [trend] = trends(samples(0, 4 * KIB, every=0.0), Sample(0.0, {}))
    assert (trend.since_start, trend.per_minute) == (None, None)


PAGE = 4096
LAYOUT = LayoutFacts(
    task_sizes=(1000 * PAGE << 20, 3000 * PAGE << 20), windows=(900 * PAGE << 20, 2400 * PAGE << 20),
    program_bases=(PAGE + 1, 2 * PAGE), stack_draw=10, mmap_draw_bits=4, brk_draw=5 * PAGE,
)  # fmt: skip
REACH = 15 * PAGE
SMALL, LARGE = LAYOUT.windows


@pytest.mark.parametrize(
    ("highest", "size", "program"),
    [
        (0, 0, (PAGE, PAGE + 1 + REACH)),
        (LAYOUT.task_sizes[0], 0, (PAGE, PAGE + 1 + REACH)),
        (LAYOUT.task_sizes[0] + 1, 1, (2 * PAGE, 2 * PAGE + REACH)),
        (LAYOUT.task_sizes[1] + 1, 1, (2 * PAGE, 2 * PAGE + REACH)),
    ],
)
def test_which_size_of_user_space(highest: int, size: int, program: tuple[int, int]) -> None:
    """The first that holds the highest mapping, else the largest; its window counts for all that is placed."""
    found = borders_for(LAYOUT, highest, None)
    assert (found.task_size, found.program_base) == (LAYOUT.task_sizes[size], program)
    assert found.stack_end == (LAYOUT.windows[size] - 12 * PAGE, LAYOUT.windows[size])
    assert found.brk_reach == 6 * PAGE
    third = LAYOUT.windows[size] // 3
    assert found.legacy_base == (third, third + REACH)


@pytest.mark.parametrize(
    ("limit", "lowest_gap", "highest_gap"),
    [
        (0, GAP_MIN, GAP_MIN),
        (GAP_MIN, GAP_MIN + 266 * PAGE, GAP_MIN + 256 * PAGE),
        (1 << 60, SMALL // 6 * 5, SMALL // 6 * 5),
        (None, SMALL // 6 * 5, SMALL // 6 * 5),
    ],
)
def test_the_mapping_area_lies_below_the_stack(limit: int | None, lowest_gap: int, highest_gap: int) -> None:
    """By the limit, the guard gap and what is drawn, at least 128 MiB, at most five sixths; in whole pages."""
    found = borders_for(LAYOUT, 0, limit)
    lowest, highest = SMALL - lowest_gap - REACH, SMALL - highest_gap
    assert found.mmap_base == (lowest & -PAGE, -(-highest // PAGE) * PAGE)
    assert found.mmap_base_any_limit == ((SMALL - SMALL // 6 * 5 - REACH) & -PAGE, SMALL - GAP_MIN)


def test_the_mapping_area_never_lies_below_zero() -> None:
    """However little there is; a third of it is rounded up."""
    small = LAYOUT._replace(windows=(6 * PAGE, 6 * PAGE), mmap_draw_bits=8)
    assert borders_for(small, 0, None).mmap_base == (0, PAGE)
    assert borders_for(small._replace(windows=(PAGE, PAGE)), 0, None).legacy_base[0] == PAGE


FIGURES = {"Rss": 12, "Pss": 8, "Private_Dirty": 4, "Private_Clean": 2, "Swap": 1}
RECORDS = [
    record(start, start + 0x10000, Rss=12, Pss=8, Private_Dirty=4, Private_Clean=2, Swap=1)
    for start in (0x10000, 0x30000)
]
STATUS = b"Name:\tx\nState:\tS (x)\nTgid:\t7\nVmSize:\t%d kB\n"
ROLLUP = {key: 2 * size * KIB for key, size in FIGURES.items()}


@pytest.mark.parametrize(
    ("virt", "rollup", "differs"),
    [
        (128, None, False),
        (132, None, True),
        (124, None, True),
        (128, ROLLUP, False),
        *((128, ROLLUP | {key: ROLLUP[key] + 4}, key != "Pss") for key in FIGURES),
        *((128, {key: size for key, size in ROLLUP.items() if key != left_out}, False) for left_out in FIGURES),
        (128, ROLLUP | {"Pss": ROLLUP["Pss"] - 1}, True),
        (128, ROLLUP | {"Pss": ROLLUP["Pss"] + 2 * KIB - 1}, False),
        (128, ROLLUP | {"Pss": ROLLUP["Pss"] + 2 * KIB}, True),
    ],
)
def test_files_of_two_moments(virt: int, rollup: dict[str, int] | None, differs: bool) -> None:
    """Sums are equal; PSS may lack less than a kB of each mapping."""
    shot, _ = made({"smaps": smaps(RECORDS), "status": STATUS % virt})
    assert tells_of_two_moments(shot, rollup) is differs


def test_files_that_say_too_little_are_of_one_moment() -> None:
    """No mappings, no status, or smaps without a counter."""
    assert not tells_of_two_moments(made({"status": STATUS % 1})[0], ROLLUP)
    assert not tells_of_two_moments(made({"smaps": smaps(RECORDS)})[0], None)
    assert not tells_of_two_moments(made({"maps": b"1000-2000 r--p 00000000 00:00 0\n"})[0], ROLLUP)
