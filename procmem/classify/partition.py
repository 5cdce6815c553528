"""From claims to a partition: the first claim with the highest rank wins each byte.

Rules look at evidence and claim byte ranges; they need not know of each other. This module lays the claims
over the mappings, cuts each mapping where the winner changes, and gives the rest to the label that the
mapping has by itself.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from itertools import pairwise
from operator import gt

from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.permissions import permissions
from procmem.model.region import Claim, Label
from procmem.model.vma_names import KernelName

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["ClaimGroup", "ClaimGroups", "Partition", "Rank", "partition"]


class Rank:
    """Which evidence outranks which; a structure of the ELF file outranks any name, padding yields to all."""

    LEAST = 5
    PADDING = 10
    NAME = 20
    ALLOCATOR = 50
    RUNTIME = 51  # a runtime that is known to be there, before the shape of a block; behind the block's own header
    THREAD = 60
    BRK = 25
    SEGMENT = 80
    SECTION = 85
    RELRO = 90


class Partition(NamedTuple):
    """Ranges with labels, in the order of the mappings; ``vma`` is the index of each range's mapping."""

    vma: list[int]
    start: list[int]
    end: list[int]
    label: list[Label]
    split: frozenset[int]
    """Indexes of the mappings that hold more than one range."""


class _HeldPart:
    """What a group of claims holds of one mapping, by itself: ``ranges`` are resolved once."""

    __slots__ = ("_ranges", "claims")

    def __init__(self, claims: list[Claim]) -> None:
        self.claims = claims
        self._ranges: list[tuple[int, int, Label]] | None = None

    def ranges(self, low: int, high: int, rest: Label) -> list[tuple[int, int, Label]]:
        """The ranges of the mapping where nobody else claims any of it."""
        if self._ranges is None:
            self._ranges = _resolve(low, high, self.claims, rest)
        return self._ranges


class ClaimGroup:
    """Claims that are made together, as those of a loaded object.

    In all processes in which the same mappings lie there, as after fork(), they hold alike, which is found once.
    """

    __slots__ = ("_known", "claims", "high", "low")

    def __init__(self, claims: Sequence[Claim]) -> None:
        self.claims = claims
        self.low = min((claim.start for claim in claims), default=0)
        self.high = max((claim.end for claim in claims), default=0)
        self._known: dict[tuple[object, ...], tuple[list[tuple[int, _HeldPart]], list[Label]]] = {}

    def near(self, mappings: Mappings) -> range:
        """The mappings that may lie where these claims do."""
        first = max(bisect_right(mappings.start, self.low) - 1, 0)
        return range(first, max(bisect_left(mappings.start, self.high), first))

    def parts(self, mappings: Mappings, defaults: list[Label]) -> Iterator[tuple[int, _HeldPart]]:
        """What holds on each mapping, by its index; the mappings are in order."""
        rows = self.near(mappings)
        first, near = rows.start, slice(rows.start, rows.stop)
        # the shape stands for all that mappings say beside their addresses
        key = (mappings.shape, id(defaults), tuple(mappings.start[near]), tuple(mappings.end[near]))
        found = self._known.get(key)
        if found is None:
            held: dict[int, list[Claim]] = {}
            order = range(len(mappings))
            for claim in self.claims:
                for index, own in _holding(claim, mappings, order, mappings.start):
                    held.setdefault(index, []).append(own)
            # the labels are kept, since they are known by their identity
            found = [(index - first, _HeldPart(claims)) for index, claims in held.items()], defaults
            if mappings.shape.is_shared:
                self._known[key] = found
        return ((first + at, part) for at, part in found[0])


class _CutRun(NamedTuple):
    """Mappings that follow one another, of which groups hold something, cut into ranges where nobody else does."""

    rows: range
    cut: Partition


class _KnownParts(NamedTuple):
    """What groups hold of mappings, and where those end that they may hold anything of."""

    rows: list[int]
    ends: list[int]
    parts: dict[int, list[Claim | _HeldPart]]
    blocks: list[_CutRun]
    defaults: list[Label]


class ClaimGroups:
    """The groups of all objects of a process, in their order."""

    __slots__ = ("_known", "groups")

    def __init__(self, groups: Sequence[ClaimGroup]) -> None:
        self.groups = groups
        self._known: dict[tuple[object, ...], _KnownParts] = {}

    def each(self) -> Iterator[Claim]:
        """The claims of all groups."""
        for group in self.groups:
            yield from group.claims

    def parts(self, mappings: Mappings, defaults: list[Label]) -> _KnownParts:
        """What holds on each mapping, by its index; the mappings are in order. Nobody changes the answer."""
        key = (mappings.shape, id(defaults), tuple(mappings.start))
        known = self._known.get(key)
        if known is None or known.ends != list(map(mappings.end.__getitem__, known.rows)):
            rows = [row for group in self.groups for row in group.near(mappings)]
            parts: dict[int, list[Claim | _HeldPart]] = {}
            for group in self.groups:
                for index, part in group.parts(mappings, defaults):
                    parts.setdefault(index, []).append(part)
            ends = list(map(mappings.end.__getitem__, rows))
            blocks = list(_blocks(mappings, parts, defaults))
            known = _KnownParts(rows, ends, parts, blocks, defaults)
            if mappings.shape.is_shared:
                self._known[key] = known
        return known


def _blocks(
    mappings: Mappings, parts: Mapping[int, list[Claim | _HeldPart]], defaults: list[Label]
) -> Iterator[_CutRun]:
    rows = sorted(parts)
    firsts = [row for row in rows if row - 1 not in parts]
    stops = [row + 1 for row in rows if row + 1 not in parts]
    for first, stop in zip(firsts, stops, strict=True):
        cut = _Cut(mappings, defaults, first)
        for row in range(first, stop):
            cut.add(row, parts[row])
        yield _CutRun(range(first, stop), cut.partition())


class _Cut:
    """Ranges that are put together, mapping by mapping from the first on."""

    __slots__ = ("_defaults", "_done", "_ends", "_labels", "_mappings", "_split", "_starts", "_vma")

    def __init__(self, mappings: Mappings, defaults: list[Label], first: int = 0) -> None:
        self._mappings = mappings
        self._defaults = defaults
        self._done = first
        self._vma: list[int] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._labels: list[Label] = []
        self._split: set[int] = set()

    def go_to(self, row: int) -> None:
        """Take over the mappings that nobody claims, up to one."""
        done = self._done
        if done < row:
            self._vma += range(done, row)
            self._starts += self._mappings.start[done:row]
            self._ends += self._mappings.end[done:row]
            self._labels += self._defaults[done:row]
            self._done = row

    def add(self, row: int, claimed: Sequence[Claim | _HeldPart]) -> None:
        """Add a mapping of which something is claimed."""
        self.go_to(row)
        self._done = row + 1
        ranges = _ranges(self._mappings.start[row], self._mappings.end[row], claimed, self._defaults[row])
        if len(ranges) > 1:
            self._split.add(row)
        for start, end, label in ranges:
            self._vma.append(row)
            self._starts.append(start)
            self._ends.append(end)
            self._labels.append(label)

    def add_block(self, block: _CutRun) -> None:
        """Add several at once."""
        self.go_to(block.rows.start)
        self._done = block.rows.stop
        vma, starts, ends, labels, split = block.cut
        self._vma += vma
        self._starts += starts
        self._ends += ends
        self._labels += labels
        self._split |= split

    def partition(self) -> Partition:
        """All of it."""
        return Partition(self._vma, self._starts, self._ends, self._labels, frozenset(self._split))


def partition(mappings: Mappings, claims: Iterable[Claim | ClaimGroups], defaults: list[Label]) -> Partition:
    """Cut the mappings where the winning claim changes; ``defaults`` are the labels of what nobody claims."""
    found, alone, blocks = _claims_by_vma(mappings, claims, defaults)
    whole = [block for block in blocks if alone.issuperset(block.rows)]
    left = set(found).difference(*(block.rows for block in whole))
    cut = _Cut(mappings, defaults)
    for row, block in sorted([*((block.rows.start, block) for block in whole), *((row, None) for row in left)]):
        if block is None:
            cut.add(row, found[row])
        else:
            cut.add_block(block)
    cut.go_to(len(mappings))
    return cut.partition()


def _ranges(low: int, high: int, claimed: Sequence[Claim | _HeldPart], rest: Label) -> list[tuple[int, int, Label]]:
    """The ranges of one mapping."""
    first = claimed[0]
    if len(claimed) == 1 and isinstance(first, _HeldPart):
        return first.ranges(low, high, rest)
    claims = [claim for piece in claimed for claim in (piece.claims if isinstance(piece, _HeldPart) else (piece,))]
    return _resolve(low, high, claims, rest)


def _claims_by_vma(
    mappings: Mappings, claims: Iterable[Claim | ClaimGroups], defaults: list[Label]
) -> tuple[dict[int, list[Claim | _HeldPart]], set[int], list[_CutRun]]:
    """The claims that hold on each mapping. A claim on a file's range passes over other files' mappings.

    With those mappings of which groups alone claim anything, and what is known of these.
    """
    order: Sequence[int] = range(len(mappings))
    starts: Sequence[int] = mappings.start
    if any(map(gt, starts, starts[1:])):
        # a process that remaps while it is read gives its mappings out of order
        order = sorted(order, key=mappings.start.__getitem__)
        starts = [mappings.start[index] for index in order]
    found: dict[int, list[Claim | _HeldPart]] = {}
    alone: set[int] = set()
    blocks: list[_CutRun] = []
    for group in claims:
        if isinstance(group, ClaimGroups) and starts is mappings.start:
            known = group.parts(mappings, defaults)
            alone |= known.parts.keys() - found.keys()
            found = {**known.parts, **{index: [*held, *known.parts.get(index, ())] for index, held in found.items()}}
            blocks += known.blocks
            continue
        for claim in group.each() if isinstance(group, ClaimGroups) else (group,):
            for index, held in _holding(claim, mappings, order, starts):
                if index in alone:  # whose list belongs to other processes as well
                    alone.remove(index)
                    found[index] = [*found[index], held]
                else:
                    found.setdefault(index, []).append(held)
    return found, alone, blocks


def _holding(
    claim: Claim, mappings: Mappings, order: Sequence[int], starts: Sequence[int]
) -> Iterator[tuple[int, Claim]]:
    """The mappings that a claim holds on, each with the claim as it does."""
    at = max(bisect_right(starts, claim.start) - 1, 0)
    while at < len(order) and starts[at] < claim.end:
        index = order[at]
        if mappings.end[index] > claim.start and (held := _held(claim, mappings, index)) is not None:
            yield index, held
        at += 1


def _held(claim: Claim, mappings: Mappings, index: int) -> Claim | None:
    """The claim as it holds on one mapping, or None where it does not."""
    perms = mappings.perms[index]
    if claim.perms is not None and perms != claim.perms:
        return None
    if claim.file is None:
        return claim
    inode = mappings.inode[index]
    if inode and (mappings.device[index], inode) == claim.file:
        return claim
    if inode and not _is_of_huge_pages(mappings, index):
        return None
    access = permissions(perms).access
    if claim.anonymous is None or access & claim.needs != claim.needs or access & claim.excludes:
        return None
    return claim._replace(label=claim.anonymous)


def _is_of_huge_pages(mappings: Mappings, index: int) -> bool:
    """Whether it is anonymous memory though it has an inode: code is moved to reserved huge pages as to others."""
    return permissions(mappings.perms[index]).private and mappings.named(index).named is KernelName.ANON_HUGEPAGE


def _resolve(low: int, high: int, claims: Sequence[Claim], rest: Label) -> list[tuple[int, int, Label]]:
    """Sweep over the claims of one mapping from low to high; the highest rank on the heap has the byte."""
    if len(claims) == 1 and claims[0].start <= low and claims[0].end >= high:
        return [(low, high, claims[0].label)]  # as most often
    ordered = sorted(claims, key=lambda claim: claim.start)
    edges = sorted({low, high, *(c.start for c in ordered), *(c.end for c in ordered)})
    edges = [edge for edge in edges if low <= edge <= high]
    active: list[tuple[int, int, Claim]] = []
    ranges: list[tuple[int, int, Label]] = []
    taken = 0
    for start, end in pairwise(edges):
        while taken < len(ordered) and ordered[taken].start <= start:
            insort(active, (-ordered[taken].rank, taken, ordered[taken]))
            taken += 1
        while active and active[0][2].end <= start:
            del active[0]
        label = active[0][2].label if active else rest
        if ranges and ranges[-1][2] == label:
            ranges[-1] = (ranges[-1][0], end, label)
        else:
            ranges.append((start, end, label))
    return ranges
