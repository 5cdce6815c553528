"""The words of the field, explained: what ``procmem explain --glossary`` shows."""

from procmem.text import N_, gettext, say
from procmem.text.vm_flags import FLAGS, flag_text

__all__ = ["meaning", "term_of", "terms"]

GLOSSARY = {
    "VIRT": N_(
        "All address space that a process asked for (VSZ, VmSize). Most of it may never be touched, so it is no measure of memory. It leaves out [vsyscall]."
    ),
    "RES": N_(
        "What of it is in memory now (RSS, VmRSS). Pages that several processes share are counted in full in each, so a sum over processes counts them many times. Huge pages (hugetlb) are not in it."
    ),
    "PSS": N_(
        "Proportional set size: each shared page counts for its share, divided by how often it is mapped. Sums over processes add up; use it to divide a machine's memory among processes."
    ),
    "USS": N_(
        "Unique set size: pages that are mapped once, by this process. Clean pages of named files among them stay in the page cache when it ends, and what it maps several times itself is not in it: procmem account says what would be freed."
    ),
    "dirty": N_(
        "A page is dirty when it differs from what the disk holds. A clean page can be dropped at any time; a dirty one must be written first, to its file or to swap."
    ),
    "swap": N_(
        "Disk space for pages that are not needed now. A page may be swapped out long before memory is full, and comes back when it is touched. VmSwap leaves shared memory out."
    ),
    "swappiness": N_(
        "How the kernel weighs swapping against dropping file pages, 0 to 200 (since Linux 5.8), 60 by default. 0 does not switch swap off: swapoff does."
    ),
    "arena": N_(
        "A heap of malloc for some of the threads. glibc makes up to 8 for each processor, each in blocks of 64 MiB of address space, so 64 MiB blocks everywhere are normal."
    ),
    "heap": N_(
        "Memory that malloc hands out. The classic one grows by brk above the BSS; large blocks and other arenas are mapped. It has only the name in common with the tree that is kept in an array."
    ),
    "stack": N_(
        "Local variables and return addresses, last in first out, growing downward. The main thread's grows by itself up to its limit; other threads' have a fixed size."
    ),
    "guard": N_(
        "An inaccessible range at the edge of something that may overflow. Holes inside libraries are no guards: the linker leaves them for alignment."
    ),
    "text": N_(
        "Machine code, read-only and shared by all who map the file. Today's linkers put read-only segments around it."
    ),
    "data": N_("Initialised variables. They begin as the file's bytes; what is written becomes a private copy."),
    "BSS": N_(
        "Variables that begin as zero. The file holds nothing for them; the first of them share a page with the data."
    ),
    "RELRO": N_("Read-only after relocation: tables of addresses that the dynamic linker fills in and then protects."),
    "vdso": N_(
        "A small library that the kernel maps into every process, so that the clock can be read without a system call."
    ),
    "page": N_(
        "The unit of memory that the processor maps, mostly 4 KiB. A process gets a physical page only when it first touches the address."
    ),
    "demand paging": N_(
        "Asking for memory only changes a list in the kernel. The first touch of a page makes a page fault, and the kernel then finds a page for it."
    ),
    "page fault": N_(
        "What happens when an address has no page yet. Minor: the kernel only had to map one. Major: it had to read from the disk."
    ),
    "VMA": N_(
        "Virtual memory area: one line of /proc/PID/maps, a range with the same permissions and the same file behind it. One VMA can hold several things."
    ),
    "mmap": N_("The system call that maps files or fresh memory. The mapping area lies between heap and stack."),
    "shared memory": N_(
        "Pages that several processes map: System V and POSIX segments, memory files, shared anonymous memory. Writing by one is seen by all."
    ),
    "copy on write": N_(
        "After fork, or in a private mapping of a file, pages are shared until somebody writes; the writer then gets a copy."
    ),
    "hugetlb": N_(
        "Huge pages from a reserve made beforehand. They are counted in HugetlbPages, and neither in RES nor in PSS."
    ),
    "THP": N_("Transparent huge pages: the kernel backs ordinary memory with 2 MiB pages by itself where it can."),
    "page tables": N_(
        "The processor's own lists of where each page is (VmPTE). They belong to the process but count in neither VIRT nor RES."
    ),
    "TLS": N_("Thread-local storage: variables of which each thread has its own."),
    "thread": N_(
        "A run of its own in the same address space. It owns a stack, TLS, its scheduling state and its pending signals; memory, files and signal handlers belong to the process."
    ),
    "coroutine": N_(
        "A run that the program switches to by itself, without the kernel: it needs only a stack of a few KiB."
    ),
    "reserved": N_(
        "Address space with no access, kept free for later or to catch stray pointers. It costs nothing but addresses."
    ),
    "KSM": N_("Kernel same-page merging: equal pages of different processes made one."),
    "VMA flags": N_(
        "Words of two letters in smaps: what the kernel has noted about a mapping. procmem explain --why tells those of each; all of them follow here."
    ),
}


ALSO = {
    "VIRT": N_("VSZ/VmSize/virtual size"),
    "RES": N_("RSS/VmRSS/resident set size"),
    "PSS": N_("proportional set size"),
    "USS": N_("unique set size"),
    "dirty": N_("dirty page/clean"),
    "swap": N_("swapping/paging out"),
    "swappiness": N_("vm.swappiness"),
    "arena": N_("arenas"),
    "heap": N_("brk"),
    "stack": N_("stacks"),
    "guard": N_("guard page"),
    "text": N_("code/text segment"),
    "data": N_("data segment"),
    "BSS": N_(".bss"),
    "RELRO": N_("relocation read-only"),
    "vdso": N_("virtual dynamic shared object"),
    "page": N_("pages"),
    "demand paging": N_("lazy allocation"),
    "page fault": N_("fault/minor fault/major fault"),
    "VMA": N_("mapping/region/virtual memory area"),
    "mmap": N_("memory mapping"),
    "shared memory": N_("shm/shmem"),
    "copy on write": N_("COW"),
    "hugetlb": N_("huge page pool"),
    "THP": N_("transparent huge pages/huge pages"),
    "page tables": N_("page table/PTE"),
    "TLS": N_("thread-local storage"),
    "thread": N_("threads"),
    "coroutine": N_("coroutines/goroutine"),
    "reserved": N_("reserved address space/PROT_NONE"),
    "KSM": N_("kernel samepage merging"),
    "VMA flags": N_("VmFlags"),
}
"""Other words for a term, with strokes between them; the user's own language has its words there."""


def term_of(word: str) -> str | None:
    """The term that is asked for by a word, in any case: by its name, another word for it, or one of the language's."""
    names = {term.lower(): term for term in terms()}
    for term, others in ALSO.items():
        for other in (*others.split("/"), *gettext(others).split("/")):
            names.setdefault(other.lower(), term)
    return names.get(word.lower())


def terms() -> tuple[str, ...]:
    """All terms, in the order in which they are explained; the words of VmFlags come last."""
    return (*GLOSSARY, *FLAGS)


def meaning(term: str) -> str:
    """What a term means."""
    if term in FLAGS:
        return say(N_("VmFlags: {meaning}."), {"meaning": flag_text(term)})
    return gettext(GLOSSARY[term])
