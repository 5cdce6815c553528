"""Reports as people use them: in Chromium, by pointer and by keys, with and without scripts, and judged by axe.

One browser serves all tests of a worker. Each page is watched: whatever it says on its console or asks of the world
fails the test.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from procmem.analyse.watch import slope_per_minute
from procmem.render.human import human_size
from tests.support import needs
from tests.support.made_reports import MIB, hostile_recording, large_smaps, write_series
from tests.support.running import FIXTURES, procmem

pytestmark = pytest.mark.needs("chromium")

THREADS = str(FIXTURES / "x86_64-6.18-python-threads")
CLASSIC = str(FIXTURES / "i386-6.18-areas-3gib")
ALL = ("process", "series", "hostile", "beside", "chinese")
HEAP = [10 + at if at < 20 else 30 for at in range(41)]
"""MiB of the heap at each look of the series, one every ten seconds."""
Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's own Chromium; whoever runs the tests may be root, for whom its sandbox does not work."""
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=needs.program("chromium"), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports that the tests open."""
    folder = tmp_path_factory.mktemp("reports")
    series = folder / "a.series"
    write_series(series, HEAP)
    made = {
        "process": (THREADS,),
        "series": (str(series),),
        "hostile": (str(hostile_recording(folder)),),
        "beside": (CLASSIC, "--simulate", "textbook"),
        "chinese": (CLASSIC, str(series), "--lang", "zh"),
    }
    for name, words in made.items():
        run = procmem("report", *words, "-o", str(folder / f"{name}.html"))
        assert run.status == 0, run
    return folder


@pytest.fixture
def opened(browser: Browser, reports: Path) -> Iterator[Opened]:
    """Opens a report; at the end nothing was said on a console, and nothing was asked for but the file itself."""
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def open_report(name: str, **settings: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **settings})  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((reports / f"{name}.html").as_uri())
        return page

    yield open_report
    for context in contexts:
        context.close()
    assert said == []
    assert all(url.startswith("file:") and url.endswith(".html") for url in asked)
    assert len(asked) == len(contexts)


@pytest.mark.parametrize("name", ALL)
def test_a_report_opens_in_silence(name: str, opened: Opened) -> None:
    """No error, no request, no line wider than the window."""
    for width in (1280, 420):
        page = opened(name, viewport={"width": width, "height": 900})
        assert page.title()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_pointing_names_the_region(opened: Opened) -> None:
    """With the pointer, also in a hole; what was said goes with it."""
    page = opened("process")
    said = page.locator("#pointed")
    page.locator(".space-log a[aria-label*='python3.11: code']").first.hover()
    assert re.fullmatch(
        r"41f000-6d2000  python3\.11: code \(text\): 2\.7 MiB, 1\.9 MiB in memory", said.text_content() or ""
    )
    page.locator(".space-log g").last.hover(force=True)
    assert "0-400000: 4 MiB not mapped" in said.inner_text()
    page.locator("h1").hover()
    assert page.locator("#pointed").text_content() == ""


def test_a_click_leads_to_the_explanation(opened: Opened) -> None:
    """The row of the region has the focus, is marked and in sight; what it is stands below its block."""
    page = opened("process")
    page.locator(".space-log a[aria-label*='large blocks of malloc']").first.click()
    row = page.locator("tr.found")
    assert row.count() == 1
    assert "heap/glibc-mmap-chunk" in row.inner_text()
    assert page.evaluate("document.activeElement === document.querySelector('tr.found')")
    box = row.bounding_box()
    assert box is not None
    assert 0 <= box["y"] <= 900
    assert "A large block of malloc" in row.locator("xpath=following-sibling::tr[@class='said'][1]").inner_text()


def test_by_keys_alone(opened: Opened) -> None:
    """Tab goes into the picture once, arrows through it, Enter to the explanation; Escape clears what is said."""
    page = opened("process")
    page.locator("#scale-log").focus()
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert first == page.locator("#pointed").text_content()
    assert "[stack]" in first or "stack" in first
    page.keyboard.press("ArrowDown")
    second = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert second != first
    assert second == page.locator("#pointed").text_content()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("End")
    page.keyboard.press("Escape")
    assert page.locator("#pointed").text_content() == ""
    last = page.evaluate("document.activeElement.dataset.region")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == f"r-0-{last}"


def test_scales_are_chosen_by_keys_too(opened: Opened) -> None:
    """One picture is shown at a time; the script is not needed for that."""
    for scripts in (True, False):
        page = opened("process", java_script_enabled=scripts)
        assert page.locator(".space-log").is_visible()
        assert not page.locator(".space-linear").is_visible()
        page.locator("#scale-log").focus()
        page.keyboard.press("ArrowRight")
        assert page.locator(".space-linear").is_visible()
        assert not page.locator(".space-log").is_visible()


def found(page: Page) -> int:
    """How many regions fit, as the page says."""
    match = re.match(r"(\d+) of", page.locator(".found-count").inner_text())
    return int(match[1]) if match else 0


def test_search_and_filters(opened: Opened) -> None:
    """They find what inspect lists, and say how much that is."""
    regions = procmem("inspect", "--json", "--regions", THREADS).json["regions"]
    page = opened("process")
    assert found(page) == len(regions)
    page.get_by_label("Search").fill("/libc.so.6")
    assert found(page) == len([one for one in regions if "/libc.so.6" in f"{one['path']} {one['owner']}"])
    page.get_by_role("combobox", name="Class").select_option("text")
    [text] = [one for one in regions if "libc.so.6" in (one["path"] or "") and one["class"] == "text"]
    count = page.locator(".found-count").inner_text()
    assert human_size(text["size"]) in count
    assert human_size(text["rss"]) in count
    page.get_by_role("button", name="Show all").click()
    assert found(page) == len(regions)
    page.get_by_role("combobox", name="Kind").select_option("thread")
    assert found(page) == 4
    page.get_by_role("button", name="Show all").click()
    page.get_by_role("combobox", name="Size").select_option(str(16 * MIB))
    assert found(page) == len([one for one in regions if one["size"] >= 16 * MIB])
    page.get_by_role("button", name="Show all").click()
    page.get_by_label("Search").fill("no such thing anywhere")
    assert page.locator(".found-count").inner_text() == "No region fits."
    page.get_by_label("Search").fill("stack THREAD")
    assert 0 < found(page) < len(regions)
    page.get_by_role("combobox", name="Order").select_option("rss")
    sizes = [one["rss"] for one in regions]
    page.get_by_role("button", name="Show all").click()
    page.get_by_role("combobox", name="Order").select_option("rss")
    first = page.locator("table.regions tbody tr td:nth-child(3)").first.inner_text()
    assert first == human_size(max(sizes))


def test_figures_are_those_of_the_command(opened: Opened) -> None:
    """The script writes sizes as Python does, region by region."""
    for name, recording in (("process", THREADS), ("beside", CLASSIC)):
        page = opened(name)
        regions = procmem("inspect", "--json", "--regions", recording).json["regions"][:200]
        rows = page.locator("#map-0 table.regions tbody tr:not(.said)").all_inner_texts()
        assert len(rows) == len(regions)
        for row, region in zip(rows, regions, strict=True):
            cells = row.split("\t")
            assert int(cells[0], 16) == int(region["start"], 16)
            assert cells[1:5] == [human_size(region[key]) for key in ("size", "rss", "pss", "swap")]
            assert cells[6] == f"{region['class']}/{region['kind']}"


def test_a_cell_of_the_treemap_filters_the_map(opened: Opened) -> None:
    """By its class and kind."""
    page = opened("process")
    page.locator("svg.treemap a[data-kind='thread']").first.click()
    assert (
        page.get_by_role("combobox", name="Class").input_value(),
        page.get_by_role("combobox", name="Kind").input_value(),
    ) == ("stack", "thread")
    assert found(page) == 4


def expected(first: int, last: int) -> list[str]:
    """What is to be told of the heap between two looks."""
    points = [(10.0 * at, HEAP[at] * MIB) for at in range(first, last + 1)]
    grown = (HEAP[last] - HEAP[first]) * MIB
    rate = slope_per_minute(points)
    signed = [f"+{human_size(size)}" if size else human_size(size) for size in (grown, rate)]
    return [*signed, human_size(HEAP[first] * MIB), human_size(HEAP[last] * MIB)]


def growth(page: Page, what: str) -> list[str]:
    """The row of the table of what changed."""
    row = page.locator("table.growth tbody tr").filter(has=page.locator(f"th:text-is('{what}')"))
    return row.locator("td").all_inner_texts()


def test_a_range_that_is_dragged(opened: Opened) -> None:
    """What changed is told of the range alone: the heap grew in the first half, and stood still in the second."""
    page = opened("series")
    assert growth(page, "heap") == expected(0, 40)
    chart = page.locator("svg.course")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    scale = box["width"] / 720

    def x(look: int) -> float:
        return box["x"] + scale * (72 + (716 - 72) * look / 40)

    y = box["y"] + box["height"] / 2
    page.mouse.move(x(2), y)
    page.mouse.down()
    page.mouse.move(x(7), y, steps=3)
    page.mouse.move(x(12), y, steps=3)
    page.mouse.up()
    assert growth(page, "heap") == expected(2, 12)
    assert "+20 s to +2 min after the first look" in page.locator("output").inner_text()
    page.mouse.move(x(12), y)  # an end of the range is moved
    page.mouse.down()
    page.mouse.move(x(17), y, steps=3)
    page.mouse.up()
    assert growth(page, "heap") == expected(2, 17)
    page.mouse.move(x(25), y)
    page.mouse.down()
    page.mouse.move(x(38), y, steps=3)
    page.mouse.up()
    assert growth(page, "heap") == expected(25, 38)
    page.mouse.click(x(5), y)  # a click alone is no range
    assert growth(page, "heap") == expected(0, 40)


def test_a_range_by_keys(opened: Opened) -> None:
    """Each end is a slider: it says its time, and no end passes the other."""
    page = opened("series")
    page.get_by_role("slider", name="from").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert growth(page, "heap") == expected(5, 40)
    assert page.get_by_role("slider", name="from").get_attribute("aria-valuetext") == "+50 s"
    page.get_by_role("slider", name="to").focus()
    page.keyboard.press("Home")
    assert page.get_by_role("slider", name="from").input_value() == "0"
    assert growth(page, "heap") == expected(0, 0)


def test_without_scripts(opened: Opened) -> None:
    """Pictures, the classes, what grew, and the largest regions with what they are; a click leads there as well."""
    page = opened("process", java_script_enabled=False)
    assert page.locator("svg.space").first.is_visible()
    assert page.locator("svg.treemap").first.is_visible()
    assert page.locator("#c-0-heap").is_visible()
    assert page.locator("ol.waterfall li").count() == 5
    assert page.locator(".static table.regions tbody tr:not(.said)").count() == 74
    page.locator(".space-log a[aria-label*='large blocks of malloc']").first.click()
    assert re.search(r"#r-0-\d+$", page.url)
    series = opened("series", java_script_enabled=False)
    assert series.locator("svg.course").is_visible()
    assert not series.locator(".range").is_visible()
    assert growth(series, "heap") == expected(0, 40)


def test_hostile_names_do_nothing(opened: Opened) -> None:
    """They are read as they are, in the map, in pictures, and in what is said of them."""
    page = opened("hostile")
    assert page.evaluate("typeof hacked") == "undefined"
    assert page.locator("main img, main b:not(.finding b)").count() == 0
    assert page.locator("h1").inner_text() == "Memory of <b>x</b> (2557)"
    page.get_by_label("Search").fill("<script>")
    assert found(page) == 1
    assert "/<script>hacked=1</script>" in page.locator("table.regions tbody").inner_text()
    page.get_by_label("Search").fill("\\u202etxt")
    assert found(page) == 1
    page.locator(".space-log a[aria-label*='onerror']").first.hover()
    assert "onerror=hacked=2>" in page.locator("#pointed").inner_text()
    assert page.evaluate("typeof hacked") == "undefined"


def test_print(opened: Opened) -> None:
    """What only a screen is for is left out; everything else is there, dark upon light."""
    page = opened("process", color_scheme="dark")
    page.emulate_media(media="print")
    for hidden in ("nav", ".filters", ".pages", ".choice"):
        assert not page.locator(hidden).first.is_visible(), hidden
    for shown in ("svg.space", "svg.treemap", "ol.waterfall", "table.regions", "dl.glossary"):
        assert page.locator(shown).first.is_visible(), shown
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF")


def test_dark_and_light(opened: Opened) -> None:
    """As the reader's system has it."""
    colors = {
        scheme: opened("process", color_scheme=scheme).evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        for scheme in ("light", "dark")
    }
    assert colors == {
        "light": ["rgb(255, 255, 255)", "rgb(27, 31, 36)"],
        "dark": ["rgb(13, 17, 23)", "rgb(230, 237, 243)"],
    }


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 420)])
@pytest.mark.parametrize("name", ALL)
def test_axe_finds_nothing(name: str, scheme: str, width: int, opened: Opened) -> None:
    """No rule of axe-core is broken: light on a wide window, dark on a narrow one."""
    page = opened(name, color_scheme=scheme, viewport={"width": width, "height": 900})
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_twenty_thousand_regions_can_be_searched(browser: Browser, tmp_path: Path) -> None:
    """They are shown two hundred at a time; a click in the picture finds the page of its region."""
    text = tmp_path / "smaps"
    text.write_bytes(large_smaps(20_000))
    path = tmp_path / "large.html"
    assert procmem("report", "--from", str(text), "-o", str(path)).status == 0
    page = browser.new_page()
    page.goto(path.as_uri())
    assert found(page) == 20_000
    assert page.locator("table.regions tbody tr:not(.said)").count() == 200
    page.get_by_role("button", name="Next").click()
    assert "regions 201 to 400" in page.locator(".pages").inner_text()
    page.get_by_label("Search").fill("name-6543")
    assert found(page) == 3
    region = page.locator(".space-log a").nth(30)
    index = region.get_attribute("data-region")
    region.click()
    assert page.evaluate("document.activeElement.id") == f"r-0-{index}"
    page.close()
