"""Adding looks: rows add up to what was seen, and what is there is not added again, from wherever it comes."""

import contextlib
import gzip
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from procmem.errors import BadInput, ProcmemError
from procmem.model.reports.dataset import DatasetChange
from procmem.queries.dataset import Addition, AddOptions, add_looks, ask, compact, dataset_items
from procmem.queries.inspect import InspectOptions, inspect
from procmem.queries.targets import Selection, source_of
from procmem.text.dataset import MEANINGS
from tests.support.made_fleet import write_fleet
from tests.support.running import COMMAND, FIXTURES, ROOT, python_child, recordings

THREADS = FIXTURES / "x86_64-6.18-python-threads"


@contextlib.contextmanager
def unseen(things: Iterable[Any], count: int) -> Iterator[Iterator[Any]]:
    """No progress bar."""
    del count
    yield iter(things)


def added(path: Path, *words: str, **options: Any) -> Addition:
    """Add what some words name."""
    items = dataset_items(Selection(words), everything=False)
    return add_looks(str(path), items, AddOptions(**({"host": "web1"} | options)), MEANINGS, unseen)


def asked(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """The rows of an answer."""
    return list(ask(str(path), sql, name=None, most=100_000).rows)


@pytest.mark.parametrize("recording", recordings(), ids=lambda path: path.name)
def test_rows_add_up_to_what_inspect_says(tmp_path: Path, recording: Path) -> None:
    """Of every recording: totals, and sums by class."""
    assert not added(tmp_path / "fleet", str(recording)).errors
    source = source_of(None, str(recording))
    for pid in source.pids():
        with source.open(pid) as target:
            report = inspect(target, InspectOptions())
        totals = report.totals
        row = asked(tmp_path / "fleet", f"SELECT virt, rss, pss, uss, swap FROM processes WHERE pid = {pid}")
        assert row == [(totals.virt, totals.rss, totals.pss, totals.uss, totals.swap)]
        columns = "SUM(ranges), SUM(rss), SUM(pss), SUM(uss), SUM(swap)"
        sql = f"SELECT class, {columns} FROM regions WHERE pid = {pid} GROUP BY class ORDER BY class"
        expected = [(one.cls, one.regions, one.rss, one.pss, one.uss, one.swap) for one in report.classes]
        gates = {one.cls for one in report.classes if one.cls == "kernel"}  # of which the gate has no row
        found = asked(tmp_path / "fleet", sql)
        assert [row for row in found if row[0] not in gates] == sorted(row for row in expected if row[0] not in gates)


def test_the_same_recording_is_added_once(tmp_path: Path) -> None:
    """As a folder, as an archive, twice in one command, by two at a time."""
    fleet = tmp_path / "fleet"
    archive = tmp_path / "threads.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        for path in sorted(THREADS.rglob("*")):
            packed.add(path, path.relative_to(THREADS), recursive=False)
    first = added(fleet, str(THREADS), str(archive), str(THREADS)).change
    assert (first.looks, first.known) == (1, 2)
    again = added(fleet, str(archive)).change
    assert again == DatasetChange(known=1)
    commands = [
        subprocess.Popen(
            [*COMMAND, "dataset", "add", "--from", str(FIXTURES), "--host", "web1", "-o", str(fleet)],
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        for _ in range(3)
    ]
    for command in commands:
        _, told = command.communicate()
        assert command.returncode == 0, told
    total = sum(len(source_of(None, str(path)).pids()) for path in recordings())
    assert asked(fleet, "SELECT COUNT(*), COUNT(DISTINCT look_id) FROM processes") == [(total, total)]


def test_where_a_recording_is_from(tmp_path: Path) -> None:
    """What is given, what the folder is called, what was written down; else it is unknown."""
    fleet = tmp_path / "fleet"
    nameless = added(fleet, str(THREADS), host=None)
    assert (nameless.errors, nameless.of_unknown_host) == ((), nameless.change.looks)
    assert asked(fleet, "SELECT DISTINCT host FROM processes") == [("unknown",)]
    shutil.copytree(THREADS, tmp_path / "db7" / "one")
    assert added(fleet, str(tmp_path / "db7"), host=None, host_by_folder=True).change.looks == 1
    about = tmp_path / "db7" / "one" / "about.toml"
    about.write_text('host = "kept"\n' + about.read_text())
    assert added(fleet, str(tmp_path / "db7"), host=None).change.looks == 1
    about.write_text('host = "../x"\n' + about.read_text().split("\n", 1)[1])
    (problem,) = added(fleet, str(tmp_path / "db7"), host=None).errors
    assert problem.code == "bad-host-recorded"
    assert asked(fleet, "SELECT DISTINCT host FROM processes ORDER BY host") == [("db7",), ("kept",), ("unknown",)]


def test_when_a_recording_was_made(tmp_path: Path) -> None:
    """What it says, else what is given, else it is refused; others are added all the same."""
    fleet = tmp_path / "fleet"
    text = tmp_path / "some.smaps"
    text.write_bytes((FIXTURES / "x86_64-6.18-sleep" / "2557" / "smaps").read_bytes())
    addition = added(fleet, str(text), str(THREADS))
    assert [problem.code for problem in addition.errors] == ["no-moment"]
    assert addition.change.looks == 1
    assert added(fleet, str(text), at="2026-01-02T03:04:05+00:00").change.looks == 1
    found = asked(fleet, "SELECT date, time FROM processes ORDER BY time")
    assert found[0] == ("2026-01-02", "2026-01-02T03:04:05")
    assert found[1][0] == "2026-11-23"


def test_damaged_recordings_do_not_stop_the_others(tmp_path: Path) -> None:
    """However many there are: each is told, and children go on."""
    for number in range(40):
        (tmp_path / "some" / f"{number}.tar.gz").parent.mkdir(exist_ok=True)
        (tmp_path / "some" / f"{number}.tar.gz").write_bytes(b"\x1f\x8bnothing")
    shutil.copytree(THREADS, tmp_path / "some" / "whole")
    addition = added(tmp_path / "fleet", str(tmp_path / "some"))
    assert addition.change.looks == 1
    assert len(addition.errors) == 40
    assert all(isinstance(problem, ProcmemError) for problem in addition.errors)


def test_every_moment_of_a_series_is_a_look(tmp_path: Path) -> None:
    """With its classes; a series that has grown gives what is new."""
    fleet, series = tmp_path / "fleet", tmp_path / "some.series"
    with python_child("") as pid:
        for looks, known in ((3, 0), (2, 3)):
            span = f"{looks / 10 - 0.05:.2f}s"
            command = [*COMMAND, "record", str(pid), "--every", "0.1s", "--for", span, "-o", str(series)]
            subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
            change = added(fleet, str(series)).change
            assert change.looks >= looks - 1
            assert change.known >= known - 1
    sums = "SELECT look_id, SUM(rss) AS rss, SUM(pss) AS pss FROM regions GROUP BY look_id"
    joined = f"SELECT COUNT(*) FROM processes p JOIN ({sums}) s USING (look_id, rss, pss)"
    assert asked(fleet, joined) == asked(fleet, "SELECT COUNT(*) FROM processes")


def test_hostile_text_is_kept(tmp_path: Path) -> None:
    """Names that are no UTF-8, that hold SQL, quotes, line ends and NUL: in a row, each is what it was."""
    hostile = "import pathlib\npathlib.Path('/proc/self/comm').write_bytes(b\"'; --\\xff\\n\\\"\")\n"
    with python_child(hostile) as pid:
        added(tmp_path / "fleet", str(pid))
    assert asked(tmp_path / "fleet", "SELECT DISTINCT name FROM regions") == [("'; --\\xff\n\"",)]


def test_compacting_changes_no_answer(tmp_path: Path) -> None:
    """Few files, the same rows; adding goes on."""
    fleet = tmp_path / "fleet"
    for path in recordings():
        added(fleet, str(path))
    write_fleet(str(fleet), rows=3000, hosts=2, days=2)
    sql = "SELECT COUNT(*), SUM(rss), COUNT(DISTINCT path), MIN(start), SUM(CASE WHEN writable THEN 1 END) FROM regions"
    before = asked(fleet, sql)
    change = compact(str(fleet), MEANINGS, unseen)
    assert change.files_before > change.files_after == len(list(fleet.rglob("part-*.parquet")))
    assert asked(fleet, sql) == before
    assert added(fleet, str(FIXTURES)).change.looks == 0
    assert compact(str(fleet), MEANINGS, unseen).files_after == change.files_after


def test_no_dataset_is_told(tmp_path: Path) -> None:
    """For a query, and to compact."""
    with pytest.raises(BadInput):
        ask(str(tmp_path), "SELECT 1", name=None, most=1)
    with pytest.raises(BadInput):
        compact(str(tmp_path / "nothing"), MEANINGS, unseen)


def test_figures_that_nobody_has_are_unknown(tmp_path: Path) -> None:
    """Sizes beyond 63 bits, years beyond the calendar, text that is none: of a recording by somebody who lies."""
    fleet, lie = tmp_path / "fleet", tmp_path / "lie"
    shutil.copytree(FIXTURES / "x86_64-6.18-sleep", lie)
    smaps = lie / "2557" / "smaps"
    first, rest = smaps.read_text().split("\n", 1)
    smaps.write_text("0-ffffffffffffffff" + first[first.index(" ") :] + "\n" + rest.split("\n", 5)[-1])
    status = lie / "2557" / "status"
    status.write_text(re.sub(r"VmPTE:.*", f"VmPTE:\t{1 << 62} kB", status.read_text()))
    assert not added(fleet, str(lie)).errors
    assert asked(fleet, "SELECT page_tables FROM processes") == [(None,)]
    about = lie / "about.toml"
    about.write_text(about.read_text().replace("2026-11-23T", "0001-01-01T"))
    (problem,) = added(fleet, str(lie)).errors
    assert problem.code == "no-moment"
    series = tmp_path / "lie.series"
    with python_child("") as pid:
        command = [*COMMAND, "record", str(pid), "--every", "0.1s", "--for", "0.05s", "-o", str(series)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    look = json.loads(gzip.decompress(series.read_bytes()))
    look["processes"][0]["process"]["kernel"] = "\ud800"
    series.write_bytes(gzip.compress(json.dumps(look, separators=(",", ":")).encode()))
    assert not added(fleet, str(series)).errors
    look["when"] = 1e18
    series.write_bytes(gzip.compress(json.dumps(look, separators=(",", ":")).encode()))
    (problem,) = added(fleet, str(series)).errors
    assert problem.code == "bad-look"


def test_a_copied_proc_tree_is_of_no_machine_and_no_moment_by_itself(tmp_path: Path) -> None:
    """It is not this machine, and it is not now."""
    tree = tmp_path / "tree"
    shutil.copytree(FIXTURES / "x86_64-6.18-sleep" / "2557", tree / "2557")
    items = dataset_items(Selection(("2557",), procfs=str(tree)), everything=False)

    def codes(**options: Any) -> list[str]:
        addition = add_looks(str(tmp_path / "fleet"), items, AddOptions(**options), MEANINGS, unseen)
        return [problem.code for problem in addition.errors]

    assert codes() == ["no-moment"]
    assert codes(host="web1") == ["no-moment"]
    for _ in range(2):
        assert codes(host="web1", at="2026-01-02T03:04:05+00:00") == []
    assert asked(tmp_path / "fleet", "SELECT host, date FROM processes") == [("web1", "2026-01-02")]


def test_a_recording_keeps_its_host_where_that_is_wanted(tmp_path: Path) -> None:
    """And only there: it may go to strangers."""
    with python_child("") as pid:
        for name, words in (("kept", ("--keep-host",)), ("not", ())):
            path = str(tmp_path / f"{name}.tar.gz")
            subprocess.run(
                [*COMMAND, "record", str(pid), "-o", path, *words], cwd=ROOT, check=True, capture_output=True
            )
    assert added(tmp_path / "fleet", str(tmp_path / "kept.tar.gz"), host=None).change.looks == 1
    assert added(tmp_path / "fleet", str(tmp_path / "not.tar.gz"), host=None).of_unknown_host == 1
    hosts = asked(tmp_path / "fleet", "SELECT host FROM processes")
    assert sorted(hosts) == sorted([(os.uname().nodename,), ("unknown",)])
