"""The names that ``maps`` prints for areas without a file: ``[heap]`` and ``[stack]``.

They are no property of a VMA but a comparison made while printing: whoever overlaps the range from
start_brk to brk is the heap, whoever holds the first stack pointer is the stack.

Source: fs/proc/task_mmu.c, show_map_vma() with vma_is_initial_heap() and vma_is_initial_stack().
"""

from procmem.model.note import note
from procmem.model.simulation import AreaRole, Base, SimSpace, SimVma, VmBit
from procmem.model.vma_names import VSYSCALL_PAGE, KernelName, kernel_label

__all__ = ["named"]


def named(space: SimSpace) -> tuple[SimVma, ...]:
    """All VMAs with the names that the kernel would print."""
    vmas = tuple(vma if vma.name else vma._replace(name=_name(space, vma)) for vma in space.vmas)
    return (*vmas, _gate(space.layout.vsyscall)) if space.layout.vsyscall else vmas


def _gate(perms: str) -> SimVma:
    """The page of the old system calls: no area of the process, but told as its last line.

    Source: arch/x86/entry/vsyscall/vsyscall_64.c; arch/x86/include/uapi/asm/vsyscall.h.
    """
    start, end = VSYSCALL_PAGE
    name = kernel_label(KernelName.VSYSCALL)
    return SimVma(start, end, perms, 0, name, VmBit.SPECIAL, AreaRole.KERNEL, Base.FIXED, note("exec-vsyscall"))


def _name(space: SimSpace, vma: SimVma) -> bytes:
    if space.layout.heap_label_inclusive:
        heap = vma.start <= space.brk and vma.end >= space.start_brk
    else:
        heap = vma.start < space.brk and vma.end > space.start_brk
    if heap:
        return kernel_label(KernelName.HEAP)
    if vma.start <= space.start_stack <= vma.end:
        return kernel_label(KernelName.STACK)
    return b""
