"""procmem account: leaves that add up to each total, and sayings with their causes."""

import contextlib
import os
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.programs.build import build_alone, start
from tests.support.running import FIXTURES, procmem, python_child, recordings, stopped, targets

KIB = 1024
MIB = 1 << 20

OWNER_OF_ALL_KINDS = """
import mmap, os
touched = mmap.mmap(-1, 6 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for page in range(0, 2 << 20, 4096):
    touched[page] = 1
nothing = mmap.mmap(-1, 64 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 0)
lazy = mmap.mmap(-1, 32 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)  # MAP_NORESERVE
shared = mmap.mmap(-1, 5 << 20)
for page in range(0, 3 << 20, 4096):
    shared[page] = 1
"""


def sums(answer: Any, of: str) -> dict[str, int]:
    """The leaves of one total, by name."""
    found: dict[str, int] = {}
    for leaf in answer["leaves"]:
        if leaf["of"] == of:
            found[leaf["name"]] = found.get(leaf["name"], 0) + leaf["bytes"]
    return found


def check_sums(answer: Any) -> None:
    """Each ``of`` adds up to its total, to the byte; the waterfalls fit together."""
    for of in ("virt", "rss", "pss", "swap"):
        assert sum(sums(answer, of).values()) == answer["totals"][of], of
    assert sums(answer, "virt").get("resident", 0) == answer["totals"]["rss"]
    assert sums(answer, "pss").get("private", 0) == answer["totals"]["uss"]
    assert all(leaf["sentence"] and leaf["class"] and leaf["bytes"] for leaf in answer["leaves"])


@pytest.mark.parametrize(
    "words", [words for path in recordings() for words in targets(path)], ids=lambda words: "-".join(words[1:])[-40:]
)
def test_recorded_processes_add_up(words: tuple[str, ...]) -> None:
    """All fixtures: the leaves are the totals, and nothing stays unexplained."""
    answer = procmem("account", *words, "--json").json
    if answer["leaves"] is None:  # refused, and then nothing is said of them
        assert (answer["reconciliation"], answer["unexplained"]) == (None, None)
        assert any("smaps" in note for note in answer["warnings"])
        return
    if answer["leaves"]:
        check_sums(answer)
    assert answer["unexplained"] == 0, [row for row in answer["reconciliation"] if row["cause"] == "unexplained"]
    said = {row["who"]: row["bytes"] for row in answer["reconciliation"]}
    if said and (vm_size := said["status VmSize; ps VSZ"]) is not None:
        assert vm_size == answer["totals"]["virt"]


def test_a_process_of_which_all_is_known() -> None:
    """What a program did to its memory is what the leaves say."""
    with python_child("") as plain, stopped(plain):
        before = procmem("account", str(plain), "--json").json
    with python_child(OWNER_OF_ALL_KINDS) as pid, stopped(pid):
        answer = procmem("account", str(pid), "--json").json
        status = Path(f"/proc/{pid}/status").read_text()
    check_sums(answer)
    assert answer["unexplained"] == 0
    sizes = {line.split(":")[0]: int(line.split()[1]) * KIB for line in status.splitlines() if line.endswith(" kB")}
    assert answer["totals"]["virt"] == sizes["VmSize"]
    resident = sums(answer, "rss")
    for kind, key in (("anonymous", "RssAnon"), ("file", "RssFile"), ("shmem", "RssShmem")):
        assert sum(size for name, size in resident.items() if name.startswith(kind)) == sizes[key], kind
    assert resident["shmem, private dirty"] == 3 * MIB
    assert sums(answer, "virt")["not committed"] - sums(before, "virt").get("not committed", 0) == 32 * MIB
    assert sums(answer, "virt")["reserved"] - sums(before, "virt").get("reserved", 0) == 64 * MIB
    assert answer["beside"]["page_tables"] == sizes["VmPTE"]


@pytest.mark.needs("ps", "pmap", "gcc")
def test_what_it_says_that_others_say_is_what_they_say(tmp_path: Path) -> None:
    """The programs themselves: ps, pmap and psutil, of a process whose files nobody else maps."""
    program = build_alone("manifest.c", tmp_path, "alone")
    scenarios = ("elf", "brk", "mmap", "threads-default")
    with start(program, "--dir", str(tmp_path), *scenarios) as running, stopped(running.pid) as pid:
        rows = procmem("account", str(pid), "--json").json["reconciliation"]
        ps = subprocess.run(["ps", "-o", "vsz=,rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
        pmap = subprocess.run(["pmap", "-x", str(pid)], capture_output=True, text=True, check=True)
        process = psutil.Process(pid).memory_full_info()
    said = {(row["measure"], who.strip()): row["bytes"] for row in rows for who in row["who"].split(";")}
    vsz, rss = (int(word) * KIB for word in ps.stdout.split())
    assert (said["virt", "ps VSZ"], said["rss", "ps RSS"]) == (vsz, rss)
    total = next(line for line in pmap.stdout.splitlines() if line.startswith("total")).split()
    assert said["virt", "pmap, total Kbytes"] == int(total[2]) * KIB
    assert said["rss", "pmap -x"] == int(total[3]) * KIB
    assert said["virt", "top VIRT, htop, psutil vms"] == process.vms
    assert said["rss", "top RES, htop, psutil rss"] == process.rss
    assert said["uss", "psutil uss"] == process.uss
    assert said["swap", "psutil swap"] == process.swap


HEADER = "7f0000000000-7f0000400000 rw-s 00000000 00:01 77  /memfd:pool (deleted)\n"
HUGE_HEADER = "7f0000400000-7f0000a00000 rw-p 00000000 00:0f 78  /anon_hugepage (deleted)\n"
STAT = "77 (pool) T 1 77 77 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 {virt} {pages} 0\n"


@pytest.fixture
def proc_tree(tmp_path: Path) -> Path:
    """A copied tree with one process that has all that is rare: hugetlb, and shared memory in swap."""
    counters = "Size: {size} kB\nRss: {rss} kB\nPss: {rss} kB\nShared_Clean: 0 kB\nShared_Dirty: 0 kB\n"
    counters += "Private_Clean: 0 kB\nPrivate_Dirty: {rss} kB\nAnonymous: 0 kB\nShared_Hugetlb: 0 kB\n"
    counters += "Private_Hugetlb: {huge} kB\nSwap: {swap} kB\nSwapPss: 0 kB\nVmFlags: {flags}\n"
    folder = tmp_path / "77"
    folder.mkdir()
    smaps = HEADER + counters.format(size=4096, rss=1024, huge=0, swap=2048, flags="rd wr sh")
    smaps += HUGE_HEADER + counters.format(size=6144, rss=0, huge=4096, swap=0, flags="rd wr ht")
    (folder / "smaps").write_text(smaps)
    (folder / "smaps_rollup").write_text(
        "7f0000000000-7f0000a00000 ---p 00000000 00:00 0  [rollup]\nRss: 1024 kB\nPss: 1025 kB\nPrivate_Clean: 0 kB\n"
        "Private_Dirty: 1024 kB\nPrivate_Hugetlb: 4096 kB\nSwap: 2048 kB\n"
    )
    (folder / "status").write_text(
        "Name:\tpool\nState:\tT (stopped)\nTgid:\t77\nPid:\t77\nThreads:\t1\nVmSize:\t10240 kB\nVmRSS:\t1024 kB\n"
        "RssAnon:\t0 kB\nRssFile:\t0 kB\nRssShmem:\t1024 kB\nVmPTE:\t40 kB\nVmSwap:\t0 kB\n"
    )
    (folder / "stat").write_text(STAT.format(virt=10 << 20, pages=256))
    (folder / "statm").write_text("2560 256 256 0 0 0 0\n")
    return tmp_path


def test_rare_memory_has_its_leaf_and_its_cause(proc_tree: Path) -> None:
    """Huge pages and swapped shared memory explain the differences of psutil and VmSwap."""
    answer = procmem("account", "--procfs", str(proc_tree), "77", "--json").json
    check_sums(answer)
    assert sums(answer, "virt") == {
        "resident": MIB,
        "swapped": 2 * MIB,
        "hugetlb": 4 * MIB,
        "shmem, not resident": MIB,
        "never touched": 2 * MIB,
    }
    assert sums(answer, "swap") == {"shared memory": 2 * MIB}
    causes = {row["who"]: row["cause"] for row in answer["reconciliation"] if row["cause"]}
    assert set(causes) == {
        "smaps_rollup Pss; ps PSS, psutil pss",
        "psutil uss",
        "status VmSwap; top SWAP, smemstat",
    }
    assert causes["psutil uss"].startswith("hugetlb")
    assert causes["smaps_rollup Pss; ps PSS, psutil pss"].startswith("rounding")
    assert "shared memory" in causes["status VmSwap; top SWAP, smemstat"]


@pytest.mark.parametrize(("key", "value"), [("VmRSS", 2048), ("VmSize", 10244), ("VmSwap", 1024)])
def test_what_has_no_cause_is_called_unexplained(proc_tree: Path, key: str, value: int) -> None:
    """A figure that is off for no known reason is not talked away."""
    path = proc_tree / "77" / "status"
    lines = [f"{key}:\t{value} kB" if line.startswith(f"{key}:") else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")
    run = procmem("account", "--procfs", str(proc_tree), "77", "--json")
    assert run.json["unexplained"] == 1
    assert "unexplained" in procmem("account", "--procfs", str(proc_tree), "77").out


def test_the_page_says_when_all_agree(proc_tree: Path) -> None:
    """And fits 80 columns where names are short."""
    smaps = proc_tree / "77" / "smaps"
    smaps.write_text(smaps.read_text().replace("Private_Hugetlb: 4096", "Private_Hugetlb: 0"))
    rollup = proc_tree / "77" / "smaps_rollup"
    rollup.write_text(rollup.read_text().replace("1025", "1024").replace("Hugetlb: 4096", "Hugetlb: 0"))
    for name in (smaps, rollup):
        name.write_text(name.read_text().replace("Swap: 2048", "Swap: 0"))
    page = procmem("account", "--procfs", str(proc_tree), "77").out
    assert "all agree, to the kB" in page
    assert max(map(len, page.splitlines())) <= 80


def test_without_smaps_nothing_is_made_up(proc_tree: Path) -> None:
    """Totals of status, null for what it does not know, no leaves."""
    for name in ("smaps", "smaps_rollup"):
        os.unlink(proc_tree / "77" / name)
    answer = procmem("account", "--procfs", str(proc_tree), "77", "--json").json
    assert answer["totals"] == {"virt": 10 * MIB, "rss": MIB, "pss": None, "uss": None, "swap": 0}
    assert (answer["leaves"], answer["reconciliation"], answer["unexplained"]) == (None, None, None)
    table = procmem("account", "--procfs", str(proc_tree), "77", "--csv")
    assert (table.status, table.out) == (4, "")


def test_huge_pages_and_memory_nodes() -> None:
    """Memory that was advised to be huge is counted as such, and the nodes hold about what is resident."""
    enabled = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not enabled.exists() or "[never]" in enabled.read_text():
        pytest.skip("this kernel makes no transparent huge pages")
    code = """
import ctypes, mmap
area = mmap.mmap(-1, 16 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
area.madvise(mmap.MADV_HUGEPAGE)
area.write(b"x" * (16 << 20))
"""
    with python_child(code) as pid:
        answer = procmem("account", "--json", str(pid)).json
        page = procmem("account", str(pid)).out
    pages = answer["pages"]
    assert 2 * MIB <= pages["transparent_huge"] <= 16 * MIB
    assert pages["merged"] == 0
    assert sum(pages["numa_nodes"].values()) == pytest.approx(answer["totals"]["rss"], rel=0.05)
    assert "transparent huge pages" in page


def test_csv_and_several_targets() -> None:
    """One table, whose rows say of which process they are."""
    one, other = recordings()[2:4]
    run = procmem("account", str(one), str(other), "--csv")
    assert run.status == 0
    heading, *rows = run.out.splitlines()
    assert heading == "pid,target,of,name,class,size_bytes,sentence"
    assert {row.split(",")[1] for row in rows} == {str(one), str(other)}
    assert len(procmem("account", str(one), str(other), "--json").json) == 2


@pytest.mark.needs_root
def test_every_process_here_at_rest() -> None:
    """Leaves add up for all processes of the machine that stand still; none has an unexplained difference.

    Those of other tests change while they are read, which is a cause of its own.
    """
    others = [name for name in os.listdir("/proc") if name.isdecimal() and int(name) != os.getpid()]
    pids = [name for name in others if _has_memory(name)]
    run = procmem("account", *pids[:80], "--json")
    answers = [answer for answer in run.json if answer["leaves"]]
    assert answers
    for answer in answers:
        check_sums(answer)
        assert not answer["unexplained"] or _moves(answer["process"]["pid"]), answer


def _has_memory(pid: str) -> bool:
    """Kernel threads and zombies have none, and may be many."""
    with contextlib.suppress(OSError):
        return "VmSize" in Path(f"/proc/{pid}/status").read_text(errors="replace")
    return False


def _moves(pid: int) -> bool:
    """Whether it was not at rest: a second look finds all explained, or finds it gone."""
    run = procmem("account", str(pid), "--json")
    return run.status != 0 or not run.json["unexplained"]


def test_only_what_tools_say() -> None:
    """--tools is the end of the page, alone; it is a page, and no table."""
    recording = str(FIXTURES / "x86_64-6.18-python-threads")
    page, tools = (procmem("account", recording, *words).out for words in ((), ("--tools",)))
    *_, reconciliation = page.split("\n\n")
    assert tools.endswith(reconciliation)
    assert "top" in tools
    assert "never touched" not in tools
    assert procmem("account", recording, "--tools", "--json").status == 2
