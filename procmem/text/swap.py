"""The words of ``procmem swap``: the judgement and its reasons, the parts, and what swappiness means."""

from procmem.model.note import Note
from procmem.text import N_, gettext, say

__all__ = ["flow_text", "part_name", "part_sentence", "reason_text", "sort_name", "swappiness_text"]

_CACHE = N_("in memory again, or on its way: the place in swap is kept until it is needed")
PARTS = {
    "private": (
        N_("processes' own pages"),
        N_("private memory of processes (SwapPss), each page counted once"),
    ),
    "refused": (
        N_("processes that may not be read"),
        N_("their VmSwap; shared between forks, it may count twice"),
    ),
    "tmpfs files": (
        N_("tmpfs files"),
        N_("files on tmpfs (/dev/shm, /tmp, ...): no process need have them open"),
    ),
    "SysV segments": (
        N_("SysV segments"),
        N_("shared memory of shmget(2): it stays until it is removed, attached or not"),
    ),
    "mapped shared memory": (
        N_("mapped shared memory"),
        N_("memfd, shared anonymous and deleted files that processes map; VmSwap leaves them out"),
    ),
    "open shared memory": (
        N_("open shared memory"),
        N_("memfd and deleted files that processes have open, and that none maps"),
    ),
    "unrecorded": (
        N_("not in the recording"),
        N_("processes and shared memory that were not recorded"),
    ),
    "cache": (N_("swap cache"), _CACHE),
    "unowned": (
        N_("no owner found"),
        N_("shared memory on its way between processes, or out of our sight"),
    ),
    "moved": (N_("counted twice"), N_("pages that moved while all this was read")),
}
"""The name of a part of what is in use, and what it is."""

SWAPPINESS = {
    "unknown": N_("unknown"),
    "last": N_(
        "{value} of 0..{most}: swap only when pages of files alone no longer do; it does not switch swap off"
        " (swapoff does)"
    ),
    "files first": N_("{value} of 0..{most}: rather drop pages of files than swap"),
    "default": N_("{value} of 0..{most}: the default: prefer dropping pages of files, but swap what is idle"),
    "nearly even": N_("{value} of 0..{most}: swap nearly as readily as drop pages of files"),
    "even": N_("{value} of 0..{most}: swap and file pages cost the same"),
    "swap first": N_(
        "{value} of 0..{most}: rather swap than drop pages of files: right where swap is faster than the disk"
        " (zram, zswap)"
    ),
}
"""What a value of vm.swappiness means."""

REASONS = {
    "no areas": N_("What swap this machine has is not known: /proc/swaps was not read."),
    "no swap": N_("This machine has no swap: when memory runs out, a process is killed."),
    "one reading": N_("{used:size} of {total:size} are in use; whether they move, one reading cannot tell."),
    "thrashing": N_("Thrashing: pages go out and come back ({flow})."),
    "moving out": N_("Pages move out: memory is being made free ({flow}); look again, whether it stops."),
    "moving in": N_("Pages move in: what was parked is used again ({flow}); look again, whether it stops."),
    "idle": N_("Swap is there and not in use ({flow})."),
    "parked": N_("Parked: {used:size} of idle data lie in swap and nobody asks for them ({flow}); no harm in that."),
    "waits most": N_(
        "Waiting for it: {name:name} ({pid}), with {share:.0%} of the {faults} page faults that went to the disk."
    ),
    "cgroup limit": N_(
        "Its cgroup {cgroup:name} is at its limit ({charged:size} of {limit:size}), while the machine has"
        " {available:size} available: the limit is too small for this process, or the process too large for it; the"
        " machine is not the trouble."
    ),
    "one process": N_(
        "One process asks for most: {name:name} ({pid}) holds {demand:size} of its own, in memory and swap together,"
        " {share:.0%} of all processes': look at it first (procmem account {pid})."
    ),
    "machine": N_(
        "No single process stands out: {count} together ask for {demand:size} of {ram:size} RAM: the machine is too"
        " small for what runs on it."
    ),
}
"""The judgement, and who or what is the cause."""


def part_name(name: str) -> str:
    """The name of a part."""
    return gettext(PARTS[name][0])


def part_sentence(name: str) -> str:
    """What a part is."""
    return gettext(PARTS[name][1])


def sort_name(sort: str) -> str:
    """The sort of an object of shared memory."""
    return part_name(sort)


def swappiness_text(swappiness: Note) -> str:
    """The value, its range, and what it means."""
    return say(SWAPPINESS[swappiness.code], swappiness.figures)


def flow_text(figures: dict[str, object]) -> str:
    """What moved in and out in a second, over how long, and how much tasks waited for it."""
    text = say(N_("{into:size}/s in, {out:size}/s out over {seconds:.1f} s"), figures)
    if figures["stalled"] is not None:
        text += say(N_(", tasks waited for memory {stalled:.0%} of the time"), figures)
    return text


def reason_text(reason: Note) -> str:
    """A sentence of the judgement."""
    figures = dict(reason.figures)
    if "into" in figures:
        figures["flow"] = flow_text(figures)
    return say(REASONS[reason.code], figures)
