"""What a byte range can be: the classes, and one row for each kind with all that is known of it beforehand.

Here stands which class a kind belongs to, which of the textbook's six words it folds to, what continues it where it
only reserves address space, and how explanations join ranges of it. How a kind is recognised is told by the rules in
``classify``, and its words in ``text``. A new kind is a row here, its words, and the rule that finds it.
"""

from procmem.model.enumeration import Enumeration, TextEnumeration

__all__ = ["KINDS", "ByteClass", "Grouping", "Kind", "Part", "Role", "object_kind"]


class ByteClass(TextEnumeration):
    """What a byte range is for; the order is that of the tables, from the program's own to the kernel's."""

    TEXT = "text"
    RODATA = "rodata"
    DATA = "data"
    BSS = "bss"
    TLS = "tls"
    HEAP = "heap"
    STACK = "stack"
    MMAP = "mmap"
    SHM = "shm"
    JIT = "jit"
    GUARD = "guard"
    RESERVED = "reserved"
    KERNEL = "kernel"
    DEVICE = "device"


class Grouping(Enumeration):
    """How neighbouring ranges of a kind are told together."""

    OBJECT = "with the other parts of its object"
    ALLOCATOR = "with all blocks of its allocator, wherever they lie"
    NEIGHBOURS = "with equal neighbours"
    CONTINUED = "with the memory that it continues"
    ALONE = "by itself"


_CLASSIC = {
    ByteClass.RODATA: ByteClass.TEXT,  # as size(1) counts it
    ByteClass.TLS: ByteClass.DATA,
    ByteClass.SHM: ByteClass.MMAP,
    ByteClass.JIT: ByteClass.MMAP,
    ByteClass.DEVICE: ByteClass.MMAP,
    ByteClass.KERNEL: ByteClass.MMAP,
    ByteClass.GUARD: ByteClass.MMAP,
    ByteClass.RESERVED: ByteClass.MMAP,
}
_GROUPING = {
    ByteClass.HEAP: Grouping.ALLOCATOR,
    ByteClass.KERNEL: Grouping.NEIGHBOURS,
    ByteClass.MMAP: Grouping.NEIGHBOURS,
}
KINDS: "list[Kind]" = []
"""Every kind, in the order of the classes. Tests hold that each has words in every language."""


class Kind(str):
    """A kind: its name (it is that text), and what the table says of it.

    ``classic`` is the word of text, data, bss, heap, mmap and stack that it folds to. ``reserve`` is the kind of the
    inaccessible memory that continues it, None where there is none. ``role`` and ``part`` are set for the parts of
    loaded objects: whose part, and which.
    """

    __slots__ = ("classic", "cls", "grouping", "part", "reserve", "role")

    cls: ByteClass
    classic: ByteClass
    grouping: Grouping
    reserve: "Kind | None"
    role: "Role | None"
    part: "Part | None"

    def __new__(
        cls,
        name: str,
        of: ByteClass,
        *,
        classic: ByteClass | None = None,
        grouping: Grouping | None = None,
        reserve: "Kind | None" = None,
        role: "Role | None" = None,
        part: "Part | None" = None,
    ) -> "Kind":
        """Make a kind by itself; the kinds that procmem knows are listed in ``KINDS``."""
        kind = super().__new__(cls, name)
        kind.cls = of
        kind.classic = classic or _CLASSIC.get(of, of)
        kind.grouping = grouping or _GROUPING.get(of, Grouping.ALONE)
        kind.reserve = reserve
        kind.role = role
        kind.part = part
        return kind


def _kind(
    name: str,
    of: ByteClass,
    *,
    classic: ByteClass | None = None,
    grouping: Grouping | None = None,
    reserve: Kind | None = None,
) -> Kind:
    kind = Kind(name, of, classic=classic, grouping=grouping, reserve=reserve)
    KINDS.append(kind)
    return kind


def _reserve(name: str) -> Kind:
    """Address space that an allocator or a runtime keeps free to grow: it folds to the heap."""
    return _kind(name, ByteClass.RESERVED, classic=ByteClass.HEAP, grouping=Grouping.CONTINUED)


class Role(TextEnumeration):
    """Whose part a range of a loaded object is."""

    EXE = "exe"
    LIB = "lib"
    LD = "ld"


class Part(TextEnumeration):
    """The parts of a loaded object, by their names in ELF."""

    TEXT = "text"
    RODATA = "rodata"
    DATA = "data"
    RELRO = "relro"
    TDATA = "tdata"
    BSS = "bss"


_PART_CLASSES = {
    Part.TEXT: ByteClass.TEXT,
    Part.RODATA: ByteClass.RODATA,
    Part.DATA: ByteClass.DATA,
    Part.RELRO: ByteClass.DATA,
    Part.TDATA: ByteClass.DATA,
    Part.BSS: ByteClass.BSS,
}
_OBJECT_KINDS = {
    (role, part): Kind(f"{role}-{part}", cls, grouping=Grouping.OBJECT, role=role, part=part)
    for part, cls in _PART_CLASSES.items()
    for role in Role
}
KINDS += _OBJECT_KINDS.values()


def object_kind(role: Role, part: Part) -> Kind:
    """The kind of a part of a loaded object: ``exe-text``, ``lib-bss``."""
    return _OBJECT_KINDS[role, part]


_C = ByteClass
ELF_GAP = _kind("elf-gap", _C.RESERVED, grouping=Grouping.OBJECT)
TLS = _kind("tls", _C.TLS)

# heap: reserves first, since what they continue names them; an arena's rest is claimed with its block, and so are
# the tables of the Go runtime
GLIBC_ARENA_RESERVE = _reserve("glibc-arena-reserve")
GO_HEAP_RESERVE = _reserve("go-heap-reserve")
GO_RUNTIME_RESERVE = _reserve("go-runtime-reserve")
JVM_HEAP_RESERVE = _reserve("jvm-heap-reserve")
JVM_METASPACE_RESERVE = _reserve("jvm-metaspace-reserve")
JVM_CODE_RESERVE = _reserve("jvm-code-reserve")
V8_RESERVE = _reserve("v8-reserve")
V8_CODE_RESERVE = _reserve("v8-code-reserve")
PARTITION_ALLOC_RESERVE = _reserve("partition-alloc-reserve")
GHC_RESERVE = _reserve("ghc-reserve")
DOTNET_RESERVE = _reserve("dotnet-reserve")
SCUDO_RESERVE = _reserve("scudo-reserve")
JSC_RESERVE = _reserve("jsc-reserve")
SANITIZER_RESERVE = _reserve("sanitizer-reserve")
INNODB_RESERVE = _reserve("innodb-reserve")
NATIVE_IMAGE_RESERVE = _reserve("native-image-reserve")
BRK = _kind("brk", _C.HEAP, grouping=Grouping.ALONE)
GLIBC_ARENA = _kind("glibc-arena", _C.HEAP, grouping=Grouping.ALONE)
GLIBC_MMAP_CHUNK = _kind("glibc-mmap-chunk", _C.HEAP)
GLIBC_MAIN_MMAP = _kind("glibc-main-mmap", _C.HEAP)
JEMALLOC = _kind("jemalloc", _C.HEAP)
TCMALLOC = _kind("tcmalloc", _C.HEAP)
MIMALLOC = _kind("mimalloc", _C.HEAP)
MUSL = _kind("musl", _C.HEAP)
SCUDO = _kind("scudo", _C.HEAP)
BIONIC = _kind("bionic", _C.HEAP)
PARTITION_ALLOC = _kind("partition-alloc", _C.HEAP, reserve=PARTITION_ALLOC_RESERVE)
OPENBLAS = _kind("openblas", _C.HEAP)
GO_HEAP = _kind("go-heap", _C.HEAP, reserve=GO_HEAP_RESERVE)
GO_RUNTIME = _kind("go-runtime", _C.HEAP)
JVM_HEAP = _kind("jvm-heap", _C.HEAP, reserve=JVM_HEAP_RESERVE)
JVM_METASPACE = _kind("jvm-metaspace", _C.HEAP, reserve=JVM_METASPACE_RESERVE)
JVM_CDS = _kind("jvm-cds", _C.HEAP)
JVM_GC = _kind("jvm-gc", _C.HEAP)
JVM_DIRECT_BUFFER = _kind("jvm-direct-buffer", _C.HEAP)
V8 = _kind("v8", _C.HEAP, reserve=V8_RESERVE)
GHC = _kind("ghc", _C.HEAP, reserve=GHC_RESERVE)
BEAM = _kind("beam", _C.HEAP)
BOEHM = _kind("boehm", _C.HEAP)
MONO = _kind("mono", _C.HEAP)
DOTNET = _kind("dotnet", _C.HEAP, reserve=DOTNET_RESERVE)
SBCL = _kind("sbcl", _C.HEAP)
OCAML = _kind("ocaml", _C.HEAP)
PYPY = _kind("pypy", _C.HEAP)
RACKET = _kind("racket", _C.HEAP)
CHEZ = _kind("chez", _C.HEAP)
WINE = _kind("wine", _C.HEAP)
TBBMALLOC = _kind("tbbmalloc", _C.HEAP)
GCC = _kind("gcc", _C.HEAP)
MIT_SCHEME = _kind("mit-scheme", _C.HEAP)
CLISP = _kind("clisp", _C.HEAP)
SMLNJ = _kind("smlnj", _C.HEAP)
POLYML = _kind("polyml", _C.HEAP)
D_GC = _kind("d-gc", _C.HEAP)
FREEPASCAL = _kind("freepascal", _C.HEAP)
NATIVE_IMAGE = _kind("native-image", _C.HEAP, reserve=NATIVE_IMAGE_RESERVE)
JSC = _kind("jsc", _C.HEAP, reserve=JSC_RESERVE)
INNODB = _kind("innodb", _C.HEAP, reserve=INNODB_RESERVE)
VALGRIND = _kind("valgrind", _C.HEAP)
SANITIZER_HEAP = _kind("sanitizer-heap", _C.HEAP, reserve=SANITIZER_RESERVE)
UNKNOWN_ALLOCATOR = _kind("allocator-unknown", _C.HEAP)
WASM_MEMORY = _kind("wasm-memory", _C.HEAP)
CPYTHON_OBMALLOC = _kind("cpython-obmalloc", _C.HEAP)
RUBY = _kind("ruby", _C.HEAP)
PHP = _kind("php", _C.HEAP)
LUAJIT = _kind("luajit", _C.HEAP)

MAIN_STACK = _kind("main", _C.STACK)
THREAD_STACK = _kind("thread", _C.STACK)
CACHED_STACK = _kind("thread-cached", _C.STACK)
SIGNAL_STACK = _kind("signal", _C.STACK)
COROUTINE_STACK = _kind("coroutine", _C.STACK)
SHADOW_STACK = _kind("shadow", _C.STACK)

FILE_PRIVATE = _kind("file-private", _C.MMAP)
FILE_SHARED = _kind("file-shared", _C.MMAP)
ANON_PRIVATE = _kind("anon-private", _C.MMAP)
LOADER = _kind("loader", _C.MMAP)
NAMED = _kind("named", _C.MMAP)
GUEST_RAM = _kind("guest-ram", _C.MMAP)
SANITIZER_SHADOW = _kind("sanitizer-shadow", _C.MMAP)
HUGETLB_PRIVATE = _kind("hugetlb", _C.MMAP)

SYSV = _kind("sysv", _C.SHM)
POSIX = _kind("posix", _C.SHM)
MEMFD = _kind("memfd", _C.SHM)
ANON_SHARED = _kind("anon-shared", _C.SHM)
SECRETMEM = _kind("secretmem", _C.SHM)
ASHMEM = _kind("ashmem", _C.SHM)
HUGETLB_SHARED = _kind("hugetlb", _C.SHM)

JIT = _kind("jit", _C.JIT)
JVM_CODE = _kind("jvm-code", _C.JIT, reserve=JVM_CODE_RESERVE)
V8_CODE = _kind("v8-code", _C.JIT, reserve=V8_CODE_RESERVE)

STACK_GUARD = _kind("stack-guard", _C.GUARD, classic=_C.STACK, grouping=Grouping.CONTINUED)
GUARD = _kind("guard", _C.GUARD)
JVM_SAFEPOINT = _kind("jvm-safepoint", _C.GUARD)
RESERVED = _kind("reserved", _C.RESERVED)

VDSO = _kind("vdso", _C.KERNEL)
VVAR = _kind("vvar", _C.KERNEL)
VSYSCALL = _kind("vsyscall", _C.KERNEL)
UPROBES = _kind("uprobes", _C.KERNEL)
SIGPAGE = _kind("sigpage", _C.KERNEL)
SPECIAL = _kind("special", _C.KERNEL)

PERF = _kind("perf", _C.DEVICE)
IO_URING = _kind("io_uring", _C.DEVICE)
AIO = _kind("aio", _C.DEVICE)
SOCKET = _kind("socket", _C.DEVICE)
DRI = _kind("dri", _C.DEVICE)
KVM = _kind("kvm", _C.DEVICE)
VFIO = _kind("vfio", _C.DEVICE)
BPF = _kind("bpf", _C.DEVICE)
DEVICE = _kind("device", _C.DEVICE)
