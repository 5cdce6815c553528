"""Who else maps the same objects, what is private to us, and what would be freed if we went.

A shared library is in memory once; every process that maps it points to the same pages. What is private is
what it wrote to (relocations, data), or what nobody else happens to map at the moment.
"""

from collections.abc import Iterable, Iterator, Mapping

from procmem.analyse.freed import ObjectKey, freed_by_anonymous, freed_by_object, use_of
from procmem.model.mapping import Mappings
from procmem.model.note import Note, note
from procmem.model.proc_keys import SmapsKey
from procmem.model.region import Regions
from procmem.model.reports.shared import SharedObject, SharedReport, Sharer
from procmem.model.snapshot import Snapshot
from procmem.model.unknown import exact_sum, known_sum, uss_of
from procmem.model.vma_names import Backing, KernelName

__all__ = ["ObjectKey", "object_keys", "shared_report"]

_ANONYMOUS = ("", 0)
_SORTS = {
    KernelName.MEMFD: "memfd",
    KernelName.SYSV: "sysv",
    KernelName.POSIX: "posix",
    KernelName.SHARED_ZERO: "anon-shared",
    KernelName.ANON_HUGEPAGE: "hugetlb",
    KernelName.SECRETMEM: "secretmem",
}


def object_keys(mappings: Mappings) -> frozenset[ObjectKey]:
    """The objects that a process maps, by device and inode."""
    return frozenset((device, inode) for device, inode in zip(mappings.device, mappings.inode, strict=True) if inode)


def shared_report(
    snapshot: Snapshot,
    regions: Regions | None,
    others: Mapping[ObjectKey, tuple[Sharer, ...]],
    *,
    looked_at: int,
    unreadable: int,
    warnings: Iterable[Note] = (),
) -> SharedReport:
    """Sum the mappings of each object. ``others`` are the other processes that map an object."""
    table = regions.mappings if regions is not None else snapshot.mappings
    rows: dict[tuple[str, int, str], list[int]] = {}
    gates = set(table.gates()) if table is not None else set()
    for row in range(len(table) if table is not None else 0):
        assert table is not None
        if row in gates:
            continue
        sort = _sort(table, row)
        key = _ANONYMOUS if sort == "anonymous" else (table.device[row], table.inode[row])
        rows.setdefault((*key, sort), []).append(row)
    objects = []
    is_complete = looked_at > 0 and not unreadable
    for (device, inode, sort), members in rows.items():
        assert table is not None
        sharers = others.get((device, inode), ())
        objects.append(_object(table, (device, inode), sort, members, sharers, is_complete=is_complete))
    objects.sort(key=lambda item: (item.rss or 0, item.virt), reverse=True)
    said = (*warnings, *_in_huge_pages(snapshot))
    return SharedReport(snapshot.pid, snapshot.comm, tuple(objects), looked_at, unreadable, said)


def _in_huge_pages(snapshot: Snapshot) -> Iterator[Note]:
    """What no figure of an object holds, where there is any of it."""
    held = known_sum(snapshot.mappings.hugetlb().values()) if snapshot.mappings is not None else None
    if held:
        yield note("hugetlb beside", size=held)


def _sort(table: Mappings, row: int) -> str:
    name = table.named(row)
    if not table.inode[row] or name.named is KernelName.PRIVATE_ZERO:
        return "anonymous"
    return _SORTS.get(name.named, "device" if name.backing is Backing.DEVICE else "file")


def _object(
    table: Mappings,
    key: ObjectKey,
    sort: str,
    members: list[int],
    sharers: tuple[Sharer, ...],
    *,
    is_complete: bool,
) -> SharedObject:
    """One object. Where not all other processes could be looked at, the figures of smaps say whether any maps it."""

    def total(name: str) -> int | None:
        column = table.column(name)
        return None if column is None else exact_sum(column[row] for row in members)

    rss, pss, swap, anonymous = (
        total(name) for name in (SmapsKey.RSS, SmapsKey.PSS, SmapsKey.SWAP, SmapsKey.ANONYMOUS)
    )
    private = uss_of(total)
    others = True if sharers else False if is_complete else None
    use = None if sort == "anonymous" else use_of(table, members)
    name = b"[anonymous]" if sort == "anonymous" else table.name[members[0]]
    return SharedObject(
        name=name,
        device=key[0],
        inode=key[1],
        sort=sort,
        virt=sum(table.end[row] - table.start[row] for row in members),
        rss=rss,
        pss=pss,
        private=private,
        shared=None if rss is None or private is None else rss - private,
        copies=None if sort == "anonymous" else anonymous,
        swap=swap,
        times=None if sort == "anonymous" or use is None else use.times,
        once=rss if sort == "anonymous" else None if use is None or rss is None else rss - use.again,
        freed=freed_by_anonymous(table, members) if use is None else freed_by_object(table, members, others=others),
        sharers=sharers,
    )
