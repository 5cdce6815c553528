"""A short name for each kind of memory, as a row of a table or a caption has it; sentences stand in ``text.kinds``."""

from procmem.model.kinds import GLIBC_ARENA, KINDS, MAIN_STACK, ByteClass, Kind, Role
from procmem.model.owners import Arena
from procmem.model.region import Certainty
from procmem.model.reports.resident import Consumer
from procmem.model.vma_names import without_deleted
from procmem.text import N_, gettext, plural, say
from procmem.text.owners import owner_text

__all__ = ["KIND_NAMES", "as_sure", "kind_name", "purpose"]

KIND_NAMES = {
    "text": N_("code"),
    "rodata": N_("constants"),
    "data": N_("initialised variables"),
    "relro": N_("read-only relocations"),
    "tdata": N_("first values of thread-local variables"),
    "bss": N_("zero-initialised variables"),
    "elf-gap": N_("holes between parts of objects"),
    "tls": N_("thread-local storage"),
    "glibc-arena-reserve": N_("rest of malloc arenas"),
    "go-heap-reserve": N_("room for Go's heap"),
    "go-runtime-reserve": N_("room for the Go runtime"),
    "jvm-heap-reserve": N_("room for the Java heap"),
    "jvm-metaspace-reserve": N_("room for Java metaspace"),
    "jvm-code-reserve": N_("room for Java's code cache"),
    "v8-reserve": N_("room for V8's heap"),
    "v8-code-reserve": N_("room for V8's code"),
    "partition-alloc-reserve": N_("room for PartitionAlloc"),
    "ghc-reserve": N_("room for Haskell's heap"),
    "dotnet-reserve": N_("room for .NET's heap"),
    "scudo-reserve": N_("room for Scudo"),
    "jsc-reserve": N_("room for JavaScriptCore's heap"),
    "sanitizer-reserve": N_("room for a sanitizer"),
    "innodb-reserve": N_("room for the buffer pool"),
    "native-image-reserve": N_("room for the native image's heap"),
    "brk": N_("main heap (brk)"),
    "glibc-arena": N_("malloc arenas"),
    "glibc-mmap-chunk": N_("large blocks of malloc"),
    "glibc-main-mmap": N_("malloc's main heap beside brk"),
    "jemalloc": N_("heap of jemalloc"),
    "tcmalloc": N_("heap of tcmalloc"),
    "mimalloc": N_("heap of mimalloc"),
    "musl": N_("heap of musl's malloc"),
    "scudo": N_("heap of Scudo"),
    "bionic": N_("heap of Android's C library"),
    "partition-alloc": N_("heap of PartitionAlloc"),
    "openblas": N_("work buffers of OpenBLAS"),
    "go-heap": N_("Go heap"),
    "go-runtime": N_("tables of the Go runtime"),
    "jvm-heap": N_("Java heap"),
    "jvm-metaspace": N_("Java metaspace"),
    "jvm-cds": N_("Java's archive of classes (CDS)"),
    "jvm-gc": N_("the Java virtual machine's own memory"),
    "jvm-direct-buffer": N_("direct buffers of Java"),
    "v8": N_("JavaScript heap (V8)"),
    "ghc": N_("Haskell heap"),
    "beam": N_("memory of the Erlang virtual machine"),
    "boehm": N_("heap of the Boehm collector"),
    "mono": N_("Mono heap"),
    "dotnet": N_(".NET heap"),
    "sbcl": N_("Lisp heap (SBCL)"),
    "ocaml": N_("OCaml heap"),
    "pypy": N_("PyPy heap"),
    "racket": N_("Racket heap"),
    "chez": N_("Chez Scheme heap"),
    "wine": N_("memory of a Windows program (Wine)"),
    "tbbmalloc": N_("heap of tbbmalloc"),
    "gcc": N_("heap of the compiler GCC"),
    "mit-scheme": N_("MIT/GNU Scheme heap"),
    "clisp": N_("CLISP heap"),
    "smlnj": N_("Standard ML heap"),
    "polyml": N_("Poly/ML heap"),
    "d-gc": N_("D heap"),
    "freepascal": N_("Free Pascal heap"),
    "native-image": N_("heap of the native image (GraalVM)"),
    "jsc": N_("JavaScript heap (JavaScriptCore)"),
    "innodb": N_("buffer pool of the database server"),
    "valgrind": N_("memory of valgrind"),
    "sanitizer-heap": N_("heap of a sanitizer"),
    "allocator-unknown": N_("heap of an allocator that is not known"),
    "wasm-memory": N_("memory of a WebAssembly program"),
    "cpython-obmalloc": N_("Python's small objects (obmalloc)"),
    "ruby": N_("Ruby's objects"),
    "php": N_("PHP's request memory"),
    "luajit": N_("LuaJIT heap"),
    "main": N_("the main thread's stack"),
    "thread": N_("stacks of threads"),
    "thread-cached": N_("stacks of ended threads"),
    "signal": N_("signal stacks"),
    "coroutine": N_("stacks of coroutines"),
    "shadow": N_("shadow stacks"),
    "file-private": N_("private mapping of a file"),
    "file-shared": N_("shared mapping of a file"),
    "file-shared-readonly": N_("read-only shared mapping of a file"),
    "anon-private": N_("anonymous memory of no known purpose"),
    "loader": N_("memory of the dynamic linker"),
    "named": N_("anonymous memory that the program named"),
    "guest-ram": N_("memory of a virtual machine"),
    "sanitizer-shadow": N_("shadow memory of a sanitizer"),
    "hugetlb": N_("huge pages (hugetlb)"),
    "sysv": N_("System V shared memory"),
    "posix": N_("POSIX shared memory"),
    "memfd": N_("memory file"),
    "anon-shared": N_("shared anonymous memory"),
    "secretmem": N_("secret memory"),
    "ashmem": N_("Android shared memory"),
    "jit": N_("code made at run time"),
    "jvm-code": N_("Java's code cache"),
    "v8-code": N_("code made by V8"),
    "stack-guard": N_("guards of stacks"),
    "guard": N_("guards"),
    "jvm-safepoint": N_("polling pages of Java"),
    "reserved": N_("reserved address space"),
    "vdso": N_("the kernel's code for this process (vdso)"),
    "vvar": N_("the kernel's data for this process (vvar)"),
    "vsyscall": N_("the kernel's page for old programs (vsyscall)"),
    "uprobes": N_("replaced instructions (uprobes)"),
    "sigpage": N_("the kernel's page for signals"),
    "special": N_("special memory of the kernel"),
    "perf": N_("ring of performance samples"),
    "io_uring": N_("rings of io_uring"),
    "aio": N_("rings of asynchronous input and output"),
    "socket": N_("rings of network packets"),
    "dri": N_("memory of a graphics device"),
    "kvm": N_("state of virtual processors (KVM)"),
    "vfio": N_("registers of a device"),
    "bpf": N_("tables of BPF programs"),
    "device": N_("memory of a device"),
}
"""By kind, or by part of a loaded object."""

_ROLES = {
    None: N_("{object:name}"),
    Role.EXE: N_("the program {object:name}"),
    Role.LIB: N_("the library {object:name}"),
    Role.LD: N_("the dynamic linker {object:name}"),
}
_OF = N_("{what}: {owner:name}")
_ARENA_OF = N_("malloc arena of {thread:name}")
_ARENA = N_("malloc arena {address:x}")
_MANY = plural("{what}, {count} range", "{what}, {count} ranges")
_COUNTED = frozenset(
    kind for kind in KINDS if kind.cls in (ByteClass.HEAP, ByteClass.STACK, ByteClass.JIT) and kind is not MAIN_STACK
)
_HOW_SURE = {
    Certainty.CERTAIN: N_("{what}"),
    Certainty.LIKELY: N_("{what}, likely"),
    Certainty.GUESS: N_("{what}, a guess"),
}


def kind_name(kind: Kind) -> str:
    """The name of a kind; of one that has none, itself."""
    name = KIND_NAMES.get(kind.part.value if kind.part is not None else kind)
    return str(kind) if name is None else gettext(name)


def purpose(consumer: Consumer) -> str:
    """What the memory of a row is for, of how many ranges it is, and how sure that is."""
    kind, role, owner, certainty = consumer.kind, consumer.role, consumer.owner, consumer.certainty
    if kind is None:
        base = without_deleted(bytes(owner) if isinstance(owner, bytes) else b"?").rsplit(b"/", 1)[-1]
        what = say(_ROLES[role], {"object": base})
    elif kind is GLIBC_ARENA and consumer.thread is not None:
        what = say(_ARENA_OF, {"thread": owner_text(consumer.thread).encode("utf-8", "surrogateescape")})
    elif isinstance(owner, Arena):
        what = say(_ARENA, {"address": owner.address})
    elif owner is not None:
        what = say(_OF, {"what": kind_name(kind), "owner": owner_text(owner).encode("utf-8", "surrogateescape")})
    else:
        what = kind_name(kind)
    if kind in _COUNTED and consumer.ranges > 1:
        what = say(_MANY, {"what": what, "count": consumer.ranges})
    return as_sure(what, certainty)


def as_sure(what: str, certainty: Certainty) -> str:
    """A name of memory, and that it is likely or a guess, where it is."""
    return say(_HOW_SURE[certainty], {"what": what})
