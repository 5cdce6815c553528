"""procmem swap: parts that add up to what is in use, the judgement, and what swapoff would do."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from procmem.analyse.swap import swap_report
from procmem.model.reports.swap import Faulter, Object, Rates, SwapReading, SwapReport
from procmem.model.reports.system import ProcessRow
from procmem.model.snapshot import SwapArea
from procmem.text.swap import reason_text, swappiness_text
from tests.support.needs import lacking
from tests.support.running import FIXTURES, procmem, python_child, started, state_of, stopped, wait_for
from tests.support.swapping import swap_file

KIB, MIB = 1024, 1 << 20
GIB = 1 << 30

PARKER = """
import ctypes, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
PAGEOUT = 21
def push(block):
    at = ctypes.addressof(ctypes.c_char.from_buffer(block))
    for _ in range(20):
        assert libc.madvise(ctypes.c_void_p(at), ctypes.c_size_t(len(block)), PAGEOUT) == 0
private = mmap.mmap(-1, 16 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
shared = mmap.mmap(-1, 8 << 20)
fd = os.open({path!r}, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
os.ftruncate(fd, 12 << 20)
file = mmap.mmap(fd, 12 << 20)
for block in (private, shared, file):
    for page in range(0, len(block), 4096):
        block[page:page + 4096] = os.urandom(4096)
    push(block)
"""


def process(pid: int, **fields: Any) -> ProcessRow:
    """A row of which only swap and USS are of interest."""
    known: dict[str, Any] = {"ppid": 1, "uid": 0, "user": "root", "name": b"db", "virt": 1, "rss": 1, "pss": 1}
    known |= {"uss": 0, "swap": 0, "swap_pss": 0, "vm_swap": 0}
    return ProcessRow(pid=pid, **(known | fields))


def reading(**fields: Any) -> SwapReading:
    """A machine with a swap area of 100 MiB of which 40 are in use, and nothing moving."""
    known: dict[str, Any] = {
        "areas": (SwapArea(b"/swap", "file", 100 * MIB, 40 * MIB, -2),),
        "meminfo": {"MemAvailable": 900 * MIB, "MemTotal": GIB, "SwapCached": 2 * MIB},
        "swappiness": 60,
        "release": (6, 18),
        "rates": Rates(1.0, 0, 0, 0, 0.0, ()),
        "rows": (process(5, swap=30 * MIB, swap_pss=25 * MIB, vm_swap=25 * MIB, uss=MIB),),
        "objects": (
            Object(b"/dev/shm/x", "tmpfs files", 9 * MIB),
            Object(b"/memfd:y", "mapped shared memory", 5 * MIB),
        ),
        "unreadable": 0,
        "whole_machine": True,
    }
    return SwapReading(**(known | fields))


def reasons(report: SwapReport) -> str:
    """The judgement as it is told."""
    return " ".join(map(reason_text, report.verdict.reasons))


def test_parts_add_up_and_the_rest_has_a_name() -> None:
    """40 = 25 + 9 + 5 + 1, which the swap cache of 2 explains."""
    report = swap_report(reading())
    assert [(part.name, part.size // MIB) for part in report.parts] == [
        ("private", 25),
        ("tmpfs files", 9),
        ("mapped shared memory", 5),
        ("cache", 1),
    ]
    report = swap_report(reading(objects=()))
    assert [(part.name, part.size // MIB) for part in report.parts[1:]] == [("cache", 2), ("unowned", 13)]
    assert sum(part.size for part in report.parts) == report.used == 40 * MIB
    report = swap_report(reading(rows=(process(5, vm_swap=20 * MIB, swap=20 * MIB, swap_pss=None),)))
    assert ("refused", 20 * MIB) in [(part.name, part.size) for part in report.parts]
    assert sum(part.size for part in report.parts) == 40 * MIB


def test_swapoff_would_fit_or_not() -> None:
    """What is in memory as well needs no room."""
    assert swap_report(reading()).left_after_swapoff == (900 - 38) * MIB
    meminfo = {"MemAvailable": 10 * MIB, "SwapCached": 0}
    report = swap_report(reading(meminfo=meminfo))
    assert report.left_after_swapoff == -30 * MIB


@pytest.mark.parametrize(
    ("rates", "word"),
    [
        (None, "unknown"),
        (Rates(2.0, 0, 0, 0, 0.0, ()), "parked"),
        (Rates(2.0, 100 * KIB, 3 * KIB, 9, None, ()), "parked"),
        (Rates(2.0, 0, 90 * MIB, 0, 0.02, ()), "moving"),
        (Rates(2.0, 90 * MIB, 0, 900, 0.02, ()), "moving"),
        (Rates(2.0, 90 * MIB, 0, 900, 0.5, ()), "thrashing"),
        (Rates(2.0, 90 * MIB, 90 * MIB, 900, None, ()), "thrashing"),
    ],
)
def test_the_judgement_follows_the_rates(rates: Rates | None, word: str) -> None:
    """Idle data, data that moves one way, and data that goes to and fro."""
    assert swap_report(reading(rates=rates)).verdict.word == word


def test_no_swap_and_unused_swap() -> None:
    """Two answers."""
    assert swap_report(reading(areas=())).verdict.word == "no swap"
    empty = (SwapArea(b"/swap", "file", 100, 0, 1),)
    assert swap_report(reading(areas=empty)).verdict.word == "unused"
    assert swap_report(reading(areas=empty)).parts == ()


def test_who_is_to_blame() -> None:
    """One process, a cgroup's limit, or the machine."""
    fast = Rates(1.0, 50 * MIB, 50 * MIB, 1000, 0.5, (Faulter(5, b"db", 900), Faulter(6, b"web", 100)))
    alone = reasons(swap_report(reading(rates=fast)))
    assert "db (5), with 90%" in alone
    assert "One process asks for most: db (5)" in alone
    many = tuple(process(pid, uss=100 * MIB, swap=MIB, swap_pss=MIB) for pid in range(5, 15))
    assert "machine is too small" in reasons(swap_report(reading(rates=fast, rows=many)))
    limited = fast._replace(faulters=(Faulter(5, b"db", 9, b"/small", 64 * MIB, 64 * MIB),))
    words = reasons(swap_report(reading(rates=limited, rows=many)))
    assert "cgroup /small is at its limit" in words
    assert "machine is not the trouble" in words
    roomy = fast._replace(faulters=(Faulter(5, b"db", 9, b"/big", 6 * MIB, 64 * MIB),))
    assert "limit" not in reasons(swap_report(reading(rates=roomy, rows=many)))


@pytest.mark.parametrize(
    ("value", "release", "words"),
    [
        (0, (6, 1), "0 of 0..200: swap only when"),
        (0, (6, 1), "does not switch swap off"),
        (60, (6, 1), "the default"),
        (100, (6, 1), "cost the same"),
        (180, (6, 1), "zram"),
        (10, (5, 4), "10 of 0..100"),
        (None, None, "unknown"),
    ],
)
def test_swappiness_in_words(value: int | None, release: tuple[int, int] | None, words: str) -> None:
    """Zero is not off, and the range depends on the kernel."""
    assert words in swappiness_text(swap_report(reading(swappiness=value, release=release)).swappiness)


@pytest.mark.machine
def test_a_machine_as_it_is() -> None:
    """Whatever it has of swap: a page, JSON, CSV; and no interval where none is wanted."""
    answer = procmem("swap", "--json", "--interval", "0").json
    assert answer["rates"] is None
    assert sum(part["bytes"] for part in answer["parts"]) == answer["used"]
    page = procmem("swap", "--interval", "0.1")
    assert (page.status, page.err) == (0, "")
    assert "swappiness" in page.out
    # the paths of areas and of shared memory are as long as they are
    assert max(len(re.sub(r"/\S+", "", line)) for line in page.out.splitlines()) <= 100
    assert procmem("swap", "--csv", "--interval", "0").out.startswith("pid,user,vmswap_bytes,smaps_swap_bytes,")


def test_a_recording() -> None:
    """It tells of the system at its time, and of no rates."""
    answer = procmem("swap", "--from", str(FIXTURES / "x86_64-6.18-sleep"), "--json").json
    assert answer["rates"] is None
    assert answer["swappiness"]["value"] is not None


def test_a_recording_without_the_list_of_swap_areas(tmp_path: Path) -> None:
    """What is not known is not told as none: null, a question mark, and a sentence that says which file is missing."""
    folder = tmp_path / "recording"
    shutil.copytree(FIXTURES / "x86_64-6.18-sleep", folder)
    (folder / "swaps").unlink()
    answer = procmem("swap", "--from", str(folder), "--json").json
    assert [answer[key] for key in ("total", "used", "areas", "objects", "left_after_swapoff")] == [None] * 5
    assert answer["verdict"]["word"] == "unknown"
    page = procmem("swap", "--from", str(folder)).out
    assert page.startswith("What swap this machine has is not known: /proc/swaps was not read.")
    assert "in use      ? of ?" in page
    assert "no swap" not in page


@pytest.mark.machine
def test_a_process_that_is_not_there() -> None:
    """Fails as everywhere."""
    assert procmem("swap", str(2**22 + 9), "--interval", "0").status == 3


@contextlib.contextmanager
def own_swap(size: int) -> Iterator[Path]:
    """A swap file, or a skip that says why not."""
    with contextlib.ExitStack() as stack:
        try:
            path = stack.enter_context(swap_file(size))
        except OSError as error:
            lacking(f"no swap file: {error}")
        yield path


@pytest.mark.needs_root
@pytest.mark.needs("mkswap", "swapon")
@pytest.mark.machine
def test_what_was_pushed_out_is_found_by_owner(tmp_path: Path) -> None:
    """Private, shared and tmpfs pages: each with its part, and all parts are what the kernel says is in use."""
    with own_swap(96 * MIB), tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = os.path.join(folder, "parked file")
        with python_child(PARKER.format(path=path)) as pid, stopped(pid):
            wait_for(lambda: (_vm_swap(pid) or 0) >= 14 * MIB)
            wait_for(lambda: _settled(pid))
            answer = procmem("swap", str(pid), "--json", "--interval", "0.2").json
            account = procmem("account", str(pid), "--json").json
            page = procmem("swap", str(pid), "--interval", "0").out
            assert procmem("record", str(pid), "-o", str(tmp_path / "r")).status == 0
    recorded = procmem("account", str(tmp_path / "r"), "--json").json
    assert sum(part["bytes"] for part in answer["parts"]) == answer["used"] >= 32 * MIB
    parts = {part["name"]: part["bytes"] for part in answer["parts"]}
    assert parts["processes' own pages"] >= 14 * MIB
    [file] = [item for item in answer["objects"] if item["name"] == path]
    [shared] = [item for item in answer["objects"] if item["name"].startswith("/dev/zero")][:1]
    assert file["sort"] == "tmpfs files"
    assert 11 * MIB <= file["swap"] <= 12 * MIB
    assert 7 * MIB <= shared["swap"] <= 8 * MIB
    unknown = parts.get("no owner found", 0)
    assert unknown <= MIB, "what is in use has owners"
    [mine] = [row for row in answer["processes"] if row["pid"] == pid]
    assert mine["swap"] > mine["vm_swap"] + 16 * MIB
    assert sum(region["swap"] for region in answer["regions"]) == mine["swap"]
    classes = {region["class"] for region in answer["regions"]}
    assert "shm" in classes
    assert classes & {"mmap", "heap"}, "private anonymous memory"
    assert answer["verdict"]["word"] in ("parked", "moving")
    assert answer["left_after_swapoff"] > 0
    assert "would fit" in page
    # the account of the same process
    swap: dict[str, int] = {}
    for leaf in account["leaves"]:
        if leaf["of"] == "swap":
            swap[leaf["name"]] = swap.get(leaf["name"], 0) + leaf["bytes"]
    assert account["totals"]["swap"] == sum(swap.values()) == mine["swap"]
    assert swap["private"] == mine["vm_swap"]
    assert account["unexplained"] == 0
    # a recording knows too which files are shared memory, and nothing else of the mounts
    assert [leaf for leaf in recorded["leaves"] if leaf["of"] == "swap"] == [
        leaf for leaf in account["leaves"] if leaf["of"] == "swap"
    ]
    assert [row for row in recorded["reconciliation"] if row["cause"] == "unexplained"] == []
    assert b"/dev" not in (tmp_path / "r" / str(pid) / "mountinfo").read_bytes()
    causes = [row["cause"] for row in account["reconciliation"] if row["who"].startswith("status VmSwap")]
    assert causes == ["shared memory in swap, which VmSwap leaves out"]


HIDER = """
import ctypes, mmap, os, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
assert libc.unshare(0x20000) == 0  # CLONE_NEWNS
assert libc.mount(b"none", b"/", None, 0x44000, None) == 0  # MS_REC | MS_PRIVATE
assert libc.mount(b"hidden", {mount!r}, b"tmpfs", 0, None) == 0
def fill(fd):
    os.ftruncate(fd, 6 << 20)
    block = mmap.mmap(fd, 6 << 20)
    for page in range(0, len(block), 4096):
        block[page:page + 4096] = os.urandom(4096)
    at = ctypes.c_char.from_buffer(block)
    for _ in range(20):
        assert libc.madvise(ctypes.byref(at), ctypes.c_size_t(len(block)), 21) == 0  # MADV_PAGEOUT
    del at
    block.close()
memfd = os.memfd_create("parked")
fill(memfd)
file = os.open(os.path.join({mount!r}, b"of its own"), os.O_RDWR | os.O_CREAT, 0o600)
fill(file)
os.close(file)
gone = os.open(os.path.join({mount!r}, b"gone"), os.O_RDWR | os.O_CREAT, 0o600)
fill(gone)
os.unlink(os.path.join({mount!r}, b"gone"))
"""


@pytest.mark.needs_namespaces
@pytest.mark.needs_root
@pytest.mark.needs("mkswap", "swapon")
@pytest.mark.machine
def test_shared_memory_that_nobody_maps_has_an_owner() -> None:
    """A memfd and a deleted file that are only open, and a file on a tmpfs elsewhere: no counter tells of them."""
    with (
        own_swap(48 * MIB),
        tempfile.TemporaryDirectory() as mount,
        python_child(HIDER.format(mount=os.fsencode(mount))) as pid,
    ):
        answer = procmem("swap", "--json", "--interval", "0").json
        path = f"/proc/{pid}/root{mount}/of its own"
    assert sum(part["bytes"] for part in answer["parts"]) == answer["used"] >= 16 * MIB
    found = {item["name"]: (item["sort"], item["swap"]) for item in answer["objects"]}
    for name in ("/memfd:parked (deleted)", f"{mount}/gone (deleted)"):
        sort, size = found[name]
        assert (sort, 5 * MIB < size <= 6 * MIB) == ("open shared memory", True), name
    sort, size = found[path]
    assert (sort, 5 * MIB < size <= 6 * MIB) == ("tmpfs files", True)
    parts = {part["name"]: part["bytes"] for part in answer["parts"]}
    assert parts.get("no owner found", 0) <= MIB


def _settled(pid: int) -> bool:
    """Whether nothing moves between memory and swap: what is pushed out is written for a while."""

    def sizes() -> list[str]:
        lines = Path(f"/proc/{pid}/smaps").read_text().splitlines()
        return [line for line in lines if line.startswith(("Rss:", "Swap:", "Anonymous:"))]

    before = sizes()
    time.sleep(0.3)
    return sizes() == before


def _vm_swap(pid: int) -> int | None:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmSwap:"):
            return int(line.split()[1]) * KIB
    return None


THRASHER = """
import os, sys, time
with open(sys.argv[1], 'w') as file:
    file.write(str(os.getpid()))
block = bytearray(os.urandom(1 << 20)) * 96
print('ready', flush=True)
while True:
    for page in range(0, len(block), 4096):
        block[page] = block[page] ^ 1
"""


@contextlib.contextmanager
def memory_cgroup(limit: int) -> Iterator[Path]:
    """A group with a limit, of whichever version the machine has; removed at the end."""
    first = Path("/sys/fs/cgroup/memory")
    root, file = (first, "memory.limit_in_bytes") if first.is_dir() else (Path("/sys/fs/cgroup"), "memory.max")
    group = root / f"procmem-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / file).write_text(str(limit))
    except OSError as error:
        with contextlib.suppress(OSError):
            group.rmdir()
        lacking(f"no memory cgroup: {error}")
    try:
        yield group
    finally:
        wait_for(lambda: not (group / "cgroup.procs").read_text())
        for _ in range(100):
            with contextlib.suppress(OSError):
                group.rmdir()
                break
            time.sleep(0.05)


@pytest.mark.needs_root
@pytest.mark.needs("mkswap", "swapon")
@pytest.mark.machine
def test_thrashing_in_a_cgroup_is_recognised() -> None:
    """96 MiB that are used all the time under a limit of 48: the limit is to blame, not the machine."""
    with (
        own_swap(160 * MIB),
        memory_cgroup(48 * MIB) as group,
        started([sys.executable, "-c", THRASHER, str(group / "cgroup.procs")]) as child,
    ):
        answer = procmem("swap", "--json", "--interval", "2").json
        pid = child.pid
    assert answer["verdict"]["word"] == "thrashing", answer["rates"]
    words = " ".join(answer["verdict"]["sentences"])
    assert answer["rates"]["faulters"][0]["pid"] == pid
    assert f"({pid})" in words
    assert "is at its limit" in words
    assert "machine is not the trouble" in words


@pytest.mark.parametrize(
    ("into", "out", "stalled", "word"),
    [
        (MIB, MIB, None, "thrashing"), (MIB, MIB - 1, None, "moving"), (MIB - 1, MIB, None, "moving"),
        (MIB - 1, MIB - 1, None, "parked"), (MIB, 0, None, "moving"), (MIB, 0, 0.1, "thrashing"),
        (MIB, 0, 0.099, "moving"), (MIB - 1, 0, 0.9, "parked"), (0, MIB, 0.9, "moving"), (0, MIB, None, "moving"),
    ],
)  # fmt: skip
def test_where_one_judgement_ends_and_another_begins(into: int, out: int, stalled: float | None, word: str) -> None:
    """A mebibyte a second is busy; a tenth of the time waited is much."""
    for seconds in (1.0, 4.0):
        rates = Rates(seconds, int(into * seconds), int(out * seconds), 0, stalled, ())
        verdict = swap_report(reading(rates=rates)).verdict
        assert verdict.word == word
        if word == "moving":
            assert verdict.reasons[0].code == ("moving out" if out > into else "moving in")


@pytest.mark.parametrize(("charged", "is_near"), [(90, True), (91, True), (89, False), (None, False), (0, False)])
def test_how_near_a_limit_counts(charged: int | None, is_near: bool) -> None:
    """Nine tenths of a cgroup's limit; without a limit there is none to be near."""
    for limit in (100, None):
        rates = Rates(1.0, 50 * MIB, 50 * MIB, 9, 0.5, (Faulter(5, b"db", 9, b"/small", charged, limit),))
        codes = [reason.code for reason in swap_report(reading(rates=rates)).verdict.reasons]
        assert ("cgroup limit" in codes) == (is_near and limit is not None)


def _memory_groups() -> Path:
    """Where control groups of memory are made, version 1; the test is skipped where they are not."""
    folder = Path("/sys/fs/cgroup/memory")
    if not (folder / "memory.limit_in_bytes").exists():
        pytest.skip("no memory controller of version 1 at /sys/fs/cgroup/memory")
    own = next(line.split(":")[2] for line in Path("/proc/self/cgroup").read_text().splitlines() if ":memory:" in line)
    return Path(f"{folder}{own}")


@contextlib.contextmanager
def _limited_process(limit: int, size: int) -> Iterator[tuple[int, Path]]:
    """A process that has touched so much in a group that may have less: the rest is in swap."""
    group = _memory_groups() / f"procmem-test-{os.getpid()}"
    group.mkdir()
    code = f"import sys; print('go', flush=True); sys.stdin.readline(); x = bytearray(b'x') * {size}"
    code += "; print('ready', flush=True); sys.stdin.read()"
    try:
        (group / "memory.limit_in_bytes").write_text(str(limit))
        with started([sys.executable, "-c", code]) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            (group / "cgroup.procs").write_text(str(process.pid))
            process.stdin.write(b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"ready\n"
            yield process.pid, group
    finally:
        for _ in range(100):
            with contextlib.suppress(OSError):
                group.rmdir()
                break
            time.sleep(0.05)


@pytest.mark.needs_root
@pytest.mark.machine
@pytest.mark.parametrize(("room", "survives"), [(0, False), (64 * MIB, True)])
def test_whether_swapoff_fits_a_group_is_what_happens(room: int, survives: bool) -> None:
    """The verdict, and then swapoff itself: where the limit is too small the kernel kills, or refuses."""
    with swap_file(128 * MIB) as path, _limited_process(64 * MIB, 96 * MIB) as (pid, group):
        (group / "memory.limit_in_bytes").write_text(str(64 * MIB + room))
        answer = procmem("swap", "--json", "--interval", "0").json
        found = [one for one in answer["groups_after_swapoff"] if one["path"].endswith(group.name)]
        assert [one["left"] >= 0 for one in found] == [survives]
        page = procmem("swap", "--interval", "0").out
        assert ("would not fit: the control group" in " ".join(page.split())) == (not survives)
        done = subprocess.run(["swapoff", path], capture_output=True, check=False)
        alive = state_of(pid) != "Z"
        assert (done.returncode == 0 and alive) == survives
        if done.returncode == 0:  # for who takes it away at the end
            subprocess.run(["swapon", path], check=True)


PARKED = """
import mmap, os, sys, zlib
size = int(sys.argv[1])
memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
block = os.urandom(1 << 20)
for _ in range(size >> 20):
    memory.write(block)
memory.madvise(21)  # MADV_PAGEOUT
print(flush=True)
sys.stdin.readline()
wanted = zlib.crc32(block)
print(int(all(zlib.crc32(memory[at : at + (1 << 20)]) == wanted for at in range(0, size, 1 << 20))), flush=True)
sys.stdin.readline()
"""


@contextlib.contextmanager
def _parked(size: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of which so many bytes lie in swap."""
    with started([sys.executable, "-c", PARKED, str(size)]) as child:
        wait_for(lambda: (_vm_swap(child.pid) or 0) >= size * 9 // 10)
        yield child


def _is_whole(child: "subprocess.Popen[bytes]") -> bool:
    """Whether it still has what it wrote."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b"\n")
    child.stdin.flush()
    return child.stdout.readline() == b"1\n"


@pytest.mark.needs_root
@pytest.mark.needs("mkswap", "swapon")
@pytest.mark.machine
def test_parked_data_come_back_by_swapoff() -> None:
    """Idle data, no harm; swapoff would fit, does, and loses nothing."""
    with own_swap(128 * MIB) as path, _parked(64 * MIB) as child:
        wait_for(lambda: _settled(child.pid))
        answer = procmem("swap", "--json", "--interval", "1").json
        page = " ".join(procmem("swap", "--interval", "0").out.split())
        assert answer["verdict"]["word"] == "parked", answer["rates"]
        assert answer["left_after_swapoff"] > 0
        assert "would fit" in page
        done = subprocess.run(["swapoff", path], capture_output=True, check=False)
        assert (done.returncode, _vm_swap(child.pid)) == (0, 0)
        assert _is_whole(child)
        subprocess.run(["swapon", path], check=True)  # for who takes it away at the end


_TAKING = "PROCMEM_TESTS_TAKE_MEMORY"
_LEFT = 1536 * MIB
"""What the machine keeps available for others while most of RAM is taken."""
_TAKES = """
import mmap, sys
with open("/proc/self/oom_score_adj", "w") as file:
    file.write("1000")
memory = mmap.mmap(-1, int(sys.argv[1]), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x2000 | 0x8000)
print(flush=True)
sys.stdin.readline()
"""
"""Memory that is locked and populated. Where memory runs out for anybody else, this is what the kernel ends."""


@pytest.mark.needs_root
@pytest.mark.needs("mkswap", "swapon")
@pytest.mark.machine
def test_swapoff_on_a_machine_that_is_too_small_is_what_was_said() -> None:
    """Most of RAM is locked: what is in swap does not fit, and the kernel ends swapoff, which it knows as the cause."""
    if not os.environ.get(_TAKING):  # no test takes so much from others unasked, not even where all has to run
        pytest.skip(f"it takes most of the machine's memory for a minute: set {_TAKING}=1 where that is right")
    with own_swap(2304 * MIB) as path, _parked(2048 * MIB) as child:
        wait_for(lambda: _settled(child.pid))
        # what has just been written to swap is in memory as well, until somebody needs that
        size = (_of_machine("MemAvailable") + _of_machine("SwapCached") - _LEFT) // MIB * MIB
        if not 0 < size < 64 << 30:
            lacking("this machine has too little memory, or too much, to take most of it away")
        with started([sys.executable, "-c", _TAKES, str(size)]) as taker:
            if not 1024 * MIB < _of_machine("MemAvailable") + _of_machine("SwapCached") < 1900 * MIB:
                lacking("others use the machine's memory meanwhile")
            answer = procmem("swap", "--json", "--interval", "0").json
            page = " ".join(procmem("swap", "--interval", "0").out.split())
            done = subprocess.run(["swapoff", path], capture_output=True, check=False)
            states = [state_of(taker.pid), state_of(child.pid)]
        if done.returncode == 0:  # for who takes it away at the end
            subprocess.run(["swapon", path], check=True)
        assert answer["left_after_swapoff"] < 0
        assert "would not fit" in page
        assert "Z" not in states, "memory ran out for others, or they took it"
        assert done.returncode != 0, "it fitted"
        assert _is_whole(child)


def _of_machine(name: str) -> int:
    """A figure of meminfo, in bytes."""
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    return int(fields[name].split()[0]) * KIB
