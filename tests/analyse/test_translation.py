"""Indexes of the page tables, and the bits of the kernel's words, against a page worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.analyse.translation import frame_flags, levels_of, pagemap_bits, walk_steps
from procmem.parse.cpuinfo import parse_virtual_bits

ADDRESS_SIZES = b"processor\t: 0\naddress sizes\t: 46 bits physical, %d bits virtual\n"


def test_an_address_worked_by_hand() -> None:
    """0x7f12_3456_789a: 254, 72, 418, 359, offset 0x89a."""
    steps = walk_steps(0x7F12_3456_789A, 4)
    assert [(step.level, step.number) for step in steps] == [("PGD", 254), ("PUD", 72), ("PMD", 418), ("PTE", 359)]


@given(st.integers(0, (1 << 57) - 1))
def test_indexes_make_the_address(address: int) -> None:
    """Nine bits each, and twelve of offset."""
    for levels in (4, 5):
        whole = 0
        for step in walk_steps(address, levels):
            assert 0 <= step.number < 512
            whole = whole << 9 | step.number
        assert whole << 12 | address & 0xFFF == address & ((1 << 12 + 9 * levels) - 1)
    assert [step.level for step in walk_steps(address, 5)] == ["PGD", "P4D", "PUD", "PMD", "PTE"]


@pytest.mark.parametrize(
    ("machine", "cpuinfo", "levels"),
    [
        ("x86_64", ADDRESS_SIZES % 48, 4),
        ("x86_64", ADDRESS_SIZES % 57, 5),
        ("x86_64", b"processor\t: 0\n", None),
        ("x86_64", None, None),
        ("aarch64", ADDRESS_SIZES % 48, None),
    ],
)
def test_levels_follow_from_the_processor(machine: str, cpuinfo: bytes | None, levels: int | None) -> None:
    """Where it does not say, nobody knows."""
    assert levels_of(machine, parse_virtual_bits(cpuinfo or b"")) == levels


def test_bits_have_names() -> None:
    """A present page of a file; one in swap; a frame of anonymous memory on the active list."""
    assert pagemap_bits(1 << 63 | 1 << 61 | 0x1234) == ("present", "file page or shared memory")
    assert pagemap_bits(1 << 62 | 5) == ("swapped",)
    assert pagemap_bits(0) == ()
    assert frame_flags(1 << 5 | 1 << 6 | 1 << 12) == ("LRU", "ACTIVE", "ANON")
    assert frame_flags(1 << 21 | 1 << 24) == ("KSM", "ZERO_PAGE")
