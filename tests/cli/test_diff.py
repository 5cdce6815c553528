"""procmem diff: what grew, by identity and not by address; a restart is the same."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.support.running import FIXTURES, ROOT, procmem, started, stopped

MIB = 1 << 20
LEAKED = 50


@pytest.fixture(scope="module")
def leaker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program of which one thread leaks."""
    program = tmp_path_factory.mktemp("leaker") / "leaker"
    source = ROOT / "tests" / "programs" / "leaker.c"
    subprocess.run(["gcc", "-O1", "-pthread", "-o", program, source], check=True)
    return program


@contextlib.contextmanager
def running(program: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The program, its threads waiting."""
    with started([str(program)]) as process:
        yield process


def leak(process: "subprocess.Popen[bytes]", mebibytes: int) -> None:
    """Let its thread leak, and wait until it has."""
    pipes: list[IO[bytes] | None] = [process.stdin, process.stdout]
    into, out = pipes
    assert into is not None
    assert out is not None
    into.write(b"%d\n" % mebibytes)
    into.flush()
    assert out.readline() == b"ready\n"


@pytest.mark.needs("gcc")
def test_a_leak_in_one_arena_names_arena_and_thread(leaker: Path, tmp_path: Path) -> None:
    """50 MiB: the arena of worker-1, and nothing else grew."""
    before = str(tmp_path / "before.tar.gz")
    with running(leaker) as process:
        pid = str(process.pid)
        assert procmem("record", pid, "--deep", "-o", before).status == 0
        same = procmem("diff", before, pid, "--deep")
        leak(process, LEAKED)
        with stopped(process.pid):
            answer = procmem("diff", before, pid, "--deep", "--json").json
            page = procmem("diff", before, pid, "--deep").out
            failing = procmem("diff", before, pid, "--fail-if-grows", "heap>10%", "--fail-if-grows", "stack>10%")
            passing = procmem("diff", before, pid, "--fail-if-grows", "heap>60M")
    assert "same: nothing" in same.out
    assert answer["same_process"]
    grown = [region for region in answer["regions"] if region["status"] == "grown" and region["class"] == "heap"]
    [region] = grown
    assert region["kind"] == "glibc-arena"
    assert region["owner"] == "arena of thread #2 worker-1"
    assert LEAKED * MIB <= region["growth"] < (LEAKED + 2) * MIB
    assert "grew most: heap (glibc-arena) of arena of thread #2 worker-1" in page
    assert (failing.status, passing.status) == (7, 0)
    assert "failed: heap>10%: heap grew by" in failing.out
    assert "stack>10%" not in failing.out
    # the classes are the regions, and the total is the classes
    *classes, total = answer["classes"]
    for side in ("before", "after"):
        for key in ("virt", "rss", "swap", "regions"):
            sums = [sum(row[side][key] for row in rows if row[side]) for rows in (classes, answer["regions"])]
            assert sums == [total[side][key]] * 2, (side, key)


@pytest.mark.needs("gcc")
@pytest.mark.parametrize("deep", [("--deep",), ()], ids=["deep", "shallow"])
def test_a_restart_is_the_same(leaker: Path, tmp_path: Path, deep: tuple[str, ...]) -> None:
    """Other addresses, other ids: no change; and a leak in the second run shows all the same."""
    first = str(tmp_path / "first")
    with running(leaker) as process:
        old_pid = process.pid
        old_maps = Path(f"/proc/{old_pid}/maps").read_bytes()
        procmem("record", str(old_pid), *deep, "-o", first)
    with running(leaker) as process:
        assert Path(f"/proc/{process.pid}/maps").read_bytes() != old_maps, "no ASLR here"
        run = procmem("diff", first, str(process.pid), *deep)
        again = procmem("diff", first, str(process.pid), *deep, "--json").json
        leak(process, LEAKED)
        leaked = procmem("diff", first, str(process.pid), *deep, "--json").json
    # how much of a file the kernel maps around a fault depends on what others left in the page cache
    changed = {one["class"] for one in again["regions"] if one["status"] != "same"}
    assert changed <= {"text", "rodata"}, again["regions"]
    assert changed or "same: nothing grew or shrank" in run.out, run
    assert "two processes" in run.out
    assert leaked["verdict"] == "changed"
    assert leaked["regions"][-1]["class"] == "heap"
    assert leaked["regions"][-1]["growth"] >= LEAKED * MIB


def test_a_recording_against_itself_is_the_same() -> None:
    """All fixtures with smaps: no region is new or gone, and each is counted once."""
    for path in sorted(FIXTURES.iterdir()):
        pids = [child.name for child in path.iterdir() if child.name.isdecimal() and (child / "smaps").exists()]
        for pid in pids:
            run = procmem("diff", f"{path}:{pid}", f"{path}:{pid}", "--json")
            if run.status == 4:
                continue
            assert run.json["verdict"] == "same"
            assert {region["growth"] for region in run.json["regions"]} == {0}


def test_two_programs_differ(tmp_path: Path) -> None:
    """What only one of them has is new, or gone."""
    bash, python = (str(FIXTURES / f"x86_64-6.18-{name}") for name in ("bash", "python-threads"))
    answer = procmem("diff", bash, python, "--json").json
    statuses = {(region["status"], region["owner"]) for region in answer["regions"]}
    assert any(status == "gone" and owner and owner.endswith("/bash") for status, owner in statuses)
    assert any(status == "new" and owner and "python" in owner for status, owner in statuses)
    copy = tmp_path / "name with : 77"
    shutil.copytree(python, copy)
    assert procmem("diff", str(copy), python).status == 0


@pytest.mark.parametrize("text", ["heap", "heap>", "heap>x%", "nothing>10%", "heap>10MM", ">10%"])
def test_conditions_that_are_none(text: str) -> None:
    """A usage error that names the classes."""
    path = str(FIXTURES / "x86_64-6.18-bash")
    run = procmem("diff", path, path, "--fail-if-grows", text)
    assert run.status == 2
    assert "fail-if-grows" in run.err


def test_csv_and_missing_sides() -> None:
    """Errors are those of every command."""
    path = str(FIXTURES / "x86_64-6.18-bash")
    assert procmem("diff", path, path, "--csv").out.startswith("change,virt_bytes,rss_bytes,")
    assert procmem("diff", path, "/no/such/recording").status == 5
    assert procmem("diff", path, str(2**22 + 9)).status == 3
    assert procmem("diff", path, str(FIXTURES / "x86_64-6.18-denied")).status == 4
