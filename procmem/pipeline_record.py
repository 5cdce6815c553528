"""The joint for recordings: everything that any report asks for, and what reading it read.

It stands apart from the pipeline because writing needs archives and temporary files, which looking at a
process does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from procmem.pipeline import FILES_OF_A_THREAD, FILES_TO_INSPECT, examine
from procmem.sources.saving import Recorded

if TYPE_CHECKING:
    from procmem.model.ports import Target

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

    Raises:
        ProcessGone, AccessRefused, MalformedFile: as :func:`examine`.
    """
    seen = examine(
        target,
        keys=None,
        files=_FILES_TO_RECORD,
        system=_FILES_OF_THE_SYSTEM,
        thread_files=FILES_OF_A_THREAD,
        to_keep=True,
        deep=deep,
    )
    return Recorded(seen.raw, seen.kept, seen.page_runs, seen.words)
