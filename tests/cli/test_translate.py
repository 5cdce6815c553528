"""``procmem translate``: a real page agrees with the kernel's own tables; the simulated one tells its whole way."""

import ctypes
import json
import mmap
import os
import struct
from pathlib import Path

import pytest

from tests.support.running import procmem
from tests.support.swapping import swap_file

PAGE = mmap.PAGESIZE
HUGE = 2 << 20


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


def _mapped(size: int, flags: int = 0) -> tuple[mmap.mmap, int]:
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | flags)
    return memory, ctypes.addressof(ctypes.c_char.from_buffer(memory))


@pytest.mark.needs_root
def test_a_huge_page_has_no_page_table() -> None:
    """The walk ends at the entry that maps it; what is left of the address is the offset in it."""
    memory, start = _mapped(8 << 20)
    at = start + HUGE - 1 & -HUGE
    memory.madvise(mmap.MADV_HUGEPAGE, at - start, HUGE)
    memory[at - start] = 1
    address = at + 0x12345
    answer = json.loads(procmem("translate", str(os.getpid()), f"{address:x}", "--json").out)
    smaps = Path("/proc/self/smaps").read_text()
    if not any(int(line.split()[1]) for line in smaps.splitlines() if line.startswith("AnonHugePages:")):
        pytest.skip("no transparent huge page was to be had")
    assert answer["huge_page"]
    assert answer["offset"] == 0x12345
    assert [step["level"] for step in answer["walk"]][-1] == "PMD"
    assert answer["walk"][-1]["index"] == address >> 21 & 0x1FF
    first = _word("/proc/self/pagemap", at // PAGE) & (1 << 55) - 1
    assert int(answer["physical"], 16) == first * PAGE + 0x12345
    page = procmem("translate", str(os.getpid()), f"{address:x}").out
    assert "offset 0x12345: that entry maps a huge page" in " ".join(page.split())
    assert "PTE" not in page
    del memory


@pytest.mark.needs_root
@pytest.mark.machine
def test_a_swapped_page_has_an_area_and_a_slot() -> None:
    """As pagemap's own word gives them, when read here."""
    memory, address = _mapped(4 << 20)
    with swap_file(16 << 20) as path:
        for at in range(0, len(memory), PAGE):
            memory[at : at + 8] = os.urandom(8)
        memory.madvise(21)  # MADV_PAGEOUT
        word = _word("/proc/self/pagemap", address // PAGE)
        assert word >> 62 & 1, "the kernel did not swap it out"
        answer = json.loads(procmem("translate", str(os.getpid()), f"{address:x}", "--json").out)
        page = procmem("translate", str(os.getpid()), f"{address:x}").out
        areas = Path("/proc/swaps").read_text().splitlines()[1:]
    assert (answer["swap"]["area"], answer["swap"]["slot"]) == (word & 0x1F, word >> 5 & (1 << 50) - 1)
    if len(areas) == 1:
        assert answer["swap"]["path"] == str(path)
        assert f"area {word & 0x1F} ({path}), slot" in page
    assert answer["frame"] is None
    memory.close()
