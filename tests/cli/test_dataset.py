"""``dataset`` as users run it: adding, asking, formats, what goes wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.running import COMMAND, FIXTURES, ROOT, procmem, python_child, wait_for

HOSTILE = "import pathlib\npathlib.Path('/proc/self/comm').write_bytes(b'=1|<\\x1b[2J\\n')\n"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> str:
    """All fixtures, as of one machine."""
    path = str(tmp_path_factory.mktemp("some") / "fleet")
    run = procmem("dataset", "add", "--from", str(FIXTURES), "--host", "web1", "-o", path)
    assert run.status == 0
    assert "looks added" in run.err
    return path


def test_an_answer_in_every_format(fleet: str) -> None:
    """Sizes have units for people, and are bytes for programs."""
    sql = (
        "SELECT name, rss AS rss_bytes, 0.5 AS half, uid IS NULL AS odd FROM processes WHERE name = 'sleep' ORDER BY 2"
    )
    words = ("dataset", "query", fleet, sql)
    text = procmem(*words, "--human")
    assert text.status == 0
    assert text.out.splitlines()[0].split() == ["name", "rss", "half", "odd"]
    assert "MiB" in text.out
    csv = procmem(*words, "--csv").out.splitlines()
    assert csv[0] == "name,rss_bytes,half,odd"
    assert int(csv[1].split(",")[1]) > 1 << 20
    document = procmem(*words, "--json").json
    assert document["columns"][1] == {"name": "rss_bytes", "type": "BIGINT"}
    assert document["rows"][0][0] == "sleep"
    assert document["rows"][0][3] is False
    assert procmem(*words, "--markdown").out.startswith("| name | rss")
    only = procmem(*words, "--columns", "half,name", "--human").out.splitlines()
    assert only[0].split() == ["half", "name"]


def test_the_unknown_is_never_zero(fleet: str) -> None:
    """A question mark, an empty cell, null."""
    sql = "SELECT name, pss AS pss_bytes FROM processes WHERE pss IS NULL LIMIT 1"
    assert procmem("dataset", "query", fleet, sql).out.split()[-1] == "?"
    assert procmem("dataset", "query", fleet, sql, "--csv").out.rstrip("\n").endswith(",")
    assert procmem("dataset", "query", fleet, sql, "--json").json["rows"][0][1] is None


def test_hostile_text_is_escaped_as_its_format_needs(tmp_path: Path) -> None:
    """Of a process that means no good, and of whoever names a column."""
    with python_child(HOSTILE) as pid:
        run = procmem("dataset", "add", str(pid), "--host", "web1", "-o", str(tmp_path / "fleet"))
        assert (run.status, run.out) == (0, "")
    sql = 'SELECT name, 1 AS "\x1b[31m|" FROM processes'
    for words in ((), ("--csv",), ("--markdown",), ("--json",)):
        out = procmem("dataset", "query", str(tmp_path / "fleet"), sql, *words).out
        assert "\x1b" not in out, words
    assert procmem("dataset", "query", str(tmp_path / "fleet"), sql, "--csv").out.splitlines()[1].startswith("'=1")
    assert "\\|" in procmem("dataset", "query", str(tmp_path / "fleet"), sql, "--markdown").out.splitlines()[2]
    rows = procmem("dataset", "query", str(tmp_path / "fleet"), sql, "--json").json["rows"]
    assert rows == [["=1|<\x1b[2J\n", 1]]


def test_named_queries_are_listed_and_shown(fleet: str) -> None:
    """With what they answer; their SQL is printed as it ships."""
    listed = procmem("dataset", "schema", "--json").json
    assert {table: len(columns) > 20 for table, columns in listed["tables"].items()} == {
        "processes": True,
        "regions": True,
    }
    for query in listed["queries"]:
        shown = procmem("dataset", "query", fleet, "--named", query["name"], "--show-sql")
        assert shown.out.startswith("-- ")
    arenas = procmem("dataset", "query", fleet, "--named", "most-arenas", "--json").json
    assert arenas["query"] == "most-arenas"
    assert arenas["rows"]
    assert "deleted-executables" in procmem("dataset", "schema").out
    assert "含义" in procmem("dataset", "schema", "--lang", "zh").out


@pytest.mark.machine
def test_all_processes_of_this_machine(tmp_path: Path) -> None:
    """Ourselves left out, kernel threads too; those that vanish are no trouble. Then compacting."""
    path = str(tmp_path / "fleet")
    with python_child("") as pid:
        for _ in range(2):
            run = procmem("dataset", "add", "--all", "-o", path, "--host", "here")
            assert run.status in (0, 4)  # some may not be looked at
    rows = procmem("dataset", "query", path, "SELECT pid, name, host, rss FROM processes", "--json").json["rows"]
    assert [row[2] for row in rows if row[0] == pid] == ["here", "here"]
    assert procmem("dataset", "compact", path).status == 0
    assert procmem("dataset", "query", path, "SELECT COUNT(*) FROM processes", "--json").json["rows"] == [[len(rows)]]


def test_killed_at_any_moment_it_is_whole(tmp_path: Path) -> None:
    """Whatever was added before is there, once; adding again adds the rest."""
    words = ("dataset", "add", "--from", str(FIXTURES), "--host", "web1", "-o", str(tmp_path / "fleet"))
    sql = "SELECT COUNT(*), COUNT(DISTINCT p.look_id), (SELECT COUNT(*) FROM regions) FROM processes p"
    for number in range(6):
        with subprocess.Popen([*COMMAND, *words], cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True) as child:
            time.sleep(0.15 + number * 0.09)
            os.killpg(child.pid, signal.SIGKILL)
        if (tmp_path / "fleet" / "procmem-dataset.json").exists():
            run = procmem("dataset", "query", str(tmp_path / "fleet"), sql, "--json")
            assert run.status == 0, run
            (row,) = run.json["rows"]
            assert row[0] == row[1]
    assert procmem(*words).status == 0
    (row,) = procmem("dataset", "query", str(tmp_path / "fleet"), sql, "--json").json["rows"]
    clean = str(tmp_path / "clean")
    procmem(*words[:-1], clean)
    assert procmem("dataset", "query", clean, sql, "--json").json["rows"] == [row]


def test_it_ends_in_order_when_it_is_asked_to(tmp_path: Path) -> None:
    """Nothing is left behind that would be in the way."""
    words = ("dataset", "add", "--from", str(FIXTURES), "--host", "web1", "-o", str(tmp_path / "fleet"))
    with subprocess.Popen([*COMMAND, *words], cwd=ROOT, stderr=subprocess.PIPE) as child:
        wait_for((tmp_path / "fleet" / "procmem-dataset.json").exists)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=30)
        assert child.returncode in (0, 130)
        assert b"Traceback" not in told
    assert not list((tmp_path / "fleet").glob(".procmem-*"))
    assert procmem(*words).status == 0


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("query", "{fleet}"), 2, "--named NAME"),
        (("query", "{fleet}", "SELECT 1", "--named", "outliers"), 2, "--named NAME"),
        (("query", "{fleet}", "--named", "nothing"), 2, "most-arenas"),
        (("query", "{fleet}", "DROP VIEW regions"), 2, "one SELECT"),
        (("query", "{fleet}", "SELECT nothing FROM processes"), 2, "nothing"),
        (("query", "{fleet}", "SELECT * FROM read_text('/etc/passwd')"), 2, "nothing else"),
        (("query", "/nowhere", "SELECT 1"), 5, "no dataset"),
        (("add", "-o", "{fleet}"), 2, "process"),
        (("add", "--all", "self", "-o", "{fleet}"), 2, "--all"),
        (("add", "self", "-o", "{fleet}", "--host", "a/b"), 2, "a/b"),
        (("add", "self", "-o", "/proc/nowhere"), 6, "/proc/nowhere"),
        (("compact", "/nowhere"), 5, "no dataset"),
    ],
)
def test_what_goes_wrong_is_told(fleet: str, words: tuple[str, ...], status: int, told: str) -> None:
    """With its own status, and what helps."""
    run = procmem("dataset", *(word.format(fleet=fleet) for word in words))
    assert run.status == status, run
    assert told in run.err
    assert "Traceback" not in run.err


@pytest.mark.parametrize("module", ["duckdb", "pyarrow"])
def test_a_missing_library_is_named(tmp_path: Path, fleet: str, module: str) -> None:
    """In one line with the extra that brings it; what needs none works."""
    (tmp_path / f"{module}.py").write_text("raise ImportError")
    run_it = "import runpy; runpy.run_module('procmem', run_name='__main__')"
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {run_it}"

    def without(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", code, "dataset", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    for words in (("query", fleet, "SELECT 1"), ("add", "self", "-o", fleet), ("compact", fleet)):
        done = without(*words)
        assert done.returncode == 1
        assert "pip install 'procmem[dataset]'" in done.stderr
        assert done.stderr.count("\n") == 1
    assert without("schema").returncode == 0
    assert json.loads(without("schema", "--json").stdout)["dataset"] == "procmem/dataset/1"


def test_a_query_without_an_end_is_interrupted(fleet: str) -> None:
    """Also one in which the engine looks at no request to end."""
    endless = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t"
    with subprocess.Popen([*COMMAND, "dataset", "query", fleet, endless], cwd=ROOT, stdout=subprocess.PIPE) as run:
        wait_for(lambda: _processor_seconds(run.pid) > 1.5)
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=30)
    assert (run.returncode, out) == (130, b"")


def _processor_seconds(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def test_sizes_that_are_means_are_sizes(fleet: str) -> None:
    """In the unit of all others."""
    sql = "SELECT avg(rss) AS mean_bytes, min(rss) AS least_bytes, max(rss) AS most_bytes FROM processes"
    mean, least, most = procmem("dataset", "query", fleet, sql).out.splitlines()[-1].split()
    assert float(least) <= float(mean) <= float(most)


def test_an_answer_without_rows_says_so(fleet: str) -> None:
    """A heading alone could be taken for a row."""
    assert "no rows" in procmem("dataset", "query", fleet, "SELECT 1 WHERE false").out
    assert procmem("dataset", "query", fleet, "SELECT 1 WHERE false", "--json").json["rows"] == []
