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

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, chain, compress, count, filterfalse, pairwise, repeat
from operator import add, ge, sub

from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.object_use import ObjectUse
from procmem.model.permissions import permissions
from procmem.model.proc_keys import SmapsKey
from procmem.model.unknown import exact_sum
from procmem.model.vma_names import Backing, KernelName, is_deleted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

__all__ = [
    "ObjectKey",
    "copies_in_swap",
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
    found: dict[ObjectKey, list[list[int]]] = {}
    for rows in table.rows_of_sorts():
        row = rows[0]
        if _is_of_object(table, row):
            found.setdefault((table.device[row], table.inode[row]), []).append(rows)
    objects = [(sorted(chain.from_iterable(parts)), key) for key, parts in found.items()]
    return {key: rows for rows, key in sorted(objects)}


def uses_of(table: Mappings) -> Uses:
    """Each object with its mappings, and how the process holds it by these."""
    objects = objects_of(table)
    held = _held(table, list(chain.from_iterable(objects.values())))
    if held is None:  # smaps may say it of some of them
        return {key: (rows, use_of(table, rows)) for key, rows in objects.items()}
    ends = accumulate(map(len, objects.values()))
    return {
        key: (rows, _use(held, end - len(rows), end)) for (key, rows), end in zip(objects.items(), ends, strict=True)
    }


def _is_of_object(table: Mappings, row: int) -> bool:
    return table.inode[row] != 0 and table.named(row).named is not KernelName.PRIVATE_ZERO


class _HeldColumns(NamedTuple):
    """What mappings hold of their objects, own copies left out: columns, since there may be sixty thousand of them."""

    first: Sequence[int]
    last: Sequence[int]
    rss: Sequence[int]
    pss: Sequence[int]
    private: Sequence[int]

    def part(self, start: int, end: int) -> _HeldColumns:
        """The same of some that stand side by side."""
        return _HeldColumns(*(column[start:end] for column in self))


def use_of(table: Mappings, rows: Sequence[int]) -> ObjectUse | None:
    """How a process holds one object, by all its mappings of it; None where smaps does not say."""
    held = _held(table, rows)
    return None if held is None else _use(held, 0, len(rows))


def _use(held: _HeldColumns, start: int, end: int) -> ObjectUse:
    """How an object is held whose mappings stand side by side."""
    if end - start == 1:
        return _single(held.rss[start], held.private[start])
    parts = [_part(part) for part in _overlapping(held.part(start, end))]
    return ObjectUse(
        times=max(part.times for part in parts),
        counted=sum(part.counted for part in parts),
        once=sum(part.once for part in parts),
        alone=all(part.alone for part in parts),
        shared=sum(part.shared for part in parts),
        shared_once=sum(part.shared_once for part in parts),
    )


_KEYS = (SmapsKey.RSS, SmapsKey.PSS, SmapsKey.ANONYMOUS, SmapsKey.PRIVATE_CLEAN, SmapsKey.PRIVATE_DIRTY)


def _figures(table: Mappings, rows: Sequence[int]) -> Sequence[Sequence[int]] | None:
    """Figures of some mappings, a column for each key; None where smaps does not say one of them."""
    columns = [table.column(key) for key in _KEYS]
    chosen = [list(map(column.__getitem__, rows)) if column is not None else [] for column in columns]
    if any(len(values) < len(rows) or None in values for values in chosen):
        return None
    return chosen  # type: ignore[return-value]  # none of them is None


def _held(table: Mappings, rows: Sequence[int]) -> _HeldColumns | None:
    """What some mappings hold; None where smaps does not say it."""
    figures = _figures(table, rows)
    if figures is None:
        return None
    rss, pss, copies, clean, dirty = figures
    private = list(map(add, clean, dirty))
    own = list(map(min, copies, private))
    first = list(map(table.offset.__getitem__, rows))
    return _HeldColumns(
        first=first,
        last=list(map(add, first, map(table.sizes.__getitem__, rows))),
        rss=list(map(max, map(sub, rss, copies), repeat(0))),
        pss=list(map(max, map(sub, pss, own), repeat(0))),
        private=list(map(sub, private, own)),
    )


def _overlapping(held: _HeldColumns) -> list[_HeldColumns]:
    """The mappings in groups that have a part of the object in common, each in the order of its parts."""
    if not held.first:
        return []
    order = sorted(range(len(held.first)), key=held.first.__getitem__)
    ascending = _HeldColumns(*(list(map(column.__getitem__, order)) for column in held))
    reached = accumulate(ascending.last, max)
    begins = compress(count(1), map(ge, ascending.first[1:], reached))
    edges = [0, *begins, len(held.first)]
    return [ascending.part(start, end) for start, end in pairwise(edges)]


def _single(rss: int, private: int) -> ObjectUse:
    """As :func:`_part` has it for one mapping alone: most objects have no more."""
    shared = max(rss - private, 0)
    return ObjectUse(1, rss, rss, not shared, shared, shared)


def _part(held: _HeldColumns) -> ObjectUse:
    """One group of mappings that overlap."""
    firsts, lasts, rss = held.first, held.last, held.rss
    times = _depth(firsts, lasts)
    counted, private = sum(rss), sum(held.private)
    shared, share = max(counted - private, 0), max(sum(held.pss) - private, 0)
    reach = max(lasts) - firsts[0]
    most = min(counted, reach)
    # smaps cuts each Pss to whole kB
    cut = _KIB * len(firsts)
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


def _depth(firsts: Sequence[int], lasts: Iterable[int]) -> int:
    """How many mappings hold one place of the object, at most: where one begins, less have ended than begun.

    ``firsts`` ascend.
    """
    ends = sorted(lasts)
    return max(begun - bisect_right(ends, first) for begun, first in enumerate(firsts, start=1))


def freed_of(table: Mappings, uses: Uses | None = None, vm_swap: int | None = None) -> int | None:
    """What ending the process gives back of memory and swap, as far as its own smaps can tell; None without smaps.

    ``uses`` are the objects with their mappings and how they are held, where that is known already; ``vm_swap`` is
    VmSwap, as in :func:`copies_in_swap`.
    """
    if uses is None:
        uses = uses_of(table)
    of_objects = list(chain.from_iterable(rows for rows, _ in uses.values()))
    gone = {*table.gates(), *of_objects}
    anonymous = list(filterfalse(gone.__contains__, range(len(table))))
    parts = [freed_by_anonymous(table, anonymous), _own_copies(table, of_objects, vm_swap)]
    for rows, use in uses.values():
        if use is None or use.alone:
            # of what is not in memory at all, nothing tells whether others map it
            parts.append(None if use is None else _object_itself(table, rows, use, with_swap=use.counted > 0))
    return exact_sum(parts)


def freed_by_anonymous(table: Mappings, rows: Sequence[int]) -> int | None:
    """What ending the process gives back of memory without an object: private pages and their swap."""
    figures = _figures(table, rows)
    if figures is None:
        return None
    *_, clean, dirty = figures
    return sum(clean) + sum(dirty) + _own_swap(table, rows)


def _own_copies(table: Mappings, rows: Sequence[int], vm_swap: int | None = None) -> int:
    """Private copies of pages of objects, and their swap; no pages where smaps does not say it."""
    swap = _own_swap(table, rows, private=True, vm_swap=vm_swap)
    figures = _figures(table, rows)
    if figures is None:
        return swap
    _, _, copies, clean, dirty = figures
    pages: Iterable[int] = map(min, copies, map(add, clean, dirty))
    return swap + sum(pages)


def freed_by_object(table: Mappings, rows: Sequence[int], *, others: bool | None = None) -> int | None:
    """What ending the process gives back of one object.

    ``others`` says whether other processes map it; None where nobody looked, and the figures of smaps decide.
    """
    use = use_of(table, rows)
    if use is None:
        return None
    alone = use.alone if others is None else not others
    with_swap = others is not None or use.counted > 0
    return _own_copies(table, rows) + (_object_itself(table, rows, use, with_swap=with_swap) if alone else 0)


def _object_itself(table: Mappings, rows: Sequence[int], use: ObjectUse, *, with_swap: bool) -> int:
    """What goes with the last who maps an object: its pages and its swap, where no name leads to it."""
    if not is_nameless(table, rows[0]):
        return 0
    return use.once + (_object_swap(table, rows) if with_swap else 0)


def is_nameless(table: Mappings, row: int) -> bool:
    """Whether no name leads to the object of a mapping any more, so that it goes with the last who holds it."""
    name = table.named(row)
    return is_deleted(table.name[row]) and name.named not in _NO_FILES and name.backing is not Backing.DEVICE


def _own_swap(table: Mappings, rows: Sequence[int], *, private: bool = False, vm_swap: int | None = None) -> int:
    """Swap of mappings that belongs to this process alone; with ``private``, of private mappings alone."""
    column = table.column(SmapsKey.SWAP)
    if column is None or not any(map(column.__getitem__, rows)):
        return 0
    copies = copies_in_swap(table, vm_swap=vm_swap)
    return sum(
        _own_swap_of(table, row, copies.get(row, 0) if table.is_shared_memory(row) else column[row] or 0)
        for row in compress(rows, map(column.__getitem__, rows))
        if not private or permissions(table.perms[row]).private
    )


def copies_in_swap(table: Mappings, devices: Container[str] = (), vm_swap: int | None = None) -> dict[int, int]:
    """Own copies in swap of private mappings of shared memory, by their indexes, in bytes.

    ``Swap`` counts what the object has in swap as well, ``SwapPss`` copies alone, each divided by those who hold it
    since a fork; ``vm_swap`` (VmSwap, which counts all that is a process's own) tells what that leaves out. ``devices``
    are those of tmpfs mounts. Where no SwapPss is told (before Linux 4.3), nothing tells the two apart.
    """
    swap, shares = table.column(SmapsKey.SWAP), table.column(SmapsKey.SWAP_PSS)
    swapped = [(row, size) for row, size in compress(enumerate(swap or ()), swap or ()) if size]
    of_objects = {row: size for row, size in swapped if table.is_shared_memory(row, devices)}
    found = {
        row: 0 if shares is None else min(shares[row] or 0, size)
        for row, size in of_objects.items()
        if permissions(table.perms[row]).private
    }
    if vm_swap is not None:
        untold = vm_swap - sum(size for row, size in swapped if row not in of_objects) - sum(found.values())
        for row, copies in found.items():
            more = min(max(untold, 0), of_objects[row] - copies) if copies else 0
            found[row] += more
            untold -= more
    return found


def _own_swap_of(table: Mappings, row: int, swap: int) -> int:
    """Of its own pages in swap at least so many belong to it alone, where it shares some of them since a fork."""
    shares = table.column(SmapsKey.SWAP_PSS)
    share = None if shares is None else shares[row]
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
