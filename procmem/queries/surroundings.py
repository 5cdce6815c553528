"""What surrounds a process's memory: peaks, limits, and the control group that it is charged to."""

from __future__ import annotations

from procmem.analyse.resident import surroundings
from procmem.model.named_tuple import NamedTuple
from procmem.model.raw import Refusal, said_or_nothing
from procmem.parse.cgroup import ROOT_GROUP, cgroup_text, memory_group, parents_of, parse_cgroup_text
from procmem.parse.drm_fdinfo import drm_text, parse_drm_text
from procmem.parse.system import parse_number
from procmem.sources.cgroups import read_limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procmem.model.cgroup_name import CgroupName
    from procmem.model.ports import Target
    from procmem.model.raw import FileContent
    from procmem.model.reports.gpu import GpuUse
    from procmem.model.reports.resident import Surroundings
    from procmem.model.reports.system import CgroupMemory
    from procmem.model.snapshot import Snapshot

__all__ = [
    "CGROUP_FILE",
    "GPU_FILE",
    "SurroundingFiles",
    "cgroup_memory",
    "gpu_memory",
    "read_surroundings",
    "surrounding_files",
    "with_surroundings",
]

CGROUP_FILE = "cgroup.memory"
"""What a recording calls the memory files of a process's group and of those above it."""
GPU_FILE = "fdinfo.drm"
"""What a recording calls what fdinfo said of the descriptors of graphics devices."""
MAX_MAP_COUNT = "sys/vm/max_map_count"


class SurroundingFiles(NamedTuple):
    """What files beside a process's mappings say; None is unknown.

    ``cgroup`` is its group and those above it, ``group`` what the first of them is.
    """

    max_map_count: int | None
    oom_score: int | None
    oom_score_adj: int | None
    cgroup: Sequence[tuple[bytes, CgroupMemory]]
    group: CgroupName | None
    gpu: GpuUse | None


def surrounding_files(target: Target) -> SurroundingFiles:
    """Read the small files that tell of limits; what is refused is unknown.

    Nothing of it depends on the mappings: who reads these too reads them last, while the kernel walks their pages.
    """
    gpu = gpu_memory(target)
    cgroup = parse_cgroup_text(said_or_nothing(cgroup_memory(target)))
    return SurroundingFiles(
        max_map_count=_number(target.read_system(MAX_MAP_COUNT)),
        oom_score=_number(target.read("oom_score")),
        oom_score_adj=_number(target.read("oom_score_adj")),
        cgroup=cgroup,
        group=_group(cgroup[0][0]) if cgroup else None,
        gpu=None if isinstance(gpu, Refusal) else parse_drm_text(gpu),
    )


def read_surroundings(target: Target, snapshot: Snapshot) -> Surroundings:
    """The same with what a snapshot of the process says."""
    return with_surroundings(surrounding_files(target), snapshot)


def with_surroundings(files: SurroundingFiles, snapshot: Snapshot) -> Surroundings:
    """Join what was read before with the snapshot."""
    found = surroundings(
        snapshot,
        max_map_count=files.max_map_count,
        oom_score=files.oom_score,
        oom_score_adj=files.oom_score_adj,
        cgroup=files.cgroup,
        gpu=files.gpu,
    )
    return found if found.cgroup is None else found._replace(cgroup=found.cgroup._replace(about=files.group))


def _group(path: bytes) -> CgroupName | None:
    """What a group is, by its path; nothing of the root."""
    if path == ROOT_GROUP:
        return None
    from procmem.parse.cgroup_names import read_cgroup_name  # noqa: PLC0415  # only within groups

    return read_cgroup_name(path)


def cgroup_memory(target: Target) -> FileContent:
    """The memory files of its group and of those above it, as one text."""
    if not target.is_live:
        return target.read(CGROUP_FILE)
    cgroup, mounts = target.read("cgroup"), target.read_system("self/mountinfo")
    if isinstance(cgroup, Refusal) or isinstance(mounts, Refusal):
        return cgroup if isinstance(cgroup, Refusal) else mounts
    group = memory_group(mounts, cgroup)
    if group is None:
        return Refusal.ABSENT
    mount, path, version = group
    levels = read_limits(mount, parents_of(path), version)
    return cgroup_text(version, levels) if levels else Refusal.ABSENT


def gpu_memory(target: Target) -> FileContent:
    """What drivers of graphics devices say of its descriptors, as one text."""
    kept = Refusal.UNRECORDED if target.is_live else target.read(GPU_FILE)
    if isinstance(kept, bytes):
        return kept
    found = target.drm_fdinfo()
    if isinstance(found, Refusal):
        return found
    descriptors, complete = found
    return drm_text(descriptors, complete=complete)


def _number(content: FileContent) -> int | None:
    return parse_number(content) if isinstance(content, bytes) else None
