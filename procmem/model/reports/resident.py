"""What fills RES, and what surrounds it: peaks, limits, and the control group that it is charged to."""

from procmem.model.cgroup_name import CgroupName
from procmem.model.kinds import Kind, Role
from procmem.model.named_tuple import NamedTuple
from procmem.model.owners import Arena, Owner, Thread
from procmem.model.region import Certainty
from procmem.model.reports.gpu import GpuUse

__all__ = ["CgroupUse", "Consumer", "Surroundings"]


class Consumer(NamedTuple):
    """Memory with one purpose: all parts of a loaded object, an arena, the blocks of an allocator, all thread stacks.

    ``kind`` is None for a loaded object, of which ``role`` says what it is to the program. ``owner`` is None where
    several share the row, or nobody is known; ``thread`` is the first of those that use an arena. Sizes are bytes.
    ``ranges`` says of how many ranges of its kind it is (not of guards and reserves beside them). ``certainty`` is that
    of most of the bytes in memory. ``before`` are the bytes in memory at an earlier look, None without one;
    ``touched`` those that were used within a time, None where that was not looked for.
    """

    kind: Kind | None
    role: Role | None
    owner: Owner | None
    virt: int
    rss: int | None
    swap: int | None
    ranges: int
    certainty: Certainty
    thread: Thread | None = None
    before: int | None = None
    touched: int | None = None

    @property
    def identity(self) -> tuple[object, object]:
        """What is the same at another look: an arena stays where it is, whichever threads use it."""
        return self.kind, self.owner.address if isinstance(self.owner, Arena) else self.owner


class CgroupUse(NamedTuple):
    """What a control group is charged, and may be, in bytes; None is unknown, or no limit.

    ``limited_by`` is the group, itself or one above it, that leaves the least room; ``limit`` and ``charged`` are that
    group's. ``swap_limit`` is the tightest, None for none. ``pressure`` is the share of the last ten seconds, in
    percent, in which some task of the group waited for memory (PSI; version 2 alone). ``about`` says what the group is,
    where its path tells.
    """

    path: bytes
    current: int | None
    swap: int | None
    limited_by: bytes | None
    limit: int | None
    charged: int | None
    swap_limit: int | None
    pressure: float | None
    about: CgroupName | None = None


class Surroundings(NamedTuple):
    """Peaks and limits, from ``status``, ``oom_score``, ``oom_score_adj``, the sysctl and the group's files.

    ``peak_rss`` and ``peak_virt`` are VmHWM and VmPeak; ``data``, ``code`` and ``libraries`` are VmData, VmExe and
    VmLib. ``mappings`` counts what ``max_map_count`` limits. Sizes are bytes; None is unknown.
    """

    peak_rss: int | None = None
    peak_virt: int | None = None
    data: int | None = None
    code: int | None = None
    libraries: int | None = None
    locked: int | None = None
    mappings: int | None = None
    max_map_count: int | None = None
    oom_score: int | None = None
    oom_score_adj: int | None = None
    cgroup: CgroupUse | None = None
    gpu: GpuUse | None = None
