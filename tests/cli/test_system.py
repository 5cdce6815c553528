"""procmem system: rows, sums that count nothing twice, groups, and agreement with others."""

import contextlib
import csv
import errno
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from procmem.analyse.system import cgroup_figures, sorted_rows, system_report, tree_rows
from procmem.analyse.system_changes import changes_between, of_processes
from procmem.model.proc_keys import has_memory
from procmem.model.raw import Refusal
from procmem.model.reports.system import Changed, ProcessRow
from procmem.parse.cgroup import parse_cgroup_files
from procmem.queries.all_processes import SystemOptions, follow_system
from procmem.queries.system import _row, group_matcher
from procmem.render.fitting import lines_of_cell
from procmem.render.formats.text import page_text
from procmem.render.pages.system import system_page
from procmem.render.style import Style
from procmem.render.width import cells
from procmem.sources.live import ProcSource
from procmem.sources.prefetch_all import PrefetchedSource, prefetch_all
from procmem.sources.prefetch_all import started as started_ahead
from procmem.sources.reading_ahead import Reading, _parsed, _write
from tests.programs.build import build_alone
from tests.render.test_schemas import check
from tests.support.needs import lacking
from tests.support.running import COMMAND, FIXTURES, ROOT, kernel_thread, procmem, started, stopped, wait_for

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


@pytest.mark.needs("smem", "gcc")
@pytest.mark.needs_root
def test_mappings_agree_with_smem(tmp_path: Path) -> None:
    """By name: processes, mappings and bytes. smem cuts names to 40 letters, and each mapping's PSS to whole kB."""
    with family(tmp_path) as (name, _):
        ours = procmem("system", "--mappings", "--name", name, "--json").json
        columns = "map pids count swap uss pss rss"
        smem = ["smem", "-H", "-m", "-c", columns, "-P", f"{name}( |$)"]
        done = subprocess.run(smem, capture_output=True, text=True, check=True)
    theirs: dict[str, list[int]] = {}
    for line in done.stdout.splitlines():
        called, *figures = line.rsplit(None, 6)
        theirs[called.strip()] = [int(word) for word in figures]
    assert theirs
    known = {"[anonymous]": "<anonymous>"}
    mine = {known.get(row["name"], row["name"])[:40]: row for row in ours["mappings"]}
    assert len(mine) == len(ours["mappings"]), "no two names of this program begin alike"
    kernels = {"[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]"}  # whose PSS changes with every process that comes
    assert set(mine) == set(theirs)
    for called, (pids, count, swap, uss, pss, rss) in theirs.items():
        row = mine[called]
        assert (row["processes"], row["mappings"]) == (pids, count), called
        assert (row["swap"], row["uss"], row["rss"]) == (swap * KIB, uss * KIB, rss * KIB), called
        least = -count * KIB if called in kernels or "/lib" in called else 0
        assert least <= row["pss"] - pss * KIB <= count * KIB, called
    assert ours["totals"]["uss"] == sum(row["uss"] for row in ours["mappings"])
    assert ours["totals"]["mappings"] == sum(count for _, count, *_ in theirs.values())


@pytest.mark.needs("gcc")
@pytest.mark.needs_root
def test_one_address_space_is_walked_once(tmp_path: Path) -> None:
    """Classes and mappings: two pids with one memory are one process."""
    program = build_alone("family.c", tmp_path, f"twin-{os.getpid()}")
    with started([str(program), "twin"], ready=False) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        with stopped(parent.pid):
            of_one = procmem("inspect", str(parent.pid), "--json").json["totals"]
            classes = procmem("system", "--name", program.name, "--classes", "--json").json
            mapped = procmem("system", "--name", program.name, "--mappings", "--json").json
    assert classes["processes"] == mapped["processes"] == 1
    assert sum(row["uss"] for row in classes["classes"]) == mapped["totals"]["uss"] == of_one["uss"]


def test_mappings_by_class_order_and_size() -> None:
    """The largest last; a class alone; what is smaller left out, of the sums too; what makes no sense refused."""
    fork = ("system", "--mappings", "--from", str(FIXTURES / "x86_64-6.18-fork"))
    whole = procmem(*fork, "--json").json
    sizes = [row["pss"] for row in whole["mappings"]]
    assert sizes == sorted(sizes)
    assert len(sizes) == whole["totals"]["names"] > 3
    [largest] = procmem(*fork, "--top", "1", "--json").json["mappings"]
    assert largest == whole["mappings"][-1]
    assert procmem(*fork, "--reverse", "--json").json["mappings"] == whole["mappings"][::-1]
    names = [row["name"] for row in procmem(*fork, "--sort", "name", "--json").json["mappings"]]
    assert names == sorted(names)
    text = procmem(*fork, "--class", "text", "--json").json
    classes = procmem("system", "--classes", "--from", fork[-1], "--json").json["classes"]
    [of_text] = [row for row in classes if row["class"] == "text"]
    assert (text["totals"]["pss"], text["totals"]["uss"]) == (of_text["pss"], of_text["uss"])
    assert all(row["name"].startswith("/") for row in text["mappings"])
    least = procmem(*fork, "--min-size", str(sizes[-1]), "--json").json
    assert [row["pss"] for row in least["mappings"]] == [sizes[-1]]
    assert least["totals"]["pss"] == sizes[-1]
    for words in (("--by", "user"), ("--quick",), ("--classes",), ("--sort", "pid"), ("--class", "nonsense")):
        assert procmem(*fork, *words).status == 2, words
    assert procmem("system", "--class", "text", "--from", fork[-1]).status == 2


def test_walks_choose_by_control_group() -> None:
    """--cgroup chooses for --mappings and --classes as it does for rows."""
    fork = ("--from", str(FIXTURES / "x86_64-6.18-fork"))
    for way in ("--mappings", "--classes"):
        every = procmem("system", way, *fork, "--json").json["processes"]
        assert procmem("system", way, *fork, "--cgroup", "/*", "--json").json["processes"] == every > 0
        assert procmem("system", way, *fork, "--cgroup", "no such group", "--json").json["processes"] == 0


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


STAT = {"file": 300, "shmem": 120, "file_mapped": 100, "anon": 500}


@pytest.mark.parametrize(
    ("pss_shmem", "parts"),
    [
        (40, {"page cache": 120, "shmem": 80, "shmem mapped": 40}),
        (0, {"page cache": 80, "shmem": 120}),
        (100, {"page cache": 180, "shmem": 20, "shmem mapped": 100}),
        (130, {"page cache": 180, "shmem": 20, "shmem mapped": 130}),  # charged elsewhere, or mapped by huge pages
        (None, {"page cache, shmem": 200}),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_shared_memory_that_nobody_maps_is_no_page_cache(
    version: int, pss_shmem: int | None, parts: dict[str, int]
) -> None:
    """A file in tmpfs that nobody maps has a line of its own; without the kernel's word (5.4) it says so."""
    if version == 2:
        stat, current = STAT, "memory.current"
    else:
        stat = {"total_cache": STAT["file"], "total_shmem": STAT["shmem"], "total_mapped_file": STAT["file_mapped"]}
        current = "memory.usage_in_bytes"
    text = "".join(f"{key} {value}\n" for key, value in stat.items()).encode()
    memory = parse_cgroup_files(version, {current: b"1000", "memory.stat": text})
    group = cgroup_figures(b"/a", version, [row(1, pss=600, pss_shmem=pss_shmem, cgroup=b"/a")], memory)
    found = dict(group.parts)
    assert 600 + sum(size for name, size in found.items() if name != "shmem mapped") == 1000
    assert {name: size for name, size in found.items() if "cache" in name or "shmem" in name} == parts


def test_of_files_no_more_is_mapped_than_there_is() -> None:
    """All that is not shared memory is mapped: the rest of what is mapped must be shared memory, whatever PSS says."""
    memory = parse_cgroup_files(
        2, {"memory.current": b"1000", "memory.stat": b"file 300\nshmem 250\nfile_mapped 200\n"}
    )
    parts = dict(cgroup_figures(b"/a", 2, [row(1, pss=600, pss_shmem=10, cgroup=b"/a")], memory).parts)
    assert ("page cache" in parts, parts["shmem"]) == (False, 100)


ID = "4c01db0b339c" + "7" * 52
HOLDER = """\
import mmap, os, sys
print(flush=True)
sys.stdin.readline()
with open(sys.argv[1], "wb") as file:
    file.write(b"x" * (32 << 20))
shared = mmap.mmap(-1, 16 << 20)
shared.write(b"x" * (16 << 20))
print(flush=True)
sys.stdin.read()
"""


@pytest.mark.needs_root
@pytest.mark.machine
def test_a_container_is_found_by_its_id_and_its_shared_memory_told_apart() -> None:
    """A group such as docker makes: 32 MiB in tmpfs that nobody maps, 16 MiB of shared memory that is mapped."""
    hidden = Path("/dev/shm") / f"procmem-test-{os.getpid()}"
    with made_group("docker", ID) as group, started([sys.executable, "-c", HOLDER, str(hidden)]) as child:
        try:
            (group / "cgroup.procs").write_text(str(child.pid))
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(b"\n")
            child.stdin.flush()
            child.stdout.readline()
            run = procmem("system", "--by", "cgroup", "--cgroup", ID[:12], "--json")
            page = procmem("system", "--by", "cgroup", "--cgroup", ID[:12]).out
            told = procmem("inspect", str(child.pid)).out
            about = procmem("inspect", str(child.pid), "--json").json["surroundings"]["cgroup"]["about"]
        finally:
            hidden.unlink(missing_ok=True)
    [found] = run.json["groups"]
    assert [item["pid"] for item in run.json["rows"]] == [child.pid]
    assert found["about"] == about == {"sort": "container", "name": ID, "runtime": "docker", "pod": None, "user": None}
    assert f"container {ID[:12]} (docker)" in page
    assert f"container {ID[:12]} (docker)" in " ".join(told.split())
    [figures] = run.json["cgroups"]
    parts = {part["name"]: part["bytes"] for part in figures["parts"]}
    unmapped = parts["shared memory and tmpfs that no process maps"]
    assert abs(unmapped - 32 * MIB) < MIB
    assert 16 * MIB <= parts["of the processes' PSS: shared memory and tmpfs that they map"] < 17 * MIB
    assert parts.get("page cache of files that nobody maps", 0) < 8 * MIB


@contextlib.contextmanager
def made_group(parent: str, name: str) -> Iterator[Path]:
    """A memory group of this name, of whichever version the machine has; removed at the end."""
    first = Path("/sys/fs/cgroup/memory")
    root = first if first.is_dir() else Path("/sys/fs/cgroup")
    above, group = root / parent, root / parent / name
    is_ours = not above.exists()
    try:
        group.mkdir(parents=True)
        if root != first and not (group / "memory.current").exists():
            raise OSError("no memory controller")
    except OSError as error:
        for folder in (group, *([above] if is_ours else [])):
            with contextlib.suppress(OSError):
                folder.rmdir()
        lacking(f"no memory cgroup: {error}")
    try:
        yield group
    finally:
        wait_for(lambda: not (group / "cgroup.procs").read_text())
        for folder in (group, *([above] if is_ours else [])):
            wait_for(partial(_removed, folder))


def _removed(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        folder.rmdir()
    return not folder.exists()


def test_groups_are_chosen_by_what_they_are_called() -> None:
    """By a pod's uid as kubectl writes it, a container's id, a unit's name; by a part of the path; by a pattern."""
    uid = "7d6a3c1e-52c3-4b0f-9a5e-0123456789ab"
    slices = "/kubepods.slice/kubepods-pod" + uid.replace("-", "_") + ".slice"
    path = f"{slices}/cri-containerd-{ID}.scope".encode()
    for pattern in (uid, ID, ID[:12], "cri-containerd", "*.scope", f"{uid[:8]}*"):
        assert group_matcher(pattern)(path), pattern
    for pattern in ("nginx", uid.upper(), "4c01*x"):
        assert not group_matcher(pattern)(path), pattern
        assert not group_matcher(pattern)(None)
    assert group_matcher("vm-1")(rb"/system.slice/vm\x2d1.service")


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


def _reading(names: list[str]) -> Reading:
    return Reading("/proc", ("status", "smaps_rollup"), names=names)


def test_what_a_child_took_and_lost_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that fails has taken processes with it: nobody may go missing."""
    parent, take = os.getpid(), Reading.take

    def fails_in_a_child(reading: Reading) -> object:
        if os.getpid() == parent:
            return take(reading)
        os.read(reading.queue, 4)
        raise ValueError

    monkeypatch.setattr(Reading, "take", fails_in_a_child)
    reading = _reading([str(parent), str(os.getppid())])
    reading.add_child()
    started_ahead.append(reading)
    source = PrefetchedSource.over(ProcSource)
    assert {parent, os.getppid()} == set(source.pids())
    for pid in source.pids():
        with source.open(pid) as target:
            assert b"VmSize" in target.read("status")
            assert b"Pss:" in target.read("smaps_rollup")


@pytest.mark.parametrize("ours", [0, 3])
def test_a_queue_is_taken_once_and_whole(ours: int) -> None:
    """With more processes than shares, by several at a time: each process once, whoever read it."""
    names = sorted(name for name in os.listdir("/proc") if name.isdecimal())
    many = [*names, *(str(2**22 + 9 + more) for more in range(2000))]
    reading = _reading(many)
    assert reading.shares < len(many)
    reading.add_child()
    reading.add_child()
    readers = [child._pid for child in reading.children]
    taken = [name for _ in range(ours) for name, _ in reading.take() or ()]
    known = {int(name): reading.files_of(int(name)) for name in many}
    assert {pid for pid, files in known.items() if files is None} == set(map(int, taken))
    if not taken:
        assert not reading.children
        with pytest.raises(ChildProcessError):
            os.waitpid(readers[0], os.WNOHANG)
    assert all(known[int(name)] == {"status": (b"", errno.ENOENT)} for name in many[-2000:] if name not in taken)
    with_memory = [files for files in known.values() if files and has_memory(files["status"][0])]
    assert all("smaps_rollup" in files for files in with_memory)


def test_what_is_there_in_part_is_not_taken_over() -> None:
    """A child may be writing a process while we look: its files come together, or not yet."""
    reading = _reading([str(os.getpid()), str(os.getppid())])
    whole = os.memfd_create("whole")
    while (taken := reading.take()) is not None:
        _write(whole, taken)
    reading.drop()
    data = os.pread(whole, os.fstat(whole).st_size, 0)
    os.close(whole)
    files: dict[int, dict[str, tuple[bytes, int]]] = {}
    assert _parsed(data, files) == len(data)
    ends = []
    for cut in range(len(data) + 1):
        some: dict[int, dict[str, tuple[bytes, int]]] = {}
        end = _parsed(data[:cut], some)
        assert some == {pid: found for pid, found in files.items() if pid in some}
        ends.append((end, len(some)))
    assert len(set(ends)) == len(files) + 1 == 3


def test_a_zombie_without_threads_has_no_folder_read() -> None:
    """Only one whose other threads go on is looked into: nobody else has memory."""
    text = b"Name:\tx\nState:\tZ (zombie)\nPPid:\t1\nUid:\t0\t0\t0\t0\nThreads:\t%d\n"
    asked = []

    class Target:
        def __init__(self, threads: int) -> None:
            self.threads = threads

        def read(self, name: str) -> bytes:
            assert name.endswith("status")
            return text % self.threads

        def names(self, folder: str) -> tuple[str, ...]:
            asked.append((self.threads, folder))
            return ("1",)

    for threads in (1, 2):
        found = _row(cast("Any", Target(threads)), 1, str, None, quick=True, with_cgroup=False)
        assert found is Refusal.ABSENT
    assert asked == [(2, "task")]


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


GROWS = """\
import sys
kept = []
print(flush=True)
for line in sys.stdin:
    kept.append(b"x" * int(line))
    print(flush=True)
"""


def test_looking_again_says_what_changed() -> None:
    """As the user steps on: PSS of the one that grew by 64 MiB, in rows and in the sum; who came, and who went.

    PSS moves by itself as well: other Pythons come and go, and share libraries.
    """
    name = f"grow-{os.getpid()}"
    options = SystemOptions(name=f"{name}.*")
    with started(grower(name, "a")) as first:
        looks = follow_system(options, 0.1, pause=_pause)
        _, changes = next(looks)
        assert (changes.at, changes.total, changes.came, changes.went) == (0, 0, (), ())
        assert changes.rows == (Changed(first.pid, f"{name}a".encode(), 0),)
        grow(first, 64 * MIB)
        _, changes = next(looks)
        [(_, _, change)] = changes.rows
        assert change is not None
        assert 56 * MIB <= change < 72 * MIB
        assert changes.total == change
        with started(grower(name, "b")) as second:
            grow(second, 64 * MIB)
            look, changes = next(looks)
            [(pid, called, size)] = changes.came
            assert (pid, called) == (second.pid, f"{name}b".encode())
            assert size is not None
            assert size > 64 * MIB, "what is new has changed by all of it"
            assert look.report is not None
            assert {row.pid for row in look.report.rows} == {first.pid, second.pid}
        _, changes = next(looks)
        assert (changes.came, [row[:2] for row in changes.went]) == ((), [(second.pid, f"{name}b".encode())])
        assert changes.total is not None
        assert changes.total < -56 * MIB
    look, changes = next(looks)
    assert look.report is not None
    assert (look.report.rows, [row.pid for row in changes.went]) == ((), [first.pid])


def _pause(seconds: float) -> None:
    assert seconds >= 0


def grower(name: str, more: str) -> list[str]:
    """A program of this name that takes as many bytes as it is told."""
    named = f"import ctypes\nctypes.CDLL(None).prctl(15, b'{name}{more}', 0, 0, 0)\n"
    return [sys.executable, "-c", named + GROWS]


def grow(child: subprocess.Popen[bytes], size: int) -> None:
    """Have it take them."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b"%d\n" % size)
    child.stdin.flush()
    child.stdout.readline()


@pytest.mark.parametrize("words", [(), ("--by", "name"), ("--by", "tree"), ("--classes",), ("--mappings",)])
def test_each_table_can_be_watched(words: tuple[str, ...]) -> None:
    """Blocks of text, lines of JSON, one table of CSV; the change stands behind the figure that is followed."""
    name = f"still-{os.getpid()}"
    with started(grower(name, "")) as child, stopped(child.pid):
        watched = ("system", "--name", name, "--watch", "0.1", "--count", "2", *words)
        text = procmem(*watched).out
        documents = [json.loads(line) for line in procmem(*watched, "--json").out.splitlines()]
        table = list(csv.DictReader(io.StringIO(procmem(*watched, "--csv").out)))
    assert text.startswith("first look\n")
    assert text.count("after the first look") == 1
    assert "change" in text
    assert "\x1b" not in text
    [first, second] = documents
    assert first["at"] == 0 < second["at"]
    for found in documents:
        check(found)
        check(found["answer"])
        assert (found["came"], found["went"], found["figure"]) == ([], [], "pss")
    answer = second["answer"]
    rows = answer.get("classes") or answer.get("mappings") or answer["groups"] or answer["rows"]
    assert len(second["changes"]) == len(rows)
    assert {abs(row["change"]) < 16 * MIB for row in second["changes"]} == {True}
    assert sorted({float(row["at_seconds"]) > 0 for row in table}) == [False, True]
    assert all(abs(int(row["change_bytes"])) < 16 * MIB for row in table)


def test_what_cannot_be_watched() -> None:
    """A recording stands still; Markdown has one table; a number of looks needs looks."""
    fork = str(FIXTURES / "x86_64-6.18-fork")
    for words in (("--watch", "1", "--from", fork), ("--count", "2", "--from", fork), ("--watch", "x", "--from", fork)):
        assert procmem("system", *words).status == 2, words
    assert procmem("system", "--name", "nobody has this name", "--watch", "1").status == 3


def test_sums_that_count_twice_have_no_change() -> None:
    """RSS is not added up, and neither is its change; unknown stays unknown."""
    before = of_processes([row(1, name=b"a", pss=5), row(2, name=b"b", pss=None), row(3, name=b"c", pss=7)], "pss")
    now = of_processes([row(1, name=b"a", pss=9), row(2, name=b"b", pss=4), row(4, name=b"d", pss=2)], "pss")
    changes = changes_between(before, now, "pss", at=1.0, reading=0.5)
    assert changes.rows == (Changed(1, b"a", 4), Changed(2, b"b", None), Changed(4, b"d", 2))
    assert (changes.total, changes.came, changes.went) == (-1, (Changed(4, b"d", 2),), (Changed(3, b"c", -7),))
    assert changes_between(before, now, "rss", at=1.0, reading=0.5).total is None
    page = system_page(system_report([row(1), row(2, name=b"b")]), "", None, changes._replace(field="rss", total=None))
    sheet = page.table()
    assert [column.name for column in sheet.columns][5:8] == ["pss", "rss", "change"]
    assert [line[7] for line in sheet.rows] == [4, None]
    many = changes._replace(went=tuple(Changed(pid, b"n", None) for pid in range(9)))
    text = page_text(system_page(system_report([row(1)]), "", None, many), Style())
    assert "gone since the look before: 0 n, 1 n, 2 n, 3 n, 4 n and 4 more" in text
    assert "1 s after the first look; looking took 50.0% of a processor" in text
    text = page_text(system_page(system_report([row(1)]), "", None, many._replace(at=0.53)), Style())
    assert text.startswith("0.5 s after the first look")


@pytest.mark.needs_terminal
@pytest.mark.machine
def test_a_terminal_is_drawn_anew() -> None:
    """As many rows as there is room for, and the cursor goes home before each look."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "PYTHONUTF8": "1", "LINES": "22", "COLUMNS": "100"}
    command = [*COMMAND, "system", "--quick", "--watch", "0.1", "--count", "2"]
    with os.fdopen(ours, "rb", buffering=0) as screen:
        with subprocess.Popen(command, cwd=ROOT, stdout=theirs, env=environment) as child:
            os.close(theirs)
            text = b""
            with contextlib.suppress(OSError):
                while piece := screen.read(4096):
                    text += piece
        assert child.returncode == 0
    _, *looks = text.split(b"\x1b[H\x1b[J")
    assert len(looks) == 2
    assert max(look.count(b"\n") for look in looks) <= 22
    assert b"after the first look" in looks[1]


def test_command_lines_are_cut_by_the_cells_of_a_terminal() -> None:
    """Escaped, beside the name, as many cells as there is room for; whole with --wide; none where it is narrow."""
    name = f"long-{os.getpid()}"
    words = [*grower(name, ""), "\x1b[31mred", "汉" * 60, "end"]
    with started(words) as child:
        wide = procmem("system", "--name", name, "--wide", env={"PYTHONUTF8": "1"}).out
        fitted = procmem("system", "--name", name, "--width", "120", env={"LC_ALL": "C.UTF-8"}).out
        narrow = procmem("system", "--name", name, "--width", "80").out
        [row] = csv.DictReader(io.StringIO(procmem("system", "--name", name, "--columns", "pid,command", "--csv").out))
    assert "\x1b" not in wide + fitted
    assert "\\x1b[31mred" in wide
    assert "汉" * 60 + " end" in wide
    assert "command line" in fitted
    [line] = [line for line in fitted.splitlines() if line.strip().startswith(str(child.pid))]
    assert line.endswith("\u2026")
    assert cells(line) == 120
    assert "command line" not in narrow
    assert row["pid"] == str(child.pid)
    assert row["command"].endswith(" end")
    assert lines_of_cell("ab汉字", "command", 5, "\u2026") == ["ab汉\u2026"]
    assert lines_of_cell("ab汉字", "command", 4, "\u2026") == ["ab\u2026"]


def test_command_lines_of_a_recording_and_of_who_has_none() -> None:
    """What is not recorded is unknown; a recording has the first word alone."""
    fork = procmem("system", "--from", str(FIXTURES / "x86_64-6.18-fork"), "--wide").out
    assert "areas-pie" in fork
    rows = [row(1, command=None), row(2, command=b"")]
    sheet = system_page(system_report(rows), "").table()
    assert [line[-1] for line in sheet.rows] == [None, ""]
    assert [column.name for column in sheet.columns][-1] == "command"
    tree = system_page(system_report(rows), "", tree_rows(rows)).table()
    assert [line[-1] for line in tree.rows] == [None, ""]
