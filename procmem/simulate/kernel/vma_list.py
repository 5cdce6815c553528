"""Cutting, joining and recolouring the sorted row of VMAs.

Two neighbours become one line of ``maps`` only if nothing tells them apart: the same flags (more than
rwx: accounting, no huge pages, no reserve), the same file with continuing offsets, nothing special. The
accounting flag outlives the right to write, which is why a RELRO part never joins the read-only part
before it.

Source: mm/vma.c (older kernels mm/mmap.c), can_vma_merge_before(), can_vma_merge_after(), split_vma().
"""

from collections.abc import Callable, Iterator

from procmem.model.note import Note, note
from procmem.model.simulation import SimVma, VmBit

__all__ = ["can_merge", "cut", "first_write", "insert", "join", "range_is_mapped", "recolour"]

Vmas = tuple[SimVma, ...]
VmaChange = Callable[[SimVma], SimVma]

_NEVER_MERGED = VmBit.SPECIAL
"""Special mappings (vdso) have an operation table that forbids it."""


def can_merge(low: SimVma, high: SimVma) -> bool:
    """Whether two VMAs that may be neighbours can be one."""
    return (
        low.end == high.start
        and low.perms == high.perms
        and low.flags == high.flags
        and not low.flags & _NEVER_MERGED
        and low.name == high.name
        and (low.offset + low.size == high.offset if low.name else low.moved == high.moved)
        and (low.anon == high.anon or not low.anon or not high.anon)
    )


def first_write(vmas: Vmas, index: int) -> int:
    """The anon_vma that a VMA gets at its first write: a neighbour's, where only rights tell them apart.

    Source: mm/vma.c, find_mergeable_anon_vma(), which looks at the next one first.
    """
    own = vmas[index]
    for other in (index + 1, index - 1):
        if 0 <= other < len(vmas) and vmas[other].anon:
            low, high = (own, vmas[other]) if other > index else (vmas[other], own)
            if can_merge(low, high._replace(perms=low.perms)):
                return vmas[other].anon
    return max(vma.anon for vma in vmas) + 1


def _parts(rule: Note | None) -> Iterator[Note]:
    """A rule, and the rules of all that was joined in it."""
    if rule is not None:
        yield rule
        for _, value in rule.values:
            if isinstance(value, Note):
                yield from _parts(value)


def join(low: SimVma, high: SimVma) -> SimVma:
    """Make one VMA of two; the larger part says what it is for."""
    main, other = (low, high) if low.size >= high.size else (high, low)
    rule = main.rule
    if main.role is not other.role and other.rule is not None and other.rule not in _parts(rule):
        rule = note("joined", rule=rule, other=other.rule)
    return main._replace(start=low.start, end=high.end, offset=low.offset, rule=rule, anon=low.anon or high.anon)


def _part(vma: SimVma, start: int, end: int) -> SimVma:
    """A piece of a VMA; the offset of a file mapping goes on without a break."""
    offset = vma.offset + (start - vma.start) if vma.name else vma.offset
    return vma._replace(start=start, end=end, offset=offset)


def cut(vmas: Vmas, start: int, end: int) -> Vmas:
    """Take the range out; a VMA that reaches beyond it keeps its other parts."""
    kept: list[SimVma] = []
    for vma in vmas:
        if vma.end <= start or vma.start >= end:
            kept.append(vma)
            continue
        if vma.start < start:
            kept.append(_part(vma, vma.start, start))
        if vma.end > end:
            kept.append(_part(vma, end, vma.end))
    return tuple(kept)


def insert(vmas: Vmas, new: SimVma, *, before: bool = True, after: bool = True) -> Vmas:
    """Put a VMA into free room, and join it with the one ``before`` and the one ``after`` it where possible."""
    index = sum(1 for vma in vmas if vma.start < new.start)
    low, high = vmas[:index], vmas[index:]
    if before and low and can_merge(low[-1], new):
        new = join(low[-1], new)
        low = low[:-1]
    if after and high and can_merge(new, high[0]):
        new = join(new, high[0])
        high = high[1:]
    return (*low, new, *high)


def range_is_mapped(vmas: Vmas, start: int, end: int) -> bool:
    """Whether every byte of the range belongs to a VMA."""
    for vma in vmas:
        if vma.start <= start < vma.end:
            start = vma.end
        if start >= end:
            return True
    return start >= end


def recolour(vmas: Vmas, start: int, end: int, change: VmaChange) -> Vmas:
    """Apply ``change`` to every VMA part within the range, splitting at its ends and joining what became alike.

    Only borders of parts that really changed are looked at, as vma_modify_flags() does: two neighbours
    that could have been one since long stay two.
    """
    parts: list[tuple[SimVma, bool]] = []
    for vma in vmas:
        if vma.end <= start or vma.start >= end:
            parts.append((vma, False))
            continue
        inside = _part(vma, max(vma.start, start), min(vma.end, end))
        changed = change(inside)
        if changed.perms == inside.perms and changed.flags == inside.flags:
            parts.append((vma, False))
            continue
        if vma.start < start:
            parts.append((_part(vma, vma.start, start), False))
        parts.append((changed, True))
        if vma.end > end:
            parts.append((_part(vma, end, vma.end), False))
    joined: list[tuple[SimVma, bool]] = []
    for vma, changed_here in parts:
        if joined:
            last, last_changed = joined[-1]
            if (changed_here or last_changed) and can_merge(last, vma):
                # the joined part keeps its mark only where its upper end is fresh
                joined[-1] = (join(last, vma), changed_here)
                continue
        joined.append((vma, changed_here))
    return tuple(vma for vma, _changed in joined)
