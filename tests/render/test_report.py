"""The file that ``procmem report`` writes, read as text: it asks for nothing, runs its own script alone, is small."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.render.html import report as report_module
from procmem.render.html.treemap import Cell, squarified
from procmem.text.pages import report as words
from tests.support.made_reports import HOSTILE, hostile_recording, large_smaps, write_series
from tests.support.running import FIXTURES, procmem

THREADS = str(FIXTURES / "x86_64-6.18-python-threads")
FORK = str(FIXTURES / "x86_64-6.18-fork")
TEMPLATES = Path(report_module.__file__).parent / "templates"
LOADING = {"src", "srcset", "data", "poster", "action", "formaction", "background", "ping", "manifest"}
VOID = {"meta", "input", "br", "img", "link", "hr"}


class Page(HTMLParser):
    """The elements of a page, its data, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self.ids: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        assert len(found) == len(attrs), f"{tag} has an attribute twice"
        self.elements.append((tag, found))
        if found.get("id") is not None:
            self.ids.append(str(found["id"]))
        if tag == "script":
            self.scripts.append((found, ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = attributes, text + data
        elif self.open and self.open[-1] != "style":
            self.text += data

    @property
    def data(self) -> Any:
        """What the script reads."""
        return next(json.loads(text) for attributes, text in self.scripts if attributes.get("id") == "data")


def made(tmp_path: Path, *words_: str, status: int = 0) -> Page:
    """A report of the command line; what the page holds."""
    path = tmp_path / "report.html"
    run = procmem("report", *words_, "-o", str(path))
    assert (run.status, run.out) == (status, ""), run
    return Page(path.read_text("utf-8"))


def test_it_asks_for_nothing(tmp_path: Path) -> None:
    """No element loads anything, links stay inside, a policy forbids the rest, and allows the page's own script."""
    series = tmp_path / "a.series"
    write_series(series, range(1, 20))
    page = made(tmp_path, THREADS, str(series))
    for tag, attributes in page.elements:
        assert tag not in {"link", "iframe", "img", "object", "embed", "base", "audio", "video", "image", "use"}
        assert not LOADING & set(attributes), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")]
        if "href" in attributes:
            target = attributes["href"] or ""
            assert target[1:] in page.ids, target
    assert len(page.ids) == len(set(page.ids))
    policy = next(str(found["content"]) for tag, found in page.elements if found.get("http-equiv"))
    assert "default-src 'none'" in policy
    [script] = [text for attributes, text in page.scripts if "type" not in attributes]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    style = (TEMPLATES / "report.css").read_text()
    assert not re.search(r"@import|url\(", style)


def test_the_columns_are_the_regions(tmp_path: Path) -> None:
    """As inspect gives them, one by one."""
    regions = made(tmp_path, THREADS).data["subjects"][0]["regions"]
    expected = procmem("inspect", "--json", "--regions", THREADS).json["regions"]
    texts = regions["texts"]
    assert len(texts) == len(set(texts))
    for at, region in enumerate(expected):
        assert f"0x{regions['start'][at]}" == region["start"]
        assert regions["size"][at] == region["size"]
        for name in ("rss", "pss", "uss", "swap"):
            assert regions[name][at] == region[name]
        assert (texts[regions["class"][at]], texts[regions["kind"][at]]) == (region["class"], region["kind"])
    assert {len(column) for name, column in regions.items() if name not in ("texts", "told")} == {len(expected)}
    assert max(regions["block"]) == len(regions["told"]) - 1


def test_hostile_names_are_text(tmp_path: Path) -> None:
    """No name adds an element or an attribute, ends the data, or is left invisible."""
    page = made(tmp_path, str(hostile_recording(tmp_path)))
    tags = {tag for tag, _ in page.elements}
    assert "img" not in tags
    assert [text for _, text in page.scripts if "hacked" in text and "onerror" not in text] == []
    assert len(page.scripts) == 2
    assert not re.search("[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page.text)
    names = page.data["subjects"][0]["regions"]["texts"]
    for shown in ("/<script>hacked=1</script>", "/\\u202etxt.exe", "/\\x1b[31mred\\x07\\x9b", "/bytes \\xff\\xfe\\xc3"):
        assert any(name.endswith(shown[1:]) for name in names), shown
        assert shown in page.text
    assert "<b>x</b> (2557)" in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert len(HOSTILE) == 10


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_language(tmp_path: Path, language: str) -> None:
    """The page says which it is in, and no sentence is left in another."""
    page = made(tmp_path, THREADS, "--lang", language)
    html = next(attributes for tag, attributes in page.elements if tag == "html")
    assert html["lang"] == language
    assert ("地址空间" in page.text) == (language == "zh")
    assert ("Annotated map" in page.text) == (language == "en")


def test_twenty_thousand_regions_fit(tmp_path: Path) -> None:
    """The file stays below 15 MB; without a script the 200 largest regions are there, and a picture of few pieces."""
    text = tmp_path / "smaps"
    text.write_bytes(large_smaps(20_000))
    page = made(tmp_path, "--from", str(text))
    assert (tmp_path / "report.html").stat().st_size < 15_000_000
    assert len(page.data["subjects"][0]["regions"]["start"]) == 20_000
    assert len([name for name in page.ids if name.startswith("r-0-")]) == 200
    drawn = [attributes for tag, attributes in page.elements if tag == "a" and "data-region" in attributes]
    assert 20 < len(drawn) <= 400


def test_a_series_is_told_over_time(tmp_path: Path) -> None:
    """What grew, and how fast, stands in the page; it has classes, but no regions."""
    series = tmp_path / "a.series"
    write_series(series, [1 + at for at in range(31)])
    page = made(tmp_path, str(series))
    subject = page.data["subjects"][0]
    assert subject["regions"] is None
    assert subject["course"]["times"] == [10.0 * at for at in range(31)]
    heap = next(row for row in subject["course"]["rows"] if row["class"] == "heap")
    assert heap["sizes"][0] == 1 << 20
    assert heap["sizes"][-1] == 31 << 20
    assert re.search(r"heap\s*\+30 MiB\s*\+6 MiB\s*1 MiB\s*31 MiB", page.text)
    assert "main heap (brk)" in page.text


def test_many_looks_are_thinned(tmp_path: Path) -> None:
    """To as many as can be seen, the first and the last among them; how many there are is said."""
    series = tmp_path / "a.series"
    write_series(series, [1 + at % 50 for at in range(1501)])
    page = made(tmp_path, str(series))
    times = page.data["subjects"][0]["course"]["times"]
    assert (len(times), times[0], times[-1]) == (1000, 0.0, 15_000.0)
    assert "1501 looks, of which 1000 are shown" in page.text


def test_several_stand_side_by_side(tmp_path: Path) -> None:
    """Each with its own picture, map and treemaps, in the order of the command line."""
    page = made(tmp_path, THREADS, "--simulate", "textbook")
    assert [subject["name"] for subject in page.data["subjects"]] == [
        "python3 (4766)",
        "textbook (a simulated process)",
    ]
    assert {"map-0", "map-1", "c-0-heap", "c-1-heap"} <= set(page.ids)
    assert len([1 for tag, found in page.elements if tag == "svg" and found.get("class") == "space"]) == 4


@given(st.lists(st.integers(1 << 12, 1 << 40), min_size=1, max_size=60))
def test_cells_of_a_treemap_fill_it(sizes: list[int]) -> None:
    """Areas are to each other as the sizes, and no cell lies outside or upon another."""
    sizes.sort(reverse=True)
    room = Cell(0, 0, 480, 300)
    cells = squarified(sizes, room)
    whole = sum(sizes)
    for size, cell in zip(sizes, cells, strict=True):
        assert abs(cell.width * cell.height - 480 * 300 * size / whole) < 1e-2
        assert cell.x >= -1e-6
        assert cell.y >= -1e-6
        assert cell.x + cell.width <= 480 + 1e-3
        assert cell.y + cell.height <= 300 + 1e-3
    assert abs(sum(cell.width * cell.height for cell in cells) - 480 * 300) < 1e-3


def test_the_script_and_the_template_say_what_there_is() -> None:
    """Each word that they ask for is given, and each that is given is asked for."""
    script = (TEMPLATES / "report.js").read_text()
    asked = set(re.findall(r"\bwords\.(\w+)", script)) | set(re.findall(r'\bwords\["([^"]+)"\]', script))
    asked |= set(re.findall(r'labelled\("(\w+)"', script)) | set(re.findall(r'\["\w+", "(by \w+)"\]', script))
    assert asked == set(report_module._SCRIPT_WORDS) == set(words._OF_THE_SCRIPT)
    template = (TEMPLATES / "report.html").read_text()
    assert set(re.findall(r'words\["([^"]+)"\]', template)) == set(report_module._WORDS)
    shown = set(re.findall(r'headings\["([^"]+)"\]', template))
    assert shown == set(report_module._HEADINGS)


def test_the_script_is_no_markup() -> None:
    """Nothing in it or in the style ends its element."""
    for name in ("report.js", "report.css"):
        assert "</" not in (TEMPLATES / name).read_text()
