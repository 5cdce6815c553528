"""What ending a process gives back, and which memory its RES counts more than once: one meaning for every report.

Freed are its private pages and their swap, and objects without a name (memfd, shared anonymous memory, deleted files)
that nobody else maps. Pages of a named file stay: in the page cache, or on tmpfs in the file; so do those of System V
segments, which live until they are removed. What others map stays theirs.

A process may map one object several times (the coloured heap of ZGC, W^X of .NET, ring buffers). The kernel then
counts each page once for each mapping in Rss, and as shared in all of them: ``Shared_*`` counts mappings, not
processes. Pss divides by mappings too, so over all mappings of one process it adds up to what is there, if nobody
else maps it.

Source: fs/proc/task_mmu.c, smaps_account(), smap_gather_stats().
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate, repeat

from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.object_use import ObjectUse
from procmem.model.permissions import permissions
from procmem.model.proc_keys import SmapsKey
from procmem.model.unknown import exact_sum
from procmem.model.vma_names import Backing, KernelName, is_deleted

__all__ = [
    "ObjectKey",
    "freed_by_anonymous",
    "freed_by_object",
    "freed_of",
    "is_nameless",
    "objects_of",
    "use_of",
    "uses_of",
]

ObjectKey = tuple[str, int]
"""Device and inode: what an object is, whatever names lead to it."""

Uses = dict[ObjectKey, tuple[list[int], ObjectUse | None]]
"""Objects: their mappings, and how a process holds them by these."""

_KIB = 1024
_PAGE = 4096
_NO_FILES = frozenset({KernelName.SYSV})
"""Objects whose name always ends in "(deleted)", and that live on without a mapping."""


def objects_of(table: Mappings) -> dict[ObjectKey, list[int]]:
    """The mappings of each object, by device and inode; memory without an object is left out."""
    found: dict[ObjectKey, list[int]] = {}
    for row in table.rows_where(lambda row: _is_of_object(table, row)):
        found.setdefault((table.device[row], table.inode[row]), []).append(row)
    return found


def uses_of(table: Mappings) -> Uses:
    """Each object with its mappings, and how the process holds it by these."""
    return {key: (rows, use_of(table, rows)) for key, rows in objects_of(table).items()}


def _is_of_object(table: Mappings, row: int) -> bool:
    return table.inode[row] != 0 and table.named(row).named is not KernelName.PRIVATE_ZERO


class _Row(NamedTuple):
    """What one mapping holds of its object, own copies left out."""

    first: int
    last: int
    rss: int
    pss: int
    private: int


def use_of(table: Mappings, rows: Sequence[int]) -> ObjectUse | None:
    """How a process holds one object, by all its mappings of it; None where smaps does not say."""
    figures = _figures(table, rows)
    if figures is None:
        return None
    held = []
    for row, (rss, pss, private, copies) in zip(rows, figures, strict=True):
        own = min(copies, private)
        first = table.offset[row]
        last = first + table.end[row] - table.start[row]
        held.append(_Row(first, last, max(rss - copies, 0), max(pss - own, 0), private - own))
    if len(held) == 1:
        return _single(held[0])
    parts = [_part(part) for part in _overlapping(held)]
    return ObjectUse(
        times=max(part.times for part in parts),
        counted=sum(part.counted for part in parts),
        once=sum(part.once for part in parts),
        alone=all(part.alone for part in parts),
        shared=sum(part.shared for part in parts),
        shared_once=sum(part.shared_once for part in parts),
    )


_KEYS = (SmapsKey.RSS, SmapsKey.PSS, SmapsKey.ANONYMOUS, SmapsKey.PRIVATE_CLEAN, SmapsKey.PRIVATE_DIRTY)


def _figures(table: Mappings, rows: Sequence[int]) -> list[tuple[int, int, int, int]] | None:
    """Rss, Pss, private pages and own copies of some mappings; None where smaps does not say one of them."""
    columns = [table.column(key) for key in _KEYS]
    chosen = [list(map(column.__getitem__, rows)) for column in columns if column is not None]
    if rows and (len(chosen) < len(columns) or any(None in values for values in chosen)):
        return None
    return [(rss, pss, clean + dirty, copies) for rss, pss, copies, clean, dirty in zip(*chosen, strict=True)]


def _overlapping(held: list[_Row]) -> list[list[_Row]]:
    """The mappings in groups that have a part of the object in common."""
    groups: list[list[_Row]] = []
    end = 0
    for row in sorted(held):
        if groups and row.first < end:
            groups[-1].append(row)
        else:
            groups.append([row])
            end = 0
        end = max(end, row.last)
    return groups


def _single(row: _Row) -> ObjectUse:
    """As :func:`_part` has it for one mapping alone: most objects have no more, and there may be sixty thousand."""
    shared = max(row.rss - row.private, 0)
    return ObjectUse(1, row.rss, row.rss, not shared, shared, shared)


def _part(rows: list[_Row]) -> ObjectUse:
    """One group of mappings that overlap."""
    firsts, lasts, rss, pss, privates = zip(*rows, strict=True)
    times = _depth(firsts, lasts)
    counted, private = sum(rss), sum(privates)
    shared, share = max(counted - private, 0), max(sum(pss) - private, 0)
    reach = max(lasts) - firsts[0]
    most = min(counted, reach)
    # smaps cuts each Pss to whole kB
    cut = _KIB * len(rows)
    least = max(rss)
    # segments of a program that have a page in common are no views of one object: there a second mapping is a process
    is_repeated = 2 * (sum(lasts) - sum(firsts) - reach) >= reach
    alone = not shared or (is_repeated and (share + cut) * times > shared and private + share + cut > least)
    if not alone or times == 1:
        once = most if times > 1 else counted
    elif private + share + cut > most:
        once = most
    elif private + share <= least:
        once = least
    else:
        once = min(-(-(private + share) // _PAGE) * _PAGE, most)
    return ObjectUse(times, counted, once, alone, shared, max(once - private, 0))


def _depth(firsts: Iterable[int], lasts: Iterable[int]) -> int:
    """How many mappings hold one place of the object, at most: where each of them begins, and where it ends."""
    edges = sorted([*zip(firsts, repeat(1)), *zip(lasts, repeat(-1))])
    return max(accumulate(step for _, step in edges))


def freed_of(table: Mappings, uses: Uses | None = None) -> int | None:
    """What ending the process gives back of memory and swap, as far as its own smaps can tell; None without smaps.

    ``uses`` are the objects with their mappings and how they are held, where that is known already.
    """
    if uses is None:
        uses = uses_of(table)
    gone = set(table.gates())
    gone.update(row for rows, _ in uses.values() for row in rows)
    anonymous = [row for row in range(len(table)) if row not in gone]
    parts = [freed_by_anonymous(table, anonymous)]
    parts += [_freed_by_use(table, rows, use, others=None) for rows, use in uses.values()]
    return exact_sum(parts)


def freed_by_anonymous(table: Mappings, rows: Sequence[int]) -> int | None:
    """What ending the process gives back of memory without an object: private pages and their swap."""
    figures = _figures(table, rows)
    if figures is None:
        return None
    return sum(private for _, _, private, _ in figures) + _own_swap(table, rows)


def freed_by_object(table: Mappings, rows: Sequence[int], *, others: bool | None = None) -> int | None:
    """What ending the process gives back of one object.

    ``others`` says whether other processes map it; None where nobody looked, and the figures of smaps decide.
    """
    return _freed_by_use(table, rows, use_of(table, rows), others=others)


def _freed_by_use(table: Mappings, rows: Sequence[int], use: ObjectUse | None, *, others: bool | None) -> int | None:
    figures = None if use is None else _figures(table, rows)
    if use is None or figures is None:
        return None
    total = sum(min(private, copies) for _, _, private, copies in figures)
    total += _own_swap(table, [row for row in rows if permissions(table.perms[row]).private])
    alone = use.alone if others is None else not others
    if alone and is_nameless(table, rows[0]):
        total += use.once + _object_swap(table, rows)
    return total


def is_nameless(table: Mappings, row: int) -> bool:
    """Whether no name leads to the object of a mapping any more, so that it goes with the last who holds it."""
    name = table.named(row)
    return is_deleted(table.name[row]) and name.named not in _NO_FILES and name.backing is not Backing.DEVICE


def _own_swap(table: Mappings, rows: Sequence[int]) -> int:
    """Swap of private mappings that belongs to this process alone."""
    column = table.column(SmapsKey.SWAP)
    swapped = [] if column is None else [(row, swap) for row in rows if (swap := column[row])]
    return sum(_own_swap_of(table, row, swap) for row, swap in swapped)


def _own_swap_of(table: Mappings, row: int, swap: int) -> int:
    """Of the swap of one mapping at least this, where it shares some of it since a fork."""
    shares = table.column(SmapsKey.SWAP_PSS)
    share = None if shares is None else shares[row]
    if table.is_shared_memory(row):
        swap = min(share or 0, swap)  # Swap counts the object's pages as well, SwapPss own copies alone
        share = swap
    if share is None or swap - share < _KIB:
        return swap
    return max(2 * share - swap, 0)  # what several hold counts for a half at most


def _object_swap(table: Mappings, rows: Sequence[int]) -> int:
    """Swap of the object's own pages, each part of it once; smaps tells it for shared mappings."""
    column = table.column(SmapsKey.SWAP)
    if column is None:
        return 0
    total = end = 0
    for row in sorted(rows, key=table.offset.__getitem__):
        if not permissions(table.perms[row]).shared or table.offset[row] < end:
            continue
        total += column[row] or 0
        end = table.offset[row] + table.end[row] - table.start[row]
    return total
