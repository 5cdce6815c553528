"""The theory as lessons, in its order: what it says, what shows it here, what to look at, and what is more exact today.

Here belong the words alone; running the commands is for :mod:`procmem.cli.learn`. Each lesson is a topic of the theory
(``M1`` to ``M20``, which experiments name too), each point one or more of its 53 sentences, counted in ``sentences``.
``{target}`` in a command stands for the process that is looked at.
"""

from procmem.model.named_tuple import NamedTuple
from procmem.text import N_

__all__ = ["LESSONS", "Lesson", "Point"]


class Point(NamedTuple):
    """Some sentences of the theory, the command that shows them, and what to look at in its output."""

    sentences: tuple[int, ...]
    says: str
    command: str
    look: str


class Lesson(NamedTuple):
    """One topic: ``truth`` is what is more exact today than the common wording, ``question`` one to try."""

    name: str
    row: str
    title: str
    points: tuple[Point, ...]
    truth: str
    question: str


LESSONS: tuple[Lesson, ...] = (
    Lesson(
        "address-space",
        "M1",
        N_("A private address space for each process"),
        (
            Point(
                (1,),
                N_("Linux manages memory virtually, so that what there is can be used fully."),
                "inspect {target}",
                N_("VIRT, the first figure, against RES: far more addresses are given away than memory is in use."),
            ),
            Point(
                (2,),
                N_("Each process has addresses of its own: 4 GiB with 32 bits. None can touch what another one has."),
                "lab private-spaces",
                N_(
                    "Two processes read one address and find what each wrote there; parent and child share a frame until one writes."
                ),
            ),
            Point(
                (35,),
                N_("The picture of it all: text at the bottom, the stack on top, the kernel above."),
                "inspect --picture {target}",
                N_("Which areas there are, where they lie, and how much between them is not mapped at all."),
            ),
        ),
        N_("A 64-bit process has 47 bits of addresses for itself (128 TiB), 56 with five levels of page tables."),
        N_("Which is the largest hole in the picture, and why does it cost nothing?"),
    ),
    Lesson(
        "demand-paging",
        "M2",
        N_("Memory is given at the first touch"),
        (
            Point(
                (3,),
                N_("Allocating memory changes only a list of areas. A page gets memory when it is first accessed."),
                "lab demand-paging",
                N_("VIRT grows at once, RSS not at all; then one page fault for each page that is touched, and none again."),
            ),
            Point(
                (5,),
                N_("So a program need not worry about large blocks that it hardly uses."),
                "account {target}",
                N_("The parts of VIRT: what is in memory, and what was asked for and never touched."),
            ),
            Point(
                (5,),
                N_("All processes together may be promised more than there is."),
                "lab overcommit",
                N_("A block larger than RAM and swap is granted or refused, as vm.overcommit_memory says; nothing of it is used."),
            ),
        ),
        N_(
            "Pages of files come sixteen at a fault (fault-around), a huge page is one fault for 512, and memory that was only read is mapped to one shared page of zeros, which counts for nobody."
        ),
        N_("How much of this process's VIRT was never touched?"),
    ),
    Lesson(
        "rights",
        "M3",
        N_("Each page carries rights"),
        (
            Point(
                (4,),
                N_("Flags of each page say what may be done with it, and the processor enforces them."),
                "lab rights",
                N_("The error code of each forbidden access: was the page there, was it a write, was it a fetch."),
            ),
            Point(
                (4,),
                N_("The map shows them as letters: r, w, x, and p for private or s for shared."),
                "explain --why {target}",
                N_("The mode of each region, and below it what its flags mean in words."),
            ),
            Point(
                (6,),
                N_("A program cannot reach physical memory by itself: it has no name for it."),
                "translate --sim 0x08048000",
                N_("Every step from the address to the frame is taken by the processor, in tables that only the kernel writes."),
            ),
        ),
        N_("Before NX (2004) every page of x86 that could be read could be executed as well; protection keys take rights away per thread."),
        N_("Is any region of this process writable and executable at once?"),
    ),
    Lesson(
        "shared-libraries",
        "M4",
        N_("A library is in memory once"),
        (
            Point(
                (7,),
                N_("The first process that needs a library loads it; the others get the same physical pages."),
                "lab shared-library",
                N_("What a second process adds for the text of a library: address space, and nothing in memory."),
            ),
            Point(
                (7,),
                N_("So most of what a process maps of libraries is shared."),
                "shared {target}",
                N_("For each object how many others map it, and what of it is private to this process."),
            ),
        ),
        N_("What relocation or the program has written is a private copy: data and RELRO pages are each process's own."),
        N_("Which library costs this process the most private memory?"),
    ),
    Lesson(
        "shared-memory",
        "M5",
        N_("To share memory is to point to the same place"),
        (
            Point(
                (8,),
                N_("Two processes share memory when their tables point to the same frames."),
                "lab shared-memory",
                N_("System V, POSIX, memfd and anonymous memory: what one writes the other reads, and PSS halves."),
            ),
            Point(
                (8,),
                N_("fork uses the same means: parent and child share all pages until one writes."),
                "lab fork",
                N_("How many pages a child has of its own, before and after it writes to some of them."),
            ),
        ),
        N_("Shared memory that is in swap is in no process's VmSwap; smaps counts it in the mappings of it."),
        N_("Does this process have shared memory, and who else maps it?"),
    ),
    Lesson(
        "swap",
        "M6",
        N_("Swap: what is not needed goes to disk"),
        (
            Point(
                (9, 12),
                N_("free shows swap beside RAM. It makes virtual memory larger; RAM stays what it is."),
                "swap",
                N_("How much of swap is used, by whom, and how much belongs to no process."),
            ),
            Point(
                (10, 11),
                N_("When RAM is short, pages move out; at the next use they come back, and others may have to go."),
                "lab swap",
                N_("Pages go out and come back: minor faults while a copy is still in RAM, major ones after that."),
            ),
            Point(
                (13,),
                N_("Moving pages costs time and CPU: a program that swaps all the time is slow."),
                "lab swap-time",
                N_("The time of a touch in memory, and of one that has to wait for the disk."),
            ),
            Point(
                (14,),
                N_("When a machine swaps, ask: does one process take too much, or is the machine too small?"),
                "lab swap-blame",
                N_("Two cases of swapping: in one a single process has grown, in the other each has the size that it needs."),
            ),
        ),
        N_("A page that nobody has used for long may go out well before RAM is full; that alone is no bad sign."),
        N_("Is any process of this machine in swap, and does that hurt?"),
    ),
    Lesson(
        "swappiness",
        "M7",
        N_("How eagerly the kernel swaps"),
        (
            Point(
                (15,),
                N_("vm.swappiness weighs swapping against dropping file pages; swapoff ends swapping."),
                "lab swappiness",
                N_("The same load with different weights: how many pages went to swap, how many of files were dropped."),
            ),
        ),
        N_("0 does not switch swap off: only swapoff does, and it needs room for all that is out. The range is 0 to 200 since 5.8."),
        N_("What is the value here, and would swapoff fit?"),
    ),
    Lesson(
        "virt-and-res",
        "M8",
        N_("VIRT is what was asked for, RES what is there"),
        (
            Point(
                (16,),
                N_("top shows both: VIRT is what is allocated, RES what is really used."),
                "account {target}",
                N_("Both figures taken apart to the last kB, and each tool's figure explained."),
            ),
        ),
        N_("RES counts shared pages in full in each process; PSS divides them, USS leaves them out."),
        N_("By how much does RES differ from PSS here, and what is the difference made of?"),
    ),
    Lesson(
        "pmap",
        "M9",
        N_("The map, from low to high addresses"),
        (
            Point(
                (17,),
                N_("pmap lists all that is mapped, one line for each region."),
                "explain {target}",
                N_("The same lines, and below each what it is, how it is known, and what of it is in memory."),
            ),
        ),
        N_("Addresses are drawn anew at each start (ASLR); sizes and order stay."),
        N_("Which line takes the most memory?"),
    ),
    Lesson(
        "user-and-kernel",
        "M10",
        N_("User space below, kernel space above"),
        (
            Point(
                (18, 19),
                N_("With 32 bits programs have the lower 3 GiB, 0x00000000 to 0xBFFFFFFF, and the kernel the upper one."),
                "simulate",
                N_("The stack ends at 0xc0000000: the first address that is the kernel's."),
            ),
            Point(
                (18,),
                N_("The same borders in a process of today."),
                "crosscheck {target}",
                N_("The column of the textbook beside the column of this process."),
            ),
        ),
        N_("A 32-bit process on a 64-bit kernel has nearly all 4 GiB, since the kernel lies above them."),
        N_("Where does user space end for this process?"),
    ),
    Lesson(
        "entering-the-kernel",
        "M11",
        N_("Into the kernel only by trap or system call"),
        (
            Point(
                (20,),
                N_("Kernel space is mapped, but a program that touches it gets a fault."),
                "lab kernel-address",
                N_("Reading, writing, jumping there, and handing the address to the kernel: SIGSEGV, or EFAULT."),
            ),
            Point(
                (51,),
                N_("A program may not run privileged instructions: for those the mode has to change."),
                "lab privileged",
                N_("Each such instruction ends in SIGSEGV; the kernel does the same work when a system call asks for it."),
            ),
            Point(
                (53,),
                N_("The kernel does not trust what a program hands over, and checks it. That costs."),
                "lab call-costs",
                N_("The time of a function call, of a system call, of a page fault."),
            ),
        ),
        N_("Since Meltdown (2018), on the processors that it affects, only a little of the kernel stays mapped while a program runs."),
        N_("How many function calls is one system call worth on this machine?"),
    ),
    Lesson(
        "five-areas",
        "M12",
        N_("Five areas of like rights"),
        (
            Point(
                (21,),
                N_("What needs the same rights lies together: text, data, BSS, heap and stack."),
                "inspect --classic {target}",
                N_("The five areas, and the mapping area as a sixth: how large each is, and how much of it is in memory."),
            ),
        ),
        N_("Linkers of today put read-only segments around the text, and a part of the data becomes read-only (RELRO)."),
        N_("Which of the six is largest in VIRT, and which in RES?"),
    ),
    Lesson(
        "text-data-bss",
        "M13",
        N_("Text, data and BSS"),
        (
            Point(
                (22,),
                N_("Text: the program's instructions, an image of the file, read-only while it runs."),
                "inspect --regions --class text {target}",
                N_("r-x, the file's name, and that nearly all of it is shared and clean."),
            ),
            Point(
                (23,),
                N_("Data: global and static variables with a value at the start."),
                "inspect --regions --class data {target}",
                N_("rw-, from the file; what was written is private and dirty."),
            ),
            Point(
                (24,),
                N_("BSS: variables without such a value. They are zero, and the file holds nothing for them."),
                "lab zero-page",
                N_("Memory that begins as zero costs nothing before it is written."),
            ),
        ),
        N_("The first part of the BSS shares a page with the end of the data, so its border lies within a page."),
        N_("How large is the BSS of this program, to the byte?"),
    ),
    Lesson(
        "order",
        "M14",
        N_("The order of the areas"),
        (
            Point(
                (31,),
                N_("Text, data and BSS follow one another, upwards."),
                "simulate --stage exec",
                N_("The first lines: each area begins where the one below it ends."),
            ),
            Point(
                (32,),
                N_("The heap lies above the BSS and grows up; the stack lies on top and grows down."),
                "crosscheck --all {target}",
                N_("The laws 'heap above BSS', 'heap from start_brk' and 'stack on top', with this process's addresses."),
            ),
        ),
        N_("The heap's start is drawn at random above the BSS: up to 32 MiB away with 32 bits, 1 GiB with 64."),
        N_("How far above its BSS does this process's heap begin?"),
    ),
    Lesson(
        "heap",
        "M15",
        N_("The heap"),
        (
            Point(
                (25,),
                N_("It has the name of a data structure, the binary tree that is kept in an array."),
                "explain --glossary heap",
                N_("Only the name is the same."),
            ),
            Point(
                (26,),
                N_("It is allocated as the program runs: malloc makes it grow, free shrinks it."),
                "lab malloc",
                N_("Small blocks move the end of the heap, large ones get mappings; what is freed in the middle stays."),
            ),
            Point(
                (27,),
                N_("What a garbage collector frees is this memory."),
                "lab garbage",
                N_("What half a million objects add to RES, and what of it is left when they are freed: Python, and Java where it is installed."),
            ),
        ),
        N_("Freed memory often stays with the process: malloc gives back only what lies at the end, and arenas of threads hardly ever."),
        N_("How much of this process's heap is free but not given back? (inspect --deep)"),
    ),
    Lesson(
        "stack",
        "M16",
        N_("The stack"),
        (
            Point(
                (28, 29),
                N_("It holds the variables of functions, their arguments and return values, last in, first out."),
                "lab arguments",
                N_("Where a called function finds its arguments: on the stack with 32 bits, in registers with 64."),
            ),
            Point(
                (30,),
                N_("When a function returns, its part is free again; and the room is limited."),
                "lab stack-growth",
                N_("The stack grows by being touched; one page too far below the limit ends the program."),
            ),
            Point(
                (30,),
                N_("Free does not mean given back: the pages stay in RES."),
                "lab stack-return",
                N_("What a deep call has added to the RSS of the stack after its return, and that the next one takes no fault."),
            ),
        ),
        N_("Every other thread has a stack of fixed size in the mapping area, with a guard page below."),
        N_("How deep was each thread's stack at most? (procmem threads)"),
    ),
    Lesson(
        "mapping-area",
        "M17",
        N_("The mapping area"),
        (
            Point(
                (33,),
                N_("Between heap and stack lies the area for mappings."),
                "inspect --picture {target}",
                N_("Where the libraries lie, and that new mappings come below them."),
            ),
            Point(
                (34,),
                N_("Mapping a file is an efficient kind of I/O; libraries and shared memory use it too."),
                "lab mapping-io",
                N_("The same file read by read() and through a mapping: system calls, faults, copies and time."),
            ),
        ),
        N_("It is filled from the top downwards; bottom-up, as of old, only with setarch -L or an old kernel."),
        N_("How many files does this process map that are no libraries?"),
    ),
    Lesson(
        "kernel-space",
        "M18",
        N_("The kernel's gigabyte"),
        (
            Point(
                (36, 37),
                N_("From 0xC0000000 on: the kernel's image, page tables, drivers."),
                "simulate --kernel native --kernel-map classic",
                N_("The direct map of RAM first, then vmalloc, kmap and fixmap, with their borders."),
            ),
            Point(
                (37,),
                N_("Page tables cost memory too."),
                "lab page-tables",
                N_("One page of tables for each 2 MiB in use, and what it costs to touch memory sparsely."),
            ),
        ),
        N_("On x86-64 the kernel has the upper half of all addresses, and no need for kmap."),
        N_("How much memory do this process's page tables take?"),
    ),
    Lesson(
        "mmu",
        "M19",
        N_("From virtual to physical"),
        (
            Point(
                (38,),
                N_("To use memory means to map virtual addresses to physical ones."),
                "lab frames",
                N_("The frame behind an address, before and after fork and a write."),
            ),
            Point(
                (39,),
                N_("The MMU does it: segmentation first, then paging."),
                "translate --sim 0xbffff000",
                N_("Selector, base and limit; then the index into each table, and the bits of each entry."),
            ),
        ),
        N_("Segments are flat on Linux, so the linear address is the offset; x86-64 has four or five levels of tables."),
        N_("Take an address of this process through its tables (translate PID ADDRESS, as root)."),
    ),
    Lesson(
        "threads",
        "M20",
        N_("Process, thread, coroutine"),
        (
            Point(
                (40, 41, 42, 43),
                N_(
                    "A process owns: address space, files, directories, signal handlers. A thread has its stack, its scheduling and its pending signals, and uses the rest."
                ),
                "threads {target}",
                N_("First what is shared by all, then each thread's own stack, state and switches."),
            ),
            Point(
                (44,),
                N_("'Single process' never meant that there is only one: it is the one that the user controls."),
                "lab single-process",
                N_("What runs besides it: its parents up to PID 1, and the kernel's own threads."),
            ),
            Point(
                (45, 48, 49, 50),
                N_("Threads switch in the kernel; coroutines by themselves, by saving a few registers."),
                "lab switches",
                N_("Nanoseconds per switch, and how many of the switches the kernel has seen."),
            ),
            Point(
                (46, 47),
                N_("So they cost far less to make and to keep: 2 KiB for a coroutine, 1 MiB for a thread."),
                "lab thousand",
                N_("What a thousand of each take, in VIRT and in RSS."),
            ),
            Point(
                (52,),
                N_("Each thread has two stacks: its own, and one in the kernel for its calls."),
                "threads --wide {target}",
                N_("The line on the kernel's stacks: their size, and that no process's RES holds them."),
            ),
        ),
        N_("glibc reserves 8 MiB of addresses for a thread's stack, of which a few KiB are used; 2 KiB is only a goroutine's first size."),
        N_("How much do all stacks of this process take, reserved and used?"),
    ),
)  # fmt: skip
