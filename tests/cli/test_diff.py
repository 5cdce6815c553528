"""procmem diff: what grew, by identity and not by address; a restart is the same."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.support.running import FIXTURES, ROOT, procmem, recordings, started, stopped

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
            tids = os.listdir(f"/proc/{pid}/task")
            failing = procmem("diff", before, pid, "--fail-if-grows", "heap>10%", "--fail-if-grows", "stack>10%")
            passing = procmem("diff", before, pid, "--fail-if-grows", "heap>60M")
    assert "same: nothing" in same.out
    assert failing.out.index("heap>10%") < failing.out.index("sizes in KiB"), "why it fails stands first"
    assert answer["same_process"]
    grown = [region for region in answer["regions"] if region["status"] == "grown" and region["class"] == "heap"]
    [region] = grown
    assert region["kind"] == "glibc-arena"
    worker = sorted(int(tid) for tid in tids)[2]
    assert region["owner"] == f"arena of thread worker-1 ({worker})"
    assert LEAKED * MIB <= region["growth"] < (LEAKED + 2) * MIB
    assert f": heap, malloc arenas: arena of thread worker-1 ({worker})" in page
    assert (failing.status, passing.status) == (7, 0)
    assert "failed: heap>10%: heap grew by" in failing.out
    assert "stack>10%" not in failing.out
    # the classes are the regions, and the total is the classes
    *classes, total = answer["classes"]
    for side in ("before", "after"):
        for key in ("virt", "rss", "swap", "regions"):
            sums = [sum(row[side][key] for row in rows if row[side]) for rows in (classes, answer["regions"])]
            assert sums == [total[side][key]] * 2, (side, key)


EIGHT_LEAKS = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void *leak(void *nothing)
{
    for (long n = 0; n < 100000; n++) {
        memset(malloc(3000), 1, 3000);
        usleep(400);
    }
    return nothing;
}
int main(void)
{
    pthread_t thread;
    for (int i = 0; i < 8; i++)
        pthread_create(&thread, NULL, leak, NULL);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
"""


@pytest.mark.needs("gcc")
def test_arenas_that_grow_while_they_are_read_are_all_named(tmp_path: Path) -> None:
    """Eight threads that go on leaking: each one's arena, by its thread, in both languages; and nothing else grew."""
    program, before, by_shape = tmp_path / "eight", str(tmp_path / "before.tar.gz"), str(tmp_path / "by-shape.tar.gz")
    compile_program = ["gcc", "-O1", "-pthread", "-x", "c", "-", "-o", str(program)]
    subprocess.run(compile_program, input=EIGHT_LEAKS, text=True, check=True)
    with started([str(program)]) as process:
        pid = str(process.pid)
        time.sleep(0.5)
        procmem("record", pid, "--deep", "-o", before)
        procmem("record", pid, "-o", by_shape)
        time.sleep(1.5)
        looks = [procmem("diff", before, pid, "--deep", "--threshold", "128K", "--json").json for _ in range(2)]
        page = procmem("diff", before, pid, "--deep", "--threshold", "128K").out
        chinese = procmem("diff", before, pid, "--deep", "--threshold", "128K", "--lang", "zh").out
        shallow = procmem("diff", before, pid, "--threshold", "128K", "--json").json
        mixed = procmem("diff", by_shape, pid, "--threshold", "128K", "--deep", "--json").json
        tids = sorted(int(tid) for tid in os.listdir(f"/proc/{pid}/task"))[1:]
    for look in looks:
        grown = [region for region in look["regions"] if region["status"] == "grown"]
        assert sorted(region["owner"] for region in grown) == sorted(f"arena of thread eight ({tid})" for tid in tids)
        assert {region["kind"] for region in grown} == {"glibc-arena"}
    for tid in tids:
        assert f"arena of thread eight ({tid})" in page
        assert f"线程 eight ({tid}) 的分配区" in chinese
    by_block = {region["owner"] for region in shallow["regions"] if region["kind"] == "glibc-arena"}
    assert len(by_block) == 8
    assert all(owner.startswith("arena block ") for owner in by_block)
    # one look knows whose they are and the other does not: they are told together, and none is new
    assert [region["owner"] for region in mixed["regions"] if region["kind"] == "glibc-arena"] == ["arenas"]
    assert not [region for region in mixed["regions"] if region["status"] == "new" and region["class"] == "heap"]


@pytest.mark.needs("gcc")
@pytest.mark.parametrize("deep", [("--deep",), ()], ids=["deep", "shallow"])
def test_a_restart_is_the_same(leaker: Path, tmp_path: Path, deep: tuple[str, ...]) -> None:
    """Other addresses, other ids: no change; and a leak in the second run shows all the same."""
    first = str(tmp_path / "first")
    with running(leaker) as process:
        old_pid = process.pid
        old_maps = Path(f"/proc/{old_pid}/maps").read_bytes()
        with stopped(process.pid):  # of a thread that runs nobody knows the stack pointer, and so not whose stack it is
            procmem("record", str(old_pid), *deep, "-o", first)
    with running(leaker) as process:
        assert Path(f"/proc/{process.pid}/maps").read_bytes() != old_maps, "no ASLR here"
        with stopped(process.pid):
            run = procmem("diff", first, str(process.pid), *deep)
            again = procmem("diff", first, str(process.pid), *deep, "--json").json
        leak(process, LEAKED)
        with stopped(process.pid):
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
    for path in recordings():
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
