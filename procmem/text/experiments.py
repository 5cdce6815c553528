"""What each experiment of the laboratory is called, and the sentences on what it shows."""

from typing import NamedTuple

from procmem.text import N_

__all__ = ["EXPERIMENTS", "ExperimentWords"]


class ExperimentWords(NamedTuple):
    """The words of one experiment, in English; ``gettext`` gives them in another language."""

    title: str
    shows: str


EXPERIMENTS = {
    "demand-paging": ExperimentWords(
        N_("Asking for memory costs nothing; touching it does"),
        N_(
            "mmap raises VIRT at once and RSS not at all: each page gets memory at its first touch, by one page "
            "fault. Touched again, it costs nothing more."
        ),
    ),
    "zero-page": ExperimentWords(
        N_("Reading untouched memory maps one page of zeros"),
        N_(
            "A first read is a fault, but all pages show the same zero page, which is nobody's, so RSS stays 0. "
            "The first write is a second fault, and only then is memory used."
        ),
    ),
    "fault-around": ExperimentWords(
        N_("A file's pages come sixteen at a fault"),
        N_(
            "When a file is in the page cache, one fault maps all cached pages of an aligned window of 64 KiB. So"
            " 1000 pages take 63 faults, or 64 when the mapping is not aligned."
        ),
    ),
    "populate": ExperimentWords(
        N_("MAP_POPULATE takes the faults away from you"),
        N_("The kernel touches every page within mmap. RSS is whole at once, and the program meets no fault."),
    ),
    "giving-back": ExperimentWords(
        N_("Pages are given back at once, or when memory is short"),
        N_(
            "After MADV_DONTNEED the pages are gone, and a touch is a fault again. After MADV_FREE they stay in "
            "RSS until somebody needs memory, and writing takes them back without a fault."
        ),
    ),
    "rights": ExperimentWords(
        N_("A forbidden access ends in SIGSEGV, with a code"),
        N_(
            "The processor tells the kernel why: bit 0 the page was there, bit 1 a write, bit 2 user mode, bit 4 "
            "a fetch. The kernel finds no area that allows it, and the program gets SIGSEGV."
        ),
    ),
    "shared-library": ExperimentWords(
        N_("A second process gets a library's text for nothing"),
        N_(
            "Both map the same pages of the page cache, so RSS counts the text in each, and PSS half of it. What "
            "is added to RAM by the second process is nothing."
        ),
    ),
    "private-shared-file": ExperimentWords(
        N_("A private write copies, a shared one alters the file"),
        N_(
            "The private write makes an anonymous copy of each page, and the file stays as it was. The shared "
            "write changes the page in the cache, which is the file."
        ),
    ),
    "fork": ExperimentWords(
        N_("fork shares all pages; a write makes a copy of one"),
        N_(
            "After fork each page counts half in both. A write takes a fault and a copy, until only one process "
            "has it; then the fault just makes it writable again."
        ),
    ),
    "shared-memory": ExperimentWords(
        N_("System V, POSIX, memfd, anonymous: one mechanism"),
        N_(
            "All four are pages of a file in memory that both processes map: RSS counts them twice, PSS half in "
            "each. Nothing is copied when one writes."
        ),
    ),
    "swap": ExperimentWords(
        N_("Out to swap and back: minor at once, major later"),
        N_(
            "A page in swap is out of RSS; while its copy is still in the swap cache, touching it is a minor "
            "fault. After that it is read from disk, its neighbours with it (vm.page-cluster): one major fault "
            "for eight pages. swapoff brings back whatever is out."
        ),
    ),
    "swappiness": ExperimentWords(
        N_("swappiness is a weight; 0 in a group means no swap"),
        N_(
            "24 MiB are written in a group of 16 MiB: with 0 the process is killed; with 1 as with 200 the rest "
            "goes out, since there are no file pages to weigh it against."
        ),
    ),
    "cold-files": ExperimentWords(
        N_("A large cold cache goes first, whatever the weight"),
        N_(
            "96 MiB of a file are read past memory in use. Where 16 MiB or more of cache lie cold they alone are "
            "dropped; where the cache is small, memory is swapped too, but never with 0."
        ),
    ),
    "aslr": ExperimentWords(
        N_("Addresses are drawn at each start, from known ranges"),
        N_(
            "Every base of a 32-bit program lies in its predicted range, and is spread over it. That the ranges "
            "are small (256 places for libraries) is why 64 bits are safer."
        ),
    ),
    "kernel-address": ExperimentWords(
        N_("Kernel space cannot be touched from user mode"),
        N_(
            "Reading a kernel address is a protection fault (code 5), whatever lies there. Nor can a system call "
            "be made to read it for the program: it answers EFAULT."
        ),
    ),
    "malloc": ExperimentWords(
        N_("malloc: the heap or mmap; what is freed may stay"),
        N_(
            "A large block is a mapping of its own, and gone when freed; after that the threshold has risen, and "
            "the heap serves it. Freed blocks below one that is in use stay in RSS until the last is freed and "
            "the heap is trimmed."
        ),
    ),
    "stack-growth": ExperimentWords(
        N_("The stack grows by being touched, to its limit"),
        N_(
            "A touch below the stack extends it in one step, exactly as far as RLIMIT_STACK; one byte more is "
            "SIGSEGV. A mapping below keeps a gap of 1 MiB free."
        ),
    ),
    "page-tables": ExperimentWords(
        N_("Page tables cost memory: 4 KiB for each 2 MiB in use"),
        N_(
            "One touched page needs a whole page table, which serves 512 of them. VmPTE counts these, and they go"
            " when the range is unmapped."
        ),
    ),
    "frames": ExperimentWords(
        N_("A page is a frame of RAM, shared until it is written"),
        N_(
            "pagemap names the physical frame behind a page, kpagecount how many map it. After fork two processes"
            " have one frame; the write of one gives it another."
        ),
    ),
    "huge-pages": ExperimentWords(
        N_("A huge page is one fault and one entry for 512 pages"),
        N_(
            "Of 1000 pages, the 512 in one aligned piece of 2 MiB come with one fault: 1000 - 512 + 1. RSS is the same."
        ),
    ),
    "hugetlb": ExperimentWords(
        N_("Pages from the huge page pool are missing from RSS"),
        N_(
            "The pool was set apart beforehand, so using it changes neither free memory nor RSS. Only "
            "HugetlbPages in status and two lines of smaps tell of it."
        ),
    ),
    "thousand": ExperimentWords(
        N_("What a thousand processes, threads, coroutines hold"),
        N_(
            "A process has its own address space and tables, a thread a stack (8 MiB virtual, a few KiB resident)"
            " and 16 KiB in the kernel, a coroutine a small object in user space. So each is cheaper than the one"
            " before."
        ),
    ),
    "switches": ExperimentWords(
        N_("A coroutine switches without the kernel"),
        N_(
            "Handing over from thread to thread is two system calls and a switch in the kernel, counted in /proc."
            " Going into a coroutine saves a few registers in user space."
        ),
    ),
    "goroutines": ExperimentWords(
        N_("A goroutine begins with a stack of 2 KiB"),
        N_(
            "Go's coroutines have small stacks in the heap, which are copied to larger ones when they grow. Ten "
            "thousand are made and switched by the runtime, without the kernel."
        ),
    ),
    "java-threads": ExperimentWords(
        N_("A Java thread has a stack of 1 MiB, and a guard"),
        N_(
            "A platform thread of Java is a thread of the kernel, with 1 MiB of address space by default. Little "
            "of it is ever touched."
        ),
    ),
}
"""By the name of the experiment, in the order of the theory."""
