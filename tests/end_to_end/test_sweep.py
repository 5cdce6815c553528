"""Whatever runs on this machine: every process gets an answer, and where it stands still, the sums are the kernel's."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import procmem

DOCUMENTED = {0, 3, 4, 42}


def all_pids() -> list[str]:
    """Everything in /proc."""
    return [name for name in os.listdir("/proc") if name.isdecimal()]


@pytest.mark.parametrize("nobody", [False, pytest.param(True, marks=pytest.mark.needs_root)])
@pytest.mark.machine
def test_every_process_gets_an_answer(nobody: bool) -> None:
    """A documented status; no internal error; the parts of each report add up."""
    pids = all_pids()
    run = procmem("inspect", "--json", *pids, nobody=nobody)
    assert run.status in DOCUMENTED, run
    assert "internal error" not in run.err
    assert len(run.json) + len(run.err.splitlines()) >= len(pids), run
    for document in run.json:
        check_sums(document)


def check_sums(document: Any) -> None:
    """By class, and from VIRT to RES."""
    totals = document["totals"]
    if document["classes"]:
        for key in ("virt", "rss", "pss", "uss", "swap"):
            parts = [row[key] for row in document["classes"]]
            assert (None if None in parts else sum(parts)) == totals[key], (document["process"], key)
    if document["account"] is not None:
        assert sum(document["account"].values()) == totals["virt"], document["process"]


def pulse(pid: str) -> tuple[bytes, ...] | None:
    """What changes whenever the memory of a process does; None when it is gone or has none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes().rsplit(b")", 1)[1].split()
        return (Path(f"/proc/{pid}/statm").read_bytes(), stat[7], stat[9], stat[11], stat[12])
    except OSError:
        return None


@pytest.mark.machine
def test_where_it_stands_still_the_sums_are_the_kernels() -> None:
    """VIRT is VmSize and RSS is VmRSS, to the kilobyte."""
    still = 0
    for pid in all_pids():
        for _attempt in range(5):
            before = pulse(pid)
            if before is None or before[0].startswith(b"0 0"):
                break
            run = procmem("inspect", "--json", pid)
            if run.status != 0 or pulse(pid) != before:
                continue
            totals = run.json["totals"]
            if totals["pss"] is None:
                break  # smaps may not be read
            assert totals["virt"] == totals["vm_size"], run.json["process"]
            assert totals["rss"] == totals["vm_rss"], run.json["process"]
            still += 1
            break
    assert still, "not one process stood still"
