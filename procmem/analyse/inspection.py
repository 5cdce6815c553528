"""What is in this process's memory: totals, a table by class, and the account from VIRT to RES.

Every sum is over the same regions, so that a class table, an account and a list of regions can be laid side
by side. Where smaps was refused, ``status`` still tells the totals, and the rest is unknown.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import gt, sub

from procmem.model.kinds import ByteClass
from procmem.model.mapping import Mappings, Unpopulated
from procmem.model.note import Note, note
from procmem.model.proc_keys import SmapsKey, StatusKey
from procmem.model.raw import CMDLINE_BYTES_MAX, Refusal
from procmem.model.region import Label, Regions
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.inspection import Account, Band, Inspection, LayoutInShort, ProcessFacts, Tile, Totals
from procmem.model.snapshot import Nature, Snapshot
from procmem.model.unknown import exact_sum, uss_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["CLASSIC", "class_rows", "classic_class", "inspection", "merged_classes", "warnings_of"]

CLASSIC = ("text", "data", "bss", "heap", "mmap", "stack")
"""The six words of the textbook, in its order."""


def classic_class(label: Label) -> str:
    """Fold a class into the six words text, data, bss, heap, mmap and stack.

    Read-only data goes with text, as size(1) counts it; guards and reservations go with what they belong to.
    """
    return label.kind.classic.value


def inspection(
    snapshot: Snapshot,
    regions: Regions | None,
    *,
    classic: bool = False,
    peek_problem: Refusal | None = None,
    layout: LayoutInShort | None = None,
    drawn: bool = False,
) -> Inspection:
    """Put the report together.

    ``classic`` folds the classes to the six words of the textbook; ``peek_problem`` is why memory could not be read
    although that was asked for. ``layout`` is what came of the laws of the kernel's layout. ``drawn`` asks for the
    picture of the address space.
    """
    rows = () if regions is None else class_rows(regions, classic=classic)
    totals = _totals(snapshot, regions)
    bands, tiles = _drawn(snapshot, regions) if drawn and regions is not None else ((), ())
    return Inspection(
        process=_facts(snapshot),
        totals=totals,
        account=_account(snapshot, regions),
        classes=rows,
        picture=bands,
        regions=regions,
        warnings=tuple(warnings_of(snapshot, regions, peek_problem)),
        layout=layout,
        tiles=tiles,
    )


def _drawn(snapshot: Snapshot, regions: Regions) -> tuple[tuple[Band, ...], tuple[Tile, ...]]:
    """The picture of the address space: its bands, and what they are made of."""
    from procmem.analyse.picture import picture  # noqa: PLC0415  # only where it is drawn
    from procmem.analyse.tiles import tiles_of  # noqa: PLC0415  # the same

    bands = picture(snapshot, regions)
    return bands, tiles_of(regions, bands)


def _facts(snapshot: Snapshot) -> ProcessFacts:
    status, stat = snapshot.status, snapshot.stat
    age = None
    if stat is not None and snapshot.uptime is not None and snapshot.machine.clock_ticks:
        age = max(snapshot.uptime - stat.starttime / snapshot.machine.clock_ticks, 0.0)
    return ProcessFacts(
        pid=snapshot.pid,
        ppid=(status.ppid if status else None) or (stat.ppid if stat else None),
        uid=status.uid if status else None,
        comm=snapshot.comm,
        cmdline=snapshot.cmdline,
        exe=snapshot.exe,
        bits=snapshot.bits,
        machine=snapshot.machine.machine,
        kernel=snapshot.machine.kernel,
        page_size=snapshot.known_page_size,
        state=(status.fields.get(StatusKey.STATE) if status else None) or (stat.state if stat else None),
        threads=(status.threads if status else None) or (stat.num_threads if stat else None),
        nature=snapshot.nature,
        age_seconds=age,
        thread_of=snapshot.thread_of,
        read_through=snapshot.read_through,
    )


def class_rows(regions: Regions, *, classic: bool = False) -> tuple[ClassRow, ...]:
    """Sum the columns by class, in the order of the classes, those without regions left out.

    ``classic`` folds the classes to the six words of the textbook.
    """
    fold: Callable[[Label], str] = classic_class if classic else lambda label: label.kind.cls.value
    order: Iterable[str] = CLASSIC if classic else tuple(ByteClass)
    sums = regions.sums_by(fold)
    gates: dict[str, int] = {}
    for row in regions.mappings.gates():  # a gate is nobody's memory, and VmSize leaves it out
        fold_of_gate = fold(regions.label[bisect_left(regions.vma, row)])
        gates[fold_of_gate] = gates.get(fold_of_gate, 0) + regions.mappings.sizes[row]
    return tuple(
        ClassRow(str(cls), of.virt - gates.get(cls, 0), of.rss, of.pss, of.uss, of.swap, of.regions)
        for cls in order
        if (of := sums.get(cls))
    )


def merged_classes(processes: Iterable[Sequence[ClassRow]]) -> tuple[ClassRow, ...]:
    """The class tables of several processes as one; a figure that one of them does not know is None."""
    rows: dict[str, list[ClassRow]] = {}
    for classes in processes:
        for row in classes:
            rows.setdefault(row.cls, []).append(row)
    return tuple(
        ClassRow(
            cls.value,
            sum(row.virt for row in found),
            exact_sum([row.rss for row in found]),
            exact_sum([row.pss for row in found]),
            exact_sum([row.uss for row in found]),
            exact_sum([row.swap for row in found]),
            sum(row.regions for row in found),
        )
        for cls in ByteClass
        if (found := rows.get(cls.value))
    )


def _totals(snapshot: Snapshot, regions: Regions | None) -> Totals:
    table = regions.mappings if regions is not None and snapshot.has_usage else None
    if table is not None:
        huge = [table.total(SmapsKey.SHARED_HUGETLB), table.total(SmapsKey.PRIVATE_HUGETLB)]
        rss, pss, swap, swap_pss = (
            table.total(key) for key in (SmapsKey.RSS, SmapsKey.PSS, SmapsKey.SWAP, SmapsKey.SWAP_PSS)
        )
        uss = uss_of(table.total)
        hugetlb = exact_sum(huge)
    elif snapshot.rollup is not None:
        found = snapshot.rollup.get
        huge = [found(SmapsKey.SHARED_HUGETLB), found(SmapsKey.PRIVATE_HUGETLB)]
        rss, pss, swap, swap_pss = (
            found(key) for key in (SmapsKey.RSS, SmapsKey.PSS, SmapsKey.SWAP, SmapsKey.SWAP_PSS)
        )
        uss = uss_of(found)
        hugetlb = exact_sum(huge)
    else:
        rss, swap, hugetlb = snapshot.rss, snapshot.size(StatusKey.VM_SWAP), snapshot.size(StatusKey.HUGETLB_PAGES)
        pss = uss = swap_pss = None
    return Totals(
        virt=snapshot.virt,
        rss=rss,
        pss=pss,
        uss=uss,
        swap=swap,
        swap_pss=swap_pss,
        hugetlb=hugetlb,
        vm_size=snapshot.size(StatusKey.VM_SIZE),
        vm_rss=snapshot.size(StatusKey.VM_RSS),
        vm_swap=snapshot.size(StatusKey.VM_SWAP),
        page_tables=snapshot.size(StatusKey.VM_PTE),
    )


def _account(snapshot: Snapshot, regions: Regions | None) -> Account | None:
    """Divide VIRT, mapping by mapping; None without smaps, or without its counters of memory and of swap."""
    if regions is None or not snapshot.has_usage:
        return None
    table = regions.mappings
    if len(table) and (table.column(SmapsKey.SWAP) is None or table.column(SmapsKey.RSS) is None):
        return None  # what is not in memory may be in swap, and nothing says so (pmap -x, Linux before 2.6.27)
    rest = list(map(sub, table.end, table.start))
    resident, rest = _taken(rest, table.column(SmapsKey.RSS))
    # a hugetlb page has neither Rss nor Swap, and all else has no hugetlb page
    of_others, rest = _taken(rest, table.column(SmapsKey.SHARED_HUGETLB))
    of_its_own, rest = _taken(rest, table.column(SmapsKey.PRIVATE_HUGETLB))
    swapped, rest = _taken(rest, table.column(SmapsKey.SWAP))
    left = dict.fromkeys(Unpopulated, 0)
    for rows in table.rows_of_sorts():
        left[table.unpopulated(rows[0])] += sum(map(rest.__getitem__, rows))
    of_files, reserved = left[Unpopulated.FILE], left[Unpopulated.RESERVED]
    untouched = sum(rest) - of_files - reserved - left[Unpopulated.GATE]
    return Account(resident, swapped, of_others + of_its_own, of_files, untouched, reserved)


def _taken(rest: list[int], column: list[int | None] | None) -> tuple[int, list[int]]:
    """Take a counter of every mapping out of what is left of it, never more than that; the sum, and the new rest."""
    if column is None or not any(column):
        return 0, rest
    parts: Sequence[int] = [value or 0 for value in column] if None in column else column  # type: ignore[assignment]
    if any(map(gt, parts, rest)):
        parts = list(map(min, parts, rest))
    return sum(parts), list(map(sub, rest, parts))


_TELLING_FILES = frozenset({"smaps", "auxv", "cmdline", "exe"})
"""Files that are missed when they may not be read: without them something stays unknown."""
_OWN_SENTENCE = frozenset({Nature.KERNEL_THREAD, Nature.ZOMBIE})


def warnings_of(snapshot: Snapshot, regions: Regions | None, peek_problem: Refusal | None) -> Iterable[Note]:
    """What could not be read, and why; what is out of the ordinary about the task."""
    if snapshot.thread_of is not None:
        yield note("thread", tid=snapshot.pid, pid=snapshot.thread_of)
    if snapshot.nature is Nature.KERNEL_THREAD:
        yield note("kernel thread")
    elif snapshot.nature is Nature.ZOMBIE:
        yield note("zombie")
    elif snapshot.nature is Nature.DEAD_LEADER:
        if snapshot.read_through is not None:
            yield note("dead leader", tid=snapshot.read_through)
        else:
            yield note("dead leader, unread")
    yield from snapshot.notes
    if snapshot.unstable is not None:
        yield note("unstable", why=snapshot.unstable)
    if sum(len(word) + 1 for word in snapshot.cmdline or ()) >= CMDLINE_BYTES_MAX:
        yield note("cmdline cut", size=CMDLINE_BYTES_MAX)
    if snapshot.nature not in _OWN_SENTENCE:
        yield from _refused(snapshot)
    if peek_problem is not None:
        yield note("memory refused", refusal=peek_problem, right=snapshot.missing_right)
    if regions is not None:
        yield from _apportioned(regions)
    if snapshot.has_usage and snapshot.mappings is not None:
        yield from _beside_smaps(snapshot, snapshot.mappings)


def _refused(snapshot: Snapshot) -> Iterable[Note]:
    """The files that were refused, and with the last of them which right is missing."""
    found = []
    for name, refusal in snapshot.refusals.items():
        base = name.rsplit("/", 1)[-1]
        if base == "smaps" and snapshot.mappings is not None:
            found.append(("maps instead", {"file": name, "refusal": refusal}))
        elif base in _TELLING_FILES and not (base == "exe" and snapshot.exe is None and refusal is Refusal.UNRECORDED):
            found.append(("refused", {"file": name, "refusal": refusal, "base": base}))
    denied = [at for at, (_, figures) in enumerate(found) if figures["refusal"] is Refusal.DENIED]
    for at, (code, figures) in enumerate(found):
        yield note(code, **figures, right=snapshot.missing_right if at in denied[-1:] else None)


def _apportioned(regions: Regions) -> Iterable[Note]:
    about = {name for share in regions.shares.values() for name in share.about}
    if "rss" in about:
        yield note("shared out")


def _beside_smaps(snapshot: Snapshot, table: Mappings) -> Iterable[Note]:
    swap, vm_swap = table.total(SmapsKey.SWAP), snapshot.size(StatusKey.VM_SWAP)
    if swap is not None and vm_swap is not None and swap > vm_swap:
        yield note("shared memory in swap", swap_kib=swap // 1024, shared_kib=(swap - vm_swap) // 1024)
    untold = [row for row, held in table.hugetlb().items() if held is None]
    if untold:
        yield note("hugetlb untold", size=sum(table.sizes[row] for row in untold))
