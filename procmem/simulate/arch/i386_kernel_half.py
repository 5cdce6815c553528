"""The kernel's gigabyte of native i386: what lies from 0xC0000000 up.

Physical memory is mapped straight through at the beginning (physical = virtual - 0xC0000000) as far as it
fits; the last 128 MiB or so are kept for what must be mapped one page at a time: vmalloc, high memory
pages in use (kmap), and at the very top areas whose addresses are fixed at compile time. The size of the
straight part follows from the top downwards, so it is "896 MB" only in books that neglect those areas.

Source: arch/x86/include/asm/pgtable_32_areas.h, fixmap.h; arch/x86/mm/init_32.c, find_low_pfn_range().
"""

from procmem.model.enumeration import TextEnumeration
from procmem.model.kernel_areas import KernelArea
from procmem.model.machine import GIB_3
from procmem.model.note import note
from procmem.model.simulation import PAGE

__all__ = ["Preset", "kernel_half"]

_MIB = 1 << 20
_FIXMAP_TOP = 0xFFFF_F000
"""FIXADDR_TOP: the last page stays free, so that error numbers are no addresses."""
_CPU_AREA = 0xFF40_0000
"""CPU_ENTRY_AREA_BASE of a 6.1 kernel built for 32 processors."""
_VMALLOC_RESERVE = 128 * _MIB
"""VMALLOC_RESERVE, changed by the boot option vmalloc=."""
_VMALLOC_OFFSET = 8 * _MIB
"""A hole that catches stray accesses behind the straight map."""
_TOP = 1 << 32


class Preset(TextEnumeration):
    """Which arithmetic: the book's round 896 MiB, or that of a real 6.1 kernel."""

    CLASSIC = "classic"
    LINUX_6_1 = "6.1"


def kernel_half(preset: Preset, *, ram: int = 2048 * _MIB, pae: bool = False) -> tuple[KernelArea, ...]:
    """The areas from 0xC0000000 to the top, from low to high, for a machine with ``ram`` bytes."""
    pmd = 2 * _MIB if pae else 4 * _MIB
    ldt = (_CPU_AREA - PAGE) & -pmd
    pkmap = (ldt - PAGE) & -pmd
    vmalloc_end = pkmap - 2 * PAGE
    if preset is Preset.CLASSIC:
        lowmem = (1024 - 128) * _MIB
        why = note("direct-classic")
    else:
        lowmem = vmalloc_end - GIB_3 - _VMALLOC_RESERVE
        why = note("direct-6.1", end=vmalloc_end)
    high_memory = GIB_3 + min(ram, lowmem)
    vmalloc_start = high_memory + _VMALLOC_OFFSET
    pages = 512 if pae else 1024
    return (
        KernelArea(GIB_3, high_memory, "direct map", why),
        KernelArea(high_memory, vmalloc_start, "hole", note("hole")),
        KernelArea(vmalloc_start, vmalloc_end, "vmalloc", note("vmalloc")),
        KernelArea(pkmap, pkmap + pages * PAGE, "kmap", note("kmap", pages=pages)),
        KernelArea(ldt, ldt + pmd, "LDT", note("ldt")),
        KernelArea(_CPU_AREA, _FIXMAP_TOP, "CPU areas, fixmap", note("cpu-areas")),
        KernelArea(_FIXMAP_TOP, _TOP, "last page", note("last-page")),
    )
