"""What a mapping is by itself: by the name that the kernel gives it, its device, permissions and flags.

The first rule that fits decides; it is the label of whatever bytes no stronger evidence claims. Which of the kernel's
words a name is, and whether the device agrees, is read in ``model.vma_names``; here stands what follows from it.
Rules on where a mapping lies, or on its neighbours, have modules of their own.
"""

from collections.abc import Callable
from typing import NamedTuple

from procmem.model import kinds, owners
from procmem.model.kinds import Kind
from procmem.model.region import Certainty, Label
from procmem.model.vma_names import Backing, KernelName, VmaName

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
    """One line of a table: kind and certainty, what was seen, and a condition (None for always)."""

    kind: Kind
    certainty: Certainty
    evidence: str
    fits: Callable[[MappingKey], bool] | None = None


_C, _L, _G = Certainty.CERTAIN, Certainty.LIKELY, Certainty.GUESS
_N = KernelName

_BY_NAME: dict[KernelName, tuple[NameRule, ...]] = {
    # mapped by the kernel; these names cannot be set by a program
    _N.VDSO: (NameRule(kinds.VDSO, _C, "the kernel names it [vdso]"),),
    _N.VVAR: (NameRule(kinds.VVAR, _C, "the kernel names it [vvar]"),),
    _N.VVAR_VCLOCK: (NameRule(kinds.VVAR, _C, "the kernel names it [vvar]"),),
    _N.VSYSCALL: (NameRule(kinds.VSYSCALL, _C, "the kernel names it [vsyscall]"),),
    _N.UPROBES: (NameRule(kinds.UPROBES, _C, "the kernel names it [uprobes]"),),
    _N.SIGPAGE: (NameRule(kinds.SIGPAGE, _C, "the kernel names it so"),),
    _N.VECTORS: (NameRule(kinds.SIGPAGE, _C, "the kernel names it so"),),
    _N.PAGE_SIZE_COMPAT: (NameRule(kinds.ELF_GAP, _L, "padding to larger pages"),),
    # stacks and heap by name alone: the kernel's label follows values that a process may move (PR_SET_MM)
    _N.STACK: (NameRule(kinds.MAIN_STACK, _L, "the kernel names it [stack]"),),
    _N.STACK_OF_THREAD: (
        NameRule(kinds.THREAD_STACK, _L, "the kernel (3.4 to 4.4) found a thread's stack pointer in it"),
    ),
    _N.HEAP: (NameRule(kinds.BRK, _L, "the kernel names it [heap]"),),
    # shared memory objects
    _N.ANON_HUGEPAGE: (
        NameRule(kinds.HUGETLB_SHARED, _C, "the kernel's file of shared anonymous huge pages", lambda key: key.shared),
        # an allocator may be behind it
        NameRule(kinds.HUGETLB_PRIVATE, _L, "the kernel's file of private anonymous huge pages"),
    ),
    _N.SYSV: (
        NameRule(
            kinds.SYSV,
            _C,
            "named by its System V key, on the kernel's own tmpfs; the inode is the shmid",
            lambda key: key.read.sure,
        ),
        NameRule(kinds.SYSV, _L, "named like a System V segment, on a device without a disk"),
    ),
    _N.MEMFD: (
        NameRule(kinds.JIT, _L, "executable, and backed by a memfd, not by an ELF file", lambda key: key.executable),
        NameRule(kinds.MEMFD, _C, "the kernel's name for a memfd"),
    ),
    _N.SHARED_ZERO: (
        NameRule(kinds.JIT, _L, "executable anonymous memory", lambda key: key.executable),
        NameRule(kinds.ANON_SHARED, _C, "the kernel's file behind shared anonymous memory"),
    ),
    _N.PRIVATE_ZERO: (
        NameRule(kinds.JIT, _L, "executable anonymous memory", lambda key: key.executable),
        NameRule(kinds.ANON_PRIVATE, _C, "private mapping of /dev/zero: anonymous memory, not a file"),
    ),
    _N.GIVEN_SHARED: (NameRule(kinds.ANON_SHARED, _C, "named shared anonymous memory"),),
    _N.POSIX: (NameRule(kinds.POSIX, _C, "a file in /dev/shm, on a device without a disk"),),
    _N.SECRETMEM: (NameRule(kinds.SECRETMEM, _C, "the kernel's name for secret memory"),),
    _N.ASHMEM: (NameRule(kinds.ASHMEM, _L, "Android shared memory"),),
    # devices and kernel objects behind a descriptor
    _N.AIO: (NameRule(kinds.AIO, _C, "the ring of an asynchronous input/output context"),),
    _N.PERF_EVENT: (NameRule(kinds.PERF, _C, "the ring of a performance counter"),),
    _N.IO_URING: (NameRule(kinds.IO_URING, _C, "a ring of io_uring"),),
    _N.KVM: (NameRule(kinds.KVM, _C, "a virtual processor's shared page"),),
    _N.VFIO: (NameRule(kinds.VFIO, _C, "registers of a device given to user space"),),
    _N.BPF: (NameRule(kinds.BPF, _C, "a BPF map"),),
    _N.ANON_INODE: (NameRule(kinds.DEVICE, _C, "a kernel object behind a descriptor"),),
    _N.SOCKET: (NameRule(kinds.SOCKET, _C, "a packet ring of a socket"),),
    _N.GRAPHICS_OBJECT: (NameRule(kinds.DRI, _L, "memory of a graphics device"),),
    _N.GRAPHICS_DEVICE: (NameRule(kinds.DRI, _L, "memory of a graphics device"),),
    _N.DEVICE_NODE: (NameRule(kinds.DEVICE, _L, "a device node"),),
    _N.OTHER: (
        NameRule(
            kinds.SPECIAL,
            _L,
            "the kernel names it in brackets",
            lambda key: key.read.backing is Backing.KERNEL,
        ),
    ),
}
"""What follows from the kernel's word; first fit decides, and what fits none goes on to ``_GENERAL``."""

_HUGETLB = (
    NameRule(kinds.HUGETLB_SHARED, _C, "a shared file of huge pages (VmFlags ht)", lambda key: key.shared),
    NameRule(kinds.HUGETLB_PRIVATE, _C, "a private file of huge pages (VmFlags ht)"),
)

_GENERAL: tuple[NameRule, ...] = (
    # files
    NameRule(kinds.FILE_SHARED, _C, "a shared mapping of a file", lambda key: key.has_inode and key.shared),
    NameRule(
        kinds.FILE_PRIVATE,
        _C,
        "a private read-only mapping of a file, not at a place where its headers would load it",
        lambda key: key.has_inode and key.perms.startswith("r--"),
    ),
    NameRule(
        kinds.FILE_PRIVATE,
        _L,
        "a private mapping of a file, not at a place where its headers would load it",
        lambda key: key.has_inode and not key.perms.startswith("---"),
    ),
    NameRule(kinds.FILE_PRIVATE, _L, "an inaccessible mapping of a file", lambda key: key.has_inode),
    # anonymous memory without a name
    NameRule(kinds.ANON_SHARED, _L, "shared, and no file stands behind it", lambda key: key.shared),
    NameRule(
        kinds.DEVICE,
        _L,
        "page frames of a device (VmFlags pf or io)",
        lambda key: key.read.frames,
    ),
    NameRule(
        kinds.RESERVED,
        _L,
        "inaccessible, and no file stands behind it",
        lambda key: key.perms.startswith("---"),
    ),
    NameRule(kinds.JIT, _L, "executable, private, and no ELF file stands behind it", lambda key: key.executable),
    NameRule(
        kinds.ANON_PRIVATE,
        _G,
        "private memory that no file stands behind and no stronger evidence explains",
    ),
)
"""First fit decides."""

_FRAMES = NameRule(kinds.DEVICE, _C, "page frames of a device (VmFlags pf or io)")


def label_of(key: MappingKey) -> Label:
    """The label that a mapping has by itself."""
    rule = next(rule for rule in _rules(key) if rule.fits is None or rule.fits(key))
    return Label(rule.kind, rule.certainty, rule.evidence, _owner(key))


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
        from procmem.classify.rules.given_names import rule_of  # noqa: PLC0415  # few processes have such names

        given = rule_of(key.name)
        return _GENERAL if given is None else (NameRule(*given),)
    return (*_BY_NAME.get(named, ()), *_GENERAL)


_SAY_NOTHING_OF_DEVICES = frozenset({KernelName.FILE, KernelName.OTHER, KernelName.GIVEN, KernelName.DEVICE_NODE})
"""Where the flags tell of page frames, these names do not matter."""
