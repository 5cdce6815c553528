"""The address space of arm64: its borders by page size and bits of addresses, and where the kernel's areas lie.

Nothing of arm64 is simulated, and no recording of it has been held against this: the borders and the areas are those of
the kernel's documentation, so all that is told of them is likely, not exact. The page size is chosen when the kernel is
built, the bits of addresses too; 52 bits need a processor that has them, and a program gets addresses above 48 bits
only where it asks for them by a hint.

Source: Documentation/arch/arm64/memory.rst as of Linux 6.12; arch/arm64/Kconfig, ARM64_VA_BITS and PGTABLE_LEVELS.
"""

from procmem.model.kernel_areas import Arm64Kind, Arm64Space, KernelArea
from procmem.model.machine import AARCH64, architecture_of
from procmem.model.note import note

__all__ = ["arm64_space"]

_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30
_LEVELS = {
    Arm64Kind.K4_39: (4 * _KIB, 39, 3),
    Arm64Kind.K4_48: (4 * _KIB, 48, 4),
    Arm64Kind.K4_52: (4 * _KIB, 52, 5),
    Arm64Kind.K16_36: (16 * _KIB, 36, 2),
    Arm64Kind.K16_47: (16 * _KIB, 47, 3),
    Arm64Kind.K16_48: (16 * _KIB, 48, 4),
    Arm64Kind.K16_52: (16 * _KIB, 52, 4),
    Arm64Kind.K64_42: (64 * _KIB, 42, 2),
    Arm64Kind.K64_48: (64 * _KIB, 48, 3),
    Arm64Kind.K64_52: (64 * _KIB, 52, 3),
}
"""Bytes of a page, bits of an address, levels of tables."""
_DOCUMENTED = {Arm64Kind.K4_48, Arm64Kind.K64_52}
"""Those whose areas the documentation lists; of the others it tells the borders."""
_TOP = 1 << 64
_STRUCT_PAGE = 64
"""Bytes of a frame's entry in vmemmap, at most."""
_LEAST_BITS = 48
"""A kernel for 52 bits also runs with 48, so what is not the map of RAM lies where it would with 48."""


def arm64_space(kind: Arm64Kind) -> Arm64Space:
    """The borders of a kind, and its areas from low to high."""
    page, bits, levels = _LEVELS[kind]
    border = next(one for one in architecture_of(AARCH64, 64).borders if one.user_end == 1 << bits)
    assert border.kernel_start is not None
    user = KernelArea(0, border.user_end, "user space", note("arm64-user" if bits <= _LEAST_BITS else "arm64-user-52"))
    between = KernelArea(border.user_end, border.kernel_start, "not translated", note("arm64-hole"))
    kernel = KernelArea(border.kernel_start, _TOP, "kernel space", note("arm64-kernel"))
    areas = _kernel_areas(page, border.kernel_start) if kind in _DOCUMENTED else (kernel,)
    return Arm64Space(page, bits, levels, (user, between, *areas))


def _kernel_areas(page: int, start: int) -> tuple[KernelArea, ...]:
    """The kernel's half; all but the map of RAM is counted from the top."""
    linear_end = _TOP - (1 << _LEAST_BITS - 1)
    modules_end = linear_end + 2 * _GIB
    vmemmap = _TOP - (_TOP - start) * _STRUCT_PAGE // page
    vmemmap_end = vmemmap + (linear_end - start) * _STRUCT_PAGE // page
    fixed = vmemmap - 256 * _MIB
    io = vmemmap - 24 * _MIB
    return (
        KernelArea(start, linear_end, "linear map", note("arm64-linear")),
        KernelArea(linear_end, modules_end, "modules", note("arm64-modules")),
        KernelArea(modules_end, fixed, "vmalloc", note("arm64-vmalloc")),
        KernelArea(fixed, vmemmap - 32 * _MIB, "fixed mappings", note("arm64-fixed")),
        KernelArea(io, vmemmap - 8 * _MIB, "PCI I/O", note("arm64-io")),
        KernelArea(vmemmap, vmemmap_end, "vmemmap", note("arm64-vmemmap")),
    )
