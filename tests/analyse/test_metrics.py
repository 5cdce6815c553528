"""Groups for monitoring: sums, and how many there are at most."""

from typing import Any

from procmem.analyse.metrics import OTHERS, metrics_groups
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.metrics import GroupLabels, ProcessDetail, ProcessFigures


def process(name: str, pss: int | None, **more: object) -> ProcessFigures:
    """A process with little said of it."""
    figures: dict[str, Any] = dict.fromkeys(ProcessFigures._fields) | {"counted": True, "resident": 1, "pss": pss}
    return ProcessFigures(**(figures | {"labels": GroupLabels(name=name)} | more))


def detail(heap: int, *findings: str) -> ProcessDetail:
    """What its mappings tell."""
    return ProcessDetail((ClassRow("heap", heap, heap, heap, heap, 0, 1),), {"brk": heap}, 10, 2, findings)


def test_sums_count_nothing_twice_and_leave_the_unknown_out() -> None:
    """One with an address space of another counts as a process, its sizes do not; peaks are those of the largest."""
    found, folded = metrics_groups(
        [
            process("a", 10, threads=1, peak=5, oom_score=3),
            process("a", None, threads=2, peak=9),
            process("a", 7, threads=4, counted=False),
        ],
        top=None,
        series=10_000,
    )
    assert folded == 0
    (group,) = found
    assert (group.processes, group.sizes_unknown, group.pss, group.resident) == (3, 1, 10, 2)
    assert (group.threads, group.peak, group.oom_score) == (7, 9, 3)
    assert group.uss is None
    assert group.arenas is None
    assert group.classes == ()


def test_details_are_of_those_that_were_read() -> None:
    """How many those are is told."""
    (group,), _ = metrics_groups(
        [process("a", 1, detail=detail(5, "x")), process("a", 1, detail=detail(6, "x", "y")), process("a", 1)],
        top=None,
        series=10_000,
    )
    assert group.detailed == 2
    assert [(row.cls, row.pss) for row in group.classes] == [("heap", 11)]
    assert (group.kinds, group.findings, group.arenas, group.regions) == ({"brk": 11}, {"x": 2, "y": 1}, 4, 10)


def test_the_largest_are_kept_and_the_others_are_one() -> None:
    """Nothing is lost: the sums are the same."""
    processes = [process(f"p{number}", number) for number in range(1, 101)]
    found, folded = metrics_groups(processes, top=3, series=10_000)
    assert [group.labels.name for group in found] == ["p100", "p99", "p98", OTHERS.name]
    assert folded == 97
    assert sum(group.pss or 0 for group in found) == 5050
    assert found[-1].processes == 97


def test_series_have_a_bound() -> None:
    """Whatever names processes take; a name like that of all others is put to them."""
    processes = [process(f"p{number}", number, detail=detail(number)) for number in range(1, 1001)]
    found, folded = metrics_groups([*processes, process(OTHERS.name, 5000)], top=None, series=500)
    assert len({group.labels for group in found}) == len(found)
    assert folded > 900
    samples = sum(14 + 5 * len(group.classes) + len(group.kinds) + len(group.findings) for group in found)
    assert samples <= 500
    assert sum(group.processes for group in found) == 1001


def test_nobody_is_no_group() -> None:
    """No process that fits."""
    assert metrics_groups([], top=None, series=100) == ((), 0)
