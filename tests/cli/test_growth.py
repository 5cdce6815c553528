"""procmem growth: programs that count themselves what they keep, beside what is said of them."""

import gzip
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support import needs
from tests.support.growing import SIZE, VARIANTS, need_faults, program, started, watched, watching
from tests.support.running import FIXTURES, kernel_thread, procmem, python_child, state_of, wait_for
from tests.support.running import started as started_program
from tests.support.swapping import swap_file

MIB = 1 << 20


@pytest.fixture(autouse=True)
def _faults_can_be_watched() -> None:
    need_faults()


@pytest.fixture
def file_of_size(tmp_path: Path) -> str:
    """A file of 32 MiB that is on disk."""
    path = tmp_path / "content"
    path.write_bytes(bytes(range(256)) * (SIZE // 256))
    return str(path)


def largest(found: Any) -> dict[str, Any]:
    """The row of the most bytes, with its functions in place of their numbers."""
    row: dict[str, Any] = max(found["rows"], key=lambda row: row["size"])
    stack = found["stacks"][row["stack"]]
    row["functions"] = [found["functions"][number] for number in stack["functions"]]
    row["end"] = stack["end"]
    return row


def names(row: dict[str, Any]) -> list[str]:
    """The functions of a row that have names of their own, the innermost first."""
    return [one["name"] for one in row["functions"] if one["name"] and not one["nearest"]]


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name != "m32"])
def test_the_leak_among_twenty(variant: str, programs_folder: Path) -> None:
    """One function of a library keeps what it gets: its bytes, thread, kind, file and callers are found."""
    the_leak(variant, programs_folder)


@pytest.mark.needs32
def test_the_leak_of_a_32_bit_program(programs_folder: Path) -> None:
    """Addresses that workers have used come to be the leak's."""
    the_leak("m32", programs_folder)


def the_leak(variant: str, folder: Path) -> None:
    with started([str(program(variant, folder)), "leak"]) as child:
        child.go_on()
        time.sleep(0.3)
        with watching(child.pid, "--seconds", "60", "--json") as run:
            child.go_on()
            kept = child.kept_in_all()
            run.send_signal(signal.SIGINT)
            out, said = run.communicate(timeout=60)
    assert run.returncode == 130, said
    found = json.loads(out)
    assert kept == 30_000_000
    before, after = found["resident"].values()
    grown = found["grown"]
    assert grown == sum(row["size"] for row in found["rows"])
    assert abs(grown - (after - before)) < 0.03 * grown  # nothing is given back that stays
    leaked = [row for row in found["rows"] if row["thread"] and row["thread"]["comm"] == "leaking"]
    assert sum(row["size"] for row in leaked) == pytest.approx(kept, rel=0.03)
    assert {row["kind"] for row in leaked if row["size"]} <= {"brk", "glibc-arena", "glibc-mmap-chunk", "anon-private"}
    row = largest(found)
    kept = next(one for one in row["functions"] if one["name"] == "keep_block")
    static = variant.startswith("static")
    assert kept["object"].endswith(f"growing-{variant}" if static else f"libkept-{variant}.so")
    if variant != "stripped":
        assert [name for name in names(row) if name in ("keep_block", "step_of_leak", "leaking")] == [
            "keep_block", "step_of_leak", "leaking",
        ]  # fmt: skip
    else:  # its own functions have no names, and none is made up
        assert not {"step_of_leak", "leaking", "main"} & set(names(row))
        assert sum(one["object"].endswith("growing-stripped") for one in row["functions"]) == 2
    assert row["end"] == "complete"
    workers = [row for row in found["rows"] if row["thread"] and row["thread"]["comm"] == "working"]
    assert sum(row["faults"] for row in workers) > 5 * sum(row["faults"] for row in leaked)


@pytest.mark.parametrize(
    ("way", "change", "function", "column"),
    [
        ("file", "read", "read_all", "file"),
        ("copy", "copied", "write_all", "anonymous"),
        ("shared", "shared", "write_all", "file"),
        ("in-system-call", "made", None, "anonymous"),
        ("stack", "made", "deeper", "anonymous"),
    ],
)
def test_each_way_to_grow(
    way: str, change: str, function: str | None, column: str, programs_folder: Path, file_of_size: str
) -> None:
    """Each has a line of its own, by how much the program says, and as status has it."""
    with started([str(program("library", programs_folder)), way, file_of_size]) as child:
        found = watched(child)
        kept = child.kept_in_all()
    [line] = [one for one in found["changes"] if one["change"] == change and abs(one[column]) > MIB]
    assert line[column] == pytest.approx(kept, rel=0.03)
    for name in ("anonymous", "file", "swap"):
        before, after = found["status"][name].values()
        explained = sum(one[name] for one in found["changes"])
        assert abs(after - before - explained) <= max(0.03 * abs(explained), 256 << 10)
    row = largest(found)
    assert row["change"] == change
    assert (function or "main") in names(row)
    if way == "stack":
        assert row["kind"] == "main"
    if way == "in-system-call":
        assert not any(name in ("read_all", "write_all") for name in names(row))


def test_huge_pages(programs_folder: Path) -> None:
    """One fault makes all of a huge page."""
    enabled = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not enabled.exists() or "[never]" in enabled.read_text():
        needs.lacking("transparent huge pages are switched off")
    with started([str(program("library", programs_folder)), "huge"]) as child:
        found = watched(child)
    huge = sum(one["anonymous"] for one in found["changes"] if one["change"] == "huge")
    if huge < SIZE // 2:
        pytest.skip("the kernel has found too few huge pages")
    assert largest(found)["change"] == "huge"
    assert largest(found)["faults"] <= SIZE // (2 * MIB)
    assert found["grown"] == pytest.approx(SIZE, rel=0.03)


def test_copies_after_a_fork(programs_folder: Path) -> None:
    """RES stays, and 32 MiB of the machine's memory are gone all the same."""
    with started([str(program("library", programs_folder)), "fork"]) as child:
        found = watched(child)
    before, after = found["resident"].values()
    assert abs(after - before) < MIB
    assert found["copied_after_fork"] == pytest.approx(SIZE, rel=0.03)
    row = max(found["rows"], key=lambda row: row["faults"])
    assert (row["change"], row["size"]) == (None, 0)


def test_what_the_kernel_fills_in_advance(programs_folder: Path) -> None:
    """MAP_POPULATE makes no fault: nobody is charged with it, and that is said."""
    with started([str(program("library", programs_folder)), "populate"]) as child:
        found = watched(child)
    [row] = [row for row in found["rows"] if row["size"] > SIZE // 2]
    assert (row["stack"], row["thread"], row["samples"]) == (None, None, 0)
    assert row["size"] == pytest.approx(SIZE, rel=0.03)


@pytest.mark.needs_root
@pytest.mark.machine
def test_what_comes_back_from_swap(programs_folder: Path) -> None:
    """It leaves swap by as much as it comes into memory."""
    with swap_file(2 * SIZE), started([str(program("library", programs_folder)), "swap"]) as child:
        found = watched(child)
    swapped = {one["change"]: one for one in found["changes"]}
    if "swapped in" not in swapped:
        pytest.skip("the kernel has not swapped it out")
    assert swapped["swapped in"]["anonymous"] == -swapped["swapped in"]["swap"]
    assert swapped["swapped in"]["anonymous"] > SIZE // 2
    assert "write_all" in names(largest(found))


def test_what_was_written_can_be_shown_again(programs_folder: Path, tmp_path: Path) -> None:
    """By another sum, as a profile; and the same document comes out of it."""
    kept = tmp_path / "growth.json"
    with started([str(program("library", programs_folder)), "shared"]) as child:
        found = watched(child, "-o", str(kept))
    again = procmem("growth", "--from", str(kept), "--json")
    assert again.json == {**found, "warnings": []}
    text = procmem("growth", "--from", str(kept), "--by", "function")
    assert text.status == 0
    assert "write_all in growing-library" in text.out
    folded = procmem("growth", "--from", str(kept), "--format", "folded")
    sizes = [line.rpartition(" ") for line in folded.out.splitlines()]
    assert sum(int(size) for _, _, size in sizes) == found["grown"]
    assert any(";main;write_all;" in frames for frames, _, _ in sizes)
    faults = procmem("growth", "--from", str(kept), "--format", "folded", "--value", "faults").out
    assert sum(int(line.rpartition(" ")[2]) for line in faults.splitlines()) == sum(
        row["faults"] for row in found["rows"]
    )
    speedscope = procmem("growth", "--from", str(kept), "--format", "speedscope").json
    assert [(one["name"], one["unit"]) for one in speedscope["profiles"]] == [("bytes", "bytes"), ("faults", "none")]


@pytest.mark.needs("go")
def test_pprof_reads_it(programs_folder: Path, tmp_path: Path) -> None:
    """The tool's own table has the function."""
    kept, profile = tmp_path / "growth.json", tmp_path / "growth.pb.gz"
    with started([str(program("library", programs_folder)), "shared"]) as child:
        found = watched(child, "-o", str(kept))
    with profile.open("wb") as out:
        command = [sys.executable, "-m", "procmem", "growth", "--from", str(kept), "--format", "pprof"]
        subprocess.run(command, stdout=out, check=True)
    assert gzip.decompress(profile.read_bytes())
    run = subprocess.run(
        [needs.program("go"), "tool", "pprof", "-top", "-cum", "-unit=B", "-sample_index=bytes", str(profile)],
        capture_output=True, text=True, check=True, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert f"of {found['grown']}B total" in run.stdout
    assert " write_all" in run.stdout


def test_it_ends_as_soon_as_it_has_grown_so_far(programs_folder: Path) -> None:
    """Long before the time is over."""
    with started([str(program("library", programs_folder)), "leak"]) as child:
        child.go_on()
        child.wait_until_ready()
        with watching(child.pid, "--seconds", "300", "--until", "rss>+8M", "--json") as run:
            child.go_on()
            found = json.loads(run.communicate(timeout=120)[0])
    assert run.returncode == 0
    assert found["seconds"] < 100
    before, after = found["resident"].values()
    assert after - before > 7 * MIB


def test_a_process_that_ends_is_told_of() -> None:
    """With what was sampled until then."""
    text = "input()\nx = bytearray(30 << 20)\nfor n in range(0, len(x), 4096): x[n] = 1\n"
    with (
        subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE) as child,
        watching(child.pid, "--seconds", "20") as run,
    ):
        child.communicate(b"\n")
        out, _ = run.communicate(timeout=60)
    assert run.returncode == 0
    assert "has ended" in out
    assert "sizes are estimates" in out


def test_what_cannot_be_watched() -> None:
    """One line, and a status that says which."""
    recorded = procmem("growth", str(FIXTURES / "x86_64-6.18-sleep"))
    assert (recorded.status, recorded.out) == (2, "")
    assert "living processes alone" in recorded.err
    thread = procmem("growth", str(kernel_thread()), "--seconds", "0.1")
    assert (thread.status, thread.out) == (3, "")
    gone = procmem("growth", "4194304")
    assert gone.status == 3
    for words in (("--until", "rss>80%"), ("--until", "heap>+1M"), ("--until", "rss")):
        with started_program(["sleep", "60"], ready=False) as child:
            run = procmem("growth", str(child.pid), *words)
        assert (run.status, run.out) == (2, ""), words
        assert "--until" in run.err


def test_a_file_that_is_none_of_ours(tmp_path: Path) -> None:
    """Never a traceback, whatever it is."""
    for number, text in enumerate(("", "[]", "{}", "[1]", '{"schema": "procmem/growth/1"}', "x", "[" * 10_000)):
        path = tmp_path / str(number)
        path.write_text(text)
        run = procmem("growth", "--from", str(path))
        assert (run.status, run.out) == (5, ""), text
        assert len(run.err.splitlines()) == 1
    assert procmem("growth", "--from", str(tmp_path / "none")).status == 5


@pytest.mark.needs_root
def test_as_nobody() -> None:
    """One's own processes, without what happens in system calls; those of others are refused in a line."""
    text = (
        "import os, time\nos.setresgid(65534, 65534, 65534)\nos.setresuid(65534, 65534, 65534)\n"
        "print('there', flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "there\n"
            own = procmem("growth", str(child.pid), "--seconds", "0.5", nobody=True)
        finally:
            child.kill()
    # a process that has changed its ids is not dumpable: its files are root's
    assert own.status == 4
    assert len(own.trouble.splitlines()) == 1
    with python_child("pass") as pid:
        others = procmem("growth", str(pid), nobody=True)
    assert (others.status, others.out) == (4, "")
    assert len(others.trouble.splitlines()) == 1


def test_nothing_is_watched_for_what_cannot_be_shown_or_kept(tmp_path: Path) -> None:
    """A column that there is not, a file that is there already: told before the time is spent."""
    there = tmp_path / "there.json"
    there.write_text("mine")
    with python_child("pass") as pid:
        for words, status in (
            (("--columns", "nope"), 2),
            (("-o", str(there)), 6),
            (("--format", "folded", "--json"), 2),
        ):
            run = procmem("growth", str(pid), "--seconds", "600", *words)
            assert (run.status, run.out) == (status, ""), words
            assert "watching" not in run.err
    assert there.read_text() == "mine"


def test_those_that_are_named_of_a_file() -> None:
    """By their pids; one that is not in it is told."""
    sample = "tests/support/growth-of-a-service.json"
    assert procmem("growth", "--from", sample, "17545", "--json").json["process"]["pid"] == 17545
    assert procmem("growth", "--from", sample, "--pid", "17545").status == 0
    other = procmem("growth", "--from", sample, "1")
    assert (other.status, other.out) == (3, "")
    assert procmem("growth", "--from", sample, "--until", "rss>+1M").status == 2


def test_a_process_whose_main_thread_has_ended() -> None:
    """Its memory is that of its other threads, and is watched for the whole time."""
    text = (
        "import ctypes, threading, time\nkept = []\n"
        "def grow():\n    while True:\n        kept.append(bytearray(400000)); time.sleep(0.02)\n"
        "threading.Thread(target=grow).start()\nprint('there', flush=True)\n"
        "ctypes.CDLL(None).pthread_exit(None)\n"
    )
    with started_program([sys.executable, "-c", text]) as child:
        wait_for(lambda: state_of(child.pid) == "Z")
        found = procmem("growth", str(child.pid), "--seconds", "1", "--json").json
    assert found["seconds"] >= 0.9
    assert found["grown"] > 4 * MIB
