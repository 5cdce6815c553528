"""Every number of every fixture, held against what ``pmap -X`` printed at that moment, and the kernel's sums."""

from pathlib import Path
from typing import Any

import pytest

from procmem.parse.smaps import parse_rollup, parse_smaps
from procmem.parse.status import parse_status
from tests.support.pmap_text import differences, parse_pmap
from tests.support.running import pids_in, procmem, recordings, targets

SUMS = {"Rss": "rss", "Pss": "pss", "Swap": "swap", "SwapPss": "swap_pss"}
EACH = [(recording, pid) for recording in recordings() for pid in pids_in(recording)]
WITH_MEMORY = [(recording, pid) for recording, pid in EACH if (recording / str(pid) / "smaps_rollup").is_file()]


def name_of(value: Any) -> str | None:
    """A test's name from its fixture."""
    return value.name if isinstance(value, Path) else None


def report_of(recording: Path, pid: int, *words: str) -> Any:
    """The JSON report of one recorded process."""
    run = procmem("inspect", str(pid), "--from", str(recording), "--json", "--regions", *words)
    assert (run.status, run.trouble) == (0, ""), run
    return run.json


def test_there_are_fixtures_of_every_sort() -> None:
    """Ten recordings or more; 32 and 64 bit; with memory and without."""
    names = [recording.name for recording in recordings()]
    assert len(names) >= 10
    for word in ("bash", "python", "node", "areas-pie", "no-pie", "static", "i386", "3gib", "fork", "zombie", "kernel"):
        assert any(word in name for name in names), f"no fixture {word}"
    assert len(WITH_MEMORY) >= 10
    assert all((recording / "pmap-X.txt").is_file() for recording in recordings())


@pytest.mark.parametrize(("recording", "pid"), WITH_MEMORY, ids=name_of)
def test_every_number_of_pmap(recording: Path, pid: int) -> None:
    """Addresses, permissions, offsets, devices, inodes, and each counter of each mapping."""
    rows = [row for row in parse_pmap((recording / "pmap-X.txt").read_text()) if row.pid == pid]
    table = parse_smaps((recording / str(pid) / "smaps").read_bytes())
    assert rows, "pmap printed nothing to compare with"
    assert len(rows[0].counters) >= 14
    assert list(differences(rows, table)) == []


@pytest.mark.parametrize(("recording", "pid"), WITH_MEMORY, ids=name_of)
def test_the_regions_of_each_mapping_add_up_to_pmaps_numbers(recording: Path, pid: int) -> None:
    """However a mapping was cut, its parts are its size, its RSS, its PSS, its USS and its swap."""
    by_start: dict[int, dict[str, int]] = {}
    for region in report_of(recording, pid)["regions"]:
        sums = by_start.setdefault(int(region["vma"]["start"], 16), dict.fromkeys(("size", "uss", *SUMS.values()), 0))
        for key in ("size", "rss", "pss", "uss", "swap"):
            sums[key] += region[key]
    rows = [row for row in parse_pmap((recording / "pmap-X.txt").read_text()) if row.pid == pid]
    assert {row.start for row in rows} == set(by_start)
    for row in rows:
        ours = by_start[row.start]
        assert ours["size"] == row.size
        for key in ("Rss", "Pss", "Swap"):
            assert ours[SUMS[key]] == row.counters[key], f"{key} of {row}"


@pytest.mark.parametrize(("recording", "pid"), WITH_MEMORY, ids=name_of)
def test_the_totals_are_the_kernels(recording: Path, pid: int) -> None:
    """VIRT is VmSize, RSS is VmRSS and the rollup's Rss; PSS differs from the rollup by rounding alone."""
    folder = recording / str(pid)
    totals = report_of(recording, pid)["totals"]
    status = parse_status((folder / "status").read_bytes()).sizes
    rollup = parse_rollup((folder / "smaps_rollup").read_bytes())
    assert (totals["virt"], totals["rss"]) == (status["VmSize"], status["VmRSS"])
    assert totals["rss"] == rollup["Rss"]
    assert totals["uss"] == rollup["Private_Clean"] + rollup["Private_Dirty"]
    assert (totals["swap"], totals["swap_pss"]) == (rollup["Swap"], rollup["SwapPss"])
    count = (folder / "maps").read_bytes().count(b"\n")
    assert 0 <= rollup["Pss"] - totals["pss"] < 1024 * count


@pytest.mark.parametrize(("recording", "pid"), EACH, ids=name_of)
@pytest.mark.parametrize("classic", [(), ("--classic",)])
def test_classes_account_and_regions_are_one_sum(recording: Path, pid: int, classic: tuple[str, ...]) -> None:
    """Three ways to cut the same memory: by class, by region, and from VIRT to RES."""
    report = report_of(recording, pid, *classic)
    totals = report["totals"]
    if report["classes"] is None:
        assert report["regions"] is None
        assert report["warnings"], "nothing is known, and no word about why"
        return
    gates = [r for r in report["regions"] if r["path"] in ("[vsyscall]", "[vectors]")]
    if not report["classes"]:
        assert report["warnings"], "no memory, and no word about why"
        return
    assert sum(row["virt"] for row in report["classes"]) == totals["virt"]
    assert sum(r["size"] for r in report["regions"]) - sum(r["size"] for r in gates) == totals["virt"]
    assert sum(report["account"].values()) == totals["virt"]
    assert report["account"]["resident"] == totals["rss"]
    assert sum(row["regions"] for row in report["classes"]) == len(report["regions"])
    for key in ("rss", "pss", "uss", "swap"):
        assert sum(row[key] for row in report["classes"]) == totals[key], key
        assert sum(region[key] for region in report["regions"]) == totals[key], key


@pytest.mark.parametrize("recording", recordings(), ids=name_of)
def test_fixtures_are_small_and_name_nobody(recording: Path) -> None:
    """Made from neutral paths: no home folders, no host names."""
    size = 0
    for path in recording.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            size += len(data)
            for word in (b"/home/", b"/root", b"/tmp/", b"@localhost"):
                assert word not in data, path
    assert size < 1 << 20
    assert targets(recording)
