"""The borders of an address space, as intervals: where each random base can lie.

A real process does not tell what was drawn for it. So every border here is an interval from the lowest to the
highest place that the kernel could have chosen, for the widest setting of randomisation; with randomisation
off a base lies at one of its ends. The numbers of an architecture are facts of ``model.machine``.

Sources: arch/x86/mm/mmap.c, mmap_base() and stack_maxrandom_size().
"""

from procmem.model.laws import GUARD_GAP, Borders
from procmem.model.machine import GAP_MIN, LayoutFacts

__all__ = ["borders_for"]


def borders_for(layout: LayoutFacts, highest: int, stack_limit: int | None) -> Borders:
    """The borders of a process that is laid out so.

    ``highest`` is where its highest mapping ends, which tells sizes of user space apart; ``stack_limit`` is
    the soft limit in bytes, None for unlimited.
    """
    sizes = layout.task_sizes
    at = next((at for at, size in enumerate(sizes) if highest <= size), len(sizes) - 1)
    window, program = layout.windows[at], layout.program_bases[at]
    reach = ((1 << layout.mmap_draw_bits) - 1) * 4096
    stack_random = (layout.stack_draw + 2) * 4096  # with the bytes drawn inside the page, rounded up

    def base(least_limit: int | None, most_limit: int | None) -> tuple[int, int]:
        lowest = window - _gap(window, most_limit, GUARD_GAP + layout.stack_draw * 4096) - reach
        highest_base = window - _gap(window, least_limit, GUARD_GAP)
        return max(lowest, 0) & -4096, -(-highest_base // 4096) * 4096

    legacy = -(-(window // 3) // 4096) * 4096
    return Borders(
        task_size=sizes[at],
        stack_end=(window - stack_random, window),
        mmap_base=base(stack_limit, stack_limit),
        mmap_base_any_limit=base(0, None),
        legacy_base=(legacy, legacy + reach),
        program_base=(program & -4096, program + reach),
        brk_reach=layout.brk_draw + 4096,
    )


def _gap(window: int, stack_limit: int | None, pad: int) -> int:
    """The room kept for the stack: its limit and a pad, within bounds (mmap_base())."""
    most = window // 6 * 5
    return most if stack_limit is None else min(max(stack_limit + pad, GAP_MIN), most)
