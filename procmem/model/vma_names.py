"""The names in ``maps``, read once: what stands behind a mapping, and which of the kernel's words says so.

All words that the kernel writes behind the inode of a ``maps`` line stand here and nowhere else; everybody else asks
for :class:`Backing` and :class:`KernelName`. What programs call their memory (``[anon:...]``) is read in
``model.given_names``. What a name means for the purpose of the memory is told by the rules in ``classify``.

Any file may be called ``[heap]`` or ``SYSV00000000``; but a path begins with ``/``, a label of the kernel has no inode,
and kernel objects lie on devices without a disk (major number 0). A name is read as a kernel object's only where that
agrees.

Sources: proc_pid_maps(5); fs/proc/task_mmu.c, show_map_vma(); mm/shmem.c, mm/memfd.c, mm/secretmem.c, ipc/shm.c,
fs/aio.c, fs/anon_inodes.c, mm/hugetlb.c; PR_SET_VMA_ANON_NAME (Linux 5.17).
"""

from procmem.model.enumeration import Enumeration
from procmem.model.memo import Memo, memo
from procmem.model.named_tuple import NamedTuple
from procmem.model.vm_flags import MemoryFlag

__all__ = [
    "GATES",
    "NO_NAME",
    "VSYSCALL_PAGE",
    "Backing",
    "KernelName",
    "VmaName",
    "is_deleted",
    "is_file_in_memory",
    "is_label",
    "kernel_label",
    "mentions_sysv",
    "name_in_memory",
    "name_of_anonymous",
    "object_path",
    "read_vma_name",
    "thread_of_label",
    "without_deleted",
]


class Backing(Enumeration):
    """What holds the pages of a mapping that nobody has written to."""

    ANONYMOUS = "anonymous"
    """Nothing: pages of zeros come into being at the first access."""
    FILE = "file"
    """A file of a file system."""
    SHARED_MEMORY = "shared memory"
    """An object that lives in memory and swap alone (mm/shmem.c): System V, POSIX, memfd, shared anonymous."""
    HUGETLB = "hugetlb"
    """Huge pages that the system set aside (mm/hugetlb.c)."""
    DEVICE = "device"
    """A driver, or an object of the kernel behind a descriptor."""
    KERNEL = "kernel"
    """Pages that the kernel maps into every process."""


VSYSCALL_PAGE = (0xFFFF_FFFF_FF60_0000, 0xFFFF_FFFF_FF60_1000)
"""Where the gate page of x86-64 lies (arch/x86/include/uapi/asm/vsyscall.h, VSYSCALL_ADDR)."""


class KernelName(Enumeration):
    """Which word of the kernel the name is. An unknown word in brackets is ``OTHER``."""

    NONE = "no name"
    HEAP = "[heap]"
    STACK = "[stack]"
    STACK_OF_THREAD = "[stack:TID]"
    VDSO = "[vdso]"
    VVAR = "[vvar]"
    VVAR_VCLOCK = "[vvar_vclock]"
    VSYSCALL = "[vsyscall]"
    VECTORS = "[vectors]"
    SIGPAGE = "[sigpage]"
    UPROBES = "[uprobes]"
    PAGE_SIZE_COMPAT = "[page size compat]"
    GIVEN = "[anon:NAME]"
    GIVEN_SHARED = "[anon_shmem:NAME]"
    OTHER = "[...]"
    ANON_HUGEPAGE = "/anon_hugepage"
    SYSV = "/SYSV"
    MEMFD = "/memfd:"
    SHARED_ZERO = "/dev/zero, shared"
    PRIVATE_ZERO = "/dev/zero, private"
    POSIX = "/dev/shm/"  # noqa: S108  # a name to read; nothing is written there
    SECRETMEM = "/secretmem"
    ASHMEM = "/dev/ashmem"
    AIO = "/[aio]"
    PERF_EVENT = "anon_inode:[perf_event]"
    IO_URING = "anon_inode:[io_uring]"
    KVM = "anon_inode:kvm"
    VFIO = "anon_inode:[vfio"
    BPF = "anon_inode:bpf"
    ANON_INODE = "anon_inode:"
    SOCKET = "socket:["
    GRAPHICS_OBJECT = "/drm mm object"
    GRAPHICS_DEVICE = "/dev/dri/"
    DEVICE_NODE = "/dev/"
    HUGETLB_FILE = "/dev/hugepages/"
    DEVICE_MEMORY = "/sys/devices/"
    FILE = "a path"


class VmaName(NamedTuple):
    """The name of a mapping, read.

    ``sure`` is False where it looks like a kernel object and not all of it agrees; ``frames`` says that VmFlags tell of
    page frames that are no memory of the system (``pf``, ``io``).
    """

    named: KernelName
    backing: Backing
    sure: bool = True
    frames: bool = False


_DELETED = b" (deleted)"
NO_NAME = VmaName(KernelName.NONE, Backing.ANONYMOUS)
_FILE = VmaName(KernelName.FILE, Backing.FILE)

_LABELS: dict[bytes, KernelName] = {
    b"[heap]": KernelName.HEAP,
    b"[stack]": KernelName.STACK,
    b"[vdso]": KernelName.VDSO,
    b"[vvar]": KernelName.VVAR,
    b"[vvar_vclock]": KernelName.VVAR_VCLOCK,  # since 6.13
    b"[vsyscall]": KernelName.VSYSCALL,
    b"[vectors]": KernelName.VECTORS,  # arm
    b"[sigpage]": KernelName.SIGPAGE,  # arm
    b"[uprobes]": KernelName.UPROBES,
    b"[page size compat]": KernelName.PAGE_SIZE_COMPAT,  # Android with 16 kB pages
}
_LABEL_OF = {named: label for label, named in _LABELS.items()} | {KernelName.SHARED_ZERO: b"/dev/zero (deleted)"}
GATES = frozenset({b"[vsyscall]", b"[vectors]"})
"""Names of gate VMAs (arch_get_gate_vma()): printed in maps, counted in no total, the same page in every process."""

_OF_PROCESS = frozenset(
    {
        KernelName.HEAP,
        KernelName.STACK,
        KernelName.STACK_OF_THREAD,
        KernelName.PAGE_SIZE_COMPAT,
        KernelName.GIVEN,
        KernelName.GIVEN_SHARED,
    }
)
"""Labels on memory of the process's own; what else stands in brackets is the kernel's."""

_OBJECTS: tuple[tuple[bytes, bytes, KernelName, Backing], ...] = (
    (b"/memfd:", _DELETED, KernelName.MEMFD, Backing.SHARED_MEMORY),
    (b"/dev/shm/", b"", KernelName.POSIX, Backing.SHARED_MEMORY),
    (b"/secretmem", b"", KernelName.SECRETMEM, Backing.SHARED_MEMORY),
    (b"/[aio]", b"", KernelName.AIO, Backing.DEVICE),
)
"""Objects on devices without a disk: how the name begins and ends."""

_PREFIXES: tuple[tuple[bytes, KernelName, Backing], ...] = (
    (b"/dev/ashmem", KernelName.ASHMEM, Backing.SHARED_MEMORY),
    (b"anon_inode:[perf_event]", KernelName.PERF_EVENT, Backing.DEVICE),
    (b"anon_inode:[io_uring]", KernelName.IO_URING, Backing.DEVICE),
    (b"anon_inode:kvm", KernelName.KVM, Backing.DEVICE),
    (b"anon_inode:[vfio", KernelName.VFIO, Backing.DEVICE),
    (b"anon_inode:bpf", KernelName.BPF, Backing.DEVICE),
    (b"anon_inode:[bpf", KernelName.BPF, Backing.DEVICE),
    (b"anon_inode:", KernelName.ANON_INODE, Backing.DEVICE),
    (b"socket:[", KernelName.SOCKET, Backing.DEVICE),
    # made by shmem_file_setup(): they live in memory and swap as tmpfs files do
    (b"/drm mm object", KernelName.GRAPHICS_OBJECT, Backing.SHARED_MEMORY),
    (b"/i915", KernelName.GRAPHICS_OBJECT, Backing.SHARED_MEMORY),
    (b"/dev/dri/", KernelName.GRAPHICS_DEVICE, Backing.DEVICE),
    (b"/dmabuf:", KernelName.GRAPHICS_DEVICE, Backing.DEVICE),
    (b"/dev/nvidia", KernelName.GRAPHICS_DEVICE, Backing.DEVICE),
    (b"/dev/kfd", KernelName.GRAPHICS_DEVICE, Backing.DEVICE),
    # file systems below /dev: hugetlbfs (VmFlags ht says so) where systemd mounts it, and a tmpfs of Android's
    (b"/dev/hugepages", KernelName.FILE, Backing.FILE),
    (b"/dev/__properties__", KernelName.FILE, Backing.FILE),
    (b"/sys/devices/", KernelName.DEVICE_MEMORY, Backing.DEVICE),
    (b"/sys/bus/", KernelName.DEVICE_MEMORY, Backing.DEVICE),
    (b"/dev/", KernelName.DEVICE_NODE, Backing.DEVICE),
)
"""The first that fits decides."""

_HUGETLB_FOLDERS = (b"huge", b"libhugetlbfs")
_HUGETLB_FILES = (b"rtemap_", b"spdk_pid", b"libhugetlbfs.tmp")
_SYSV = b"/SYSV"
_GIVEN = b"[anon:"
_GIVEN_SHARED = b"[anon_shmem:"
_STACK_OF_THREAD = b"[stack:"


def kernel_label(named: KernelName) -> bytes:
    """The label that the kernel prints, for those that it writes as one fixed word: ``[heap]``, ``[stack]``, ..."""
    return _LABEL_OF[named]


def name_in_memory(name: bytes) -> bytes | None:
    """What a program called its memory file (memfd_create()) or its object of Android's shared memory; else None."""
    for begins in (b"/memfd:", b"/dev/ashmem/"):
        if name.startswith(begins):
            return without_deleted(name.removeprefix(begins))
    return None


def name_of_anonymous(name: bytes) -> bytes | None:
    """What a program called its anonymous memory: NAME in ``[anon:NAME]`` and ``[anon_shmem:NAME]``; else None."""
    for begins in (_GIVEN, _GIVEN_SHARED):
        if name.startswith(begins):
            return name.removeprefix(begins).removesuffix(b"]").strip()
    return None


def is_deleted(name: bytes) -> bool:
    """Whether the kernel says that no directory entry leads to the file any more (or that none ever did)."""
    return name.endswith(_DELETED)


def without_deleted(name: bytes) -> bytes:
    """The path alone. A file may really be called ``x (deleted)``: only its inode tells."""
    return name.removesuffix(_DELETED)


def thread_of_label(name: bytes) -> int | None:
    """The thread that the label ``[stack:TID]`` names (Linux 3.4 to 4.4); None for every other name."""
    number = name.removeprefix(_STACK_OF_THREAD)[:-1]
    return int(number) if name.startswith(_STACK_OF_THREAD) and name.endswith(b"]") and number.isdigit() else None


def is_label(name: bytes) -> bool:
    """Whether it has the form of a label (``[heap]``), seen without its inode: a simulated mapping has none."""
    return name.startswith(b"[")


def object_path(named: KernelName, own: bytes) -> bytes:
    """The name that the kernel prints for an object of shared memory whose maker called it ``own``.

    For System V that is the key, in hexadecimal digits (ipc/shm.c, newseg()).
    """
    if named is KernelName.SYSV:
        return _SYSV + own
    begins, ends = next((begins, ends) for begins, ends, known, _ in _OBJECTS if known is named)
    return begins + own + ends


def mentions_sysv(name: bytes) -> bool:
    """Whether the kernel's word for a System V segment stands anywhere in a name: so pmap of procps asks."""
    return _SYSV in name


@memo(1024)  # the simulator asks at every fault
def is_file_in_memory(name: bytes) -> bool:
    """Whether a name, seen without its device, is that of an object of shared memory (/proc/<pid>/fd, a simulation)."""
    return read_vma_name(name, device="00:01", has_inode=True, shared=True).backing is Backing.SHARED_MEMORY


def read_vma_name(
    name: bytes, *, device: str = "00:00", has_inode: bool = False, shared: bool = False, flags: str | None = None
) -> VmaName:
    """Read the name of a mapping with what its line and its VmFlags say beside it.

    ``device`` is as maps prints it, ``shared`` the fourth letter of the permissions, ``flags`` the VmFlags line.
    """
    return _READ[name, device, has_inode, shared, flags]


def _read(said: tuple[bytes, str, bool, bool, str | None]) -> VmaName:
    name, device, has_inode, shared, flags = said
    marks = flags.split() if flags else ()
    if has_inode and MemoryFlag.HUGETLB in marks:
        named = _of_path(name, device, shared=shared).named
        return VmaName(named, Backing.HUGETLB)
    if has_inode and not marks and _may_be_hugetlb(name):
        return VmaName(KernelName.HUGETLB_FILE, Backing.HUGETLB, sure=False)
    if not name:
        found = VmaName(KernelName.NONE, Backing.SHARED_MEMORY) if shared else NO_NAME
    elif name[:1] == b"[" and not has_inode:
        found = _in_brackets(name)
    else:
        found = _of_path(name, device, shared=shared)
        if found is _FILE and not has_inode and not name.startswith(b"/"):
            found = VmaName(KernelName.OTHER, Backing.ANONYMOUS)
    if (MemoryFlag.PFNMAP in marks or MemoryFlag.IO in marks) and found.backing is not Backing.KERNEL:
        return found._replace(backing=Backing.DEVICE, frames=True)
    return found


_READ = Memo(_read, 4096)  # most processes map the same files


def _in_brackets(name: bytes) -> VmaName:
    named = _LABELS.get(name)
    if named is None:
        if name.startswith(_GIVEN):
            named = KernelName.GIVEN
        elif name.startswith(_GIVEN_SHARED):
            return VmaName(KernelName.GIVEN_SHARED, Backing.SHARED_MEMORY)
        elif thread_of_label(name) is not None:
            named = KernelName.STACK_OF_THREAD
        else:
            named = KernelName.OTHER
    return VmaName(named, Backing.ANONYMOUS if named in _OF_PROCESS else Backing.KERNEL)


def _may_be_hugetlb(name: bytes) -> bool:
    """Whether a path leads to where hugetlbfs is mounted by custom, or its file is called as DPDK and SPDK call theirs.

    Asked where VmFlags do not tell: /dev/hugepages and /dev/hugepages1G (systemd), /mnt/huge (DPDK), /hugetlbfs,
    /var/lib/hugetlbfs (libhugetlbfs).
    """
    *folders, file = name.split(b"/")
    if not folders or folders[0]:
        return False
    mounts = folders[1:3] if folders[1:2] in ([b"dev"], [b"mnt"]) else folders[1:2]
    if folders[1:3] == [b"var", b"lib"]:
        mounts = folders[3:4]
    return any(folder.startswith(_HUGETLB_FOLDERS) for folder in mounts) or file.startswith(_HUGETLB_FILES)


def _of_path(name: bytes, device: str, *, shared: bool) -> VmaName:
    diskless = device.partition(":")[0].strip("0") == ""
    if name.startswith(b"/anon_hugepage") and diskless and (shared or is_deleted(name)):
        return VmaName(KernelName.ANON_HUGEPAGE, Backing.HUGETLB)
    if name.startswith(_SYSV) and diskless and (device == "00:01" or is_deleted(name)):
        return VmaName(KernelName.SYSV, Backing.SHARED_MEMORY, device == "00:01")
    if name.startswith(b"/dev/zero") and (len(name) == len(b"/dev/zero") or name.startswith(b"/dev/zero (deleted)")):
        if shared:
            return VmaName(KernelName.SHARED_ZERO, Backing.SHARED_MEMORY)
        if not is_deleted(name):
            return VmaName(KernelName.PRIVATE_ZERO, Backing.ANONYMOUS)
    for begins, ends, named, backing in _OBJECTS:
        if diskless and name.startswith(begins) and name.endswith(ends):
            return VmaName(named, backing)
    for begins, named, backing in _PREFIXES:
        if name.startswith(begins):
            return VmaName(named, backing)
    return _FILE
