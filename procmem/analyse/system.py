"""Summing over processes without counting a page twice: totals, groups, and what one forked worker costs.

PSS divides each shared page by the number of processes that map it, so that PSS may be added up where RSS may not. Two
processes with one address space (vfork, CLONE_VM) each show all of it, as the kernel counts a page's mappings
and not its processes: the second one is left out.
"""

from __future__ import annotations

from procmem.model.reports.system import (
    CgroupFigures,
    CgroupMemory,
    Family,
    GroupRow,
    ProcessRow,
    SystemReport,
    SystemTotals,
)
from procmem.model.unknown import exact_sum, known_sum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["GROUPINGS", "cgroup_figures", "sorted_rows", "system_report", "tree_rows"]

GROUPINGS: Mapping[str, Callable[[ProcessRow], bytes]] = {
    "user": lambda row: (row.user or "?").encode(),
    "name": lambda row: row.name or b"?",
    "cgroup": lambda row: row.cgroup or b"?",
}


def system_report(
    rows: Sequence[ProcessRow],
    *,
    by: str | None = None,
    shown: Sequence[ProcessRow] | None = None,
    top: int | None = None,
    cgroups: Iterable[CgroupFigures] = (),
    without_memory: int = 0,
    unreadable: int = 0,
) -> SystemReport:
    """Put the report together; ``rows`` are sorted already, and ``shown`` are those of them to list (all, if None).

    ``top`` keeps the largest groups.
    """
    once = [row for row in rows if row.same_memory is None]
    grouping = GROUPINGS.get(by or "")
    return SystemReport(
        rows=tuple(rows if shown is None else shown),
        processes=len(rows),
        totals=SystemTotals(*(known_sum(getattr(row, field) for row in once) for field in SystemTotals._fields)),
        groups=() if grouping is None else tuple(_largest(_groups(rows, grouping), top)),
        families=tuple(_families(rows)) if by == "tree" else (),
        cgroups=tuple(cgroups),
        without_memory=without_memory,
        unreadable=unreadable,
        same_memory=len(rows) - len(once),
    )


def sorted_rows(rows: Iterable[ProcessRow], field: str, *, reverse: bool, top: int | None) -> list[ProcessRow]:
    """Ascending, as smem has it, so that the largest stands where the eye is; ``top`` keeps the largest.

    What is unknown comes first.
    """
    if field in ("user", "name"):
        ordered = sorted(rows, key=lambda row: (str(getattr(row, field)), row.pid))
    else:
        ordered = sorted(rows, key=lambda row: (-1 if (value := getattr(row, field)) is None else value, row.pid))
    if top is not None:
        ordered = ordered[-top:] if top else []
    return ordered[::-1] if reverse else ordered


def tree_rows(rows: Iterable[ProcessRow]) -> list[tuple[int, ProcessRow, int | None]]:
    """Parents before their children: depth, row, and the PSS of the row with all below it."""
    by_pid = {row.pid: row for row in rows}
    children: dict[int | None, list[ProcessRow]] = {}
    for row in by_pid.values():
        children.setdefault(row.ppid if row.ppid in by_pid and row.ppid != row.pid else None, []).append(row)
    answer: list[tuple[int, ProcessRow, int | None]] = []

    def walk(row: ProcessRow, depth: int) -> int | None:
        at = len(answer)
        answer.append((depth, row, None))
        below = (
            [walk(child, depth + 1) for child in children.get(row.pid, ())]
            if row.pid is not None and depth < _DEPTH_MAX
            else []
        )
        whole = known_sum([None if row.same_memory is not None else row.pss, *below])
        answer[at] = (depth, row, whole)
        return whole

    for root in children.get(None, ()):
        walk(root, 0)
    return answer


_DEPTH_MAX = 200


def _largest(groups: list[GroupRow], top: int | None) -> list[GroupRow]:
    return groups if top is None else groups[len(groups) - top :] if top < len(groups) else groups


def _groups(rows: Sequence[ProcessRow], key: Callable[[ProcessRow], bytes]) -> list[GroupRow]:
    """Groups by PSS, the largest last."""
    members: dict[bytes, list[ProcessRow]] = {}
    for row in rows:
        members.setdefault(key(row), []).append(row)
    groups = []
    for name, found in members.items():
        once = [row for row in found if row.same_memory is None]
        swap, uss, pss = (known_sum(getattr(row, field) for row in once) for field in ("swap_pss", "uss", "pss"))
        groups.append(GroupRow(name, len(found), sum(row.pss is None for row in found), swap, uss, pss))
    return sorted(groups, key=lambda group: (group.pss or 0, group.key))


def _families(rows: Sequence[ProcessRow]) -> Iterable[Family]:
    """Servers with at least two workers of the same name whose figures are all known."""
    by_pid = {row.pid: row for row in rows}
    workers: dict[int, list[ProcessRow]] = {}
    for row in rows:
        parent = by_pid.get(row.ppid or 0)
        if parent is not None and parent.pid is not None and parent.name == row.name and row.same_memory is None:
            workers.setdefault(parent.pid, []).append(row)
    for pid, found in workers.items():
        together = [by_pid[pid], *found]
        owns = sorted(row.uss for row in found if row.uss is not None)
        pss, uss, rss = ([getattr(row, field) for row in together] for field in ("pss", "uss", "rss"))
        if len(owns) < max(len(found), 2) or None in (*pss, *uss, *rss):
            continue
        mean = sum(owns) // len(owns)
        yield Family(pid, by_pid[pid].name or b"?", len(found), owns[0], mean, owns[-1], sum(pss) - sum(uss), sum(rss))


def cgroup_figures(path: bytes, version: int, rows: Iterable[ProcessRow], memory: CgroupMemory) -> CgroupFigures:
    """Lay what a cgroup's files say beside its processes, those in cgroups below it among them."""
    below = path.rstrip(b"/") + b"/"
    inside = [row for row in rows if row.cgroup is not None and (row.cgroup == path or row.cgroup.startswith(below))]
    once = [row for row in inside if row.same_memory is None]
    pss = known_sum(row.pss for row in once)
    return CgroupFigures(
        path=path,
        version=version,
        processes=len(inside),
        pss=pss,
        swap=known_sum(row.swap_pss for row in once),
        current=memory.current,
        limit=memory.limit,
        swap_current=memory.swap,
        parts=tuple(_parts(version, pss, exact_sum(row.pss_shmem for row in once), memory, root=path == b"/")),
    )


def _unmapped(cache: int, mapped: int, shmem: int, pss_shmem: int | None) -> list[tuple[str, int]]:
    """Page cache of which no process maps anything, and shared memory of which none does.

    memory.stat counts shared memory and tmpfs as page cache, and does not say how much of what is mapped they are: the
    PSS of processes does, within the bounds that the counters set.
    """
    if not shmem:
        return [("page cache", cache - mapped)]
    if pss_shmem is None:
        return [("page cache, shmem", cache - mapped)]
    of_shmem = max(min(pss_shmem, shmem, mapped), mapped - (cache - shmem), 0)
    return [("page cache", cache - shmem - (mapped - of_shmem)), ("shmem", shmem - of_shmem)]


def _parts(
    version: int, pss: int | None, pss_shmem: int | None, memory: CgroupMemory, *, root: bool
) -> Iterable[tuple[str, int]]:
    """What the cgroup is charged for besides pages of its processes (Documentation/admin-guide/cgroup-v2.rst)."""
    stat, current = memory.stat, memory.current
    if not stat or current is None:
        return
    if version == 2:
        cache, mapped = stat.get("file", 0), stat.get("file_mapped", 0)
        kernel = stat.get("kernel", sum(stat.get(key, 0) for key in ("kernel_stack", "pagetables", "slab", "percpu")))
        named = [
            *_unmapped(cache, mapped, stat.get("shmem", 0), pss_shmem),
            ("kernel", kernel),
            ("sockets", stat.get("sock", 0)),
        ]
        slab = stat.get("slab", 0)
    else:
        cache, mapped = stat.get("total_cache", 0), stat.get("total_mapped_file", 0)
        # the root group of v1 is not charged for kernel memory, although it says how much there is
        kernel = 0 if root else memory.kernel or 0
        slab = 0
        named = [*_unmapped(cache, mapped, stat.get("total_shmem", 0), pss_shmem), ("kernel", kernel)]
    yield from ((name, size) for name, size in named if size)
    if slab:
        yield "slab", slab
    if pss_shmem:
        yield "shmem mapped", pss_shmem
    if pss is not None:
        rest = current - pss - sum(size for _, size in named)
        if rest >= 0:
            yield "others", rest
        else:
            yield "elsewhere", rest
