"""Values of the simulator: an address space that was computed, not read.

The simulator says what ``/proc/PID/maps`` of an x86 process will be. It is honest in three
words: a line is *exact* (one address), in a *range* (address-space randomisation draws it), or of
known *shape* only (size, permissions and order are certain, the address is not). Addresses and
sizes are bytes, ranges of addresses are half open, names are the kernel's.
"""

from procmem.model.enumeration import TextEnumeration
from procmem.model.machine import LayoutFacts
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note

__all__ = [
    "PAGE",
    "Abi",
    "AreaRole",
    "Base",
    "Draws",
    "Exactness",
    "KernelFacts",
    "KernelKind",
    "Prediction",
    "Range",
    "Registers",
    "Settings",
    "SimLayout",
    "SimSpace",
    "SimVma",
    "Stage",
    "VmBit",
]

PAGE = 4096
"""Bytes of a page on x86 (arch/x86/include/asm/page_types.h, PAGE_SIZE)."""


class Exactness(TextEnumeration):
    """How far a predicted line may be trusted."""

    EXACT = "exact"
    RANGE = "range"
    SHAPE = "shape"


class Stage(TextEnumeration):
    """A moment in the life of a program at which its map is predicted."""

    EXEC = "exec"
    ENTRY = "entry"
    MAIN = "main"


class KernelKind(TextEnumeration):
    """Which program runs on which kernel: a 32-bit one on an i386 kernel, or on x86-64 (compat); a 64-bit one."""

    NATIVE = "native"
    COMPAT = "compat"
    X86_64 = "x86-64"


class Abi(NamedTuple):
    """What differs between programs of 32 and 64 bits, and between the kernels that run them.

    ``machine`` is what uname -m calls the program's machine, ``elf_machine`` the number in its ELF header.
    ``pointer`` and ``kernel_word`` are the bytes of a pointer in the program and in the kernel; ``huge_page`` is the
    size to which the kernel aligns large mappings, 0 where it does not. ``reads_imply_exec`` says that the personality
    bit READ_IMPLIES_EXEC counts, ``obeys_3gb`` the same of ADDR_LIMIT_3GB; ``generic_search`` that the lowest place
    is mmap_min_addr (mm/mmap.c), not the first page (arch/x86/kernel/sys_x86_64.c).
    """

    machine: str
    bits: int
    elf_machine: int
    layout: LayoutFacts
    pointer: int
    kernel_word: int
    huge_page: int = 0
    reads_imply_exec: bool = False
    obeys_3gb: bool = False
    generic_search: bool = False


class AreaRole(TextEnumeration):
    """What an area is for, in the words of the classic picture and a few finer ones."""

    TEXT = "text"
    RODATA = "rodata"
    DATA = "data"
    BSS = "bss"
    TLS = "tls"
    HEAP = "heap"
    STACK = "stack"
    MMAP = "mmap"
    GUARD = "guard"
    RESERVED = "reserved"
    KERNEL = "kernel"


class Base(TextEnumeration):
    """Which randomised base a VMA moves with; FIXED ones never move."""

    FIXED = "fixed"
    MMAP = "mmap"
    PROGRAM = "program"
    STACK = "stack"
    BRK = "brk"


class VmBit:
    """Bits of ``vm_flags`` that decide merging and growth (include/linux/mm.h), in numbers of our own."""

    ACCOUNT = 1
    GROWSDOWN = 2
    NORESERVE = 4
    NOHUGEPAGE = 8
    SHARED = 16
    SPECIAL = 32


class SimVma(NamedTuple):
    """One simulated line of ``maps`` with the rule that put it there.

    ``anon`` numbers the anon_vma, the kernel's list of who may share written pages: 0 until the first
    write, and different numbers never become one VMA. ``moved`` is how far mremap has moved anonymous memory since it
    was first written: it keeps its place in the numbering of pages (``vm_pgoff``).
    """

    start: int
    end: int
    perms: str
    offset: int
    name: bytes = b""
    flags: int = 0
    role: AreaRole = AreaRole.MMAP
    base: Base = Base.FIXED
    rule: Note | None = None
    status: Exactness = Exactness.EXACT
    anon: int = 0
    moved: int = 0

    @property
    def size(self) -> int:
        """Bytes of address space."""
        return self.end - self.start

    @property
    def grows_down(self) -> bool:
        """Whether the kernel extends it downwards at a fault (VM_GROWSDOWN)."""
        return bool(self.flags & VmBit.GROWSDOWN)


class KernelFacts(NamedTuple):
    """Values that differ between kernels and machines, and where these came from.

    Page counts are pages; ``guard_gap`` and ``mmap_min_addr`` are bytes; ``aux_pairs`` counts auxv
    entries with the closing AT_NULL. ``heap_label_inclusive`` is the older [heap] rule, by which a
    VMA that only touches the heap is named so too (fs/proc/task_mmu.c). ``vsyscall`` are the rights of the
    gate page of 64-bit processes, empty where there is none. ``cpus`` is what glibc counts (sched_getaffinity).
    """

    vvar_pages: int = 4
    vclock_pages: int = 2
    vdso_pages: int = 2
    aux_pairs: int = 24
    platform: bytes = b"i686"
    mmap_min_addr: int = 65536
    guard_gap: int = 256 * PAGE
    mmap_rnd_bits: int = 8
    heap_label_inclusive: bool = False
    vsyscall: str = ""
    cpus: int = 2
    origin: Note = note("table", date="2026-11", release="6.18", machine="x86-64")


class Draws(NamedTuple):
    """The random values of one exec: pages, except ``esp_bytes``.

    ``mmap`` and ``program`` are ``arch_mmap_rnd()``; ``stack`` is the distance of the stack's end from
    STACK_TOP; ``brk`` the distance of start_brk from its lowest place; ``esp_bytes`` the shift inside
    the stack (arch_align_stack).
    """

    mmap: int = 0
    program: int = 0
    stack: int = 0
    brk: int = 0
    esp_bytes: int = 0


class Settings(NamedTuple):
    """All that a prediction knows besides the files: kernel, personality, limits, arguments.

    ``is_secure`` says that exec gives the program another user or group.
    ``randomize`` is kernel.randomize_va_space (0, 1, 2), already 0 under ADDR_NO_RANDOMIZE; with
    ``draws`` None the zero draw stands for all. ``stack_limit`` is the soft RLIMIT_STACK in bytes, None
    for unlimited. ``exec_path`` is the string given to execve, ``argv`` and ``env`` hold raw bytes.
    """

    kernel: KernelKind = KernelKind.COMPAT
    limit_3gb: bool = True
    randomize: int = 0
    draws: Draws | None = None
    legacy: bool = False
    read_implies_exec: bool = False
    is_secure: bool = False
    stack_limit: int | None = 8 << 20
    exec_path: bytes = b"./a.out"
    argv: tuple[bytes, ...] = (b"./a.out",)
    env: tuple[bytes, ...] = ()
    facts: KernelFacts = KernelFacts()


class SimLayout(NamedTuple):
    """The borders that one exec fixed for its address space (struct mm_struct)."""

    abi: Abi
    task_size: int
    mmap_base: int
    legacy_base: int
    top_down: bool
    program_base: int
    guard_gap: int
    min_address: int
    stack_limit: int | None
    read_implies_exec: bool
    heap_label_inclusive: bool
    vsyscall: str = ""


class Registers(NamedTuple):
    """The user registers that matter here; ``eax`` is what the last system call gave back."""

    eip: int = 0
    esp: int = 0
    eax: int = 0


class SimSpace(NamedTuple):
    """A whole address space; VMAs are sorted and never overlap.

    The fields from ``start_code`` on are those of ``/proc/PID/stat``.
    """

    layout: SimLayout
    vmas: tuple[SimVma, ...] = ()
    start_brk: int = 0
    brk: int = 0
    registers: Registers = Registers()
    threads: int = 1
    start_code: int = 0
    start_data: int = 0
    end_data: int = 0
    start_stack: int = 0
    arg_start: int = 0
    arg_end: int = 0
    env_start: int = 0
    env_end: int = 0
    entry: int = 0
    """AT_ENTRY: where the program itself begins."""
    program_bias: int = 0
    interpreter_base: int = 0
    """AT_BASE: where the dynamic linker lies; 0 without one."""

    @property
    def virtual_size(self) -> int:
        """Bytes of address space (VIRT)."""
        return sum(vma.size for vma in self.vmas)


class Range(NamedTuple):
    """Where a randomised base can lie: ``first`` to ``last`` inclusive in steps of ``step`` bytes.

    ``values`` is how many different ones there are.
    """

    base: Base
    first: int
    last: int
    step: int
    values: int

    def __contains__(self, address: object) -> bool:
        return (
            isinstance(address, int) and self.first <= address <= self.last and (address - self.first) % self.step == 0
        )


class Prediction(NamedTuple):
    """What ``maps`` will be at one stage; ``failure`` says why there is no process instead.

    ``program`` is the program's own name in ``maps``. ``fitted`` says that drawn values were filled in.
    """

    stage: Stage
    settings: Settings
    vmas: tuple[SimVma, ...]
    space: SimSpace | None
    ranges: tuple[Range, ...] = ()
    notes: tuple[Note, ...] = ()
    failure: Note | None = None
    fitted: bool = False
    program: bytes = b""
