"""What differs from architecture to architecture and is known beforehand: word sizes, borders, pages, kernel stacks.

A new architecture is a row here. What the kernel draws at random, and the simulated machine, are told in ``simulate``.

Sources: arch/x86/include/asm/page_64_types.h, page_32_types.h; Documentation/arch/arm64/memory.rst;
Documentation/arch/riscv/vm-layout.rst; arch/powerpc/include/asm/task_size_64.h; arch/s390/include/asm/processor.h;
THREAD_SIZE of each architecture.
"""

from procmem.model.named_tuple import NamedTuple

__all__ = [
    "ARCHITECTURES",
    "COMPAT_TASK_SIZE",
    "GIB_3",
    "STACK_DRAW_PAGES_32",
    "Architecture",
    "architecture_of",
    "is_32_bit_machine",
    "kernel_stack_of",
]

GIB_3 = 0xC000_0000
"""TASK_SIZE of native i386 (page_32_types.h, VMSPLIT_3G) and of ADDR_LIMIT_3GB (page_64_types.h)."""
COMPAT_TASK_SIZE = 0xFFFF_E000
"""Where user space ends for a 32-bit program on x86-64 (IA32_PAGE_OFFSET)."""


STACK_DRAW_PAGES_32 = 0x7FF
"""__STACK_RND_MASK of 32-bit programs on x86, in pages (arch/x86/include/asm/elf.h)."""


class Architecture(NamedTuple):
    """One sort of address space: a machine (as uname -m names it) and the word size of the process.

    ``user_ends`` are the places where user space may end, ascending: the kernel's configuration, or the number of
    levels of the page tables, decides; a process's highest mapping lies below the one that holds. ``space_end`` is the
    first number that is no address. ``has_laws`` says that the kernel's layout is known well enough to hold a process
    against it. ``kernel_stack`` is a thread's stack in the kernel (THREAD_SIZE), in bytes; None where it is not known.
    """

    machines: tuple[str, ...]
    bits: int
    user_ends: tuple[int, ...]
    space_end: int
    has_laws: bool = False
    kernel_stack: int | None = None

    def user_end(self, highest: int) -> int:
        """Where user space ends for a process whose highest mapping ends at ``highest``."""
        return next((end for end in self.user_ends if highest <= end), self.user_ends[-1])


_I386 = ("i386", "i486", "i586", "i686")
_KIB = 1024
ARCHITECTURES: tuple[Architecture, ...] = (
    Architecture(("x86_64",), 64, (1 << 47, 1 << 56), 1 << 64, has_laws=True, kernel_stack=16 * _KIB),
    Architecture(("x86_64",), 32, (GIB_3, COMPAT_TASK_SIZE), 1 << 32, has_laws=True, kernel_stack=16 * _KIB),
    Architecture(_I386, 32, (GIB_3, COMPAT_TASK_SIZE), 1 << 32, has_laws=True, kernel_stack=8 * _KIB),
    Architecture(("aarch64",), 64, (1 << 47, 1 << 56), 1 << 64, kernel_stack=16 * _KIB),
    Architecture(("armv6l", "armv7l"), 32, (GIB_3, COMPAT_TASK_SIZE), 1 << 32),
    Architecture(("riscv64",), 64, (1 << 47, 1 << 56), 1 << 64, kernel_stack=16 * _KIB),
    Architecture(("ppc64le",), 64, (1 << 47, 1 << 56), 1 << 64, kernel_stack=16 * _KIB),
    Architecture(("s390x",), 64, (1 << 47, 1 << 56), 1 << 64, kernel_stack=16 * _KIB),
)


def architecture_of(machine: str | None, bits: int | None) -> Architecture:
    """The row of a process; where the machine is not known, the x86 row of its word size.

    A recording without its machine's name has most often been made on x86.
    """
    wanted = 32 if bits == 32 else 64
    for row in ARCHITECTURES:
        if machine in row.machines and row.bits == wanted:
            return row
    same = next(row for row in ARCHITECTURES if row.bits == wanted)
    return same if machine is None else same._replace(machines=(machine,), has_laws=False, kernel_stack=None)


def is_32_bit_machine(machine: str | None) -> bool:
    """Whether a machine of this name runs 32-bit programs alone."""
    rows = [row for row in ARCHITECTURES if machine in row.machines]
    return bool(rows) and all(row.bits == 32 for row in rows)


def kernel_stack_of(machine: str | None) -> int | None:
    """Bytes of a thread's stack in the kernel on a machine of this name; None where that is not known."""
    return next((row.kernel_stack for row in ARCHITECTURES if machine in row.machines), None)
