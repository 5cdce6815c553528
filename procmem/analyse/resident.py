"""What fills a process's RES: memory with one purpose as one row, the largest first.

A row is what a person would name: a library with all its parts, the heap of a runtime, an arena of malloc, the stacks
of all threads, a mapped file. The rows partition the regions, so that they add up to RES.
"""

from __future__ import annotations

from procmem.model import kinds
from procmem.model.kinds import ByteClass, Grouping, Kind, Role
from procmem.model.owners import Arena, Owner, Thread
from procmem.model.proc_keys import StatusKey
from procmem.model.region import Certainty, Label, LabelSums, Regions
from procmem.model.reports.gpu import GpuUse
from procmem.model.reports.resident import CgroupUse, Consumer, Surroundings
from procmem.model.reports.system import CgroupMemory
from procmem.model.snapshot import Snapshot, ThreadReading
from procmem.model.unknown import exact_sum, known_sum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["consumers", "purpose_key", "since", "surroundings"]

_Key = tuple[Kind | None, Owner | None]
_NAMED_BY_OWNER = frozenset({ByteClass.MMAP, ByteClass.SHM, ByteClass.DEVICE})
"""Classes of which the owner says what it is: a file, a segment, a name."""
_STACKS = frozenset({kinds.THREAD_STACK, kinds.TLS, kinds.STACK_GUARD})
"""What a thread has: one row for those of all threads."""
_CERTAINTIES = tuple(Certainty)


def consumers(
    regions: Regions, threads: Iterable[ThreadReading] | None = None, touched: Sequence[int | None] = ()
) -> tuple[Consumer, ...]:
    """The rows, by what is in memory, and then in swap. ``threads`` are those of the process, where they are known.

    ``touched`` says of every region how much of it was used within some time, where that was looked for.
    """
    named = {thread.tid: Thread(thread.tid, thread.comm) for thread in threads or ()}
    members: dict[_Key, list[LabelSums]] = {}
    for sums in regions.sums_of_labels():
        members.setdefault(purpose_key(sums.label), []).append(sums)
    rows = [_consumer(regions, key, found, named) for key, found in members.items()]
    if touched:
        rows = [
            row._replace(touched=exact_sum([touched[index] for sums in found for index in sums.rows]))
            for row, found in zip(rows, members.values(), strict=True)
        ]
    return tuple(sorted(rows, key=lambda row: (row.rss or 0, row.swap or 0, row.virt), reverse=True))


def purpose_key(label: Label) -> _Key:
    """By what ranges are one row: the kind (None for a loaded object) and the owner."""
    kind, owner = label.kind, label.owner
    if kind.grouping is Grouping.OBJECT:
        return None, owner
    if kind in _STACKS:
        return kinds.THREAD_STACK, None
    if isinstance(owner, Arena):
        return kinds.GLIBC_ARENA, owner
    if kind is kinds.GLIBC_ARENA_RESERVE:
        return kinds.GLIBC_ARENA, None
    return kind, owner if kind.cls in _NAMED_BY_OWNER else None


def _consumer(regions: Regions, key: _Key, members: Sequence[LabelSums], threads: Mapping[int, Thread]) -> Consumer:
    kind, owner = key
    by_certainty = dict.fromkeys(_CERTAINTIES, 0)
    for sums in members:
        known = sums.rss if sums.rss is not None else known_sum(map(regions.rss.__getitem__, sums.rows))
        by_certainty[sums.label.certainty] += known or 0
    certainty = max(_CERTAINTIES, key=lambda one: (by_certainty[one], one is members[0].label.certainty))
    return Consumer(
        kind,
        _role(members) if kind is None else None,
        owner,
        sum(sums.virt for sums in members),
        exact_sum([sums.rss for sums in members]),
        exact_sum([sums.swap for sums in members]),
        sum(len(sums.rows) for sums in members if kind in (None, sums.label.kind)),
        certainty,
        next((threads[tid] for tid in owner.tids if tid in threads), None) if isinstance(owner, Arena) else None,
    )


def _role(members: Iterable[LabelSums]) -> Role | None:
    return next((role for sums in members if (role := sums.label.kind.role) is not None), None)


def since(rows: Iterable[Consumer], before: Iterable[Consumer]) -> tuple[Consumer, ...]:
    """The rows with what an earlier look found in memory of the same; rows of which nothing is left are there too."""
    earlier = {row.identity: row for row in before}
    found = []
    for row in rows:
        was = earlier.pop(row.identity, None)
        found.append(row._replace(before=0 if was is None else was.rss))
    gone = [row._replace(virt=0, rss=0, swap=0, ranges=0, before=row.rss) for row in earlier.values() if row.rss]
    return (*found, *gone)


def surroundings(
    snapshot: Snapshot,
    *,
    max_map_count: int | None,
    oom_score: int | None,
    oom_score_adj: int | None,
    cgroup: Sequence[tuple[bytes, CgroupMemory]] = (),
    gpu: GpuUse | None = None,
) -> Surroundings:
    """Peaks and limits; ``cgroup`` is the process's group and those above it, its own first."""
    return Surroundings(
        peak_rss=snapshot.size(StatusKey.VM_HWM),
        peak_virt=snapshot.size(StatusKey.VM_PEAK),
        data=snapshot.size(StatusKey.VM_DATA),
        code=snapshot.size(StatusKey.VM_EXE),
        libraries=snapshot.size(StatusKey.VM_LIB),
        locked=snapshot.size(StatusKey.VM_LCK),
        mappings=None if snapshot.mappings is None else len(snapshot.mappings) - len(snapshot.mappings.gates()),
        max_map_count=max_map_count,
        oom_score=oom_score,
        oom_score_adj=oom_score_adj,
        cgroup=_cgroup_use(cgroup) if cgroup else None,
        gpu=gpu,
    )


def _cgroup_use(levels: Sequence[tuple[bytes, CgroupMemory]]) -> CgroupUse:
    """A group among those above it: each of them may be what it runs out of."""
    path, own = levels[0]
    bound = [(memory.limit - (memory.current or 0), at) for at, (_, memory) in enumerate(levels) if memory.limit]
    limited_by, tightest = levels[min(bound)[1]] if bound else (None, None)
    swap_limits = [memory.swap_limit for _, memory in levels if memory.swap_limit is not None]
    return CgroupUse(
        path,
        own.current,
        own.swap,
        limited_by,
        None if tightest is None else tightest.limit,
        None if tightest is None else tightest.current,
        min(swap_limits, default=None),
        own.pressure,
    )
