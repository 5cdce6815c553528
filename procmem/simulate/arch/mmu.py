"""The MMU of the simulated machine: how a linear address becomes a physical one, or a page fault.

The processor cuts the address into indexes. CR3 names the first table; the entry at the first index names the next
table, and so on; the last entry names the frame, and the low 12 bits go through unchanged. Two levels: 10/10/12 with
entries of 4 bytes. PAE: 2/9/9/12 with entries of 8 bytes, which also have room for NX. x86-64: 9/9/9/9/12, or one level
more; the bits above those of the indexes must all be like the highest of them (a canonical address), or no table is
looked at. At each level the bits must allow the access: present, user, writable. If not, the processor raises a page
fault with an error code, and the kernel looks at what it has promised about that address (``faults``).

The kernel's half is in every table, so that a system call needs no switch of tables (where no Meltdown asks for
that); its entries lack the user bit, and that is all that keeps a program out. Of it only the direct map is here, in
large pages; its tables lie in the first 16 MiB, which are the kernel's own.

Source: Intel SDM volume 3, 3.3.7.1, 4.3 to 4.5; arch/x86/mm/fault.c; arch/x86/include/asm/trap_pf.h;
Documentation/arch/x86/x86_64/mm.rst.
"""

from procmem.model.machine import GIB_3
from procmem.model.note import Note, note
from procmem.model.permissions import permissions
from procmem.model.reports.translation import Fault, Translation, WalkStep, level_names
from procmem.model.simulated_memory import AccessOutcome, Paging, SimMemory, SimProcess
from procmem.model.simulation import PAGE, KernelKind
from procmem.simulate.arch.i386_kernel_half import Preset, kernel_half
from procmem.simulate.arch.page_entries import Pte, frame_of, is_swapped
from procmem.simulate.arch.segments import segment_for
from procmem.simulate.arch.tlb import Tlb, fill, lookup
from procmem.simulate.kernel.memory import run
from procmem.simulate.kernel.memory_events import Access

__all__ = ["ERROR_BITS", "entry_bits", "error_bits", "translate", "walk"]

_TABLE = Pte.PRESENT | Pte.WRITE | Pte.USER | Pte.ACCESSED | Pte.DIRTY
"""The bits of an entry that names a page table (_PAGE_TABLE)."""
_DIRECT_MAP = Pte.PRESENT | Pte.WRITE | Pte.ACCESSED | Pte.DIRTY | Pte.LARGE | Pte.GLOBAL
"""The bits of a large page of the kernel (PAGE_KERNEL_LARGE)."""

ERROR_BITS = (
    ("not-present", "protection"),
    ("read", "write"),
    ("kernel-mode", "user-mode"),
    ("", "reserved-bit"),
    ("", "fetch"),
    ("", "protection-key"),
)
"""What each bit of a page fault's error code says, clear and set (trap_pf.h)."""

_BIT_NAMES = (
    (Pte.PRESENT, "present"),
    (Pte.WRITE, "writable"),
    (Pte.USER, "user"),
    (Pte.WRITE_THROUGH, "write-through"),
    (Pte.NO_CACHE, "cache-off"),
    (Pte.ACCESSED, "accessed"),
    (Pte.DIRTY, "dirty"),
)


def error_bits(code: int) -> tuple[str, ...]:
    """What a page fault's error code says, bit by bit."""
    names = (pair[code >> at & 1] for at, pair in enumerate(ERROR_BITS))
    return tuple(name for name in names if name)


def entry_bits(entry: int, *, last: bool) -> tuple[Note, ...]:
    """The bits that are set in an entry, or what else it holds; ``last`` for one of a page table."""
    if is_swapped(entry):
        return (note("swap-slot", slot=frame_of(entry)),)
    if not entry & Pte.PRESENT:
        return (note("kept") if entry & Pte.PROT_NONE else note("empty"),)
    bits = [note(name) for bit, name in _BIT_NAMES if entry & bit]
    if entry & Pte.LARGE:
        bits.append(note("pat") if last else note("large-page"))
    if entry & Pte.GLOBAL:
        bits.append(note("global"))
    if entry & Pte.NX:
        bits.append(note("no-execute"))
    return tuple(bits)


def walk(memory: SimMemory, process: SimProcess, address: int) -> tuple[WalkStep, ...]:
    """The entries that the processor reads for an address, down to the first that is not present or is the last."""
    if memory.settings.paging.middle_levels:
        return _long_walk(memory, process, address) if _is_canonical(address, memory.settings.paging) else ()
    if memory.settings.paging is Paging.TWO_LEVEL:
        levels = [("page directory", address >> 22, process.roots[0])]
        table_index, size = address >> 12 & 0x3FF, 4
    else:
        pointer = process.roots[1 + (address >> 30)] << 12 | Pte.PRESENT
        levels = [("page directory pointers", address >> 30, process.roots[0])]
        levels.append(("page directory", address >> 21 & 0x1FF, process.roots[1 + (address >> 30)]))
        table_index, size = address >> 12 & 0x1FF, 8
    steps = []
    if len(levels) > 1:
        name, index, frame = levels[0]
        steps.append(WalkStep(name, index, frame * PAGE + size * index, pointer, entry_bits(pointer, last=False)))
    name, index, frame = levels[-1]
    entry = _directory_entry(memory, process, address)
    steps.append(WalkStep(name, index, frame * PAGE + size * index, entry, entry_bits(entry, last=False)))
    if entry & Pte.PRESENT and not entry & Pte.LARGE:
        table = frame_of(entry)
        entry = process.entries.get(address // PAGE, 0)
        bits = entry_bits(entry, last=True)
        steps.append(WalkStep("page table", table_index, table * PAGE + size * table_index, entry, bits))
    return tuple(steps)


_TABLE_OF_TABLES = 0x800
_FIRST_TABLE = 0x810
"""Frames of the tables of the direct map: those that lead to its PMDs, and its PMDs, one for each GiB."""
_PAGE_OFFSETS = {Paging.FOUR_LEVEL: 0xFFFF_8880_0000_0000, Paging.FIVE_LEVEL: 0xFF11_0000_0000_0000}
"""Where physical memory is mapped straight through (__PAGE_OFFSET_BASE_L4, __PAGE_OFFSET_BASE_L5)."""


def _is_canonical(address: int, paging: Paging) -> bool:
    """Whether all bits above those that are translated are like the highest of these."""
    return address >> _address_bits(paging) - 1 in (0, (1 << 65 - _address_bits(paging)) - 1)


def _address_bits(paging: Paging) -> int:
    return 12 + 9 * (2 + paging.middle_levels)


def _is_kernels(address: int, paging: Paging) -> bool:
    return address >> 63 == 1 if paging.middle_levels else address >= GIB_3


def _long_walk(memory: SimMemory, process: SimProcess, address: int) -> tuple[WalkStep, ...]:
    """The walk through four or five levels."""
    levels = 2 + memory.settings.paging.middle_levels
    frame = process.roots[0]
    steps = []
    for height, name in zip(range(levels - 1, -1, -1), level_names(levels), strict=True):
        index = address >> 12 + 9 * height & 0x1FF
        entry = _long_entry(memory, process, address, height)
        steps.append(WalkStep(name, index, frame * PAGE + 8 * index, entry, entry_bits(entry, last=not height)))
        if not entry & Pte.PRESENT or (height and entry & Pte.LARGE):
            break
        frame = frame_of(entry)
    return tuple(steps)


def _long_entry(memory: SimMemory, process: SimProcess, address: int, height: int) -> int:
    """The entry for an address in a table: ``height`` 0 is that of pages, 1 that of page tables, and so on."""
    region = address >> 21
    if address >> 63:
        offset = address - _PAGE_OFFSETS[memory.settings.paging]
        if not 0 <= offset < memory.settings.ram:
            return 0
        if height == 1:
            return offset >> 21 << 21 | _DIRECT_MAP
        table = _FIRST_TABLE + (offset >> 30) if height == 2 else _TABLE_OF_TABLES + height - 3
        return table << 12 | _TABLE & ~Pte.USER
    if not height:
        return process.entries.get(address // PAGE, 0)
    if height == 1 and region in process.huge:
        return process.entries[region << 9] | Pte.LARGE
    below = process.tables.get(region) if height == 1 else process.middle.get((height - 1, region >> 9 * (height - 1)))
    return 0 if below is None else below << 12 | _TABLE


def _directory_entry(memory: SimMemory, process: SimProcess, address: int) -> int:
    bits = memory.settings.paging.table_bits
    region = address >> 12 + bits
    if address >= GIB_3:
        pae = memory.settings.paging is not Paging.TWO_LEVEL
        direct = kernel_half(Preset.LINUX_6_1, ram=memory.settings.ram, pae=pae)[0]
        if address >= direct.end:
            return 0
        return (address - GIB_3) >> 12 + bits << 12 + bits | _DIRECT_MAP
    if region in process.huge:
        first = region << bits
        return process.entries[first] | Pte.LARGE
    table = process.tables.get(region)
    return 0 if table is None else table << 12 | _TABLE


def _code(steps: tuple[WalkStep, ...], access: str, *, user_mode: bool, nx: bool) -> int | None:
    """The error code that the processor raises for a walk, or None where it passes."""
    write, fetch = access == "write", access == "fetch"
    rest = (2 if write else 0) | (4 if user_mode else 0) | (16 if fetch and nx else 0)
    entries = [step.entry or 0 for step in steps]
    if not entries or any(not entry & Pte.PRESENT for entry in entries):
        return rest
    ruled = [entry for step, entry in zip(steps, entries, strict=True) if step.level != "page directory pointers"]
    if user_mode and any(not entry & Pte.USER for entry in ruled):
        return rest | 1
    # in kernel mode a read-only page is protected too (CR0.WP)
    if write and any(not entry & Pte.WRITE for entry in ruled):
        return rest | 1
    if fetch and nx and any(entry & Pte.NX for entry in ruled):
        return rest | 1
    return None


def translate(
    memory: SimMemory, pid: int, address: int, *, access: str = "read", user_mode: bool = True, tlb: Tlb | None = None
) -> tuple[Translation, SimMemory, Tlb]:
    """Make one access (``read``, ``write`` or ``fetch``) and tell its whole way.

    Gives the machine and the buffer as they are afterwards.
    """
    tlb = tlb or Tlb()
    process = memory.processes[pid]
    paging = memory.settings.paging
    nx = paging is not Paging.TWO_LEVEL
    kernel = KernelKind.X86_64 if paging.middle_levels else KernelKind.NATIVE
    segment = segment_for(kernel, fetch=access == "fetch", user_mode=user_mode)
    first = walk(memory, process, address)
    told = [_buffer_note(tlb, address, hit=lookup(tlb, address) is not None)]
    code = _code(first, access, user_mode=user_mode, nx=nx)
    said = code
    if code is not None and _is_kernels(address, paging) and user_mode:
        code |= 1  # always told so: else a program could learn what the kernel has mapped (fault.c, force_sig_fault())
    fault: Fault | None = None
    second: tuple[WalkStep, ...] = ()
    notes: tuple[Note, ...] = ()
    if not first:
        fault, told = Fault(0, (), note("not-canonical")), []
    elif code is not None:
        memory, answer, mended, notes = _kernel(memory, pid, address, access, code, user_mode=user_mode)
        if memory.processes.get(pid) is not None:
            second = walk(memory, memory.processes[pid], address) if mended else ()
        if said != code:
            answer = note("kernel-space-hidden", said=said)
        fault = Fault(code, error_bits(code), answer)
        told.append(note("not-kept"))
    elif not _is_kernels(address, paging):
        memory = run(memory, (Access(pid, address, 1, access == "write"),))
    final = second or first
    allowed = fault is None or bool(second)
    physical = _physical(final, address, paging) if allowed else None
    if physical is not None:
        tlb = fill(tlb, address, final[-1].entry or 0)
        told.append(note("filled"))
    translation = Translation(
        address,
        access,
        user_mode,
        paging.value,
        process.roots[0] * PAGE,
        segment,
        first,
        fault,
        second,
        physical,
        tuple(told),
        notes,
    )
    return translation, memory, tlb


def _buffer_note(tlb: Tlb, address: int, *, hit: bool) -> Note:
    page = address // PAGE
    return note("hit" if hit else "miss", page=page, set=page % tlb.sets, sets=tlb.sets)


_LAST_LEVELS = ("page table", "PTE")


def _physical(steps: tuple[WalkStep, ...], address: int, paging: Paging) -> int:
    last = steps[-1]
    frame = frame_of(last.entry or 0) << 12
    offset = address & (1 << 12) - 1
    if last.level not in _LAST_LEVELS:
        offset = address & (1 << 12 + paging.table_bits) - 1
    return frame + offset


def _kernel(
    memory: SimMemory, pid: int, address: int, access: str, code: int, *, user_mode: bool
) -> tuple[SimMemory, Note, bool, tuple[Note, ...]]:
    """What the kernel does with a fault: the machine afterwards, its answer, whether it was mended, each decision."""
    if _is_kernels(address, memory.settings.paging):
        if user_mode:
            return memory, note("kernel-space"), False, ()
        return memory, note("oops"), False, ()
    before = memory.processes[pid]
    vma = next((vma for vma in before.space.vmas if vma.start <= address < vma.end), None)
    if access == "fetch" and vma is not None and not permissions(vma.perms).executable and code & 16:
        return memory, note("not-executable"), False, ()
    traced = memory._replace(settings=memory.settings._replace(trace=True))
    after = run(traced, (Access(pid, address, 1, access == "write"),))
    notes = after.trace
    after = after._replace(settings=memory.settings, trace=())
    if after.outcome is AccessOutcome.SIGSEGV:
        return after, note("not-allowed") if vma is not None else note("no-area"), False, notes
    process = after.processes.get(pid)
    if process is None:
        return after, note("out-of-memory"), False, notes
    return after, _mended(before, process, notes), True, notes


_MENDED_BY = (
    "stack-grows",
    "copied",
    "reused",
    "private-copy",
    "zero-page",
    "from-swap",
    "from-swap-read",
    "file-page",
    "file-page-read",
    "huge-page",
)
"""Decisions that say how a fault was mended; the first that was taken is told."""


def _mended(before: SimProcess, after: SimProcess, notes: tuple[Note, ...]) -> Note:
    codes = {one.code for one in notes}
    how = next((code for code in _MENDED_BY if code in codes), "fresh")
    return note("major" if after.major > before.major else "minor", how=how.removesuffix("-read"))
