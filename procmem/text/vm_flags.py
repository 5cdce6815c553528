"""What each word of ``VmFlags`` says of a mapping, in one phrase.

The words themselves, with the kernel's names for them, are in ``model.vm_flags``.
Sources: fs/proc/task_mmu.c, show_smap_vma_flags(); include/linux/mm.h; madvise(2), mmap(2), mlock2(2), mseal(2),
userfaultfd(2); Documentation/filesystems/proc.rst.
"""

from __future__ import annotations

from procmem.model.vm_flags import MemoryFlag
from procmem.text import N_, gettext, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FLAGS", "flag_text", "flags_text"]

FLAGS = {
    MemoryFlag.READ: N_("may be read"),
    MemoryFlag.WRITE: N_("may be written"),
    MemoryFlag.EXEC: N_("may be executed"),
    MemoryFlag.SHARED: N_("shared: what is written is seen by all who map it"),
    MemoryFlag.MAYREAD: N_("mprotect() may make it readable"),
    MemoryFlag.MAYWRITE: N_("mprotect() may make it writable"),
    MemoryFlag.MAYEXEC: N_("mprotect() may make it executable"),
    MemoryFlag.MAYSHARE: N_("it may be shared"),
    MemoryFlag.GROWSDOWN: N_("grows downward by itself, as a stack does"),
    MemoryFlag.PFNMAP: N_("page frames without a struct page, as a device's memory"),
    MemoryFlag.DENYWRITE: N_("the file could not be written meanwhile (until Linux 5.14)"),
    MemoryFlag.LOCKED: N_("locked: its pages are never swapped out or dropped (mlock)"),
    MemoryFlag.IO: N_("registers or memory of a device"),
    MemoryFlag.SEQ_READ: N_("read in sequence: the kernel reads far ahead (MADV_SEQUENTIAL)"),
    MemoryFlag.RAND_READ: N_("read at random: the kernel does not read ahead (MADV_RANDOM)"),
    MemoryFlag.DONTCOPY: N_("a child made by fork() does not get it (MADV_DONTFORK)"),
    MemoryFlag.DONTEXPAND: N_("mremap() may not enlarge it"),
    MemoryFlag.LOCKONFAULT: N_("each page is locked once it has been touched (MLOCK_ONFAULT)"),
    MemoryFlag.ACCOUNT: N_("counted against the commit limit"),
    MemoryFlag.NORESERVE: N_("asked for without reserving swap (MAP_NORESERVE)"),
    MemoryFlag.HUGETLB: N_("huge pages from the reserved pool (hugetlb)"),
    MemoryFlag.NONLINEAR: N_("pages of the file in an order of its own (until Linux 3.19)"),
    MemoryFlag.SYNC: N_("page faults are synchronous, for persistent memory (MAP_SYNC)"),
    MemoryFlag.ARCH_1: N_("a flag of this architecture"),
    MemoryFlag.WIPEONFORK: N_("a child made by fork() finds zeros there (MADV_WIPEONFORK)"),
    MemoryFlag.DONTDUMP: N_("left out of core dumps (MADV_DONTDUMP)"),
    MemoryFlag.BTI: N_("indirect branches must land on marked instructions (arm64 BTI)"),
    MemoryFlag.MPX: N_("tables of bounds of the processor (MPX, until Linux 5.5)"),
    MemoryFlag.SOFTDIRTY: N_("soft-dirty: new, or written since the marks were last cleared"),
    MemoryFlag.MIXEDMAP: N_("page frames with and without a struct page"),
    MemoryFlag.HUGEPAGE: N_("transparent huge pages are wanted (MADV_HUGEPAGE)"),
    MemoryFlag.NOHUGEPAGE: N_("no transparent huge pages (MADV_NOHUGEPAGE, or MAP_STACK)"),
    MemoryFlag.MERGEABLE: N_("equal pages may be merged (KSM, MADV_MERGEABLE)"),
    MemoryFlag.UFFD_MISSING: N_("userfaultfd: the program itself fills in missing pages"),
    MemoryFlag.UFFD_WP: N_("userfaultfd: the program is told of writes"),
    MemoryFlag.UFFD_MINOR: N_("userfaultfd: the program is told of minor faults"),
    MemoryFlag.MTE: N_("memory tagging: pointers and memory carry tags that must agree (arm64 MTE)"),
    MemoryFlag.SHADOW_STACK: N_(
        "a shadow stack: return addresses that the processor keeps (x86 CET, arm64 GCS, RISC-V Zicfiss)"
    ),
    MemoryFlag.SEALED: N_("sealed: its place and its rights can no longer be changed (mseal)"),
    MemoryFlag.DROPPABLE: N_("droppable: the kernel may replace pages by zeros at need (MAP_DROPPABLE)"),
    MemoryFlag.MAYBE_GUARD: N_("guard pages were installed in it (MADV_GUARD_INSTALL)"),
    MemoryFlag.UNNAMED: N_("a flag that this kernel has no word for"),
}
"""By word, in the order in which the kernel prints them."""

UNKNOWN = N_("a flag of a newer kernel")


def flag_text(word: str) -> str:
    """What one word says."""
    return gettext(FLAGS.get(word, UNKNOWN))


def flags_text(words: Sequence[str]) -> str:
    """All words of a line, each with what it says."""
    told = [say(N_("{word} ({meaning})"), {"word": word, "meaning": flag_text(word)}) for word in words]
    return gettext(N_(", ")).join(told)
