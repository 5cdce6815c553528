"""How the dynamic linker maps one library, protects it, and opens its text for relocation.

The first mmap takes the whole span with the first segment's rights, so that the kernel finds one place
for all; the other segments are laid over it at fixed addresses. What lies between segments stays mapped
but inaccessible.

Source: glibc elf/dl-map-segments.h, _dl_map_segments(); elf/dl-reloc.c, _dl_protect_relro().
"""

from itertools import pairwise

from procmem.model.elf import PF_W, PF_X, PT_GNU_RELRO, Segment
from procmem.model.note import note
from procmem.model.permissions import NO_ACCESS, READ_ONLY, permissions, with_write
from procmem.model.program_files import ProgramObject
from procmem.model.simulation import PAGE, AreaRole, Base
from procmem.simulate.arch.layout import page_down, page_up
from procmem.simulate.kernel.calls import Caller
from procmem.simulate.kernel.events import Map, Protect, Unmap
from procmem.simulate.kernel.execve import segment_perms
from procmem.simulate.libc.glibc_versions import GlibcTable

__all__ = ["map_library", "protect_relro", "relocate_text"]


def map_library(caller: Caller, library: ProgramObject, table: GlibcTable, *, protect_holes: bool = True) -> int:
    """Map a library where the kernel finds room; gives its load bias."""
    loads = library.image.loads
    first, last = loads[0], loads[-1]
    length = last.vaddr + last.memsz - page_down(first.vaddr)
    start = _reserve(caller, library, length, table)
    bias = start - page_down(first.vaddr)
    holes = any(page_up(low.vaddr + low.filesz) != page_down(high.vaddr) for low, high in pairwise(loads))
    first_end = page_up(first.vaddr + first.filesz)
    if holes and protect_holes:
        rule = note("ld-hole")
        gap = page_down(last.vaddr) - first_end
        caller.do(Protect(bias + first_end, gap, NO_ACCESS, role=AreaRole.RESERVED, rule=rule))
    for segment in loads:
        if segment is not first:
            _map_segment(caller, library, segment, bias)
        _zero_rest(caller, segment, bias)
    return bias


def _reserve(caller: Caller, library: ProgramObject, length: int, table: GlibcTable) -> int:
    """Find a place for the span and map the first segment's file range over all of it."""
    first = library.image.loads[0]
    aligns = [s.align for s in library.image.loads if s.align > 0 and not s.align & (s.align - 1)]
    align = max(aligns, default=PAGE)
    layout = caller.space.layout
    where = (
        note("highest-free", base=layout.mmap_base) if layout.top_down else note("lowest-free", base=layout.legacy_base)
    )
    rule = note("ld-library", place=where)
    perms = segment_perms(first)
    hint = page_down(first.vaddr) if table.own_address else 0
    whole = Map(
        length,
        perms,
        hint,
        name=library.real,
        huge=bool(library.huge_aligned),
        offset=first.offset - first.vaddr % PAGE,
        role=_role(first),
        rule=note("segment", of=rule, perms=perms),
    )
    if align <= PAGE or not table.aligned_segments:
        return caller.do(whole)
    room = length + align if length >= align else 2 * align
    found = caller.do(Map(room, NO_ACCESS, hint, role=AreaRole.RESERVED, rule=rule))
    start = -(-found // align) * align
    caller.do(whole._replace(address=start, fixed=True))
    end = page_up(start + length)
    if start > found:
        caller.do(Unmap(found, start - found))
    if found + room > end:
        caller.do(Unmap(end, found + room - end))
    return start


def _role(segment: Segment) -> AreaRole:
    if segment.flags & PF_X:
        return AreaRole.TEXT
    return AreaRole.DATA if segment.flags & PF_W else AreaRole.RODATA


def _map_segment(caller: Caller, library: ProgramObject, segment: Segment, bias: int) -> None:
    in_page = segment.vaddr % PAGE
    length = page_up(segment.filesz + in_page)
    if not length:
        return
    perms = segment_perms(segment)
    caller.do(
        Map(
            length,
            perms,
            bias + page_down(segment.vaddr),
            fixed=True,
            name=library.real,
            offset=segment.offset - in_page,
            role=_role(segment),
            base=Base.MMAP,
            rule=note("segment", of=note("ld-over-span"), perms=perms),
        )
    )


def _zero_rest(caller: Caller, segment: Segment, bias: int) -> None:
    """Fresh memory behind the file part; a read-only last page is opened for the moment of zeroing."""
    if segment.memsz <= segment.filesz:
        return
    zero = bias + segment.vaddr + segment.filesz
    zero_end = bias + segment.vaddr + segment.memsz
    zero_page = min(page_up(zero), zero_end)
    perms = segment_perms(segment)
    if zero_page > zero and not permissions(perms).writable:
        page = page_down(zero)
        caller.do(Protect(page, PAGE, with_write(perms)))
        caller.do(Protect(page, PAGE, perms))
    if zero_end > zero_page:
        rule = note("ld-bss")
        caller.do(Map(zero_end - zero_page, perms, zero_page, fixed=True, role=AreaRole.BSS, base=Base.MMAP, rule=rule))


def protect_relro(caller: Caller, loaded: ProgramObject, bias: int) -> None:
    """Make PT_GNU_RELRO read-only; both ends are rounded down to a page."""
    segment = loaded.image.first(PT_GNU_RELRO)
    if segment is None or not segment.memsz:
        return
    start = page_down(bias + segment.vaddr)
    end = page_down(bias + segment.vaddr + segment.memsz)
    if start < end:
        rule = note("relro")
        caller.do(Protect(start, end - start, READ_ONLY, rule=rule))


def relocate_text(caller: Caller, loaded: ProgramObject, bias: int) -> None:
    """Open read-only segments for relocation and close them again; what stays is the accounting flag."""
    if not loaded.textrel:
        return
    closed = [s for s in loaded.image.loads if not s.flags & PF_W]
    for segment in closed:
        perms = segment_perms(segment)
        caller.do(_whole(segment, bias, with_write(perms)))
    for segment in closed:
        caller.do(_whole(segment, bias, segment_perms(segment)))


def _whole(segment: Segment, bias: int, perms: str) -> Protect:
    start = page_down(bias + segment.vaddr)
    return Protect(start, page_up(bias + segment.vaddr + segment.filesz) - start, perms)
