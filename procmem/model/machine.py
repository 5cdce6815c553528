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
    "GAP_MIN",
    "GIB_3",
    "LAYOUT_386",
    "LAYOUT_COMPAT",
    "STACK_DRAW_PAGES_32",
    "Architecture",
    "LayoutFacts",
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


GAP_MIN = 128 << 20
"""The least distance of mmap_base from the top on x86 (arch/x86/mm/mmap.c, mmap_base())."""


def _page_up(address: int) -> int:
    return -(-address // 4096) * 4096


class LayoutFacts(NamedTuple):
    """How the kernel lays out the address space of one sort of process: what the laws of layout follow from.

    ``task_sizes`` are the values of TASK_SIZE, ascending: a process has the first that holds its highest mapping.
    ``windows`` say for each of them where its areas are placed below (DEFAULT_MAP_WINDOW), ``program_bases`` where a
    position-independent program lies without randomisation (ELF_ET_DYN_BASE). ``stack_draw`` is __STACK_RND_MASK in
    pages, ``mmap_draw_bits`` the most random bits of mmap_base, ``brk_draw`` the most bytes between program and heap.
    ``table_reach`` is how many bytes a table of each level maps, from below; empty where that varies.

    Sources: arch/x86/include/asm/{processor,page_64_types,page_32_types,elf}.h; arch/x86/mm/mmap.c;
    arch/x86/kernel/process.c, arch_randomize_brk(); CONFIG_ARCH_MMAP_RND_BITS_MAX and _COMPAT_BITS_MAX.
    """

    task_sizes: tuple[int, ...]
    windows: tuple[int, ...]
    program_bases: tuple[int, ...]
    stack_draw: int
    mmap_draw_bits: int
    brk_draw: int
    table_reach: tuple[int, ...] = ()


_TASK_SIZE_47, _TASK_SIZE_56 = (1 << 47) - 4096, (1 << 56) - 4096
_TABLE_REACH = (1 << 21, 1 << 30, 1 << 39)
_X86_64 = LayoutFacts(
    task_sizes=(_TASK_SIZE_47, _TASK_SIZE_56),
    # five-level tables change nothing for who does not ask for addresses above 47 bits
    windows=(_TASK_SIZE_47, _TASK_SIZE_47),
    program_bases=(_TASK_SIZE_47 // 3 * 2, _TASK_SIZE_47 // 3 * 2),
    stack_draw=0x3FFFFF,
    mmap_draw_bits=32,
    brk_draw=1 << 30,
    table_reach=_TABLE_REACH,
)
LAYOUT_COMPAT = LayoutFacts(
    task_sizes=(GIB_3, COMPAT_TASK_SIZE),
    windows=(GIB_3, COMPAT_TASK_SIZE),
    program_bases=(_page_up(GIB_3 // 3) + (16 << 20), _page_up(COMPAT_TASK_SIZE // 3) + (16 << 20)),
    stack_draw=STACK_DRAW_PAGES_32,
    mmap_draw_bits=16,
    brk_draw=32 << 20,
    table_reach=_TABLE_REACH,
)
LAYOUT_386 = LayoutFacts(
    task_sizes=(GIB_3,),
    windows=(GIB_3,),
    program_bases=(0x40_0000,),
    stack_draw=STACK_DRAW_PAGES_32,
    mmap_draw_bits=16,
    brk_draw=32 << 20,
)


class Architecture(NamedTuple):
    """One sort of address space: a machine (as uname -m names it) and the word size of the process.

    ``user_ends`` are the places where user space may end, ascending: the kernel's configuration, or the number of
    levels of the page tables, decides; a process's highest mapping lies below the one that holds. ``space_end`` is the
    first number that is no address. ``layout`` is None where the kernel's layout is not known well enough to hold a
    process against it; ``runs_i386`` says that i386 programs run in this sort of space. ``kernel_stack`` is a
    thread's stack in the kernel (THREAD_SIZE), in bytes; None where it is not known.
    """

    machines: tuple[str, ...]
    bits: int
    user_ends: tuple[int, ...]
    space_end: int
    layout: LayoutFacts | None = None
    kernel_stack: int | None = None
    runs_i386: bool = False

    def user_end(self, highest: int) -> int:
        """Where user space ends for a process whose highest mapping ends at ``highest``."""
        return next((end for end in self.user_ends if highest <= end), self.user_ends[-1])


_I386 = ("i386", "i486", "i586", "i686")
_KIB = 1024
ARCHITECTURES: tuple[Architecture, ...] = (
    Architecture(("x86_64",), 64, (1 << 47, 1 << 56), 1 << 64, _X86_64, 16 * _KIB),
    Architecture(("x86_64",), 32, (GIB_3, COMPAT_TASK_SIZE), 1 << 32, LAYOUT_COMPAT, 16 * _KIB, runs_i386=True),
    Architecture(_I386, 32, (GIB_3, COMPAT_TASK_SIZE), 1 << 32, LAYOUT_386, 8 * _KIB, runs_i386=True),
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
    return (
        same if machine is None else same._replace(machines=(machine,), layout=None, kernel_stack=None, runs_i386=False)
    )


def is_32_bit_machine(machine: str | None) -> bool:
    """Whether a machine of this name runs 32-bit programs alone."""
    rows = [row for row in ARCHITECTURES if machine in row.machines]
    return bool(rows) and all(row.bits == 32 for row in rows)


def kernel_stack_of(machine: str | None) -> int | None:
    """Bytes of a thread's stack in the kernel on a machine of this name; None where that is not known."""
    return next((row.kernel_stack for row in ARCHITECTURES if machine in row.machines), None)
