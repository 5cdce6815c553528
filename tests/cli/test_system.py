"""procmem system: rows, sums that count nothing twice, groups, and agreement with others."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from procmem.analyse.system import cgroup_figures, sorted_rows, system_report, tree_rows
from procmem.model.reports.system import ProcessRow
from procmem.parse.cgroup import parse_cgroup_files
from procmem.sources.live import ProcSource
from procmem.sources.prefetch_all import PrefetchedSource, Reading, prefetch_all
from procmem.sources.prefetch_all import started as started_ahead
from tests.programs.build import build_alone
from tests.support.running import FIXTURES, ROOT, kernel_thread, procmem, started, stopped, wait_for

KIB, MIB = 1024, 1 << 20


def row(pid: int, **fields: Any) -> ProcessRow:
    """A row of which only some is of interest."""
    known: dict[str, Any] = {"ppid": 1, "uid": 0, "user": "root", "name": b"x", "virt": 9, "rss": 5, "pss": 3, "uss": 1}
    return ProcessRow(pid=pid, **(known | {"swap": 0, "swap_pss": 0} | fields))


@contextlib.contextmanager
def family(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """A server with 8 workers that stand still, by a name that nobody else has; no reader maps their files."""
    name = f"srv-{os.getpid()}-{os.urandom(2).hex()}"
    with started([str(build_alone("family.c", folder, name)), "8"], ready=False) as server:
        assert server.stdout is not None
        pids = [server.pid, *map(int, server.stdout.readline().split())]
        with contextlib.ExitStack() as still:
            for pid in pids:
                still.enter_context(stopped(pid))
            yield name, pids


@pytest.mark.needs("gcc")
def test_what_one_worker_really_costs(tmp_path: Path) -> None:
    """One command: a worker has its own 3 MiB, and the 20 MiB from before the fork are paid once."""
    with family(tmp_path) as (name, pids):
        run = procmem("system", "--by", "tree", "--name", name, "--json")
        page = procmem("system", "--by", "tree", "--name", name, "--human").out
    [found] = run.json["families"]
    assert (found["parent"], found["workers"], found["name"]) == (pids[0], 8, name)
    assert 3 * MIB <= found["own_least"] <= found["own_mean"] <= found["own_most"] < 6 * MIB
    assert 20 * MIB <= found["shared"] < 40 * MIB
    assert found["rss_sum"] > 9 * 23 * MIB
    assert "one child really costs" in page
    # what is shared is counted once, however many workers have it mapped
    totals = run.json["totals"]
    assert totals["pss"] == found["shared"] + totals["uss"]
    assert 44 * MIB <= totals["pss"] < 80 * MIB


@pytest.mark.needs("smem", "gcc")
@pytest.mark.needs_root
def test_agrees_with_smem_and_psutil(tmp_path: Path) -> None:
    """PSS, USS, RSS and swap of processes that stand still; smem sums whole kB of each mapping."""
    with family(tmp_path) as (name, pids):
        ours = {item["pid"]: item for item in procmem("system", "--name", name, "--json").json["rows"]}
        columns = "pid swap uss pss rss"
        done = subprocess.run(["smem", "-H", "-c", columns, "-P", "srv-"], capture_output=True, text=True, check=True)
        theirs = {int(line.split()[0]): [int(word) for word in line.split()[1:]] for line in done.stdout.splitlines()}
        others = {pid: psutil.Process(pid).memory_full_info() for pid in pids}
        mappings = {pid: len(Path(f"/proc/{pid}/maps").read_bytes().splitlines()) for pid in pids}
    assert set(ours) == set(pids)
    for pid in pids:
        swap, uss, pss, rss = (kilobytes * KIB for kilobytes in theirs[pid])
        mine = ours[pid]
        assert (mine["swap"], mine["uss"], mine["rss"]) == (swap, uss, rss)
        assert 0 <= mine["pss"] - pss <= mappings[pid] * KIB, "smem cuts each mapping to whole kB"
        assert (mine["uss"], mine["swap"]) == (others[pid].uss, others[pid].swap)


@pytest.mark.machine
def test_all_processes_are_there() -> None:
    """With memory: a row; without: counted; ourselves: never."""
    answer = procmem("system", "--json").json
    pids = {item["pid"] for item in answer["rows"]}
    assert os.getpid() in pids
    [mine] = [item for item in answer["rows"] if item["pid"] == os.getpid()]
    assert mine["name"] == Path("/proc/self/comm").read_text().strip()
    assert mine["ppid"] == os.getppid()
    assert not [item for item in answer["rows"] if item["name"] == "procmem" and item["ppid"] == os.getpid()]
    if (thread := kernel_thread()) is not None:
        assert thread not in pids
        assert answer["without_memory"] > 0
    assert answer["rows"] == sorted(answer["rows"], key=lambda item: (item["pss"] or -1, item["pid"]))
    assert answer["totals"]["uss"] == sum(item["uss"] or 0 for item in answer["rows"] if item["same_memory"] is None)


@pytest.mark.needs("gcc")
@pytest.mark.needs_root
def test_one_address_space_of_two_processes_is_counted_once(tmp_path: Path) -> None:
    """CLONE_VM without CLONE_THREAD: two pids, one memory."""
    program = build_alone("family.c", tmp_path, f"twin-{os.getpid()}")
    with started([str(program), "twin"], ready=False) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        with stopped(parent.pid):
            answer = procmem("system", "--name", program.name, "--json").json
    rows = {item["pid"]: item for item in answer["rows"]}
    assert rows[child]["same_memory"] == parent.pid
    assert rows[parent.pid]["same_memory"] is None
    assert rows[child]["uss"] == rows[parent.pid]["uss"] > 8 * MIB
    once = [item["uss"] or 0 for item in answer["rows"] if item["same_memory"] is None]
    assert answer["totals"]["uss"] == sum(once)


@pytest.mark.machine
def test_quick_reads_status_only() -> None:
    """Unknown is null, and no refusal; the order is by RSS."""
    answer = procmem("system", "--quick", "--json").json
    assert all(item["pss"] is None and item["uss"] is None for item in answer["rows"])
    assert answer["unreadable"] == 0
    sizes = [item["rss"] for item in answer["rows"]]
    assert sizes == sorted(sizes)


@pytest.mark.machine
def test_what_may_not_be_read_is_counted() -> None:
    """Others' processes show what status has, and null."""
    if os.geteuid() != 0:
        pytest.skip("whoever is not root is refused anyway; root can give up its rights for this")
    run = procmem("system", "--json", nobody=True)
    answer = run.json
    [mine] = [item for item in answer["rows"] if item["pid"] == os.getpid()]
    assert mine["pss"] is None
    assert mine["rss"] > 0
    assert answer["unreadable"] >= 1
    assert "not permitted" in procmem("system", nobody=True).out


@pytest.mark.parametrize("by", ["user", "name", "cgroup", "tree"])
@pytest.mark.machine
def test_groups_add_up_to_all(by: str) -> None:
    """Each process is in exactly one group."""
    answer = procmem("system", "--by", by, "--json").json
    if by != "tree":
        assert sum(group["processes"] for group in answer["groups"]) == len(answer["rows"])
        assert sum(group["pss"] or 0 for group in answer["groups"]) == answer["totals"]["pss"]
    run = procmem("system", "--by", by)
    assert (run.status, run.trouble) == (0, "")


@pytest.mark.machine
def test_filters_and_order() -> None:
    """--top keeps the largest, --reverse puts them first, --min-size and --user leave out."""
    rows = [row(1, pss=5), row(2, pss=None), row(3, pss=9), row(4, pss=7)]
    assert [item.pid for item in sorted_rows(rows, "pss", reverse=False, top=None)] == [2, 1, 4, 3]
    assert [item.pid for item in sorted_rows(rows, "pss", reverse=True, top=2)] == [3, 4]
    assert sorted_rows(rows, "pss", reverse=False, top=0) == []
    assert procmem("system", "--name", "nobody has this name").status == 3
    assert procmem("system", "--user", "nobody-has-this").status == 3
    assert procmem("system", "--name", "(").status == 2
    largest = procmem("system", "--quick", "--top", "1", "--json").json["rows"]
    assert len(largest) == 1
    totals = [procmem("system", "--json", "--top", str(top)).json["totals"]["processes"] for top in (1, 999_999)]
    assert min(totals) > 1, "the sums are over all, however few are shown"
    least = procmem("system", "--quick", "--min-size", str(largest[0]["rss"] // KIB // 2) + "K", "--json").json["rows"]
    assert len(least) < len(procmem("system", "--quick", "--json").json["rows"])


def test_a_tree_sums_from_below() -> None:
    """The root has the PSS of all; a loop of parents does not hang."""
    rows = [row(10, ppid=1, pss=1), row(11, ppid=10, pss=2), row(12, ppid=11, pss=4), row(13, ppid=10, pss=None)]
    found = [(depth, item.pid, whole) for depth, item, whole in tree_rows(rows)]
    assert found == [(0, 10, 7), (1, 11, 6), (2, 12, 4), (1, 13, None)]
    assert tree_rows([row(5, ppid=5)])[0][2] == 3


def test_sums_leave_the_second_out() -> None:
    """A shared address space, in totals and in groups."""
    report = system_report([row(1, pss=5, uss=4), row(2, pss=5, uss=4, same_memory=1)], by="name")
    assert (report.totals.pss, report.totals.uss, report.same_memory) == (5, 4, 1)
    assert (report.groups[0].pss, report.groups[0].processes) == (5, 2)


def test_cgroup_parts_add_up() -> None:
    """Version 2: PSS, cache, kernel, sockets and the rest are memory.current."""
    stat = b"anon 500\nfile 300\nkernel 90\nslab 40\nsock 10\nfile_mapped 100\n"
    files = {"memory.current": b"1000\n", "memory.max": b"max\n", "memory.swap.current": b"7\n", "memory.stat": stat}
    inside = [row(1, pss=550, cgroup=b"/a"), row(2, pss=50, cgroup=b"/a/b"), row(3, pss=9, cgroup=b"/ab")]
    group = cgroup_figures(b"/a", 2, inside, parse_cgroup_files(2, files))
    assert (group.processes, group.pss, group.current, group.limit, group.swap_current) == (2, 600, 1000, None, 7)
    parts = dict(group.parts)
    assert parts.pop("slab") == 40
    assert group.pss is not None
    assert group.pss + sum(parts.values()) == group.current
    assert parts["page cache"] == 200


def test_cgroups_of_version_1() -> None:
    """No limit is the largest number; memory and swap together are told apart."""
    files = {
        "memory.usage_in_bytes": b"1000",
        "memory.limit_in_bytes": b"9223372036854771712",
        "memory.memsw.usage_in_bytes": b"1600",
        "memory.kmem.usage_in_bytes": b"100",
        "memory.stat": b"total_cache 300\ntotal_mapped_file 50\n",
    }
    group = cgroup_figures(b"/a", 1, [row(1, pss=700, cgroup=b"/a")], parse_cgroup_files(1, files))
    assert (group.limit, group.swap_current) == (None, 600)
    assert 700 + sum(size for _, size in group.parts) == 1000
    assert [name for name, size in group.parts if size < 0] == ["elsewhere"]


@pytest.mark.needs("gcc")
@pytest.mark.machine
def test_reading_ahead_says_the_same(tmp_path: Path) -> None:
    """Whatever was read while the command was loaded is what it reads by itself."""
    with family(tmp_path) as (name, pids):
        [ahead, alone] = [
            {item["pid"]: item for item in procmem("system", "--json", *words).json["rows"] if item["pid"] in pids}
            for words in ((), ("--name", name))
        ]
    assert set(ahead) == set(alone) == set(pids)
    for pid in pids:
        for key in ("name", "user", "uid", "ppid", "virt", "rss", "uss", "swap"):
            assert ahead[pid][key] == alone[pid][key], key
        # pages of the vDSO are divided among all processes, and their number changes
        assert abs(ahead[pid]["pss"] - alone[pid]["pss"]) <= 8192


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        (["system"], True),
        (["system", "--top=3", "--json"], True),
        (["system", "--quick"], False),
        (["system", "--from", "x"], False),
        (["inspect", "self"], False),
    ],
)
def test_only_what_will_be_wanted_is_read_ahead(words: list[str], begins: bool) -> None:
    """And every child is waited for."""
    prefetch_all(words)
    try:
        assert bool(started_ahead) == (begins and len(os.sched_getaffinity(0)) > 1)
        source = PrefetchedSource.over(ProcSource)
        assert os.getpid() not in source.pids() or not begins
        assert not started_ahead
    finally:
        started_ahead.clear()
    if begins and isinstance(source, PrefetchedSource):
        assert os.getppid() in source.pids()


def test_what_a_child_took_and_lost_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that fails has taken processes with it: nobody may go missing."""
    parent, taken = os.getpid(), Reading.taken

    def fails_in_a_child(reading: Reading) -> Iterator[tuple[str, str, bytes, int]]:
        if os.getpid() != parent:
            os.read(reading.queue, 4)
            raise ValueError
        return taken(reading)

    monkeypatch.setattr(Reading, "taken", fails_in_a_child)
    reading = Reading([str(parent), str(os.getppid())])
    reading.add_child()
    started_ahead.append(reading)
    source = PrefetchedSource.over(ProcSource)
    assert isinstance(source, ProcSource)
    assert {parent, os.getppid()} <= set(source.pids())


def test_a_queue_is_taken_once_and_whole() -> None:
    """With more processes than shares, by several at a time: each process once, whoever read it."""
    names = sorted(name for name in os.listdir("/proc") if name.isdecimal())
    many = [*names, *(str(2**22 + 9 + more) for more in range(2000))]
    reading = Reading(many)
    assert reading.shares < len(many)
    reading.add_child()
    reading.add_child()
    ours = list(reading.taken())
    files = reading.finish()
    assert files is not None
    read_by_us = {int(name) for name, *_ in ours}
    assert not read_by_us & set(files)
    assert len({(name, file) for name, file, _, _ in ours}) == len(ours)
    assert {os.getpid(), os.getppid()} <= read_by_us | set(files)
    with_memory = [
        found for found in files.values() if isinstance(found["status"], bytes) and b"VmSize" in found["status"]
    ]
    assert all("smaps_rollup" in found for found in with_memory)


def test_a_recording_and_classes() -> None:
    """--from reads recorded processes; --classes sums the machine's, and leaves nothing out."""
    recording = str(FIXTURES / "x86_64-6.18-fork")
    answer = procmem("system", "--from", recording, "--json").json
    assert len(answer["rows"]) > 1
    classes = procmem("system", "--from", recording, "--classes", "--json").json
    assert sum(item["uss"] for item in classes["classes"]) == answer["totals"]["uss"]
    run = procmem("system", "--from", recording, "--classes")
    assert "each" not in run.err
    assert "text" in run.out
    assert procmem("system", "--from", recording, "--csv").out.startswith("pid,user,swap_bytes,uss_bytes,pss_bytes,")


@pytest.mark.machine
def test_a_hostile_name_stays_in_its_cell() -> None:
    """Escapes of a terminal become visible."""
    code = "import ctypes\nctypes.CDLL(None).prctl(15, b'\\x1b[31mred\\n', 0, 0, 0)\nprint(flush=True)\ninput()"
    with started([sys.executable, "-c", code]) as child:
        wait_for(lambda: b"red" in Path(f"/proc/{child.pid}/comm").read_bytes())
        out = procmem("system", "--quick").out
    assert "\x1b" not in out
    assert "\\x1b[31mred\\x0a" in out


@pytest.mark.machine
def test_started_by_a_program_that_ignores_its_children() -> None:
    """SIG_IGN for SIGCHLD is kept by exec(2); our own children are waited for all the same."""
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'procmem', 'system', '--json'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=100, check=False)
    assert (done.returncode, b"No child" in done.stderr) == (0, False), done.stderr
    assert json.loads(done.stdout)["rows"]


def test_groups_obey_top_and_cgroups_choose() -> None:
    """The largest of the groups; the totals are of all. A group is chosen by a part of its path, or a pattern."""
    rows = [row(pid, pss=pid, name=b"n%d" % pid, cgroup=b"/a/%d" % pid) for pid in range(1, 6)]
    report = system_report(rows, by="name", top=2)
    assert [group.key for group in report.groups] == [b"n4", b"n5"]
    assert report.processes == 5
    assert system_report(rows, by="name", top=9).groups == system_report(rows, by="name").groups
    assert system_report(rows, by="name", top=0).groups == ()
    fork = str(FIXTURES / "x86_64-6.18-fork")
    for pattern, found in (("/", True), ("/*", True), ("no such group", False), ("x*", False)):
        run = procmem("system", "--from", fork, "--cgroup", pattern, "--json")
        assert (run.status == 0) == found, run
