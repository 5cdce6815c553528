"""The borders of an address space on x86, fixed once by each execve.

Four numbers make the classic picture: where user space ends, where the mapping area begins (and in
which direction it is filled), where a position-independent program goes, and where the stack ends.
They come from the kind of program and kernel, the personality bits and the stack limit alone, so they can
be computed before a program runs. Each function names the kernel code whose answer it gives.
"""

from procmem.model.machine import GAP_MIN
from procmem.model.simulation import PAGE, Draws, Settings, SimLayout
from procmem.simulate.arch.abis import abi_of

__all__ = ["layout_for", "limit_at_exec", "page_down", "page_up"]


_SECURE_LIMIT = 8 << 20


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
    facts, abi = settings.facts, abi_of(settings.kernel)
    known = abi.layout
    at = -1 if abi.obeys_3gb and not settings.limit_3gb else 0
    task_size = known.task_sizes[at]
    draws = settings.draws or Draws()
    drawn = draws.mmap * PAGE if settings.randomize else 0
    legacy_base = page_up(task_size // 3)
    return SimLayout(
        abi=abi,
        task_size=task_size,
        mmap_base=_mmap_base(settings, task_size, drawn),
        legacy_base=legacy_base + drawn,
        top_down=not settings.legacy,
        program_base=known.program_bases[at],
        guard_gap=facts.guard_gap,
        # x86-64 searches from the first page on, the generic code from mmap_min_addr
        # (sys_x86_64.c and mm/mmap.c, arch_get_unmapped_area_topdown())
        min_address=max(PAGE, facts.mmap_min_addr) if abi.generic_search else PAGE,
        stack_limit=limit_at_exec(settings),
        read_implies_exec=read_implies_exec and abi.reads_imply_exec,
        heap_label_inclusive=facts.heap_label_inclusive,
        vsyscall=facts.vsyscall,
    )


def limit_at_exec(settings: Settings) -> int | None:
    """The stack limit that decides the layout: a program with another user or group gets no more than 8 MiB.

    Source: fs/exec.c, begin_new_exec(), _STK_LIM.
    """
    limit = settings.stack_limit
    if settings.is_secure:
        return _SECURE_LIMIT if limit is None else min(limit, _SECURE_LIMIT)
    return limit


def _mmap_base(settings: Settings, task_size: int, drawn: int) -> int:
    """Where a top-down mapping area ends (arch/x86/mm/mmap.c, mmap_base())."""
    abi = abi_of(settings.kernel)
    infinity = (1 << 8 * abi.kernel_word) - 1
    wanted = limit_at_exec(settings)
    limit = infinity if wanted is None else min(wanted, infinity)
    pad = settings.facts.guard_gap + (abi.layout.stack_draw * PAGE if settings.randomize else 0)
    # an unlimited stack would overflow here, so the pad is left out
    gap = limit + pad if limit + pad <= infinity else limit
    gap = min(max(gap, GAP_MIN), task_size // 6 * 5)
    return page_up(task_size - gap - drawn)
