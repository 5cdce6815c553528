"""The words of the page of ``procmem account``."""

from procmem.text import N_, Sentence, say

__all__ = ["HEADINGS", "told"]

HEADINGS = {
    "of": N_("of"),
    "name": N_("name"),
    "class": N_("class"),
    "size": N_("size"),
    "sentence": N_("sentence"),
    "measure": N_("measure"),
    "differs_by": N_("differs by"),
    "who_says_so": N_("who says so"),
}

_SENTENCES: dict[str, Sentence] = {
    "virt": N_("the address space that was asked for"),
    "rss": N_("what of it is in memory now"),
    "pss": N_("its fair share of what is in memory"),
    "swap": N_("what of it was moved out"),
    "no swap": N_("nothing of it is swapped out"),
    "is USS": N_("is USS"),
    "once for all": N_("what of it is there once, and what goes with the process"),
    "once": N_("RES with each page counted once"),
    "freed": N_("would be freed if the process ended (memory and swap)"),
    "beside": N_("beside it, in the kernel, outside VIRT and RES"),
    "page tables": N_("page tables (VmPTE)"),
    "one stack": N_("kernel stack of its one thread"),
    "stacks": N_("kernel stacks of {threads} threads"),
    "sorts": N_("of what sort the pages of RES are"),
    "huge": N_("transparent huge pages"),
    "merged": N_("merged with equal pages of others (KSM)"),
    "no nodes": N_("on memory nodes (numa_maps could not be read)"),
    "node": N_("on memory node {node}"),
    "who": N_("who says what, and by how much it differs from smaps"),
    "saying": N_("{label}, {who} ({amount})"),
    "why": N_("why: {sayings}: {cause}"),
    "agree": N_("all agree, to the kB"),
}


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
