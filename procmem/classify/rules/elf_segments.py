"""ELF objects: which bytes of memory are text, rodata, data, RELRO and BSS, to the byte.

A mapped file is an ELF object only when its mappings lie where its program headers say, all moved by one
load bias. A file that is merely mapped as data (a debugger reading it) does not. An address range is the
segment's whoever stands behind it: text that was moved to huge pages is anonymous memory, and still text.

Source: gABI chapter 5; fs/binfmt_elf.c, load_elf_binary() and elf_load(); glibc elf/dl-map-segments.h.
"""

from __future__ import annotations

from itertools import pairwise
from operator import attrgetter

from procmem.classify.partition import Rank
from procmem.model import kinds, owners
from procmem.model.auxv import AT_BASE, AT_PHDR
from procmem.model.elf import (
    ET_DYN,
    ET_EXEC,
    PF_W,
    PF_X,
    PT_GNU_RELRO,
    PT_INTERP,
    PT_PHDR,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHT_NOBITS,
    ElfImage,
    Section,
    Segment,
)
from procmem.model.kinds import ByteClass, Part, Role, object_kind
from procmem.model.libc_files import is_dynamic_linker
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.permissions import EXECUTE, PRIVATE_NONE, READ, WRITE, permissions, protection_letters
from procmem.model.region import Certainty, Claim, ElfObject, Label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["LoadedObject", "ObjectRoles", "code_mapped_again", "elf_claims", "load_biases"]

_FEW_VOTES = 2
_VADDR = attrgetter("vaddr")


class LoadedObject(NamedTuple):
    """An object at one load bias; ``role`` says whose it is."""

    object: ElfObject
    image: ElfImage
    bias: int
    role: Role
    certainty: Certainty
    why: Note


class ObjectRoles:
    """Whether an object is the program, the dynamic linker or a library.

    The kernel's own words decide: the program holds AT_ENTRY's address, the linker AT_BASE's. When the linker was
    itself started as a command, all of these describe the linker, and the program is the object that asks
    for an interpreter and has the linker's debug hook, which libraries do not have.
    """

    def __init__(self, objects: Sequence[ElfObject], auxv: Mapping[int, int] | None, exe: bytes | None) -> None:
        started = next((o for o in objects if o.file.is_program), None)
        if started is None and exe is not None:
            started = next((o for o in objects if o.file.path == exe), None)
        self._started = started
        self._base = (auxv or {}).get(AT_BASE, 0)
        self._program = None
        if started is not None and not _asks_interpreter(started):
            asking = (o for o in objects if o is not started and _asks_interpreter(o) and _is_program(o))
            self._program = next(asking, None)

    def of(self, item: ElfObject) -> Role:
        """The role of one of the objects."""
        started, base = self._started, self._base
        if base and item.file.holds(base):
            return Role.LD
        if self._program is not None:
            return Role.LD if item is started else Role.EXE if item is self._program else Role.LIB
        if item is started:
            return Role.EXE
        base_name = item.file.path.rsplit(b"/", 1)[-1]
        if not base and is_dynamic_linker(item.soname or base_name):
            return Role.LD
        if started is None and item.image is not None and _asks_interpreter(item) and _is_program(item):
            return Role.EXE
        return Role.LIB


def _asks_interpreter(item: ElfObject) -> bool:
    return item.image is not None and item.image.first(PT_INTERP) is not None


def _is_program(item: ElfObject) -> bool:
    return item.has_debug or (item.image is not None and item.image.type == ET_EXEC)


def load_biases(
    item: ElfObject, mappings: Mappings, rows: Sequence[int], page_size: int, auxv: Mapping[int, int] | None
) -> Iterator[tuple[int, Note, Certainty]]:
    """Give each load bias at which an object lies, with what was seen; a file may be loaded more than once.

    A fixed program (ET_EXEC) that lies elsewhere was put there by an emulator (qemu's guest base), not by the kernel:
    that is only likely, and asks for two segments.

    Every mapping of the file votes for the bias that would put it where the headers say. Inaccessible mappings
    do not vote: a hole between segments may begin at another segment's file offset. One mapping alone proves
    nothing: programs map their own code a second time (V8 does, next to the code it generates).
    """
    image = item.image
    if image is None or image.type not in (ET_EXEC, ET_DYN):
        return
    loads = image.loads
    ordered = sorted(loads, key=_VADDR)
    votes: dict[int, dict[int, set[int]]] = {}
    for row in rows:
        allowed = permissions(mappings.perms[row])
        if allowed.inaccessible or not allowed.private:
            continue
        for number, bias in _fitting(loads, ordered, mappings, row, page_size):
            votes.setdefault(bias, {}).setdefault(row, set()).add(number)
    header_bias = _bias_of_headers(item, image, auxv)
    left = set(rows)
    while votes:
        best = max(votes, key=lambda bias: (bias == header_bias, len(votes[bias])))
        voters = {row: numbers for row, numbers in votes.pop(best).items() if row in left}
        segments = {number for numbers in voters.values() for number in numbers}
        executable = any(
            permissions(mappings.perms[row]).executable and any(loads[number].flags & PF_X for number in numbers)
            for row, numbers in voters.items()
        )
        backed = sum(1 for segment in loads if segment.filesz)
        if best == header_bias and voters:
            why = note("headers-by-auxv")
        elif len(segments) >= _FEW_VOTES:
            why = note("headers-by-votes", count=len(voters))
        elif backed == 1 and executable:
            why = note("only-segment")
        else:
            continue
        moved = image.type == ET_EXEC and best != 0
        if not moved or (len(segments) >= _FEW_VOTES and not item.file.is_program):
            yield best, why, Certainty.LIKELY if moved else Certainty.CERTAIN
        left -= voters.keys()


def _fitting(
    loads: Sequence[Segment], ordered: Sequence[Segment], mappings: Mappings, row: int, page_size: int
) -> Iterator[tuple[int, int]]:
    """The segments whose file pages hold a mapping, each with the bias that would put it there."""
    offset = mappings.offset[row]
    for number, segment in enumerate(loads):
        first = segment.offset // page_size * page_size
        if not first <= offset < segment.offset + segment.filesz:
            continue
        bias = mappings.start[row] - (segment.vaddr + offset - segment.offset)
        if bias % page_size or bias + segment.vaddr < 0:
            continue
        if _covered(ordered, bias, mappings.start[row], mappings.end[row], page_size):
            yield number, bias


def _covered(loads: Sequence[Segment], bias: int, start: int, end: int, page_size: int) -> bool:
    """Whether file pages of the segments, ascending, at this bias reach over a whole mapping.

    Neighbouring segments with like permissions are one mapping; a file mapped whole as data reaches beyond.
    """
    at = start
    for segment in loads:
        low = (bias + segment.vaddr) // page_size * page_size
        high = -(-(bias + segment.vaddr + segment.filesz) // page_size) * page_size
        if low <= at < high:
            at = high
    return at >= end


def _bias_of_headers(item: ElfObject, image: ElfImage, auxv: Mapping[int, int] | None) -> int | None:
    """The bias of the program that the kernel started, by AT_PHDR."""
    address = (auxv or {}).get(AT_PHDR)
    if address is None or not item.file.is_program:
        return None
    headers = image.first(PT_PHDR)
    if headers is not None:
        return address - headers.vaddr
    for segment in image.loads:
        if segment.offset <= image.phoff < segment.offset + segment.filesz:
            return address - (segment.vaddr + image.phoff - segment.offset)
    return None


_ACCESS = {
    ByteClass.TEXT: (EXECUTE, 0),
    ByteClass.RODATA: (READ, WRITE),
    ByteClass.DATA: (READ, 0),
    ByteClass.BSS: (READ, 0),
}
"""What anonymous memory has to allow that took the place of such a part, and what it may not allow."""


class _Labels:
    """Makes the labels of one loaded object."""

    def __init__(self, loaded: LoadedObject) -> None:
        self.loaded = loaded
        self._owner = owners.ObjectFile(loaded.object.file.path)
        self._file = (loaded.object.file.device, loaded.object.file.inode)
        self._replaced: dict[int, tuple[Label, Label]] = {}

    def label(self, part: Part | None, what: Note) -> Label:
        """A label whose evidence names the part of the file, the bias, and why the bias is believed."""
        loaded = self.loaded
        evidence = note("elf", what=what, object=loaded.object.file.path, bias=loaded.bias, why=loaded.why)
        kind = kinds.ELF_GAP if part is None else object_kind(loaded.role, part)
        return Label(kind, loaded.certainty, evidence, self._owner)

    def claim(self, start: int, end: int, rank: int, label: Label) -> Claim:
        """A claim on the file's own mappings, and, less certain, on anonymous memory that took their place."""
        cls = label.cls
        needs, excludes = _ACCESS[cls]
        if cls is ByteClass.DATA and label.kind.part is Part.RELRO:
            excludes = EXECUTE
        return Claim(start, end, rank, label, self._file, None, self._in_its_place(label), needs, excludes)

    def _in_its_place(self, label: Label) -> Label:
        """The label of anonymous memory that took the place of a part; one for all claims of that part."""
        if label.cls is ByteClass.BSS:
            return label
        _, found = self._replaced.get(id(label), (None, None))
        if found is None:
            evidence = note("elf-replaced", of=label.evidence)
            found = Label(label.kind, Certainty.LIKELY, evidence, label.owner)
            self._replaced[id(label)] = (label, found)  # which keeps the label, and so its identity
        return found


def elf_claims(loaded: LoadedObject, page_size: int) -> Iterator[Claim]:
    """The byte ranges of one loaded object.

    Bytes of a first or last page that belong to no segment are padding read from the file: they are given to
    their segment, and yield to a neighbour whose own bytes share the page.
    """
    image, bias = loaded.image, loaded.bias
    make = _Labels(loaded)
    loads = sorted(image.loads, key=_VADDR)
    for number, segment in enumerate(loads):
        yield from _segment_claims(make, number, segment, page_size)
        if segment.flags & PF_X:
            yield from _section_claims(make, segment)
        if number + 1 < len(loads):
            gap_start = -(-(bias + segment.vaddr + segment.memsz) // page_size) * page_size
            gap_end = (bias + loads[number + 1].vaddr) // page_size * page_size
            if gap_start < gap_end:
                gap = make.label(None, note("elf-hole", number=number, following=number + 1))
                file = (loaded.object.file.device, loaded.object.file.inode)
                yield Claim(gap_start, gap_end, Rank.SEGMENT, gap, file, PRIVATE_NONE)
    relro = image.first(PT_GNU_RELRO)
    if relro is not None and relro.memsz and any(_inside(relro, segment, page_size) for segment in loads):
        what = make.label(Part.RELRO, note("elf-relro"))
        start = bias + relro.vaddr
        yield make.claim(start, start + relro.memsz, Rank.RELRO, what)
        yield make.claim(start // page_size * page_size, start, Rank.PADDING + 2, what)


def _segment_claims(make: _Labels, number: int, segment: Segment, page_size: int) -> Iterator[Claim]:
    """File bytes, zero-initialised bytes, and the padding of their pages."""
    start = make.loaded.bias + segment.vaddr
    file_end, end = start + segment.filesz, start + segment.memsz
    flags = protection_letters(segment.flags)
    main = make.label(_part_of(segment), note("elf-segment", number=number, flags=flags))
    if segment.filesz:
        last_page = -(-file_end // page_size) * page_size
        yield make.claim(start // page_size * page_size, last_page, Rank.PADDING, main)
        yield make.claim(start, file_end, Rank.SEGMENT, main)
    if end > file_end:
        bss = make.label(Part.BSS, note("elf-bss", number=number, flags=flags))
        yield make.claim(file_end, end, Rank.SEGMENT, bss)
        yield make.claim(file_end, -(-end // page_size) * page_size, Rank.PADDING + 1, bss)


def _inside(part: Segment, segment: Segment, page_size: int) -> bool:
    last_page = -(-(segment.vaddr + segment.memsz) // page_size) * page_size
    return segment.vaddr <= part.vaddr and part.vaddr + part.memsz <= last_page


def _part_of(segment: Segment) -> Part:
    if segment.flags & PF_X:
        return Part.TEXT
    return Part.DATA if segment.flags & PF_W else Part.RODATA


def _section_claims(make: _Labels, segment: Segment) -> Iterator[Claim]:
    """Split an executable segment by its sections, where it holds more than code.

    Linkers without separate-code put headers, symbol tables and constants into the executable segment; only
    the section headers tell them apart. Headers that contradict the segment are not believed.
    """
    sections = _alloc_sections(make.loaded.object.sections, segment)
    if all(section.flags & SHF_EXECINSTR for section in sections):
        return
    bias = make.loaded.bias
    if sections[0].addr > segment.vaddr:
        head = make.label(Part.RODATA, note("elf-headers"))
        yield make.claim(bias + segment.vaddr, bias + sections[0].addr, Rank.SECTION, head)
    edges = [*(section.addr for section in sections[1:]), segment.vaddr + segment.filesz]
    for section, until in zip(sections, edges, strict=True):
        if section.flags & SHF_EXECINSTR:
            what = make.label(Part.TEXT, note("elf-code"))
        elif section.flags & SHF_WRITE:
            what = make.label(Part.DATA, note("elf-writable-section"))
        else:
            what = make.label(Part.RODATA, note("elf-other-section"))
        yield make.claim(bias + section.addr, bias + until, Rank.SECTION, what)


def code_mapped_again(
    item: ElfObject, image: ElfImage, role: Role, mappings: Mappings, rows: Sequence[int]
) -> Iterator[Claim]:
    """Executable mappings of a file's code at a place where its headers would not load it: still machine code."""
    for row in rows:
        allowed = permissions(mappings.perms[row])
        if not allowed.executable or not allowed.private:
            continue
        offset, size = mappings.offset[row], mappings.end[row] - mappings.start[row]
        code = next(
            (
                s
                for s in image.loads
                if s.flags & PF_X and s.offset <= offset and offset + size <= s.offset + s.filesz + 4095
            ),
            None,
        )
        if code is not None:
            evidence = note("code-again", object=item.file.path)
            kind = object_kind(role, Part.TEXT)
            label = Label(kind, Certainty.LIKELY, evidence, owners.ObjectFile(item.file.path))
            file = (item.file.device, item.file.inode)
            yield Claim(mappings.start[row], mappings.end[row], Rank.LEAST, label, file)


def _alloc_sections(sections: Sequence[Section] | None, segment: Segment) -> list[Section]:
    """The sections with bytes in a segment, by address; none where one of them contradicts the segment."""
    inside = []
    for section in sections or ():
        if not section.flags & SHF_ALLOC or section.type == SHT_NOBITS or not section.size:
            continue
        if not segment.vaddr <= section.addr < segment.vaddr + segment.filesz:
            continue
        if section.offset - segment.offset != section.addr - segment.vaddr:
            return []
        inside.append(section)
    inside.sort(key=lambda section: section.addr)
    if any(a.addr + a.size > b.addr for a, b in pairwise(inside)):
        return []
    return inside
