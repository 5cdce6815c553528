"""What a mapping is by itself: by the name that the kernel gives it, its device, permissions and flags.

The first rule that fits decides; it is the label of whatever bytes no stronger evidence claims. Which of the kernel's
words a name is, and whether the device agrees, is read in ``model.vma_names``; here stands what follows from it.
Rules on where a mapping lies, or on its neighbours, have modules of their own.
"""

from __future__ import annotations

from procmem.model import kinds, owners
from procmem.model.kinds import Kind
from procmem.model.memo import memo
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import note
from procmem.model.permissions import permissions
from procmem.model.region import Certainty, Label
from procmem.model.vma_names import Backing, KernelName, VmaName, thread_of_label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

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
        return permissions(self.perms).executable

    @property
    def private_writable(self) -> bool:
        """What is written to it, nobody else sees."""
        found = permissions(self.perms)
        return found.private and found.writable

    @property
    def shared(self) -> bool:
        """What is written to it, others see."""
        return permissions(self.perms).shared


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
        NameRule(kinds.JIT, _L, "huge-executable", lambda key: key.executable and key.shared),
        # a program may have moved its own code there, which its headers tell where they can be read
        NameRule(kinds.JIT, _G, "huge-executable", lambda key: key.executable),
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
        NameRule(kinds.JIT, _L, "memfd-jit", lambda key: b"jit" in key.name.lower()),
        NameRule(kinds.MEMFD, _C, "memfd-private", lambda key: key.private_writable),
        NameRule(kinds.MEMFD, _C, "memfd"),
    ),
    _N.HUGETLB_FILE: (NameRule(kinds.HUGETLB_SHARED, _L, "hugetlb-file"),),
    _N.DEVICE_MEMORY: (NameRule(kinds.DEVICE, _L, "device-memory"),),
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

_GENERAL: tuple[NameRule, ...] = (
    # files
    NameRule(kinds.FILE_SHARED, _C, "file-shared", lambda key: key.has_inode and key.shared),
    NameRule(
        kinds.FILE_PRIVATE,
        _C,
        "file-read-only",
        lambda key: key.has_inode and permissions(key.perms).read_only,
    ),
    NameRule(
        kinds.FILE_PRIVATE,
        _L,
        "file-private",
        lambda key: key.has_inode and not permissions(key.perms).inaccessible,
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
        lambda key: permissions(key.perms).inaccessible,
    ),
    # code that is made and left is not writable; memory that is both may be a heap as well
    NameRule(kinds.JIT, _G, "no-file-writable-executable", lambda key: key.executable and key.private_writable),
    NameRule(kinds.JIT, _L, "no-file-executable", lambda key: key.executable),
    NameRule(
        kinds.ANON_PRIVATE,
        _G,
        "unexplained",
    ),
)
"""First fit decides."""

_FRAMES = NameRule(kinds.DEVICE, _C, "page-frames")


@memo(4096)  # most processes map the same files
def label_of(key: MappingKey) -> Label:
    """The label that a mapping has by itself."""
    rule = next(rule for rule in _rules(key) if rule.fits is None or rule.fits(key))
    return Label(rule.kind, rule.certainty, note(rule.evidence), _owner(key))


def _owner(key: MappingKey) -> owners.Owner | None:
    if not key.name:
        return None
    tid = None if key.has_inode else thread_of_label(key.name)
    if tid is not None:
        return owners.Thread(tid)
    return owners.ObjectFile(key.name) if key.has_inode else owners.MappingName(key.name)


def _rules(key: MappingKey) -> tuple[NameRule, ...]:
    """The rules to try, in order."""
    named, backing = key.read.named, key.read.backing
    if backing is Backing.HUGETLB and key.read.sure and named is not KernelName.ANON_HUGEPAGE:
        return _HUGETLB
    if key.read.frames and named in _SAY_NOTHING_OF_DEVICES:
        return (_FRAMES,)
    if named is KernelName.GIVEN:
        from procmem.classify.rules.given_names import rule_of  # noqa: PLC0415  # few processes have such names

        given = rule_of(key.name)
        if given is None or (given.certainty is _G and permissions(key.perms).inaccessible):
            return _GENERAL
        return (NameRule(*given),)
    if named is KernelName.ASHMEM:
        from procmem.classify.rules.given_names import rule_of  # noqa: PLC0415  # Android until 9

        given = rule_of(key.name)
        if permissions(key.perms).inaccessible:
            return (NameRule(kinds.RESERVED, _L, "no-file-inaccessible"),)
        if given is not None and given.certainty is _L:
            return (NameRule(*given),)
    return (*_BY_NAME.get(named, ()), *_GENERAL)


_SAY_NOTHING_OF_DEVICES = frozenset({KernelName.FILE, KernelName.OTHER, KernelName.GIVEN, KernelName.DEVICE_NODE})
"""Where the flags tell of page frames, these names do not matter."""
