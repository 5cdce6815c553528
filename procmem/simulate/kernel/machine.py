"""The kernel as one pure function: ``step(space, event)`` gives the space after the event.

An address space is a sorted row of VMAs and a few borders. Every system call that a program can make
about memory comes down to five moves: find room, put a VMA in, cut a range out, change the rights of a
range, move the end of the heap; and one more happens by itself, the growth of the stack at a fault.
What the call gave back stands in ``registers.eax``, as on x86: an address, 0, or a negated error number.
A space in which a call failed is otherwise unchanged.

Source: mm/mmap.c, mm/vma.c, mm/mprotect.c, mm/mremap.c.
"""

from typing import assert_never

from procmem.model.note import Note
from procmem.model.permissions import (
    PRIVATE_DATA,
    READ_WRITE,
    READ_WRITE_EXECUTE,
    permissions,
    with_execute,
    with_sharing,
)
from procmem.model.simulation import PAGE, AreaRole, Base, SimSpace, SimVma, VmBit
from procmem.simulate.arch.layout import page_down, page_up
from procmem.simulate.kernel.events import (
    EEXIST,
    EFAULT,
    EINVAL,
    ENOMEM,
    CloneThread,
    Event,
    Exit,
    Fork,
    Map,
    Protect,
    Remap,
    SetBrk,
    Touch,
    Unmap,
)
from procmem.simulate.kernel.search import find_free, guarded_start
from procmem.simulate.kernel.vma_list import cut, first_write, insert, range_is_mapped, recolour

__all__ = ["failed", "grow_stack", "kernel_map_anonymous", "step"]


def step(space: SimSpace, event: Event) -> SimSpace:
    """Give the space after one event."""
    match event:
        case Map():
            return _map(space, event)
        case Unmap():
            return _unmap(space, event)
        case Protect():
            return _protect(space, event)
        case Remap():
            return _remap(space, event)
        case SetBrk():
            return _set_brk(space, event)
        case Touch():
            return _touch(space, event)
        case CloneThread():
            return _result(space, 0)._replace(threads=space.threads + 1)
        case Fork():
            return _result(space, 0)
        case Exit():
            return _result(space, 0)._replace(vmas=(), threads=0)
        case _:
            assert_never(event)


def failed(space: SimSpace) -> bool:
    """Whether the last call gave an error."""
    return space.registers.eax < 0


def _result(space: SimSpace, value: int) -> SimSpace:
    return space._replace(registers=space.registers._replace(eax=value))


def _rights(space: SimSpace, perms: str) -> str:
    """The rights that READ_IMPLIES_EXEC makes of those asked for (mm/mmap.c, do_mmap())."""
    if space.layout.read_implies_exec and permissions(perms).readable:
        return with_execute(perms)
    return perms


def _map(space: SimSpace, event: Map) -> SimSpace:
    length = page_up(event.length)
    if length <= 0:
        return _result(space, -EINVAL)
    if event.fixed or event.no_replace:
        start = page_down(event.address)
        if start < 0 or start + length > space.layout.task_size:
            return _result(space, -ENOMEM)
        if event.no_replace and any(vma.start < start + length and vma.end > start for vma in space.vmas):
            return _result(space, -EEXIST)
        if _splits_special(space, start, start + length):
            return _result(_split_at(space, start), -EINVAL)
    else:
        found = find_free(space, length, hint=event.address, huge_at=_huge_at(space, event, length))
        if found is None:
            return _result(space, -ENOMEM)
        start = found
    perms = _rights(space, event.perms)
    flags = event.flags
    # accountable_mapping(): a private writable mapping counts against the commit limit
    if permissions(perms).writable and not flags & (VmBit.NORESERVE | VmBit.SHARED):
        flags |= VmBit.ACCOUNT
    vma = SimVma(
        start=start,
        end=start + length,
        perms=with_sharing(perms, shared=bool(flags & VmBit.SHARED)),
        offset=event.offset,
        name=event.name,
        flags=flags,
        role=event.role,
        base=event.base,
        rule=event.rule,
    )
    vmas = insert(cut(space.vmas, vma.start, vma.end), vma)
    return _result(space._replace(vmas=vmas), start)


def _huge_at(space: SimSpace, event: Map, length: int) -> int | None:
    """By which offset huge pages are to fit; None for a mapping that is not aligned to them."""
    if event.name:
        return event.offset if event.huge else None
    return 0 if not event.address and _in_huge_pages(space, length, event.flags) else None


def _in_huge_pages(space: SimSpace, length: int, flags: int) -> bool:
    """Whether anonymous memory is placed so that huge pages fit: where it is private, and whole huge pages long."""
    size = space.layout.abi.huge_page
    return bool(size) and not length % size and not flags & VmBit.SHARED


def kernel_map_anonymous(
    space: SimSpace, start: int, end: int, *, executable: bool, role: AreaRole, base: Base, rule: Note
) -> SimSpace:
    """Map fresh memory at a fixed place as vm_brk_flags() does; it joins only the VMA before it."""
    if start >= end:
        return _result(space, 0)
    if end > space.layout.task_size:
        return _result(space, -ENOMEM)
    perms = READ_WRITE_EXECUTE if executable or space.layout.read_implies_exec else READ_WRITE
    vma = SimVma(start, end, with_sharing(perms, shared=False), 0, b"", VmBit.ACCOUNT, role, base, rule)
    vmas = insert(cut(space.vmas, start, end), vma, after=False)
    return _result(space._replace(vmas=vmas), 0)


def _unmap(space: SimSpace, event: Unmap) -> SimSpace:
    end = event.start + page_up(event.length)
    if event.start < 0 or event.start % PAGE or event.length <= 0 or end > space.layout.task_size:
        return _result(space, -EINVAL)
    if _splits_special(space, event.start, end):
        return _result(_split_at(space, event.start), -EINVAL)
    return _result(space._replace(vmas=cut(space.vmas, event.start, end)), 0)


def _splits_special(space: SimSpace, start: int, end: int) -> bool:
    """Whether a range takes a part only of a mapping of the kernel's own (mm/mmap.c, special_mapping_split())."""
    special = [vma for vma in space.vmas if vma.flags & VmBit.SPECIAL]
    return any(vma.start < border < vma.end for vma in special for border in (start, end))


def _split_at(space: SimSpace, start: int) -> SimSpace:
    """What a refused unmapping leaves: its first VMA has been split before, where it is not the kernel's own."""
    inside = next((vma for vma in space.vmas if vma.start < start < vma.end), None)
    if inside is None or inside.flags & VmBit.SPECIAL:
        return space
    return space._replace(vmas=cut(space.vmas, start, start))


def _protect(space: SimSpace, event: Protect) -> SimSpace:
    start, end = event.start, event.start + page_up(event.length)
    if start % PAGE:
        return _result(space, -EINVAL)
    if event.grows_down:
        stack = next((vma for vma in space.vmas if vma.end > start), None)
        if stack is None or not stack.grows_down:
            return _result(space, -EINVAL)
        start = stack.start
    if not range_is_mapped(space.vmas, start, end):
        return _result(space, -ENOMEM)
    wanted = _rights(space, event.perms)

    def change(vma: SimVma) -> SimVma:
        flags = vma.flags
        perms = wanted if not flags & VmBit.SPECIAL else event.perms
        uncounted = VmBit.ACCOUNT | VmBit.NORESERVE | VmBit.SHARED
        if permissions(perms).writable:
            if not flags & uncounted and not permissions(vma.perms).writable:
                flags |= VmBit.ACCOUNT
        elif not vma.name and not vma.anon:
            # mprotect_fixup(): memory that was never written and now cannot be is given back
            flags &= ~VmBit.ACCOUNT
        return vma._replace(
            perms=with_sharing(perms, shared=permissions(vma.perms).shared),
            flags=flags,
            role=event.role or vma.role,
            rule=event.rule or vma.rule,
        )

    return _result(space._replace(vmas=recolour(space.vmas, start, end, change)), 0)


def _remap(space: SimSpace, event: Remap) -> SimSpace:
    """Shrink, grow in place, or move (mm/mremap.c, do_mremap(), move_vma(); mm/vma.c, copy_vma())."""
    start, old, new = event.start, page_up(event.old_length), page_up(event.length)
    if start % PAGE or old <= 0 or new <= 0:
        return _result(space, -EINVAL)
    if new == old:
        return _result(space, start)
    if new < old:
        return _result(space._replace(vmas=cut(space.vmas, start + new, start + old)), start)
    vma = next((one for one in space.vmas if one.start <= start < one.end), None)
    if vma is None or start + old > vma.end:
        return _result(space, -EFAULT)
    if start + old == vma.end:
        above = next((one for one in space.vmas if one.start >= vma.end), None)
        free = min(above.start, space.layout.task_size) if above is not None else space.layout.task_size
        if start + new <= free:
            offset = vma.offset + vma.size if vma.name else vma.offset
            tail = vma._replace(start=vma.end, end=start + new, offset=offset)
            return _result(space._replace(vmas=insert(space.vmas, tail)), start)
    aligned = not vma.name and _in_huge_pages(space, new, vma.flags)
    place = find_free(space, new, huge_at=0 if aligned else None)
    if place is None:
        return _result(space, -ENOMEM)
    offset = vma.offset + (start - vma.start) if vma.name else vma.offset
    numbered = start - vma.moved  # pages of anonymous memory are numbered by where they were mapped first
    moved = place - numbered if vma.anon and not vma.name else 0
    there = vma._replace(start=place, end=place + new, offset=offset, moved=moved, rule=event.rule or vma.rule)
    vmas = cut(insert(space.vmas, there), start, start + old)
    return _result(space._replace(vmas=vmas), place)


def _set_brk(space: SimSpace, event: SetBrk) -> SimSpace:
    """Move the end of the heap; as the system call does, give back the old end where that fails."""
    wanted = event.address
    if wanted < space.start_brk or wanted > space.layout.task_size:
        return _result(space, space.brk)
    old, new = page_up(space.brk), page_up(wanted)
    vmas = space.vmas
    if new < old:
        vmas = cut(vmas, new, old)
    elif new > old:
        above = next((vma for vma in vmas if vma.end > old), None)
        # one page must stay free before the next mapping, and the whole gap before a stack
        if above is not None and new + PAGE > guarded_start(space, above):
            return _result(space, space.brk)
        perms = with_execute(PRIVATE_DATA) if space.layout.read_implies_exec else PRIVATE_DATA
        heap = SimVma(old, new, perms, 0, b"", VmBit.ACCOUNT, AreaRole.HEAP, Base.BRK, event.rule)
        # the part below start_brk is never joined: brk() looks back no further
        vmas = insert(vmas, heap, before=old > space.start_brk, after=False)
    return _result(space._replace(vmas=vmas, brk=wanted), wanted)


def _touch(space: SimSpace, event: Touch) -> SimSpace:
    vma = next((vma for vma in space.vmas if vma.end > event.address), None)
    if vma is None:
        return _result(space, -EFAULT)
    if event.address < vma.start:
        grown = grow_stack(space, vma, page_down(event.address))
        if grown is None:
            return _result(space, -EFAULT)
        space, vma = grown
    allowed = permissions(vma.perms).writable if event.write else not permissions(vma.perms).inaccessible
    if not allowed:
        return _result(space, -EFAULT)
    if event.write and not vma.flags & VmBit.SHARED and not vma.anon:
        index = space.vmas.index(vma)
        marked = vma._replace(anon=first_write(space.vmas, index))
        space = space._replace(vmas=(*space.vmas[:index], marked, *space.vmas[index + 1 :]))
    return _result(space, 0)


def grow_stack(space: SimSpace, stack: SimVma, start: int) -> tuple[SimSpace, SimVma] | None:
    """Extend a stack down to ``start`` in one step; None where the limit or the guard gap forbids it.

    Source: mm/vma.c, expand_downwards() and acct_stack_growth().
    """
    limit = space.layout.stack_limit
    if not stack.grows_down or start < space.layout.min_address:
        return None
    if limit is not None and stack.end - start > limit:
        return None
    below = next((vma for vma in reversed(space.vmas) if vma.end <= stack.start), None)
    # an inaccessible neighbour is itself a guard, so no gap is asked for
    if below is not None and below.end > start:
        return None
    if (
        below is not None
        and not below.grows_down
        and not permissions(below.perms).inaccessible
        and start - below.end < space.layout.guard_gap
    ):
        return None
    grown = stack._replace(start=start)
    return space._replace(vmas=tuple(grown if vma is stack else vma for vma in space.vmas)), grown
