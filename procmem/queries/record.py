"""What a recording holds of one process: everything that any report asks for, and what reading it read.

It stands apart from the pipeline because writing needs archives and temporary files, which looking at a
process does not.
"""

from __future__ import annotations

from procmem.model.proc_keys import SmapsKey, StatusKey
from procmem.parse.mountinfo import MEMORY_TYPES, devices_alone
from procmem.parse.smaps import parse_rollup
from procmem.queries.examine import examine
from procmem.queries.read import FILES_OF_A_THREAD, FILES_TO_INSPECT, read_consistently
from procmem.sources.recording.write import Recorded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import Target
    from procmem.model.raw import RawProcess
    from procmem.queries.examine import Examination

__all__ = ["record_one"]

_FILES_TO_RECORD = (
    *FILES_TO_INSPECT,
    "maps",
    "smaps_rollup",
    "statm",
    "cgroup",
    "numa_maps",
    "wchan",
    "oom_score_adj",
    "personality",
    "mountinfo",
)
_FILES_OF_THE_SYSTEM = (
    "uptime",
    "version",
    "meminfo",
    "swaps",
    "vmstat",
    "sys/vm/swappiness",
    "sys/vm/overcommit_memory",
    "sys/vm/overcommit_ratio",
    "sys/vm/max_map_count",
    "sys/vm/mmap_min_addr",
    "sys/vm/mmap_rnd_bits",
    "sys/vm/mmap_rnd_compat_bits",
    "sys/vm/legacy_va_layout",
    "sys/vm/page-cluster",
    "sys/kernel/randomize_va_space",
)


def record_one(target: Target, *, deep: bool = False) -> Recorded:
    """Read all that a recording keeps of one process: what any report asks for, and what reading it read.

    While the process, or who shares its pages, moves between two files, all is read again, a few times at most: the
    files of a recording should tell of one moment.

    Raises:
        ProcessGone, AccessRefused, MalformedFile: as :func:`examine`.
    """

    def once() -> Examination:
        return examine(
            target,
            keys=None,
            files=_FILES_TO_RECORD,
            system=_FILES_OF_THE_SYSTEM,
            thread_files=FILES_OF_A_THREAD,
            to_keep=True,
            deep=deep,
        )

    seen, _ = read_consistently(once, _moved)
    return Recorded(_without_mounts(seen.raw), seen.kept, seen.page_runs, seen.words)


_KIB = 1024
_EQUAL = (SmapsKey.RSS, SmapsKey.PRIVATE_CLEAN, SmapsKey.PRIVATE_DIRTY, SmapsKey.SWAP)


def _moved(seen: Examination) -> bool:
    """Whether status, smaps and smaps_rollup, which were read one after the other, tell of different moments.

    PSS differs by rounding: smaps cuts each mapping's share to whole kB, the rollup only their sum.
    """
    table, size = seen.snapshot.mappings, seen.snapshot.size(StatusKey.VM_SIZE)
    if table is None:
        return False
    if size is not None and size != seen.snapshot.virt:
        return True
    rollup = next((text for name, text in seen.raw.files.items() if name.endswith("smaps_rollup")), None)
    if not isinstance(rollup, bytes) or not len(rollup):
        return False
    said = parse_rollup(rollup)
    sums = {key: table.total(key) for key in (*_EQUAL, SmapsKey.PSS)}
    if any(sums[key] != said[key] for key in _EQUAL if key in said and sums[key] is not None):
        return True
    pss = sums[SmapsKey.PSS]
    return pss is not None and SmapsKey.PSS in said and not 0 <= said[SmapsKey.PSS] - pss < _KIB * len(table)


def _without_mounts(raw: RawProcess) -> RawProcess:
    """Of the mounts, keep which devices are shared memory: what is mounted where is nobody's business."""
    files = {
        name: devices_alone(content, MEMORY_TYPES)
        if name.rsplit("/", 1)[-1] == "mountinfo" and isinstance(content, bytes)
        else content
        for name, content in raw.files.items()
    }
    return raw._replace(files=files)
