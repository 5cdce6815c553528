"""The words of the laboratory: what each experiment is and shows, its figures, and why one is skipped or stopped."""

from procmem.errors import ProcmemError
from procmem.model.note import Note
from procmem.text import N_, Sentence, gettext, listed, plural, say
from procmem.text.notes import told
from procmem.text.translation import reason_text as frame_reason
from procmem.text.units import time_text

__all__ = [
    "figure_name",
    "left_reason",
    "leftover_name",
    "reason_text",
    "report_title",
    "shows",
    "title",
    "unit_text",
]


EXPERIMENTS = {
    "demand-paging": (
        N_("Asking for memory costs nothing; touching it does"),
        N_(
            "mmap raises VIRT at once and RSS not at all: each page gets memory at its first touch, by one page fault. Touched again, it costs nothing more."
        ),
    ),
    "zero-page": (
        N_("Reading untouched memory maps one page of zeros"),
        N_(
            "A first read is a fault, but all pages show the same zero page, which is nobody's, so RSS stays 0. The first write is a second fault, and only then is memory used."
        ),
    ),
    "fault-around": (
        N_("A file's pages come sixteen at a fault"),
        N_(
            "When a file is in the page cache, one fault maps all cached pages of an aligned window of 64 KiB. So 1000 pages take 63 faults, or 64 when the mapping is not aligned."
        ),
    ),
    "populate": (
        N_("MAP_POPULATE takes the faults away from you"),
        N_("The kernel touches every page within mmap. RSS is whole at once, and the program meets no fault."),
    ),
    "giving-back": (
        N_("Pages are given back at once, or when memory is short"),
        N_(
            "After MADV_DONTNEED the pages are gone, and a touch is a fault again. After MADV_FREE they stay in RSS until somebody needs memory, and writing takes them back without a fault."
        ),
    ),
    "rights": (
        N_("A forbidden access ends in SIGSEGV, with a code"),
        N_(
            "The processor tells the kernel why: bit 0 the page was there, bit 1 a write, bit 2 user mode, bit 4 a fetch. The kernel finds no area that allows it, and the program gets SIGSEGV."
        ),
    ),
    "kernel-address": (
        N_("Kernel space cannot be touched from user mode"),
        N_(
            "Reading a kernel address is a protection fault (code 5), whatever lies there. Nor can a system call be made to read it for the program: it answers EFAULT."
        ),
    ),
    "stack-growth": (
        N_("The stack grows by being touched, to its limit"),
        N_(
            "A touch below the stack extends it in one step, exactly as far as RLIMIT_STACK; one byte more is SIGSEGV. A mapping below keeps a gap of 1 MiB free."
        ),
    ),
    "shared-library": (
        N_("A second process gets a library's text for nothing"),
        N_(
            "Both map the same pages of the page cache, so RSS counts the text in each, and PSS half of it. What is added to RAM by the second process is nothing."
        ),
    ),
    "private-shared-file": (
        N_("A private write copies, a shared one alters the file"),
        N_(
            "The private write makes an anonymous copy of each page, and the file stays as it was. The shared write changes the page in the cache, which is the file."
        ),
    ),
    "fork": (
        N_("fork shares all pages; a write makes a copy of one"),
        N_(
            "After fork each page counts half in both. A write takes a fault and a copy, until only one process has it; then the fault just makes it writable again."
        ),
    ),
    "shared-memory": (
        N_("System V, POSIX, memfd, anonymous: one mechanism"),
        N_(
            "All four are pages of a file in memory that both processes map: RSS counts them twice, PSS half in each. Nothing is copied when one writes."
        ),
    ),
    "malloc": (
        N_("malloc: the heap or mmap; what is freed may stay"),
        N_(
            "A large block is a mapping of its own, and gone when freed; after that the threshold has risen, and the heap serves it. Freed blocks below one that is in use stay in RSS until the last is freed and the heap is trimmed."
        ),
    ),
    "swap": (
        N_("Out to swap and back: minor at once, major later"),
        N_(
            "A page in swap is out of RSS; while its copy is still in the swap cache, touching it is a minor fault. After that it is read from disk, its neighbours with it (vm.page-cluster): one major fault for eight pages. swapoff brings back whatever is out."
        ),
    ),
    "swappiness": (
        N_("swappiness is a weight; 0 in a group means no swap"),
        N_(
            "24 MiB are written in a group of 16 MiB: with 0 the process is killed; with 1 as with 200 the rest goes out, since there are no file pages to weigh it against."
        ),
    ),
    "cold-files": (
        N_("A large cold cache goes first, whatever the weight"),
        N_(
            "96 MiB of a file are read past memory in use. Where 16 MiB or more of cache lie cold they alone are dropped; where the cache is small, memory is swapped too, but never with 0."
        ),
    ),
    "aslr": (
        N_("Addresses are drawn at each start, from known ranges"),
        N_(
            "Every base of a 32-bit program lies in its predicted range, and is spread over it. That the ranges are small (256 places for libraries) is why 64 bits are safer."
        ),
    ),
    "page-tables": (
        N_("Page tables cost memory: 4 KiB for each 2 MiB in use"),
        N_(
            "One touched page needs a whole page table, which serves 512 of them. VmPTE counts these, and they go when the range is unmapped."
        ),
    ),
    "frames": (
        N_("A page is a frame of RAM, shared until it is written"),
        N_(
            "pagemap names the physical frame behind a page, kpagecount how many map it. After fork two processes have one frame; the write of one gives it another."
        ),
    ),
    "huge-pages": (
        N_("A huge page is one fault and one entry for 512 pages"),
        N_(
            "Of 1000 pages, the 512 in one aligned piece of 2 MiB come with one fault: 1000 - 512 + 1. RSS is the same."
        ),
    ),
    "hugetlb": (
        N_("Pages from the huge page pool are missing from RSS"),
        N_(
            "The pool was set apart beforehand, so using it changes neither free memory nor RSS. Only HugetlbPages in status and two lines of smaps tell of it."
        ),
    ),
    "thousand": (
        N_("What a thousand processes, threads, coroutines hold"),
        N_(
            "A process has its own address space and tables, a thread a stack (8 MiB virtual, a few KiB resident) and 16 KiB in the kernel, a coroutine a small object in user space. So each is cheaper than the one before."
        ),
    ),
    "switches": (
        N_("A coroutine switches without the kernel"),
        N_(
            "Handing over from thread to thread is two system calls and a switch in the kernel, counted in /proc. Going into a coroutine saves a few registers in user space."
        ),
    ),
    "goroutines": (
        N_("A goroutine begins with a stack of 2 KiB"),
        N_(
            "Go's coroutines have small stacks in the heap, which are copied to larger ones when they grow. Ten thousand are made and switched by the runtime, without the kernel."
        ),
    ),
    "java-threads": (
        N_("A Java thread has a stack of 1 MiB, and a guard"),
        N_(
            "A platform thread of Java is a thread of the kernel, with 1 MiB of address space by default. Little of it is ever touched."
        ),
    ),
    "private-spaces": (
        N_("One address, a value of its own in each process"),
        N_(
            "Two processes write to the same address, and each reads what it wrote itself. After fork parent and child share the frame behind it, until one of them writes."
        ),
    ),
    "overcommit": (
        N_("More may be promised than there is"),
        N_(
            "A block larger than RAM and swap together: vm.overcommit_memory 0 refuses it, 1 grants it, 2 refuses whatever goes beyond its limit. What is granted costs nothing before it is touched."
        ),
    ),
    "privileged": (
        N_("Privileged instructions end a program"),
        N_(
            "To halt, to mask interrupts, to read a port or the register of page tables: in user mode the processor refuses, and the kernel sends SIGSEGV. An instruction for everybody passes."
        ),
    ),
    "call-costs": (
        N_("What a function call, a system call and a fault cost"),
        N_(
            "A function call stays in user mode; a system call changes the mode there and back, and the kernel checks what it is given; a first touch of a page takes a fault, and memory that is cleared."
        ),
    ),
    "arguments": (
        N_("Where a called function finds its arguments"),
        N_(
            "With 32 bits the caller pushes them, the last one first. With 64 bits the first six are in registers. The return address is on the stack in both, the result in a register."
        ),
    ),
    "stack-return": (
        N_("What a function leaves of the stack stays in RES"),
        N_(
            "A call that uses 1 MiB of stack takes a fault for each page. When it has returned the pages are still there, so the next deep call takes none."
        ),
    ),
    "swap-time": (
        N_("What it takes to wait for swap"),
        N_(
            "A page that is in memory is read in nanoseconds; one that is out has to come from the disk first, which takes many times as long, even though its neighbours come along."
        ),
    ),
    "swap-blame": (
        N_("One process too large, or a machine too small?"),
        N_(
            "In a group of 24 MiB one process of 40 MiB is nearly all that is in swap: it is to blame. Four of 12 MiB each share the swap: there the machine is too small."
        ),
    ),
    "mapping-io": (
        N_("A file by read(), and by a mapping"),
        N_(
            "read() enters the kernel for each piece and copies it. A mapping shows the pages of the page cache themselves: one fault for sixteen pages, no copy, and nothing at all the second time."
        ),
    ),
    "garbage": (
        N_("What a garbage collector frees may stay in RES"),
        N_(
            "Half a million objects of Python raise RSS; when nobody refers to them they are freed, and most of the memory goes back, because whole arenas become free. A Java heap often keeps what it has got."
        ),
    ),
    "single-process": (
        N_("A single process is the one that the user controls"),
        N_(
            "The child is alone in its session. Besides it run its parents up to PID 1, the other programs, and threads of the kernel, which are processes as well."
        ),
    ),
}
"""By name: the title, and what it shows."""

FIGURES = {
    "virt-after-mmap": N_("VIRT after mmap"),
    "rss-after-mmap": N_("RSS after mmap"),
    "faults-half": N_("faults, half of it written"),
    "rss-then": N_("RSS then"),
    "virt-then": N_("VIRT then"),
    "faults-again": N_("faults, written again"),
    "faults": N_("faults, {how}"),
    "rss-after": N_("RSS after {what}"),
    "rss": N_("RSS, {how}"),
    "error-code": N_("error code, {of}"),
    "signal": N_("signal"),
    "write-call": N_("write(2) of it"),
    "segv": N_("SIGSEGV {where}"),
    "stack-size": N_("stack's size then"),
    "faults-after": N_("faults, write after {advice}"),
    "read": N_("read"),
    "write": N_("write"),
    "aligned": N_("aligned"),
    "9-pages-off": N_("9 pages off"),
    "read-unmapped": N_("read, unmapped"),
    "write-unmapped": N_("write, unmapped"),
    "write-read-only": N_("write, read-only"),
    "read-prot-none": N_("read, PROT_NONE"),
    "fetch-from-data": N_("fetch from data"),
    "at-limit": N_("at the limit"),
    "beyond-limit": N_("one byte beyond"),
    "guard-gap": N_("a guard gap above a mapping"),
    "one-page-nearer": N_("one page nearer"),
    "pss-when": N_("PSS {who}, {when}"),
    "faults-child": N_("faults, child writes 300"),
    "rss-child": N_("RSS child"),
    "faults-parent": N_("faults, parent writes all"),
    "rss-no-copies": N_("RSS then: no copies"),
    "rss-of": N_("{of}: RSS {who}"),
    "pss-of": N_("{of}: PSS {who}"),
    "text-rss": N_("text: RSS of the first"),
    "text-pss": N_("text: PSS of the first"),
    "then-rss": N_("then: RSS of the {who}"),
    "then-pss": N_("then: PSS of the {who}"),
    "faults-of": N_("{of}: faults"),
    "anonymous-of": N_("{of}: anonymous"),
    "rss-of-it": N_("{of}: RSS"),
    "file-changed": N_("{of}: the file is changed"),
    "malloc-virt": N_("malloc of 400 KiB: VIRT"),
    "free-virt": N_("free: VIRT"),
    "malloc-again": N_("malloc again: in the heap"),
    "blocks-written": N_("64 blocks written: RSS"),
    "blocks-freed": N_("all but the last freed: RSS"),
    "last-freed": N_("the last freed: RSS"),
    "parent": N_("parent"),
    "child": N_("child"),
    "before": N_("before"),
    "forked": N_("forked"),
    "child-wrote-300": N_("child wrote 300"),
    "parent-wrote-100": N_("parent wrote 100"),
    "child-gone": N_("child gone"),
    "first": N_("first"),
    "second": N_("second"),
    "anonymous": N_("anonymous"),
    "sysv": N_("sysv"),
    "posix": N_("posix"),
    "memfd": N_("memfd"),
    "shared": N_("shared"),
    "private": N_("private"),
    "rss-after-swapoff": N_("RSS after swapoff"),
    "swap-after-swapoff": N_("swap after swapoff"),
    "rss-paged-out": N_("RSS, paged out ({when})"),
    "swap-paged-out": N_("swap, paged out ({when})"),
    "minor-faults": N_("minor faults, read {when}"),
    "major-faults": N_("major faults, read {when}"),
    "killed": N_("killed, swappiness {swappiness}"),
    "swapped": N_("swapped, swappiness {swappiness}"),
    "swapped-large": N_("64 MiB: swapped, {swappiness}"),
    "swapped-small": N_("16 MiB: swapped, 0"),
    "any-swapped": N_("16 MiB: any swapped, 60"),
    "outside": N_("{base}: outside {values} places"),
    "entropy": N_("{base}: entropy of {runs} runs"),
    "at-once": N_("at once"),
    "later": N_("later"),
    "mmap": N_("mmap"),
    "program": N_("program"),
    "stack": N_("stack"),
    "brk": N_("brk"),
    "faults-each": N_("faults, a page in each 2 MiB"),
    "tables-grew": N_("VmPTE grew by"),
    "tables-left": N_("left when unmapped"),
    "rss-alone": N_("RSS"),
    "faults-4-mib": N_("faults, 4 MiB written"),
    "hugetlb-pages": N_("HugetlbPages in status"),
    "mapped": N_("{when}: mapped"),
    "same-frame": N_("{when}: the same frame"),
    "flag-anon": N_("alone: flag ANON"),
    "alone": N_("alone"),
    "child-wrote": N_("child wrote"),
    "process-kernel-stack": N_("process: kernel stack"),
    "process-virtual": N_("process: virtual"),
    "process-pss": N_("process: its share (PSS)"),
    "process-tables": N_("process: page tables"),
    "process-creation": N_("process: creation"),
    "thread-kernel-stack": N_("thread: kernel stack"),
    "thread-virtual": N_("thread: virtual"),
    "thread-resident": N_("thread: resident"),
    "thread-tables": N_("thread: page tables"),
    "thread-creation": N_("thread: creation"),
    "resident-of": N_("{of}: resident"),
    "creation-of": N_("{of}: creation"),
    "thread-holds": N_("a thread holds times a {of}"),
    "thread-takes": N_("takes so many times a {of}"),
    "switches-seen": N_("switches seen in /proc"),
    "switches-voluntary": N_("of them voluntary"),
    "thread-to-thread": N_("thread to thread"),
    "into-coroutine": N_("into a coroutine or back"),
    "switch-costs": N_("a thread switch costs"),
    "goroutine-stack": N_("stack of a goroutine"),
    "creation": N_("creation"),
    "goroutine-to-goroutine": N_("goroutine to goroutine"),
    "java-virtual": N_("virtual, a thread"),
    "value-read": N_("value read, {who}"),
    "pss-at": N_("PSS of the page, {who}"),
    "signal-of": N_("signal at {of}"),
    "hlt": "hlt",
    "cli": "cli",
    "in": "in",
    "mov-cr3": "mov from cr3",
    "wrmsr": "wrmsr",
    "lgdt": "lgdt",
    "nop": "nop",
    "function-call": N_("a function call"),
    "system-call": N_("a system call (getpid)"),
    "first-touch": N_("first touch of a page"),
    "touch-again": N_("touched again"),
    "call-ratio": N_("a system call costs"),
    "fault-ratio": N_("a first touch costs"),
    "argument": N_("argument {number}, {where}"),
    "in-registers": N_("64 bits: in a register"),
    "on-stack": N_("32 bits: on the stack"),
    "return-address": N_("{bits} bits: return address"),
    "result": N_("{bits} bits: result in (R)AX"),
    "faults-deep": N_("faults, 1 MiB deep"),
    "stack-after": N_("stack's RSS grew, after return"),
    "faults-deep-again": N_("faults, as deep again"),
    "granted": N_("{what}, mode {mode}"),
    "64-mib": N_("64 MiB"),
    "more": N_("more than RAM and swap"),
    "more-unreserved": N_("the same, MAP_NORESERVE"),
    "rss-grew": N_("RSS grew by"),
    "swap-out": N_("in swap"),
    "touch-in-memory": N_("a page in memory"),
    "touch-from-swap": N_("a page from swap"),
    "swap-ratio": N_("from swap it takes"),
    "swapped-in-all": N_("{when}: in swap"),
    "largest-share": N_("{when}: the largest has"),
    "one-grown": N_("one grown"),
    "all-alike": N_("all alike"),
    "read-calls": N_("calls of read()"),
    "mapping-faults": N_("faults of the mapping"),
    "time-by": N_("time, {of}"),
    "read-call": N_("read()"),
    "mapping-first": N_("mapping, first"),
    "mapping-again": N_("mapping, again"),
    "fewer-entries": N_("read() enters the kernel"),
    "objects-take": N_("{of}: objects take"),
    "objects-left": N_("{of}: left when freed"),
    "controlled": N_("in its session"),
    "ancestors": N_("its ancestors"),
    "kernel-threads": N_("threads of the kernel"),
    "processes-in-all": N_("all processes"),
}
"""The figures of experiments, and the words within them."""

REASONS = {
    "no-library-text": N_("the library has no text of its own"),
    "no-libm": N_("no libm.so.6 to copy"),
    "no-overcommit-mode": N_("the kernel does not tell vm.overcommit_memory or its memory"),
    "no-32-bit": N_("this machine does not run 32-bit x86 programs"),
    "not-randomized": N_("kernel.randomize_va_space is 0"),
    "error": N_("{error}"),
    "no-thp": N_("no transparent huge pages: {reason}"),
    "thp-never": N_("transparent huge pages are switched off (never)"),
    "no-huge-piece": N_("the kernel had no free piece of 2 MiB at hand"),
    "no-frames": N_("the kernel does not show page frames"),
    "no-kernel-stacks": N_("meminfo does not tell of kernel stacks"),
    "process-limit": N_("the limit of processes is {limit}"),
    "stack-limit": N_("the stack limit leaves no room for a thousand threads"),
    "no-smaps": N_("smaps may not be read"),
    "not-installed": N_("{program} is not installed"),
    "does-not-run": N_("{program} does not run: {reason}"),
    "not-in-time": N_("{program} took more than {seconds} seconds"),
    "refused": N_("{what}"),
    "page-size": N_("the figures are for pages of 4096 bytes, here they have {size}"),
    "no-python": N_("{program} cannot be started: {reason}"),
    "not-x86-64": N_("its figures are those of x86-64, this machine is {machine}"),
    "only-root": N_("only root may do this"),
    "in-use": N_("another run changes the machine just now; who that is cannot be told"),
    "in-use-by": N_("{command} (pid {pid}, since {since}) changes the machine just now"),
    "no-root-folder": N_("{path}: {reason}"),
    "unsafe-root-folder": N_("{path} is a link, or others than root may write to it: remove it"),
    "no-journal": N_("what is to be changed cannot be written down first: {reason}"),
    "no-scratch": N_("{path}: {reason}"),
    "swap-file": N_("swap file: {reason}"),
    "no-huge-pages": N_("no huge pages: {reason}"),
    "no-huge-memory": N_("no memory is free in pieces of 2 MiB"),
    "swapon": N_("swapon: {reason}"),
    "cgroup-file": N_("memory cgroup, {name}: {reason}"),
    "cgroup": N_("memory cgroup: {reason}"),
    "no-cgroup": N_("no memory cgroup is mounted"),
    "child-ended": N_("stopped: the child has ended"),
    "stopped": N_("stopped: {error}"),
}
"""Why an experiment is skipped, or stopped."""

LEFTOVERS = {
    "swap": N_("swap area"),
    "huge-pages": N_("pool of huge pages"),
    "swappiness": N_("vm.swappiness"),
    "group": N_("memory cgroup"),
    "controllers": N_("controllers of cgroups"),
    "folder": N_("scratch folder"),
    "shared-memory": N_("shared memory"),
    "child": N_("child process"),
    "journal": N_("journal"),
}
"""What a run that was killed can leave behind; a kind that the journal of another release names stands as it is."""

LEFT_REASONS: dict[str, Sentence] = {
    "no-cgroup": N_("no memory cgroup is mounted"),
    "unknown-kind": N_("another release of procmem wrote this"),
    "entry-unclear": N_("the journal does not say what it was"),
    "system": N_("{reason}"),
    "journal-unclear": plural(
        "{count} line makes no sense, or it is too large: that was dropped",
        "{count} lines make no sense, or it is too large: that was dropped",
    ),
    "not-ours": N_("not procmem's own: a link, another's, or of another name"),
    "in-use": N_("a living run uses it"),
    "changed-since": N_("somebody else has changed it since"),
    "still-used": N_("it is still in use"),
    "does-not-end": N_("it does not end"),
}
"""Why one was left as it is, or could not be undone."""


UNITS = {
    "faults": N_("faults"),
    "times": N_("times"),
    "runs": N_("runs"),
    "bits": N_("bits"),
    "switches": N_("switches"),
    "yes or no": N_("yes or no"),
    "signal": N_("signal"),
    "calls": N_("calls"),
    "processes": N_("processes"),
    "%": "%",
}
"""What is counted; names of the kernel (SIGSEGV, EFAULT) stay as they are."""


REPORT = N_("What the theory says, and what this kernel does")


def report_title() -> str:
    """What stands above the report of many experiments."""
    return gettext(REPORT)


def unit_text(unit: str) -> str:
    """What is counted."""
    return gettext(UNITS[unit]) if unit in UNITS else unit


def title(name: str) -> str:
    """What an experiment is about."""
    return gettext(EXPERIMENTS[name][0])


def shows(name: str) -> str:
    """What an experiment shows."""
    return gettext(EXPERIMENTS[name][1])


def figure_name(name: Note) -> str:
    """What a figure counts."""
    return told(FIGURES, name)


def reason_text(reason: Note) -> str:
    """Why an experiment was skipped, or stopped."""
    figures = reason.figures
    if isinstance(error := figures.get("error"), ProcmemError):
        from procmem.text.errors import error_text  # noqa: PLC0415  # seldom

        figures["error"] = error_text(error)
    if isinstance(since := figures.get("since"), float):
        figures["since"] = time_text(since)
    if isinstance(reasons := figures.get("reasons"), tuple) and reasons:
        return listed(map(frame_reason, reasons), N_("; "))
    return say(REASONS[reason.code], figures)


def leftover_name(kind: str) -> str:
    """What was left behind."""
    return gettext(LEFTOVERS[kind]) if kind in LEFTOVERS else kind


def left_reason(reason: Note | None) -> str:
    """Why it was left as it is, or could not be undone; empty where it was undone."""
    return "" if reason is None else say(LEFT_REASONS[reason.code], reason.figures)
