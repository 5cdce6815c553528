"""The borders of a 32-bit address space, fixed once by each execve.

Four numbers make the classic picture: where user space ends, where the mapping area begins (and in
which direction it is filled), where a position-independent program goes, and where the stack ends.
They come from the kind of kernel, the personality bits and the stack limit alone, so they can be
computed before a program runs. Each function names the kernel code whose answer it gives.
"""

from procmem.model.machine import COMPAT_TASK_SIZE, GAP_MIN, GIB_3, LAYOUT_386, LAYOUT_COMPAT, STACK_DRAW_PAGES_32
from procmem.model.simulation import PAGE, Draws, KernelKind, Settings, SimLayout

__all__ = ["layout_for", "page_down", "page_up"]


def page_down(address: int) -> int:
    """Round down to a page."""
    return address & -PAGE


def page_up(address: int) -> int:
    """Round up to a page."""
    return -(-address // PAGE) * PAGE


def layout_for(settings: Settings, *, read_implies_exec: bool) -> SimLayout:
    """Fix the borders as setup_new_exec() and arch_pick_mmap_layout() do.

    ``read_implies_exec`` is the personality after the ELF file was looked at.
    """
    facts = settings.facts
    native = settings.kernel is KernelKind.NATIVE
    known = LAYOUT_386 if native else LAYOUT_COMPAT
    task_size = GIB_3 if native or settings.limit_3gb else COMPAT_TASK_SIZE
    draws = settings.draws or Draws()
    drawn = draws.mmap * PAGE if settings.randomize else 0
    legacy_base = page_up(task_size // 3)
    return SimLayout(
        task_size=task_size,
        mmap_base=_mmap_base(settings, task_size, drawn),
        legacy_base=legacy_base + drawn,
        top_down=not settings.legacy,
        program_base=known.program_bases[known.task_sizes.index(task_size)],
        guard_gap=facts.guard_gap,
        # x86-64 searches from the first page on, the generic code from mmap_min_addr
        # (sys_x86_64.c and mm/mmap.c, arch_get_unmapped_area_topdown())
        min_address=max(PAGE, facts.mmap_min_addr) if native else PAGE,
        stack_limit=settings.stack_limit,
        read_implies_exec=read_implies_exec,
        heap_label_inclusive=facts.heap_label_inclusive,
    )


def _mmap_base(settings: Settings, task_size: int, drawn: int) -> int:
    """Where a top-down mapping area ends (arch/x86/mm/mmap.c, mmap_base())."""
    word = 32 if settings.kernel is KernelKind.NATIVE else 64
    infinity = (1 << word) - 1
    limit = infinity if settings.stack_limit is None else min(settings.stack_limit, infinity)
    pad = settings.facts.guard_gap + (STACK_DRAW_PAGES_32 * PAGE if settings.randomize else 0)
    # an unlimited stack would overflow here, so the pad is left out
    gap = limit + pad if limit + pad <= infinity else limit
    gap = min(max(gap, GAP_MIN), task_size // 6 * 5)
    return page_up(task_size - gap - drawn)
