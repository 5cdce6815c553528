"""From claims to a partition: the first claim with the highest rank wins each byte.

Rules look at evidence and claim byte ranges; they need not know of each other. This module lays the claims
over the mappings, cuts each mapping where the winner changes, and gives the rest to the label that the
mapping has by itself.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from operator import gt

from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.permissions import permissions
from procmem.model.region import Claim, Label

__all__ = ["Partition", "Rank", "partition"]


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


def partition(mappings: Mappings, claims: Iterable[Claim], defaults: list[Label]) -> Partition:
    """Cut the mappings where the winning claim changes; ``defaults`` are the labels of what nobody claims."""
    vma: list[int] = []
    starts: list[int] = []
    ends: list[int] = []
    labels: list[Label] = []
    split = set()
    done = 0
    for index, claimed in sorted(_claims_by_vma(mappings, claims).items()):
        # whatever lies between two claimed mappings is taken over in one piece
        vma += range(done, index)
        starts += mappings.start[done:index]
        ends += mappings.end[done:index]
        labels += defaults[done:index]
        done = index + 1
        ranges = _resolve(mappings.start[index], mappings.end[index], claimed, defaults[index])
        if len(ranges) > 1:
            split.add(index)
        for start, end, label in ranges:
            vma.append(index)
            starts.append(start)
            ends.append(end)
            labels.append(label)
    vma += range(done, len(mappings))
    starts += mappings.start[done:]
    ends += mappings.end[done:]
    labels += defaults[done:]
    return Partition(vma, starts, ends, labels, frozenset(split))


def _claims_by_vma(mappings: Mappings, claims: Iterable[Claim]) -> dict[int, list[Claim]]:
    """The claims that hold on each mapping. A claim on a file's range passes over other files' mappings."""
    order: Sequence[int] = range(len(mappings))
    starts: Sequence[int] = mappings.start
    if any(map(gt, starts, starts[1:])):
        # a process that remaps while it is read gives its mappings out of order
        order = sorted(order, key=mappings.start.__getitem__)
        starts = [mappings.start[index] for index in order]
    found: dict[int, list[Claim]] = defaultdict(list)
    for claim in claims:
        at = max(bisect_right(starts, claim.start) - 1, 0)
        while at < len(order) and starts[at] < claim.end:
            index = order[at]
            if mappings.end[index] > claim.start and (held := _held(claim, mappings, index)) is not None:
                found[index].append(held)
            at += 1
    return found


def _held(claim: Claim, mappings: Mappings, index: int) -> Claim | None:
    """The claim as it holds on one mapping, or None where it does not."""
    perms = mappings.perms[index]
    if claim.perms is not None and perms != claim.perms:
        return None
    if claim.file is None:
        return claim
    inode = mappings.inode[index]
    if inode:
        return claim if (mappings.device[index], inode) == claim.file else None
    access = permissions(perms).access
    if claim.anonymous is None or access & claim.needs != claim.needs or access & claim.excludes:
        return None
    return claim._replace(label=claim.anonymous)


def _resolve(low: int, high: int, claims: Sequence[Claim], rest: Label) -> list[tuple[int, int, Label]]:
    """Sweep over the claims of one mapping from low to high; the highest rank on the heap has the byte."""
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
