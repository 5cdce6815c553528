"""Segmentation, the first half of the translation: a formality that Linux keeps flat.

A logical address is a selector and an offset. The selector picks a descriptor in a table; the descriptor's base is
added to the offset, which must not pass its limit. Linux gives every segment base 0 and limit 4 GiB, so the linear
address is the offset, and protection is left to paging. Only the thread pointer's segment (GS) has another base.

Source: arch/x86/include/asm/segment.h; arch/x86/kernel/cpu/common.c, gdt_page.
"""

from procmem.model.reports.translation import Descriptor
from procmem.model.simulation import KernelKind

__all__ = ["segment_for"]

_NATIVE = {("CS", True): 0x73, ("DS", True): 0x7B, ("CS", False): 0x60, ("DS", False): 0x68}
_COMPAT = {("CS", True): 0x23, ("DS", True): 0x2B, ("CS", False): 0x10, ("DS", False): 0x18}
_LONG = {("CS", True): 0x33, ("DS", True): 0x2B, ("CS", False): 0x10, ("DS", False): 0x18}
_VALUES = {
    ("CS", True): 0x00CF_FB00_0000_FFFF,
    ("DS", True): 0x00CF_F300_0000_FFFF,
    ("CS", False): 0x00CF_9B00_0000_FFFF,
    ("DS", False): 0x00CF_9300_0000_FFFF,
}
_LONG_CODE = {True: 0x00AF_FB00_0000_FFFF, False: 0x00AF_9B00_0000_FFFF}
"""Code of 64 bits: the bit L is set in place of D. Base and limit count for nothing in such code."""


def segment_for(kernel: KernelKind, *, fetch: bool, user_mode: bool) -> Descriptor:
    """The segment that an access goes through, its descriptor taken apart."""
    register = "CS" if fetch else "DS"
    key = register, user_mode
    selector = {KernelKind.NATIVE: _NATIVE, KernelKind.COMPAT: _COMPAT, KernelKind.X86_64: _LONG}[kernel][key]
    value = _LONG_CODE[user_mode] if kernel is KernelKind.X86_64 and fetch else _VALUES[key]
    base = value >> 16 & 0xFFFFFF | value >> 56 << 24
    limit = value & 0xFFFF | value >> 32 & 0xF0000
    if value >> 55 & 1:  # granularity: the limit counts pages
        limit = limit << 12 | 0xFFF
    kind = "code" if value >> 43 & 1 else "data"
    return Descriptor(register, selector, selector >> 3, selector & 3, value, base, limit, value >> 45 & 3, kind)
