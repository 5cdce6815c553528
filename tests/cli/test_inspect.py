"""inspect: the choices of the user, and that each view shows the same memory."""

import csv
import io
import os
import re
from itertools import pairwise
from typing import Any

import pytest

from tests.support.running import FIXTURES, procmem, python_child

FIXTURE = FIXTURES / "x86_64-6.18-areas-pie"


def of_fixture(*words: str) -> str:
    """The output for one recording."""
    run = procmem("inspect", *words, "--from", str(FIXTURE))
    assert (run.status, run.trouble) == (0, ""), run
    return run.out


def document(*words: str) -> Any:
    """The JSON for one recording."""
    run = procmem("inspect", "--json", *words, "--from", str(FIXTURE))
    assert (run.status, run.trouble) == (0, ""), run
    return run.json


def test_the_schema() -> None:
    """Versioned; addresses are hex strings, sizes integers, unknown is null."""
    report = document("--regions")
    assert report["schema"] == "procmem/inspect/1"
    assert {"pid", "comm", "cmdline", "bits", "machine", "page_size", "state", "threads"} <= set(report["process"])
    assert {"virt", "rss", "pss", "uss", "swap", "swap_pss", "hugetlb"} <= set(report["totals"])
    assert all(set(row) == {"class", "virt", "rss", "pss", "uss", "swap", "regions"} for row in report["classes"])
    keys = {"start", "end", "class", "kind", "certainty", "evidence", "owner", "perms", "offset", "device", "inode"}
    for region in report["regions"]:
        assert {*keys, "path", "rss", "pss", "uss", "swap"} <= set(region)
        assert region["start"].startswith("0x")
        assert int(region["end"], 16) - int(region["start"], 16) == region["size"] > 0
        assert region["certainty"] in ("certain", "likely", "guess")
        assert region["evidence"].strip()
        assert all(isinstance(region[key], int) for key in ("rss", "pss", "uss", "swap", "size"))
    assert isinstance(report["warnings"], list)
    assert document()["regions"] is None


def test_regions_come_in_address_order() -> None:
    """And do not overlap."""
    ranges = [(int(r["start"], 16), int(r["end"], 16)) for r in document("--regions")["regions"]]
    assert all(low[1] <= high[0] for low, high in pairwise(ranges))


def test_classic_is_the_six_words() -> None:
    """And the same sums."""
    plain, classic = document(), document("--classic")
    assert [row["class"] for row in classic["classes"]] == ["text", "data", "bss", "heap", "mmap", "stack"]
    assert plain["totals"] == classic["totals"]


@pytest.mark.parametrize("column", ["virt", "rss", "pss", "uss", "swap"])
def test_sorting(column: str) -> None:
    """Largest first, in lists and in tables."""
    values = [r["size" if column == "virt" else column] for r in document("--regions", "--sort", column)["regions"]]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) > 1 or column == "swap"
    rows = list(csv.DictReader(io.StringIO(of_fixture("--csv", "--sort", column))))
    figures = [int(row[f"{column}_bytes"]) for row in rows]
    assert figures == sorted(figures, reverse=True)


def test_choosing_classes_and_sizes() -> None:
    """The list is shorter, the totals stay."""
    every = document("--regions")
    chosen = document("--class", "stack", "--class", "heap", "--min-size", "64K")
    assert {r["class"] for r in chosen["regions"]} == {"stack", "heap"}
    expected = [r for r in every["regions"] if r["class"] in ("stack", "heap") and r["size"] >= 65536]
    assert chosen["regions"] == expected
    assert chosen["totals"] == every["totals"]


def test_units() -> None:
    """KiB by default; --bytes and --human say what they are."""
    rss = document()["totals"]["rss"]
    assert f" {rss // 1024} " in of_fixture()
    assert "sizes in KiB" in of_fixture()
    assert f" {rss} " in of_fixture("--bytes")
    assert "MiB" in of_fixture("--human").split("total", 1)[1]


def test_csv_has_bytes_and_every_region() -> None:
    """The region list, or the class table."""
    report = document("--regions")
    rows = list(csv.DictReader(io.StringIO(of_fixture("--csv", "--regions"))))
    assert [int(row["start"], 16) for row in rows] == [int(r["start"], 16) for r in report["regions"]]
    assert sum(int(row["rss_bytes"]) for row in rows) == report["totals"]["rss"]
    classes = list(csv.DictReader(io.StringIO(of_fixture("--csv"))))
    assert [row["class"] for row in classes] == [row["class"] for row in report["classes"]]
    assert sum(int(row["pss_bytes"]) for row in classes) == report["totals"]["pss"]


def test_the_page_names_what_was_reserved() -> None:
    """The two totals, and the account from VIRT to RES."""
    page = of_fixture()
    report = document()
    reserved = next(row for row in report["classes"] if row["class"] == "reserved")
    kept = (report["totals"]["virt"] - reserved["virt"]) // 1024
    assert re.search(rf"^total minus reserved +{kept} ", page, re.MULTILINE)
    for words in ("RES: in memory now", "never touched", "reserved: inaccessible", "is filled by", "VmHWM"):
        assert words in page
    drawn = of_fixture("--picture")
    for words in ("kernel space", "stack ↓", "heap ↑", "heap here is the area of brk alone"):
        assert words in drawn
        assert words not in page


def test_several_targets_are_a_list() -> None:
    """One document for one target, a list for several."""
    with python_child("") as one, python_child("") as two:
        run = procmem("inspect", "--json", str(one), f"/proc/{two}", f"/proc/{two}/")
        assert [d["process"]["pid"] for d in run.json] == [one, two, two]
        page = procmem("inspect", str(one), str(two))
        assert page.out.count("address space asked for") == 2


def test_finding_processes() -> None:
    """By name, by user, by parent."""
    name = f"procmem-t{os.getpid() % 100000}"
    code = (
        f"open('/proc/self/comm', 'w').write('{name}')\n"
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)"
    )
    with python_child(code) as pid:
        by_name = procmem("inspect", "--json", "--name", name)
        assert by_name.status == 0, by_name
        assert pid in pids_of(by_name.json)
        assert pid in pids_of(procmem("inspect", "--json", "--name", name[:-1] + ".").json)
        assert pid in pids_of(procmem("inspect", "--json", "--name", name, "--user", str(os.getuid())).json)
        family = pids_of(procmem("inspect", "--json", "--children", str(pid)).json)
        assert family[0] == pid
        assert len(family) == 2


def pids_of(found: Any) -> list[int]:
    """The pids of one report or of several."""
    return [d["process"]["pid"] for d in (found if isinstance(found, list) else [found])]
