"""The kernel's names are read in one place, with what the line says beside them."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from procmem.model.given_names import GivenName, given_name
from procmem.model.vma_names import (
    Backing,
    KernelName,
    is_file_in_memory,
    kernel_label,
    read_vma_name,
)
from tests.support.running import procmem, started

TMPFS, DISK = "00:1b", "fe:00"


@pytest.mark.parametrize(
    ("name", "said", "named", "backing"),
    [
        (b"", {}, KernelName.NONE, Backing.ANONYMOUS),
        (b"", {"shared": True}, KernelName.NONE, Backing.SHARED_MEMORY),
        (b"[heap]", {}, KernelName.HEAP, Backing.ANONYMOUS),
        (b"[stack:1234]", {}, KernelName.STACK_OF_THREAD, Backing.ANONYMOUS),
        (b"[stack:x]", {}, KernelName.OTHER, Backing.KERNEL),
        (b"[vvar_vclock]", {}, KernelName.VVAR_VCLOCK, Backing.KERNEL),
        (b"[anon: glibc: malloc]", {}, KernelName.GIVEN, Backing.ANONYMOUS),
        (b"[anon_shmem:x]", {"shared": True}, KernelName.GIVEN_SHARED, Backing.SHARED_MEMORY),
        (b"/SYSV00000000 (deleted)", {"device": "00:01"}, KernelName.SYSV, Backing.SHARED_MEMORY),
        (b"/SYSV00000000", {"device": DISK}, KernelName.FILE, Backing.FILE),
        (b"/memfd:x (deleted)", {"device": "00:01"}, KernelName.MEMFD, Backing.SHARED_MEMORY),
        (b"/memfd:x", {"device": DISK}, KernelName.FILE, Backing.FILE),
        (b"/memfd:x (deleted)", {"device": "00:0f", "flags": "rd wr ht"}, KernelName.MEMFD, Backing.HUGETLB),
        (b"/dev/shm/x", {"device": TMPFS}, KernelName.POSIX, Backing.SHARED_MEMORY),
        (b"/dev/shm/x", {"device": DISK}, KernelName.DEVICE_NODE, Backing.DEVICE),
        (b"/dev/zero (deleted)", {"shared": True}, KernelName.SHARED_ZERO, Backing.SHARED_MEMORY),
        (b"/dev/zero", {"device": "00:06"}, KernelName.PRIVATE_ZERO, Backing.ANONYMOUS),
        (b"/dev/zero-not", {"device": "00:06"}, KernelName.DEVICE_NODE, Backing.DEVICE),
        (b"/usr/lib/libc.so.6", {"device": DISK}, KernelName.FILE, Backing.FILE),
        (b"/usr/bin/x", {"device": DISK, "flags": "rd io pf"}, KernelName.FILE, Backing.DEVICE),
        (b"anon_inode:[io_uring]", {"device": "00:0e"}, KernelName.IO_URING, Backing.DEVICE),
    ],
)
def test_a_name_is_read_with_its_line(name: bytes, said: dict[str, Any], named: KernelName, backing: Backing) -> None:
    """Brackets without an inode are the kernel's; objects need a device without a disk; flags tell the rest."""
    has_inode = name[:1] == b"/" or name.startswith(b"anon_inode")
    found = read_vma_name(name, has_inode=has_inode, **said)
    assert (found.named, found.backing) == (named, backing)


def test_a_file_called_like_a_label_is_a_file() -> None:
    """A label of the kernel has no inode."""
    assert read_vma_name(b"[heap]", device=DISK, has_inode=True).named is KernelName.FILE


def test_the_words_of_programs_are_told_apart() -> None:
    """The longest known beginning decides; what nobody knows is kept as OTHER."""
    assert given_name(b"[anon: glibc: malloc arena]") is GivenName.GLIBC_ARENA
    assert given_name(b"[anon: glibc: malloc]") is GivenName.GLIBC_MALLOC
    assert given_name(b"[anon: glibc: fatal]") is GivenName.GLIBC
    assert given_name(b"[anon:clickhouse_stack]") is GivenName.STACK
    assert given_name(b"[anon:kj_fiber_stack]") is GivenName.FIBER
    assert given_name(b"[anon:Heap Layer]") is GivenName.HEAP
    assert given_name(b"[anon:a cache]") is GivenName.OTHER
    assert given_name(b"/dev/ashmem/dalvik-main space (deleted)") is GivenName.DALVIK


def test_labels_are_written_as_they_are_read() -> None:
    """What the simulator prints, the reader knows again."""
    for named in (KernelName.HEAP, KernelName.STACK, KernelName.VDSO, KernelName.VVAR, KernelName.VVAR_VCLOCK):
        assert read_vma_name(kernel_label(named)).named is named
    assert is_file_in_memory(kernel_label(KernelName.SHARED_ZERO))


FOUR = """
import ctypes, mmap, os, sys
size = 64 << 20
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
held = [mmap.mmap(-1, size)]
memfd = os.memfd_create("untouched")
os.ftruncate(memfd, size)
held.append(mmap.mmap(memfd, size))
path = "/dev/shm/procmem-untouched-%d" % os.getpid()
file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
os.unlink(path)
os.ftruncate(file, size)
held.append(mmap.mmap(file, size))
shmid = libc.shmget(0, ctypes.c_size_t(size), 0o1600)
assert shmid >= 0 and libc.shmat(shmid, None, 0) not in (None, 2**64 - 1)
libc.shmctl(shmid, 0, None)  # IPC_RMID: gone with the process
print("ready", flush=True)
sys.stdin.read()
"""
MIB = 1 << 20


@pytest.fixture(scope="module")
def four() -> Iterator["subprocess.Popen[bytes]"]:
    """A process with 64 MiB of each sort of shared memory, none of it touched."""
    with started([sys.executable, "-c", FOUR]) as child:
        yield child


def test_untouched_shared_memory_is_told_alike(four: "subprocess.Popen[bytes]") -> None:
    """POSIX, memfd, System V and shared anonymous: of no file, and not in memory, in inspect, account and explain."""
    pid = str(four.pid)
    seen = procmem("inspect", "--json", pid).json
    shm = next(row for row in seen["classes"] if row["class"] == "shm")
    assert (shm["virt"], shm["rss"]) == (256 * MIB, 0)
    assert seen["account"]["untouched"] >= 256 * MIB
    assert seen["account"]["file_not_resident"] < 64 * MIB
    leaves = procmem("account", "--json", pid).json["leaves"]
    of_shm = {leaf["name"]: leaf["bytes"] for leaf in leaves if leaf["of"] == "virt" and leaf["class"] == "shm"}
    assert of_shm == {"shmem, not resident": 256 * MIB}
    explained = procmem("explain", "--json", "--lang", "en", pid).json["regions"]
    said = {region["sentence"].rsplit(". ", 1)[-1] for region in explained if region["class"] == "shm"}
    assert said == {"None of its 64 MiB is in memory."}
