"""An annotated map: which regions are told together, what matters most, and what deserves attention.

Runs of like regions (a library's parts, a stack with its guard, an arena with its reserve) are one block with one
explanation.
"""

from __future__ import annotations

from operator import eq

from procmem.analyse.findings import findings
from procmem.analyse.freed import freed_of, uses_of
from procmem.analyse.inspection import classic_class
from procmem.model import kinds
from procmem.model.kinds import ByteClass, Grouping, Kind
from procmem.model.machine import kernel_stack_of
from procmem.model.note import Note, note
from procmem.model.object_use import ObjectUse
from procmem.model.proc_keys import SmapsKey, StatusKey
from procmem.model.region import Label, Regions
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.explanation import BlockForm, ExplainedBlock, Explanation, Finding, PageFacts
from procmem.model.reports.inspection import Inspection
from procmem.model.reports.resident import Surroundings
from procmem.model.snapshot import Nature, Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

__all__ = ["EXPLAIN_KEYS", "explanation", "narrowed"]

EXPLAIN_KEYS = (SmapsKey.SHARED_DIRTY, SmapsKey.ANON_HUGE_PAGES, SmapsKey.LAZY_FREE)
"""Counters of smaps that an explanation needs besides those of classification."""


def explanation(
    snapshot: Snapshot,
    regions: Regions | None,
    report: Inspection,
    *,
    page: PageFacts | None = None,
) -> Explanation:
    """Group the regions, place each in the classic layout, and say what deserves attention."""
    freed: int | None = None
    again: int | None = None
    found: tuple[Finding, ...] = ()
    classic: tuple[str, ...] = ()
    blocks: tuple[ExplainedBlock, ...] = ()
    if regions is not None:
        table = regions.mappings
        classic = tuple(regions.for_each_label(_classic))
        again_by_row: dict[int, ObjectUse] = {}
        if snapshot.has_usage:
            uses = uses_of(table)
            used_again = [(rows, use) for rows, use in uses.values() if use is not None and use.counts_again]
            again_by_row = {row: use for rows, use in used_again for row in rows}
            freed = freed_of(table, uses, snapshot.size(StatusKey.VM_SWAP))
            again = sum(use.again for _, use in used_again)
        blocks = tuple(_blocks(regions, again_by_row))
        found = tuple(findings(snapshot, regions, report, report.surroundings or Surroundings()))
    head = tuple(_head(report, freed, again, copied=regions is not None and _is_copied(regions)))
    return Explanation(report, head, classic, blocks, found, page, freed, again)


def _classic(label: Label) -> str:
    """The place in the textbook's picture."""
    return "kernel" if label.cls is ByteClass.KERNEL else classic_class(label)


def _views(regions: Regions, shown: Sequence[int]) -> int | None:
    """How much of one object ranges show, where they show parts of it again; None for other ranges."""
    table = regions.mappings
    rows = sorted({regions.vma[index] for index in shown}, key=table.offset.__getitem__)
    if len(rows) < 2 or len({(table.device[row], table.inode[row]) for row in rows}) > 1 or not table.inode[rows[0]]:
        return None
    distinct = reached = 0
    for row in rows:
        last = table.offset[row] + table.end[row] - table.start[row]
        distinct += max(last - max(table.offset[row], reached), 0)
        reached = max(reached, last)
    return distinct if 2 * distinct <= sum(table.end[row] - table.start[row] for row in rows) else None


def _is_copied(regions: Regions) -> bool:
    """Whether most of what is in memory of shared objects are private copies, which nobody else sees."""
    table = regions.mappings
    rows = {regions.vma[index] for index, label in enumerate(regions.label) if label.cls is ByteClass.SHM}
    rss, copies = table.column(SmapsKey.RSS), table.column(SmapsKey.ANONYMOUS)
    if rss is None or copies is None:
        return False
    return 2 * sum(copies[row] or 0 for row in rows) > sum(rss[row] or 0 for row in rows)


_COPIES = "shm-copied"


def _head(report: Inspection, freed: int | None, again: int | None, *, copied: bool) -> Iterator[Note]:
    """What matters most, from the figures.

    ``freed`` is what ending the process would give back, ``again`` what RES counts more than once; ``copied`` says that
    shared objects are there as private copies.
    """

    def named(row: ClassRow) -> str:
        return _COPIES if copied and row.cls == ByteClass.SHM.value else row.cls

    totals, account = report.totals, report.account
    virt, rss = totals.virt, totals.rss
    if report.process.nature is Nature.KERNEL_THREAD:
        yield note("kernel thread", stack=kernel_stack_of(report.process.machine))
        return
    if report.process.nature is Nature.ZOMBIE:
        parent = report.process.ppid
        yield note("zombie") if parent is None else note("zombie of", parent=parent)
        return
    if virt is None and rss is None:
        return
    if account is None or virt is None or rss is None:
        yield note("no mappings" if report.regions is None else "no sizes", virt=virt, rss=rss)
        return
    if 2 * rss >= virt:
        yield note("small", virt=virt, share=100 * rss // virt if virt else 0)
    elif account.reserved >= max(account.untouched, account.file_not_resident):
        yield note("reserved", virt=virt, rss=rss, reserved=account.reserved, untouched=account.untouched)
    elif account.untouched >= account.file_not_resident:
        yield note("untouched", virt=virt, rss=rss, untouched=account.untouched)
    else:
        yield note("files", virt=virt, rss=rss, files=account.file_not_resident)
    by_rss = sorted(report.classes, key=lambda row: row.rss or 0, reverse=True)
    if by_rss and by_rss[0].rss:
        first = by_rss[0]
        second = by_rss[1] if len(by_rss) > 1 else None
        if second is not None and second.rss and 10 * by_rss[0].rss < 9 * rss:
            yield note("two classes", rss=rss, first=named(first), first_size=first.rss, second=named(second),
                       second_size=second.rss)  # fmt: skip
        else:
            yield note("one class", rss=rss, first=named(first))
    if again:
        yield note("counted again", again=again, once=rss - again)
    if freed is not None:
        yield note("freed, with swap" if totals.swap else "freed", freed=freed)
    if totals.swap is None:
        yield note("swap unknown")
    elif totals.swap:
        yield note("swap", swap=totals.swap, first=max(report.classes, key=lambda row: row.swap or 0).cls)
    else:
        yield note("no swap")


def _blocks(regions: Regions, uses: Mapping[int, ObjectUse]) -> Iterator[ExplainedBlock]:
    """Group neighbours: parts of one object, a stack with guard and TLS, an arena with its rest, repeated kinds.

    ``uses`` are those of which RES counts pages more than once, by the index of the mapping.
    """
    members: list[int] = []
    touches = map(eq, regions.start, [None, *regions.end])
    for index, (joining, touching) in enumerate(zip(regions.for_each_label(_joining), touches, strict=True)):
        if members and not (joining[touching] and _belongs(regions, members, index)):
            yield _block(regions, members, uses)
            members = []
        members.append(index)
    if members:
        yield _block(regions, members, uses)


def _joining(label: Label) -> tuple[bool, bool]:
    """Whether a region of a label may belong to the block before it: apart from it, and where no byte lies between.

    That is what :func:`_belongs` asks for at least: of many thousand regions few may.
    """
    kind = label.kind
    apart = kind.grouping in (Grouping.OBJECT, Grouping.ALLOCATOR) or kind in (kinds.COROUTINE_STACK, kinds.STACK_GUARD)
    behind = kind.grouping is Grouping.NEIGHBOURS or kind is kinds.GLIBC_ARENA_RESERVE or label.cls in _STACK_PARTS
    return apart, apart or behind


def _object_of(regions: Regions, index: int) -> bytes | None:
    label = regions.label[index]
    return label.owner_name if label.kind.grouping is Grouping.OBJECT else None


_STACK_PARTS = frozenset({ByteClass.STACK, ByteClass.TLS})


def _belongs(regions: Regions, members: Sequence[int], index: int) -> bool:
    first, last = members[0], members[-1]
    here, before = regions.label[index], regions.label[last]
    if _object_of(regions, first) is not None:
        return _object_of(regions, index) == _object_of(regions, first)
    if here.kind is kinds.GLIBC_ARENA_RESERVE and before.kind is kinds.GLIBC_ARENA:
        return regions.start[index] == regions.end[last]
    touching = regions.start[index] == regions.end[last]
    if before.kind is kinds.STACK_GUARD and here.cls in _STACK_PARTS:
        return touching
    if before.cls is ByteClass.STACK and before.kind is not kinds.MAIN_STACK and here.cls is ByteClass.TLS:
        return touching
    if here.kind is kinds.COROUTINE_STACK or (
        here.kind is kinds.STACK_GUARD and _next_is(regions, index, kinds.COROUTINE_STACK)
    ):
        return any(regions.label[member].kind is kinds.COROUTINE_STACK for member in members)
    same = here.kind == before.kind and here.cls is before.cls and here.owner == before.owner
    if here.kind.grouping is Grouping.ALLOCATOR:
        return same  # blocks of one allocator, wherever they lie
    return same and touching and here.kind.grouping is Grouping.NEIGHBOURS


def narrowed(regions: Regions, blocks: Iterable[ExplainedBlock], kept: Container[int]) -> Iterator[ExplainedBlock]:
    """The blocks of some regions alone: of a part of a block nothing is said that is about the rest."""
    for block in blocks:
        members = tuple(index for index in block.regions if index in kept)
        if len(members) == len(block.regions):
            yield block
        elif members:
            form, shown = _form(regions, members)
            if form is BlockForm.OBJECT and len({regions.label[index].kind for index in members}) == 1:
                form = BlockForm.MANY
            yield ExplainedBlock(members, form, shown, block.use, _views_of(regions, form, shown))


def _views_of(regions: Regions, form: BlockForm, shown: Sequence[int]) -> int | None:
    return _views(regions, shown) if form is BlockForm.MANY else None


def _next_is(regions: Regions, index: int, kind: Kind) -> bool:
    return index + 1 < len(regions) and regions.label[index + 1].kind is kind


def _block(regions: Regions, members: Sequence[int], uses: Mapping[int, ObjectUse]) -> ExplainedBlock:
    of_all = tuple(members)
    if len(of_all) == 1:
        return ExplainedBlock(of_all, BlockForm.ONE, of_all, uses.get(regions.vma[members[0]]))
    form, shown = _form(regions, of_all)
    return ExplainedBlock(of_all, form, shown, uses.get(regions.vma[shown[0]]), _views_of(regions, form, shown))


def _form(regions: Regions, members: tuple[int, ...]) -> tuple[BlockForm, tuple[int, ...]]:
    """How a run of regions is told, and by which of them."""
    if len(members) == 1:
        return BlockForm.ONE, members
    if _object_of(regions, members[0]) is not None:
        return BlockForm.OBJECT, members
    arena = next((index for index in members if regions.label[index].kind is kinds.GLIBC_ARENA), None)
    if arena is not None and len(members) == 2:
        return BlockForm.ARENA, (arena,)
    stack = tuple(index for index in members if regions.label[index].cls is ByteClass.STACK)
    if len(stack) == 1:
        return BlockForm.ONE, stack
    return BlockForm.MANY, stack or members
