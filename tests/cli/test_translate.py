"""``procmem translate``: a real page agrees with the kernel's own tables; the simulated one tells its whole way."""

import ctypes
import json
import mmap
import os
import struct
from pathlib import Path

import pytest

from tests.support.running import procmem

PAGE = mmap.PAGESIZE


def _word(path: str, index: int) -> int:
    with Path(path).open("rb") as file:
        file.seek(8 * index)
        return int(struct.unpack("<Q", file.read(8))[0])


def _touched() -> tuple[mmap.mmap, int]:
    memory = mmap.mmap(-1, 4 * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory[0] = 1
    return memory, ctypes.addressof(ctypes.c_char.from_buffer(memory))


def test_indexes_of_a_real_address() -> None:
    """Their bits, put together again, are the address."""
    memory, address = _touched()
    run = procmem("translate", str(os.getpid()), f"{address + 0x123:x}", "--json")
    answer = json.loads(run.out)
    assert (run.status, answer["schema"], answer["offset"]) == (0, "procmem/translate/1", 0x123)
    if answer["levels"] is not None:
        number = 0
        for level in answer["walk"]:
            number = number << 9 | level["index"]
        assert number << 12 | answer["offset"] == address + 0x123
    assert "present" in answer["pagemap_bits"]
    assert answer["area"].split()[1] == "rw-p"
    untouched = json.loads(procmem("translate", str(os.getpid()), f"{address + PAGE:x}", "--json").out)
    assert (untouched["frame"], untouched["pagemap_bits"]) in ((None, []), (None, ["soft-dirty"]))
    del memory


@pytest.mark.needs_root
def test_the_frame_is_the_kernels() -> None:
    """Frame, flags and count as pagemap, kpageflags and kpagecount give them when read here."""
    memory, address = _touched()
    answer = json.loads(procmem("translate", str(os.getpid()), f"{address:x}", "--json").out)
    frame = _word("/proc/self/pagemap", address // PAGE) & (1 << 55) - 1
    assert answer["frame"] == frame
    assert answer["physical"] == f"{frame * PAGE:#x}"
    flags = _word("/proc/kpageflags", frame)
    for bit, name in ((11, "MMAP"), (12, "ANON"), (14, "SWAPBACKED")):
        assert (name in answer["flags"]) == bool(flags >> bit & 1)
    assert answer["mapped"] == _word("/proc/kpagecount", frame) == 1
    page = procmem("translate", str(os.getpid()), f"{address:x}").out
    assert f"physical  {frame * PAGE:#x}" in page
    del memory


@pytest.mark.needs_root
def test_without_permission_it_says_why() -> None:
    """A user sees the indexes of his own process, but no frame."""
    run = procmem("translate", "self", "400000", nobody=True)
    assert run.status == 0
    assert "levels" in run.out or "not known" in run.out
    assert "frame  " not in run.out


def test_kernel_space_is_not_shown() -> None:
    """Of an address beyond user space only the indexes are known."""
    out = procmem("translate", "self", "ffff888000000000").out
    assert "kernel space" in out or "not known" in out


def test_the_simulated_machine() -> None:
    """A demand fault, then the same page again; M11 from user mode; a script of one's own."""
    run = procmem("translate", "--sim", "--access", "write", "0xb7ce4000", "0xb7ce4004")
    assert run.status == 0
    first, second = run.out.split("\n\n")
    assert "minor fault; a fresh page" in first
    assert "hit" in second
    assert "page fault" not in second
    kernel = json.loads(procmem("translate", "--sim", "--json", "c0000000").out)
    assert kernel["fault"]["code"] == 5
    passes = json.loads(procmem("translate", "--sim", "--json", "--kernel-mode", "c0000000").out)
    assert (passes["fault"], passes["physical"]) == (None, "0x0")
    assert procmem("translate", "--sim", "--pae", "--access", "fetch", "bfffe000").out.count("SIGSEGV") == 1


def test_wrong_words() -> None:
    """Usage 2, and so are addresses that are none; no process 3."""
    assert procmem("translate").status == 2
    assert procmem("translate", "self", "xyz").status == 2
    assert procmem("translate", "--sim", "100000000").status == 2
    assert procmem("translate", "999999999", "0").status == 3
