"""The areas that the kernel itself lays out for the main program: heap and main stack.

The names ``[heap]`` and ``[stack]`` follow four addresses of the process that a program may move, and older
kernels print ``[heap]`` on a BSS that ends where the heap would begin. So the name is held against
``stat``'s start_brk and start_stack, and against VmFlags, before it is called certain.

Source: fs/proc/task_mmu.c, vma_is_initial_heap() and vma_is_initial_stack(); fs/exec.c, setup_arg_pages().
"""

from __future__ import annotations

from procmem.classify.partition import Rank
from procmem.model import kinds, owners
from procmem.model.kinds import Part, Role, object_kind
from procmem.model.mapping import Mappings
from procmem.model.note import Note, note
from procmem.model.permissions import permissions
from procmem.model.region import Certainty, Claim, Label
from procmem.model.snapshot import Snapshot
from procmem.model.vm_flags import MemoryFlag
from procmem.model.vma_names import KernelName

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["area_claims"]

_BRK_REACH = (1 << 30) + 2 * 4096
"""The most that start_brk lies above the BSS (arch/x86/kernel/process.c, arch_randomize_brk(): 1 GiB on 64 bit)."""


def area_claims(
    snapshot: Snapshot, mappings: Mappings, tls_size: int | None, program_end: int | None = None
) -> Iterator[Claim]:
    """Claims on the brk heap and on the main thread's stack.

    ``program_end`` is where the program's BSS ends, if the heap must begin soon above it, else None. ``tls_size`` is
    given for a static program whose C library takes the main thread's TLS from the start of the heap (glibc
    csu/libc-tls.c), else None.
    """
    yield from _heap(snapshot, mappings, program_end)
    start_brk = snapshot.stat.start_brk if snapshot.stat is not None else None
    if tls_size is not None and start_brk is not None and start_brk in mappings.start:
        evidence = note("static-tls", size=tls_size)
        label = Label(kinds.TLS, Certainty.LIKELY, evidence, owners.MAIN_THREAD)
        yield Claim(start_brk, start_brk + tls_size, Rank.BRK + 1, label)
    yield from _stack(snapshot, mappings)
    yield from _page_above_stack(mappings)


def _heap(snapshot: Snapshot, mappings: Mappings, program_end: int | None) -> Iterator[Claim]:
    """One claim for each mapping named [heap]; after fork or mprotect there are several."""
    start_brk = snapshot.stat.start_brk if snapshot.stat is not None else None
    sure, moved = Certainty.CERTAIN, False
    if start_brk is not None and program_end is not None and not 0 <= start_brk - program_end <= _BRK_REACH:
        # the name follows start_brk, which a program may move (PR_SET_MM)
        sure, moved = Certainty.LIKELY, True

    def doubted(evidence: Note) -> Note:
        return note("heap-moved", evidence=evidence, end=program_end) if moved else evidence

    for row in mappings.rows_labelled(KernelName.HEAP):
        name = owners.MappingName(mappings.name[row])
        start, end = mappings.start[row], mappings.end[row]
        if start_brk is None:
            label = Label(
                kinds.BRK,
                Certainty.LIKELY,
                note("heap-alone"),
                name,
            )
        elif start >= start_brk:
            evidence = note("heap-above", start_brk=start_brk)
            label = Label(kinds.BRK, sure, doubted(evidence), name)
        elif end > start_brk:
            evidence = note("heap-from", start_brk=start_brk)
            label = Label(kinds.BRK, sure, doubted(evidence), name)
            below = Label(kinds.BRK, Certainty.LIKELY, note("heap-below"), name)
            yield Claim(start, start_brk, Rank.NAME, below)
            start = start_brk
        else:
            evidence = note("heap-bss", start_brk=start_brk)
            program = None if snapshot.exe is None else owners.ObjectFile(snapshot.exe)
            label = Label(object_kind(Role.EXE, Part.BSS), Certainty.LIKELY, evidence, program)
        yield Claim(start, end, Rank.BRK, label)


_ABOVE_STACK_MAX = 1 << 16


def _page_above_stack(mappings: Mappings) -> Iterator[Claim]:
    """One anonymous page of code above the main stack: exec mapped it (MIPS, for branch delay slots of emulated code).

    Nothing that a program maps comes to lie there: mmap() has its area below the stack.
    Source: arch/mips/kernel/vdso.c, arch_setup_additional_pages().
    """
    stacks = mappings.rows_labelled(KernelName.STACK)
    if not stacks:
        return
    top = max(mappings.end[row] for row in stacks)

    def is_code(row: int) -> bool:
        allowed = permissions(mappings.perms[row])
        return not mappings.name[row] and allowed.executable and allowed.private

    for row in mappings.rows_where(is_code, "code", without_inode=True):
        size = mappings.end[row] - mappings.start[row]
        if mappings.start[row] >= top and size <= _ABOVE_STACK_MAX:
            label = Label(kinds.SPECIAL, Certainty.LIKELY, note("page-above-stack"))
            yield Claim(mappings.start[row], mappings.end[row], Rank.BRK, label)


def _stack(snapshot: Snapshot, mappings: Mappings) -> Iterator[Claim]:
    """The mapping named [stack], and its parts that lost the name when their permissions changed."""
    start_stack = snapshot.stat.startstack if snapshot.stat is not None else None
    rows = mappings.rows_labelled(KernelName.STACK)
    edges = set()
    for row in rows:
        start, end = mappings.start[row], mappings.end[row]
        edges |= {start, end}
        grows_down = mappings.has_flag(row, MemoryFlag.GROWSDOWN)
        if start_stack is not None and start <= start_stack < end and grows_down is False:
            # the name follows start_stack, which a program may move (PR_SET_MM); a stack made by exec grows
            evidence = note("stack-not-growing", start_stack=start_stack)
            certainty = Certainty.LIKELY
        elif start_stack is not None and start <= start_stack < end:
            evidence = note("stack-by-stat", start_stack=start_stack)
            certainty = Certainty.CERTAIN
        elif grows_down:
            evidence, certainty = note("stack-growing"), Certainty.CERTAIN
        else:
            evidence, certainty = note("stack-alone"), Certainty.LIKELY
        yield Claim(start, end, Rank.BRK, Label(kinds.MAIN_STACK, certainty, evidence, owners.MAIN_THREAD))
    grow_down = mappings.flags_with(MemoryFlag.GROWSDOWN)
    growing = mappings.rows_where(lambda row: mappings.flags[row] in grow_down, "growing-down")
    named = any(mappings.has_flag(row, MemoryFlag.GROWSDOWN) for row in rows)
    for row in growing:
        if mappings.name[row] or (named and not {mappings.start[row], mappings.end[row]} & edges):
            continue
        evidence = note("stack-part") if named else note("stack-unnamed")
        label = Label(kinds.MAIN_STACK, Certainty.LIKELY, evidence, owners.MAIN_THREAD)
        yield Claim(mappings.start[row], mappings.end[row], Rank.BRK, label)
