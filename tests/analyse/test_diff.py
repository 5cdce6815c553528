"""What a region is tells it from others, not where it lies; unknown growth is not called zero growth."""

from hypothesis import given

from procmem.analyse.diff import Condition, Look, diff_report
from procmem.model import owners
from procmem.model.region import Regions
from procmem.model.reports.diff import Change, DiffReport, Whose
from procmem.model.snapshot import ThreadReading
from tests.support.made_processes import made, mappings, record
from tests.support.smaps_text import Record, smaps

KIB = 1024


def look(name: str, *records: Record, start: int | None = None) -> Look:
    """One side; with ``start``, of a process that began at this tick."""
    files = {"smaps": smaps(records)}
    if start is not None:
        files["stat"] = b"7 (x) S 1 7 7 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 %d 65536 10" % start + b" 0" * 28 + b"\n"
    shot, regions = made(files)
    assert regions is not None
    return Look(name, shot, regions)


def changed(report: DiffReport) -> list[Change]:
    """What is not the same."""
    return [change for change in report.changes if change.status != "same"]


@given(mappings())
def test_a_process_does_not_differ_from_itself(records: list[Record]) -> None:
    """Neither by class nor by region, nor against itself turned round."""
    report = diff_report(look("a", *records), look("b", *reversed(records)), threshold=1)
    assert report.is_same
    assert all(one.before == one.after for one in report.classes)


@given(mappings(), mappings())
def test_growth_by_region_is_growth_by_class(first: list[Record], last: list[Record]) -> None:
    """Every region is in one change and in one class."""
    report = diff_report(look("a", *first), look("b", *last), threshold=1)
    [total] = [one for one in report.classes if one.cls == "total"]
    for field in ("virt", "rss", "swap", "regions"):
        for side in ("before", "after"):
            parts = [getattr(getattr(one, side), field) for one in report.changes if getattr(one, side) is not None]
            assert sum(parts) == getattr(getattr(total, side), field)


def test_a_library_at_another_address_is_the_same() -> None:
    """Randomised addresses differ from run to run."""
    there = record(0x7F00_0000_0000, 0x7F00_0000_8000, "r-xp", b"/lib/x.so", Rss=16)
    here = record(0x7E00_0000_0000, 0x7E00_0000_8000, "r-xp", b"/lib/x.so", Rss=16)
    assert diff_report(look("a", there), look("b", here), threshold=1).is_same


def test_within_one_process_addresses_count() -> None:
    """The anonymous memory that grew, and the one that is new; in two runs they are one sum."""
    first = [record(0x7F00_0000_0000, 0x7F00_0010_0000, Rss=16)]
    last = [
        record(0x7F00_0000_0000, 0x7F00_0020_0000, Rss=48),
        record(0x7F10_0000_0000, 0x7F10_0010_0000, Rss=8),
    ]
    same = diff_report(look("a", *first, start=5), look("b", *last, start=5), threshold=1)
    assert same.same_process
    assert {(one.status, one.growth) for one in changed(same)} == {("grown", 32 * KIB), ("new", 8 * KIB)}
    other = diff_report(look("a", *first, start=5), look("b", *last, start=6), threshold=1)
    assert [(one.status, one.growth) for one in changed(other)] == [("grown", 40 * KIB)]


def test_the_threshold_is_the_least_that_counts() -> None:
    """One byte less is the same."""
    first, last = (look(name, record(0x10000, 0x90000, Rss=size)) for name, size in (("a", 16), ("b", 48)))
    assert not diff_report(first, last, threshold=32 * KIB).is_same
    assert diff_report(first, last, threshold=32 * KIB + 1).is_same


def test_conditions() -> None:
    """By size and by per cent, of one class or of all; a class that neither side has fails nothing."""
    first, last = (
        look(name, record(0x10000, 0x90000, name=b"[heap]", Rss=size)) for name, size in (("a", 16), ("b", 24))
    )
    conditions = (
        Condition("heap:8K", "heap", 8 * KIB, None),
        Condition("heap:4K", "heap", 4 * KIB, None),
        Condition("total:50%", "total", None, 50.0),
        Condition("total:49%", "total", None, 49.0),
        Condition("stack:0", "stack", 0, None),
    )
    failed = diff_report(first, last, threshold=1, conditions=conditions).failed
    assert [one.figures["condition"] for one in failed] == ["heap:4K", "total:49%"]


def test_a_thread_of_one_process_is_known_by_its_id() -> None:
    """An earlier thread that ended does not make the others' memory somebody else's."""

    def shot(*tids: int) -> Look:
        one = look("x", record(0x7F00_0000_0000, 0x7F00_0010_0000, Rss=16), start=5)
        threads = tuple(ThreadReading(tid=tid, comm=b"w", sp=None, pc=None, running=False) for tid in tids)
        label = one.regions.label[0]._replace(owner=owners.Arena(0x7F00_0000_0030, (9,)))
        table = one.regions
        regions = Regions(
            mappings=table.mappings, vma=table.vma, start=table.start, end=table.end, label=[label], shares=table.shares
        )
        return Look("x", one.snapshot._replace(threads=threads), regions)

    report = diff_report(shot(7, 8, 9), shot(7, 9), threshold=1)
    [change] = report.changes
    assert change.status == "same"
    assert change.owner == Whose(threads=(owners.Thread(9, b"w"),), is_arena=True)


def test_a_class_that_one_side_lacks_was_nothing_there() -> None:
    """Each figure is 0, and known to be."""
    heap = record(0x10000, 0x20000, name=b"[heap]", Rss=8, Pss=8)
    stack = record(0x7FFF_0000_0000, 0x7FFF_0002_1000, name=b"[stack]", Rss=4, Pss=4)
    for first, last in (((heap,), (heap, stack)), ((heap, stack), (heap,))):
        report = diff_report(look("a", *first), look("b", *last), threshold=1)
        [one] = [change for change in report.classes if change.cls == "stack"]
        lacking = one.before if len(first) == 1 else one.after
        assert tuple(lacking) == (0, 0, 0, 0, 0)
