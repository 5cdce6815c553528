"""Six sorts of target, six clear answers, live and from recordings."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.programs.build import build, start
from tests.support.needs import lacking
from tests.support.running import FIXTURES, kernel_thread, missing_pid, pids_in, procmem, python_child, started, zombie


def fixture_words(name: str) -> list[str]:
    """The command line that names the (first) process of a fixture."""
    recording = FIXTURES / name
    return ["--from", str(recording), str(pids_in(recording)[0])]


def check_without_memory(words: list[str], nature: str, sentence: str) -> None:
    """Status 0, because it exists; no figures, and a sentence that says why there are none."""
    page = procmem("inspect", *words)
    assert (page.status, page.err) == (0, ""), page
    assert sentence in page.out
    assert "?" not in page.out, "nothing is unknown about it"
    document = procmem("inspect", "--json", "--regions", *words).json
    assert (document["process"]["nature"], document["classes"], document["regions"]) == (nature, [], [])
    assert any(sentence in warning for warning in document["warnings"])


def test_a_recorded_kernel_thread() -> None:
    """It runs in the kernel's own address space."""
    check_without_memory(fixture_words("x86_64-6.18-kernel-thread"), "kernel thread", "a kernel thread")


def test_a_live_kernel_thread() -> None:
    """The same, from /proc."""
    pid = kernel_thread()
    if pid is None:
        lacking("no kernel thread can be seen here (a container)")
    check_without_memory([str(pid)], "kernel thread", "a kernel thread")


def test_a_zombie() -> None:
    """Its memory is freed, only its exit status waits; live and recorded."""
    check_without_memory(fixture_words("x86_64-6.18-zombie"), "zombie", "a zombie")
    with zombie() as pid:
        check_without_memory([str(pid)], "zombie", "a zombie")


def check_dead_leader(words: list[str], pid: int) -> Any:
    """The memory is there, read through a thread that lives."""
    run = procmem("inspect", "--json", *words)
    assert (run.status, run.trouble) == (0, ""), run
    process = run.json["process"]
    assert process["pid"] == pid
    assert process["nature"] == "process whose main thread has ended"
    assert process["read_through"] not in (None, pid)
    assert run.json["totals"]["rss"] > 0
    assert any("main thread has ended" in warning for warning in run.json["warnings"])
    return process


def test_a_recorded_dead_leader() -> None:
    """Read through the thread that was recorded."""
    words = fixture_words("x86_64-6.18-dead-leader")
    check_dead_leader(words, int(words[-1]))


@pytest.mark.needs("gcc")
def test_a_live_dead_leader(programs_folder: Path, tmp_path: Path) -> None:
    """And its recording."""
    program = build("manifest.c", (), programs_folder)
    with start(program, "elf", "zombie") as running:
        live = check_dead_leader([str(running.pid)], running.pid)
        assert procmem("record", str(running.pid), "-o", str(tmp_path / "r")).status == 0
    recorded = check_dead_leader(["--from", str(tmp_path / "r")], running.pid)
    assert live["read_through"] == recorded["read_through"]


def test_a_recording_made_without_rights() -> None:
    """What anybody may read is told, what was refused is named with a cure, and nothing unknown is a zero."""
    words = fixture_words("x86_64-6.18-denied")
    run = procmem("inspect", "--json", "--regions", *words)
    assert (run.status, run.trouble) == (0, ""), run
    totals = run.json["totals"]
    assert totals["virt"] == totals["vm_size"] > 0
    assert totals["rss"] == totals["vm_rss"] > 0
    assert (totals["pss"], totals["uss"]) == (None, None)
    assert any("smaps: permission denied" in warning for warning in run.json["warnings"])


@pytest.mark.needs_root
def test_someone_elses_process() -> None:
    """The same, live, as nobody."""
    with python_child("") as pid:
        run = procmem("inspect", "--json", str(pid), nobody=True)
        assert (run.status, run.trouble) == (0, ""), run
        assert run.json["totals"]["rss"] == run.json["totals"]["vm_rss"] > 0
        assert run.json["totals"]["pss"] is None
        assert any("CAP_SYS_PTRACE" in warning for warning in run.json["warnings"])
        page = procmem("inspect", str(pid), nobody=True)
        assert "permission denied" in page.out


def test_a_pid_that_does_not_exist() -> None:
    """Status 3, one line, no page; in a recording it says what the recording holds."""
    run = procmem("inspect", str(missing_pid()))
    assert (run.status, run.out) == (3, "")
    assert run.err == f"procmem: process {missing_pid()}: no such process\n"
    recorded = procmem("inspect", *fixture_words("x86_64-6.18-zombie")[:2], "999999")
    assert (recorded.status, recorded.out) == (3, "")
    assert "it holds" in recorded.err


def test_a_thread_is_named_as_one() -> None:
    """A TID opens, though it is not listed: the memory is that of its process."""
    code = "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,), daemon=True).start()"
    with python_child(code) as pid:
        tid = next(int(name) for name in os.listdir(f"/proc/{pid}/task") if int(name) != pid)
        check_thread([str(tid)], tid, pid)
    words = fixture_words("x86_64-6.18-python-threads")
    pid = int(words[-1])
    tid = next(
        int(path.name) for path in (FIXTURES / "x86_64-6.18-python-threads").glob("*/task/*") if int(path.name) != pid
    )
    check_thread([*words[:2], str(tid)], tid, pid)


def check_thread(words: list[str], tid: int, pid: int) -> None:
    """The page says whose thread it is."""
    run = procmem("inspect", "--json", *words)
    assert (run.status, run.trouble) == (0, ""), run
    assert (run.json["process"]["pid"], run.json["process"]["thread_of"]) == (tid, pid)
    assert run.json["totals"]["rss"] > 0
    assert f"{tid} is a thread of process {pid}" in procmem("inspect", *words).out


def test_a_process_that_ends_meanwhile() -> None:
    """Ended before it is read: gone, not empty."""
    with started(["sh", "-c", "echo ready"]) as child:
        child.wait()
    run = procmem("inspect", str(child.pid))
    assert (run.status, run.out) == (3, "")
