"""From Python: the same figures as on the command line, as values, rows, JSON, text and a table in a notebook."""

import csv
import html.parser
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import procmem
from procmem.text import english
from tests.support.running import FIXTURES, ROOT, missing_pid, python_child
from tests.support.running import procmem as command

THREADS = FIXTURES / "x86_64-6.18-python-threads"
FORK = FIXTURES / "x86_64-6.18-fork"
QUESTIONS = ("inspect", "explain", "account", "threads", "shared")


def test_a_dozen_names() -> None:
    """Each is there, and has a docstring or is the version."""
    assert sorted(procmem.__all__) == dir(procmem)
    assert 10 <= len(procmem.__all__) <= 15
    for name in procmem.__all__:
        value = getattr(procmem, name)
        assert isinstance(value, str) or value.__doc__, name


def test_the_package_itself_loads_nothing() -> None:
    """``import procmem`` is paid by every start of the command."""
    code = "import sys; before = set(sys.modules); import procmem; print(len(set(sys.modules) - before))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == "1"


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_document_is_what_the_command_prints(question: str) -> None:
    """The same JSON, key by key."""
    report = getattr(procmem.examine(str(THREADS)), question)()
    assert report.to_dict() == json.loads(report.to_json())
    assert report.to_dict() == command(question, "--json", str(THREADS)).json


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_text_is_what_the_command_prints(question: str) -> None:
    """The same page."""
    with english():
        text = str(getattr(procmem.examine(str(THREADS)), question)())
    assert text == command(question, str(THREADS), env={"PYTHONUTF8": "1"}).out


@pytest.mark.parametrize("question", QUESTIONS)
def test_rows_are_the_table(question: str) -> None:
    """As many as CSV has, each with the same keys; sizes are numbers."""
    rows = getattr(procmem.examine(str(THREADS)), question)().rows()
    printed = list(csv.reader(io.StringIO(command(question, "--csv", str(THREADS)).out)))
    assert len(rows) == len(printed) - 1
    assert all(list(row) == list(rows[0]) for row in rows)
    assert len(rows[0]) == len(printed[0])


def test_regions_as_rows_add_up() -> None:
    """What pandas would sum: the regions' RSS is the process's."""
    report = procmem.examine(str(THREADS)).inspect(regions=True)
    assert sum(int(row["rss"] or 0) for row in report.rows()) == report.value.totals.rss


class _Cells(html.parser.HTMLParser):
    """Counts the cells of a table, and holds that every element is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.open.append(tag)
        self.cells += tag == "td"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_notebook_shows_a_table() -> None:
    """Well-formed, a cell for each value and each total."""
    report = procmem.examine(str(THREADS)).inspect()
    cells = _Cells()
    cells.feed(report._repr_html_())
    assert cells.open == []
    assert cells.cells == (len(report.rows()) + 2) * len(report.rows()[0])


def test_text_of_other_processes_is_no_markup(tmp_path: Path) -> None:
    """A file may be called ``<script>``."""
    maps = tmp_path / "evil.maps"
    maps.write_bytes(b"7f0000000000-7f0000001000 r--p 00000000 fe:00 12    /tmp/<script>alert(1)</script>\n")
    shown = procmem.examine(str(maps)).inspect(regions=True)._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_a_living_process_is_read_anew() -> None:
    """Each question sees it as it is by then; when it has ended, that is an error with a sentence."""
    with python_child("") as pid:
        process = procmem.examine(pid)
        assert process.pid == pid
        assert process.inspect().value.process.pid == pid
    with pytest.raises(procmem.ProcessGone, match=str(pid)):
        process.inspect()


def test_ourselves() -> None:
    """``self`` is the calling process."""
    assert procmem.examine("self").inspect().value.process.pid == os.getpid()


def test_a_recording_holds_processes() -> None:
    """By pid, or all of them; one must be named where there are several."""
    recording = procmem.open_recording(str(FORK))
    assert len(recording) == len(recording.pids) == 2
    assert [process.pid for process in recording] == list(recording.pids)
    assert recording.process(recording.pids[1]).inspect().value.process.pid == recording.pids[1]
    with pytest.raises(procmem.BadInput):
        recording.process()


def test_errors_are_sentences() -> None:
    """No codes: what went wrong, and of what."""
    with pytest.raises(procmem.ProcessGone, match=f"process {missing_pid()}: no such process"):
        procmem.examine(missing_pid()).inspect()
    with pytest.raises(procmem.ProcmemError, match="no such file"):
        procmem.open_recording("/no/such/recording")
    with pytest.raises(procmem.BadInput) as refused:
        procmem.examine(str(ROOT / "pyproject.toml")).inspect()
    assert refused.value.hint
    assert refused.value.hint not in str(refused.value)


def test_two_looks_compared() -> None:
    """The figures of ``procmem diff``."""
    report = procmem.diff(str(FIXTURES / "x86_64-6.18-sleep"), str(FIXTURES / "x86_64-6.18-bash"))
    words = ("diff", str(FIXTURES / "x86_64-6.18-sleep"), str(FIXTURES / "x86_64-6.18-bash"), "--json")
    assert report.to_dict()["classes"] == command(*words).json["classes"]


@pytest.mark.machine
def test_all_processes() -> None:
    """We are among them, and the totals are at least ours."""
    with python_child("") as pid:
        report = procmem.system()
    own = next(row for row in report.value.rows if row.pid == pid)
    assert own.pss is not None
    assert report.value.totals.pss is not None
    assert report.value.totals.pss >= own.pss


def test_another_language() -> None:
    """Sentences in it, JSON and rows as ever."""
    process = procmem.examine(str(THREADS))
    before = process.explain().to_dict()
    procmem.use_language("zh")
    try:
        report = process.explain()
        assert "线程" in report.to_text()
        assert report.to_dict() == before
    finally:
        procmem.use_language("en")


def test_two_processes_compared() -> None:
    """What ``examine`` and a recording give is taken as well as what they are given, with the same figures."""
    sleep, bash = FIXTURES / "x86_64-6.18-sleep", FIXTURES / "x86_64-6.18-bash"
    by_path = procmem.diff(str(sleep), str(bash)).to_dict()
    assert procmem.diff(procmem.examine(sleep), procmem.examine(str(bash))).to_dict() == by_path
    assert procmem.diff(sleep, procmem.open_recording(bash).process()).to_dict() == by_path
    earlier, later = procmem.open_recording(FORK)
    assert procmem.diff(earlier, later).value.names == tuple(str(pid) for pid in procmem.open_recording(FORK).pids)


@pytest.mark.parametrize("question", [*QUESTIONS, "diff", "system"])
def test_rows_are_what_data_frames_take(question: str) -> None:
    """Numbers have a place among 64 bits with a sign, and a column has one type besides None; [vsyscall] too."""
    path = FIXTURES / "x86_64-6.18-sleep"
    process = procmem.examine(path)
    reports: dict[str, Callable[[], procmem.Report[Any]]] = {
        "inspect": lambda: process.inspect(regions=True),
        "diff": lambda: procmem.diff(path, FIXTURES / "x86_64-6.18-bash"),
        "system": procmem.system,
    }
    ask: Callable[[], procmem.Report[Any]] = reports.get(question) or getattr(process, question)
    rows = ask().rows()
    assert rows
    for name in rows[0]:
        values = [row[name] for row in rows if row[name] is not None]
        assert len({type(value) for value in values}) <= 1, name
        assert all(-(1 << 63) <= value < 1 << 63 for value in values if isinstance(value, int)), name
    if question == "inspect":
        assert rows[-1]["start"] == "0xffffffffff600000"


def test_rows_become_a_table_of_pyarrow() -> None:
    """With its own types, where it is installed."""
    pyarrow = pytest.importorskip("pyarrow")
    rows = procmem.examine(FIXTURES / "x86_64-6.18-sleep").inspect(regions=True).rows()
    table = pyarrow.Table.from_pylist(rows)
    assert table.num_rows == len(rows)
    assert str(table.schema.field("rss").type) == "int64"
    assert str(table.schema.field("start").type) == "string"


def test_rows_of_a_refused_process_are_no_empty_list() -> None:
    """What may not be read is an error, not a table without rows."""
    process = procmem.examine(FIXTURES / "x86_64-6.18-denied")
    for report in (process.inspect(), process.inspect(regions=True), process.explain(), process.account()):
        with pytest.raises(procmem.AccessRefused, match="permission denied"):
            report.rows()


def test_a_look_is_written_down_and_compared(tmp_path: Path) -> None:
    """Conditions are those of the command; sums of the whole process are among them."""
    with python_child("x = bytearray(1 << 20)") as pid:
        before = procmem.record(pid, tmp_path / "before.tar.gz")
        assert before.pids == (pid,)
        found = procmem.diff(before.process(), pid, fail_if_grows=["rss>64M", "uss>50%", "heap>1M"])
    assert found.value.same_process
    assert found.value.failed == ()
    with pytest.raises(procmem.ProcmemError, match="where CLASS is one of"):
        procmem.diff(str(THREADS), str(THREADS), fail_if_grows=["nothing>1M"])
    grown = procmem.diff(
        str(FIXTURES / "x86_64-6.18-sleep"), str(THREADS), fail_if_grows=["rss>10%", "uss>1M", "pss>1G"]
    )
    assert [failure.figures["cls"] for failure in grown.value.failed] == ["rss", "uss"]
    totals = [procmem.examine(str(path)).inspect().value.totals for path in (FIXTURES / "x86_64-6.18-sleep", THREADS)]
    assert grown.value.failed[0].figures["grown"] == (totals[1].rss or 0) - (totals[0].rss or 0)
    assert grown.value.failed[1].figures["grown"] == (totals[1].uss or 0) - (totals[0].uss or 0)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """As by the command."""
    path = tmp_path / "there.tar.gz"
    path.write_bytes(b"")
    with pytest.raises(procmem.ProcmemError, match="something already"):
        procmem.record("self", path)
