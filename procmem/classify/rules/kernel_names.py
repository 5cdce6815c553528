"""What a mapping is by itself: by the name that the kernel gives it, its device, permissions and flags.

The first rule that fits decides; it is the label of whatever bytes no stronger evidence claims. Which of the kernel's
words a name is, and whether the device agrees, is read in ``model.vma_names``; here stands what follows from it.
Rules on where a mapping lies, or on its neighbours, have modules of their own.
"""

from collections.abc import Callable
from typing import NamedTuple

from procmem.model.region import ByteClass, Certainty, Label
from procmem.model.vma_names import Backing, GivenName, KernelName, VmaName, given_name

__all__ = ["MappingKey", "label_of"]


class MappingKey(NamedTuple):
    """All that a mapping says about itself, but for where it lies. Many mappings share one key."""

    perms: str
    name: bytes
    read: VmaName
    has_inode: bool

    @property
    def executable(self) -> bool:
        """It may be run."""
        return "x" in self.perms

    @property
    def shared(self) -> bool:
        """What is written to it, others see."""
        return self.perms[3] == "s"


class NameRule(NamedTuple):
    """One line of a table: class, kind and certainty, what was seen, and a condition (None for always)."""

    cls: ByteClass
    kind: str
    certainty: Certainty
    evidence: str
    fits: Callable[[MappingKey], bool] | None = None


_C, _L, _G = Certainty.CERTAIN, Certainty.LIKELY, Certainty.GUESS
_K, _N, _W = ByteClass, KernelName, GivenName

_BY_NAME: dict[KernelName, tuple[NameRule, ...]] = {
    # mapped by the kernel; these names cannot be set by a program
    _N.VDSO: (NameRule(_K.KERNEL, "vdso", _C, "the kernel names it [vdso]"),),
    _N.VVAR: (NameRule(_K.KERNEL, "vvar", _C, "the kernel names it [vvar]"),),
    _N.VVAR_VCLOCK: (NameRule(_K.KERNEL, "vvar", _C, "the kernel names it [vvar]"),),
    _N.VSYSCALL: (NameRule(_K.KERNEL, "vsyscall", _C, "the kernel names it [vsyscall]"),),
    _N.UPROBES: (NameRule(_K.KERNEL, "uprobes", _C, "the kernel names it [uprobes]"),),
    _N.SIGPAGE: (NameRule(_K.KERNEL, "sigpage", _C, "the kernel names it so"),),
    _N.VECTORS: (NameRule(_K.KERNEL, "sigpage", _C, "the kernel names it so"),),
    _N.PAGE_SIZE_COMPAT: (NameRule(_K.RESERVED, "elf-gap", _L, "padding to larger pages"),),
    # stacks and heap by name alone: the kernel's label follows values that a process may move (PR_SET_MM)
    _N.STACK: (NameRule(_K.STACK, "main", _L, "the kernel names it [stack]"),),
    _N.STACK_OF_THREAD: (
        NameRule(_K.STACK, "thread", _L, "the kernel (3.4 to 4.4) found a thread's stack pointer in it"),
    ),
    _N.HEAP: (NameRule(_K.HEAP, "brk", _L, "the kernel names it [heap]"),),
    # shared memory objects
    _N.ANON_HUGEPAGE: (
        NameRule(_K.SHM, "hugetlb", _C, "the kernel's file of shared anonymous huge pages", lambda key: key.shared),
        # an allocator may be behind it
        NameRule(_K.MMAP, "hugetlb", _L, "the kernel's file of private anonymous huge pages"),
    ),
    _N.SYSV: (
        NameRule(
            _K.SHM,
            "sysv",
            _C,
            "named by its System V key, on the kernel's own tmpfs; the inode is the shmid",
            lambda key: key.read.sure,
        ),
        NameRule(_K.SHM, "sysv", _L, "named like a System V segment, on a device without a disk"),
    ),
    _N.MEMFD: (
        NameRule(
            _K.JIT, "jit", _L, "executable, and backed by a memfd, not by an ELF file", lambda key: key.executable
        ),
        NameRule(_K.SHM, "memfd", _C, "the kernel's name for a memfd"),
    ),
    _N.SHARED_ZERO: (
        NameRule(_K.JIT, "jit", _L, "executable anonymous memory", lambda key: key.executable),
        NameRule(_K.SHM, "anon-shared", _C, "the kernel's file behind shared anonymous memory"),
    ),
    _N.PRIVATE_ZERO: (
        NameRule(_K.JIT, "jit", _L, "executable anonymous memory", lambda key: key.executable),
        NameRule(_K.MMAP, "anon-private", _C, "private mapping of /dev/zero: anonymous memory, not a file"),
    ),
    _N.GIVEN_SHARED: (NameRule(_K.SHM, "anon-shared", _C, "named shared anonymous memory"),),
    _N.POSIX: (NameRule(_K.SHM, "posix", _C, "a file in /dev/shm, on a device without a disk"),),
    _N.SECRETMEM: (NameRule(_K.SHM, "secretmem", _C, "the kernel's name for secret memory"),),
    _N.ASHMEM: (NameRule(_K.SHM, "ashmem", _L, "Android shared memory"),),
    # devices and kernel objects behind a descriptor
    _N.AIO: (NameRule(_K.DEVICE, "aio", _C, "the ring of an asynchronous input/output context"),),
    _N.PERF_EVENT: (NameRule(_K.DEVICE, "perf", _C, "the ring of a performance counter"),),
    _N.IO_URING: (NameRule(_K.DEVICE, "io_uring", _C, "a ring of io_uring"),),
    _N.KVM: (NameRule(_K.DEVICE, "kvm", _C, "a virtual processor's shared page"),),
    _N.VFIO: (NameRule(_K.DEVICE, "vfio", _C, "registers of a device given to user space"),),
    _N.BPF: (NameRule(_K.DEVICE, "bpf", _C, "a BPF map"),),
    _N.ANON_INODE: (NameRule(_K.DEVICE, "device", _C, "a kernel object behind a descriptor"),),
    _N.SOCKET: (NameRule(_K.DEVICE, "socket", _C, "a packet ring of a socket"),),
    _N.GRAPHICS_OBJECT: (NameRule(_K.DEVICE, "dri", _L, "memory of a graphics device"),),
    _N.GRAPHICS_DEVICE: (NameRule(_K.DEVICE, "dri", _L, "memory of a graphics device"),),
    _N.DEVICE_NODE: (NameRule(_K.DEVICE, "device", _L, "a device node"),),
    _N.OTHER: (
        NameRule(
            _K.KERNEL,
            "special",
            _L,
            "the kernel names it in brackets",
            lambda key: key.read.backing is Backing.KERNEL,
        ),
    ),
}
"""What follows from the kernel's word; first fit decides, and what fits none goes on to ``_GENERAL``."""

_HUGETLB = (
    NameRule(_K.SHM, "hugetlb", _C, "a shared file of huge pages (VmFlags ht)", lambda key: key.shared),
    NameRule(_K.MMAP, "hugetlb", _C, "a private file of huge pages (VmFlags ht)"),
)

_BY_GIVEN_NAME: dict[GivenName, NameRule] = {
    _W.GLIBC_ARENA: NameRule(_K.HEAP, "glibc-arena", _L, "glibc names it an arena (tunable glibc.mem.decorate_maps)"),
    _W.GLIBC_MALLOC: NameRule(_K.HEAP, "glibc-mmap-chunk", _L, "glibc names it a block of malloc"),
    _W.GLIBC_STACK: NameRule(_K.STACK, "thread", _L, "glibc names it a thread's stack"),
    _W.GLIBC_UNUSED_STACK: NameRule(_K.STACK, "thread-cached", _L, "glibc names it an unused stack"),
    _W.BSS: NameRule(_K.BSS, "lib-bss", _L, "the loader names it .bss"),
    _W.LOADER: NameRule(_K.MMAP, "loader", _L, "the loader names it its own memory"),
    _W.GLIBC: NameRule(_K.MMAP, "anon-private", _L, "glibc names it"),
    _W.BIONIC_SIGNAL_STACK: NameRule(_K.STACK, "signal", _L, "bionic names it a signal stack"),
    _W.BIONIC_STACK: NameRule(_K.STACK, "thread", _L, "bionic names it a thread's stack"),
    _W.SCUDO: NameRule(_K.HEAP, "scudo", _L, "the allocator Scudo names it"),
    _W.BIONIC_MALLOC: NameRule(_K.HEAP, "bionic", _L, "bionic's allocator names it"),
    _W.PARTITION_ALLOC: NameRule(_K.HEAP, "partition-alloc", _L, "PartitionAlloc names it"),
    _W.V8: NameRule(_K.HEAP, "v8", _L, "V8 names it"),
    _W.PHP: NameRule(_K.HEAP, "php", _L, "PHP's allocator names it"),
    _W.PHP_FIBER: NameRule(_K.STACK, "coroutine", _L, "PHP names it a fiber's stack"),
    _W.TCMALLOC: NameRule(_K.HEAP, "tcmalloc", _L, "tcmalloc names it"),
    _W.JEMALLOC: NameRule(_K.HEAP, "jemalloc", _L, "jemalloc names it"),
    _W.GO_HEAP: NameRule(_K.HEAP, "go-heap", _L, "the Go runtime names it heap"),
    _W.GO: NameRule(_K.HEAP, "go-runtime", _L, "the Go runtime names it"),
    _W.DALVIK_JIT: NameRule(_K.JIT, "jvm-code", _L, "the Android runtime names it code"),
    _W.DALVIK: NameRule(_K.HEAP, "jvm-heap", _L, "the Android runtime names it"),
}
"""What programs call their anonymous memory: settable by anybody, so never more than likely."""

_GENERAL: tuple[NameRule, ...] = (
    # files
    NameRule(_K.MMAP, "file-shared", _C, "a shared mapping of a file", lambda key: key.has_inode and key.shared),
    NameRule(
        _K.MMAP,
        "file-private",
        _C,
        "a private read-only mapping of a file, not at a place where its headers would load it",
        lambda key: key.has_inode and key.perms.startswith("r--"),
    ),
    NameRule(
        _K.MMAP,
        "file-private",
        _L,
        "a private mapping of a file, not at a place where its headers would load it",
        lambda key: key.has_inode and not key.perms.startswith("---"),
    ),
    NameRule(_K.MMAP, "file-private", _L, "an inaccessible mapping of a file", lambda key: key.has_inode),
    # anonymous memory without a name
    NameRule(_K.SHM, "anon-shared", _L, "shared, and no file stands behind it", lambda key: key.shared),
    NameRule(
        _K.DEVICE,
        "device",
        _L,
        "page frames of a device (VmFlags pf or io)",
        lambda key: key.read.frames,
    ),
    NameRule(
        _K.RESERVED,
        "reserved",
        _L,
        "inaccessible, and no file stands behind it",
        lambda key: key.perms.startswith("---"),
    ),
    NameRule(_K.JIT, "jit", _L, "executable, private, and no ELF file stands behind it", lambda key: key.executable),
    NameRule(
        _K.MMAP,
        "anon-private",
        _G,
        "private memory that no file stands behind and no stronger evidence explains",
    ),
)
"""First fit decides."""

_FRAMES = NameRule(_K.DEVICE, "device", _C, "page frames of a device (VmFlags pf or io)")


def label_of(key: MappingKey) -> Label:
    """The label that a mapping has by itself."""
    rule = next(rule for rule in _rules(key) if rule.fits is None or rule.fits(key))
    return Label(rule.cls, rule.kind, rule.certainty, rule.evidence, key.name or None)


def _rules(key: MappingKey) -> tuple[NameRule, ...]:
    """The rules to try, in order."""
    named, backing = key.read.named, key.read.backing
    if backing is Backing.HUGETLB and named is not KernelName.ANON_HUGEPAGE:
        return _HUGETLB
    if key.read.frames and named in _SAY_NOTHING_OF_DEVICES:
        return (_FRAMES,)
    if named is KernelName.GIVEN:
        given = _BY_GIVEN_NAME.get(given_name(key.name))
        return _GENERAL if given is None else (given,)
    return (*_BY_NAME.get(named, ()), *_GENERAL)


_SAY_NOTHING_OF_DEVICES = frozenset({KernelName.FILE, KernelName.OTHER, KernelName.GIVEN, KernelName.DEVICE_NODE})
"""Where the flags tell of page frames, these names do not matter."""
