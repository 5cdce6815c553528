"""What each kind of byte range is, and how much of it is in memory: the sentences of ``procmem explain``.

A kind of a loaded object (``lib-text``, ``exe-text``, ``ld-text``) has the words of its part; the role is put in.
"""

from __future__ import annotations

from procmem.model import kinds
from procmem.model.kinds import ByteClass, Kind, Role
from procmem.model.named_tuple import NamedTuple
from procmem.model.permissions import permissions
from procmem.model.region import Certainty, Label, Region, Regions
from procmem.model.vma_names import without_deleted
from procmem.text import N_, gettext, remembered, say
from procmem.text.owners import owner_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "CERTAINTIES",
    "CLASSES",
    "KINDS",
    "SHARED_OUT",
    "InMemory",
    "begins_within_page",
    "between_sentences",
    "held_sentences",
    "how_sure",
    "is_inaccessible",
    "joined",
    "kind_sentences",
    "object_name",
    "part_text",
    "region_sentences",
]

ROLES = {
    Role.EXE: N_("the program"),
    Role.LIB: N_("the library"),
    Role.LD: N_("the dynamic linker"),
}
"""What a loaded object is to the program."""

KINDS = {
    "text": N_("Machine code of {role} {object}."),
    "rodata": N_("Read-only parts of {role} {object}: headers, constants, symbol and unwinding tables."),
    "data": N_("Initialised variables of {role} {object}."),
    "relro": N_(
        "RELRO of {role} {object}: pointers that the dynamic linker filled in at start and then made read-only, so that no bug can bend them."
    ),
    "bss": N_("BSS of {role} {object}: variables that start as zero."),
    "tdata": N_("The first values of thread-local variables of {role} {object}; each thread gets its own copy."),
    "tls": N_("Thread-local storage and the C library's descriptor of {owner}."),
    "brk": N_("The classic heap: malloc's main area, unless another allocator serves the program."),
    "glibc-arena": N_("A block of a malloc arena of the C library ({owner})."),
    "glibc-mmap-chunk": N_("A large block of malloc, mapped by itself (by default from 128 KiB on)."),
    "glibc-main-mmap": N_("The main malloc area where brk() could not grow it: malloc took a mapping instead."),
    "jemalloc": N_("Memory that the allocator jemalloc manages."),
    "tcmalloc": N_("Memory that the allocator tcmalloc manages."),
    "mimalloc": N_("Memory that the allocator mimalloc manages."),
    "musl": N_("Memory that musl's malloc manages."),
    "scudo": N_("Memory that the allocator Scudo manages."),
    "bionic": N_("Memory that Android's C library manages."),
    "partition-alloc": N_("Memory that Chromium's PartitionAlloc manages."),
    "openblas": N_("A work buffer of OpenBLAS, the linear algebra library."),
    "go-heap": N_("Go's heap."),
    "go-runtime": N_("Tables of the Go runtime: the heap's maps, caches, the collector's queues."),
    "jvm-heap": N_("The Java heap, where objects live; the garbage collector manages it."),
    "jvm-metaspace": N_("Java metaspace: classes, methods and constants that the virtual machine has loaded."),
    "jvm-cds": N_("Java's archive of ready-made classes, shared with other virtual machines that use the same file."),
    "jvm-direct-buffer": N_(
        "A direct buffer of Java, or other memory that Java code took outside the heap: -Xmx does not limit it."
    ),
    "jvm-gc": N_("Memory of the Java virtual machine itself, most often the garbage collector's tables."),
    "v8": N_("JavaScript heap of V8: objects and strings, in pages of 256 KiB."),
    "ghc": N_("Haskell's heap."),
    "beam": N_("Memory of the Erlang virtual machine: carriers of its allocators."),
    "boehm": N_("A heap of the Boehm garbage collector."),
    "mono": N_("The heap of Mono: the nursery and the major heap of its garbage collector."),
    "dotnet": N_("The heap of .NET's garbage collector."),
    "sbcl": N_("The Lisp heap of SBCL: objects, compiled functions among them."),
    "ocaml": N_("OCaml's heap."),
    "pypy": N_("PyPy's heap: the nursery and the arenas of its garbage collector."),
    "racket": N_("Racket's heap."),
    "chez": N_("Chez Scheme's heap: objects, and compiled code among them."),
    "wine": N_("Memory of a Windows program under Wine, most often its heaps."),
    "tbbmalloc": N_("Memory that the allocator of oneTBB (tbbmalloc) manages."),
    "gcc": N_("The heap of the compiler GCC: syntax trees and types, which it collects by itself."),
    "mit-scheme": N_("The heap of MIT/GNU Scheme: objects, and compiled code among them."),
    "clisp": N_("CLISP's heap."),
    "smlnj": N_("The heap of Standard ML of New Jersey."),
    "polyml": N_("Poly/ML's heap."),
    "d-gc": N_("The heap of D's garbage collector."),
    "freepascal": N_("The heap of Free Pascal's run-time library."),
    "native-image": N_("The heap of a Java program that was compiled ahead of time (GraalVM native image)."),
    "native-image-reserve": N_(
        "Address space that a GraalVM native image keeps for its heap to grow; it costs no memory."
    ),
    "jsc": N_("JavaScript heap of JavaScriptCore."),
    "innodb": N_("A large area of the database server, most often InnoDB's buffer pool."),
    "valgrind": N_("Memory of valgrind: what the program allocated, and valgrind's own tables on it."),
    "sanitizer-heap": N_("Memory of a sanitizer: what the program allocated, and its own tables on it."),
    "allocator-unknown": N_(
        "Memory of an allocator that is not known: it has the look of a heap, not that of the C library's malloc."
    ),
    "shadow": N_("A shadow stack: return addresses alone, which the processor compares with those of the real stack."),
    "named": N_("Private anonymous memory that the program named itself."),
    "guest-ram": N_("The memory of a virtual machine: what the guest takes for its RAM."),
    "sanitizer-shadow": N_(
        "Shadow memory of a sanitizer: it says of each byte of the program whether it may be used; the space is huge, and only what is touched costs memory."
    ),
    "ghc-reserve": N_("Address space that the Haskell runtime keeps for its heap to grow; it costs no memory."),
    "dotnet-reserve": N_("Address space that .NET keeps for its heap to grow; it costs no memory."),
    "scudo-reserve": N_("Address space that the allocator Scudo keeps to grow; it costs no memory."),
    "jsc-reserve": N_("Address space that JavaScriptCore keeps for its heap; it costs no memory."),
    "innodb-reserve": N_(
        "Address space that the database server keeps for its buffer pool to grow; it costs no memory."
    ),
    "sanitizer-reserve": N_(
        "Address space that a sanitizer keeps for its allocator or its shadow memory; it costs no memory."
    ),
    "wasm-memory": N_("The linear memory of a WebAssembly program, with room reserved to let it grow."),
    "cpython-obmalloc": N_("Python's memory for small objects, taken in blocks of 1 MiB."),
    "ruby": N_("Ruby's memory for objects."),
    "php": N_("PHP's request memory, taken in blocks of 2 MiB."),
    "luajit": N_("Memory of LuaJIT's allocator."),
    "main": N_("The main thread's stack: local variables and return addresses."),
    "thread": N_("The stack of {owner}."),
    "thread-cached": N_("The stack of a thread that has ended."),
    "signal": N_("A signal stack: handlers of {owner} run here, so that even a stack overflow can be handled."),
    "coroutine": N_("The stack of a coroutine or fiber, which the program itself switches to, without the kernel."),
    "file-private": N_(
        "A private mapping of the file {object}: reading shows the file, writing would make a private copy."
    ),
    "file-shared": N_(
        "A shared mapping of the file {object}: what is written goes to the file, and others who map it see it."
    ),
    "file-shared-readonly": N_(
        "A shared, read-only mapping of the file {object}: all processes that map it see the same pages, and what others write to the file."
    ),
    "anon-private": N_("Private anonymous memory that the program mapped; no file stands behind it."),
    "loader": N_(
        "Small memory of the dynamic linker: lists of loaded objects, thread-local storage of the main thread."
    ),
    "hugetlb": N_("Memory in huge pages from the system's reserve (hugetlb)."),
    "sysv": N_("A System V shared memory segment ({object}); it outlives the processes unless it is removed."),
    "posix": N_("A POSIX shared memory object ({object}), a file in memory that several processes can map."),
    "memfd": N_("A memory file ({object}) without a name in any folder; whoever is given its descriptor can map it."),
    "anon-shared": N_("Shared anonymous memory: a parent and the children it forks see the same pages."),
    "secretmem": N_(
        "Secret memory: the kernel itself keeps no mapping of it, so that not even a kernel bug can leak it."
    ),
    "ashmem": N_("Android shared memory."),
    "jit": N_("Machine code made while the program runs, by a just-in-time compiler or a similar generator."),
    "jvm-code": N_("Java's code cache: bytecode that was compiled to machine code while the program runs."),
    "v8-code": N_("Machine code that V8 compiled from JavaScript while the program runs."),
    "stack-guard": N_(
        "A guard below a stack: touching it means that the stack overflowed, and ends the program instead of corrupting memory."
    ),
    "guard": N_("A guard: a small inaccessible range that catches whoever runs over the edge."),
    "jvm-safepoint": N_(
        "Polling pages of the Java virtual machine: threads touch them, and stop when the page is made inaccessible."
    ),
    "glibc-arena-reserve": N_("The rest of a malloc arena's block, kept free so that the arena can grow in one piece."),
    "go-heap-reserve": N_("Address space that Go keeps free for its heap to grow into."),
    "go-runtime-reserve": N_("Address space that the Go runtime keeps free for its tables."),
    "jvm-heap-reserve": N_("Address space reserved for the Java heap up to its maximum (-Xmx)."),
    "jvm-metaspace-reserve": N_(
        "Address space reserved for Java classes (1 GiB by default), close enough for short pointers."
    ),
    "jvm-code-reserve": N_("Address space reserved for Java's code cache."),
    "v8-reserve": N_("Address space that V8 keeps free around its heap."),
    "v8-code-reserve": N_("Address space reserved for V8's code, so that calls between functions stay short."),
    "partition-alloc-reserve": N_("Address space that PartitionAlloc keeps free, so that stray pointers hit nothing."),
    "elf-gap": N_(
        "A hole between the parts of {role} {object}: the linker left it for alignment, the loader closed it."
    ),
    "reserved": N_("Address space set aside and inaccessible: nothing is stored there, and it costs no memory."),
    "vdso": N_("Code of the kernel for this process: reading the clock without a system call."),
    "vvar": N_("Data of the kernel that the vdso reads, such as the clock's state."),
    "vsyscall": N_("A fixed page of the kernel for very old programs."),
    "uprobes": N_("A page where the kernel runs instructions that a debugger or tracer replaced."),
    "sigpage": N_("A page of the kernel: code for returning from signals, or exception vectors and helpers (ARM)."),
    "special": N_("Memory that the kernel mapped for this process."),
    "perf": N_("The ring in which the kernel hands over performance samples."),
    "io_uring": N_("A ring shared with the kernel: input and output without a system call for each."),
    "aio": N_("The ring of an asynchronous input/output context."),
    "socket": N_("A ring of network packets shared with the kernel."),
    "dri": N_("Memory of a graphics device."),
    "kvm": N_("State of a virtual machine's processor, shared with the kernel."),
    "vfio": N_("Registers of a device that the program drives itself."),
    "bpf": N_("A table shared with a BPF program in the kernel."),
    "device": N_("Memory of a device or of a kernel object, {object}."),
}
"""By kind, or by part of a loaded object: what the bytes are, in one sentence."""

FURTHER = {
    "text": N_("It is mapped from the file, never written, and one copy in memory serves every process that maps it."),
    "rodata": N_("Nobody may write or run it."),
    "data": N_("Each page starts as the file's and becomes a private copy when it is first written."),
    "bss": N_("The file holds no bytes for them; pages appear when they are first used."),
    "brk": N_("It lies above the program's BSS and grows upward by brk()."),
    "glibc-arena": N_(
        "Threads get arenas of their own so that they need not wait for each other; one that outgrows its block takes further ones."
    ),
    "glibc-mmap-chunk": N_("free() gives it back to the kernel at once."),
    "go-heap": N_("Goroutine stacks lie inside it too."),
    "main": N_("It grows downward from the top when deeper calls need it."),
    "thread": N_("It was mapped whole when the thread was made; pages appear as calls go deeper."),
    "thread-cached": N_("The C library keeps it for the next thread."),
    "hugetlb": N_("RES and PSS leave it out."),
    "glibc-arena-reserve": N_("It costs address space, not memory."),
    "elf-gap": N_("Nothing lies there; it is no guard."),
    "vsyscall": N_("It is the same in every process and counted in none."),
}
"""What is to be said of some of them besides."""

UNKNOWN = N_("Memory of the kind {kind}.")
KEPT = N_(
    "It is inaccessible now, but was written before: {stored:size} are stored there, and cost memory until they are given back (munmap, MADV_DONTNEED)."
)
"""Of inaccessible memory that holds pages all the same."""

WITHOUT_OWNER = {
    "tls": N_("a thread"),
    "heap": N_("owner unknown"),
    "stack": N_("a thread"),
    "kernel": N_("the kernel"),
}
"""Whose a range is where nobody can say it, by class; a question mark for the others."""

RESIDENCY = {
    "unknown": N_("How much of it is in memory is not known."),
    "none": N_("None of its {size:size} is in memory."),
    "begins_elsewhere": N_(
        "It begins inside a page that is counted with the range before it; of its {size:size} no other page is in memory."
    ),
    "untouchable": N_("It takes {size:size} of address space and no memory."),
    "all_private": N_("All {size:size} are in memory, and private to this process."),
    "all": N_("All {size:size} are in memory, {private:size} of that private to this process."),
    "part_private": N_("{rss:size} of {size:size} are in memory, all private to this process."),
    "part": N_("{rss:size} of {size:size} are in memory, {private:size} of that private to this process."),
    "hugetlb": N_("{hugetlb:size} of {size:size} are in memory, as huge pages, which RES leaves out."),
    "uncounted": N_("Its {size:size} belong to the kernel and count in no process's RES."),
    "swapped": N_("{swap:size} are swapped out."),
    "about": N_("(The figures of this part are shared out: about.)"),
}
"""How much of it is in memory."""

PRIVATE_COPIES = "memfd-private"
COPIES = N_("Private copies of a memory file: what was written here is in no file, and nobody else sees it.")
HOW_SURE = {
    Certainty.LIKELY: N_("Very likely: {sentence}"),
    Certainty.GUESS: N_("Probably: {sentence}"),
}
"""What stands before the sentence on a kind that structure does not prove."""
_ORDER = tuple(Certainty)

CERTAINTIES = {
    "certain": N_("certain"),
    "likely": N_("likely"),
    "guess": N_("a guess"),
}

CLASSES = {
    "text": N_("code (text)"),
    "rodata": N_("read-only data"),
    "data": N_("initialised data"),
    "bss": N_("BSS"),
    "tls": N_("thread-local storage"),
    "heap": N_("heap"),
    "stack": N_("stacks"),
    "mmap": N_("mappings"),
    "shm": N_("shared memory"),
    "jit": N_("generated code"),
    "guard": N_("guards"),
    "reserved": N_("memory made inaccessible"),
    "kernel": N_("the kernel's pages"),
    "device": N_("device memory"),
}
"""The class of a byte range, within a sentence."""

PARTS = {
    "text": N_("text {size:size}"),
    "rodata": N_("rodata {size:size}"),
    "data": N_("data {size:size}"),
    "relro": N_("RELRO {size:size}"),
    "bss": N_("BSS {size:size}"),
    "tdata": N_("TLS template {size:size}"),
    "elf-gap": N_("holes {size:size}"),
}
"""A part of a loaded object, as they are listed in one line."""


def object_name(owner: bytes | None) -> str:
    """The name of a file without its folders, and without the kernel's word that it is deleted."""
    name = owner or b""
    if name.startswith(b"/"):
        name = without_deleted(name).rsplit(b"/", 1)[-1]
    return name.decode("utf-8", "surrogateescape")


def part_text(kind: Kind, size: int) -> str:
    """A part of a loaded object with its size."""
    return say(PARTS[kind.part or kind], {"size": size})


def kind_sentences(region: Region, *, writable: bool = True, certainty: Certainty | None = None) -> list[str]:
    """What it is, and how sure that is (``certainty`` where it speaks for more); the first sentence can stand alone."""
    label = region.label
    told = _label_sentences(label, certainty or label.certainty, writable=writable)
    kept = (region.rss or 0) + (region.swap or 0) if label.cls in _INACCESSIBLE else 0
    if kept:
        words = say(KEPT, {"stored": kept})
        return [words] if label.kind is kinds.RESERVED else [told[0], words]  # what is seen, and no conclusion
    return list(told)


@remembered
def _label_sentences(label: Label, certainty: Certainty, *, writable: bool) -> tuple[str, ...]:
    """What all regions of a label are; the first sentence says how sure that is."""
    kind, cls = label.kind, label.cls
    code = "file-shared-readonly" if kind is kinds.FILE_SHARED and not writable else kind.part or kind
    copies = label.evidence.code == PRIVATE_COPIES
    owner = owner_text(label.owner)
    if not owner:
        owner = gettext(WITHOUT_OWNER[cls]) if cls in WITHOUT_OWNER else "?"
    figures = {
        "role": gettext(ROLES[kind.role or Role.LIB]),
        "object": object_name(label.owner_name) or "?",
        "owner": owner,
        "kind": kind,
    }
    first = how_sure(say(COPIES if copies else KINDS.get(code, UNKNOWN), figures), [certainty])
    return (first, say(FURTHER[code], figures)) if code in FURTHER else (first,)


def how_sure(sentence: str, certainties: Iterable[Certainty]) -> str:
    """A sentence that says how sure it is, where it rests on less than proof: by the weakest of what it is about."""
    weakest = max(certainties, key=_ORDER.index)
    return sentence if weakest is Certainty.CERTAIN else say(HOW_SURE[weakest], {"sentence": sentence})


_PAGE_LEAST = 4096
"""The smallest page of any architecture: a range that begins at no multiple of it begins inside a page."""
_INACCESSIBLE = frozenset({ByteClass.GUARD, ByteClass.RESERVED})
SHARED_OUT = "rss"
"""The figure of a region whose sharing out its sentences tell."""


class InMemory(NamedTuple):
    """What decides the sentences on how much of a region is in memory; of many thousand regions few differ in it.

    ``within_page`` says that it begins inside a page, ``is_about`` that its figures were shared out; ``hugetlb`` is what
    is there besides of reserved huge pages.
    """

    size: int
    rss: int | None
    uss: int | None
    swap: int | None
    cls: ByteClass
    within_page: bool
    is_about: bool
    hugetlb: int | None


def begins_within_page(start: int) -> bool:
    """Whether a range begins inside a page, on any architecture."""
    return start % _PAGE_LEAST != 0


def held_sentences(held: InMemory) -> list[str]:
    """How much of it is in memory."""
    if held.rss is None or held.hugetlb is None:
        return [gettext(RESIDENCY["unknown"])]
    figures = {"size": held.size, "rss": held.rss, "private": held.uss, "swap": held.swap, "hugetlb": held.hugetlb}
    if held.hugetlb:
        key = "hugetlb"
    elif not held.rss and held.cls in _INACCESSIBLE:
        key = "untouchable"
    elif not held.rss and held.cls is ByteClass.KERNEL:
        key = "uncounted"
    elif not held.rss:
        key = "begins_elsewhere" if held.within_page else "none"
    elif held.rss >= held.size:
        key = "all_private" if held.uss == held.rss else "all"
    else:
        key = "part_private" if held.uss == held.rss else "part"
    keys = [key]
    if held.swap:
        keys.append("swapped")
    if held.is_about:
        keys.append("about")
    return [say(RESIDENCY[key], figures) for key in keys]


def is_inaccessible(cls: ByteClass) -> bool:
    """Whether memory of a class cannot be touched, so that what is in it deserves a sentence."""
    return cls in _INACCESSIBLE


def joined(*sentences: str) -> str:
    """Sentences one after the other."""
    return between_sentences().join(sentences)


@remembered
def between_sentences() -> str:
    """What stands between two sentences."""
    return say(N_("{first} {second}"), {"first": "", "second": ""})


def region_sentences(regions: Regions, index: int) -> list[str]:
    """What a region is, and how much of it is in memory; the first sentence can stand alone."""
    region = regions[index]
    held = InMemory(
        region.size,
        region.rss,
        region.uss,
        region.swap,
        region.label.cls,
        begins_within_page(region.start),
        SHARED_OUT in region.about,
        regions.hugetlb.get(index, 0),
    )
    writable = permissions(regions.mappings.perms[region.vma]).writable
    return [*kind_sentences(region, writable=writable), *held_sentences(held)]
