"""The sentences of ``procmem growth``."""

from procmem.model.reports.growth import PageChange
from procmem.text import N_, Sentence, gettext, plural, say

__all__ = ["HEADINGS", "change_text", "told"]

HEADINGS = {
    "change": N_("what became of pages"),
    "anonymous": N_("anonymous"),
    "file": N_("files, shared"),
    "swap": N_("swap"),
    "size": N_("size"),
    "share": N_("share"),
    "rate": N_("a second"),
    "faults": N_("page faults"),
    "samples": N_("samples"),
    "function": N_("asked for by"),
    "touched_by": N_("touched by"),
    "object": N_("file of the code"),
    "memory": N_("memory"),
    "thread": N_("thread"),
}
_CHANGES = {
    PageChange.MADE: N_("first touched"),
    PageChange.HUGE: N_("first touched, in huge pages"),
    PageChange.COPIED: N_("copied from a file by writing"),
    PageChange.READ: N_("of files, mapped"),
    PageChange.SHARED: N_("of shared memory, mapped"),
    PageChange.SWAPPED_IN: N_("swapped in"),
    PageChange.GIVEN_BACK: N_("given back or unmapped"),
    PageChange.DROPPED: N_("of files, no longer mapped"),
    PageChange.SWAPPED_OUT: N_("swapped out"),
    PageChange.SWAP_FREED: N_("freed while in swap"),
    PageChange.COLLAPSED: N_("joined into huge pages"),
}
_SENTENCES: dict[str, Sentence] = {
    "before": plural(
        "watching the page faults of {count} process for {seconds:g} s; Ctrl-C ends it earlier",
        "watching the page faults of {count} processes for {seconds:g} s; Ctrl-C ends it earlier",
    ),
    "cut short": N_("interrupted: what came until now"),
    "saved": N_("wrote {path}; procmem growth --from {path} shows it again"),
    "faults": plural(
        "{count} page fault in {seconds:.1f} s",
        "{count} page faults in {seconds:.1f} s, {rate:,.0f} a second",
    ),
    "all looked at": N_("each was looked at"),
    "sampled": plural("{count} was looked at", "{count} were looked at, one of about {each:,.0f}"),
    "none looked at": N_("none was looked at"),
    "lost": plural(
        "{count} sample was lost because the buffer was full; the others are scaled up for it",
        "{count} samples were lost because the buffer was full; the others are scaled up for them",
    ),
    "resident": N_("RES went from {before:size} to {after:size}: {change}"),
    "no page tables": N_("what is still there at the end is not known: sizes are estimates of all that was touched"),
    "sum": N_("change"),
    "of status": N_("status says"),
    "unexplained": N_("not explained"),
    "title": N_("Of what came and is still there, {size:size}: who touched it first"),
    "title touched": N_("Of what was touched, {size:size}: who touched it first"),
    "nothing": N_("No new memory was left at the end."),
    "churn": N_(
        "Faults that left no new page ({share:.0f} % of all, {size:size} a second): given back since, touched again, or copied after a fork"
    ),
    "others": plural("{count} other", "{count} others"),
    "estimate": N_(
        "sizes by kind of memory are counted page by page; who touched them is an estimate, from one fault in about {each:,.0f}"
    ),
    "copied": N_(
        "besides, {size:size} were copied after a fork, likely: pages that were there, and that another process shared until they were written; RES does not grow by them, memory in use does"
    ),
    "no kernel": N_(
        "faults within system calls, such as a read(2) into new memory, could not be seen: that takes CAP_PERFMON, or kernel.perf_event_paranoid of 1 or less"
    ),
    "nearest": N_(
        "where a file names no function of its own there, it is told by its address, after the nearest symbol"
    ),
    "mangled": N_(
        "names of C++ and Rust are as the linker has them: pip install 'procmem[symbols]' makes them readable"
    ),
    "early": N_(
        "{share:.0f} % of the chains of callers end early: nothing said who called, or the stack is deeper than what was copied"
    ),
    "flame": N_("What came, by the code that touched it: the outermost callers on top"),
    "frame": N_("{name}: {size:size} ({share:.1f} %)"),
    "curve": N_("RES over time: {before:size} at first, {after:size} at the end, {most:size} at most"),
    "gone": N_("memory that is not mapped any more"),
    "huge": N_("one touch fills a huge page as a whole"),
    "cost": N_("looking took {cost:.2f} s of a processor"),
    "thread": N_("{name:name} ({tid})"),
    "nobody seen": N_("no fault seen: within a system call, or filled by the kernel in advance"),
    "nobody": N_("no fault: the kernel filled it in advance (mlock, MAP_POPULATE), or joined pages"),
}


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)


def change_text(change: PageChange) -> str:
    """What became of pages, as a row of a table has it."""
    return gettext(_CHANGES[change])
