"""The words of the simulator: the rule behind each mapping, notes on predictions, what steps and faults came to."""

from procmem.model.note import Note
from procmem.text import N_
from procmem.text.failures import ENDINGS
from procmem.text.notes import told

__all__ = ["area_text", "note_text", "origin_text", "outcome_text", "rule_text", "step_text", "trace_text"]

RULES = {
    "highest-free": N_("highest free place below mmap_base {base:#010x}"),
    "lowest-free": N_("lowest free place above the legacy base {base:#010x}"),
    "segment": N_("{of}; PT_LOAD {perms}"),
    "segment-bss": N_("{of}; memory beyond the file part (BSS)"),
    "joined": N_("{rule}; joined with: {other}"),
    "exec-fixed": N_("exec: program at its own address"),
    "exec-pie": N_("exec: PIE base {place:#010x}"),
    "exec-static": N_("exec: no interpreter, so {place}"),
    "exec-interpreter": N_("exec: interpreter, {place}"),
    "exec-vdso": N_("exec: vvar and vdso share one search, next free place after the loader"),
    "exec-vsyscall": N_("the gate page of the old system calls, the same in every process"),
    "exec-stack": N_("exec: ends at STACK_TOP {top:#010x}, begins 128 KiB below its strings"),
    "ld-library": N_("ld.so: {place}"),
    "ld-over-span": N_("ld.so: over the library's span"),
    "ld-hole": N_("ld.so: hole between segments, made inaccessible"),
    "ld-bss": N_("ld.so: memory beyond the file part (BSS)"),
    "ld-cache": N_("ld.so: its cache, unmapped before the program begins"),
    "ld-executable-stack": N_("ld.so: a library asks for an executable stack"),
    "ld-block": N_("ld.so: block of its small-block allocator (request of {request} bytes)"),
    "relro": N_("RELRO: relocated, then made read-only"),
    "malloc-page": N_("malloc: the heap's end, up to a whole page"),
    "malloc-grows": N_("malloc: the heap grows by the request and 128 KiB to spare"),
    "malloc-main-mmap": N_("malloc: brk failed, so a megabyte is mapped"),
    "malloc-mmap": N_("malloc: request of {request} bytes or so, at or above the mmap threshold"),
    "malloc-trim": N_("malloc: trimmed after a free at the top"),
    "arena-first": N_("malloc: arena of a thread, its first part"),
    "arena-opened": N_("malloc: a thread's arena, opened further"),
    "arena-reserved": N_("malloc: arena of a thread, reserved"),
    "musl-records": N_("musl: records of its allocator"),
    "musl-guard": N_("musl: guard page"),
    "musl-tls": N_("musl: thread-local storage of the main thread"),
    "static-tls": N_("start code: thread-local storage, by brk"),
    "thread-stack": N_("pthread_create: stack of a thread, {kib} KiB"),
    "thread-guard": N_("guard page of a thread"),
    "mmap-highest": N_("mmap: highest free place"),
    "mmap-fixed": N_("mmap with MAP_FIXED: it takes the place of what was there"),
    "mmap-growsdown": N_("mmap with MAP_GROWSDOWN: it grows downwards like a stack"),
    "mremap": N_("mremap: another length; moved where there was no room above"),
    "mmap-lowest": N_("mmap: lowest free place"),
    "allocator-pool": N_("an allocator's pool, mapped by its constructor"),
    "mmap-shared": N_("mmap: shared"),
    "brk": N_("brk: asked for by the program"),
}
"""What put a mapping where it is."""

NOTES = {
    "file-system-unknown": N_(
        "{file:name} lies in a file system of which it is not known whether it aligns to huge pages"
    ),
    "own-constructors": N_(
        "the program's own constructors run before main: what they allocate is not predicted, and what they can write to is"
        " known in shape only"
    ),
    "constructor-threads": N_(
        "the code of {count} of its constructors leads to the system call that starts a thread (clone3): the stack and the"
        " malloc arena of such a thread are known in shape only"
    ),
    "linker-by-hand": N_("a dynamic linker started by hand: what it maps for the program it runs is not predicted"),
    "static-unknown": N_("no glibc in this static program: what its start code maps is not known"),
    "musl": N_("musl: known in shape only"),
    "constructor-mallocs": N_(
        "the constructor of {library:name} calls malloc before main: the heap is known in shape only"
    ),
    "constructor-unknown": N_(
        "if the constructor of {library:name} calls malloc, a heap is there before main; what it can write to of its own"
        " is known in shape only"
    ),
    "constructor-unknown-later": N_(
        "what the constructor of {library:name} asks for is not known: memory that may have grown, and what it can write"
        " to of its own, is known in shape only"
    ),
    "library-maps": N_("{library:name} maps memory of its own before main: known in shape only, if at all"),
    "unmeasured": N_("glibc {version} has not been measured: what it maps is known in shape only"),
    "unmeasured-library": N_("this C library has not been measured: what it maps is known in shape only"),
    "cache-resized": N_("/etc/ld.so.cache had {then:size} when it was started, and has {now:size} today"),
    "variable": N_("{name:name} is set, which is not modelled"),
    "preload": N_("/etc/ld.so.preload is not modelled"),
    "by-a-stop": N_("{why}: looked at by a stop somewhere behind main, where it may have mapped more"),
}
"""What a prediction leaves open."""

ORIGINS = {
    "table": N_("table of {date}: Linux {release}, {machine}"),
    "probe": N_("probe: a {bits}-bit program run on this kernel ({release})"),
    "recording": N_("the recording"),
}
"""Where the facts of the kernel come from."""

AREAS = {
    "direct-classic": N_(
        "physical = virtual - 0xc0000000; 1024 MiB - 128 MiB for vmalloc and the top = 896 MiB, or all RAM"
    ),
    "direct-6.1": N_("physical = virtual - 0xc0000000; end of vmalloc {end:#x} - 0xc0000000 - 128 MiB, or all RAM"),
    "hole": N_("8 MiB to catch stray accesses"),
    "vmalloc": N_("vmalloc, ioremap, modules; ends two pages below kmap"),
    "kmap": N_("{pages} pages of high memory in use at one time"),
    "ldt": N_("local descriptor tables, under page-table isolation"),
    "cpu-areas": N_("entry stacks, GDT, TSS; then fixed addresses"),
    "last-page": N_("never mapped: addresses here are error numbers"),
    "arm64-user": N_("what programs have"),
    "arm64-user-52": N_("what programs have; above 48 bits only where a hint to mmap asks for it"),
    "arm64-hole": N_("addresses that no table translates: touching one is a fault"),
    "arm64-kernel": N_("what the kernel has"),
    "arm64-linear": N_("all RAM, one frame after the other"),
    "arm64-modules": N_("code that is loaded into the kernel"),
    "arm64-vmalloc": N_("the kernel's image; vmalloc(), ioremap(), kernel stacks"),
    "arm64-fixed": N_("places whose addresses are fixed at compile time, from the top down"),
    "arm64-io": N_("ports of PCI devices"),
    "arm64-vmemmap": N_("one struct page for each frame of RAM"),
}
"""The parts of the kernel's gigabyte."""

OUTCOMES = {
    "value": N_("= {value:#010x}"),
    "failed": N_("failed (error {error})"),
    "no-memory": N_("failed: no memory left"),
    "no-library": N_("failed: {name:name} is not found"),
    "already-open": N_("nothing new: it is loaded already"),
    "brk-failed": N_("failed (ENOMEM)"),
    "segv": N_("SIGSEGV"),
    "segv-code": N_("SIGSEGV, page-fault error code {error_code:#x}"),
    "swapoff-killed": N_("swapoff itself is killed, since what is out does not fit into RAM; swap stays on"),
    "stack-overflow": N_("SIGSEGV: beyond the stack limit or the guard gap"),
    "oom": N_("out of memory: process {pid} is killed"),
    "ended": N_("nothing: its process has ended"),
    "fork": N_("the child's map is the same; pages are copied when one of the two writes"),
    "child": N_("= {pid}, the child's pid; pages are copied when one of the two writes"),
}
"""What came of a step of a script."""

TRACE = {
    "stack-grows": N_("stack grows down to {address:#x}"),
    "violation": N_("fault at {address:#x}, error code {error_code:#x}: SIGSEGV"),
    "zero-page": N_("minor fault at {address:#x}: the zero page"),
    "fresh-frame": N_("minor fault at {address:#x}: frame {frame:#x}"),
    "huge-page": N_("minor fault at {address:#x}: a huge page of {count} frames"),
    "file-page": N_("minor fault at {address:#x}: page {page} of the file"),
    "file-page-read": N_("major fault at {address:#x}: page {page} of the file"),
    "private-copy": N_("  a private copy, since it is written"),
    "from-swap": N_("minor fault at {address:#x}: back from swap slot {slot}"),
    "from-swap-read": N_("major fault at {address:#x}: back from swap slot {slot}"),
    "copied": N_("minor fault at {address:#x}: copy on write, frame {frame:#x}"),
    "reused": N_("minor fault at {address:#x}: nobody else has it, so it is reused"),
    "forked": N_("fork: {count} entries copied, written pages now read-only in both"),
    "swap-off": N_("swap is off"),
    "swap-off-killed": N_("swapoff is killed; swap stays on"),
    "killed": N_("out of memory: process {pid} is killed"),
    "reclaim": N_("reclaim: {free} frames free, {wanted} wanted"),
    "file-page-dropped": N_("file page {page} dropped, frame {frame:#x}"),
    "free-dropped": N_("page of MADV_FREE dropped, frame {frame:#x}"),
    "swap-full": N_("swap is full, or there is none"),
    "swapped-out": N_("frame {frame:#x} written to swap slot {slot}"),
}
"""Decisions of the kernel, for ``--trace``."""


def rule_text(rule: Note | None) -> str:
    """The rule behind a mapping; empty where none is told."""
    return "" if rule is None else told(RULES, rule)


def note_text(note: Note) -> str:
    """What a prediction leaves open."""
    return told({**NOTES, **ENDINGS}, note)


def origin_text(origin: Note) -> str:
    """Where the facts of the kernel come from."""
    return told(ORIGINS, origin)


def area_text(rule: Note) -> str:
    """Where a part of the kernel's gigabyte begins or ends, and why."""
    return told(AREAS, rule)


def outcome_text(outcome: Note | None) -> str:
    """What came of a step; empty for a mere success."""
    return "" if outcome is None else told(OUTCOMES, outcome)


def step_text(step: str, outcome: Note | None) -> str:
    """A step as it is written, and what came of it."""
    return f"{step} {outcome_text(outcome)}".rstrip()


def trace_text(note: Note) -> str:
    """A decision of the kernel."""
    return told(TRACE, note)
