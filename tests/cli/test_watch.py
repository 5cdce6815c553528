"""procmem watch: what changes is seen, cheaply, also over a restart, until somebody ends it."""

import contextlib
import csv
import gc
import itertools
import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.analyse.watch import trends
from procmem.cli.watch import look_at_all
from procmem.errors import ProcessGone
from procmem.model.reports.watch import Sample, Trend, Watched
from procmem.queries.series import looks_of
from procmem.queries.targets import one_target
from procmem.queries.watch import Watch
from procmem.render.formats.csv_tables import to_csv
from procmem.render.formats.text import page_text
from procmem.render.pages.watch import sparkline, watch_line, watch_page, watch_sheet
from procmem.render.style import Style
from tests.support.open_files import open_files
from tests.support.running import COMMAND, FIXTURES, ROOT, procmem, python_child, started, stopped, zombie

MIB = 1 << 20

GROWER = """
import sys
kept = []
print('ready', flush=True)
for line in sys.stdin:
    kept.append(bytearray(b'x') * (8 << 20))
    print('grown', flush=True)
"""
NAMED = """
import ctypes, sys, time
ctypes.CDLL(None).prctl(15, sys.argv[1].encode(), 0, 0, 0)
print('ready', flush=True)
time.sleep(1000)
"""


@contextlib.contextmanager
def watching(*words: str) -> Iterator["subprocess.Popen[bytes]"]:
    """The command while it runs."""
    process = subprocess.Popen([*COMMAND, "watch", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def next_line(process: "subprocess.Popen[bytes]") -> Any:
    """The next JSON document."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr.read() if process.stderr else b""
    return json.loads(line)


def test_growth_is_seen() -> None:
    """8 MiB more between two looks: anonymous, by that much, and a slope."""
    with (
        started([sys.executable, "-c", GROWER]) as child,
        watching(str(child.pid), "--json", "--interval", "0.1") as seen,
    ):
        first = next_line(seen)
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"more\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"grown\n"
        next_line(seen)  # may have been looked at before the growth
        last = next_line(seen)
    assert first["schema"] == "procmem/watch/1"
    assert 8 * MIB <= last["since_start"]["anonymous"] < 9 * MIB
    assert last["per_minute"]["RES"] > 8 * MIB
    assert last["reading"] <= 0.01


@pytest.mark.parametrize(("option", "figure"), [("--pss", "USS"), ("--classes", "heap")])
def test_dearer_files_are_read_less_often(option: str, figure: str) -> None:
    """At most a hundredth of the time, however short the interval."""
    with python_child("block = bytearray(b'x') * (64 << 20)") as pid:
        run = procmem("watch", str(pid), "--json", "--interval", "0.01", "--count", "4", option)
    looks = [json.loads(line) for line in run.out.splitlines()]
    assert len(looks) == 4
    assert looks[-1]["figures"][figure] > 0
    assert looks[-1]["reading"] <= 0.0105


def test_csv_is_one_table_however_long_it_runs() -> None:
    """One heading; a row for each figure of each process at each look; negative changes are numbers, not formulas."""
    with python_child("") as first, python_child("") as second:
        run = procmem("watch", str(first), str(second), "--csv", "--count", "3", "--interval", "0.01")
        resident = int(Path(f"/proc/{first}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    rows = list(csv.DictReader(run.out.splitlines()))
    assert run.out.count("at_seconds") == 1
    assert {(int(row["pid"]), row["figure"]) for row in rows} >= {(first, "RES"), (second, "RES"), (first, "VIRT")}
    looks = [row for row in rows if (row["pid"], row["figure"]) == (str(first), "RES")]
    assert len(looks) == 3
    assert float(looks[0]["at_seconds"]) < float(looks[2]["at_seconds"])
    assert int(looks[2]["now_bytes"]) == resident
    assert looks[0]["per_minute_bytes"] == "", "unknown at the first look, and not zero"
    shrunk = Trend("RES", 5, -7, -7, None, (12, 5))
    assert ",5,-7,-7,\n" in to_csv(watch_sheet(Watched(1, b"=x", 0.5, 0.0, (shrunk,))))


def test_a_restart_is_followed_by_name() -> None:
    """Its end is told; the next process of the name is watched; without a name that is the end."""
    name = f"w-{os.getpid()}-{os.urandom(2).hex()}"
    command = [sys.executable, "-c", NAMED, name]
    with started(command) as first, watching("--name", name, "--json", "--interval", "0.1") as seen:
        assert next_line(seen)["pid"] == first.pid
        first.kill()
        first.wait()
        with started(command) as second:
            while (look := next_line(seen))["pid"] == first.pid:
                pass
            assert (look["pid"], look["name"]) == (second.pid, name)
            seen.send_signal(signal.SIGINT)
            _, complaint = seen.communicate()
            assert seen.returncode == 130
    assert complaint.decode().strip().splitlines() == [f"procmem: process {first.pid}: it has ended"]


def test_the_end_of_the_process_is_the_end() -> None:
    """Status 3, and one line."""
    with python_child("") as pid, watching(str(pid), "--interval", "0.05") as seen:
        assert seen.stdout is not None
        assert str(pid).encode() in seen.stdout.readline()
        os.kill(pid, signal.SIGKILL)
        _, complaint = seen.communicate()
    assert seen.returncode == 3
    assert complaint.decode() == f"procmem: process {pid}: it has ended\n"


def test_interrupted() -> None:
    """Ctrl-C: 130, no traceback."""
    with watching("self", "--json", "--interval", "60") as seen:
        next_line(seen)
        seen.send_signal(signal.SIGINT)
        _, complaint = seen.communicate()
    assert (seen.returncode, complaint.strip()) == (130, b"")


@pytest.mark.needs_terminal
def test_a_terminal_is_redrawn_and_a_pipe_is_not() -> None:
    """Control sequences only where they are understood."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "PYTHONUTF8": "1"}
    command = [*COMMAND, "watch", "self", "--count", "2", "--interval", "0.01"]
    with os.fdopen(ours, "rb", buffering=0) as screen:
        subprocess.run(command, cwd=ROOT, stdout=theirs, env=environment, check=True)
        os.close(theirs)
        text = b""
        with contextlib.suppress(OSError):
            while piece := screen.read(4096):
                text += piece
    assert text.count(b"\x1b[H\x1b[J") == 2
    assert b"per minute" in text
    assert max(map(len, text.replace(b"\x1b[H\x1b[J", b"").decode().splitlines())) <= 80
    assert "\x1b" not in procmem("watch", "self", "--count", "2", "--interval", "0.01").out


def test_what_cannot_be_watched() -> None:
    """A recording, nobody."""
    recording = str(FIXTURES / "x86_64-6.18-bash")
    assert procmem("watch", recording).status == 2
    assert procmem("watch", "--from", recording).status == 2
    assert procmem("watch", str(2**22 + 9)).status == 3
    assert procmem("watch", "--name", "nobody has this name").status == 3


def test_reading_stops_nobody() -> None:
    """A stopped process is watched like any other."""
    with python_child("") as pid, stopped(pid):
        run = procmem("watch", str(pid), "--count", "1")
    assert (run.status, run.err) == (0, "")
    assert f"{pid}  python" in run.out


@given(st.lists(st.integers(0, 1 << 40), min_size=2, max_size=60), st.integers(-(1 << 30), 1 << 30))
def test_the_slope_of_a_straight_line_is_its_own(offsets: list[int], per_minute: int) -> None:
    """Whatever lies between; figures that vanish are unknown, not zero."""
    steps = [Sample(at * 2.0, {"RES": (1 << 40) + per_minute * 2 * at // 60}) for at in range(len(offsets))]
    [trend] = trends(steps, steps[0])
    assert trend.per_minute is not None
    assert abs(trend.per_minute - per_minute) <= 1100
    assert trend.since_start == sum(
        (later.figures["RES"] or 0) - (earlier.figures["RES"] or 0) for earlier, later in itertools.pairwise(steps)
    )
    [lost] = trends([*steps, Sample(999.0, {"RES": None})], steps[0])
    assert (lost.now, lost.change, lost.since_start) == (None, None, None)


def test_sparklines() -> None:
    """From the least to the largest; level where nothing changes."""
    assert sparkline([0, 7, 14]) == "▁▄█"
    assert sparkline([5, 5]) == "▁▁"
    assert sparkline([5, None, 6], unicode=False) == "_ #"
    assert sparkline([None]) == ""
    assert len(sparkline(list(range(100)))) == 24


def test_one_of_several_that_has_no_memory_is_told() -> None:
    """The others are watched, and the status says that some are missing; alone it is not there."""
    with python_child("") as pid, zombie() as ended:
        both = procmem("watch", "--count", "1", "--csv", str(pid), str(ended))
        alone = procmem("watch", "--count", "1", "--csv", str(ended))
    assert both.status == 42
    assert f"process {ended}" in both.err
    assert f",{pid}," in both.out
    assert (alone.status, alone.out) == (3, "")


@pytest.mark.needs_root
def test_one_of_several_that_may_not_be_read_does_not_stop_the_others() -> None:
    """With classes, which need smaps; the status says that something was refused."""
    with python_child("") as pid:
        run = procmem("watch", "--count", "1", "--classes", "--json", "self", str(pid), nobody=True)
    assert run.status == 4
    assert len(run.out.splitlines()) == 1
    assert "permission denied" in run.err


def test_classes_are_in_the_lines() -> None:
    """Asked for, they are told at every look, not only where they change."""
    with python_child("x = bytearray(1 << 20)") as pid:
        out = procmem("watch", str(pid), "--count", "1", "--classes").out
        plain = procmem("watch", str(pid), "--count", "1").out
    assert re.search(r"  text \d+  ", out)
    assert re.search(r"  heap \d+  ", out)
    assert "heap" not in plain


@pytest.mark.parametrize("width", [40, 80])
def test_lines_fit_the_width_asked_for(width: int) -> None:
    """Folded between two figures, what follows indented; nothing is left out."""
    with python_child("") as pid:
        words = ("watch", str(pid), "--count", "1", "--classes")
        wide, narrow = procmem(*words).out, procmem(*words, "--width", str(width)).out
    assert len(wide.splitlines()) == 1
    lines = narrow.splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= width
    assert all(line.startswith(" " * 10) for line in lines[1:])
    assert narrow.split()[3:] == wide.split()[3:]


RISER = """
import mmap, sys
def rise(size):
    held = mmap.mmap(-1, size << 20, flags=mmap.MAP_PRIVATE)
    held.write(bytes(size << 20))
    held.close()
rise(64)
print('ready', flush=True)
for line in sys.stdin:
    rise(16)
    print('risen', flush=True)
"""


def test_the_peak_begins_anew() -> None:
    """What it was before the watch is forgotten, by the kernel too; what it gets to between two looks is seen."""
    with started([sys.executable, "-c", RISER]) as child:
        before = next(line for line in Path(f"/proc/{child.pid}/status").read_text().splitlines() if "VmHWM" in line)
        with watching(str(child.pid), "--json", "--interval", "0.1", "--reset-peak") as seen:
            first = next_line(seen)["figures"]
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(b"more\n")
            child.stdin.flush()
            assert child.stdout.readline() == b"risen\n"
            next_line(seen)  # may have been looked at before
            last = next_line(seen)["figures"]
        lines = procmem("watch", str(child.pid), "--reset-peak", "--count", "1").out
    assert int(before.split()[1]) * 1024 > first["RES"] + 60 * MIB
    assert first["peak RES"] - first["RES"] < MIB
    assert 15 * MIB < last["peak RES"] - first["RES"] < 60 * MIB  # counters lag by some pages
    assert last["RES"] - first["RES"] < 8 * MIB
    assert "peak RES" in lines


def test_a_peak_is_told_where_it_was_reset_alone() -> None:
    """Elsewhere it would be that since the process began, which inspect shows."""
    with python_child("") as pid:
        assert "peak RES" not in procmem("watch", str(pid), "--count", "1", "--json").json["figures"]


@pytest.mark.needs_root
def test_a_peak_that_may_not_be_reset() -> None:
    """One line, status 4; neither is a recording's."""
    with python_child("") as pid:
        run = procmem("watch", str(pid), "--reset-peak", "--count", "1", nobody=True)
    assert (run.status, run.out) == (4, "")
    assert run.err.count("\n") == 1
    assert "clear_refs may not be written: permission denied" in run.err
    assert procmem("watch", "--reset-peak", "--from", str(FIXTURES / "x86_64-6.18-sleep")).status == 2


@pytest.mark.parametrize("words", [[], ["--pss"], ["--classes"]], ids=str)
def test_a_process_whose_first_thread_has_ended(words: list[str]) -> None:
    """Its memory is that of the threads that live: the figures are those of inspect, and it has not ended."""
    code = (
        "import ctypes, os, threading, time\n"
        "thread = threading.Thread(target=lambda: (time.sleep(0.1), print('ready', flush=True), time.sleep(1000)))\n"
        "thread.start()\n"
        "ctypes.CDLL(None).syscall(60 if os.uname().machine == 'x86_64' else 93, 0)\n"  # exit(2), of this thread alone
    )
    with started([sys.executable, "-c", code]) as child:
        resident = procmem("inspect", "--json", str(child.pid)).json["totals"]["vm_rss"]
        run = procmem("watch", str(child.pid), "--count", "2", "--interval", "0.05", "--json", *words)
    assert run.status == 0, run
    looks = [json.loads(line) for line in run.out.splitlines()]
    assert [look["figures"]["RES"] for look in looks] == [resident, resident], run


def test_a_watch_keeps_a_series(tmp_path: Path) -> None:
    """Each look is in it, as record --every writes them; a second watch goes on with it; somebody else's is refused."""
    series = tmp_path / "leak.series"
    with started([sys.executable, "-c", GROWER]) as child:
        for _ in range(2):
            run = procmem("watch", str(child.pid), "--count", "2", "--interval", "0.01", "--keep", str(series))
            assert (run.status, run.err) == (0, f"wrote 2 of 2 looks to {series}\n")
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(b"more\n")
            child.stdin.flush()
            child.stdout.readline()
        procmem("watch", str(child.pid), "--count", "1", "--keep", str(series))
        looks = looks_of(str(series))
    assert [[one.pid for one in look.processes] for look in looks] == [[child.pid]] * 5
    grown = [look.processes[0].report.totals.rss or 0 for look in looks]
    assert 16 * MIB <= grown[-1] - grown[0] < 18 * MIB
    report = procmem("diff", str(series), "--json").json
    assert report["schema"] == "procmem/series-growth/1"
    (tmp_path / "other").write_text("no series")
    refused = procmem("watch", "self", "--count", "1", "--keep", str(tmp_path / "other"))
    assert refused.status == 6
    assert procmem("watch", "--from", str(series), "--keep", str(series)).status == 2


def test_the_end_of_the_process_ends_its_series(tmp_path: Path) -> None:
    """The look that misses it says so."""
    series = tmp_path / "short.series"
    command = [sys.executable, "-c", NAMED, "short"]
    with started(command) as child, watching(str(child.pid), "--interval", "0.05", "--keep", str(series)) as seen:
        assert seen.stdout is not None
        assert str(child.pid).encode() in seen.stdout.readline()
        child.kill()
        child.wait()
        _, complaint = seen.communicate()
    assert seen.returncode == 3
    assert b"it has ended" in complaint
    *before, last = looks_of(str(series))
    assert before
    assert (last.processes, last.ended) == ((), (child.pid,))


def test_the_first_look_says_when_the_next_is_due() -> None:
    """And each one that comes later than was asked for, since looking costs so much."""
    with python_child("block = bytearray(b'x') * (64 << 20)") as pid:
        plain = procmem("watch", str(pid), "--count", "2", "--interval", "2").out
        run = procmem("watch", str(pid), "--count", "2", "--interval", "0.01", "--classes", "--json")
    assert "the next in" not in plain.splitlines()[0]
    first, last = (json.loads(line) for line in run.out.splitlines())
    assert first["cost"] > 0
    assert first["due"] == pytest.approx(max(100 * first["cost"], 0.01), abs=0.002)
    assert last["due"] is None
    assert last["at"] >= first["due"] - 0.01
    once = (Trend("RES", 8 * MIB, 0, 0, None, (8 * MIB,)),)
    trends = (Trend("RES", 8 * MIB, 0, 0, 0, (8 * MIB, 8 * MIB)),)
    looks = (
        (Watched(7, b"x", 0.001, 0.0, once, 0.35, 35.0, slowed=True), "this look took 0.35 s, the next in 35 s"),
        (Watched(7, b"x", 0.001, 0.0, once, 0.01, 2.0), "7  x  this look took 0.01 s, the next in 2 s"),
        (Watched(7, b"x", 0.001, 0.0, once, 0.01, None), "7  x  this look took 0.01 s\n"),
        (
            Watched(7, b"x", 70.0, 0.01, trends, 0.35, 35.0, slowed=True),
            "7  x  watched for 1 min 10 s, reading took 1.00% of it, this look took 0.35 s, the next in 35 s\n",
        ),
        (Watched(7, b"x", 0.5, 0.01, trends, 0.01, 2.0), "7  x  watched for 0.5 s, reading took 1.00% of it\n"),
        (Watched(7, b"x", 70.0, 0.01, trends), "7  x  watched for 1 min 10 s, reading took 1.00% of it\n"),
    )
    for look, told in looks:
        assert told in page_text(watch_page(look, Style(), ""), Style())
    [(slowed, _), (not_slowed, _), *_] = looks
    assert "(took 0.35 s, so the next in 35 s)" in watch_line(slowed, Style())
    assert "due" not in watch_line(not_slowed, Style())


def test_a_process_that_ended_holds_no_descriptor() -> None:
    """Of many that come and go: each is let go at once, not when garbage is collected."""
    gc.collect()
    before = open_files()
    gc.disable()
    try:
        for _ in range(20):
            with python_child("") as pid:
                watch = Watch(one_target(str(pid)).open(), began=0.0)
                watch.look()
            seen, alive, gone = look_at_all([watch])
            assert (seen, alive) == ([], [])
            assert [type(error) for error in gone] == [ProcessGone]
            del watch, gone
        assert len(open_files() - before) <= 1
    finally:
        gc.enable()
