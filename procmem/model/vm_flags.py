"""The two-letter words of the ``VmFlags`` line of smaps: what each says, and since when.

An unknown word is kept as text: kernels grow. Source: fs/proc/task_mmu.c, show_smap_vma_flags(), up to 6.18;
VmFlags are printed since Linux 3.8.
"""

__all__ = ["MemoryFlag", "words_of_flags"]


class MemoryFlag:
    """One word of VmFlags, by its constant in include/linux/mm.h.

    Plain text, to be looked for among the words of the line: an enum of so many members takes longer to make than a
    small process takes to read.
    """

    READ = "rd"
    WRITE = "wr"
    EXEC = "ex"
    SHARED = "sh"
    MAYREAD = "mr"
    MAYWRITE = "mw"
    MAYEXEC = "me"
    MAYSHARE = "ms"
    GROWSDOWN = "gd"
    PFNMAP = "pf"
    """Page frames without struct page: memory of a device."""
    LOCKED = "lo"
    IO = "io"
    """Registers of a device: reading may have effects."""
    SEQ_READ = "sr"
    RAND_READ = "rr"
    DONTCOPY = "dc"
    DONTEXPAND = "de"
    LOCKONFAULT = "lf"
    DENYWRITE = "dw"
    """Until 5.14."""
    NONLINEAR = "nl"
    """Until 3.19."""
    MPX = "mp"
    """Until 5.5."""
    ACCOUNT = "ac"
    """Counted against the commit limit: it is, or was, private and writable."""
    NORESERVE = "nr"
    HUGETLB = "ht"
    SYNC = "sf"
    ARCH_1 = "ar"
    WIPEONFORK = "wf"
    DONTDUMP = "dd"
    SOFTDIRTY = "sd"
    MIXEDMAP = "mm"
    HUGEPAGE = "hg"
    NOHUGEPAGE = "nh"
    """MADV_NOHUGEPAGE; since 6.7 MAP_STACK too."""
    MERGEABLE = "mg"
    UFFD_MISSING = "um"
    UFFD_WP = "uw"
    UFFD_MINOR = "ui"
    MTE = "mt"
    SHADOW_STACK = "ss"
    SEALED = "sl"
    DROPPABLE = "dp"
    MAYBE_GUARD = "gu"
    """Since 6.18: guard markers (MADV_GUARD_INSTALL) were put into it."""
    BTI = "bt"
    UNNAMED = "??"
    """A flag that this kernel has no word for."""


def words_of_flags(line: str | None) -> tuple[str, ...] | None:
    """The words of a VmFlags line, in the order in which the kernel prints them; None where it prints none."""
    return None if line is None else tuple(line.split())
