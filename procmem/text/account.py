"""The words of ``procmem account``: what each leaf is, who says which figure, and why figures differ."""

from procmem.model.note import Note
from procmem.model.reports.account import Leaf, Who
from procmem.text import N_, gettext, say

__all__ = ["cause_text", "leaf_name", "leaf_sentence", "who_text"]

LEAVES = {
    ("virt", "resident"): (N_("resident"), N_("in memory now: this part is RES")),
    ("virt", "swapped"): (N_("swapped"), N_("moved out to swap; the next access brings it back")),
    ("virt", "hugetlb"): (
        N_("hugetlb"),
        N_("huge pages from the reserved pool: in memory, but counted by neither RES nor PSS"),
    ),
    ("virt", "file, not resident"): (
        N_("file, not resident"),
        N_("mapped from a file and not in memory through this process: read when accessed"),
    ),
    ("virt", "never touched"): (N_("never touched"), N_("asked for but never touched, or given back: costs no memory")),
    ("virt", "not committed"): (
        N_("not committed"),
        N_("asked for without reserving swap (MAP_NORESERVE) and not in memory: costs no memory"),
    ),
    ("virt", "reserved"): (
        N_("reserved"),
        N_("inaccessible address space (PROT_NONE), set aside for later: costs no memory"),
    ),
    ("rss", "anonymous, private dirty"): (
        N_("anonymous, private dirty"),
        N_("the program's own data, written, nobody else's: freed when it ends"),
    ),
    ("rss", "anonymous, private clean"): (
        N_("anonymous, private clean"),
        N_("the program's own data, of which swap has a copy as well"),
    ),
    ("rss", "anonymous, shared dirty"): (
        N_("anonymous, shared dirty"),
        N_("data from before a fork that parent and children still share"),
    ),
    ("rss", "anonymous, shared clean"): (
        N_("anonymous, shared clean"),
        N_("data shared since a fork, of which swap has a copy as well"),
    ),
    ("rss", "file, private clean"): (
        N_("file, private clean"),
        N_("pages of files that at the moment only this process maps: dropped at need"),
    ),
    ("rss", "file, private dirty"): (
        N_("file, private dirty"),
        N_("pages of files, changed and not written back yet, that only this process maps"),
    ),
    ("rss", "file, shared clean"): (
        N_("file, shared clean"),
        N_("pages of files that others map too (libraries): in memory once for all"),
    ),
    ("rss", "file, shared dirty"): (
        N_("file, shared dirty"),
        N_("pages of files that others map too, changed and not written back yet"),
    ),
    ("rss", "shmem, private clean"): (
        N_("shmem, private clean"),
        N_("shared memory that at the moment only this process maps, unchanged"),
    ),
    ("rss", "shmem, private dirty"): (
        N_("shmem, private dirty"),
        N_("shared memory that at the moment only this process maps, written"),
    ),
    ("rss", "shmem, shared clean"): (N_("shmem, shared clean"), N_("shared memory that others map too, unchanged")),
    ("rss", "shmem, shared dirty"): (
        N_("shmem, shared dirty"),
        N_("shared memory that others map too, written: in memory once for all"),
    ),
    ("pss", "private"): (N_("private"), N_("nobody else maps it: USS, what ending the process gives back")),
    ("pss", "its share of shared"): (
        N_("its share of shared"),
        N_("pages that several map, each divided by the number that map it"),
    ),
    ("swap", "private"): (N_("private"), N_("its own pages in swap: VmSwap")),
    ("swap", "shared memory"): (N_("shared memory"), N_("pages of shared memory in swap, which VmSwap leaves out")),
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


def leaf_name(of: str, name: str) -> str:
    """The name of a leaf."""
    return gettext(LEAVES[of, name][0])


def leaf_sentence(leaf: Leaf) -> str:
    """What the bytes of a leaf are."""
    return gettext(LEAVES[leaf.of, leaf.name][1])


def who_text(who: Who) -> str:
    """Which file says it, and which programs show it."""
    return gettext(WHO[who])


def cause_text(cause: Note) -> str:
    """Why it differs."""
    return say(CAUSES[cause.code], cause.figures)
