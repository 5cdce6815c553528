"""The MMU of the simulated machine: how a linear address becomes a physical one, or a page fault.

The processor cuts the address into indexes. CR3 names the first table; the entry at the first index names the next
table, and so on; the last entry names the frame, and the low 12 bits go through unchanged. Two levels: 10/10/12 with
entries of 4 bytes. PAE: 2/9/9/12 with entries of 8 bytes, which also have room for NX. At each level the bits must
allow the access: present, user, writable. If not, the processor raises a page fault with an error code, and the kernel
looks at what it has promised about that address (``faults``).

The kernel's gigabyte is in every directory, so that a system call needs no switch of tables; its entries lack the
user bit, and that is all that keeps a program out. It begins with the direct map, in large pages.

Source: Intel SDM volume 3, 4.3 and 4.4; arch/x86/mm/fault.c; arch/x86/include/asm/trap_pf.h.
"""

from procmem.model.machine import GIB_3
from procmem.model.note import Note, note
from procmem.model.permissions import permissions
from procmem.model.reports.translation import Fault, Translation, WalkStep
from procmem.model.simulated_memory import AccessOutcome, Paging, SimMemory, SimProcess
from procmem.model.simulation import PAGE, KernelKind
from procmem.simulate.arch.i386_kernel_half import Preset, kernel_half
from procmem.simulate.arch.i386_segments import segment_for
from procmem.simulate.arch.page_entries import Pte, frame_of, is_swapped
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
    if any(not entry & Pte.PRESENT for entry in entries):
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
    nx = memory.settings.paging is not Paging.TWO_LEVEL
    segment = segment_for(KernelKind.NATIVE, fetch=access == "fetch", user_mode=user_mode)
    first = walk(memory, process, address)
    told = [_buffer_note(tlb, address, hit=lookup(tlb, address) is not None)]
    code = _code(first, access, user_mode=user_mode, nx=nx)
    if code is not None and address >= GIB_3 and user_mode:
        code |= 1  # always told so: else a program could learn what the kernel has mapped (fault.c, force_sig_fault())
    fault: Fault | None = None
    second: tuple[WalkStep, ...] = ()
    notes: tuple[Note, ...] = ()
    if code is not None:
        memory, answer, mended, notes = _kernel(memory, pid, address, access, code, user_mode=user_mode)
        if memory.processes.get(pid) is not None:
            second = walk(memory, memory.processes[pid], address) if mended else ()
        fault = Fault(code, error_bits(code), answer)
        told.append(note("not-kept"))
    elif address < GIB_3:
        memory = run(memory, (Access(pid, address, 1, access == "write"),))
    final = second or first
    allowed = fault is None or bool(second)
    physical = _physical(final, address, memory.settings.paging) if allowed else None
    if physical is not None:
        tlb = fill(tlb, address, final[-1].entry or 0)
        told.append(note("filled"))
    translation = Translation(
        address,
        access,
        user_mode,
        memory.settings.paging.value,
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


def _physical(steps: tuple[WalkStep, ...], address: int, paging: Paging) -> int:
    last = steps[-1]
    frame = frame_of(last.entry or 0) << 12
    offset = address & (1 << 12) - 1
    if last.level == "page directory":
        offset = address & (1 << 12 + paging.table_bits) - 1
    return frame + offset


def _kernel(
    memory: SimMemory, pid: int, address: int, access: str, code: int, *, user_mode: bool
) -> tuple[SimMemory, Note, bool, tuple[Note, ...]]:
    """What the kernel does with a fault: the machine afterwards, its answer, whether it was mended, each decision."""
    if address >= GIB_3:
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
