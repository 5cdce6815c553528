"""What whoever keeps machines and programs running asks, each by one command."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.asking import field, first_screen, has, kib
from tests.support.running import COMMAND, ROOT, procmem, python_child, started

MIB = 1 << 20
SIZE = r"[0-9.,]+ [KMGT]iB"
GROWING = """
import sys
kept = []
print("ready", flush=True)
for line in sys.stdin:
    kept.append(bytearray(b"x") * int(line))
    print("grown", flush=True)
"""


def _grow(child: "subprocess.Popen[bytes]", size: int) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b"%d\n" % size)
    child.stdin.flush()
    assert child.stdout.readline() == b"grown\n"


def test_how_large_has_it_been() -> None:
    """It gave back what it had: the peak says what it once took."""
    with python_child("data = bytearray(b'x') * (80 << 20)\ndel data") as pid:
        screen = first_screen("inspect", pid)
        peak, now = field(pid, "VmHWM"), field(pid, "VmRSS")
    assert peak > now + (70 << 10)
    assert kib(has(screen, rf"peak RES was ({SIZE}) at its highest \(VmHWM\)")[1]) == pytest.approx(peak, rel=0.02)


def test_why_is_vmdata_larger_than_rss() -> None:
    """Private and writable, touched or not."""
    with python_child("import mmap\nkept = mmap.mmap(-1, 200 << 20, flags=34)") as pid:
        screen = first_screen("inspect", pid)
        data = field(pid, "VmData")
    told = has(screen, rf"VmData ({SIZE}) private and writable, touched or not: so it is more than RES")
    assert kib(told[1]) == pytest.approx(data, rel=0.02)


def test_what_did_it_gain_since_the_last_release(tmp_path: Path) -> None:
    """An earlier recording named: what fills RES now, and by how much each grew."""
    with started([sys.executable, "-c", GROWING]) as child:
        path = tmp_path / "earlier.tar.gz"
        assert procmem("record", str(child.pid), "-o", str(path)).status == 0
        _grow(child, 30 << 20)
        screen = first_screen("inspect", child.pid, "--since", path)
    assert (
        30 << 10
        <= kib(has(screen, rf"large blocks of malloc, (?:2 ranges, )?a guess: grown by ({SIZE})")[1])
        < 32 << 10
    )


def test_which_class_may_not_grow(tmp_path: Path) -> None:
    """A bound for a script: the status says whether it held, the line which class broke it."""
    with started([sys.executable, "-c", GROWING]) as child:
        path = tmp_path / "earlier.tar.gz"
        assert procmem("record", str(child.pid), "-o", str(path)).status == 0
        assert procmem("diff", str(path), str(child.pid), "--fail-if-grows", "heap>20M").status == 0
        _grow(child, 30 << 20)
        run = procmem("diff", str(path), str(child.pid), "--fail-if-grows", "heap>20M")
    assert run.status == 7
    assert "failed: heap>20M: heap grew by 30" in run.out


def test_how_fast_does_it_grow(tmp_path: Path) -> None:
    """A series of looks, kept while it runs: the class and its rate."""
    with started([sys.executable, "-c", GROWING]) as child:
        path = tmp_path / "looks"
        recorder = subprocess.Popen(
            [*COMMAND, "record", str(child.pid), "--every", "1s", "--for", "5s", "-o", str(path)], cwd=ROOT
        )
        for _ in range(10):
            _grow(child, MIB)
            time.sleep(0.5)
        assert recorder.wait() == 0
        screen = first_screen("diff", path)
    rate = kib(
        has(screen, rf"most of it: large blocks of malloc, (?:[0-9]+ ranges, )?a guess, by {SIZE}, ({SIZE}) a minute")[
            1
        ]
    )
    assert 60 << 10 < rate < 150 << 10  # 2 MiB a second, if nothing holds the loop up


@pytest.mark.machine
def test_which_program_takes_this_machine() -> None:
    """By name, each page once."""
    with python_child("data = bytearray(b'x') * (64 << 20)") as pid:
        run = procmem("system", "--by", "name", "--json")
        pss = field(pid, "Pss", "smaps_rollup") * 1024
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    row = next(row for row in run.json["groups"] if row["group"] == name)
    assert row["pss"] >= 0.95 * pss


@pytest.mark.machine
def test_which_file_do_all_of_them_map(tmp_path: Path) -> None:
    """Machine-wide by file, as smem -m tells it."""
    path = tmp_path / "common.bin"
    path.write_bytes(os.urandom(1 << 20) * 24)
    code = f"import mmap\nfile = open({str(path)!r}, 'rb')\nkept = mmap.mmap(file.fileno(), 0, prot=1)\nkept[:]"
    with python_child(code), python_child(code):
        lines = procmem("system", "--mappings", "--csv").out.splitlines()
    row = next(line for line in lines if str(path) in line)
    assert str(24 * MIB) in row.split(",")  # half for each of the two


def test_what_of_it_is_really_used() -> None:
    """A quarter of its memory is touched again and again."""
    code = """
import mmap
size = 40 << 20
kept = mmap.mmap(-1, size, flags=34)
for at in range(0, size, 4096):
    kept[at] = 1
print("ready", flush=True)
while True:
    for at in range(0, size // 4, 4096):
        kept[at] = 1
"""
    with started([sys.executable, "-c", code]) as child:
        run = procmem("working-set", str(child.pid), "--seconds", "2", "--json")
        if run.status == 4:
            pytest.skip("clear_refs may not be written here")
        touched = run.json["touched"]
    assert 10 * MIB <= touched <= 22 * MIB  # a quarter, and what the interpreter itself needs


@pytest.mark.needs_root
@pytest.mark.machine
def test_would_swapoff_fit() -> None:
    """The verdict stands on the first screen, also where there is no swap."""
    screen = first_screen("swap", "--interval", "0")
    assert has(screen, "swapoff|no swap|No swap")


@pytest.mark.needs("gdb", "gcore")
def test_a_core_file_is_all_that_is_left(tmp_path: Path) -> None:
    """What was in the memory of a process that is gone."""
    with python_child("data = bytearray(b'x') * (20 << 20)") as pid:
        subprocess.run(["gcore", "-o", str(tmp_path / "core"), str(pid)], check=True, capture_output=True)
    screen = first_screen("inspect", tmp_path / f"core.{pid}")
    assert has(screen, "a core file")
    assert has(screen, r"heap +\d+")


def test_it_runs_on_another_machine() -> None:
    """A recording through a pipe, as through ssh."""
    with python_child("data = bytearray(b'x') * (16 << 20)") as pid:
        sent = subprocess.run([*COMMAND, "record", str(pid), "-o", "-"], capture_output=True, check=True, cwd=ROOT)
        resident = field(pid, "VmRSS")
    seen = subprocess.run(
        [*COMMAND, "inspect", "--from", "-"], input=sent.stdout, capture_output=True, check=True, cwd=ROOT
    )
    told = " ".join(seen.stdout.decode().split())
    assert kib(has(told, f"({SIZE}) RES: in memory now")[1]) == pytest.approx(resident, rel=0.02)


@pytest.mark.machine
def test_who_else_maps_what_it_maps() -> None:
    """Of each object how much is shared, and what would be freed with the process."""
    with python_child("") as pid:
        screen = first_screen("shared", pid)
        private = field(pid, "Private_Clean", "smaps_rollup") + field(pid, "Private_Dirty", "smaps_rollup")
    assert has(screen, "libc.so.6")
    assert abs(int(has(screen, r"total \d+ \d+ \d+ (\d+)")[1]) - private) <= 64
