"""The page of growth, its flame graph and its stacks: figures that add up, at any width, whatever names are."""

import csv
import xml.etree.ElementTree as ET

import pytest

from procmem.analyse.growth import sums_by
from procmem.model.reports.growth import GROUPINGS, CodeGrowth, CurvePoint
from procmem.model.reports.report import MemoryReport, ShownGrowth
from procmem.render.formats import TEXT, format_named, write
from procmem.render.growth_stacks import growth_stacks
from procmem.render.html.flame import curve_svg, flame_svg
from procmem.render.html.report import report_html
from procmem.render.pages.growth import growth_page
from procmem.render.profiles import PROFILES, write_profile
from procmem.render.style import Style
from procmem.render.width import cells
from procmem.text import use_language
from tests.support.made_growth import PAGE, Touch, code_map, grown_by, look

HOSTILE, LIST, MAIN = 0x400, 0x100, 0x000


def report(*, pages: int = 300, faults: int | None = None) -> CodeGrowth:
    """Half of it by a function whose name is markup, escapes and no UTF-8."""
    touches = [Touch(page, HOSTILE if page % 2 else LIST, MAIN, tid=7 + page % 2) for page in range(pages)]
    return grown_by(look(()), look(range(pages)), touches, faults=faults)


def page_text(one: CodeGrowth, by: str | None, width: int) -> str:
    page = growth_page(one, sums_by(one.rows, by), sums_by(one.rows, "function"), "", by=by, top=20)
    return write(TEXT, [page], Style(width=width, prose=width, unit="human"))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("by", [None, *GROUPINGS])
@pytest.mark.parametrize("width", [80, 120])
def test_it_fits(width: int, by: str | None, language: str) -> None:
    """No line is wider than the terminal, and no name reaches it raw."""
    use_language(language)
    text = page_text(report(), by, width)
    assert max(map(cells, text.splitlines())) <= width
    assert "\x1b" not in text
    assert ("grower" in text) is (by in (None, "function", "object"))


def test_figures_on_the_page() -> None:
    """What came, by whom, and of how many faults that is known."""
    text = page_text(report(faults=3000), "function", 100)
    assert "3000 page faults in 2.0 s, 1,500 a second; 300 were looked at, one of about 10" in text
    assert "RES went from 64 KiB to 1.2 MiB: +1.2 MiB" in text
    assert "grow_list in grower" in text
    assert "one fault in about 10" in " ".join(text.split())


def test_shares_are_numbers_for_programs() -> None:
    """In percent for a person, a part of one for a program."""
    one = report()
    page = growth_page(one, sums_by(one.rows, "thread"), (), "", by="thread", top=20)
    text = write(TEXT, [page], Style(width=100, prose=100, unit="human"))
    rows = list(csv.DictReader(write(format_named("csv"), [page], Style()).splitlines()))
    assert " 50 %" in text
    assert [float(row["share"]) for row in rows] == [0.5, 0.5]


def test_rows_beyond_the_top_are_one() -> None:
    """With what they come to."""
    one = report()
    page = growth_page(one, sums_by(one.rows, "thread"), (), "", by="thread", top=1)
    text = write(TEXT, [page], Style(width=100, prose=100, unit="human"))
    assert "1 other" in text
    table = page.table()
    assert sum(int(row[0] or 0) for row in table.rows) == one.grown == 300 * PAGE
    assert len(table.rows) == 2


def test_what_left_nothing() -> None:
    """Where most faults are such, their functions have a table of their own."""
    touches = [Touch(page, LIST, MAIN) for page in range(50)] + [Touch(60, HOSTILE)]
    one = grown_by(look(()), look([60]), touches)
    text = page_text(one, None, 100)
    assert "Faults that left no new page (98 % of all" in text
    assert "50  100 %  grow_list in grower" in text
    assert page_text(grown_by(look(()), look(()), touches), None, 100).count("No new memory") == 1


def test_the_flame_graph_is_well_formed_and_adds_up() -> None:
    """Frames lie within those that called them."""
    one = report()
    root = ET.fromstring(flame_svg(one))  # our own
    places = [
        {name: float(rect.attrib[name]) for name in ("x", "y", "width")}
        for rect in root.iter("{http://www.w3.org/2000/svg}rect")
    ]
    widths: dict[float, float] = {}
    for place in places:
        widths[place["y"]] = widths.get(place["y"], 0.0) + place["width"]
    assert all(width == pytest.approx(960, abs=1) for width in widths.values())
    assert len(widths) == 4  # threads, main, functions, memory
    labels = [group.attrib["aria-label"] for group in root.iter("{http://www.w3.org/2000/svg}g")]
    assert any("grow_list: 600 KiB (50.0 %)" in label for label in labels)
    assert flame_svg(grown_by(look(()), look(()), [])) == ""


def test_the_curve() -> None:
    """It needs two moments, and says in words what it shows."""
    points = (CurvePoint(0.0, 1 << 20, 0, 0), CurvePoint(1.0, None, None, 5), CurvePoint(2.0, 3 << 20, 0, 9))
    svg = curve_svg(report()._replace(curve=points))
    ET.fromstring(svg)  # our own
    assert "RES over time: 1 MiB at first, 3 MiB at the end" in svg
    assert curve_svg(report()._replace(curve=points[:1])) == ""
    assert curve_svg(report()) == ""


def test_a_report_of_growth_alone() -> None:
    """Names of functions are no markup there."""
    one = report()
    shown = ShownGrowth(one, sums_by(one.rows, None), sums_by(one.rows, "function"))
    page = report_html(MemoryReport((), 1_800_000_000.0, "0", 0, (shown,)))
    assert 'id="code"' in page
    assert 'id="summary"' not in page
    assert "&lt;script&gt;" in page
    assert page.count("<script") == 2  # its data, and its own


@pytest.mark.parametrize("form", PROFILES)
def test_profiles_hold_any_name(form: str) -> None:
    """A semicolon would begin another frame; bytes that are no text have escapes."""
    stacks = growth_stacks([report()])
    data = write_profile(form, stacks, "bytes")
    if form == "folded":
        lines = data.decode().splitlines()
        assert sum(int(line.rpartition(" ")[2]) for line in lines) == 300 * PAGE
        assert all(len(line.rpartition(" ")[0].split(";")) == 4 for line in lines)
    assert b"\x1b" not in data or form == "pprof"


def test_mangled_names_are_told_of() -> None:
    """What makes them readable is an extra."""
    code = code_map({0x000: b"main", 0x100: b"_Znonsense"})
    one = grown_by(look(()), look([1]), [Touch(1, LIST, MAIN)], code=code)
    assert "procmem[symbols]" in page_text(one, None, 100)
    assert "procmem[symbols]" not in page_text(report(), None, 100)
