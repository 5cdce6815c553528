"""``procmem report`` as a command: what it takes, what it writes, and what it says where it cannot."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.made_reports import write_series
from tests.support.running import FIXTURES, ROOT, missing_pid, procmem, python_child

SLEEP = str(FIXTURES / "x86_64-6.18-sleep")
FORK = str(FIXTURES / "x86_64-6.18-fork")


def test_a_living_process(tmp_path: Path) -> None:
    """All of it in one file that only its owner may read; what was there before is replaced."""
    path = tmp_path / "report.html"
    path.write_text("before")
    with python_child("keep = bytearray(50_000_000)") as pid:
        run = procmem("report", str(pid), "-o", str(path))
    assert (run.status, run.out) == (0, "")
    assert str(path) in run.err
    text = path.read_text("utf-8")
    assert text.startswith("<!doctype html>")
    assert text.endswith("</html>")
    assert f"({pid})" in text
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_everything_that_can_be_looked_at(tmp_path: Path) -> None:
    """Recordings, a recording of several, a series, a simulation, in the order of the command line."""
    series = tmp_path / "a.series"
    write_series(series, [1, 2, 3])
    run = procmem("report", SLEEP, str(series), FORK, "--simulate", "textbook", "-o", "-")
    assert (run.status, run.err) == (0, "")
    headings = [line.strip() for line in run.out.split('<section id="map"')[1].splitlines() if line.startswith("<h3>")]
    assert headings[0] == headings[1] == "<h3>sleep (2557)</h3>"
    assert len(headings) == 5
    assert headings[-1] == "<h3>textbook (a simulated process)</h3>"


def test_a_series_by_its_option(tmp_path: Path) -> None:
    """``--from`` takes a series too, and pids and names choose of it."""
    series = tmp_path / "a.series"
    write_series(series, [1, 2, 3])
    assert procmem("report", "--from", str(series), "2557", "-o", "-").status == 0
    assert procmem("report", "--from", str(series), "--name", "sleep", "-o", "-").status == 0
    none = procmem("report", "--from", str(series), "1", "-o", "-")
    assert (none.status, none.out, len(none.err.splitlines())) == (3, "", 1)


def test_a_single_look_has_no_course(tmp_path: Path) -> None:
    """Its classes are told; nothing has changed yet that could be."""
    series = tmp_path / "a.series"
    write_series(series, [3])
    run = procmem("report", str(series), "-o", "-")
    assert run.status == 0
    assert 'id="time"' not in run.out
    assert "c-0-heap" in run.out


def test_a_script_and_a_stage(tmp_path: Path) -> None:
    """What the simulated program does is drawn; options of the simulation need one."""
    script = tmp_path / "steps"
    script.write_text("malloc a 300K\nthread\n")
    run = procmem("report", "--simulate", "textbook", "--script", str(script), "-o", "-")
    assert run.status == 0, run
    bare = procmem("report", "--simulate", "textbook", "--stage", "exec", "-o", "-")
    assert bare.out.count("data-region") < run.out.count("data-region")
    alone = procmem("report", SLEEP, "--script", str(script), "-o", "-")
    assert (alone.status, alone.out) == (2, "")
    assert "--script says nothing without --simulate" in alone.err


def test_what_goes_wrong_is_one_line(tmp_path: Path) -> None:
    """No target, no file, no folder, no process: nothing is written, and some of several is said."""
    path = str(tmp_path / "x.html")
    assert procmem("report", "-o", path).status == 2
    assert procmem("report", SLEEP).status == 2
    for words, status in (
        ((str(missing_pid()),), 3),
        ((str(tmp_path / "no.tar.gz"),), 5),
        ((str(FIXTURES / "x86_64-6.18-denied"), str(missing_pid())), 42),
    ):
        run = procmem("report", *words, "-o", path)
        assert run.status == status, run
        assert len(run.trouble.splitlines()) <= 2
        assert Path(path).exists() == (status == 42)
    nowhere = procmem("report", SLEEP, "-o", str(tmp_path / "no" / "x.html"))
    assert (nowhere.status, len(nowhere.err.splitlines())) == (6, 1)
    folder = procmem("report", SLEEP, "-o", str(tmp_path))
    assert folder.status == 6


@pytest.mark.parametrize("name", ["kernel-thread", "zombie", "denied", "dead-leader"])
def test_who_has_little_to_show(name: str) -> None:
    """The page says what is known, and why there is no more."""
    run = procmem("report", str(FIXTURES / f"x86_64-6.18-{name}"), "-o", "-")
    assert run.status == 0, run
    assert '<section id="summary"' in run.out
    if name != "dead-leader":
        assert "data-region" not in run.out


WITHOUT = """
import sys
sys.modules["jinja2"] = None
from procmem.cli.main import run
sys.argv = ["procmem", *sys.argv[1:]]
sys.exit(run())
"""


def test_without_the_extra(tmp_path: Path) -> None:
    """One line says what to install, before anything is read; the picture alone needs nothing."""
    path = tmp_path / "x.html"
    command = [sys.executable, "-c", WITHOUT]
    run = subprocess.run(
        [*command, "report", SLEEP, "-o", str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == "procmem: the module jinja2 is not installed (pip install 'procmem[report]')\n"
    assert not path.exists()
    drawn = subprocess.run([*command, "inspect", SLEEP, "--svg", "-"], cwd=ROOT, capture_output=True, check=True)
    assert b"</svg>" in drawn.stdout
