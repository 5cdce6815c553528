"""Which processes have one address space: by memory alone, whatever else they share."""

import ctypes
import os
import threading
from collections.abc import Iterator

import pytest

from procmem.sources import kcmp
from procmem.sources.kcmp import same_memory

CLONE_FILES = 0x400


@pytest.fixture
def forks() -> Iterator[list[int]]:
    """Five processes with equal figures, and memory of their own."""
    pids = []
    release, held = os.pipe()
    for _ in range(5):
        pid = os.fork()
        if not pid:
            os.close(held)
            os.read(release, 1)
            os._exit(0)
        pids.append(pid)
    yield pids
    os.close(held)
    os.close(release)
    for pid in pids:
        os.waitpid(pid, 0)


@pytest.fixture
def threads() -> Iterator[list[int]]:
    """Three threads of ours that have open files of their own."""
    tids: list[int] = []
    ready, done = threading.Barrier(4), threading.Event()

    def work() -> None:
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_FILES) == 0:
            tids.append(threading.get_native_id())
        ready.wait(30)
        done.wait()

    running = [threading.Thread(target=work) for _ in range(3)]
    for thread in running:
        thread.start()
    ready.wait(30)
    yield tids
    done.set()
    for thread in running:
        thread.join()


def test_threads_share_memory_and_forks_do_not(forks: list[int], threads: list[int]) -> None:
    """Each with the first that has it, in whatever order they are named."""
    assert len(threads) == 3
    us = os.getpid()
    assert same_memory([us, *forks]) == {}
    assert same_memory([us, *forks, *threads]) == dict.fromkeys(threads, us)
    assert same_memory([*threads, *reversed(forks), us]) == dict.fromkeys([*threads[1:], us], threads[0])
    mixed = [forks[0], threads[1], forks[1], us, forks[2], threads[0], forks[3], forks[4], threads[2]]
    assert same_memory(mixed) == dict.fromkeys([us, threads[0], threads[2]], threads[1])


def test_one_alone_and_one_that_is_gone() -> None:
    """Nothing to compare, and nothing said."""
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    assert same_memory([os.getpid()]) == same_memory([]) == {}
    assert same_memory([os.getpid(), pid]) == same_memory([pid, os.getpid()]) == {}


def test_how_each_kernel_numbers_the_call() -> None:
    """By the tables of system calls; of an architecture that is not listed nothing is asked."""
    assert {name: kcmp._NUMBERS[name] for name in kcmp._NUMBERS} == {
        "x86_64": 312, "aarch64": 272, "riscv64": 272, "ppc64le": 354, "s390x": 343,
    }  # fmt: skip
