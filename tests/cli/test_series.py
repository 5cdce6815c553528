"""A series from the command line: made of living processes, killed, gone on with, and read by all that read it."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from procmem.queries.series import looks_of
from tests.render.test_schemas import check
from tests.support.running import COMMAND, ROOT, procmem, python_child, started, state_of, wait_for

GROWING = """
import sys, time
keep = []
print("ready", flush=True)
for line in sys.stdin:
    keep.append(b"x" * ((1 << 20) * int(line)))
    print("done", flush=True)
"""


@contextmanager
def growing() -> Iterator[Any]:
    """A process that takes as many MiB as it is told."""
    with started([sys.executable, "-c", GROWING]) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        into, out = process.stdin, process.stdout

        def grow(mib: int) -> None:
            into.write(b"%d\n" % mib)
            into.flush()
            assert out.readline() == b"done\n"

        process.grow = grow  # type: ignore[attr-defined]
        yield process


@contextmanager
def recording(*words: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A series that is being made."""
    command = [sys.executable, "-m", "procmem", "record", *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def whole_looks(path: Path) -> int:
    """How many looks are there by now."""
    return len(looks_of(str(path))) if path.exists() and path.stat().st_size else 0


def test_growth_is_found_with_its_class_owner_and_size(tmp_path: Path) -> None:
    """What a process took between looks, in bytes, as a table, as a page and as JSON; a moment of it by inspect."""
    path = tmp_path / "a.series"
    with growing() as process, recording(str(process.pid), "--every", "0.2", "-o", str(path)):
        for number in range(1, 6):
            wait_for(lambda number=number: whole_looks(path) >= 2 * number)  # type: ignore[misc]
            process.grow(8)
        count = whole_looks(path)
        wait_for(lambda: whole_looks(path) >= count + 2)
    report = procmem("diff", str(path), "--json").json
    check(report)
    (one,) = report["processes"]
    assert 40 << 20 <= one["held"]["by"] <= 42 << 20
    assert 40 << 20 <= one["classes"]["heap"]["by"] <= 42 << 20
    grown = max(one["consumers"], key=lambda row: row["by"] or 0)
    assert grown["consumer"]["kind"] == "glibc-mmap-chunk"
    assert len(one["held"]["history"]) == one["looks"] == report["looks"]
    page = procmem("diff", str(path)).out
    assert "RES and swap grew by 40." in page
    assert re.search(r"heap +[0-9.]+ +[0-9.]+ +4[01]\d\d\d ", page)
    rows = procmem("diff", str(path), "--csv").out.splitlines()
    assert rows[0].startswith("pid,name,figure,what,before_bytes,after_bytes,by_bytes,per_minute_bytes")
    first = procmem("inspect", "--from", str(path), "--at", "+0s", "--json").json
    last = procmem("inspect", "--from", str(path), "--json").json
    assert first["regions"] is None
    assert 40 << 20 <= last["totals"]["rss"] - first["totals"]["rss"] <= 42 << 20
    assert sum(row["rss"] for row in last["consumers"]) == last["totals"]["rss"]
    shown = procmem("watch", "--from", str(path), "--json").out.splitlines()
    assert [json.loads(line)["figures"]["RES"] for line in shown] == one["totals"]["RES"]["history"]


def test_killed_at_any_moment_it_loses_the_last_look_at_most(tmp_path: Path) -> None:
    """And goes on with the same file."""
    draw = random.Random(7)
    path = tmp_path / "a.series"
    with growing() as process:
        before = 0
        for _ in range(12):
            with recording(str(process.pid), "--every", "0.01", "-o", str(path)) as recorder:
                wait_for(lambda before=before: whole_looks(path) > before)  # type: ignore[misc]
                time.sleep(draw.random() / 10)
                recorder.send_signal(signal.SIGKILL)
                recorder.wait()
            now = whole_looks(path)
            assert now > before
            before = now
    assert os.listdir(tmp_path) == ["a.series"]
    assert procmem("diff", str(path), "--json").json["looks"] == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(number: signal.Signals, tmp_path: Path) -> None:
    """What was written stays, and is told."""
    path = tmp_path / "a.series"
    with growing() as process, recording(str(process.pid), "--every", "0.1", "-o", str(path)) as recorder:
        wait_for(lambda: whole_looks(path) > 1)
        recorder.send_signal(number)
        _, err = recorder.communicate(timeout=30)
    assert recorder.returncode == 130
    assert re.search(rb"wrote \d+ of \d+ looks? to ", err)
    assert b"Traceback" not in err
    assert whole_looks(path) > 1


def test_it_ends_when_nothing_is_left_or_the_time_is_over(tmp_path: Path) -> None:
    """With status 0; that a process ended is told."""
    path = tmp_path / "a.series"
    with growing() as process, recording(str(process.pid), "--every", "0.1", "-o", str(path)) as recorder:
        wait_for(lambda: whole_looks(path) > 0)
        process.kill()
        process.wait()
        _, err = recorder.communicate(timeout=30)
        assert recorder.returncode == 0
        assert f"process {process.pid}".encode() in err
    last = looks_of(str(path))[-1]
    assert (last.processes, last.ended) == ((), (process.pid,))
    with python_child("") as pid:
        run = procmem("record", str(pid), "--every", "0.1", "--for", "4s", "-o", str(tmp_path / "b"))
        assert run.status == 0, run
        assert 2 <= len(looks_of(str(tmp_path / "b"))) <= 41


def test_a_program_that_is_started_again_is_followed(tmp_path: Path) -> None:
    """By its name; the report says whose place it took."""
    path, name = tmp_path / "a.series", f"again{os.getpid()}"
    code = f"import ctypes; ctypes.CDLL(None).prctl(15, b'{name}')"
    with python_child(code) as first:
        wait_for(lambda: Path(f"/proc/{first}/comm").read_text().strip() == name)
        recorder = subprocess.Popen(
            [sys.executable, "-m", "procmem", "record", "--name", name, "--every", "0.1", "-o", str(path)], cwd=ROOT
        )
        wait_for(lambda: whole_looks(path) > 0)
    try:
        count = whole_looks(path)
        wait_for(lambda: whole_looks(path) > count)
        with python_child(code) as second:
            wait_for(lambda: any(one.pid == second for one in looks_of(str(path))[-1].processes))
    finally:
        recorder.send_signal(signal.SIGINT)
        recorder.wait()
    report = procmem("diff", str(path), "--json").json
    assert {one["pid"]: one["follows"] for one in report["processes"]} == {first: None, second: first}
    assert f"took the place of {first}" in procmem("diff", str(path)).out


@pytest.mark.parametrize(("condition", "grown", "kept"), [("rss>+20M", 4, 0), ("rss>+20M", 40, 1), ("heap>1T", 9, 0)])
def test_looks_are_kept_when_a_condition_holds(condition: str, grown: int, kept: int, tmp_path: Path) -> None:
    """The first in any case."""
    path = tmp_path / "a.series"
    with growing() as process:
        words = (str(process.pid), "--every", "0.1", "--for", "1.5s", "--when", condition, "-o", str(path))
        with recording(*words) as recorder:
            wait_for(lambda: whole_looks(path) == 1)
            process.grow(grown)
            _, err = recorder.communicate(timeout=30)
    found = looks_of(str(path))
    assert bool(len(found) - 1) == bool(kept)
    told = re.search(rb"wrote (\d+) of (\d+) looks", err)
    assert told
    assert int(told[1]) == len(found) < int(told[2]) or kept


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("record", "self", "--every", "0", "-o", "x"), "--every '0': not a time"),
        (("record", "self", "--every", "5x", "-o", "x"), "--every '5x': not a time"),
        (("record", "self", "--every", "1s", "--when", "rss", "-o", "x"), "--when 'rss': not NAME>2G"),
        (("record", "self", "--every", "1s", "--when", "nothing>5M", "-o", "x"), "--when 'nothing>5M': not NAME>2G"),
        (("diff", "self"), "'self' is no series"),
        (("inspect", "--from", "{series}", "--at", "noon"), "--at 'noon': not a moment"),
        (("inspect", "--from", "{series}", "--regions"), "is a series: it keeps what fills memory"),
        (("watch", "--from", "fixtures/x86_64-6.18-sleep"), ""),
    ],
)
def test_wrong_uses(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    """Told with the usage."""
    series = tmp_path / "a.series"
    assert procmem("record", "self", "--every", "1s", "--for", "0.1s", "-o", str(series)).status == 0
    run = procmem(*(word.format(series=series) for word in words))
    assert (run.status, run.out) == (2, ""), run
    assert says in run.err


def test_a_zombie_has_ended(tmp_path: Path) -> None:
    """Nobody has asked for its status yet, but its memory is gone: the look says that it ended."""
    path = tmp_path / "looks"
    with started([sys.executable, "-c", "print('ready', flush=True); input()"]) as child:
        words = [*COMMAND, "record", str(child.pid), "--every", "0.2", "--for", "20s", "-o", str(path)]
        with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL) as recorder:
            wait_for(lambda: path.exists() and path.stat().st_size > 0)
            os.kill(child.pid, signal.SIGKILL)
            wait_for(lambda: state_of(child.pid) == "Z")
            assert recorder.wait(60) == 0
    last = looks_of(str(path))[-1]
    assert (last.processes, last.ended) == ((), (child.pid,))
