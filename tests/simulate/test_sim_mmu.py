"""The MMU: walks computed by hand, error codes, segments, the translation buffer."""

import platform
import subprocess
import sys

import pytest

from procmem.model.note import note
from procmem.model.reports.translation import Translation
from procmem.model.simulated_memory import FIRST_FRAME, Paging, SimMemory
from procmem.model.simulation import PAGE, KernelKind
from procmem.simulate.arch.mmu import translate
from procmem.simulate.arch.page_entries import Pte
from procmem.simulate.arch.segments import segment_for
from procmem.simulate.arch.tlb import Tlb, fill, lookup
from procmem.simulate.kernel.events import Map, Protect, Unmap
from procmem.simulate.kernel.frames import page_tables_bytes
from procmem.simulate.kernel.memory import cost, step
from procmem.simulate.kernel.memory_events import Do, End, ForkAs
from procmem.text.translation import answer_text
from tests.simulate.test_sim_memory import AT, begun, mapped, read, write

F = FIRST_FRAME << 12  # physical address of the first frame handed out: 0x1000000


def told(memory: SimMemory, address: int, access: str = "read", *, user_mode: bool = True) -> Translation:
    return translate(memory, 1, address, access=access, user_mode=user_mode)[0]


def test_two_levels_by_hand() -> None:
    """Address 0x80403a7c is 10_0000_0001 | 00_0000_0011 | a7c: directory entry 513, table entry 3.

    Frames are handed out in order: 0x1000 is the directory, 0x1001 the table for 0x80400000 (made at the fault),
    0x1002 the page. The directory entry is at 0x1000000 + 4 * 513 = 0x1000804 and holds 0x1001 << 12 | 0x67 (present,
    writable, user, accessed, dirty); the table's entry is at 0x1001000 + 4 * 3 = 0x100100c and holds 0x1002 << 12
    | 0x67. So the physical address is 0x1002a7c.
    """
    address = 0x80403A7C
    memory = begun(mapped(2048), write(1, first=0x403))
    one = told(memory, address)
    assert [(s.number, s.entry_address, s.entry) for s in one.first] == [
        (513, 0x1000804, 0x1001067),
        (3, 0x100100C, 0x1002067),
    ]
    assert [bit.code for bit in one.first[1].bits] == ["present", "writable", "user", "accessed", "dirty"]
    assert (one.fault, one.physical, one.directory) == (None, 0x1002A7C, 0x1000000)


def test_pae_by_hand() -> None:
    """Address 0x80403a7c is 10 | 0_0000_0010 | 0_0000_0011 | a7c: pointer 2, directory entry 2, table entry 3.

    Frames: 0x1000 the pointers, 0x1001 to 0x1004 the four directories, 0x1005 the table, 0x1006 the page. Pointer 2 at
    0x1000000 + 8 * 2 holds 0x1003 << 12 | present; the directory entry at 0x1003000 + 8 * 2 holds 0x1005067;
    the table's at 0x1005000 + 8 * 3 = 0x1005018 holds 0x1006067 with bit 63, no execute. Physical: 0x1006a7c.
    """
    memory = begun(mapped(2048), write(1, first=0x403), paging=Paging.PAE)
    one = told(memory, 0x80403A7C)
    assert [(s.number, s.entry_address, s.entry) for s in one.first] == [
        (2, 0x1000010, 0x1003001),
        (2, 0x1003010, 0x1005067),
        (3, 0x1005018, 0x8000000001006067),
    ]
    assert one.first[2].bits[-1] == note("no-execute")
    assert one.physical == 0x1006A7C


def test_the_direct_map_by_hand() -> None:
    """Kernel address 0xc1234567 is 11_0000_0100 | large page of 4 MiB, offset 0x234567: directory entry 772.

    It maps physical 0x1000000 (0xc1000000 - 0xc0000000) as one large global page without the user bit:
    0x1000000 | present, writable, accessed, dirty, large, global = 0x10001e3. Physical 0x1234567; for the kernel only.
    """
    memory = begun(ram=1 << 30)
    kernel = told(memory, 0xC1234567, user_mode=False)
    assert [(s.number, s.entry_address, s.entry) for s in kernel.first] == [(772, F + 4 * 772, 0x10001E3)]
    assert (kernel.fault, kernel.physical) == (None, 0x1234567)
    user = told(memory, 0xC1234567)
    assert user.fault is not None
    assert (user.fault.code, user.physical) == (5, None)
    assert user.fault.answer == note("kernel-space")


def test_a_huge_page_ends_the_walk_early() -> None:
    """2 MiB at once: the directory's entry is the last, and 21 bits go through."""
    memory = begun(mapped(512), write(512), thp=True, paging=Paging.PAE)
    one = told(memory, AT + 0x123456)
    assert len(one.first) == 2
    assert note("large-page") in one.first[1].bits
    assert one.physical is not None
    assert one.physical % (1 << 21) == 0x123456


@pytest.mark.parametrize(
    ("access", "prepare", "code"),
    [
        ("read", [Do(1, Unmap(AT, PAGE))], 4),
        ("write", [Do(1, Unmap(AT, PAGE))], 6),
        ("write", [Do(1, Protect(AT, PAGE, "r--"))], 6),
        ("write", [write(1), Do(1, Protect(AT, PAGE, "r--"))], 7),
        ("read", [Do(1, Protect(AT, PAGE, "---"))], 4),
        ("read", [write(1), Do(1, Protect(AT, PAGE, "---"))], 4),
        ("fetch", [Do(1, Unmap(AT, PAGE))], 0x14),
        ("fetch", [write(1)], 0x15),
    ],
)
def test_codes_of_refused_accesses(access: str, prepare: list[Do], code: int) -> None:
    """The table of error codes that real kernels gave; with PAE, which has NX."""
    one = told(begun(mapped(1), *prepare, paging=Paging.PAE), AT, access)
    assert one.fault is not None
    assert (one.fault.code, one.physical) == (code, None)
    assert answer_text(one.fault.answer).startswith("SIGSEGV")


def test_two_levels_know_no_execute_right() -> None:
    """A fetch from writable memory passes."""
    one = told(begun(mapped(1), write(1)), AT, "fetch")
    assert (one.fault, one.physical) == (None, (FIRST_FRAME + 2) << 12)


def test_what_the_kernel_does_with_a_fault() -> None:
    """Each in words, and the walk that succeeds afterwards."""
    memory = begun(mapped())
    cases = [
        (memory, AT, "write", "a fresh page"),
        (memory, AT, "read", "the page of zeros"),
        (step(memory, read(1)), AT, "write", "copy on write"),
        (memory, 0xBFF00000, "write", "the stack grows"),
        (step(begun(mapped(), write(1)), ForkAs(1, 2)), AT, "write", "copy on write"),
        (begun(Do(1, Map(PAGE, "r--", AT, fixed=True, name=b"/f"))), AT, "read", "major fault"),
    ]
    for before, address, access, words in cases:
        one = told(before, address, access)
        assert one.fault is not None
        assert words in answer_text(one.fault.answer)
        assert one.second[-1].entry is not None
        assert one.second[-1].entry & Pte.PRESENT
        assert one.physical == (one.second[-1].entry >> 12 & 0xFFFFF) << 12 | address & 0xFFF


def test_segments_are_flat() -> None:
    """Base 0, limit 4 GiB; selectors as in layout.h of each kernel, with the ring in their low bits."""
    for kernel, fetch, user, selector, number, dpl in (
        (KernelKind.NATIVE, True, True, 0x73, 14, 3),
        (KernelKind.NATIVE, False, True, 0x7B, 15, 3),
        (KernelKind.NATIVE, True, False, 0x60, 12, 0),
        (KernelKind.COMPAT, True, True, 0x23, 4, 3),
        (KernelKind.COMPAT, False, True, 0x2B, 5, 3),
    ):
        one = segment_for(kernel, fetch=fetch, user_mode=user)
        assert (one.selector, one.number, one.rpl, one.dpl) == (selector, number, dpl, dpl)
        assert (one.base, one.limit) == (0, 0xFFFFFFFF)


def test_the_buffer() -> None:
    """Filled by present entries only; of each set the oldest goes."""
    tlb = fill(Tlb(), AT, 0x1067)
    assert lookup(tlb, AT + 5) == 0x1067
    assert lookup(fill(tlb, AT + PAGE, 0x1066), AT + PAGE) is None
    for way in range(1, 5):
        tlb = fill(tlb, AT + way * 16 * PAGE, 0x2067)
    assert lookup(tlb, AT) is None
    second = translate(begun(mapped(), write(1)), 1, AT)
    assert second[0].tlb[0].code == "miss"
    assert translate(second[1], 1, AT, tlb=second[2])[0].tlb[0].code == "hit"


def test_four_levels_by_hand() -> None:
    """Address 0x80403a7c is 0 | 2 | 2 | 3 | a7c, nine bits each.

    Frames: 0x1000 the PGD; at the fault 0x1001 the PUD table, 0x1002 the PMD table, 0x1003 the page table, 0x1004 the
    page. Each entry is at its table's address + 8 * index.
    """
    memory = begun(mapped(2048), write(1, first=0x403), paging=Paging.FOUR_LEVEL)
    one = told(memory, 0x80403A7C)
    assert [(s.level, s.number, s.entry_address, s.entry) for s in one.first] == [
        ("PGD", 0, 0x1000000, 0x1001067),
        ("PUD", 2, 0x1001010, 0x1002067),
        ("PMD", 2, 0x1002010, 0x1003067),
        ("PTE", 3, 0x1003018, 0x8000000001004067),
    ]
    assert (one.fault, one.physical, one.directory) == (None, 0x1004A7C, 0x1000000)


def test_five_levels_by_hand() -> None:
    """The same with one table more, and one index that is zero."""
    memory = begun(mapped(2048), write(1, first=0x403), paging=Paging.FIVE_LEVEL)
    one = told(memory, 0x80403A7C)
    assert [(s.level, s.number, s.entry_address, s.entry) for s in one.first] == [
        ("PGD", 0, 0x1000000, 0x1001067),
        ("P4D", 0, 0x1001000, 0x1002067),
        ("PUD", 2, 0x1002010, 0x1003067),
        ("PMD", 2, 0x1003010, 0x1004067),
        ("PTE", 3, 0x1004018, 0x8000000001005067),
    ]
    assert one.physical == 0x1005A7C


def test_a_huge_page_of_64_bits_has_no_page_table() -> None:
    """The entry of the PMD maps 2 MiB; 21 bits of the address are the offset."""
    memory = begun(mapped(2048), write(1, first=0x403), paging=Paging.FOUR_LEVEL, thp=True)
    one = told(memory, 0x80403A7C)
    assert [step.level for step in one.first] == ["PGD", "PUD", "PMD"]
    last = one.first[-1].entry or 0
    assert last & Pte.LARGE
    assert one.physical == (last >> 21 << 21 & (1 << 52) - 1) + (0x80403A7C & (1 << 21) - 1)


@pytest.mark.parametrize(
    ("paging", "direct", "broken"),
    [
        (Paging.FOUR_LEVEL, 0xFFFF888000000000, 0x0000800000000000),
        (Paging.FIVE_LEVEL, 0xFF11000000000000, 0x0100000000000000),
    ],
)
def test_the_kernels_half_of_64_bits(paging: Paging, direct: int, broken: int) -> None:
    """Physical memory is mapped straight through, for the kernel alone; between the halves no table is looked at."""
    memory = begun(mapped(16), paging=paging)
    address = direct + 0x212345
    refused, allowed = told(memory, address), told(memory, address, user_mode=False)
    assert refused.fault is not None
    assert (refused.fault.code, refused.physical) == (5, None)
    assert (allowed.fault, allowed.physical) == (None, 0x212345)
    assert [step.level for step in allowed.first][-1] == "PMD"
    behind = told(memory, direct + memory.settings.ram, user_mode=False)
    assert behind.physical is None
    assert answer_text(behind.fault.answer).startswith("kernel oops") if behind.fault else False
    middle = told(memory, broken)
    assert middle.fault is not None
    assert (middle.first, middle.fault.code, middle.fault.bits, middle.physical) == ((), 0, (), None)
    assert "general protection" in answer_text(middle.fault.answer)
    untouched = told(memory, broken - PAGE)
    assert untouched.fault is not None
    assert untouched.first[-1].entry == 0


def test_tables_of_64_bits_come_and_go() -> None:
    """With the first page of their range, and when no mapping needs them any more."""
    for paging, tables in ((Paging.FOUR_LEVEL, 4), (Paging.FIVE_LEVEL, 5)):
        fresh = begun(mapped(2048), paging=paging)
        assert fresh.used_pages == 1
        touched = step(fresh, write(1, first=0x403))
        assert touched.used_pages == 1 + tables
        assert cost(touched, 1).page_tables == 3 * PAGE
        gone = step(touched, Do(1, Unmap(AT, 2048 * PAGE)))
        assert gone.used_pages == 1 + tables - 2  # the stack lies in the same GiB, and may need the tables above
        ended = step(touched, End(1))
        assert ended.used_pages == 0


SCATTERED = """
import ctypes
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
def tables():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmPTE"))
places = [int(word, 16) for word in sys.argv[1:]]
tables()
before = tables()
for place in places:
    at = libc.mmap(place, 4096, 3, 0x100022, -1, 0)
    ctypes.memset(at, 1, 1)
print(tables() - before, flush=True)
"""


@pytest.mark.parametrize(
    "places",
    [(0,), (0, 4096), (0, 2 << 20), (0, 1 << 30), (0, 512 << 30), (0, 2 << 20, 3 << 30, 513 << 30, (513 << 30) + 4096)],
)
def test_page_tables_are_as_many_as_the_kernels(places: tuple[int, ...]) -> None:
    """VmPTE of a real 64-bit process that touches pages far from all others, beside ours."""
    if platform.machine() != "x86_64":
        pytest.skip("these are the page tables of x86-64")
    base = 0x2000_0000_0000
    words = [f"{base + place:x}" for place in places]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{SCATTERED}", *words], capture_output=True, text=True, check=True
    )
    ours = page_tables_bytes(Paging.FOUR_LEVEL, {base + place >> 21 for place in places})
    assert int(done.stdout) * 1024 == ours
