"""Every finding, in a process that was made to have it, with its figure; and none of them in a plain process."""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.huge_pages import huge_pages
from tests.support.running import procmem, python_child, started

MIB = 1 << 20
LIBC = """
import ctypes, mmap, os, resource, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
def anonymous(size, flags=0):
    return libc.mmap(None, size, 3, 0x22 | flags, -1, 0)
def touch(at, size, step=4096):
    for page in range(at, at + size, step):
        ctypes.memset(page, 1, 1)
"""

ARENAS = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static pthread_barrier_t ready;
static void *allocate(void *nothing)
{
    memset(malloc(100000), 1, 100000);
    pthread_barrier_wait(&ready);
    for (;;)
        pause();
    return nothing;
}
int main(void)
{
    pthread_t thread;
    pthread_barrier_init(&ready, NULL, 13);
    for (int i = 0; i < 12; i++)
        pthread_create(&thread, NULL, allocate, NULL);
    pthread_barrier_wait(&ready);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
"""

ENDED_THREADS = """
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *end_at_once(void *nothing) { return nothing; }
int main(void)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, end_at_once, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
"""

DEEP_STACK = """
#include <stdio.h>
#include <unistd.h>
static int recurse(int depth)
{
    volatile char frame[4096];
    frame[0] = 1;
    return depth == 0 ? frame[0] : recurse(depth - 1) + frame[0];
}
int main(void)
{
    recurse(1750);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
"""


def findings_of(pid: int, *more: str) -> dict[str, dict[str, Any]]:
    answer = procmem("explain", "--findings", "--json", *more, str(pid))
    assert answer.status == 0, answer
    page = procmem("explain", "--findings", "--lang", "zh", *more, str(pid))
    found = {item["name"]: item["figures"] for item in answer.json["findings"]}
    assert "{" not in page.out, "a figure was not filled in"
    return found


def of_program(source: str, folder: Path) -> Iterator[int]:
    program = folder / "program"
    subprocess.run(["gcc", "-O0", "-pthread", "-x", "c", "-", "-o", str(program)], input=source, text=True, check=True)
    with started([str(program)]) as child:
        yield child.pid


def test_a_plain_process_has_none() -> None:
    """Nothing about an idle interpreter deserves attention."""
    with started(["sleep", "1000"], ready=False) as child:
        assert findings_of(child.pid) == {}


@pytest.mark.needs("gcc")
def test_many_arenas(tmp_path: Path) -> None:
    """Twelve threads that allocate: twelve arenas of 64 MiB, about 130 KiB of each alive, and glibc's limit."""
    for pid in of_program(ARENAS, tmp_path):
        by_shape, known = findings_of(pid)["one-block-arenas"], findings_of(pid, "--deep")["many-arenas"]
    cpus = len(os.sched_getaffinity(0))
    assert known["count"] == known["blocks"] == by_shape["blocks"] == min(12, 8 * cpus)
    assert by_shape["at_least"] == by_shape["at_most"] == known["count"]  # each block is hardly used: its arena's last
    for found in (by_shape, known):
        assert found["reserved_bytes"] == found["blocks"] * 64 * MIB
        assert 12 * 100_000 <= found["live_bytes"] <= 12 * 300_000


@pytest.mark.needs("gcc")
def test_stacks_of_threads_that_ended(tmp_path: Path) -> None:
    """Glibc keeps them for the next threads, by its own list."""
    for pid in of_program(ENDED_THREADS, tmp_path):
        found = findings_of(pid, "--deep")["cached-stacks"]
    # at least one of them: threads that ran one after the other used the same
    assert 1 <= found["count"] <= 3
    assert found["size_bytes"] > MIB


REPLACED = """
#include <dlfcn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <fcntl.h>
#include <unistd.h>
int main(int count, char **words)
{
    int file = open(words[2], O_RDWR);
    mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    dlopen(words[1], RTLD_NOW);
    mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, memfd_create("x", 0), 0);
    unlink(words[1]);
    unlink(words[2]);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
"""


@pytest.mark.needs("gcc")
def test_replaced_libraries_and_unlinked_data_are_told_apart(tmp_path: Path) -> None:
    """A library is an old version; a data file most often was unlinked on purpose; a memfd never had a name."""
    library, data, program = tmp_path / "libold.so", tmp_path / "a-data-file", tmp_path / "program"
    build = ["gcc", "-D_GNU_SOURCE", "-x", "c", "-"]
    subprocess.run([*build, "-shared", "-o", str(library)], input="int x(void) { return 1; }", text=True, check=True)
    subprocess.run([*build, "-o", str(program), "-ldl"], input=REPLACED, text=True, check=True)
    data.write_bytes(bytes(65536))
    with started([str(program), str(library), str(data)]) as child:
        found = findings_of(child.pid)
    assert found["deleted-files"] == {"count": 1, "example": str(library)}
    assert found["unlinked-files"] == {"count": 1, "example": str(data), "size_bytes": 65536}


@pytest.mark.needs("gcc")
def test_a_stack_near_its_limit(tmp_path: Path) -> None:
    """Nearly 7 MiB of 8 were used once."""
    soft, _ = resource.getrlimit(resource.RLIMIT_STACK)
    if soft != 8 * MIB:
        pytest.skip("the limit of stacks is not 8 MiB here")
    for pid in of_program(DEEP_STACK, tmp_path):
        found = findings_of(pid)["stack-limit"]
    assert 6.5 * MIB <= found["used_bytes"] <= 8 * MIB == found["limit_bytes"]


CASES: dict[str, tuple[str, Callable[[dict[str, Any]], bool]]] = {
    "map-count": (
        "for number in range(int(open('/proc/sys/vm/max_map_count').read()) * 9 // 10):\n"
        "    libc.mmap(None, 4096, 1 + 2 * (number % 2), 0x22, -1, 0)",
        lambda f: 0.85 * f["limit"] <= f["count"] <= f["limit"],
    ),
    "limit-address-space": (
        "size = int(open('/proc/self/statm').read().split()[0]) * 4096\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size + (400 << 20),) * 2)\nanonymous(380 << 20)",
        lambda f: 0.8 * f["limit_bytes"] <= f["virt_bytes"] <= f["limit_bytes"],
    ),
    "limit-locked": (
        "resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 20, 1 << 20))\n"
        "at = anonymous(900 << 10)\nlibc.mlock.argtypes = [ctypes.c_void_p, ctypes.c_size_t]\n"
        "assert libc.mlock(at, 900 << 10) == 0",
        lambda f: (f["locked_bytes"], f["limit_bytes"]) == (900 << 10, MIB),
    ),
    "text-copied": (
        "import re\n"
        "line = next(l for l in open('/proc/self/maps') if 'r-xp' in l and 'libc.so' in l)\n"
        "start, end = (int(word, 16) for word in line.split()[0].split('-'))\n"
        "assert libc.mprotect(start, 100 * 4096, 7) == 0\n"
        "for page in range(start, start + 100 * 4096, 4096):\n"
        "    byte = ctypes.c_char.from_address(page)\n"
        "    byte.value = byte.value\n"
        "assert libc.mprotect(start, 100 * 4096, 5) == 0",
        lambda f: bool(f["size_bytes"] == 100 * 4096),
    ),
    "page-tables": (
        "at = anonymous(6 << 30, 0x4000)\nlibc.madvise(at, 6 << 30, 15)\ntouch(at, 6 << 30, 2 << 20)",
        lambda f: f["tables_bytes"] >= 3072 * 4096,
    ),
    "huge-pages": (
        "at = anonymous(300 << 20)\nlibc.madvise(at, 300 << 20, 15)\ntouch(at, 300 << 20)",
        lambda f: f["huge_bytes"] == 0 and f["anonymous_bytes"] >= 300 * MIB,
    ),
    "lazily-freed": (
        "at = anonymous(8 << 20)\ntouch(at, 8 << 20)\nlibc.madvise(ctypes.c_void_p(at), 4 << 20, 8)",
        lambda f: (4 << 20) - (1 << 18) <= f["lazy_bytes"] <= 4 << 20,  # the kernel marks pages some at a time
    ),
    "reserved-above-touched": (
        "anonymous(3 << 30, 0x4000)",
        lambda f: f["idle_bytes"] >= 3 << 30,
    ),
    "writable-and-executable": (
        "libc.mmap(None, 65536, 7, 0x22, -1, 0)",
        lambda f: (f["count"], f["size_bytes"]) == (1, 65536),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_in_a_process_that_has_it(name: str) -> None:
    """The process makes exactly that condition, and its own figure is told."""
    code, right = CASES[name]
    with python_child(LIBC + code) as pid:
        found = findings_of(pid)
    assert name in found, found
    assert right(found[name]), found[name]


@pytest.mark.needs_root
@pytest.mark.machine
def test_huge_pages_that_rss_leaves_out() -> None:
    """Eight of them, in use: 16 MiB."""
    code = LIBC + "at = anonymous(16 << 20, 0x40000)\nassert at not in (None, ctypes.c_void_p(-1).value)\n"
    with huge_pages(8), python_child(code + "touch(at, 16 << 20, 2 << 20)") as pid:
        found = findings_of(pid)["hugetlb"]
    assert found["hugetlb_bytes"] == 16 * MIB
