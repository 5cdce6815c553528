"""The registry of formats: a new one is one row and one module, and every command has it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from procmem.cli.output import Output
from procmem.render import formats
from procmem.render.formats.csv_tables import to_csv
from procmem.render.formats.markdown_tables import to_markdown
from procmem.render.human import kib
from procmem.render.page import Column, Page, Prose, Sheet
from procmem.render.style import Style
from tests.support.running import FIXTURES, ROOT

FAKE = """
import sys, types
import procmem.render.formats as formats
fake = types.ModuleType("procmem.render.formats.fake")
fake.write = lambda pages, style, *, several: f"{len(pages)} page of {len(pages[0].sections)} sections\\n"
sys.modules[fake.__name__] = fake
formats.FORMATS += (formats.Format("fake", "fake"),)
from procmem.cli.fast_path import run_plain
from procmem.cli.main import run
status = run_plain(sys.argv[1:])
sys.exit(run() if status is None else status)
"""
THREADS = str(FIXTURES / "x86_64-6.18-python-threads")


@pytest.mark.parametrize(
    "words",
    [
        ("inspect", THREADS),
        ("explain", THREADS),
        ("threads", THREADS),
        ("shared", THREADS),
        ("account", THREADS),
        ("system", "--from", THREADS),
        ("swap", THREADS),
        ("diff", THREADS, THREADS),
        ("simulate",),
        ("crosscheck", THREADS),
        ("translate", "--sim", "0x08048123"),
        ("lab",),
    ],
    ids=lambda words: words[0],
)
def test_a_new_format_is_one_row_and_one_module(words: tuple[str, ...]) -> None:
    """No command knows the formats that there are."""
    command = [sys.executable, "-c", FAKE, words[0], "--fake", *words[1:]]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("1 page of ")
    both = subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (both.returncode, both.stdout) == (2, "")


GOES_ON = """
import sys, types
import procmem.render.formats as formats
fake = types.ModuleType("procmem.render.formats.fake")
fake.write_next = lambda pages, style, *, first: f"{len(pages)} more, first: {first}\\n"
sys.modules[fake.__name__] = fake
formats.FORMATS += (formats.Format("fake", "fake", goes_on=True), formats.Format("still", "still"))
from procmem.cli.main import run
sys.exit(run())
"""


def test_watch_takes_each_format_that_goes_on() -> None:
    """A new one is one row and one module here too; one that can write a page only once is no option."""
    command = [sys.executable, "-c", GOES_ON, "watch", str(os.getpid()), "--count", "2", "--interval", "0.01"]
    run = subprocess.run([*command, "--fake"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "1 more, first: True\n1 more, first: False\n")
    still = subprocess.run([*command, "--still"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (still.returncode, still.stdout) == (2, "")


def test_every_format_has_its_module_and_every_module_its_row() -> None:
    """The folder and the table name the same."""
    folder = Path(formats.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert modules == {one.module for one in (*formats.FORMATS, formats.TEXT, formats.HTML)}


def sheet() -> Sheet:
    """Unknown figures, an address, and text that is a formula and markup."""
    columns = (
        Column("start", "address"),
        Column("RSS", "size", "rss"),
        Column("own copies", "count"),
        Column("name", "text"),
    )
    return Sheet(columns, [(4096, 2048, "-", "=a|b"), (None, None, None, None)], [(None, 2048, 1, "total")])


def test_csv_leaves_unknown_cells_empty() -> None:
    """As it does cells for which there is no such figure; totals are left to the reader."""
    assert to_csv(sheet()) == "start,rss_bytes,own_copies,name\n0x1000,2048,,'=a|b\n,,,\n"


def test_markdown_has_a_question_mark_for_what_is_unknown() -> None:
    """Text is no markup."""
    assert to_markdown(sheet(), kib).splitlines() == [
        "| start | RSS | own copies | name |",
        "| ---: | ---: | ---: | --- |",
        "| 1000 | 2 | - | =a\\|b |",
        "| ? | ? | ? | ? |",
        "| ? | 2 | 1 | total |",
    ]


def page(number: int) -> Page:
    """A page that is told apart by its number."""
    return Page([[Prose(f"page {number}")]], sheet, lambda: {"number": number})


@pytest.mark.parametrize(
    ("several", "text"), [(False, '{\n "number": 1\n}\n'), (True, '[\n {\n  "number": 1\n }\n]\n')]
)
def test_json_is_a_document_or_a_list(several: bool, text: str) -> None:
    """A list where several were asked for, even if one answered."""
    assert formats.write(formats.format_named("json"), [page(1)], Style(), several=several) == text


def test_no_page_gives_no_output(capsys: pytest.CaptureFixture[str]) -> None:
    """Where all targets failed, stdout stays empty in every format, also where a list was due."""
    for form in (*(form.name for form in formats.FORMATS), None):
        Output(form=form).show([], several=True)
    assert capsys.readouterr() == ("", "")


def test_pages_stand_apart() -> None:
    """A blank line between two."""
    assert formats.write(formats.TEXT, [page(1), page(2)], Style()) == "page 1\n\npage 2\n"
