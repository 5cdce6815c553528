"""ELF objects whose headers could not be read: their areas by permissions alone, never called certain.

A deleted library of another user, or a bare maps file from a bug report, leaves only the pattern that
linkers make: read-only, executable, read-only, RELRO, writable, and anonymous memory directly behind.
For the main program ``stat`` still tells where data ends and BSS begins. Behind a library lies as often what the
dynamic linker or an allocator mapped next: that it is BSS is a guess.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from procmem.classify.partition import Rank
from procmem.model import kinds, owners
from procmem.model.kinds import Part, Role, object_kind
from procmem.model.mapping import Mappings
from procmem.model.note import Note, note
from procmem.model.permissions import PRIVATE_READ_ONLY, permissions
from procmem.model.proc_keys import SmapsKey
from procmem.model.region import Certainty, Claim, ElfObject, Label
from procmem.model.snapshot import Snapshot
from procmem.model.vm_flags import MemoryFlag
from procmem.model.vma_names import KernelName

__all__ = ["unread_claims"]

_LARGE_BSS = 1 << 17
"""More than what malloc maps by itself: so large, and larger than the rest of their object, few are."""
_WHOLE = 1 << 20


def unread_claims(
    item: ElfObject, role: Role, mappings: Mappings, rows: Sequence[int], snapshot: Snapshot
) -> Iterator[Claim]:
    """Claims on the mappings of one unread object, and on the anonymous memory behind its last writable one."""
    is_code = _is_executable if item.file.is_program else _is_code
    if not any(is_code(mappings.perms[row]) for row in rows):
        return
    path = item.file.path
    file = (item.file.device, item.file.inode)

    def label(part: Part | None, what: Note, certainty: Certainty = Certainty.LIKELY) -> Label:
        kind = kinds.ELF_GAP if part is None else object_kind(role, part)
        if item.problem is None:
            evidence = note("unread", what=what, object=path)
        else:
            evidence = note("unread, why", what=what, object=path, problem=item.problem)
        return Label(kind, certainty, evidence, owners.ObjectFile(path))

    code = [_file_range(mappings, row) for row in rows if permissions(mappings.perms[row]).executable]
    ordered = sorted(rows, key=mappings.start.__getitem__)
    ordered = [row for row in ordered if not _is_data(mappings, row, code)]
    seen_code = False
    for at, row in enumerate(ordered):
        perms = mappings.perms[row]
        start, end = mappings.start[row], mappings.end[row]
        following = ordered[at + 1] if at + 1 < len(ordered) else None
        if permissions(perms).shared:
            continue
        if permissions(perms).executable:
            seen_code = True
            what = label(Part.TEXT, note("unread-executable", perms=perms))
        elif permissions(perms).writable:
            what = label(Part.DATA, note("unread-writable", perms=perms))
        elif permissions(perms).inaccessible:
            what = label(None, note("unread-inaccessible"))
        elif seen_code and _was_writable(mappings, row, following, ordered[at - 1] if at else None):
            what = label(Part.RELRO, note("unread-relro"))
        else:
            what = label(Part.RODATA, note("unread-read-only", perms=perms))
        yield Claim(start, end, Rank.SEGMENT, what, file)
    yield from _bss(item, mappings, ordered, snapshot, label)


def _is_executable(perms: str) -> bool:
    return permissions(perms).executable


def _is_code(perms: str) -> bool:
    """Code as linkers lay out a library; an image of memory that a program loads again can be written too."""
    return permissions(perms).executable and not permissions(perms).writable


def _file_range(mappings: Mappings, row: int) -> tuple[int, int]:
    return mappings.offset[row], mappings.offset[row] + mappings.sizes[row]


def _is_data(mappings: Mappings, row: int, code: Iterable[tuple[int, int]]) -> bool:
    """Whether a mapping that is only read takes in a whole range of code: debuggers and unwinders read objects so.

    Segments share no more of the file than a page with each other.
    """
    start, end = _file_range(mappings, row)
    read_only = mappings.perms[row] == PRIVATE_READ_ONLY
    return read_only and any(start <= low and high <= end and high - low < end - start for low, high in code)


def _was_writable(mappings: Mappings, row: int, following: int | None, before: int | None) -> bool:
    """RELRO: accounted as writable once (VmFlags ac), or with private copies, or the second of two before the data."""
    accounted = mappings.has_flag(row, MemoryFlag.ACCOUNT)
    if accounted is not None:
        return accounted
    copied = mappings.column(SmapsKey.ANONYMOUS)
    if copied is not None and copied[row]:
        return True
    if (
        following is None
        or before is None
        or not permissions(mappings.perms[following]).writable
        or mappings.end[row] != mappings.start[following]
    ):
        return False
    return mappings.perms[before] == PRIVATE_READ_ONLY or _begins_segment(mappings, row, before)


def _begins_segment(mappings: Mappings, row: int, before: int) -> bool:
    """Whether a read-only mapping is no part of the segment below it: a gap lies between, or a page is mapped twice.

    Linkers that put read-only data into the segment of the code begin a second one for what is written, at the next
    address of the largest page size that the machine may have, and with the same page of the file.
    """
    size = mappings.end[before] - mappings.start[before]
    return (
        permissions(mappings.perms[before]).inaccessible
        or mappings.start[row] > mappings.end[before]
        or mappings.offset[row] < mappings.offset[before] + size
    )


def _bss(
    item: ElfObject,
    mappings: Mappings,
    ordered: Sequence[int],
    snapshot: Snapshot,
    label: Callable[[Part | None, Note, Certainty], Label],
) -> Iterator[Claim]:
    writable = [row for row in ordered if permissions(mappings.perms[row]).writable]
    if not writable:
        return
    last = writable[-1]
    behind = next((row for row, start in enumerate(mappings.start) if start == mappings.end[last]), None)
    stat = snapshot.stat
    end_data = stat.end_data if stat is not None and item.file.is_program else None
    if end_data is not None and mappings.start[last] <= end_data < mappings.end[last]:
        what = label(Part.BSS, note("behind-end-data", end_data=end_data), Certainty.LIKELY)
        yield Claim(end_data, mappings.end[last], Rank.SECTION, what, (item.file.device, item.file.inode))
    if behind is None or mappings.inode[behind] or not _is_alike(mappings, behind, last):
        return
    if not item.file.is_program and _is_of_an_allocator(mappings.sizes[behind], mappings, ordered):
        return
    named = mappings.named(behind).named
    given = mappings.given(behind)
    if named not in (KernelName.NONE, KernelName.HEAP) and (given is None or not given.is_bss):
        return
    start_brk = stat.start_brk if stat is not None else None
    end = mappings.end[behind]
    if named is KernelName.HEAP and (start_brk is None or start_brk <= mappings.start[behind]):
        return
    if start_brk is not None and mappings.start[behind] < start_brk < end:
        end = start_brk
    certainty = Certainty.LIKELY if item.file.is_program or (given is not None and given.is_bss) else Certainty.GUESS
    what = label(Part.BSS, note("behind-data"), certainty)
    yield Claim(mappings.start[behind], end, Rank.SEGMENT, what)


def _is_of_an_allocator(size: int, mappings: Mappings, ordered: Sequence[int]) -> bool:
    """Whether most of what lies behind a library was mapped next: it is larger than the library, or whole mebibytes."""
    return size > max(_LARGE_BSS, sum(map(mappings.sizes.__getitem__, ordered))) or size % _WHOLE == 0


def _is_alike(mappings: Mappings, behind: int, last: int) -> bool:
    """Whether memory may be of the same segment: writable, with the same access, and no less reserved."""
    same = permissions(mappings.perms[behind]).access == permissions(mappings.perms[last]).access
    noreserve = [mappings.has_flag(row, MemoryFlag.NORESERVE) for row in (behind, last)]
    return same and permissions(mappings.perms[behind]).writable and noreserve[0] == noreserve[1]
