"""What deserves attention: a title, what it means here, and what to do."""

from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.explanation import Finding
from procmem.text import N_, Sentence, gettext, plural, say

__all__ = ["cure_label", "finding_cure", "finding_meaning", "finding_title", "no_findings"]


class _FindingWords(NamedTuple):
    """The words of one finding."""

    title: str
    meaning: Sentence
    cure: str


_CURE_OF_FREED = N_(
    "malloc_trim(0) gives whole free pages back. What stays lies between blocks that live long: allocate those elsewhere or earlier, or use another allocator (jemalloc, tcmalloc)."
)
FINDINGS = {
    "many-arenas": _FindingWords(
        N_("Many malloc arenas"),
        N_(
            "{count} arenas of {blocks} blocks, besides the main one, reserve {reserved_bytes:size} of address space and hold {live_bytes:size} in memory; glibc makes up to {limit} ({factor} for each of {cpus} processors). Free memory in one arena does not serve another."
        ),
        N_("Set MALLOC_ARENA_MAX=2, call malloc_trim(0) at quiet times, or use another allocator."),
    ),
    "many-arena-blocks": _FindingWords(
        N_("Many blocks of malloc arenas"),
        N_(
            "{blocks} blocks of {block_bytes:size} with the shape of malloc arenas reserve {reserved_bytes:size} of address space and hold {live_bytes:size} in memory. How many arenas they make is not known: {at_least} to {at_most}, since one that is full takes further blocks; glibc makes up to {limit} ({factor} for each of {cpus} processors)."
        ),
        N_("Look with --deep, which tells the arena of each block, and the threads that use it."),
    ),
    "one-block-arenas": _FindingWords(
        N_("Many malloc arenas"),
        N_(
            "{blocks} blocks of {block_bytes:size} with the shape of malloc arenas reserve {reserved_bytes:size} of address space and hold {live_bytes:size} in memory. Most likely they are as many arenas: a further block is taken only when one is full, and none of these is. glibc makes up to {limit} ({factor} for each of {cpus} processors). Free memory in one arena does not serve another."
        ),
        N_("Set MALLOC_ARENA_MAX=2, call malloc_trim(0) at quiet times, or use another allocator."),
    ),
    "large-arena": _FindingWords(
        N_("A malloc arena of many blocks"),
        N_(
            "The arena {arena} (thread {threads}) has grown to {count} blocks: {size_bytes:size} of address space, {live_bytes:size} in memory."
        ),
        N_(
            "See what these threads allocate and do not free: procmem diff of two looks with --deep tells whether the arena grows."
        ),
    ),
    "freed-in-heap": _FindingWords(
        N_("Freed and not given back"),
        N_(
            "Of malloc's main heap {used_bytes:size} are in use; {free_bytes:size} of freed blocks lie between those, and {top_bytes:size} at its top. {held_bytes:size} of that is still in memory."
        ),
        _CURE_OF_FREED,
    ),
    "freed-in-heap-sampled": _FindingWords(
        N_("Freed and not given back"),
        N_(
            "Of malloc's main heap about {used_bytes:size} are in use, and about {free_bytes:size} of freed blocks lie between those; {held_bytes:size} of that is still in memory. It has so many blocks that only samples were looked at; of {unknown_bytes:size} nothing is known."
        ),
        _CURE_OF_FREED,
    ),
    "freed-in-arena": _FindingWords(
        N_("Freed and not given back"),
        N_(
            "Of the malloc arena {arena} (thread {threads}) {used_bytes:size} are in use; {free_bytes:size} of freed blocks lie between those, and {top_bytes:size} at the top of its blocks. {held_bytes:size} of that is still in memory."
        ),
        _CURE_OF_FREED,
    ),
    "freed-in-arena-sampled": _FindingWords(
        N_("Freed and not given back"),
        N_(
            "Of the malloc arena {arena} (thread {threads}) about {used_bytes:size} are in use, and about {free_bytes:size} of freed blocks lie between those; {held_bytes:size} of that is still in memory. It has so many blocks that only samples were looked at; of {unknown_bytes:size} nothing is known."
        ),
        _CURE_OF_FREED,
    ),
    "reserved-above-touched": _FindingWords(
        N_("Far more asked for than used"),
        N_(
            "VIRT is {virt_bytes:size} and RES {rss_bytes:size}: {idle_bytes:size} is reserved or was never touched. That is address space, not memory."
        ),
        N_(
            "Nothing, unless RLIMIT_AS or strict overcommit makes address space scarce. Judge memory use by PSS or RES."
        ),
    ),
    "lazily-freed": _FindingWords(
        N_("Memory in RES that is free already"),
        N_(
            "{lazy_bytes:size} of the {rss_bytes:size} of RES were given back by MADV_FREE: they count until the kernel needs memory, which takes them without swapping, or until the program writes there again."
        ),
        N_(
            "Nothing. To see RES fall at once: MALLOC_CONF=muzzy_decay_ms:0 with jemalloc, GODEBUG=madvdontneed=1 with Go."
        ),
    ),
    "hugetlb": _FindingWords(
        N_("Huge pages outside RES"),
        N_("{hugetlb_bytes:size} in huge pages (hugetlb) are in use; RES, PSS and USS leave them out."),
        N_("Add them when you plan memory: see HugetlbPages in /proc/PID/status."),
    ),
    "writable-and-executable": _FindingWords(
        N_("Memory that is writable and executable"),
        plural(
            "{count} range, {size_bytes:size}, may be written and run: whoever can write there can run what they wrote.",
            "{count} ranges, {size_bytes:size}, may be written and run: whoever can write there can run what they wrote.",
        ),
        N_(
            "Just-in-time compilers can map code twice or switch permissions; programs can be linked with -z noexecstack."
        ),
    ),
    "data-executable": _FindingWords(
        N_("Data that is executable"),
        plural(
            "{count} range of data, heap or stack, {size_bytes:size}, may be run as well: reading implies executing here (READ_IMPLIES_EXEC), as in programs that do not say that they need no executable stack. It does not mean that the program makes code.",
            "{count} ranges, data, heap and stacks among them, {size_bytes:size}, may be written and run: reading implies executing here (READ_IMPLIES_EXEC), as in programs that do not say that they need no executable stack. It does not mean that the program makes code.",
        ),
        N_("Link with -z noexecstack; assembler files need a section .note.GNU-stack."),
    ),
    "deleted-files": _FindingWords(
        N_("Deleted program files still mapped"),
        plural(
            "{count} program or library that was deleted or replaced is still mapped ({example}): the process runs the old version, and the disk space is not free.",
            "{count} programs or libraries that were deleted or replaced are still mapped ({example}): the process runs the old version, and the disk space is not free.",
        ),
        N_("Restart the process after an upgrade."),
    ),
    "unlinked-files": _FindingWords(
        N_("Files without a name still mapped"),
        plural(
            "{count} data file that was unlinked is still mapped ({example}), {size_bytes:size} of address space: most programs do that on purpose, so that the file goes when they end. Until then the space that it takes is held.",
            "{count} data files that were unlinked are still mapped ({example}), {size_bytes:size} of address space: most programs do that on purpose, so that the files go when they end. Until then the space that they take is held.",
        ),
        N_("Nothing, unless space on that file system runs out: it comes back when the process unmaps them or ends."),
    ),
    "cgroup-limit": _FindingWords(
        N_("The control group is close to its limit"),
        N_(
            "The group {group} is charged {charged_bytes:size} of {limit_bytes:size} ({share} %), page cache of its files among it: at the limit the kernel takes back what it can, and then kills a process of the group."
        ),
        N_(
            "Raise memory.max, or find what fills the group (procmem system --by cgroup). Page cache alone is no harm: see memory.stat."
        ),
    ),
    "map-count": _FindingWords(
        N_("Close to the limit of mappings"),
        N_(
            "{count} of at most {limit} mappings are in use; at the limit mmap fails with ENOMEM although memory is free."
        ),
        N_("Raise vm.max_map_count, or find what makes so many mappings (the table by kind tells)."),
    ),
    "map-count-default": _FindingWords(
        N_("Close to the usual limit of mappings"),
        N_(
            "{count} mappings are in use; the limit (vm.max_map_count) is not known here, and by default it is {limit}: at the limit mmap fails with ENOMEM although memory is free."
        ),
        N_("Raise vm.max_map_count, or find what makes so many mappings (the table by kind tells)."),
    ),
    "locked": _FindingWords(
        N_("Locked memory"),
        N_(
            "{locked_bytes:size} are locked (mlock, mlockall): they cannot be swapped out, whatever else needs the memory."
        ),
        N_(
            "Lock what must not be swapped only (keys, real-time buffers); MCL_ONFAULT locks no more than what is touched."
        ),
    ),
    "limit-address-space": _FindingWords(
        N_("Close to the limit of address space"),
        N_("VIRT is {virt_bytes:size}, and RLIMIT_AS allows {limit_bytes:size}."),
        N_("Raise the limit (ulimit -v), or reserve less."),
    ),
    "limit-locked": _FindingWords(
        N_("Close to the limit of locked memory"),
        N_("{locked_bytes:size} are locked, and RLIMIT_MEMLOCK allows {limit_bytes:size}."),
        N_("Raise the limit (ulimit -l)."),
    ),
    "stack-limit": _FindingWords(
        N_("Stack close to its limit"),
        N_(
            "The stack of {owner} has used {used_bytes:size} of {limit_bytes:size}; one step further is a crash (SIGSEGV)."
        ),
        N_("Look for deep recursion or large local arrays; raise the limit (ulimit -s) or the thread's stack size."),
    ),
    "swapped": _FindingWords(
        N_("Memory in swap"),
        N_(
            "{swap_bytes:size} of {total_bytes:size} private memory are swapped out. Touching them again means waiting for the disk."
        ),
        N_(
            "If it is idle data, leave it. If the machine swaps all the time, a process misbehaves or the machine is too small: see procmem swap."
        ),
    ),
    "text-copied": _FindingWords(
        N_("Code that was written to"),
        N_(
            "{size_bytes:size} of code are private copies: relocations in the text (or a debugger's breakpoints) made them, and no other process can share them."
        ),
        N_("Build the object with -fPIC."),
    ),
    "cached-stacks": _FindingWords(
        N_("Stacks of ended threads"),
        plural(
            "{count} stack ({size_bytes:size} of address space, {rss_bytes:size} in memory) waits for a new thread.",
            "{count} stacks ({size_bytes:size} of address space, {rss_bytes:size} in memory) wait for new threads.",
        ),
        N_("Nothing: glibc keeps at most 40 MiB of them."),
    ),
    "page-tables": _FindingWords(
        N_("Large page tables"),
        N_(
            "Page tables take {tables_bytes:size}, {share} % of the memory that they map: it is touched here and there, not in one piece. They count in neither RES nor PSS."
        ),
        N_("Use huge pages for large areas, or keep data closer together."),
    ),
    "huge-pages": _FindingWords(
        N_("Little of it in transparent huge pages"),
        N_("{huge_bytes:size} of {anonymous_bytes:size} anonymous memory are in huge pages ({share} %)."),
        N_("If it is large and busy, madvise(MADV_HUGEPAGE) or transparent_hugepage=always saves address translation."),
    ),
}


def finding_title(finding: Finding) -> str:
    """What it is called."""
    return gettext(FINDINGS[finding.name].title)


def finding_meaning(finding: Finding) -> str:
    """What it means, with the figures behind it."""
    return say(FINDINGS[finding.name].meaning, finding.figures)


def finding_cure(finding: Finding) -> str:
    """What to do about it."""
    return gettext(FINDINGS[finding.name].cure)


def no_findings() -> str:
    """What is said where nothing was found."""
    return gettext(N_("Nothing here deserves attention."))


def cure_label() -> str:
    """What stands before a cure."""
    return gettext(N_("What to do"))
