"""What grew between two looks: regions matched by what they are, not by where they are.

A restarted program has everything at other addresses, other thread ids, and libraries in another order. So a region's
identity is its class, kind and owner (the file, the thread by number and name, the arena by its threads), and regions
of one identity are summed. Within one process, threads are known by their ids, and memory that nobody owns is matched
by address as well: ranges that overlap are the same thing, grown or shrunk.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from procmem.errors import AccessRefused
from procmem.model import owners
from procmem.model.kinds import ByteClass, Kind
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.owners import Thread
from procmem.model.region import Certainty, Region, Regions
from procmem.model.reports.diff import (
    Change,
    ClassChange,
    DiffReport,
    Figures,
    NumberedThread,
    Whose,
    held_growth,
    virt_growth,
)
from procmem.model.snapshot import Snapshot
from procmem.model.unknown import exact_sum

__all__ = ["SUMS", "Condition", "Look", "diff_report"]

SUMS = ("rss", "pss", "uss")
"""Figures of the whole process that a condition may be about, besides classes and their total."""


class Look(NamedTuple):
    """One side: what it is called, the process, its regions."""

    name: str
    snapshot: Snapshot
    regions: Regions


class Condition(NamedTuple):
    """One --fail-if-grows: a class, ``total`` or a sum, and by how much it may grow, in bytes or in per cent."""

    text: str
    cls: str
    size: int | None
    percent: float | None


_Key = tuple[str, Kind, Whose, int]


def diff_report(
    before: Look, after: Look, *, threshold: int, conditions: Iterable[Condition] = (), warnings: Iterable[Note] = ()
) -> DiffReport:
    """Lay two looks side by side; what changed by less than ``threshold`` bytes counts as the same."""
    same_process = _same_process(before.snapshot, after.snapshot)
    clusters = _clusters(before.regions, after.regions) if same_process else []
    # where one look knows the arena of a block and the other does not, arenas are told together
    both = (before.snapshot, after.snapshot) if same_process else ()
    known = {isinstance(owner, owners.Arena) for look in (before, after) for owner in _arena_owners(look.regions)}
    first, last = (
        _grouped(look, clusters, _Namer(snapshots, by_id=same_process, by_arena=len(known) < 2))
        for look, snapshots in ((before, both or (before.snapshot,)), (after, both or (after.snapshot,)))
    )
    changes = [_change(key, first.get(key, []), last.get(key, []), threshold) for key in dict.fromkeys((*first, *last))]
    changes = [change._replace(owner=_with_ids(change.owner, before.snapshot, after.snapshot)) for change in changes]
    changes.sort(key=lambda change: (abs(held_growth(change.before, change.after) or 0), abs(change.growth)))
    classes = tuple(_classes(before.regions, after.regions))
    return DiffReport(
        names=(before.name, after.name),
        same_process=same_process,
        threshold=threshold,
        classes=classes,
        changes=tuple(changes),
        failed=tuple(_failed(_growths(before, after, classes), conditions, after.snapshot.pid)),
        warnings=tuple(warnings),
    )


def _same_process(one: Snapshot, other: Snapshot) -> bool:
    """One process at two moments: the same pid, started at the same tick."""
    if one.pid is None or one.stat is None or other.stat is None:
        return False
    return one.pid == other.pid and one.stat.starttime == other.stat.starttime


def _is_nameless(regions: Regions, index: int) -> bool:
    """Whether nothing but its address tells a region from others of its kind."""
    return not regions.label[index].owner and not regions.mappings.name[regions.vma[index]]


def _clusters(*sides: Regions) -> list[tuple[int, int]]:
    """The ranges that nameless regions of both sides cover together, in address order."""
    ranges = sorted(
        (side.start[at], side.end[at]) for side in sides for at in range(len(side)) if _is_nameless(side, at)
    )
    merged: list[tuple[int, int]] = []
    for start, end in ranges:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _grouped(look: Look, clusters: Sequence[tuple[int, int]], namer: "_Namer") -> dict[_Key, list[Region]]:
    """The regions of one look by identity."""
    groups: dict[_Key, list[Region]] = {}
    regions, at = look.regions, 0
    gates = set(regions.mappings.gates())
    for index in sorted(range(len(regions)), key=regions.start.__getitem__):
        region = regions[index]
        name = regions.mappings.name[region.vma]
        if region.vma in gates:
            continue
        place = 0
        if clusters and _is_nameless(regions, index):
            while clusters[at][1] <= region.start:
                at += 1
            place = clusters[at][0]
        elif region.label.cls is ByteClass.MMAP and regions.mappings.inode[region.vma]:
            place = regions.mappings.offset[region.vma]
        owner = namer.whose(region.label.owner or owners.MappingName(name))
        groups.setdefault((region.label.cls.value, region.label.kind, owner, place), []).append(region)
    return groups


def _arena_owners(regions: Regions) -> Iterator[owners.Owner]:
    """The owners of blocks of malloc's arenas."""
    for label in {id(label): label for label in regions.label}.values():
        if isinstance(label.owner, owners.Arena | owners.ArenaBlock):
            yield label.owner


class _Namer:
    """Owners as both looks know them: without what differs from run to run, addresses of arenas and ids of threads."""

    def __init__(self, snapshots: Iterable[Snapshot], *, by_id: bool, by_arena: bool) -> None:
        """``by_id``: the looks are of one process; ``by_arena``: both know which arena a block belongs to, or neither.

        ``snapshots`` tell the threads' names; a thread of one process that has another name later has that.
        """
        self._by_id, self._by_arena = by_id, by_arena
        self.threads: dict[int, Thread | NumberedThread] = {}
        for snapshot in snapshots:
            for number, thread in enumerate(sorted(snapshot.threads or (), key=lambda one: one.tid)):
                numbered = NumberedThread(number, thread.comm if number else None)
                self.threads[thread.tid] = Thread(thread.tid, thread.comm) if by_id else numbered

    def whose(self, owner: owners.Owner) -> Whose:
        """What tells memory of this owner from others'."""
        if isinstance(owner, owners.Thread) and owner.tid in self.threads:
            return Whose(threads=(self.threads[owner.tid],))
        if isinstance(owner, owners.Arena):
            tids = owner.tids if self._by_arena else ()
            return Whose(threads=tuple(self.threads.get(tid, Thread(tid)) for tid in tids), is_arena=True)
        if isinstance(owner, owners.ArenaBlock):
            return Whose(is_arena=True, block=owner.address if self._by_id and self._by_arena else None)
        return Whose(owners.owner_name(owner) or b"")


def _with_ids(whose: Whose, *snapshots: Snapshot) -> Whose:
    """The same with the ids of numbered threads: those of the later run where it has them."""
    if not any(isinstance(thread, NumberedThread) for thread in whose.threads):
        return whose
    ids = {
        numbered: tid
        for snapshot in snapshots
        for tid, numbered in _Namer((snapshot,), by_id=False, by_arena=False).threads.items()
        if isinstance(numbered, NumberedThread)
    }
    return whose._replace(
        threads=tuple(one._replace(tid=ids[one]) if isinstance(one, NumberedThread) else one for one in whose.threads)
    )


def _figures(regions: Sequence[Region]) -> Figures | None:
    if not regions:
        return None
    return Figures(
        sum(region.size for region in regions),
        exact_sum(region.rss for region in regions),
        exact_sum(region.pss for region in regions),
        exact_sum(region.swap for region in regions),
        len(regions),
    )


def _change(key: _Key, first: Sequence[Region], last: Sequence[Region], threshold: int) -> Change:
    before, after = _figures(first), _figures(last)
    held, virt = held_growth(before, after), virt_growth(before, after)
    size = held if held is not None and abs(held) >= threshold else virt
    if abs(size) < threshold:
        status = "same"
    elif before is None or after is None:
        status = "new" if before is None else "gone"
    else:
        status = "grown" if size > 0 else "shrunk"
    start = min((region.start for region in last or first), default=None)
    certainty = max((region.label.certainty for region in last or first), key=tuple(Certainty).index)
    return Change(status, key[0], key[1], key[2], certainty, start, before, after)


_NOTHING = Figures(0, 0, 0, 0, 0)


def _classes(one: Regions, other: Regions) -> Iterator[ClassChange]:
    """Every class that either has, then the total."""
    sides: list[dict[str, list[Region]]] = []
    for regions in (one, other):
        by_class: dict[str, list[Region]] = {}
        gates = set(regions.mappings.gates())
        for region in regions:
            if region.vma not in gates:
                by_class.setdefault(region.label.cls.value, []).append(region)
                by_class.setdefault("total", []).append(region)
        sides.append(by_class)
    for cls in (*(known.value for known in ByteClass), "total"):
        found = [_figures(side.get(cls, ())) for side in sides]
        if found != [None, None]:
            yield ClassChange(cls, found[0] or _NOTHING, found[1] or _NOTHING)


_Growths = Mapping[str, tuple[int | None, int | None]]
"""What a condition may be about: bytes before and after."""


def _growths(one: Look, other: Look, classes: Iterable[ClassChange]) -> _Growths:
    """Memory and swap of each class together, and the sums of the whole process."""
    found = {change.cls: (change.before.held, change.after.held) for change in classes}
    sums = [{"rss": side.regions.rss, "pss": side.regions.pss, "uss": side.regions.uss} for side in (one, other)]
    return found | {name: (exact_sum(sums[0][name]), exact_sum(sums[1][name])) for name in SUMS}


def _failed(growths: _Growths, conditions: Iterable[Condition], pid: int | None) -> Iterator[Note]:
    """The conditions that are met.

    Raises:
        AccessRefused: a figure that a condition is about is not known.
    """
    for condition in conditions:
        if condition.cls not in growths:
            continue
        before, after = growths[condition.cls]
        if before is None or after is None:
            raise AccessRefused(pid, "no-sizes")  # whether it grew cannot be said
        grown = after - before
        limit = condition.size if condition.size is not None else before * (condition.percent or 0) / 100
        if grown > limit:
            figures = {"condition": condition.text, "cls": condition.cls, "grown": grown}
            yield note("grown by share", share=grown / before, **figures) if before else note("grown", **figures)
