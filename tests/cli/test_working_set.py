"""procmem working-set: what a process touches is told apart from what it only holds, at a price that is told before."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.classify.apportion import shared_by_rss
from procmem.model.kinds import BRK
from procmem.model.note import note
from procmem.model.proc_keys import SmapsKey
from procmem.model.region import Certainty, Label, Regions, Share
from procmem.parse.smaps import parse_smaps
from tests.programs.build import build
from tests.support.made_processes import record
from tests.support.running import COMMAND, FIXTURES, ROOT, kernel_thread, procmem, python_child, started, zombie
from tests.support.smaps_text import smaps

MIB = 1 << 20
SLEEP = str(FIXTURES / "x86_64-6.18-sleep")
TWO_PARTS = """
import ctypes, mmap
held = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE)
for at in range(0, len(held), 4096):
    held[at] = 1
"""


def toucher(folder: Path, size: int, share: int) -> list[str]:
    """The command of a program that holds so many MiB, of which it touches so many percent, some times a second."""
    return [str(build("toucher.c", (), folder)), str(size), str(share), "200"]


@pytest.mark.parametrize("share", [0, 25, 100])
def test_the_share_that_is_touched_is_found(programs_folder: Path, share: int) -> None:
    """Of 200 MiB a known share, within 2 % of RES."""
    with started(toucher(programs_folder, 200, share)) as child:
        found = procmem("working-set", str(child.pid), "--seconds", "1", "--json").json
    assert found["rss"] > 200 * MIB
    assert abs(found["touched"] - 2 * share * MIB) < 0.02 * found["rss"]
    assert found["touched"] + found["untouched"] == found["rss"]
    for rows in (found["classes"], found["consumers"]):
        assert sum(row["rss"] for row in rows) == found["rss"]
        assert sum(row["touched"] for row in rows) == found["touched"]
    largest = found["consumers"][0]
    assert largest["touched"] == pytest.approx(2 * share * MIB, abs=MIB)


def test_the_kernel_says_the_same_by_hand(programs_folder: Path) -> None:
    """Writing 1 to clear_refs, and adding up Referenced of smaps."""
    with started(toucher(programs_folder, 50, 40)) as child:
        folder = Path(f"/proc/{child.pid}")
        folder.joinpath("clear_refs").write_text("1")
        time.sleep(1)
        by_hand = sum(
            1024 * int(line.split()[1])
            for line in folder.joinpath("smaps").read_text().splitlines()
            if line.startswith("Referenced:")
        )
        found = procmem("working-set", str(child.pid), "--seconds", "1", "--json").json
    assert found["touched"] == pytest.approx(by_hand, abs=2 * MIB)  # the pages of its libraries are others' as well


def test_regions_add_up(programs_folder: Path) -> None:
    """Each range with its part, filters among them; the parts are those of the whole."""
    with started(toucher(programs_folder, 20, 50)) as child:
        found = procmem("working-set", str(child.pid), "--seconds", "0.5", "--json", "--regions").json
        few = procmem("working-set", str(child.pid), "--seconds", "0.5", "--csv", "--min-size", "20M")
    assert sum(region["touched"] for region in found["regions"]) == found["touched"]
    assert all(0 <= region["touched"] <= region["rss"] for region in found["regions"])
    rows = [row for row in csv.DictReader(few.out.splitlines()) if row["class"] == "mmap"]
    assert [int(row["touched_bytes"]) for row in rows] == [10 * MIB]
    assert few.status == 0


def test_pages_for_people(programs_folder: Path) -> None:
    """What fills RES, classes, what it cost; within 80 columns, in Markdown, and in Chinese."""
    with started(toucher(programs_folder, 50, 20)) as child:
        pid = str(child.pid)
        page = procmem("working-set", pid, "--seconds", "0.5", "--width", "80")
        table = procmem("working-set", pid, "--seconds", "0.1", "--markdown")
        chinese = procmem("working-set", pid, "--seconds", "0.1", "--lang", "zh")
        several = procmem("working-set", pid, str(os.getpid()), "--seconds", "0.1", "--csv")
    # 10 MiB of 50; of its libraries (up to 2 MiB of RES) those pages that it, or another program, touched: 19 to 23 %
    assert re.search(r"1[01]\.\d MiB +touched \((19|2[0-3]) %\)", page.out), page
    assert re.search(r"51200 +10240 +40960 +20 % +anonymous memory of no known purpose", page.out), page
    assert max(map(len, page.out.splitlines())) <= 80
    assert "| mmap" in table.out
    assert "未访问" in chinese.out
    assert {row["pid"] for row in csv.DictReader(several.out.splitlines())} == {pid, str(os.getpid())}


def test_cost_and_effect_are_said_before(programs_folder: Path) -> None:
    """The first line on stderr, while nothing is on stdout yet: also for programs."""
    command = [*COMMAND, "working-set", "--seconds", "20", "--json"]
    with (
        started(toucher(programs_folder, 5, 50)) as child,
        subprocess.Popen([*command, str(child.pid)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run,
    ):
        assert run.stderr is not None
        first = run.stderr.readline().decode()
        assert "page tables are walked" in first
        assert "idle to the kernel's reclaim" in first
        time.sleep(1)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=20)
    assert run.returncode == 130
    assert err.decode() == "procmem: interrupted: what was touched until now\n"
    found = json.loads(out)
    assert 0.9 < found["seconds"] < 15
    assert found["touched"] > 2 * MIB


def test_what_does_not_run_is_refused() -> None:
    """A recording, a text, an ended process, a zombie, a kernel thread: one line each, and no wait."""
    recorded = procmem("working-set", SLEEP)
    assert (recorded.status, recorded.out) == (2, "")
    assert "a recording touches no memory" in recorded.err
    assert procmem("working-set", "--from", SLEEP).status == 2
    with python_child("") as pid:
        pass
    with zombie() as ended:
        for target in (pid, ended, kernel_thread()):
            if target is not None:
                run = procmem("working-set", str(target), "--seconds", "100")
                assert (run.status, run.out, run.err.count("\n")) == (3, "", 1), run


def test_a_copied_tree_is_refused(tmp_path: Path) -> None:
    """It has a clear_refs that anybody may write, to no effect."""
    shutil.copytree(SLEEP, tmp_path / "tree", ignore=shutil.ignore_patterns("about.toml"))
    run = procmem("working-set", "--procfs", str(tmp_path / "tree"), "2557")
    assert (run.status, run.out) == (2, "")


@pytest.mark.needs_root
def test_where_it_may_not_be_written() -> None:
    """Status 4, one clear line, before anything is said of a cost."""
    with python_child("") as pid:
        run = procmem("working-set", str(pid), "--seconds", "100", nobody=True)
        assert (run.status, run.out, run.err.count("\n")) == (4, "", 1), run
        assert "CAP_SYS_PTRACE" in run.err


def test_it_may_end_meanwhile(programs_folder: Path) -> None:
    """Of one, status 3; of several those that are left are shown, with status 42."""
    with (
        started(toucher(programs_folder, 5, 50)) as one,
        started(toucher(programs_folder, 5, 50)) as other,
        subprocess.Popen(
            [*COMMAND, "working-set", str(one.pid), str(other.pid), "--seconds", "2", "--json"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as run,
    ):
        assert run.stderr is not None
        assert b"what 2 processes touch" in run.stderr.readline()
        one.kill()
        one.wait()
        out, _ = run.communicate(timeout=30)
    assert run.returncode == 42
    assert [found["process"]["pid"] for found in json.loads(out)] == [other.pid]


def test_what_nobody_runs_while_its_leader_is_gone() -> None:
    """The memory is asked of a live thread: a dead leader's own files tell of nothing, and clear nothing."""
    code = f"""{TWO_PARTS}
import threading, time
def use():
    while True:
        held[0], held[4096] = 2, 3
        time.sleep(0.01)
threading.Thread(target=use).start()
print("ready", flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""
    with started([sys.executable, "-c", code]) as child:
        time.sleep(0.3)
        run = procmem("working-set", str(child.pid), "--seconds", "0.5", "--json")
    assert run.status == 0, run
    assert run.json["rss"] > 64 * MIB
    assert 0 < run.json["touched"] < 16 * MIB


@given(st.lists(st.integers(0, 400), min_size=2, max_size=6), st.data())
def test_a_part_of_a_mapping_gets_its_share(parts: list[int], data: st.DataObject) -> None:
    """By what each range has in memory: the shares add up, none is more than its range, all or nothing is exact."""
    rss = sum(parts) * 4
    referenced = data.draw(st.integers(0, rss // 4)) * 4
    area = record(0x55_0000_0000, 0x55_1000_0000, Rss=rss, Pss=rss, Referenced=referenced)
    edges = [0x55_0000_0000 + number * 0x100_0000 for number in range(len(parts) + 1)]
    label = Label(BRK, Certainty.CERTAIN, note("unexplained"))
    regions = Regions(
        mappings=parse_smaps(smaps([area])),
        vma=[0] * len(parts),
        start=edges[:-1],
        end=edges[1:],
        label=[label] * len(parts),
        shares={number: Share(4096 * part, 0, 0, 0, ()) for number, part in enumerate(parts)},
    )
    values, about = shared_by_rss(regions, SmapsKey.REFERENCED)
    assert sum(value or 0 for value in values) == referenced * 1024
    assert all(0 <= (value or 0) <= 4096 * part for value, part in zip(values, parts, strict=True))
    if referenced in (0, rss) or sum(map(bool, parts)) == 1:
        assert not about
    elif referenced >= 4 * len(parts):
        assert about
    assert shared_by_rss(regions, "NoSuchCounter") == ([None] * len(parts), frozenset())
