"""The questions most asked in public, each by one command."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.asking import field, first_screen, has, kib, private_kib
from tests.support.huge_pages import huge_pages
from tests.support.running import procmem, python_child, started
from tests.support.swapping import swap_file

MIB = 1 << 20
SIZE = r"[0-9.,]+ [KMGT]iB"
MAPPED = """
import ctypes
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
def mapped(size, protection=3, flags=0x22):
    return libc.mmap(None, size, protection, flags, -1, 0)
"""


def test_is_a_virtual_size_of_500_gib_broken() -> None:
    """Asked for, and hardly touched: both figures stand on top, and who fills memory."""
    with python_child(f"{MAPPED}\nctypes.memset(mapped(500 << 30, 3, 0x4022), 1, 64 << 20)") as pid:
        screen = first_screen("inspect", pid)
        virtual, resident = field(pid, "VmSize"), field(pid, "VmRSS")
    assert kib(has(screen, f"VIRT ({SIZE}) address space asked for")[1]) == pytest.approx(virtual, rel=0.01)
    assert kib(has(screen, f"({SIZE}) RES: in memory now")[1]) == pytest.approx(resident, rel=0.02)
    assert kib(has(screen, f"({SIZE}) never touched")[1]) > 0.99 * virtual
    assert has(screen, r"RES \S+ \S+ is filled by 64 MiB ")


def test_which_of_rss_pss_and_uss_is_true() -> None:
    """Of a server that forked: what each counts, and what a worker costs alone."""
    code = """
import os
data = [bytes([n % 256]) * 5000 for n in range(8000)]
for _ in range(4):
    if os.fork() == 0:
        break
"""
    with started([sys.executable, "-c", f"{code}\nprint('ready', flush=True)\nimport time\ntime.sleep(1000)"]) as child:
        time.sleep(0.5)  # all five are there
        told = " ".join(
            procmem("account", str(child.pid)).out.split()
        )  # how long RES is depends on what was copied yet
        uss, pss = private_kib(child.pid), field(child.pid, "Pss", "smaps_rollup")
    assert float(has(told, r"PSS ([0-9.]+) its fair share of what is in memory")[1]) == pytest.approx(pss, rel=0.03)
    assert float(has(told, r"([0-9.]+) is USS")[1]) == pytest.approx(uss, rel=0.05, abs=200)
    assert has(told, "pages that several map, each divided by the number that map it")


@pytest.mark.needs("gcc")
def test_what_is_this_anonymous_region(tmp_path: Path) -> None:
    """An arena of malloc: what it is, how sure that is, and by which evidence."""
    with started([_threads(tmp_path)]) as child:
        lines = Path(f"/proc/{child.pid}/maps").read_text().splitlines()
        arena = next(line for line in lines if re.match(r"[0-9a-f]+[048c]000000-\S+ rw-p", line))
        screen = first_screen("explain", child.pid, "--address", arena.split("-")[0])
        sure = first_screen("explain", child.pid, "--deep", "--address", arena.split("-")[0])
    assert has(screen, "Very likely: A block of a malloc arena of the C library")
    assert has(screen, "fill an aligned block of 64 MiB")
    assert "Very likely" not in sure
    assert has(sure, "malloc arena of the C library")


@pytest.mark.needs("gcc")
def test_why_are_there_blocks_of_64_mib_everywhere(tmp_path: Path) -> None:
    """Eight threads, eight arenas: how many, what they hold, and what to do."""
    with started([_threads(tmp_path)]) as child:
        screen = first_screen("explain", child.pid, "--findings", "--deep")
        held = sum(
            int(row["rss"])
            for row in procmem("inspect", "--regions", "--deep", "--json", str(child.pid)).json["regions"]
            if row["kind"] == "glibc-arena"
        )
    assert has(screen, "Many malloc arenas 8 arenas of 8 blocks, besides the main one, reserve 512 MiB")
    assert kib(has(screen, f"hold ({SIZE}) in memory")[1]) * 1024 == pytest.approx(held, rel=0.02)
    assert held > 8 * 200 * 20_000
    assert has(screen, "MALLOC_ARENA_MAX=2")


@pytest.mark.needs("gcc")
def test_i_freed_it_and_rss_stays(tmp_path: Path) -> None:
    """How much was freed and not given back, where it lies, and what gives it back."""
    with started([_compiled(tmp_path, "freed", FREED)]) as child:
        screen = first_screen("explain", child.pid, "--findings", "--deep")
    found = has(screen, f"Freed and not given back Of malloc's main heap ({SIZE}) are in use; ({SIZE}) of freed blocks")
    assert kib(found[1]) < 100
    assert kib(found[2]) == pytest.approx(20_000 * 1008 / 1024, rel=0.02)  # chunks of 1000 bytes take 1008
    assert has(screen, "malloc_trim")


@pytest.mark.needs("gcc")
def test_which_thread_has_which_stack(tmp_path: Path) -> None:
    """By name and id: where it lies, how deep it is, and how deep it has been."""
    with started([_threads(tmp_path)]) as child:
        screen = first_screen("threads", child.pid)
        tids = sorted(map(int, os.listdir(f"/proc/{child.pid}/task")))
    rows = re.findall(r"(\d+) worker S [0-9a-f]+ [0-9a-f]+ ([0-9.]+) (\d+) [0-9.]+ (\d+)", screen)
    assert [int(row[0]) for row in rows] == tids[1:]
    assert all(float(row[1]) == pytest.approx(256, abs=8) for row in rows)  # what pthread_attr_setstacksize asked for
    assert all(100 <= int(row[3]) <= 124 for row in rows)  # 100 KiB were written, and no longer are in use


@pytest.mark.needs_root
@pytest.mark.machine
def test_who_uses_my_swap() -> None:
    """The process and its memory, and what no process owns."""
    paged_out = f"{MAPPED}\nat = mapped(40 << 20)\nctypes.memset(at, 1, 40 << 20)\n"
    paged_out += "libc.madvise(ctypes.c_void_p(at), ctypes.c_size_t(40 << 20), 21)"
    with swap_file(64 * MIB), python_child(paged_out) as pid:
        screen, itself = first_screen("swap", "--interval", "0"), first_screen("inspect", pid)
        swapped = field(pid, "VmSwap")
    assert swapped > 36 << 10
    assert has(screen, rf"{pid} .*python")
    assert kib(has(itself, f"({SIZE}) swapped out")[1]) == pytest.approx(swapped, rel=0.05)


def test_what_does_reading_smaps_cost_here() -> None:
    """Known before it is read."""
    told = has(first_screen("doctor"), r"Speed of reading smaps: ([0-9.]+) us a mapping, so about (\d+) ms for 10,000")
    assert float(told[1]) * 10 == pytest.approx(int(told[2]), rel=0.1, abs=1)


@pytest.mark.needs("setpriv")
@pytest.mark.needs_root
def test_why_do_i_see_no_sizes() -> None:
    """Unknown is never a zero: which file was refused, and which right is missing."""
    words = ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-m", "procmem", "inspect"]
    with python_child("") as pid:
        done = subprocess.run([*words, str(pid)], capture_output=True, text=True, check=False, cwd="/", env=_anywhere())
    told = " ".join(done.stdout.split())
    assert has(told, "smaps: permission denied; unknown: resident, proportional and swapped sizes of each mapping")
    assert has(told, "CAP_SYS_PTRACE")
    assert " RSS " not in told


@pytest.mark.needs_root
@pytest.mark.machine
def test_huge_pages_are_missing_from_rss() -> None:
    """Memory of hugetlb is in no RSS: it is told beside it."""
    with huge_pages(2), python_child(f"{MAPPED}\nctypes.memset(mapped(4 << 20, 3, 0x40022), 1, 4 << 20)") as pid:
        screen = first_screen("inspect", pid)
        assert field(pid, "HugetlbPages") == 4 << 10
        assert field(pid, "VmRSS") < 30 << 10
    assert has(screen, r"4 MiB .*huge")


def test_the_container_says_one_thing_and_the_process_another() -> None:
    """What its control group is charged, beside its own RES."""
    with python_child("") as pid:
        screen = first_screen("inspect", pid)
        paths = {line.split(":", 2)[2] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()}
    if "cgroup" not in screen:
        pytest.skip("no control group of memory is mounted here")
    assert has(screen, r"cgroup (\S+) is charged")[1] in paths


@pytest.mark.machine
def test_what_does_one_forked_worker_cost() -> None:
    """Private after the fork, shared with its siblings, and what adding up RSS would say."""
    code = """
import os
data = [bytes([n % 256]) * 5000 for n in range(10_000)]
parent = os.getpid()
for _ in range(3):
    if os.fork() == 0:
        more = [bytes([n % 256]) * 5000 for n in range(2000)]
        break
"""
    with started([sys.executable, "-c", f"{code}\nprint('ready', flush=True)\nimport time\ntime.sleep(1000)"]) as child:
        time.sleep(0.5)
        out = procmem("system", "--by", "tree").out
        children = [int(word) for word in Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()]
        costs = sum(map(private_kib, children)) / len(children)
        resident = sum(field(pid, "VmRSS") for pid in (child.pid, *children))
    told = " ".join(out[out.index(f"python, {child.pid}, with 3 children") :].split())
    assert kib(has(told, f"one child really costs ({SIZE}) on average")[1]) == pytest.approx(costs, rel=0.05)
    assert kib(has(told, f"adding up RSS would say ({SIZE})")[1]) == pytest.approx(resident, rel=0.05)


@pytest.mark.needs("java", "javac")
def test_rss_of_java_is_far_above_its_heap(tmp_path: Path) -> None:
    """What fills RES, by name: the Java heap is a part of it."""
    source = tmp_path / "Filled.java"
    source.write_text(
        "public class Filled { public static void main(String[] a) throws Exception {"
        " byte[][] kept = new byte[40][]; for (int i = 0; i < 40; i++) { kept[i] = new byte[1 << 20];"
        " java.util.Arrays.fill(kept[i], (byte) 1); }"
        " java.nio.ByteBuffer direct = java.nio.ByteBuffer.allocateDirect(32 << 20);"
        " for (int i = 0; i < 32 << 20; i += 4096) direct.put(i, (byte) 1);"
        ' System.out.println("ready"); Thread.sleep(1000000); System.out.println(kept.length + direct.get(0)); } }'
    )
    subprocess.run(["javac", str(source)], check=True, capture_output=True)
    with started(["java", "-Xmx128m", "-XX:+UseSerialGC", "-cp", str(tmp_path), "Filled"]) as child:
        screen = first_screen("inspect", child.pid)
        resident = field(child.pid, "VmRSS")
    heap = kib(has(screen, f"({SIZE}) [0-9]+ % Java heap")[1])
    assert 40 << 10 <= heap <= 129 << 10
    assert resident > heap + (32 << 10)
    assert has(screen, "% the library libjvm.so")


def test_what_grew_since_yesterday(tmp_path: Path) -> None:
    """Two looks, and what grew between them, by kind."""
    path = tmp_path / "yesterday.tar.gz"
    grown = f"{MAPPED}\nimport sys\nprint('ready', flush=True)\nsys.stdin.readline()\n"
    grown += "ctypes.memset(mapped(24 << 20), 1, 24 << 20)\nprint('grown', flush=True)\nsys.stdin.readline()"
    with started([sys.executable, "-c", grown]) as child:
        assert procmem("record", str(child.pid), "-o", str(path)).status == 0
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"grown\n"
        screen = first_screen("diff", path, child.pid)
    assert has(screen, "grew most, by 24 MiB: heap, Python's small objects|large blocks of malloc")
    assert has(screen, r"heap [0-9.]+ [0-9.]+ [0-9.]+ [0-9.]+ 24576")


def test_enomem_though_memory_is_free() -> None:
    """Most of the mappings that a process may have are in use: how many of how many."""
    most = int(Path("/proc/sys/vm/max_map_count").read_text())
    count = most - 1000 if most <= 200_000 else 2000
    code = f"{MAPPED}\nfor n in range({count - 60}):\n    mapped(4096, 1 + n % 2 * 2)"
    with python_child(code) as pid:
        screen, found = first_screen("inspect", pid), first_screen("explain", pid, "--findings")
        lines = len(Path(f"/proc/{pid}/maps").read_bytes().splitlines())
    told = has(screen, r"maps (\d+) mappings of at most (\d+) \(vm.max_map_count\)")
    assert abs(int(told[1]) - lines) <= 1
    assert int(told[2]) == most
    assert count != most - 1000 or "max_map_count" in found


def test_are_deleted_files_and_memory_files_a_leak(tmp_path: Path) -> None:
    """A file without a name, a memory file and System V shared memory: each by its name and size."""
    code = f"""
import ctypes, mmap, os
with open("{tmp_path}/gone.bin", "wb+") as file:
    file.write(b"x" * (20 << 20))
    file.flush()
    kept = mmap.mmap(file.fileno(), 20 << 20)
kept[:]
os.unlink("{tmp_path}/gone.bin")
number = os.memfd_create("cache")
os.truncate(number, 8 << 20)
other = mmap.mmap(number, 8 << 20)
other.write(b"x" * (8 << 20))
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
key = libc.shmget(0, 4 << 20, 0o1600)
ctypes.memset(libc.shmat(key, None, 0), 1, 4 << 20)
libc.shmctl(key, 0, None)
"""
    with python_child(code) as pid:
        screen, found = first_screen("inspect", pid), first_screen("explain", pid, "--findings")
    assert has(screen, r"20 MiB [0-9]+ % shared mapping of a file: \S+gone.bin \(deleted\)")
    assert has(screen, r"8 MiB [0-9]+ % memory file: /memfd:cache \(deleted\)")
    assert has(screen, r"4 MiB [0-9]+ % System V shared memory")
    assert has(found.replace("- ", "-"), r"1 data file that was unlinked is still mapped \(\S+gone.bin\), 20 MiB")


def test_what_are_the_inaccessible_holes_in_libraries(tmp_path: Path) -> None:
    """Room that the linker left between segments: no guard pages, and they cost nothing."""
    text = (
        "7f0000000000-7f0000020000 r-xp 00000000 08:01 77 /usr/lib/libold.so.1\n"
        "7f0000020000-7f000021f000 ---p 00020000 08:01 77 /usr/lib/libold.so.1\n"
        "7f000021f000-7f0000220000 r--p 0001f000 08:01 77 /usr/lib/libold.so.1\n"
        "7f0000220000-7f0000221000 rw-p 00020000 08:01 77 /usr/lib/libold.so.1\n"
    )
    (tmp_path / "maps").write_text(text)
    screen = first_screen("explain", tmp_path / "maps", "--perms", "---p")
    assert has(screen, r"00007f0000020000 2044 .* libold.so.1 ")
    assert has(screen, "A hole between the parts of the library libold.so.1: .* it is no guard")


def test_a_newer_kernel_has_fields_that_nobody_knows(tmp_path: Path) -> None:
    """They are kept beside the known ones, and nothing breaks."""
    with python_child("") as pid:
        text = Path(f"/proc/{pid}/smaps").read_text()
        resident = sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Rss:"))
    newer = re.sub(r"(?m)^(Pss:.*)$", r"\1\nPss_Quantum:          12 kB", text)
    (tmp_path / "smaps").write_text(newer)
    run = procmem("inspect", str(tmp_path / "smaps"), "--json")
    assert run.status == 0, run
    assert run.json["totals"]["rss"] == resident * 1024


def test_two_tools_tell_two_sizes() -> None:
    """Who says what, and by how much it differs from smaps."""
    with python_child("data = bytearray(b'x') * (30 << 20)") as pid:
        run = procmem("account", str(pid))
    told = " ".join(run.out.split())
    assert run.status == 0, run
    assert has(told, "who says what, and by how much it differs from smaps")
    assert has(told, "VmRSS")
    assert has(told, "statm")


def test_what_do_page_tables_and_huge_pages_take() -> None:
    """Page tables beside RES, and which of RES is transparent huge pages."""
    code = f"{MAPPED}\nat = mapped(64 << 20) + (2 << 20) - 1 & ~((2 << 20) - 1)\n"
    code += "libc.madvise(ctypes.c_void_p(at), ctypes.c_size_t(32 << 20), 14)\nctypes.memset(at, 1, 32 << 20)"
    with python_child(code) as pid:
        told = " ".join(procmem("account", str(pid)).out.split())
        tables, huge = field(pid, "VmPTE"), field(pid, "AnonHugePages", "smaps_rollup")
    assert int(has(told, r"(\d+) page tables \(VmPTE\)")[1]) == tables
    assert int(has(told, r"(\d+) transparent huge pages")[1]) >= huge


THREADS = r"""
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static pthread_barrier_t there;
static void __attribute__((noinline)) deep(void) {
    volatile char block[100000];
    for (int n = 0; n < 100000; n += 512) block[n] = 1;
}
static void *work(void *none) {
    pthread_setname_np(pthread_self(), "worker");
    for (int n = 0; n < 200; n++) memset(malloc(20000), 1, 20000);
    deep();
    pthread_barrier_wait(&there);
    pause();
    return none;
}
int main(void) {
    pthread_attr_t small;
    pthread_t thread;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 << 10);
    pthread_barrier_init(&there, 0, 9);
    for (int n = 0; n < 8; n++) pthread_create(&thread, &small, work, 0);
    pthread_barrier_wait(&there);
    usleep(100000);
    puts("ready"); fflush(stdout); pause();
}
"""
FREED = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static char *kept[20001];
int main(void) {
    for (int n = 0; n <= 20000; n++) memset(kept[n] = malloc(1000), 1, 1000);
    for (int n = 0; n < 20000; n++) free(kept[n]);
    puts("ready"); fflush(stdout); pause();
}
"""


def _compiled(folder: Path, name: str, text: str) -> str:
    source = folder / f"{name}.c"
    source.write_text(text)
    subprocess.run(["gcc", "-O1", "-pthread", "-o", str(folder / name), str(source)], check=True, capture_output=True)
    return str(folder / name)


def _threads(folder: Path) -> str:
    return _compiled(folder, "threads", THREADS)


def _anywhere() -> dict[str, str]:
    """The environment, in which the package is found from any folder."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
