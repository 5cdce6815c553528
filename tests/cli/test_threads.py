"""procmem threads: every blocked thread has its stack, and shared things are told from owned ones."""

import csv
import io
import threading
from pathlib import Path

import pytest

from tests.programs.build import VARIANTS, build, start
from tests.support.running import FIXTURES, procmem, python_child

SPAWN = """
import threading, time
for number in range(3):
    threading.Thread(target=time.sleep, args=(1000,), name=f"worker-{number}", daemon=True).start()
time.sleep(0.2)
"""


@pytest.mark.parametrize("deep", [(), ("--deep",)], ids=["plain", "deep"])
def test_blocked_threads_have_their_stacks(deep: tuple[str, ...]) -> None:
    """Python's threads: four of them, four stacks, none twice, each with its guard but the main one."""
    with python_child(SPAWN) as pid:
        answer = procmem("threads", "--json", *deep, str(pid)).json
    rows = answer["threads"]
    assert len(rows) == 4
    assert len({row["stack_start"] for row in rows} - {None}) == 4
    assert {row["stack_kind"] for row in rows} == {"main", "thread"}
    for row in rows:
        assert 0 < row["depth"] <= row["high_water"] <= row["reserved"] + 8192
        assert row["guard"] == (None if row["tid"] == pid else 4096)
        assert row["voluntary_switches"] is not None
    assert answer["shared"]["open_files"] >= 3
    if deep:
        assert {row["certainty"] for row in rows} == {"certain"}


def test_depth_and_high_water_follow_recursion() -> None:
    """A thread that recursed and came back has a high-water mark far below its present depth."""
    code = """
import threading, time
def down(left, key=None):
    return min([0], key=lambda _: 0 if not left else down(left - 1))
def work():
    down(60)
    time.sleep(1000)
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.5)
"""
    with python_child(code) as pid:
        rows = procmem("threads", "--json", str(pid)).json["threads"]
    workers = [row for row in rows if row["tid"] != pid]
    assert all(row["depth"] < row["high_water"] for row in workers)


def test_arenas_are_given_to_their_threads(programs_folder: Path, tmp_path: Path) -> None:
    """With --deep, a thread that called malloc has its arena, at the address where the arena's heap begins."""
    binary = build("manifest.c", VARIANTS["pie"], programs_folder)
    with start(binary, "--dir", str(tmp_path), "arenas") as program:
        rows = procmem("threads", "--deep", "--json", str(program.pid)).json["threads"]
        truths = {r.start for r in program.ranges if r.kind == "glibc-arena"}
    arenas = {int(row["arena"], 16) for row in rows if row["arena"]}
    assert arenas
    assert arenas <= {start + offset for start in truths for offset in (0x20, 0x30)}


def test_the_page_says_what_is_shared_and_what_is_owned() -> None:
    """Row M20 on one page."""
    with python_child(SPAWN) as pid:
        page = procmem("threads", str(pid)).out
    for words in ("All threads share", "open files", "signal handlers", "Each thread owns", "kernel stack", "pending"):
        assert words in page


def test_a_recording_tells_the_same(tmp_path: Path) -> None:
    """Threads from a recording, but for times and what a recording does not keep (open files)."""
    with python_child(SPAWN) as pid:
        saved = str(tmp_path / "saved")
        assert procmem("record", str(pid), "-o", saved, "--deep").status == 0
        live = procmem("threads", "--deep", "--json", str(pid)).json["threads"]
    kept = procmem("threads", "--deep", "--json", "--from", saved).json["threads"]
    for row in (*live, *kept):
        for moving in ("cpu_seconds", "voluntary_switches", "involuntary_switches", "processor"):
            del row[moving]
    assert kept == live


def test_our_own_threads_are_no_obstacle() -> None:
    """It can look at a process while that process looks at it: itself."""
    assert threading.active_count() >= 1
    run = procmem("threads", "self", "--json")
    assert run.status == 0
    assert run.json["threads"]


def test_what_status_knows_of_a_refused_process() -> None:
    """Its memory is known although smaps may not be read; a kernel thread and a zombie have none."""
    refused = procmem("threads", str(FIXTURES / "x86_64-6.18-denied"), "--json").json["shared"]
    known = procmem("inspect", str(FIXTURES / "x86_64-6.18-denied"), "--json").json["totals"]
    assert refused["rss"] == known["rss"] == 1476 * 1024
    for name in ("kernel-thread", "zombie"):
        shared = procmem("threads", str(FIXTURES / f"x86_64-6.18-{name}"), "--json").json["shared"]
        assert (shared["virt"], shared["rss"]) == (0, 0)


def test_time_is_a_number() -> None:
    """In CSV and in rows from Python, as in JSON; two digits for a person."""
    import procmem as package  # noqa: PLC0415

    recording = str(FIXTURES / "x86_64-6.18-python-threads")
    document = procmem("threads", recording, "--json").json
    rows = package.examine(recording).threads().rows()
    printed = list(csv.DictReader(io.StringIO(procmem("threads", recording, "--csv").out)))
    for thread, row, line in zip(document["threads"], rows, printed, strict=True):
        assert isinstance(row["cpu_s"], float)
        assert row["cpu_s"] == float(line["cpu_s"]) == thread["cpu_seconds"]
