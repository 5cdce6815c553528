"""The sentences of ``procmem inspect``: who a process is, and the account from VIRT to RES."""

from procmem.text import N_, Sentence, gettext, plural, say

__all__ = ["HEADINGS", "state_text", "told"]

HEADINGS = {
    "class": N_("class"),
    "virt": N_("VIRT"),
    "rss": N_("RSS"),
    "pss": N_("PSS"),
    "uss": N_("USS"),
    "swap": N_("swap"),
    "regions": N_("regions"),
    "start": N_("start"),
    "end": N_("end"),
    "perms": N_("perms"),
    "kind": N_("kind"),
    "certainty": N_("certainty"),
    "owner": N_("owner"),
}

_SENTENCES: dict[str, Sentence] = {
    "head": N_("{pid}  {name}  ({facts})"),
    "total": N_("total"),
    "total minus reserved": N_("total minus reserved"),
    "bits": N_("{bits}-bit"),
    "threads": plural("{count} thread", "{count} threads"),
    "age": N_("started {time} ago"),
    "simulated": N_("a simulated process"),
    "recorded": N_("a recorded process"),
    "kernel thread": N_("kernel thread"),
    "zombie": N_("zombie"),
    "process whose main thread has ended": N_("process whose main thread has ended"),
    "virt alone": N_("address space asked for"),
    "rss alone": N_("in memory now"),
    "pss alone": N_("its fair share of that"),
    "uss alone": N_("of it, what nobody shares"),
    "virt": N_("address space asked for; of it"),
    "resident": N_("RES: in memory now"),
    "swapped": N_("swapped out"),
    "hugetlb": N_("huge pages (hugetlb), which RES leaves out"),
    "file_not_resident": N_("of files, not in memory"),
    "untouched": N_("never touched, or given back"),
    "reserved": N_("reserved: inaccessible address space"),
    "fills": N_("RES {rss:size} is filled by"),
    "fills, since": N_("RES {rss:size} is filled by, and grew since {before} by"),
    "others": plural("{count} other", "{count} others"),
    "the same": N_("{what}: as before"),
    "grown": N_("{what}: grown by {size:size}"),
    "shrunk": N_("{what}: shrunk by {size:size}"),
    "peak label": N_("peak"),
    "peak": N_("RES {rss:size} (VmHWM), VIRT {virt:size} (VmPeak)"),
    "peak, higher": N_("RES was {rss:size} at its highest (VmHWM), VIRT {virt:size} (VmPeak)"),
    "data label": N_("VmData"),
    "data": N_("{data:size} private and writable; VmExe {code:size}, VmLib {libraries:size} of code"),
    "data, more": N_(
        "{data:size} private and writable, touched or not: so it is more than RES; VmExe {code:size}, VmLib {libraries:size} of code"
    ),
    "maps label": N_("maps"),
    "maps": plural("{count} mapping", "{count} mappings"),
    "maps, of": plural(
        "{count} mapping of at most {most} (vm.max_map_count)", "{count} mappings of at most {most} (vm.max_map_count)"
    ),
    "gpu label": N_("GPU"),
    "gpu": N_("{device}: {memory}; beside RES"),
    "gpu, nothing": N_("{device}: open, its driver tells of no memory in use"),
    "gpu memory": N_("{name} {resident:size}"),
    "gpu memory, of": N_("{name} {resident:size} of {total:size}"),
    "gpu, cut": N_("more descriptors are open than were looked at: there may be more of it"),
    "locked label": N_("locked"),
    "locked": N_("{size:size} cannot be swapped out (VmLck)"),
    "tables label": N_("page tables"),
    "tables": N_("{size:size}, which RES leaves out (VmPTE)"),
    "oom label": N_("OOM"),
    "oom": N_("score {score}, adjusted by {adjusted}: where memory runs out, the highest is killed first"),
    "oom, unknown": N_("score unknown, adjusted by {adjusted}: where memory runs out, the highest is killed first"),
    "cgroup label": N_("cgroup"),
    "cgroup": N_("{path:name} is charged {current:size}"),
    "cgroup, no limit": N_("no limit"),
    "cgroup, limit": N_("{share} % of its limit of {limit:size}"),
    "cgroup, limit above": N_("limited by {group:name}, which is charged {charged:size} of {limit:size} ({share} %)"),
    "cgroup, swap": N_("{swap:size} in swap"),
    "cgroup, pressure": N_("some task waited for memory {share:.1f} % of the last 10 s"),
    "two heaps": N_(
        "heap here is the area of brk alone; in the table by class, heap is the memory of every allocator, which lies in the mapping area too"
    ),
    "no swap": N_("swap: nothing of it is swapped out"),
    "swap": N_("swap: {swap:size} swapped out"),
    "swap, share": N_("swap: {swap:size} swapped out, its fair share {share:size}"),
    "layout, broken": plural(
        "layout: {count} law of the kernel's layout holds, broken: {broken} (procmem crosscheck checks more)",
        "layout: {count} laws of the kernel's layout hold, broken: {broken} (procmem crosscheck checks more)",
    ),
}


STATES = (
    N_("R (running)"),
    N_("S (sleeping)"),
    N_("D (disk sleep)"),
    N_("T (stopped)"),
    N_("t (tracing stop)"),
    N_("X (dead)"),
    N_("Z (zombie)"),
    N_("P (parked)"),
    N_("I (idle)"),
)
"""The states of a task, as ``status`` writes them (task_state_array in fs/proc/array.c)."""


def state_text(state: str) -> str:
    """The state of a task; one that this kernel alone knows stays as it writes it."""
    return gettext(state) if state in STATES else state


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
