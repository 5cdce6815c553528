"""The words of ``procmem account``: what each leaf is, who says which figure, and why figures differ."""

from procmem.model.note import Note
from procmem.model.reports.account import AccountLeaf, Who
from procmem.text import N_, gettext, say

__all__ = ["cause_text", "leaf_name", "leaf_sentence", "who_text"]

LEAVES = {
    AccountLeaf.RESIDENT: (N_("resident"), N_("in memory now: this part is RES")),
    AccountLeaf.SWAPPED: (N_("swapped"), N_("moved out to swap; the next access brings it back")),
    AccountLeaf.HUGETLB: (
        N_("hugetlb"),
        N_("huge pages from the reserved pool: in memory, but counted by neither RES nor PSS"),
    ),
    AccountLeaf.FILE_NOT_RESIDENT: (
        N_("file, not resident"),
        N_("mapped from a file and not in memory through this process: read when accessed"),
    ),
    AccountLeaf.SHMEM_NOT_RESIDENT: (
        N_("shmem, not resident"),
        N_("shared memory that this process has no page of now: never touched, or others hold it in memory or in swap"),
    ),
    AccountLeaf.NEVER_TOUCHED: (N_("never touched"), N_("asked for but never touched, or given back: costs no memory")),
    AccountLeaf.NOT_COMMITTED: (
        N_("not committed"),
        N_("asked for without reserving swap (MAP_NORESERVE) and not in memory: costs no memory"),
    ),
    AccountLeaf.RESERVED: (
        N_("reserved"),
        N_(
            "inaccessible address space (PROT_NONE) where nothing is stored: costs no memory; what was written before it became inaccessible is resident or swapped"
        ),
    ),
    AccountLeaf.ANONYMOUS_PRIVATE_DIRTY: (
        N_("anonymous, private dirty"),
        N_("the program's own data, written, nobody else's: freed when it ends"),
    ),
    AccountLeaf.ANONYMOUS_PRIVATE_CLEAN: (
        N_("anonymous, private clean"),
        N_("the program's own data, of which swap has a copy as well"),
    ),
    AccountLeaf.ANONYMOUS_LAZILY_FREED: (
        N_("anonymous, lazily freed"),
        N_(
            "data that the program gave back (MADV_FREE): counted until the kernel needs memory, or it is written again"
        ),
    ),
    AccountLeaf.ANONYMOUS_SHARED_DIRTY: (
        N_("anonymous, shared dirty"),
        N_("data from before a fork that parent and children still share"),
    ),
    AccountLeaf.ANONYMOUS_SHARED_CLEAN: (
        N_("anonymous, shared clean"),
        N_("data shared since a fork, of which swap has a copy as well"),
    ),
    AccountLeaf.ANONYMOUS_MERGED: (
        N_("anonymous, merged"),
        N_("pages that the kernel merged with equal ones (KSM): there once for all, until one of them is written"),
    ),
    AccountLeaf.FILE_PRIVATE_CLEAN: (
        N_("file, private clean"),
        N_("pages of files that at the moment only this process maps: dropped at need"),
    ),
    AccountLeaf.FILE_PRIVATE_DIRTY: (
        N_("file, private dirty"),
        N_("pages of files, changed and not written back yet, that only this process maps"),
    ),
    AccountLeaf.FILE_SHARED_CLEAN: (
        N_("file, shared clean"),
        N_("pages of files that others map too (libraries): in memory once for all"),
    ),
    AccountLeaf.FILE_SHARED_DIRTY: (
        N_("file, shared dirty"),
        N_("pages of files that others map too, changed and not written back yet"),
    ),
    AccountLeaf.SHMEM_PRIVATE_CLEAN: (
        N_("shmem, private clean"),
        N_("shared memory that at the moment only this process maps, unchanged"),
    ),
    AccountLeaf.SHMEM_PRIVATE_DIRTY: (
        N_("shmem, private dirty"),
        N_("shared memory that at the moment only this process maps, written"),
    ),
    AccountLeaf.SHMEM_SHARED_CLEAN: (
        N_("shmem, shared clean"),
        N_("shared memory that is mapped several times, by others too, unchanged"),
    ),
    AccountLeaf.SHMEM_SHARED_DIRTY: (
        N_("shmem, shared dirty"),
        N_("shared memory that is mapped several times, by others too, written: in memory once for all"),
    ),
    AccountLeaf.COUNTED_AGAIN: (
        N_("counted again"),
        N_("the same pages once more: this process maps an object several times, and RES counts each mapping"),
    ),
    AccountLeaf.PSS_PRIVATE: (N_("private"), N_("pages that are mapped once, by this process: USS")),
    AccountLeaf.PSS_MAPPED_AGAIN: (
        N_("mapped several times"),
        N_(
            "pages that only this process maps, but several times: the kernel counts them as shared, USS leaves them out"
        ),
    ),
    AccountLeaf.PSS_ITS_SHARE_OF_SHARED: (
        N_("its share of shared"),
        N_("pages that several map, each divided by the number that map it"),
    ),
    AccountLeaf.SWAP_PRIVATE: (N_("private"), N_("its own pages in swap: VmSwap")),
    AccountLeaf.SWAP_SHARED_MEMORY: (
        N_("shared memory"),
        N_("pages of shared memory in swap, which VmSwap leaves out"),
    ),
}
"""By total and name: the name, and what these bytes are."""

WHO = {
    Who.SMAPS_SIZE: N_("smaps, sum of Size (the reference)"),
    Who.STATUS_VM_SIZE: N_("status VmSize; ps VSZ"),
    Who.STATM_SIZE: N_("statm size; top VIRT, htop, psutil vms"),
    Who.STAT_VSIZE: N_("stat vsize"),
    Who.PMAP_KBYTES: N_("pmap, total Kbytes"),
    Who.SMAPS_RSS: N_("smaps, sum of Rss (the reference); pmap -x"),
    Who.ROLLUP_RSS: N_("smaps_rollup Rss"),
    Who.STATUS_VM_RSS: N_("status VmRSS; ps RSS"),
    Who.STATUS_RSS_PARTS: N_("status RssAnon + RssFile + RssShmem"),
    Who.STATM_RESIDENT: N_("statm resident; top RES, htop, psutil rss"),
    Who.STAT_RSS: N_("stat rss"),
    Who.SMAPS_PSS: N_("smaps, sum of Pss (the reference); smem, pmap -X"),
    Who.ROLLUP_PSS: N_("smaps_rollup Pss; ps PSS, psutil pss"),
    Who.SMAPS_PRIVATE: N_("smaps, sum of Private_* (the reference); smem"),
    Who.ROLLUP_PRIVATE: N_("smaps_rollup Private_*; ps USS"),
    Who.PSUTIL_USS: N_("psutil uss"),
    Who.SMAPS_SWAP: N_("smaps, sum of Swap (the reference); smem, pmap -X"),
    Who.ROLLUP_SWAP: N_("smaps_rollup Swap; psutil swap"),
    Who.STATUS_VM_SWAP: N_("status VmSwap; top SWAP, smemstat"),
}
"""A file and its field, and the programs that show it."""

CAUSES = {
    "gate": N_("[vsyscall]: a page of the kernel's that is the same in every process; VmSize leaves it out"),
    "guard page": N_("this kernel counts the guard page of the main stack"),
    "rounding": N_("rounding: smaps cuts each of {mappings} mappings to whole kB, the rollup only their sum"),
    "hugetlb": N_("hugetlb: psutil counts the private huge pages as well, which RSS and PSS leave out"),
    "shared memory": N_("shared memory in swap, which VmSwap leaves out"),
    "counter": N_("kernel {version} keeps this counter in parts, by CPU or thread: it may lag by {slack:size}"),
    "moved": N_("it changed while it was read: by {moved:size} between two readings"),
    "unexplained": N_("unexplained"),
}
"""Why a figure differs from the sum of smaps."""


def leaf_name(leaf: AccountLeaf) -> str:
    """The name of a leaf."""
    return gettext(LEAVES[leaf][0])


def leaf_sentence(leaf: AccountLeaf) -> str:
    """What the bytes of a leaf are."""
    return gettext(LEAVES[leaf][1])


def who_text(who: Who) -> str:
    """Which file says it, and which programs show it."""
    return gettext(WHO[who])


def cause_text(cause: Note) -> str:
    """Why it differs."""
    return say(CAUSES[cause.code], cause.figures)
