"""Text of other processes: made printable once, then escaped for each format; nothing moves a cursor or a formula."""

import csv
import io
import json
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.render.escaping import csv_safe, markdown_safe, printable, printable_text
from procmem.render.formats.csv_tables import to_csv
from procmem.render.formats.markdown_tables import to_markdown
from procmem.render.formats.text import table_text
from procmem.render.human import duration, human_size, kib
from procmem.render.page import Column, Sheet
from procmem.render.style import Style
from tests.support.running import procmem
from tests.support.smaps_text import KEYS_6_18, Record, smaps

UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
NASTY = [
    b"/\x1b[31mred\x1b[0m",
    b"/\x1b]0;title\x07",
    b"/\x9b31m",
    b"/back\x08\x08\x7f",
    "/\u202eevil".encode(),
    "/zero\u200bwidth\ufeff".encode(),
    "/line\u2028sep".encode(),
    "/tag\U000e0041".encode(),
    b"/\xff\xfe\x80",
    b"/cr\rhidden",
    b"=cmd|' /C calc'!A0",
    b"@SUM(1)",
    b"/a|b`c*d_e<script>&[x](y)",
    b'/quote",comma;',
]


@given(st.binary(max_size=60))
def test_printable_text_is_printable(data: bytes) -> None:
    """No control, format, separator or surrogate character is left; plain text stays as it is."""
    text = printable(data)
    assert not {unicodedata.category(char) for char in text} & UNSEEN - {"Cf"}
    assert not re.search("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]", text)
    text.encode("utf-8")
    if data.isascii() and data.decode().isprintable():
        assert text == data.decode()
    assert printable_text(text) == text, "escaping twice changes nothing"


@given(st.text(max_size=60))
def test_no_character_moves_the_terminal(text: str) -> None:
    """Of all Unicode: nothing of a category that is not seen, but for marks that scripts need."""
    shown = printable_text(text)
    left = {char for char in shown if unicodedata.category(char) in UNSEEN}
    assert all(unicodedata.category(char) == "Cf" for char in left)
    assert not any(
        unicodedata.bidirectional(char) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        for char in shown
    )


@given(st.text(max_size=30))
def test_a_spreadsheet_sees_no_formula(text: str) -> None:
    """The first character of a cell is never one that begins a formula."""
    assert not csv_safe(printable_text(text)).startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_markdown_keeps_its_cells(text: str) -> None:
    """Every character with a meaning has a backslash before it."""
    escaped = markdown_safe(text)
    assert re.sub(r"\\(.)", r"\1", escaped) == text
    assert not re.search(r"(?<!\\)(?:\\\\)*[|`*_<>\[\]]", escaped)


@pytest.fixture(scope="module")
def nasty_smaps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A process that maps files with all the bad names."""
    path = tmp_path_factory.mktemp("nasty") / "smaps"
    counters = tuple((key, 4) for key in KEYS_6_18)
    records = [
        Record(0x1000 * n, 0x1000 * n + 0x1000, "r--p", 0, "fe:00", n, name, counters)
        for n, name in enumerate(NASTY, 1)
    ]
    path.write_bytes(smaps(records))
    return path


@pytest.mark.parametrize("form", [(), ("--csv",), ("--markdown",), ("--json",), ("--classic",)])
def test_no_format_lets_anything_through(nasty_smaps: Path, form: tuple[str, ...]) -> None:
    """Every byte that comes out is printable UTF-8, whatever goes in."""
    run = procmem("inspect", "--regions", *form, "--from", str(nasty_smaps))
    assert run.status == 0, run
    assert "\udc80" not in run.out
    for char in run.out:
        assert char == "\n" or unicodedata.category(char) not in UNSEEN, (form, char)


def test_csv_of_nasty_names(nasty_smaps: Path) -> None:
    """One row a region, every row as long as the head, no formulas, sizes in bytes."""
    run = procmem("inspect", "--regions", "--csv", "--from", str(nasty_smaps))
    head, *rows = csv.reader(io.StringIO(run.out))
    assert len(rows) == len(NASTY)
    assert {len(row) for row in rows} == {len(head)}
    assert {row[head.index("rss_bytes")] for row in rows} == {"4096"}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_markdown_of_nasty_names(nasty_smaps: Path) -> None:
    """Every line has the same number of unescaped bars."""
    run = procmem("inspect", "--regions", "--markdown", "--from", str(nasty_smaps))
    bars = {len(re.findall(r"(?<!\\)\|", line)) for line in run.out.splitlines()}
    assert len(bars) == 1
    assert len(run.out.splitlines()) == len(NASTY) + 2


def test_json_loses_no_byte(nasty_smaps: Path) -> None:
    """A name that is no UTF-8 has a twin in hexadecimal."""
    run = procmem("inspect", "--regions", "--json", "--from", str(nasty_smaps))
    regions = json.loads(run.out)["regions"]
    back = [bytes.fromhex(r["path_hex"]) if "path_hex" in r else r["path"].encode() for r in regions]
    assert back == NASTY
    assert run.out.isascii()


def test_a_sheet_in_every_format() -> None:
    """Unknown is a question mark for people and an empty cell for programs; addresses are hexadecimal."""
    columns = (Column("start", "address"), Column("RSS", "size"), Column("name", "text"))
    sheet = Sheet(columns, [(4096, 2048, "a"), (8192, None, "b|c")], [(None, 2048, "total")])
    assert table_text(sheet, Style()).splitlines() == [
        "start  RSS  name",
        " 1000    2  a",
        " 2000    ?  b|c",
        "-----  ---  -----",
        "    ?    2  total",
    ]
    assert to_csv(sheet) == "start,rss_bytes,name\n0x1000,2048,a\n0x2000,,b|c\n"
    assert to_markdown(sheet, kib).splitlines()[-1] == "| ? | 2 | total |"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "?"),
        (0, "0"),
        (1, "1 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (10240, "10 KiB"),
        (1 << 20, "1 MiB"),
        ((1 << 30) * 3 // 2, "1.5 GiB"),
        (1 << 47, "128 TiB"),
        (1 << 63, "8 EiB"),
    ],
)
def test_sizes_for_people(size: int | None, text: str) -> None:
    """Units are powers of 1024 and named so."""
    assert human_size(size) == text


@given(st.integers(0, (1 << 64) - 1))
def test_sizes_for_people_are_near_the_truth(size: int) -> None:
    """Within a rounding of what they stand for, and never four digits before the point."""
    text = human_size(size)
    number, _, unit = text.partition(" ")
    factor = {
        "": 1,
        "B": 1,
        "KiB": 1 << 10,
        "MiB": 1 << 20,
        "GiB": 1 << 30,
        "TiB": 1 << 40,
        "PiB": 1 << 50,
        "EiB": 1 << 60,
    }
    assert abs(float(number) * factor[unit] - size) <= max(
        0.5 * factor[unit] if float(number) >= 99 else 0.051 * factor[unit], 0
    )
    assert float(number) <= 1024


def test_times_for_people() -> None:
    """The two largest units."""
    assert [duration(s) for s in (None, 0, 59.9, 60, 3661, 90_061, 86_400)] == [
        *("?", "0 s", "59 s", "1 min", "1 h 1 min", "1 d 1 h", "1 d"),
    ]
