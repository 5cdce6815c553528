"""The MMU: walks computed by hand, error codes, segments, the translation buffer."""

import pytest

from procmem.model.note import note
from procmem.model.reports.translation import Translation
from procmem.model.simulated_memory import FIRST_FRAME, Paging, SimMemory
from procmem.model.simulation import PAGE, KernelKind
from procmem.simulate.arch.i386_mmu import translate
from procmem.simulate.arch.i386_segments import segment_for
from procmem.simulate.arch.page_entries import Pte
from procmem.simulate.arch.tlb import Tlb, fill, lookup
from procmem.simulate.kernel.events import Map, Protect, Unmap
from procmem.simulate.kernel.memory import step
from procmem.simulate.kernel.memory_events import Do, ForkAs
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
