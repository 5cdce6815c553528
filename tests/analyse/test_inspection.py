"""The report on made-up processes: every sum has one meaning, and unknown stays unknown."""

from hypothesis import given
from hypothesis import strategies as st

from procmem.analyse.inspection import classic_class, inspection
from procmem.model import kinds
from procmem.model.kinds import KINDS, ByteClass, Kind
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.raw import Refusal
from procmem.model.region import Certainty, Label
from procmem.model.reports.inspection import Inspection
from procmem.text.notes import note_text
from tests.support.made_processes import labelled, made, record, smaps_texts
from tests.support.smaps_text import KEYS_6_18, Record, smaps


def report_of(files: dict[str, bytes | Refusal], *, classic: bool = False) -> Inspection:
    """The report on a process of which only these files are known."""
    shot, table = made(files)
    return inspection(shot, table, classic=classic)


@given(smaps_texts(), st.booleans())
def test_every_sum_is_of_the_same_regions(text: bytes, classic: bool) -> None:
    """By class, by region, and from VIRT to RES: one process, one total."""
    report = report_of({"smaps": text}, classic=classic)
    totals, table = report.totals, report.regions
    assert table is not None
    for key, column in (("rss", table.rss), ("pss", table.pss), ("uss", table.uss), ("swap", table.swap)):
        total = getattr(totals, key)
        assert total == sum(getattr(row, key) for row in report.classes)
        assert total == sum(value or 0 for value in column)
    assert totals.virt == sum(row.virt for row in report.classes)
    assert sum(row.regions for row in report.classes) == len(table)
    assert report.account is not None
    assert sum(report.account) == totals.virt
    assert all(part >= 0 for part in report.account)


@given(smaps_texts())
def test_uss_pss_rss_and_virt_are_in_order(text: bytes) -> None:
    """Private is at most proportional is at most resident; but for the gate area, that is at most all."""
    totals = report_of({"smaps": text}).totals
    assert totals.rss is not None
    assert totals.pss is not None
    assert totals.uss is not None
    assert totals.uss <= totals.pss <= totals.rss


def test_without_smaps_the_small_files_still_speak() -> None:
    """VIRT and RSS from status; PSS and USS are unknown, and the report says why."""
    status = b"Name:\tx\nState:\tS (sleeping)\nTgid:\t7\nVmSize:\t 800 kB\nVmRSS:\t 400 kB\nVmSwap:\t 8 kB\n"
    report = report_of({"status": status, "smaps": Refusal.DENIED})
    assert (report.totals.virt, report.totals.rss, report.totals.swap) == (800 * 1024, 400 * 1024, 8192)
    assert (report.totals.pss, report.totals.uss, report.account, report.regions) == (None, None, None, None)
    assert any("smaps: permission denied" in note_text(warning) for warning in report.warnings)


def test_with_maps_alone_sizes_in_memory_are_unknown() -> None:
    """None, never zero."""
    report = report_of({"maps": b"00400000-00401000 r-xp 00000000 fe:00 12 /x\n", "smaps": Refusal.ABSENT})
    assert report.totals.virt == 4096
    assert (report.totals.rss, report.classes[0].rss, report.classes[0].swap) == (None, None, None)


def test_the_gate_area_is_listed_and_not_counted() -> None:
    """[vsyscall] belongs to the kernel; VmSize leaves it out, and the page says so."""
    figures = tuple((key, 0) for key in KEYS_6_18)
    gate = Record(0xFFFF_FFFF_FF60_0000, 0xFFFF_FFFF_FF60_1000, "--xp", name=b"[vsyscall]", counters=figures)
    report = report_of({"smaps": smaps([Record(0x1000, 0x3000, counters=figures), gate])})
    assert report.totals.virt == 8192
    assert report.regions is not None
    assert len(report.regions) == 2


def test_swap_of_shared_memory_is_named() -> None:
    """VmSwap leaves it out, smaps has it: the difference is told."""
    figures = tuple((key, 16 if key == "Swap" else 0) for key in KEYS_6_18)
    text = smaps([Record(0x1000, 0x100_0000, "rw-s", 0, "00:01", 3, b"/dev/zero (deleted)", figures)])
    report = report_of({"smaps": text, "status": b"Name:\tx\nState:\tS (x)\nVmSize:\t 16380 kB\nVmSwap:\t 4 kB\n"})
    assert any("12 kB of shared memory" in note_text(warning) for warning in report.warnings)


def test_old_kernels_leave_columns_out() -> None:
    """Linux 2.6 has no Swap, no Private_*: these columns are unknown, the others are not."""
    report = report_of({"smaps": smaps([Record(0x1000, 0x3000, counters=(("Rss", 4),), flags=None, eligible=None)])})
    assert report.totals.rss == 4096
    assert (report.totals.pss, report.totals.uss, report.totals.swap, report.totals.swap_pss) == (None,) * 4


def test_every_class_has_a_classic_word() -> None:
    """One of six, for each kind, and for a kind of each class that nobody has listed."""
    words = {"text", "data", "bss", "heap", "mmap", "stack"}
    for kind in (*KINDS, *(Kind("x", cls) for cls in ByteClass)):
        assert classic_class(Label(kind, Certainty.GUESS, note("unexplained"))) in words


def test_an_empty_process_is_no_division_by_zero() -> None:
    """No mapping, no files at all."""
    assert report_of({"smaps": b"", "status": b"Name:\tx\nState:\tZ (zombie)\nThreads:\t1\n"}).classes == ()
    empty = Mappings(start=[], end=[], perms=[], offset=[], device=[], inode=[], name=[])
    assert empty.total("Rss") is None


def test_a_class_with_an_unknown_part_is_unknown() -> None:
    """And the others are not, whichever class has the most regions."""
    rows = (
        [(record(0x10000 * at, 0x10000 * at + 0x1000, Rss=4), kinds.BRK, None) for at in (1, 2, 3)]
        + [(record(0x10000 * at, 0x10000 * at + 0x1000, Rss=8), kinds.MAIN_STACK, None) for at in (4, 5)]
        + [(record(0x60000, 0x61000, Rss=12), kinds.RESERVED, None)]
    )
    regions = labelled(*rows)
    for unknown, expected in ((None, (12, 16, 12)), (0, (None, 16, 12)), (3, (12, None, 12)), (5, (12, 16, None))):
        some = list(regions.rss)
        if unknown is not None:
            some[unknown] = None
        regions.rss = some
        shot, _ = made({"smaps": b""})
        report = inspection(shot._replace(mappings=regions.mappings), regions)
        found = {row.cls: None if row.rss is None else row.rss // 1024 for row in report.classes}
        assert (found["heap"], found["stack"], found["reserved"]) == expected
        assert [row.regions for row in report.classes] == [3, 2, 1]
        regions = labelled(*rows)
