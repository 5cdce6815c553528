"""The picture as SVG: well-formed, nothing outside of it, in true and in logarithmic scale; colours for all eyes."""

import itertools
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from procmem.analyse.inspection import inspection
from procmem.model.kinds import ByteClass
from procmem.model.reports.inspection import Inspection
from procmem.render.palette import PALETTE
from procmem.render.picture_layout import LINEAR, LOG, stacked
from procmem.render.svg import SCALES, standalone_svg
from tests.render.test_escaping import NASTY
from tests.support.made_processes import made, record
from tests.support.running import FIXTURES, kernel_thread, procmem
from tests.support.smaps_text import Record, smaps

SVG = "{http://www.w3.org/2000/svg}"
CLASSIC = str(FIXTURES / "i386-6.18-areas-3gib")


def drawn(records: list[Record]) -> Inspection:
    """A process with its picture."""
    shot, regions = made({"smaps": smaps(records)})
    return inspection(shot, regions, drawn=True)


def boxes(text: str) -> list[tuple[str, float]]:
    """What is told of each box, and its height."""
    root = ET.fromstring(text)
    found = []
    for group in root.iter(f"{SVG}g"):
        rect, title = group.find(f"{SVG}rect"), group.find(f"{SVG}title")
        assert rect is not None
        assert title is not None
        found.append((title.text or "", float(rect.attrib["height"])))
    return found


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 20)), min_size=1, max_size=40), st.floats(1, 2000))
@example(pieces=[(5e-324, 0.0)], room=1.5)
def test_pieces_share_the_room(pieces: list[tuple[float, float]], room: float) -> None:
    """One below the other, none lower than its least height, and all of the room is taken where that is possible."""
    weights, least = [weight for weight, _ in pieces], [height for _, height in pieces]
    places = stacked(weights, room, least)
    for (top, height), (below, _) in itertools.pairwise(places):
        assert math.isclose(top + height, below, abs_tol=1e-6)
    assert all(height >= low - 1e-9 for (_, height), low in zip(places, least, strict=True))
    whole = sum(height for _, height in places)
    assert whole <= max(room, sum(least)) * (1 + 1e-9) + 1e-6
    if any(weights) and sum(least) < room:
        assert math.isclose(whole, room, rel_tol=1e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_a_document_of_its_own(scale: str, tmp_path: Path) -> None:
    """It names what is there, asks for nothing from elsewhere, and runs no script."""
    path = tmp_path / "map.svg"
    run = procmem("inspect", CLASSIC, "--svg", str(path), "--scale", scale)
    assert (run.status, run.out) == (0, "")
    assert str(path) in run.err
    text = path.read_text("utf-8")
    names = [name for name, _ in boxes(text)]
    assert "c0000000-100000000: kernel space" in names
    assert any("in memory" in name and "(stack)" in name for name in names)
    assert any("2.6 GiB not mapped" in name for name in names)
    assert not re.findall(r"(?:href|src|url)\s*[=(]\s*[\"']?(?!#)", text)
    assert "<script" not in text
    assert path.stat().st_mode & 0o777 == 0o600


def test_true_scale_is_true() -> None:
    """What is twice as large is drawn twice as high; in logarithmic scale only somewhat higher."""
    low, high = 0x1000_0000, 0x9000_0000
    report = drawn([
        record(low, low + 0x1000_0000, "r--p", b"/small"),
        record(low + 0x1000_0000, low + 0x3000_0000, "r--p", b"/large"),
        record(high, high + 0x1000, "r--p", b"/page"),
    ])  # fmt: skip
    heights = dict(boxes(standalone_svg(report, LINEAR)))
    by_name = {name.split("  ")[-1].split(":")[0].split(" ")[0]: height for name, height in heights.items()}
    ratio = {}
    for scale in SCALES:
        found = {key: height for name, height in boxes(standalone_svg(report, scale))
                 for key in ("small", "large", "page") if f"/{key}" in name or f" {key}" in name}  # fmt: skip
        ratio[scale] = found["large"] / found["small"]
    assert by_name
    assert math.isclose(ratio[LINEAR], 2, rel_tol=0.01)
    assert 1 < ratio[LOG] < 1.2


@pytest.mark.parametrize("name", NASTY)
def test_hostile_names_are_text(name: bytes) -> None:
    """The document is well-formed, and has no elements but its own."""
    report = drawn([record(0x1000_0000, 0x1100_0000, "r--p", name), record(0x2000_0000, 0x2100_0000, "rw-p", name)])
    for scale in SCALES:
        root = ET.fromstring(standalone_svg(report, scale))
        own = {"svg", "style", "defs", "pattern", "rect", "path", "g", "title", "text"}
        assert {node.tag.removeprefix(SVG) for node in root.iter()} <= own


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """A picture is of one; to standard output it goes by a dash."""
    both = procmem("inspect", CLASSIC, str(FIXTURES / "x86_64-6.18-sleep"), "--svg", str(tmp_path / "x.svg"))
    assert both.status == 2
    assert "--svg is about one process, and 2 were named" in both.err
    assert not (tmp_path / "x.svg").exists()
    run = procmem("inspect", CLASSIC, "--svg", "-", "--lang", "zh")
    assert "的地址空间" in run.out
    ET.fromstring(run.out)


def test_what_cannot_be_drawn_or_written(tmp_path: Path) -> None:
    """One line, and no file."""
    thread = procmem("inspect", str(FIXTURES / "x86_64-6.18-kernel-thread"), "--svg", str(tmp_path / "x.svg"))
    assert (thread.status, len(thread.err.splitlines())) == (4, 1)
    denied = procmem("inspect", str(FIXTURES / "x86_64-6.18-denied"), "--svg", str(tmp_path / "x.svg"))
    assert denied.status == 4
    nowhere = procmem("inspect", CLASSIC, "--svg", str(tmp_path / "no" / "x.svg"))
    assert (nowhere.status, len(nowhere.err.splitlines())) == (6, 1)
    assert list(tmp_path.iterdir()) == []
    assert kernel_thread() is None or procmem("inspect", str(kernel_thread()), "--svg", "-").status == 4


VISION = {
    "all colours": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "no green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "no blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""What is seen of linear RGB: Machado, Oliveira, Fernandes (2009), at full severity."""
_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.072175), (0.0193339, 0.119192, 0.9503041))
_WHITE = (0.95047, 1.0, 1.08883)


def linear(color: str) -> list[float]:
    """The light of a colour (IEC 61966-2-1)."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def seen(color: str, vision: str) -> tuple[float, float, float]:
    """A colour as CIE L*a*b*, as somebody sees it."""
    light = [min(max(sum(a * b for a, b in zip(row, linear(color), strict=True)), 0), 1) for row in VISION[vision]]
    xyz = [sum(a * b for a, b in zip(row, light, strict=True)) / white for row, white in zip(_XYZ, _WHITE, strict=True)]
    x, y, z = (part ** (1 / 3) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116 for part in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("vision", VISION)
def test_no_two_classes_look_alike(vision: str) -> None:
    """A distance of 14 is far: 2.3 can just be told apart. Those with one fill differ by their pattern."""
    for one, two in itertools.combinations(ByteClass, 2):
        first, second = PALETTE[one], PALETTE[two]
        if first.fill == second.fill:
            assert first.pattern != second.pattern
        else:
            assert math.dist(seen(first.fill, vision), seen(second.fill, vision)) > 14, (one, two)


def test_text_upon_a_colour_can_be_read() -> None:
    """WCAG asks for a contrast of 4.5."""
    for cls in ByteClass:
        luminance = [
            sum(a * b for a, b in zip(_XYZ[1], linear(color), strict=True))
            for color in (PALETTE[cls].fill, PALETTE[cls].ink)
        ]
        assert (max(luminance) + 0.05) / (min(luminance) + 0.05) >= 4.5, cls
