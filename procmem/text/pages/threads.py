"""The sentences of ``procmem threads``."""

from procmem.text import N_, Sentence, plural, say

__all__ = ["HEADINGS", "told"]

HEADINGS = {
    "tid": N_("tid"),
    "state": N_("state"),
    "stack_from": N_("stack from"),
    "to": N_("to"),
    "reserved": N_("reserved"),
    "resident": N_("resident"),
    "depth_now": N_("depth now"),
    "deepest": N_("deepest"),
    "guard": N_("guard"),
    "tls": N_("TLS"),
    "arena": N_("arena"),
    "arena_blocks": N_("blocks"),
    "arena_resident": N_("arena RSS"),
    "voluntary": N_("voluntary"),
    "involuntary": N_("involuntary"),
    "cpu_s": N_("CPU s"),
    "kind": N_("kind"),
    "certainty": N_("certainty"),
    "name": N_("name"),
}

_SENTENCES: dict[str, Sentence] = {
    "head": plural("{pid}  {name:name}  ({count} thread)", "{pid}  {name:name}  ({count} threads)"),
    "total": N_("total"),
    "inside": N_("inside {kind}"),
    "all share": N_("All threads share (the process owns it):"),
    "address space": N_("address space"),
    "asked for": N_("{virt:size} asked for, {rss:size} in memory"),
    "arenas": N_("malloc arenas"),
    "arena count": N_("{count} besides the main one, in blocks: {blocks}; {virt:size} reserved, {rss:size} in memory"),
    "arena blocks": plural(
        "{count} block, most likely an arena; {virt:size} reserved, {rss:size} in memory (--deep tells whose)",
        "{count} blocks, most likely as many arenas; {virt:size} reserved, {rss:size} in memory (--deep tells whose)",
    ),
    "arena bounds": N_(
        "{count} blocks, of {least} to {most} arenas; {virt:size} reserved, {rss:size} in memory (--deep tells whose)"
    ),
    "open files": N_("open files"),
    "file-system state": N_("file-system state"),
    "folders": N_("in {cwd}, root {root}, umask {umask}"),
    "signal handlers": N_("signal handlers"),
    "signals": N_("{handled} handled, {ignored} ignored, {pending} pending for the whole process"),
    "each owns": N_("Each thread owns (its run, and no more):"),
    "stack": N_("stack"),
    "stacks": N_("{reserved:size} reserved by all together, {resident:size} in memory"),
    "TLS": N_("TLS"),
    "known TLS": N_("{tls:size} in all that are known"),
    "kernel stack": N_("kernel stack"),
    "kernel stacks": N_("{each:size} each, {all:size} in all, outside VIRT and RES"),
    "scheduling state": N_("scheduling state"),
    "scheduling": N_("{policies}; {time} of CPU time in all"),
    "pending signals": N_("pending signals"),
    "own signals": plural(
        "{count} thread has some of its own (SigPnd)", "{count} threads have some of their own (SigPnd)"
    ),
    "ended": N_("Stacks of ended threads, kept for reuse: {stacks}, {reserved:size} reserved"),
}


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
