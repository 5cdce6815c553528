"""What a mapping is by itself: by the name that the kernel gives it, its device, permissions and flags.

The first rule that fits decides; it is the label of whatever bytes no stronger evidence claims. Which of the kernel's
words a name is, and whether the device agrees, is read in ``model.vma_names``; here stands what follows from it.
Rules on where a mapping lies, or on its neighbours, have modules of their own.
"""

from collections.abc import Callable
from typing import NamedTuple

from procmem.model import kinds, owners
from procmem.model.kinds import Kind, Part, Role, object_kind
from procmem.model.note import note
from procmem.model.region import Certainty, Label
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
    """One line of a table: kind and certainty, the code of what was seen, and a condition (None for always)."""

    kind: Kind
    certainty: Certainty
    evidence: str
    fits: Callable[[MappingKey], bool] | None = None


_C, _L, _G = Certainty.CERTAIN, Certainty.LIKELY, Certainty.GUESS
_N, _W = KernelName, GivenName

_BY_NAME: dict[KernelName, tuple[NameRule, ...]] = {
    # mapped by the kernel; these names cannot be set by a program
    _N.VDSO: (NameRule(kinds.VDSO, _C, "named-vdso"),),
    _N.VVAR: (NameRule(kinds.VVAR, _C, "named-vvar"),),
    _N.VVAR_VCLOCK: (NameRule(kinds.VVAR, _C, "named-vvar"),),
    _N.VSYSCALL: (NameRule(kinds.VSYSCALL, _C, "named-vsyscall"),),
    _N.UPROBES: (NameRule(kinds.UPROBES, _C, "named-uprobes"),),
    _N.SIGPAGE: (NameRule(kinds.SIGPAGE, _C, "named-by-kernel"),),
    _N.VECTORS: (NameRule(kinds.SIGPAGE, _C, "named-by-kernel"),),
    _N.PAGE_SIZE_COMPAT: (NameRule(kinds.ELF_GAP, _L, "page-size-padding"),),
    # stacks and heap by name alone: the kernel's label follows values that a process may move (PR_SET_MM)
    _N.STACK: (NameRule(kinds.MAIN_STACK, _L, "named-stack"),),
    _N.STACK_OF_THREAD: (NameRule(kinds.THREAD_STACK, _L, "named-thread-stack"),),
    _N.HEAP: (NameRule(kinds.BRK, _L, "named-heap"),),
    # shared memory objects
    _N.ANON_HUGEPAGE: (
        NameRule(kinds.HUGETLB_SHARED, _C, "huge-shared", lambda key: key.shared),
        # an allocator may be behind it
        NameRule(kinds.HUGETLB_PRIVATE, _L, "huge-private"),
    ),
    _N.SYSV: (
        NameRule(
            kinds.SYSV,
            _C,
            "sysv",
            lambda key: key.read.sure,
        ),
        NameRule(kinds.SYSV, _L, "sysv-like"),
    ),
    _N.MEMFD: (
        NameRule(kinds.JIT, _L, "memfd-executable", lambda key: key.executable),
        NameRule(kinds.MEMFD, _C, "memfd"),
    ),
    _N.SHARED_ZERO: (
        NameRule(kinds.JIT, _L, "executable-anonymous", lambda key: key.executable),
        NameRule(kinds.ANON_SHARED, _C, "shared-zero"),
    ),
    _N.PRIVATE_ZERO: (
        NameRule(kinds.JIT, _L, "executable-anonymous", lambda key: key.executable),
        NameRule(kinds.ANON_PRIVATE, _C, "private-zero"),
    ),
    _N.GIVEN_SHARED: (NameRule(kinds.ANON_SHARED, _C, "named-shared"),),
    _N.POSIX: (NameRule(kinds.POSIX, _C, "posix"),),
    _N.SECRETMEM: (NameRule(kinds.SECRETMEM, _C, "secretmem"),),
    _N.ASHMEM: (NameRule(kinds.ASHMEM, _L, "ashmem"),),
    # devices and kernel objects behind a descriptor
    _N.AIO: (NameRule(kinds.AIO, _C, "aio"),),
    _N.PERF_EVENT: (NameRule(kinds.PERF, _C, "perf-event"),),
    _N.IO_URING: (NameRule(kinds.IO_URING, _C, "io_uring"),),
    _N.KVM: (NameRule(kinds.KVM, _C, "kvm"),),
    _N.VFIO: (NameRule(kinds.VFIO, _C, "vfio"),),
    _N.BPF: (NameRule(kinds.BPF, _C, "bpf"),),
    _N.ANON_INODE: (NameRule(kinds.DEVICE, _C, "anon-inode"),),
    _N.SOCKET: (NameRule(kinds.SOCKET, _C, "socket"),),
    _N.GRAPHICS_OBJECT: (NameRule(kinds.DRI, _L, "graphics"),),
    _N.GRAPHICS_DEVICE: (NameRule(kinds.DRI, _L, "graphics"),),
    _N.DEVICE_NODE: (NameRule(kinds.DEVICE, _L, "device-node"),),
    _N.OTHER: (
        NameRule(
            kinds.SPECIAL,
            _L,
            "named-in-brackets",
            lambda key: key.read.backing is Backing.KERNEL,
        ),
    ),
}
"""What follows from the kernel's word; first fit decides, and what fits none goes on to ``_GENERAL``."""

_HUGETLB = (
    NameRule(kinds.HUGETLB_SHARED, _C, "hugetlb-shared", lambda key: key.shared),
    NameRule(kinds.HUGETLB_PRIVATE, _C, "hugetlb-private"),
)

_BY_GIVEN_NAME: dict[GivenName, NameRule] = {
    _W.GLIBC_ARENA: NameRule(kinds.GLIBC_ARENA, _L, "glibc-arena-name"),
    _W.GLIBC_MALLOC: NameRule(kinds.GLIBC_MMAP_CHUNK, _L, "glibc-malloc-name"),
    _W.GLIBC_STACK: NameRule(kinds.THREAD_STACK, _L, "glibc-stack-name"),
    _W.GLIBC_UNUSED_STACK: NameRule(kinds.CACHED_STACK, _L, "glibc-unused-stack-name"),
    _W.BSS: NameRule(object_kind(Role.LIB, Part.BSS), _L, "bss-name"),
    _W.LOADER: NameRule(kinds.LOADER, _L, "loader-name"),
    _W.GLIBC: NameRule(kinds.ANON_PRIVATE, _L, "glibc-name"),
    _W.BIONIC_SIGNAL_STACK: NameRule(kinds.SIGNAL_STACK, _L, "bionic-signal-stack-name"),
    _W.BIONIC_STACK: NameRule(kinds.THREAD_STACK, _L, "bionic-stack-name"),
    _W.SCUDO: NameRule(kinds.SCUDO, _L, "scudo-name"),
    _W.BIONIC_MALLOC: NameRule(kinds.BIONIC, _L, "bionic-malloc-name"),
    _W.PARTITION_ALLOC: NameRule(kinds.PARTITION_ALLOC, _L, "partition-alloc-name"),
    _W.V8: NameRule(kinds.V8, _L, "v8-name"),
    _W.PHP: NameRule(kinds.PHP, _L, "php-name"),
    _W.PHP_FIBER: NameRule(kinds.COROUTINE_STACK, _L, "php-fiber-name"),
    _W.TCMALLOC: NameRule(kinds.TCMALLOC, _L, "tcmalloc-name"),
    _W.JEMALLOC: NameRule(kinds.JEMALLOC, _L, "jemalloc-name"),
    _W.GO_HEAP: NameRule(kinds.GO_HEAP, _L, "go-heap-name"),
    _W.GO: NameRule(kinds.GO_RUNTIME, _L, "go-name"),
    _W.DALVIK_JIT: NameRule(kinds.JVM_CODE, _L, "dalvik-code-name"),
    _W.DALVIK: NameRule(kinds.JVM_HEAP, _L, "dalvik-name"),
}
"""What programs call their anonymous memory: settable by anybody, so never more than likely."""

_GENERAL: tuple[NameRule, ...] = (
    # files
    NameRule(kinds.FILE_SHARED, _C, "file-shared", lambda key: key.has_inode and key.shared),
    NameRule(
        kinds.FILE_PRIVATE,
        _C,
        "file-read-only",
        lambda key: key.has_inode and key.perms.startswith("r--"),
    ),
    NameRule(
        kinds.FILE_PRIVATE,
        _L,
        "file-private",
        lambda key: key.has_inode and not key.perms.startswith("---"),
    ),
    NameRule(kinds.FILE_PRIVATE, _L, "file-inaccessible", lambda key: key.has_inode),
    # anonymous memory without a name
    NameRule(kinds.ANON_SHARED, _L, "no-file-shared", lambda key: key.shared),
    NameRule(
        kinds.DEVICE,
        _L,
        "page-frames",
        lambda key: key.read.frames,
    ),
    NameRule(
        kinds.RESERVED,
        _L,
        "no-file-inaccessible",
        lambda key: key.perms.startswith("---"),
    ),
    NameRule(kinds.JIT, _L, "no-file-executable", lambda key: key.executable),
    NameRule(
        kinds.ANON_PRIVATE,
        _G,
        "unexplained",
    ),
)
"""First fit decides."""

_FRAMES = NameRule(kinds.DEVICE, _C, "page-frames")


def label_of(key: MappingKey) -> Label:
    """The label that a mapping has by itself."""
    rule = next(rule for rule in _rules(key) if rule.fits is None or rule.fits(key))
    return Label(rule.kind, rule.certainty, note(rule.evidence), _owner(key))


def _owner(key: MappingKey) -> owners.Owner | None:
    if not key.name:
        return None
    return owners.ObjectFile(key.name) if key.has_inode else owners.MappingName(key.name)


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
