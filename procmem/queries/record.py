"""What a recording holds of one process: everything that any report asks for, and what reading it read.

It stands apart from the pipeline because writing needs archives and temporary files, which looking at a
process does not.
"""

from __future__ import annotations

from procmem.analyse.consistency import tells_of_two_moments
from procmem.analyse.inspection import warnings_of
from procmem.model.note import Note
from procmem.parse.redact import without_mounts
from procmem.parse.smaps import parse_rollup
from procmem.queries.examine import examine, need_mappings
from procmem.queries.prefetch import FILES_OF_A_THREAD
from procmem.queries.read import FILES_TO_INSPECT, read_consistently
from procmem.queries.surroundings import CGROUP_FILE, GPU_FILE, cgroup_memory, gpu_memory
from procmem.sources.recording.write import Recorded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import Target
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
    "oom_score",
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
        AccessRefused: nor may its mappings be read: nothing that one would look up in a recording is known then.
    """

    def once() -> Examination:
        return examine(
            target,
            files=_FILES_TO_RECORD,
            system=_FILES_OF_THE_SYSTEM,
            thread_files=FILES_OF_A_THREAD,
            to_keep=True,
            deep=deep,
        )

    seen, _ = read_consistently(once, _moved)
    notes: tuple[Note, ...] = ()
    if target.is_live:
        need_mappings(seen)
        notes = tuple(warnings_of(seen.snapshot, None, seen.peek_problem))
    raw = without_mounts(seen.raw)
    raw = raw._replace(files={**raw.files, CGROUP_FILE: cgroup_memory(target), GPU_FILE: gpu_memory(target)})
    return Recorded(raw, seen.kept, seen.page_runs, seen.words, notes)


def _moved(seen: Examination) -> bool:
    """Whether what was read tells of different moments."""
    texts = (text for name, text in seen.raw.files.items() if name.endswith("smaps_rollup"))
    rollup = next((text for text in texts if isinstance(text, bytes) and text), None)
    return tells_of_two_moments(seen.snapshot, None if rollup is None else parse_rollup(rollup))
