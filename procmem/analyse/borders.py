"""The borders of any x86 address space, 64 or 32 bit, as intervals: where each random base can lie.

A real process does not tell what was drawn for it. So every border here is an interval from the lowest to the
highest place that the kernel could have chosen, for the widest setting of randomisation; with randomisation
off a base lies at one of its ends.

Sources: arch/x86/include/asm/{processor,page_64_types,page_32_types,elf}.h; arch/x86/mm/mmap.c, mmap_base() and
stack_maxrandom_size(); arch/x86/kernel/process.c, arch_randomize_brk().
"""

from procmem.model.laws import GUARD_GAP, Borders
from procmem.model.machine import COMPAT_TASK_SIZE, GIB_3, STACK_DRAW_PAGES_32

__all__ = ["borders_for"]

_TASK_SIZE_64 = 0x7FFF_FFFF_F000
_TASK_SIZE_57 = 0xFF_FFFF_FFFF_F000
_STACK_DRAW_PAGES_64 = 0x3FFFFF
_RND_BITS_MAX_64, _RND_BITS_MAX_32 = 32, 16
"""CONFIG_ARCH_MMAP_RND_BITS_MAX and CONFIG_ARCH_MMAP_RND_COMPAT_BITS_MAX of x86."""

_GAP_MIN = 128 << 20


def borders_for(bits: int, machine: str | None, highest: int, stack_limit: int | None) -> Borders:
    """The borders of a process with these pointers, on this machine.

    ``highest`` is where its highest mapping ends, which tells the limits of 3 and 4 GiB apart; ``stack_limit`` is
    the soft limit in bytes, None for unlimited.
    """
    if bits == 64:
        # five-level tables change nothing for who does not ask for addresses above 47 bits
        size = _TASK_SIZE_64 if highest <= _TASK_SIZE_64 else _TASK_SIZE_57
        program = _TASK_SIZE_64 // 3 * 2
        return _borders(_TASK_SIZE_64, size, program, _STACK_DRAW_PAGES_64, _RND_BITS_MAX_64, stack_limit, 1 << 30)
    native = machine is not None and machine != "x86_64"
    size = GIB_3 if native or highest <= GIB_3 else COMPAT_TASK_SIZE
    program = 0x40_0000 if native else -(-(size // 3) // 4096) * 4096 + (16 << 20)
    return _borders(size, size, program, STACK_DRAW_PAGES_32, _RND_BITS_MAX_32, stack_limit, 32 << 20)


def _borders(
    window: int, size: int, program: int, stack_pages: int, rnd_bits: int, stack_limit: int | None, brk_reach: int
) -> Borders:
    reach = ((1 << rnd_bits) - 1) * 4096
    stack_random = (stack_pages + 2) * 4096  # with the bytes drawn inside the page, rounded up
    lowest = window - _gap(window, stack_limit, GUARD_GAP + stack_pages * 4096) - reach
    highest = window - _gap(window, stack_limit, GUARD_GAP)
    return Borders(
        task_size=size,
        stack_end=(window - stack_random, window),
        mmap_base=(max(lowest, 0) & -4096, -(-highest // 4096) * 4096),
        legacy_base=(-(-(window // 3) // 4096) * 4096, -(-(window // 3) // 4096) * 4096 + reach),
        program_base=(program & -4096, program + reach),
        brk_reach=brk_reach + 4096,
    )


def _gap(window: int, stack_limit: int | None, pad: int) -> int:
    """The room kept for the stack: its limit and a pad, within bounds (mmap_base())."""
    most = window // 6 * 5
    return most if stack_limit is None else min(max(stack_limit + pad, _GAP_MIN), most)
