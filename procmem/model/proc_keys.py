"""The keys in the files of /proc, each written once: counters of smaps, lines of status, and the system's.

Only the keys that are asked for somewhere; parsers keep all others as they stand. Plain text in plain classes, since
tables are looked up by these keys and an enum of as many members takes longer to make than a small process to read.

Sources: proc_pid_smaps(5), proc_pid_status(5), proc_meminfo(5), proc_vmstat(5); fs/proc/.
"""

__all__ = ["MeminfoKey", "SmapsKey", "StatusKey", "VmstatKey", "has_memory"]


class SmapsKey:
    """The counters of ``smaps`` and ``smaps_rollup`` (fs/proc/task_mmu.c, show_smap())."""

    VMA_NAME = "Name"
    """Kernels of Android repeat there what they call anonymous memory (before 5.17)."""
    SIZE = "Size"
    KERNEL_PAGE_SIZE = "KernelPageSize"
    MMU_PAGE_SIZE = "MMUPageSize"
    RSS = "Rss"
    PSS = "Pss"
    SHARED_CLEAN = "Shared_Clean"
    SHARED_DIRTY = "Shared_Dirty"
    PRIVATE_CLEAN = "Private_Clean"
    PRIVATE_DIRTY = "Private_Dirty"
    REFERENCED = "Referenced"
    ANONYMOUS = "Anonymous"
    KSM = "KSM"
    LAZY_FREE = "LazyFree"
    ANON_HUGE_PAGES = "AnonHugePages"
    PSS_SHMEM = "Pss_Shmem"
    SHMEM_PMD_MAPPED = "ShmemPmdMapped"
    FILE_PMD_MAPPED = "FilePmdMapped"
    SHARED_HUGETLB = "Shared_Hugetlb"
    PRIVATE_HUGETLB = "Private_Hugetlb"
    SWAP = "Swap"
    SWAP_PSS = "SwapPss"
    THP_ELIGIBLE = "THPeligible"
    PROTECTION_KEY = "ProtectionKey"
    VM_FLAGS = "VmFlags"


class StatusKey:
    """The lines of ``status`` (fs/proc/array.c, proc_pid_status(); fs/proc/task_mmu.c, task_mem())."""

    NAME = "Name"
    STATE = "State"
    TGID = "Tgid"
    PID = "Pid"
    PPID = "PPid"
    NS_PID = "NSpid"
    UID = "Uid"
    CAPABILITIES = "CapEff"
    THREADS = "Threads"
    VM_PEAK = "VmPeak"
    VM_SIZE = "VmSize"
    VM_LCK = "VmLck"
    VM_HWM = "VmHWM"
    VM_RSS = "VmRSS"
    RSS_ANON = "RssAnon"
    RSS_FILE = "RssFile"
    RSS_SHMEM = "RssShmem"
    VM_DATA = "VmData"
    VM_EXE = "VmExe"
    VM_LIB = "VmLib"
    VM_PTE = "VmPTE"
    VM_SWAP = "VmSwap"
    HUGETLB_PAGES = "HugetlbPages"


_MEMORY_LINE = b"\n%s:" % StatusKey.VM_SIZE.encode()


def has_memory(status: bytes) -> bool:
    """Whether a task's ``status`` tells of memory: it runs, and is none of the kernel's."""
    return _MEMORY_LINE in status


class MeminfoKey:
    """The lines of ``/proc/meminfo`` (fs/proc/meminfo.c)."""

    TOTAL = "MemTotal"
    AVAILABLE = "MemAvailable"
    SWAP_TOTAL = "SwapTotal"
    SWAP_CACHED = "SwapCached"
    ZSWAP = "Zswap"
    ZSWAPPED = "Zswapped"
    KERNEL_STACK = "KernelStack"


class VmstatKey:
    """The counters of ``/proc/vmstat`` (mm/vmstat.c, vmstat_text[])."""

    SWAPPED_IN = "pswpin"
    SWAPPED_OUT = "pswpout"
    MAJOR_FAULTS = "pgmajfault"
