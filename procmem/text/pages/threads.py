"""The sentences of ``procmem threads``."""

from procmem.text import N_, Sentence, gettext, plural, say

__all__ = ["HEADINGS", "policy_text", "told"]

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
    "at least": N_("at least {figure}"),
    "stacks": N_("{reserved} reserved by all together, {resident} in memory"),
    "TLS": N_("TLS"),
    "TLS in all": N_("{tls} in all"),
    "kernel stack": N_("kernel stack"),
    "kernel stacks": N_("{each:size} each, {all:size} in all, outside VIRT and RES"),
    "scheduling state": N_("scheduling state"),
    "scheduling": N_("{policies}; {time} of CPU time in all"),
    "pending signals": N_("pending signals"),
    "own signals": plural(
        "{count} thread has some of its own (SigPnd)", "{count} threads have some of their own (SigPnd)"
    ),
    "own signals unknown": N_("not known of each thread (SigPnd)"),
    "ended": N_("Stacks of ended threads, kept for reuse: {stacks}, {reserved:size} reserved"),
}


_POLICIES = {
    "normal": N_("normal"),
    "fifo": N_("fifo"),
    "round robin": N_("round robin"),
    "batch": N_("batch"),
    "idle": N_("idle"),
    "deadline": N_("deadline"),
    "extensible": N_("extensible"),
}
"""The scheduling policies of sched(7)."""


def policy_text(policy: str) -> str:
    """The name of a scheduling policy."""
    return gettext(_POLICIES[policy])


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
