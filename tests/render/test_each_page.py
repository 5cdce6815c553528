"""Each page laid out from values: what is unknown says so in every form, what is known stands in it, and it fits."""

import pytest

from procmem.analyse.account import account_report
from procmem.analyse.borders import borders_for
from procmem.analyse.diff import Condition, Look, diff_report
from procmem.analyse.explain import explanation
from procmem.analyse.inspection import inspection
from procmem.analyse.laws import laws_of
from procmem.analyse.system import system_report
from procmem.analyse.translation import walk_steps
from procmem.errors import AccessRefused
from procmem.model.machine import architecture_of
from procmem.model.raw import Refusal
from procmem.model.reports.account import Readings
from procmem.model.reports.laws import LawReport
from procmem.model.reports.system import ProcessRow
from procmem.model.reports.translation import RealTranslation
from procmem.model.reports.watch import Trend, Watched
from procmem.model.snapshot import Snapshot
from procmem.render.formats import FORMATS, TEXT, write
from procmem.render.formats.csv_tables import to_csv
from procmem.render.formats.text import page_text
from procmem.render.page import Page
from procmem.render.pages.account import account_page
from procmem.render.pages.diff import change_sheet, diff_page
from procmem.render.pages.explain import ExplainChoice, explain_page, findings_page
from procmem.render.pages.inspect import class_sheet, inspect_page, picture_page, region_sheet
from procmem.render.pages.laws import laws_page
from procmem.render.pages.system import classes_page, system_page
from procmem.render.pages.translate import real_page
from procmem.render.pages.watch import watch_page
from procmem.render.style import Style, size_format
from tests.support.made_processes import made, record
from tests.support.smaps_text import smaps

Files = dict[str, bytes | Refusal]
HEAP = record(0x55_0000_0000, 0x55_0100_0000, name=b"[heap]", Rss=8192, Pss=8192, Private_Dirty=8192, Anonymous=8192)
LIBRARY = record(0x7F00_0000_0000, 0x7F00_0010_0000, "r-xp", b"/usr/lib/x.so", Rss=512, Pss=64, Shared_Clean=512)
STACK = record(0x7FFC_0000_0000, 0x7FFC_0002_1000, name=b"[stack]", Rss=16, Pss=16, Private_Dirty=16, Anonymous=16)
KNOWN: Files = {
    "smaps": smaps([HEAP, LIBRARY, STACK]),
    "status": b"Name:\tx\nState:\tS (x)\nTgid:\t7\nVmSize:\t 17544 kB\n",
}
SIZELESS: Files = {"maps": b"00400000-00401000 r-xp 00000000 fe:00 12 /x\n", "smaps": Refusal.DENIED}
NOTHING_BESIDE = Readings(None, None, None, None, frozenset())
UNIT, SIZE = "sizes in KiB", size_format(None)[0]
NARROW = Style(width=80)


def pages(shot: Snapshot) -> dict[str, Page]:
    """The pages of ``inspect`` and ``explain`` of one process."""
    _, regions = made(KNOWN)
    report = inspection(shot, regions if shot.has_usage else made(SIZELESS)[1])
    explained = explanation(shot, report.regions, report)
    listed = range(len(report.regions or ()))
    choice = ExplainChoice()
    return {
        "inspect": inspect_page(report, UNIT, listed=listed),
        "explain": explain_page(explained, choice),
        "findings": findings_page(explained),
        "account": account_page(account_report(shot, report.regions, NOTHING_BESIDE), SIZE, UNIT),
    }


@pytest.mark.parametrize("name", ["inspect", "explain", "findings", "account"])
@pytest.mark.parametrize("files", [KNOWN, SIZELESS], ids=["known", "without sizes"])
def test_pages_of_a_process_fit_and_have_every_format(name: str, files: Files) -> None:
    """80 columns in text, and no format fails."""
    shot, _ = made(files)
    page = pages(shot)[name]
    assert all(len(line) <= 80 for line in page_text(page, NARROW).splitlines())
    for form in FORMATS:
        if form.is_table and files is SIZELESS and name == "account":
            with pytest.raises(AccessRefused):  # a table of leaves without leaves is no answer
                write(form, [page], Style())
        elif name != "findings" or not form.is_table:
            assert write(form, [page], Style()).strip()


def test_inspect_lists_what_it_counts() -> None:
    """Each class once, its sum at the end; a region for each mapping."""
    shot, regions = made(KNOWN)
    report = inspection(shot, regions)
    rows = to_csv(class_sheet(report)).splitlines()
    assert [row.split(",")[:3] for row in rows if row.startswith(("heap", "stack"))] == [
        ["heap", "16777216", "8388608"],
        ["stack", "135168", "16384"],
    ]
    table = to_csv(region_sheet(report.regions, range(3))).splitlines()
    assert len(table) == 4
    assert "[heap]" in table[1]


def test_inspect_without_sizes_says_unknown() -> None:
    """Empty cells and question marks, not zeros."""
    report = inspection(*made(SIZELESS))
    line = next(row for row in to_csv(class_sheet(report)).splitlines() if row.startswith("text"))
    assert line.split(",")[1:6] == ["4096", "", "", "", ""]
    page = inspect_page(report, UNIT, listed=None)
    assert page_text(page, Style()).count("?") >= 5


def test_the_picture_has_the_areas_from_top_to_bottom() -> None:
    """Kernel space, stack, mapping area, heap."""
    report = inspection(*made(KNOWN), drawn=True)
    text = page_text(picture_page(report, inspect_page(report, UNIT, listed=None)), NARROW)
    places = [text.index(word) for word in ("kernel space", "stack", "mapping area", "heap")]
    assert places == sorted(places)


def test_explain_speaks_of_every_region() -> None:
    """What it is, and how much of it is in memory; what may not be known is said to be so."""
    shot, _ = made(KNOWN)
    text = page_text(pages(shot)["explain"], Style())
    for words in ("The classic heap", "x.so", "The main thread's stack", "8 MiB of 16 MiB are in memory"):
        assert words in text, words
    unknown = page_text(pages(made(SIZELESS)[0])["explain"], Style())
    assert "not known" in unknown
    assert "None of" not in unknown


def test_account_ends_in_its_totals() -> None:
    """RES is in the page, and the leaves that it consists of."""
    text = page_text(pages(made(KNOWN)[0])["account"], Style())
    assert "8720" in text  # 8192 + 512 + 16 KiB
    assert "anonymous, private dirty" in text


def test_diff_names_what_grew_and_which_condition_failed() -> None:
    """In text and in a table; what is the same is left out unless all is asked for."""
    looks = []
    for name, size in (("before", 16), ("after", 4112)):
        shot, regions = made({"smaps": smaps([record(0x10000, 0x1010000, name=b"[heap]", Rss=size), STACK])})
        assert regions is not None
        looks.append(Look(name, shot, regions))
    report = diff_report(*looks, threshold=4096, conditions=[Condition("heap:1M", "heap", 1 << 20, None)])
    text = page_text(diff_page(report, UNIT, everything=False), NARROW)
    assert "heap:1M" in text
    assert len(to_csv(change_sheet(report, everything=False)).splitlines()) == 2
    assert len(to_csv(change_sheet(report, everything=True)).splitlines()) == 3
    assert all(len(line) <= 80 for line in text.splitlines())


def test_laws_are_told_with_their_figures() -> None:
    """One row each, and what came of it."""
    shot, regions = made(KNOWN)
    report = inspection(shot, regions)
    layout = architecture_of("x86_64", 64).layout
    assert layout is not None
    laws = laws_of(shot, (), borders_for(layout, STACK.end, 8 << 20), walk=False)
    page = laws_page(LawReport(report.process, laws, (), None, None), everything=True)
    text = page_text(page, Style())
    short = page_text(laws_page(LawReport(report.process, laws, (), None, None)), Style())
    assert "laws of the layout: 2 hold, 0 broken" in short
    assert "holds" not in short, "those that are broken alone"
    assert laws
    assert len(to_csv(page.table()).splitlines()) == len(laws) + 1
    assert "holds" in text


def test_system_adds_up_only_what_is_known() -> None:
    """An unreadable process is a row of question marks, and is counted; a sum without it says so."""
    unknown = ProcessRow(9, 1, 0, "root", b"secret", None, None, None, None, None, None)
    known = ProcessRow(8, 1, 0, "root", b"open", 4096, 4096, 4096, 4096, 0, 0)
    report = system_report([known, unknown], unreadable=1)
    page = system_page(report, UNIT)
    rows = {row.split(",")[0]: row for row in to_csv(page.table()).splitlines()}
    assert rows["9"].count(",,") >= 1
    text = page_text(page, NARROW)
    line = next(line for line in text.splitlines() if "secret" in line)
    assert line.split().count("?") >= 4
    assert "0" not in line.split()[3:]
    assert classes_page((), UNIT, processes=0, unreadable=3).document()["unreadable"] == 3


def test_a_translation_without_pagemap_is_unknown() -> None:
    """Indexes follow from the address; the frame does not."""
    address = 0x7F12_3456_789A
    one = RealTranslation(7, address, 4096, 4, walk_steps(address, 4), 0x89A, "heap", None, (), None, None, None, ())
    page = real_page(one)
    text = page_text(page, NARROW)
    for index in ("254", "72", "418", "359", "0x89a"):
        assert index in text, index
    assert page.document()["frame"] is None
    assert "frame" not in text


def test_watch_shows_growth_and_unknown_growth() -> None:
    """A figure that was never seen twice has no change, and that is no zero."""
    trends = (Trend("RES", 8 << 20, None, None, None, (8 << 20,)), Trend("swap", None, None, None, None, (None,)))
    text = page_text(watch_page(Watched(7, b"x", 0.0, 0.0, trends), NARROW, UNIT), NARROW)
    row = next(line for line in text.splitlines() if line.startswith("RES"))
    assert "8192" in row
    assert "?" in next(line for line in text.splitlines() if line.startswith("swap"))
    assert write(TEXT, [watch_page(Watched(7, b"x", 0.0, 0.0, trends), NARROW, UNIT)], NARROW)
