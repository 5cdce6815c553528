"""What a mapping is by itself: by the name that the kernel gives it, its device, permissions and flags.

The first rule that fits decides; it is the label of whatever bytes no stronger evidence claims. A name is
believed only as far as structure agrees with it: any file may be called ``[heap]``, but a real path begins
with ``/``, and kernel objects live on devices without a disk (major number 0).

Sources: proc_pid_maps(5); fs/proc/task_mmu.c, show_map_vma(); mm/shmem.c, mm/memfd.c, ipc/shm.c, fs/aio.c;
names set by PR_SET_VMA_ANON_NAME (Linux 5.17) as the C libraries and runtimes choose them.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from procmem.model.region import ByteClass, Certainty, Label

__all__ = ["NAME_RULES", "MappingKey", "label_of"]


class MappingKey(NamedTuple):
    """All that a mapping says about itself, but for where it lies. Many mappings share one key."""

    perms: str
    name: bytes
    device: str
    has_inode: bool
    flags: str | None

    def has(self, flag: str) -> bool:
        """Whether VmFlags hold a two-letter flag; False also where the kernel prints no flags."""
        return self.flags is not None and flag in self.flags.split()

    @property
    def anonymous(self) -> bool:
        """No file stands behind it."""
        return not self.name or self.name.startswith(b"[")

    @property
    def on_kernel_device(self) -> bool:
        """The device has major number 0: no disk, as for tmpfs and for the kernel's own mounts."""
        return self.device.partition(":")[0].strip("0") == ""


class _Test:
    """A test that only names with a certain first letter can pass, so that others need not try it."""

    __slots__ = ("_fits", "begins")

    def __init__(self, begins: bytes, fits: Callable[[MappingKey], bool]) -> None:
        self.begins = begins
        self._fits = fits

    def __call__(self, key: MappingKey) -> bool:
        return self._fits(key)


class NameRule(NamedTuple):
    """One line of the table: the class and kind, the test, and the sentence on what was seen."""

    cls: ByteClass
    kind: str
    certainty: Certainty
    fits: Callable[[MappingKey], bool]
    evidence: str


def _named(*names: bytes) -> Callable[[MappingKey], bool]:
    return _Test(names[0][:1], lambda key: key.name in names and not key.has_inode)


def _starts(*prefixes: bytes) -> Callable[[MappingKey], bool]:
    first = prefixes[0][:1] if len({prefix[:1] for prefix in prefixes}) == 1 else b""
    return _Test(first, lambda key: key.name.startswith(prefixes))


def _kernel_object(prefix: bytes, suffix: bytes = b"") -> Callable[[MappingKey], bool]:
    return _Test(
        prefix[:1],
        lambda key: key.name.startswith(prefix) and key.name.endswith(suffix) and key.on_kernel_device,
    )


def _matches(pattern: bytes) -> Callable[[MappingKey], bool]:
    compiled: list[re.Pattern[bytes]] = []

    def fits(key: MappingKey) -> bool:
        if not compiled:
            compiled.append(re.compile(pattern))  # when it is first needed: most processes name nothing
        return compiled[0].match(key.name) is not None

    return _Test(b"[", fits)


def _both(*tests: Callable[[MappingKey], bool]) -> Callable[[MappingKey], bool]:
    return _Test(next(filter(None, map(_begins, tests)), b""), lambda key: all(test(key) for test in tests))


def _begins(test: Callable[[MappingKey], bool]) -> bytes:
    """The first letter of all names that can pass a test; empty where it may be any."""
    return test.begins if isinstance(test, _Test) else b""


def _shared(key: MappingKey) -> bool:
    return key.perms[3] == "s"


_C, _L, _G = Certainty.CERTAIN, Certainty.LIKELY, Certainty.GUESS
_K = ByteClass

NAME_RULES: tuple[NameRule, ...] = (
    # mapped by the kernel; these names cannot be set by a program
    NameRule(_K.KERNEL, "vdso", _C, _named(b"[vdso]"), "the kernel names it [vdso]"),
    NameRule(_K.KERNEL, "vvar", _C, _named(b"[vvar]", b"[vvar_vclock]"), "the kernel names it [vvar]"),
    NameRule(_K.KERNEL, "vsyscall", _C, _named(b"[vsyscall]"), "the kernel names it [vsyscall]"),
    NameRule(_K.KERNEL, "uprobes", _C, _named(b"[uprobes]"), "the kernel names it [uprobes]"),
    NameRule(_K.KERNEL, "sigpage", _C, _named(b"[sigpage]", b"[vectors]"), "the kernel names it so"),
    # stacks and heap by name alone: the kernel's label follows values that a process may move (PR_SET_MM)
    NameRule(_K.STACK, "main", _L, _named(b"[stack]"), "the kernel names it [stack]"),
    NameRule(
        _K.STACK,
        "thread",
        _L,
        _matches(rb"\[stack:[0-9]+\]$"),
        "the kernel (3.4 to 4.4) found a thread's stack pointer in it",
    ),
    NameRule(_K.HEAP, "brk", _L, _named(b"[heap]"), "the kernel names it [heap]"),
    # shared memory objects
    NameRule(
        _K.SHM,
        "hugetlb",
        _C,
        _both(_kernel_object(b"/anon_hugepage"), _shared),
        "the kernel's file of shared anonymous huge pages",
    ),
    NameRule(
        _K.MMAP,
        "hugetlb",
        _L,  # an allocator may be behind it
        _kernel_object(b"/anon_hugepage", b" (deleted)"),
        "the kernel's file of private anonymous huge pages",
    ),
    NameRule(
        _K.SHM,
        "hugetlb",
        _C,
        _both(lambda key: key.has("ht") and key.has_inode, _shared),
        "a shared file of huge pages (VmFlags ht)",
    ),
    NameRule(
        _K.MMAP,
        "hugetlb",
        _C,
        lambda key: key.has("ht") and key.has_inode,
        "a private file of huge pages (VmFlags ht)",
    ),
    NameRule(
        _K.SHM,
        "sysv",
        _C,
        lambda key: key.name.startswith(b"/SYSV") and key.device == "00:01",
        "named by its System V key, on the kernel's own tmpfs; the inode is the shmid",
    ),
    NameRule(
        _K.SHM,
        "sysv",
        _L,
        _kernel_object(b"/SYSV", b" (deleted)"),
        "named like a System V segment, on a device without a disk",
    ),
    NameRule(
        _K.JIT,
        "jit",
        _L,
        _both(_kernel_object(b"/memfd:", b" (deleted)"), lambda key: "x" in key.perms),
        "executable, and backed by a memfd, not by an ELF file",
    ),
    NameRule(_K.SHM, "memfd", _C, _kernel_object(b"/memfd:", b" (deleted)"), "the kernel's name for a memfd"),
    NameRule(
        _K.JIT,
        "jit",
        _L,
        lambda key: key.name.startswith(b"/dev/zero") and "x" in key.perms,
        "executable anonymous memory",
    ),
    NameRule(
        _K.SHM,
        "anon-shared",
        _C,
        lambda key: key.name.startswith(b"/dev/zero") and key.perms[3] == "s",
        "the kernel's file behind shared anonymous memory",
    ),
    NameRule(
        _K.MMAP,
        "anon-private",
        _C,
        lambda key: key.name == b"/dev/zero" and key.perms[3] == "p",
        "private mapping of /dev/zero: anonymous memory, not a file",
    ),
    NameRule(_K.SHM, "anon-shared", _C, _matches(rb"\[anon_shmem:"), "named shared anonymous memory"),
    NameRule(_K.SHM, "posix", _C, _kernel_object(b"/dev/shm/"), "a file in /dev/shm, on a device without a disk"),
    NameRule(_K.SHM, "secretmem", _C, _kernel_object(b"/secretmem"), "the kernel's name for secret memory"),
    NameRule(_K.SHM, "ashmem", _L, _starts(b"/dev/ashmem"), "Android shared memory"),
    # devices and kernel objects behind a descriptor
    NameRule(_K.DEVICE, "aio", _C, _kernel_object(b"/[aio]"), "the ring of an asynchronous input/output context"),
    NameRule(_K.DEVICE, "perf", _C, _starts(b"anon_inode:[perf_event]"), "the ring of a performance counter"),
    NameRule(_K.DEVICE, "io_uring", _C, _starts(b"anon_inode:[io_uring]"), "a ring of io_uring"),
    NameRule(_K.DEVICE, "kvm", _C, _starts(b"anon_inode:kvm"), "a virtual processor's shared page"),
    NameRule(_K.DEVICE, "vfio", _C, _starts(b"anon_inode:[vfio"), "registers of a device given to user space"),
    NameRule(_K.DEVICE, "bpf", _C, _starts(b"anon_inode:bpf", b"anon_inode:[bpf"), "a BPF map"),
    NameRule(_K.DEVICE, "device", _C, _starts(b"anon_inode:"), "a kernel object behind a descriptor"),
    NameRule(_K.DEVICE, "socket", _C, _starts(b"socket:["), "a packet ring of a socket"),
    NameRule(
        _K.DEVICE,
        "dri",
        _L,
        _starts(b"/dev/dri/", b"/drm mm object", b"/i915", b"/dmabuf:", b"/dev/nvidia", b"/dev/kfd"),
        "memory of a graphics device",
    ),
    NameRule(
        _K.DEVICE,
        "device",
        _C,
        lambda key: bool(key.name) and (key.has("pf") or key.has("io")),
        "page frames of a device (VmFlags pf or io)",
    ),
    NameRule(_K.DEVICE, "device", _L, _starts(b"/dev/"), "a device node"),
    # names that programs give to anonymous memory (PR_SET_VMA_ANON_NAME): settable by anybody
    NameRule(
        _K.HEAP,
        "glibc-arena",
        _L,
        _matches(rb"\[anon: glibc: malloc arena"),
        "glibc names it an arena (tunable glibc.mem.decorate_maps)",
    ),
    NameRule(
        _K.HEAP,
        "glibc-mmap-chunk",
        _L,
        _matches(rb"\[anon: glibc: malloc\]"),
        "glibc names it a block of malloc",
    ),
    NameRule(
        _K.STACK,
        "thread",
        _L,
        _matches(rb"\[anon: glibc: pthread (user )?stack"),
        "glibc names it a thread's stack",
    ),
    NameRule(
        _K.STACK,
        "thread-cached",
        _L,
        _matches(rb"\[anon: glibc: unused stack"),
        "glibc names it an unused stack",
    ),
    NameRule(_K.BSS, "lib-bss", _L, _matches(rb"\[anon: glibc: \.bss|\[anon:\.bss\]"), "the loader names it .bss"),
    NameRule(
        _K.MMAP,
        "loader",
        _L,
        _matches(rb"\[anon: glibc: loader malloc|\[anon:linker_alloc"),
        "the loader names it its own memory",
    ),
    NameRule(_K.MMAP, "anon-private", _L, _matches(rb"\[anon: glibc:"), "glibc names it"),
    NameRule(_K.STACK, "signal", _L, _matches(rb"\[anon:thread signal stack"), "bionic names it a signal stack"),
    NameRule(_K.STACK, "thread", _L, _matches(rb"\[anon:stack_and_tls:"), "bionic names it a thread's stack"),
    NameRule(_K.HEAP, "scudo", _L, _matches(rb"\[anon:scudo:"), "the allocator Scudo names it"),
    NameRule(_K.HEAP, "bionic", _L, _matches(rb"\[anon:(libc_malloc|bionic_alloc)"), "bionic's allocator names it"),
    NameRule(_K.HEAP, "partition-alloc", _L, _matches(rb"\[anon:partition_alloc"), "PartitionAlloc names it"),
    NameRule(_K.HEAP, "v8", _L, _matches(rb"\[anon:v8"), "V8 names it"),
    NameRule(_K.HEAP, "php", _L, _matches(rb"\[anon:zend_alloc"), "PHP's allocator names it"),
    NameRule(_K.STACK, "coroutine", _L, _matches(rb"\[anon:zend_fiber_stack"), "PHP names it a fiber's stack"),
    NameRule(_K.HEAP, "tcmalloc", _L, _matches(rb"\[anon:tcmalloc"), "tcmalloc names it"),
    NameRule(_K.HEAP, "jemalloc", _L, _matches(rb"\[anon:jemalloc"), "jemalloc names it"),
    NameRule(_K.HEAP, "go-heap", _L, _matches(rb"\[anon: ?Go: heap"), "the Go runtime names it heap"),
    NameRule(_K.HEAP, "go-runtime", _L, _matches(rb"\[anon: ?Go:"), "the Go runtime names it"),
    NameRule(
        _K.JIT,
        "jvm-code",
        _L,
        _matches(rb"\[anon:dalvik-(jit|zygote-jit)"),
        "the Android runtime names it code",
    ),
    NameRule(_K.HEAP, "jvm-heap", _L, _matches(rb"\[anon:dalvik-"), "the Android runtime names it"),
    NameRule(_K.RESERVED, "elf-gap", _L, _named(b"[page size compat]"), "padding to larger pages"),
    NameRule(
        _K.KERNEL,
        "special",
        _L,
        lambda key: key.name.startswith(b"[") and not key.name.startswith(b"[anon") and not key.has_inode,
        "the kernel names it in brackets",
    ),
    # files
    NameRule(
        _K.MMAP,
        "file-shared",
        _C,
        lambda key: key.has_inode and key.perms[3] == "s",
        "a shared mapping of a file",
    ),
    NameRule(
        _K.MMAP,
        "file-private",
        _C,
        lambda key: key.has_inode and key.perms.startswith("r--"),
        "a private read-only mapping of a file, not at a place where its headers would load it",
    ),
    NameRule(
        _K.MMAP,
        "file-private",
        _L,
        lambda key: key.has_inode and not key.perms.startswith("---"),
        "a private mapping of a file, not at a place where its headers would load it",
    ),
    NameRule(_K.MMAP, "file-private", _L, lambda key: key.has_inode, "an inaccessible mapping of a file"),
    # anonymous memory without a name
    NameRule(_K.SHM, "anon-shared", _L, lambda key: key.perms[3] == "s", "shared, and no file stands behind it"),
    NameRule(
        _K.DEVICE,
        "device",
        _L,
        lambda key: key.has("pf") or key.has("io"),
        "page frames of a device (VmFlags pf or io)",
    ),
    NameRule(
        _K.RESERVED,
        "reserved",
        _L,
        lambda key: key.perms.startswith("---"),
        "inaccessible, and no file stands behind it",
    ),
    NameRule(
        _K.JIT,
        "jit",
        _L,
        lambda key: "x" in key.perms,
        "executable, private, and no ELF file stands behind it",
    ),
    NameRule(
        _K.MMAP,
        "anon-private",
        _G,
        lambda _: True,
        "private memory that no file stands behind and no stronger evidence explains",
    ),
)
"""First fit decides."""


_rules_by_letter: dict[bytes, tuple[NameRule, ...]] = {}


def label_of(key: MappingKey) -> Label:
    """The label that a mapping has by itself."""
    first = key.name[:1]
    rules = _rules_by_letter.get(first)
    if rules is None:
        rules = tuple(rule for rule in NAME_RULES if _begins(rule.fits) in (b"", first))
        _rules_by_letter[first] = rules
    rule = next(rule for rule in rules if rule.fits(key))
    owner = key.name or None
    return Label(rule.cls, rule.kind, rule.certainty, rule.evidence, owner)
