"""What differs from architecture to architecture and is known beforehand: word sizes, borders, pages, kernel stacks.

A new architecture is a row here. What the kernel draws at random, and the simulated machine, are told in ``simulate``.

Sources: arch/x86/include/asm/page_64_types.h, page_32_types.h; Documentation/arch/x86/x86_64/mm.rst;
Documentation/arch/arm64/memory.rst; arch/arm64/include/asm/processor.h; arch/arm/include/asm/memory.h and
arch/arm/Kconfig (VMSPLIT); Documentation/arch/riscv/vm-layout.rst; arch/powerpc/include/asm/task_size_64.h;
arch/s390/include/asm/processor.h; arch/mips/include/asm/processor.h; arch/loongarch/include/asm/processor.h;
THREAD_SIZE of each architecture.
"""

from procmem.model.named_tuple import NamedTuple

__all__ = [
    "ARCHITECTURES",
    "COMPAT_TASK_SIZE",
    "GAP_MIN",
    "GIB_3",
    "I686",
    "LAYOUT_386",
    "LAYOUT_COMPAT",
    "LAYOUT_X86_64",
    "X86_64",
    "Architecture",
    "Border",
    "LayoutFacts",
    "architecture_of",
    "is_32_bit_machine",
    "kernel_stack_of",
]

I686, X86_64, AARCH64 = "i686", "x86_64", "aarch64"
"""The simulated machines as uname -m calls them, which is also their AT_PLATFORM (asm/elf.h, ELF_PLATFORM)."""
GIB_3 = 0xC000_0000
"""TASK_SIZE of native i386 (page_32_types.h, VMSPLIT_3G) and of ADDR_LIMIT_3GB (page_64_types.h)."""
COMPAT_TASK_SIZE = 0xFFFF_E000
"""Where user space ends for a 32-bit program on x86-64 (IA32_PAGE_OFFSET)."""


_STACK_DRAW_PAGES_32 = 0x7FF
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
LAYOUT_X86_64 = LayoutFacts(
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
    stack_draw=_STACK_DRAW_PAGES_32,
    mmap_draw_bits=16,
    brk_draw=32 << 20,
    table_reach=_TABLE_REACH,
)
LAYOUT_386 = LayoutFacts(
    task_sizes=(GIB_3,),
    windows=(GIB_3,),
    program_bases=(0x40_0000,),
    stack_draw=_STACK_DRAW_PAGES_32,
    mmap_draw_bits=16,
    brk_draw=32 << 20,
)


class Border(NamedTuple):
    """One place where user space may end: the kernel's configuration, or the levels of the page tables, decide.

    ``kernel_start`` is where the kernel's own space begins; None where it is not in the same space of addresses.
    ``between`` is the code of what lies from ``user_end`` to there. ``usual`` marks the border of a process of which
    too little is mapped to tell; the others are taken only where something lies in the upper quarter below them, as
    the main stack does. ``layout_known`` is False where the laws of the layout say nothing of this border.
    """

    user_end: int
    kernel_start: int | None = None
    between: str | None = None
    usual: bool = False
    layout_known: bool = True

    def is_of(self, highest: int) -> bool:
        """Whether a process whose highest mapping ends at ``highest`` may have this border."""
        return highest <= self.user_end and (self.usual or 4 * highest > 3 * self.user_end)


class Architecture(NamedTuple):
    """One sort of address space: a machine (as uname -m names it) and the word size of the process.

    ``borders`` are the places where user space may end, ascending; none where they are not known. ``space_end`` is
    the first number that is no address. ``layout`` is None where the kernel's layout is not known well enough to hold
    a process against it; ``runs_i386`` says that i386 programs run in this sort of space. ``kernel_stack`` is a
    thread's stack in the kernel (THREAD_SIZE), in bytes; None where it is not known.
    """

    machines: tuple[str, ...]
    bits: int
    borders: tuple[Border, ...]
    space_end: int
    layout: LayoutFacts | None = None
    kernel_stack: int | None = None
    runs_i386: bool = False

    def border(self, highest: int) -> Border | None:
        """The border of a process whose highest mapping ends at ``highest``; None where none is known that holds it."""
        return next((border for border in self.borders if border.is_of(highest)), None)


_NON_CANONICAL, _UNTRANSLATED, _MODULES = "non-canonical", "not translated", "kernel modules"
_NOT_FOR_PROGRAMS = "not for programs"


def _halves(*levels: int, usual: int, between: str) -> tuple[Border, ...]:
    """Borders where the kernel has as many bits of addresses, from the top, as programs have from below."""
    top = 1 << 64
    return tuple(Border(1 << bits, top - (1 << bits), between, usual=bits == usual) for bits in levels)


def _vmsplit(page_offset: int, *, usual: bool = False) -> Border:
    """ARM of 32 bits: the kernel's modules lie in the 16 MiB below PAGE_OFFSET."""
    return Border(page_offset - (16 << 20), page_offset, _MODULES, usual=usual)


_KIB = 1024
_I386 = ("i386", "i486", "i586", I686)
_ARM = ("armv5tel", "armv5tejl", "armv6l", "armv7l", "armv7b")
_PPC64_KERNEL = 0xC000_0000_0000_0000
_XKPHYS = 0x8000_0000_0000_0000
_VMSPLIT_2G, _VMSPLIT_3G_OPT = 0x8000_0000, 0xB000_0000
_MIPS_32_END = 0x7FFF_8000
ARCHITECTURES: tuple[Architecture, ...] = (
    Architecture((X86_64,), 64, _halves(47, 56, usual=47, between=_NON_CANONICAL), 1 << 64, LAYOUT_X86_64, 16 * _KIB),
    Architecture(
        (X86_64,), 32,
        # the personality ADDR_LIMIT_3GB leaves the upper gigabyte empty, where a 32-bit kernel has itself
        (Border(GIB_3, GIB_3), Border(COMPAT_TASK_SIZE, None, _NOT_FOR_PROGRAMS, usual=True)),
        1 << 32, LAYOUT_COMPAT, 16 * _KIB, runs_i386=True,
    ),
    Architecture(
        _I386, 32,
        (Border(_VMSPLIT_2G, _VMSPLIT_2G, layout_known=False),
         Border(_VMSPLIT_3G_OPT, _VMSPLIT_3G_OPT, layout_known=False),
         Border(GIB_3, GIB_3, usual=True)),
        1 << 32, LAYOUT_386, 8 * _KIB, runs_i386=True,
    ),
    Architecture(
        (AARCH64,), 64, _halves(36, 39, 42, 47, 48, 52, usual=48, between=_UNTRANSLATED), 1 << 64,
        kernel_stack=16 * _KIB,
    ),
    Architecture(
        (AARCH64, "armv8l"), 32, (Border((1 << 32) - 4096, None, _NOT_FOR_PROGRAMS, usual=True),), 1 << 32,
        kernel_stack=16 * _KIB,
    ),
    Architecture(
        _ARM, 32, (_vmsplit(_VMSPLIT_2G), _vmsplit(_VMSPLIT_3G_OPT), _vmsplit(GIB_3, usual=True)), 1 << 32,
        kernel_stack=8 * _KIB,
    ),
    Architecture(
        ("riscv64",), 64, _halves(38, 47, 56, usual=47, between=_NON_CANONICAL), 1 << 64, kernel_stack=16 * _KIB
    ),
    Architecture(
        ("ppc64le", "ppc64"), 64,
        tuple(Border(1 << bits, _PPC64_KERNEL, _UNTRANSLATED, usual=bits == 47) for bits in (44, 46, 47, 49, 52)),
        1 << 64, kernel_stack=16 * _KIB,
    ),
    # the kernel of s390x has a space of its own: a program may have all addresses, as its page tables grow
    Architecture(
        ("s390x",), 64, (Border(1 << 42, usual=True), Border(1 << 53), Border((1 << 64) - 4096)), 1 << 64,
        kernel_stack=16 * _KIB,
    ),
    Architecture(
        ("mips64",), 64, tuple(Border(1 << bits, _XKPHYS, _UNTRANSLATED, usual=bits == 40) for bits in (40, 48)),
        1 << 64,
    ),
    Architecture(("mips64", "mips"), 32, (Border(_MIPS_32_END, _VMSPLIT_2G, _UNTRANSLATED, usual=True),), 1 << 32),
    Architecture(("loongarch64",), 64, (Border(1 << 47, _XKPHYS, _UNTRANSLATED, usual=True),), 1 << 64),
)  # fmt: skip


def architecture_of(machine: str | None, bits: int | None) -> Architecture:
    """The row of a process; where its machine is not known, a row without borders, layout and figures."""
    wanted = 32 if bits == 32 else 64
    for row in ARCHITECTURES:
        if machine in row.machines and row.bits == wanted:
            return row
    return Architecture((), wanted, (), 1 << wanted)


def is_32_bit_machine(machine: str | None) -> bool:
    """Whether a machine of this name runs 32-bit programs alone."""
    rows = [row for row in ARCHITECTURES if machine in row.machines]
    return bool(rows) and all(row.bits == 32 for row in rows)


def kernel_stack_of(machine: str | None) -> int | None:
    """Bytes of a thread's stack in the kernel on a machine of this name; None where that is not known."""
    return next((row.kernel_stack for row in ARCHITECTURES if machine in row.machines), None)
