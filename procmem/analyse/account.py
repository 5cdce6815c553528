"""Where the memory went: VIRT, RES, PSS and swap, each divided into leaves that add up to it to the byte.

Every leaf is a sum over regions of one class. smaps counts whole mappings: where one holds pages of several kinds, or
several regions, its counters are dealt out so that all margins stay exact (a page is anonymous before it is of the
file, and dirty before it is clean).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial, reduce
from itertools import chain, compress, groupby
from operator import add, and_, attrgetter, eq, le, sub

from procmem.analyse.freed import copies_in_swap, freed_of, uses_of
from procmem.analyse.inspection import inspection
from procmem.analyse.reconcile import reconcile
from procmem.model.kinds import ByteClass
from procmem.model.machine import kernel_stack_of
from procmem.model.mapping import Mappings, Unpopulated
from procmem.model.object_use import ObjectUse
from procmem.model.proc_keys import SmapsKey, StatusKey
from procmem.model.region import Regions
from procmem.model.reports.account import AccountLeaf, AccountReport, AccountTotals, Leaf, Readings
from procmem.model.snapshot import Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["ACCOUNT_KEYS", "account_report"]

_HUGE_KEYS = (SmapsKey.ANON_HUGE_PAGES, SmapsKey.SHMEM_PMD_MAPPED, SmapsKey.FILE_PMD_MAPPED)
ACCOUNT_KEYS = (SmapsKey.SHARED_CLEAN, SmapsKey.SHARED_DIRTY, SmapsKey.KSM, SmapsKey.LAZY_FREE, *_HUGE_KEYS)
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
_SET_APART = (
    (SmapsKey.LAZY_FREE, AccountLeaf.ANONYMOUS_LAZILY_FREED,
     (AccountLeaf.ANONYMOUS_PRIVATE_CLEAN, AccountLeaf.ANONYMOUS_SHARED_CLEAN)),
    (SmapsKey.KSM, AccountLeaf.ANONYMOUS_MERGED,
     (AccountLeaf.ANONYMOUS_SHARED_DIRTY, AccountLeaf.ANONYMOUS_SHARED_CLEAN,
      AccountLeaf.ANONYMOUS_PRIVATE_DIRTY, AccountLeaf.ANONYMOUS_PRIVATE_CLEAN)),
)  # fmt: skip
"""Anonymous pages that have a counter of their own, its leaf, and what they are taken out of, the first as far as it
goes: pages given back are clean, and merged ones are most often shared."""
_Cells = dict[AccountLeaf, int]
_class_of = attrgetter("kind.cls")
"""The class of a label; there may be sixty thousand."""


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
        table = regions.mappings
        uses = uses_of(table)
        used = [(rows, use) for rows, use in uses.values() if use is not None and use.counts_again]
        copies = copies_in_swap(table, readings.shmem_devices, snapshot.size(StatusKey.VM_SWAP))
        leaves = tuple(_leaves(regions, readings.shmem_devices, used, copies))
        freed, again = freed_of(table, uses, snapshot.size(StatusKey.VM_SWAP)), sum(use.again for _, use in used)
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


def _huge_pages(snapshot: Snapshot) -> int | None:
    """Bytes in transparent huge pages, of whatever memory; None where this kernel does not count them."""
    if snapshot.mappings is None:
        return None
    parts = [part for key in _HUGE_KEYS if (part := snapshot.mappings.total(key)) is not None]
    return sum(parts) if parts else None


def _leaves(regions: Regions, shmem_devices: frozenset[str], used: _Used, copies: dict[int, int]) -> Iterator[Leaf]:
    """All leaves, by total, then by name in the order of the table, then by class."""
    members = _by_mapping(regions)
    sums: Counter[_Key] = Counter()
    plain = _regular_rows(regions, members)
    _add_in_bulk(sums, regions, {row: members[row][0] for row in plain}, shmem_devices)
    _add_one_by_one(sums, regions, {row: found for row, found in members.items() if row not in plain}, shmem_devices)
    _add_swap(sums, regions, members, shmem_devices, copies)
    for rows, use in used:
        of_object = {row: members[row] for row in rows}
        _count_once(sums, regions, of_object, use, shmem=regions.mappings.is_shared_memory(rows[0], shmem_devices))
    for leaf in AccountLeaf:
        for known in ByteClass:
            if size := sums[leaf, known]:
                yield Leaf(leaf, known.value, size)


_Key = tuple[AccountLeaf, ByteClass]


def _regular_rows(regions: Regions, members: dict[int, list[int]]) -> dict[int, None]:
    """The mappings of one region whose figures are all known and fit together, as those of the kernel do."""
    table = regions.mappings
    columns = [table.column(key) for key in (*_COUNTERS, SmapsKey.ANONYMOUS, SmapsKey.RSS, SmapsKey.SWAP)]
    if any(column is None or None in column for column in [*columns, table.column(SmapsKey.PSS)]):
        return {}
    *counters, anonymous, rss, swap = columns
    resident = list(reduce(partial(map, add), counters))  # type: ignore[arg-type]
    adds_up = map(eq, resident, rss)  # type: ignore[arg-type]
    has_room = map(le, map(add, map(add, resident, swap), _huge(table)), table.sizes)  # type: ignore[arg-type]
    regular = list(map(and_, map(and_, adds_up, map(le, anonymous, resident)), has_room))  # type: ignore[arg-type]
    return {row: None for row, found in members.items() if len(found) == 1 and regular[row]}


def _huge(table: Mappings) -> list[int]:
    """The hugetlb pages of each mapping, in bytes."""
    sizes = [0] * len(table)
    for row, held in table.hugetlb().items():
        sizes[row] = held or 0
    return sizes


def _add_in_bulk(
    sums: Counter[_Key], regions: Regions, region_of: dict[int, int], shmem_devices: frozenset[str]
) -> None:
    """Add up mappings that have one region each, and figures that fit together: column by column, not one by one.

    ``region_of`` has the region of each.
    """
    if not region_of:
        return
    table = regions.mappings
    known: Callable[[str], list[int]] = lambda key: table.usage[key]  # type: ignore[assignment,return-value]  # noqa: E731
    swap, huge, pss = known(SmapsKey.SWAP), _huge(table), known(SmapsKey.PSS)
    anonymous = list(known(SmapsKey.ANONYMOUS))
    own: dict[AccountLeaf, list[int]] = {}
    of_counters = []  # anonymous pages take the dirty counters first
    for key, own_leaf in zip(_COUNTERS, _ANONYMOUS, strict=True):
        own[own_leaf] = list(map(min, anonymous, known(key)))
        anonymous = list(map(sub, anonymous, own[own_leaf]))
        of_counters.append((_column(own[own_leaf]), _column(known(key))))
    _set_apart_in_bulk(own, table)
    of_own = {leaf: _column(column) for leaf, column in own.items()}
    own_share = map(min, map(add, known(SmapsKey.PRIVATE_CLEAN), known(SmapsKey.PRIVATE_DIRTY)), pss)
    columns = list(map(_column, (table.sizes, known(SmapsKey.RSS), swap, huge, pss, list(own_share))))
    for ((shmem, unpopulated), cls), rows in _groups(regions, region_of, shmem_devices).items():
        size, resident, swapped, of_huge, share, private = (_total(column, rows) for column in columns)
        sums[AccountLeaf.RESIDENT, cls] += resident
        sums[AccountLeaf.HUGETLB, cls] += of_huge
        sums[AccountLeaf.SWAPPED, cls] += swapped
        sums[unpopulated, cls] += size - resident - swapped - of_huge
        for leaf, column in of_own.items():
            sums[leaf, cls] += _total(column, rows)
        for other_leaf, (owned, counter) in zip(_SHMEM if shmem else _FILE, of_counters, strict=True):
            sums[other_leaf, cls] += _total(counter, rows) - _total(owned, rows)
        sums[AccountLeaf.PSS_PRIVATE, cls] += private
        sums[AccountLeaf.PSS_ITS_SHARE_OF_SHARED, cls] += share - private


def _set_apart_in_bulk(own: dict[AccountLeaf, list[int]], table: Mappings) -> None:
    """Take out of the columns of anonymous pages those that have a counter of their own, each a column as well."""
    for key, leaf, sources in _SET_APART:
        left = [size or 0 for size in table.column(key) or ()]
        if not any(left):
            continue
        own[leaf] = [0] * len(left)
        for source in sources:
            part = list(map(min, left, own[source]))
            own[source], left = list(map(sub, own[source], part)), list(map(sub, left, part))
            own[leaf] = list(map(add, own[leaf], part))


def _column(values: list[int]) -> list[int] | None:
    """A column to be added up; None where it is nothing but zeros, as many are."""
    return values if any(values) else None


def _total(column: list[int] | None, rows: Sequence[int]) -> int:
    return 0 if column is None else sum(map(column.__getitem__, rows))


def _groups(
    regions: Regions, region_of: dict[int, int], shmem_devices: frozenset[str]
) -> dict[tuple[tuple[bool, AccountLeaf], ByteClass], list[int]]:
    """The mappings that are added up alike: by what all of a sort share, and by class."""
    table = regions.mappings
    traits = {
        sort: (table.is_shared_memory(row, shmem_devices), _UNPOPULATED[table.unpopulated(row)])
        for sort, row in {table.sort[row]: row for row in region_of}.items()
    }
    classes = regions.for_each_label(lambda label: label.cls)
    of_rows = map(traits.__getitem__, map(table.sort.__getitem__, region_of))
    groups: defaultdict[tuple[tuple[bool, AccountLeaf], ByteClass], list[int]] = defaultdict(list)
    for key, row in zip(
        zip(of_rows, map(classes.__getitem__, region_of.values()), strict=True), region_of, strict=True
    ):
        groups[key].append(row)
    return groups


def _add_one_by_one(
    sums: Counter[_Key], regions: Regions, members: dict[int, list[int]], shmem_devices: frozenset[str]
) -> None:
    """Add up any mappings; ``members`` are the regions of each."""
    for row, found in members.items():
        shmem = regions.mappings.is_shared_memory(row, shmem_devices)
        space, memory = _virt(regions, row, found), _dealt(regions, row, found, shmem=shmem)
        for index, virt, rss in zip(found, space, memory, strict=True):
            cls = regions.label[index].cls
            for leaf, size in (*virt.items(), *rss.items(), *_shares(regions, index)):
                sums[leaf, cls] += size


def _count_once(
    sums: Counter[_Key], regions: Regions, members: dict[int, list[int]], use: ObjectUse, *, shmem: bool
) -> None:
    """Take what RES counts beyond the first time out of the shared leaves of one object, all margins kept.

    What nobody else maps is not shared, however often this process maps it. ``members`` are the regions of each of
    the object's mappings.
    """
    sort = _SHMEM if shmem else _FILE
    again, alone = use.again, use.shared_once if use.alone else 0
    rows = list(reversed(members))
    firsts = [members[row][0] for row in rows]
    for at, key in ((1, SmapsKey.SHARED_DIRTY), (3, SmapsKey.SHARED_CLEAN)):
        column = regions.mappings.column(key)
        sizes = [] if column is None else list(map(column.__getitem__, rows))
        for cls, start, end in _runs_of_classes(regions, firsts) if any(sizes) else ():
            if not again and not alone:
                break
            left = min(sum(filter(None, sizes[start:end])), sums[sort[at], cls])
            beyond = min(left, again)
            once = min(left - beyond, alone)
            sums[sort[at], cls] -= beyond + once
            sums[AccountLeaf.COUNTED_AGAIN, cls] += beyond
            sums[sort[at - 1], cls] += once
            again, alone = again - beyond, alone - once
    if use.alone:
        _share_mapped_again(sums, regions, list(chain.from_iterable(members.values())))


def _share_mapped_again(sums: Counter[_Key], regions: Regions, indexes: Sequence[int]) -> None:
    """Take the share of an object that nobody else maps out of what is shared with others."""
    figures = [(regions.pss[index], regions.uss[index]) for index in indexes]
    beyond = [0 if pss is None or uss is None else pss - uss for pss, uss in figures]
    for cls, start, end in _runs_of_classes(regions, indexes):
        some = beyond[start:end]
        for share in [sum(some)] if min(some) >= 0 else some:
            size = min(share, sums[AccountLeaf.PSS_ITS_SHARE_OF_SHARED, cls])
            sums[AccountLeaf.PSS_ITS_SHARE_OF_SHARED, cls] -= size
            sums[AccountLeaf.PSS_MAPPED_AGAIN, cls] += size


def _runs_of_classes(regions: Regions, indexes: Sequence[int]) -> Iterator[tuple[ByteClass, int, int]]:
    """Regions of one class that follow each other, which are most of an object's: the class, and their places."""
    start = 0
    for cls, run in groupby(map(_class_of, map(regions.label.__getitem__, indexes))):
        end = start + sum(1 for _ in run)
        yield cls, start, end
        start = end


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
    for counter, leaf, sources in _SET_APART:
        column = table.column(counter)
        _set_apart(cells, leaf, sources, 0 if column is None else column[row] or 0)
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


def _set_apart(cells: _Cells, leaf: AccountLeaf, sources: Sequence[AccountLeaf], size: int) -> None:
    """Take pages that have a counter of their own out of others."""
    cells[leaf] = 0
    for source in sources:
        part = min(cells[source], size)
        cells[source] -= part
        cells[leaf] += part
        size -= part


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


def _shares(regions: Regions, index: int) -> Iterator[tuple[AccountLeaf, int]]:
    """PSS of one region."""
    pss, uss = regions.pss[index], regions.uss[index]
    if pss is not None and uss is not None:
        private = min(uss, pss)  # in what the kernel writes, uss is never more
        yield AccountLeaf.PSS_PRIVATE, private
        yield AccountLeaf.PSS_ITS_SHARE_OF_SHARED, pss - private


def _add_swap(
    sums: Counter[_Key],
    regions: Regions,
    members: dict[int, list[int]],
    shmem_devices: frozenset[str],
    copies: dict[int, int],
) -> None:
    """Add up what is in swap; ``copies`` are own ones of private mappings of shared memory, by mapping."""
    table = regions.mappings
    swapped = table.column(SmapsKey.SWAP)
    for row in [] if swapped is None or not any(swapped) else compress(members, map(swapped.__getitem__, members)):
        of_object = table.is_shared_memory(row, shmem_devices)
        own = copies.get(row, 0)
        for index in members[row]:
            swap = regions.swap[index] or 0
            private = min(own, swap) if of_object else swap
            own -= private
            cls = regions.label[index].cls
            sums[AccountLeaf.SWAP_PRIVATE, cls] += private
            sums[AccountLeaf.SWAP_SHARED_MEMORY, cls] += swap - private
