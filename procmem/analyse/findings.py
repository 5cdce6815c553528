"""What deserves attention in a process's memory: each finding with its threshold, figure, meaning and cure.

A finding is a fact about this process that crosses a threshold which experience sets; it is not a verdict. The
thresholds stand here, each with its reason.
"""

from __future__ import annotations

from procmem.analyse.arenas import arenas_of
from procmem.model import kinds, owners
from procmem.model.kinds import ByteClass
from procmem.model.mapping import Mappings
from procmem.model.note import Note
from procmem.model.permissions import permissions
from procmem.model.proc_keys import SmapsKey, StatusKey
from procmem.model.region import Region, Regions
from procmem.model.reports.explanation import Finding
from procmem.model.reports.inspection import Inspection
from procmem.model.reports.resident import Surroundings
from procmem.model.snapshot import LimitName, Snapshot
from procmem.model.unknown import exact_sum
from procmem.model.vma_names import KernelName, is_deleted, without_deleted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["findings", "is_deleted_file"]

_MIB = 1 << 20
ARENAS_MIN = 8  # as many as one processor may have
ARENA_BLOCKS_MIN = 4  # of one arena: whoever allocates there holds far more than others do
FREED_BYTES_MIN = 16 * _MIB  # below it nobody asks
FREED_SHARE = 0.25  # of what is in use: a heap in use always has some free blocks
FREED_HEAPS_TOLD = 5
LAZILY_FREED_BYTES_MIN = _MIB
LAZILY_FREED_SHARE = 0.05  # of RES: who wonders at a large RES looks at no less
IDLE_BYTES_MIN = 1 << 30  # below it nobody asks why VIRT is so large
IDLE_FACTOR = 4
NEAR = 0.8  # of a limit
DEFAULT_MAX_MAP_COUNT = 65_530  # include/linux/mm.h, DEFAULT_MAX_MAP_COUNT: for texts that do not say
LOCKED_BYTES_MIN = 64 * _MIB  # small keys and buffers are locked by many programs
CGROUP_NEAR = 0.9  # a group may sit at its limit with page cache alone: the kernel reclaims, and then kills
STACK_NEAR = 0.75  # a stack grows in leaps, so warn earlier
SWAPPED_BYTES_MIN = _MIB
COPIED_TEXT_BYTES_MIN = 64 * 1024
TABLE_BYTES_MIN = _MIB
TABLE_SHARE = 0.02  # page tables of densely used memory are 0.2 % of it
HUGE_CANDIDATE_BYTES = 256 * _MIB
HUGE_SHARE = 0.1
_OF_MALLOC = frozenset({kinds.BRK, kinds.GLIBC_ARENA})
_LIBRARY_END = b".so"


def findings(snapshot: Snapshot, regions: Regions, report: Inspection, surroundings: Surroundings) -> Iterator[Finding]:
    """Everything that crosses its threshold, the most common questions first."""
    for name, figures in (
        *_address_space(snapshot, regions, report),
        *_limits(snapshot, regions, surroundings),
        *_contents(regions, report),
    ):
        yield Finding(name, figures)


_Figures = dict[str, int | str | tuple[int, ...] | None]


def _of(regions: Regions, *kinds: str) -> list[Region]:
    return [regions[index] for index, label in enumerate(regions.label) if label.kind in kinds]


def _address_space(snapshot: Snapshot, regions: Regions, report: Inspection) -> Iterator[tuple[str, _Figures]]:
    totals, account = report.totals, report.account
    if account is not None and totals.virt is not None and totals.rss is not None:
        idle = account.reserved + account.untouched
        if idle >= IDLE_BYTES_MIN and idle >= IDLE_FACTOR * totals.rss:
            yield (
                "reserved-above-touched",
                {"virt_bytes": totals.virt, "rss_bytes": totals.rss, "idle_bytes": idle},
            )
    yield from _arenas(snapshot, regions)
    yield from _freed(regions)
    lazy = regions.mappings.total(SmapsKey.LAZY_FREE)
    if lazy and totals.rss and lazy >= max(LAZILY_FREED_BYTES_MIN, LAZILY_FREED_SHARE * totals.rss):
        yield "lazily-freed", {"lazy_bytes": lazy, "rss_bytes": totals.rss}
    if totals.hugetlb:
        yield "hugetlb", {"hugetlb_bytes": totals.hugetlb}
    cached = _of(regions, "thread-cached")
    if cached:
        yield (
            "cached-stacks",
            {
                "count": len(cached),
                "size_bytes": sum(region.size for region in cached),
                "rss_bytes": exact_sum(region.rss for region in cached),
            },
        )


def _arenas(snapshot: Snapshot, regions: Regions) -> Iterator[tuple[str, _Figures]]:
    """Many arenas, and one that is large; where blocks have no arena, how many arenas they may be."""
    found = arenas_of(regions, snapshot.bits)
    cpus = snapshot.machine.cpus
    factor = 2 if snapshot.bits == 32 else 8  # glibc malloc/arena.c, NARENAS_FROM_NCORES
    figures: _Figures = {
        "blocks": found.blocks,
        "reserved_bytes": found.virt,
        "live_bytes": found.rss,
        "limit": factor * cpus if cpus else "?",
        "factor": factor,
        "cpus": cpus or "?",
    }
    if found.known is None:
        if found.blocks >= ARENAS_MIN:
            bounds = {"at_least": found.at_least, "at_most": found.at_most, "block_bytes": found.block_size}
            name = "one-block-arenas" if found.at_least == found.at_most else "many-arena-blocks"
            yield name, {"count": found.blocks, **figures, **bounds}
    elif found.known >= ARENAS_MIN:
        yield "many-arenas", {"count": found.known, **figures}
    for one in found.arenas:
        if one.blocks >= ARENA_BLOCKS_MIN:
            yield (
                "large-arena",
                {
                    "arena": f"{one.arena.address:x}",
                    "threads": one.arena.tids or "?",
                    "count": one.blocks,
                    "size_bytes": one.virt,
                    "live_bytes": one.rss,
                },
            )


_CHUNKS, _SAMPLED_CHUNKS = "with-chunks", "with-sampled-chunks"
"""Evidence that tells what lies in a heap of malloc (``classify.target_memory.glibc_chunks``)."""
_KIB = 1024


class _HeapSums:
    """The main heap or an arena: sums over all its parts, in bytes."""

    def __init__(self) -> None:
        self.used = self.free = self.top = self.held = 0
        self.unknown = 0
        self.is_sampled = False

    def add(self, figures: Mapping[str, object], rss: int | None) -> None:
        """One of its parts."""
        used, free, top = (_bytes(figures.get(name)) for name in ("used_kib", "free_kib", "top_kib"))
        self.used += used
        self.free += free
        self.top += top
        self.held += min(free + top, max((rss or 0) - used, 0))
        self.unknown += _bytes(figures.get("unknown_kib"))
        self.is_sampled = self.is_sampled or "seen_kib" in figures


def _bytes(kib: object) -> int:
    return kib * _KIB if isinstance(kib, int) else 0


def _freed(regions: Regions) -> Iterator[tuple[str, _Figures]]:
    """What the program freed and malloc has not given back: of the main heap, and of each arena over all its blocks."""
    parts: dict[tuple[owners.Owner | None, Note], list[int | None]] = {}
    for index, label in enumerate(regions.label):
        if label.kind in _OF_MALLOC and label.evidence.code in (_CHUNKS, _SAMPLED_CHUNKS):
            parts.setdefault((label.owner, label.evidence), []).append(regions.rss[index])
    heaps: dict[owners.Owner | None, _HeapSums] = {}
    for (owner, evidence), rss in parts.items():
        heaps.setdefault(owner, _HeapSums()).add(evidence.figures, exact_sum(rss))
    found = [
        (owner, heap) for owner, heap in heaps.items() if heap.held >= max(FREED_BYTES_MIN, FREED_SHARE * heap.used)
    ]
    for owner, heap in sorted(found, key=lambda one: -one[1].held)[:FREED_HEAPS_TOLD]:
        figures: _Figures = {
            "used_bytes": heap.used,
            "free_bytes": heap.free,
            "top_bytes": heap.top,
            "held_bytes": heap.held,
        }
        if heap.is_sampled:
            figures["unknown_bytes"] = heap.unknown
        if isinstance(owner, owners.Arena):
            whose: _Figures = {"arena": f"{owner.address:x}", "threads": owner.tids or "?"}
            yield "freed-in-arena-sampled" if heap.is_sampled else "freed-in-arena", {**whose, **figures}
        else:
            yield "freed-in-heap-sampled" if heap.is_sampled else "freed-in-heap", figures


def _limits(snapshot: Snapshot, regions: Regions, around: Surroundings) -> Iterator[tuple[str, _Figures]]:
    count, max_map_count = len(regions.mappings), around.max_map_count
    group = around.cgroup
    if group is not None and group.limit and group.charged is not None and group.charged >= CGROUP_NEAR * group.limit:
        yield (
            "cgroup-limit",
            {
                "group": _shown(group.limited_by or group.path),
                "charged_bytes": group.charged,
                "limit_bytes": group.limit,
                "share": 100 * group.charged // group.limit,
            },
        )
    if max_map_count is not None and count >= NEAR * max_map_count:
        yield "map-count", {"count": count, "limit": max_map_count}
    elif max_map_count is None and count >= NEAR * DEFAULT_MAX_MAP_COUNT:
        yield "map-count-default", {"count": count, "limit": DEFAULT_MAX_MAP_COUNT}
    limits = snapshot.limits or {}

    def soft(name: str) -> int | None:
        limit = limits.get(name)
        return None if limit is None else limit.soft

    virt, space = snapshot.virt, soft(LimitName.ADDRESS_SPACE)
    if virt is not None and space is not None and virt >= NEAR * space:
        yield "limit-address-space", {"virt_bytes": virt, "limit_bytes": space}
    locked, lock_limit = snapshot.size(StatusKey.VM_LCK), soft(LimitName.LOCKED_MEMORY)
    if locked and lock_limit is not None and locked >= NEAR * lock_limit:
        yield "limit-locked", {"locked_bytes": locked, "limit_bytes": lock_limit}
    elif locked and locked >= LOCKED_BYTES_MIN:
        yield "locked", {"locked_bytes": locked}
    stack_limit = soft(LimitName.STACK)
    for region in _of(regions, "main", "thread"):
        limit = stack_limit if region.label.kind is kinds.MAIN_STACK else region.size
        used = region.size if region.label.kind is kinds.MAIN_STACK else region.rss
        if limit and used is not None and used >= STACK_NEAR * limit and region.label.cls is ByteClass.STACK:
            owner = (region.label.owner_name or b"?").decode("utf-8", "surrogateescape")
            yield "stack-limit", {"owner": owner, "used_bytes": used, "limit_bytes": limit}


def _is_writable_code(perms: str) -> bool:
    return permissions(perms).writable and permissions(perms).executable


def _contents(regions: Regions, report: Inspection) -> Iterator[tuple[str, _Figures]]:
    table, totals = regions.mappings, report.totals
    both = table.rows_where(lambda row: _is_writable_code(table.perms[row]))
    if both:
        size = sum(table.end[row] - table.start[row] for row in both)
        name = "data-executable" if _is_data_among(regions, frozenset(both)) else "writable-and-executable"
        yield name, {"count": len(both), "size_bytes": size}
    yield from _deleted(table)
    swap, anonymous = totals.swap, table.total(SmapsKey.ANONYMOUS)
    if swap is not None and swap >= SWAPPED_BYTES_MIN:
        yield "swapped", {"swap_bytes": swap, "total_bytes": exact_sum((anonymous, swap))}
    copied = _copied_text(regions)
    if copied >= COPIED_TEXT_BYTES_MIN:
        yield "text-copied", {"size_bytes": copied}
    tables, mapped = totals.page_tables, exact_sum((totals.rss, swap))
    if tables is not None and mapped and tables >= TABLE_BYTES_MIN and tables >= TABLE_SHARE * mapped:
        yield "page-tables", {"tables_bytes": tables, "share": round(100 * tables / mapped)}
    huge = table.total(SmapsKey.ANON_HUGE_PAGES)
    large = anonymous is not None and huge is not None and anonymous >= HUGE_CANDIDATE_BYTES
    if large and anonymous and huge is not None and huge < HUGE_SHARE * anonymous:
        share = round(100 * huge / anonymous)
        yield "huge-pages", {"huge_bytes": huge, "anonymous_bytes": anonymous, "share": share}


_DATA = frozenset({ByteClass.DATA, ByteClass.BSS})
_DATA_KINDS = frozenset({kinds.BRK, kinds.MAIN_STACK})


def _is_data_among(regions: Regions, rows: frozenset[int]) -> bool:
    """Whether what is writable and executable is no code: where a program's data, heap or stack is, everything is."""
    return any(
        regions.vma[index] in rows and (label.cls in _DATA or label.kind in _DATA_KINDS)
        for index, label in enumerate(regions.label)
    )


def _deleted(table: Mappings) -> Iterator[tuple[str, _Figures]]:
    """Files without a name: code that was replaced, and data that most often was unlinked on purpose."""
    sizes: dict[bytes, int] = {}
    code = set()
    for row in table.rows_where(lambda row: table.inode[row] and is_deleted_file(table, row)):
        name = table.name[row]
        sizes[name] = sizes.get(name, 0) + table.end[row] - table.start[row]
        rights = permissions(table.perms[row])
        if rights.executable and rights.private:
            code.add(name)
    if code:
        # a library says more than the program: an upgrade replaces it for many at once
        example = min(code, key=lambda name: (_LIBRARY_END not in name, name))
        yield "deleted-files", {"count": len(code), "example": _shown(example)}
    data = sorted(sizes.keys() - code)
    if data:
        size = sum(sizes[name] for name in data)
        yield "unlinked-files", {"count": len(data), "example": _shown(data[0]), "size_bytes": size}


def _shown(name: bytes) -> str:
    return without_deleted(name).decode("utf-8", "surrogateescape")


def is_deleted_file(table: Mappings, row: int) -> bool:
    """A file that is gone from its folder; kernel objects always say "(deleted)" and never had a name."""
    return is_deleted(table.name[row]) and table.named(row).named is KernelName.FILE


def _copied_text(regions: Regions) -> int:
    """Bytes of code that are private copies of the file's."""
    table = regions.mappings
    copies = table.column(SmapsKey.ANONYMOUS)
    if copies is None:
        return 0
    rows = {
        regions.vma[index]
        for index, label in enumerate(regions.label)
        if label.cls is ByteClass.TEXT
        and table.inode[regions.vma[index]]
        and not permissions(table.perms[regions.vma[index]]).writable
    }
    return sum(copies[row] or 0 for row in rows)
