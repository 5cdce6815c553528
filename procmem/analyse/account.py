"""Where the memory went: VIRT, RES, PSS and swap, each divided into leaves that add up to it to the byte.

Every leaf is a sum over regions of one class. smaps counts whole mappings: where one holds pages of several kinds, or
several regions, its counters are dealt out so that all margins stay exact (a page is anonymous before it is of the
file, and dirty before it is clean).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from operator import sub

from procmem.analyse.freed import freed_of, objects_of, use_of
from procmem.analyse.inspection import inspection
from procmem.analyse.reconcile import reconcile
from procmem.model.kinds import ByteClass
from procmem.model.machine import kernel_stack_of
from procmem.model.mapping import Mappings, Unpopulated
from procmem.model.object_use import ObjectUse
from procmem.model.permissions import permissions
from procmem.model.proc_keys import SmapsKey
from procmem.model.region import Regions
from procmem.model.reports.account import AccountLeaf, AccountReport, AccountTotals, Leaf, Readings
from procmem.model.snapshot import Snapshot

__all__ = ["ACCOUNT_KEYS", "account_report"]

_HUGE_KEYS = (SmapsKey.ANON_HUGE_PAGES, SmapsKey.SHMEM_PMD_MAPPED, SmapsKey.FILE_PMD_MAPPED)
ACCOUNT_KEYS = (SmapsKey.SHARED_CLEAN, SmapsKey.SHARED_DIRTY, SmapsKey.KSM, *_HUGE_KEYS)
"""Counters of smaps that the account needs besides those of classification."""

_ANONYMOUS, _FILE, _SHMEM = (
    (AccountLeaf.ANONYMOUS_PRIVATE_DIRTY, AccountLeaf.ANONYMOUS_SHARED_DIRTY,
     AccountLeaf.ANONYMOUS_PRIVATE_CLEAN, AccountLeaf.ANONYMOUS_SHARED_CLEAN),
    (AccountLeaf.FILE_PRIVATE_DIRTY, AccountLeaf.FILE_SHARED_DIRTY,
     AccountLeaf.FILE_PRIVATE_CLEAN, AccountLeaf.FILE_SHARED_CLEAN),
    (AccountLeaf.SHMEM_PRIVATE_DIRTY, AccountLeaf.SHMEM_SHARED_DIRTY,
     AccountLeaf.SHMEM_PRIVATE_CLEAN, AccountLeaf.SHMEM_SHARED_CLEAN),
)  # fmt: skip
"""What resident pages of one kind are, in the order of the counters below."""
_UNPOPULATED = {
    Unpopulated.UNTOUCHED: AccountLeaf.NEVER_TOUCHED,
    Unpopulated.NOT_COMMITTED: AccountLeaf.NOT_COMMITTED,
    Unpopulated.SHARED_MEMORY: AccountLeaf.SHMEM_NOT_RESIDENT,
    Unpopulated.FILE: AccountLeaf.FILE_NOT_RESIDENT,
    Unpopulated.RESERVED: AccountLeaf.RESERVED,
}
_COUNTERS = (SmapsKey.PRIVATE_DIRTY, SmapsKey.SHARED_DIRTY, SmapsKey.PRIVATE_CLEAN, SmapsKey.SHARED_CLEAN)
_FIGURES = (
    *_COUNTERS,
    SmapsKey.ANONYMOUS,
    SmapsKey.RSS,
    SmapsKey.PSS,
    SmapsKey.SWAP,
    SmapsKey.SWAP_PSS,
    SmapsKey.SHARED_HUGETLB,
    SmapsKey.PRIVATE_HUGETLB,
)
"""All that a mapping's leaves follow from, besides its size, its sort and its class."""
_Cells = dict[AccountLeaf, int]


def account_report(snapshot: Snapshot, regions: Regions | None, readings: Readings) -> AccountReport:
    """Divide each total into leaves, and lay beside it what other files and programs say."""
    seen = inspection(snapshot, regions)
    totals = AccountTotals(seen.totals.virt, seen.totals.rss, seen.totals.pss, seen.totals.uss, seen.totals.swap)
    stack = kernel_stack_of(snapshot.machine.machine)
    threads = seen.process.threads
    leaves: tuple[Leaf, ...] = ()
    freed: int | None = None
    again: int | None = None
    if regions is not None and snapshot.has_usage:
        used = _used_several_times(regions.mappings)
        leaves = tuple(_leaves(regions, readings.shmem_devices, used))
        freed, again = freed_of(regions.mappings), sum(use.again for _, use in used)
    return AccountReport(
        process=seen.process,
        totals=totals,
        leaves=leaves,
        page_tables=seen.totals.page_tables,
        kernel_stacks=None if stack is None or threads is None else stack * threads,
        reconciliation=reconcile(snapshot, totals, readings),
        warnings=seen.warnings,
        huge_pages=_huge_pages(snapshot),
        merged=snapshot.mappings.total(SmapsKey.KSM) if snapshot.mappings is not None else None,
        numa_nodes=readings.numa_nodes,
        has_usage=snapshot.has_usage,
        freed=freed,
        again=again,
    )


_Used = list[tuple[list[int], ObjectUse]]


def _used_several_times(table: Mappings) -> _Used:
    """The objects of which RES counts pages more than once, with their mappings."""
    found = []
    for rows in objects_of(table).values():
        use = use_of(table, rows) if len(rows) > 1 else None
        if use is not None and use.times > 1 and use.again > 0:
            found.append((rows, use))
    return found


def _huge_pages(snapshot: Snapshot) -> int | None:
    """Bytes in transparent huge pages, of whatever memory; None where this kernel does not count them."""
    if snapshot.mappings is None:
        return None
    parts = [part for key in _HUGE_KEYS if (part := snapshot.mappings.total(key)) is not None]
    return sum(parts) if parts else None


def _leaves(regions: Regions, shmem_devices: frozenset[str], used: _Used) -> Iterator[Leaf]:
    """All leaves, by total, then by name in the order of the table, then by class."""
    sums: Counter[_Key] = Counter()
    for (row, members), count in _different(regions):
        shmem = regions.mappings.is_shared_memory(row, shmem_devices)
        space, memory = _virt(regions, row, members), _dealt(regions, row, members, shmem=shmem)
        for index, virt, rss in zip(members, space, memory, strict=True):
            cls = regions.label[index].cls
            for leaf, size in (*virt.items(), *rss.items(), *_shares(regions, index, shmem=shmem)):
                sums[leaf, cls] += size * count
    by_mapping = _by_mapping(regions) if used else {}
    for rows, use in used:
        of_object = {row: by_mapping[row] for row in rows}
        _count_once(sums, regions, of_object, use, shmem=regions.mappings.is_shared_memory(rows[0], shmem_devices))
    for leaf in AccountLeaf:
        for known in ByteClass:
            if size := sums[leaf, known]:
                yield Leaf(leaf, known.value, size)


_Key = tuple[AccountLeaf, ByteClass]


def _different(regions: Regions) -> Iterator[tuple[tuple[int, list[int]], int]]:
    """Mappings with their regions, and how many there are of which all figures are the same.

    A process with many thousand mappings has few different ones.
    """
    table = regions.mappings
    figures = list(
        zip(
            table.sort,
            map(sub, table.end, table.start),
            *(column for key in _FIGURES if (column := table.column(key)) is not None),
            strict=True,
        )
    )
    first: dict[tuple[object, ...], tuple[int, list[int]]] = {}
    counts: Counter[tuple[object, ...]] = Counter()
    for row, members in _by_mapping(regions).items():
        if len(members) == 1:
            alike: tuple[object, ...] = (figures[row], regions.label[members[0]].cls)
        else:
            alike = (row,)  # what is divided is dealt with by itself
        first.setdefault(alike, (row, members))
        counts[alike] += 1
    return ((first[alike], count) for alike, count in counts.items())


def _count_once(
    sums: Counter[_Key], regions: Regions, members: dict[int, list[int]], use: ObjectUse, *, shmem: bool
) -> None:
    """Take what RES counts beyond the first time out of the shared leaves of one object, all margins kept.

    What nobody else maps is not shared, however often this process maps it. ``members`` are the regions of each of
    the object's mappings.
    """
    sort = _SHMEM if shmem else _FILE
    again, alone = use.again, use.shared_once if use.alone else 0
    for at, key in ((1, SmapsKey.SHARED_DIRTY), (3, SmapsKey.SHARED_CLEAN)):
        column = regions.mappings.column(key)
        for row, (region, *_) in reversed(members.items()) if column is not None else ():
            cls = regions.label[region].cls
            left = min((column or [])[row] or 0, sums[sort[at], cls])
            beyond = min(left, again)
            once = min(left - beyond, alone)
            sums[sort[at], cls] -= beyond + once
            sums[AccountLeaf.COUNTED_AGAIN, cls] += beyond
            sums[sort[at - 1], cls] += once
            again, alone = again - beyond, alone - once
    for index in (at for indexes in members.values() for at in indexes) if use.alone else ():
        pss, uss = regions.pss[index], regions.uss[index]
        if pss is not None and uss is not None:
            cls = regions.label[index].cls
            size = min(pss - uss, sums[AccountLeaf.PSS_ITS_SHARE_OF_SHARED, cls])
            sums[AccountLeaf.PSS_ITS_SHARE_OF_SHARED, cls] -= size
            sums[AccountLeaf.PSS_MAPPED_AGAIN, cls] += size


def _by_mapping(regions: Regions) -> dict[int, list[int]]:
    """The regions of each mapping; gates are left out, since no total counts them."""
    members: dict[int, list[int]] = {}
    gates = set(regions.mappings.gates())
    for index, row in enumerate(regions.vma):
        if row not in gates:
            members.setdefault(row, []).append(index)
    return members


def _virt(regions: Regions, row: int, members: Sequence[int]) -> list[_Cells]:
    """What the address space of a mapping is today, dealt out to its regions.

    Regions may end within a page, while the kernel counts pages: what does not fit into one goes to its neighbour.
    """
    table = regions.mappings
    left = table.end[row] - table.start[row]
    room = [regions.end[index] - regions.start[index] for index in members]
    cells: list[_Cells] = [{} for _ in members]
    huge = sum(
        column[row] or 0 for key in (SmapsKey.SHARED_HUGETLB, SmapsKey.PRIVATE_HUGETLB) if (column := table.column(key))
    )
    for leaf, sizes in (
        (AccountLeaf.RESIDENT, [regions.rss[index] or 0 for index in members]),
        (AccountLeaf.HUGETLB, [huge] * len(members)),
        (AccountLeaf.SWAPPED, [regions.swap[index] or 0 for index in members]),
    ):
        total = min(huge if leaf is AccountLeaf.HUGETLB else sum(sizes), left)
        left -= total
        for wanted in (sizes, room):
            for at, size in enumerate(wanted):
                part = min(size, total, room[at])
                cells[at][leaf] = cells[at].get(leaf, 0) + part
                room[at] -= part
                total -= part
    for at, size in enumerate(room):
        cells[at][_UNPOPULATED[regions.mappings.unpopulated(row)]] = size
    return cells


def _dealt(regions: Regions, row: int, members: Sequence[int], *, shmem: bool) -> list[_Cells]:
    """The resident pages of one mapping by kind and sharing, dealt out to its regions; all margins stay exact."""
    table = regions.mappings
    columns = [table.column(key) for key in (*_COUNTERS, SmapsKey.ANONYMOUS, SmapsKey.RSS)]
    figures = [None if column is None else column[row] for column in columns]
    if None in figures:
        return [{} for _ in members]
    *counters, anonymous, rss = (figure or 0 for figure in figures)
    anonymous = min(anonymous, rss)
    kinds = _ANONYMOUS, _SHMEM if shmem else _FILE
    cells = _crossed((anonymous, rss - anonymous), _adding_up(counters, rss), kinds)
    answer: list[_Cells] = []
    for index in members:
        wanted, own = regions.rss[index] or 0, {}
        for key, size in cells.items():
            own[key] = min(size, wanted)
            wanted -= own[key]
        for key, size in own.items():
            cells[key] -= size
        answer.append(own)
    return answer


def _adding_up(counters: Sequence[int], rss: int) -> list[int]:
    """Counters whose sum is Rss, whatever a text says: what they miss is the first's, what is too much the last's."""
    fitted = []
    left = rss
    for counter in counters:
        fitted.append(min(counter, left))
        left -= fitted[-1]
    fitted[0] += left
    return fitted


def _crossed(kinds: tuple[int, int], counters: Sequence[int], leaves: tuple[Sequence[AccountLeaf], ...]) -> _Cells:
    """Two margins made one table: anonymous pages take the dirty counters first."""
    cells: _Cells = {}
    left = list(kinds)
    for *pair, size in zip(*leaves, counters, strict=True):
        for at, leaf in enumerate(pair):
            part = min(left[at], size)
            left[at] -= part
            size -= part  # noqa: PLW2901  # what is left of this counter
            cells[leaf] = part
    return cells


def _shares(regions: Regions, index: int, *, shmem: bool) -> Iterator[tuple[AccountLeaf, int]]:
    """PSS and swap of one region."""
    pss, uss, swap = regions.pss[index], regions.uss[index], regions.swap[index]
    if pss is not None and uss is not None:
        private = min(uss, pss)  # in what the kernel writes, uss is never more
        yield AccountLeaf.PSS_PRIVATE, private
        yield AccountLeaf.PSS_ITS_SHARE_OF_SHARED, pss - private
    if swap:
        shares = regions.mappings.column(SmapsKey.SWAP_PSS)
        # SwapPss leaves the object's pages out, so a private mapping with some of it has copies of its own in swap
        copies = permissions(regions.mappings.perms[regions.vma[index]]).private and bool(
            shares and shares[regions.vma[index]]
        )
        yield AccountLeaf.SWAP_SHARED_MEMORY if shmem and not copies else AccountLeaf.SWAP_PRIVATE, swap
