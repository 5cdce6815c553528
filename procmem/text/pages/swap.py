"""The words of the page of ``procmem swap``."""

from procmem.text import N_, Sentence, plural, say

__all__ = ["HEADINGS", "told"]

HEADINGS = {
    "pid": N_("PID"),
    "user": N_("user"),
    "vmswap": N_("VmSwap"),
    "smaps_swap": N_("smaps Swap"),
    "swappss": N_("SwapPss"),
    "name": N_("name"),
    "swap": N_("swap"),
    "sort": N_("sort"),
    "shared_memory": N_("shared memory"),
    "start": N_("start"),
    "end": N_("end"),
    "class": N_("class"),
    "kind": N_("kind"),
    "owner": N_("owner"),
}

_SENTENCES: dict[str, Sentence] = {
    "refused": plural(
        "not permitted: smaps of {count} process (root can read most)",
        "not permitted: smaps of {count} processes (root can read most)",
    ),
    "in use": N_("in use"),
    "used": N_("{used:size} of {total:size}"),
    "area": N_("area"),
    "area used": N_("{path} ({kind}, priority {priority}): {used:size} of {size:size}"),
    "compressed": N_("compressed memory"),
    "cached": N_("cached"),
    "in memory": N_("{cached:size} of it are in memory as well (SwapCached)"),
    "zswap": N_("zswap"),
    "zswapped": N_("{zswapped:size} of it are held compressed in memory, in {held:size}, not on disk"),
    "swappiness": N_("swappiness"),
    "swapoff": N_("swapoff"),
    "fits": N_("would fit: all of it back in RAM leaves {left:size} of the {available:size} available now"),
    "does not fit": N_(
        "would not fit: {more:size} more than the {available:size} available; processes would be killed"
    ),
    "machine fits": N_("the machine as a whole has room: {left:size} of the {available:size} available would be left"),
    "group does not fit": N_(
        "would not fit: the control group {path:name} may be charged {limit:size}, and {swapped:size} would come back to the {charged:size} that it is charged (of which {reclaimable:size} can be dropped), {more:size} too much; a process of it would be killed"
    ),
    "group fits": N_(
        "also in the control group with the least room, {path:name}: {swapped:size} would come back, and {left:size} of its limit of {limit:size} be left"
    ),
    "in use; of it": N_("in use; of it"),
}


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
