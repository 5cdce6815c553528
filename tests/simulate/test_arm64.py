"""The borders of arm64: those of the kernel's documentation, and of what programs of it have been seen to have."""

import pytest

from procmem.model.kernel_areas import Arm64Kind
from procmem.model.machine import architecture_of
from procmem.simulate.arch.arm64 import arm64_space
from tests.support.running import procmem

AREAS = {
    Arm64Kind.K4_48: [
        ("user space", 0x0000_0000_0000_0000, 0x0000_FFFF_FFFF_FFFF),
        ("not translated", 0x0001_0000_0000_0000, 0xFFFE_FFFF_FFFF_FFFF),
        ("linear map", 0xFFFF_0000_0000_0000, 0xFFFF_7FFF_FFFF_FFFF),
        ("modules", 0xFFFF_8000_0000_0000, 0xFFFF_8000_7FFF_FFFF),
        ("vmalloc", 0xFFFF_8000_8000_0000, 0xFFFF_FBFF_EFFF_FFFF),
        ("fixed mappings", 0xFFFF_FBFF_F000_0000, 0xFFFF_FBFF_FDFF_FFFF),
        ("PCI I/O", 0xFFFF_FBFF_FE80_0000, 0xFFFF_FBFF_FF7F_FFFF),
        ("vmemmap", 0xFFFF_FC00_0000_0000, 0xFFFF_FDFF_FFFF_FFFF),
    ],
    Arm64Kind.K64_52: [
        ("user space", 0x0000_0000_0000_0000, 0x000F_FFFF_FFFF_FFFF),
        ("not translated", 0x0010_0000_0000_0000, 0xFFEF_FFFF_FFFF_FFFF),
        ("linear map", 0xFFF0_0000_0000_0000, 0xFFFF_7FFF_FFFF_FFFF),
        ("modules", 0xFFFF_8000_0000_0000, 0xFFFF_8000_7FFF_FFFF),
        ("vmalloc", 0xFFFF_8000_8000_0000, 0xFFFF_FBFF_EFFF_FFFF),
        ("fixed mappings", 0xFFFF_FBFF_F000_0000, 0xFFFF_FBFF_FDFF_FFFF),
        ("PCI I/O", 0xFFFF_FBFF_FE80_0000, 0xFFFF_FBFF_FF7F_FFFF),
        ("vmemmap", 0xFFFF_FC00_0000_0000, 0xFFFF_FFDF_FFFF_FFFF),
    ],
}
"""First and last addresses, as Documentation/arch/arm64/memory.rst lists them."""
HIGHEST = {39: 0x7F_FC12_3000, 42: 0x3FF_FC12_3000, 48: 0xFFFF_D6B0_2000}
"""Where stacks of programs of arm64 were seen to end, for kernels of so many bits."""


@pytest.mark.parametrize("kind", AREAS)
def test_the_areas_are_those_of_the_documentation(kind: Arm64Kind) -> None:
    """The two configurations whose areas it lists."""
    assert [(area.name, area.start, area.end - 1) for area in arm64_space(kind).areas] == AREAS[kind]


@pytest.mark.parametrize("kind", list(Arm64Kind))
def test_a_space_has_no_overlaps_and_one_border_with_the_table_of_machines(kind: Arm64Kind) -> None:
    """From 0 to the top; the tables have an entry for each bit of an address; a process of that size fits in."""
    space = arm64_space(kind)
    assert (space.areas[0].start, space.areas[1].start) == (0, 1 << space.bits)
    assert all(low.end <= high.start for low, high in zip(space.areas, space.areas[1:], strict=False))
    entries = (space.page_size // 8).bit_length() - 1
    in_page = space.page_size.bit_length() - 1
    assert 0 < space.bits - in_page - entries * (space.levels - 1) <= entries
    if space.bits in HIGHEST:
        border = architecture_of("aarch64", 64).border(HIGHEST[space.bits])
        assert border is not None
        assert border.user_end == space.areas[0].end


def test_the_page_says_how_sure_it_is() -> None:
    """Borders with their sizes, from high to low; likely, not exact. Nothing of arm64 can be simulated."""
    answer = procmem("simulate", "--kernel-map", "arm64-16k-47")
    assert answer.status == 0
    assert "16 KiB, 47 bits of an address, 3 levels" in answer.out
    assert "likely" in answer.out
    assert answer.out.index("kernel space") < answer.out.index("user space")
    refused = procmem("simulate", "--kernel-map", "arm64-16k-47", "/bin/true")
    assert refused.status == 2
    assert "of arm64 only the borders" in refused.err
