"""The words of ``procmem explain`` around the kinds: the head, runs of regions told as one, and the classic places."""

from __future__ import annotations

from procmem.model.kinds import Kind, Role
from procmem.model.note import Note
from procmem.model.object_use import ObjectUse
from procmem.model.region import Certainty, Region, Regions
from procmem.model.reports.explanation import BlockForm, ExplainedBlock
from procmem.model.reports.inspection import LayoutInShort
from procmem.model.unknown import exact_sum
from procmem.model.vma_names import name_of_anonymous
from procmem.text import N_, gettext, say
from procmem.text.evidence import evidence_text
from procmem.text.kinds import (
    CERTAINTIES,
    CLASSES,
    RESIDENCY,
    how_sure,
    joined,
    kind_sentences,
    object_name,
    part_text,
    region_sentences,
)
from procmem.text.laws import law_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "block_sentences",
    "classic_text",
    "given_name",
    "head_text",
    "in_memory",
    "layout_text",
    "tells_less",
    "use_sentence",
    "why_text",
]

HEAD = {
    "small": N_(
        "VIRT is {virt:size}, and {share} % of it is in memory: this process asks for little that it does not use."
    ),
    "reserved": N_(
        "VIRT is {virt:size}, but {reserved:size} of that is address space set aside that nobody can touch, and {untouched:size} was never used: only {rss:size} are in memory."
    ),
    "untouched": N_(
        "VIRT is {virt:size}, but {untouched:size} of that was asked for and never used: only {rss:size} are in memory."
    ),
    "files": N_(
        "VIRT is {virt:size}; {files:size} of that are files whose pages were not needed: {rss:size} are in memory."
    ),
    "two classes": N_("Of the {rss:size} in memory, {first_size:size} are {first} and {second_size:size} {second}."),
    "one class": N_("The {rss:size} in memory are nearly all {first}."),
    "counted again": N_(
        "RES counts {again:size} more than once, since this process maps the same memory several times: {once:size} are in memory."
    ),
    "freed": N_("{freed:size} would be freed if the process ended."),
    "freed, with swap": N_("{freed:size} of memory and swap would be freed if the process ended."),
    "no swap": N_("Nothing of it is swapped out."),
    "swap": N_("{swap:size} are swapped out, most of it {first}: they come back page by page when they are touched."),
    "swap unknown": N_("How much of it is swapped out is not known."),
    "kernel thread": N_(
        "This is a kernel thread: it runs code of the kernel alone, in the kernel's own address space. It has no user"
        " space, so there is no memory map to explain: maps and smaps are empty, VIRT and RES are 0. What it uses is"
        " memory of the kernel, which no process is charged for: its kernel stack ({stack:size}) and what it allocates."
    ),
    "zombie": N_(
        "This is a zombie: the process has ended, and its address space was given back when it did, so there is no"
        " memory map to explain. What is left is an entry in the process table with its exit status, until its parent"
        " asks for that by wait(2)."
    ),
    "zombie of": N_(
        "This is a zombie: the process has ended, and its address space was given back when it did, so there is no"
        " memory map to explain. What is left is an entry in the process table with its exit status, until its parent,"
        " process {parent}, asks for that by wait(2), or ends itself."
    ),
    "no mappings": N_("Its mappings could not be read, so only totals are known: VIRT {virt:size}, RES {rss:size}."),
    "no sizes": N_("Its mappings are known, but not how much of each is in memory: VIRT {virt:size}, RES {rss:size}."),
}
"""The sentences that matter most."""

LAYOUT_HOLDS = N_(
    "Its areas lie as the kernel lays them out: {held} laws of the layout hold (procmem crosscheck checks more)."
)
LAYOUT_BROKEN = N_(
    "Its areas do not all lie as the kernel lays them out: {held} laws of the layout hold, broken: {broken} (procmem crosscheck checks more)."
)

_COPIED = "shm-copied"
COPIED_SHM = N_("private copies of shared memory")
"""In place of the class's own words, where what is there is no longer the object's."""

CLASSIC = {
    "text": N_("text: at the bottom, from 0x08048000 in the classic layout"),
    "data": N_("data: right above text"),
    "bss": N_("BSS: right above data"),
    "heap": N_("heap: above BSS, growing up"),
    "mmap": N_("mapping area: between heap and stack"),
    "stack": N_("stack: at the top of user space, growing down"),
    "kernel": N_("kernel space in the classic picture; here a page that the kernel maps into user space"),
}
"""The place in the textbook's picture of a 32-bit process."""

ROLES = {
    Role.EXE: N_("The program"),
    Role.LIB: N_("The library"),
    Role.LD: N_("The dynamic linker"),
}
"""A loaded object at the beginning of a sentence."""

BLOCKS = {
    "object": N_("{role} {object}: {parts}."),
    "object in memory": N_(
        "{rss:size} of {size:size} in memory, {private:size} private; what is not private is shared with everybody who maps it."
    ),
    "huge": N_("{hugetlb:size} besides are in memory as huge pages, which RES leaves out."),
    "arena": N_("{reserve:size} behind it are reserved for its growth."),
    "many": N_("{count} of the same sort, {size:size} together, {rss:size} in memory."),
    "in memory": N_("{rss:size} of {size:size} are in memory."),
    "mapped again, alone": N_(
        "The process maps this object {times} times, and nobody else does: RES counts {counted:size} for it, {once:size} are in memory."
    ),
    "mapped again": N_(
        "The process maps this object {times} times, and others map it too: RES counts {counted:size} for it, at most {once:size} are in memory."
    ),
    "views": N_("They show the same {distinct:size} of one object."),
    "many unknown": N_("{count} of the same sort, {size:size} together."),
}
"""Runs of like regions, told as one."""


def listed(parts: list[str]) -> str:
    """Parts of a list, with what stands between them."""
    return gettext(N_(", ")).join(parts)


def head_text(note: Note) -> str:
    """A sentence of the head; classes in it are named as in a sentence."""
    figures = dict(note.figures)
    for name in ("first", "second"):
        if name in figures:
            cls = str(figures[name])
            words = COPIED_SHM if cls == _COPIED else CLASSES[cls]
            figures[name] = gettext(words)
    return say(HEAD[note.code], figures)


def layout_text(layout: LayoutInShort) -> str:
    """What came of the laws of the kernel's layout."""
    broken = listed([law_name(name) for name in layout.broken])
    return say(LAYOUT_BROKEN if layout.broken else LAYOUT_HOLDS, {"held": layout.held, "broken": broken})


def classic_text(place: str) -> str:
    """The place in the classic layout."""
    return gettext(CLASSIC[place])


def why_text(evidence: Note, certainty: Certainty) -> str:
    """How we know what a range is, and how surely."""
    words = {"evidence": evidence_text(evidence), "certainty": gettext(CERTAINTIES[certainty.value])}
    return say(N_("{evidence} ({certainty})"), words)


def block_sentences(block: ExplainedBlock, regions: Regions) -> list[str]:
    """What a run of regions is; a region alone has its own sentences, and the first of them can stand alone."""
    sentences = _FORMS[block.form](block, regions)
    if block.use is None and block.views_of is not None:
        return [*sentences, say(BLOCKS["views"], {"distinct": block.views_of})]
    return sentences if block.use is None else [*sentences, use_sentence(block.use)]


def use_sentence(use: ObjectUse) -> str:
    """How often the process maps an object, and what RES counts for it."""
    figures = {"times": use.times, "counted": use.counted, "once": use.once}
    return say(BLOCKS["mapped again, alone" if use.alone else "mapped again"], figures)


def tells_less(use: ObjectUse | None, rss: int | None, swap: int | None) -> bool:
    """Whether of a region nothing is said but what it is and how much of it is in memory.

    What is private is no figure where an object is mapped several times: the kernel counts mappings, and the process
    has several itself.
    """
    return use is not None and rss is not None and not swap


def in_memory(rss: int | None, size: int) -> str:
    """How much of such a region is in memory."""
    return say(BLOCKS["in memory"], {"rss": rss, "size": size})


def _alone(block: ExplainedBlock, regions: Regions) -> list[str]:
    index = block.shown[0]
    region = regions[index]
    if tells_less(block.use, region.rss, region.swap) and index not in regions.hugetlb:
        return [*kind_sentences(region), in_memory(region.rss, region.size)]
    first, *more = region_sentences(regions, index)
    return [first, *given_name(region, regions), *more]


def given_name(region: Region, regions: Regions) -> list[str]:
    """What the program itself calls the memory."""
    row = region.vma
    given = None if regions.mappings.inode[row] else name_of_anonymous(regions.mappings.name[row])
    return [] if given is None else [say(N_('The program calls it "{name:name}".'), {"name": given})]


def _arena(block: ExplainedBlock, regions: Regions) -> list[str]:
    rest = regions[block.regions[-1]]
    return [*_alone(block, regions), say(BLOCKS["arena"], {"reserve": rest.size})]


def _many(block: ExplainedBlock, regions: Regions) -> list[str]:
    rss = [exact_sum((regions.rss[index], regions.hugetlb.get(index, 0))) for index in block.shown]
    figures = {
        "count": len(block.shown),
        "size": sum(regions.end[index] - regions.start[index] for index in block.shown),
        "rss": sum(filter(None, rss)),
    }
    head = say(BLOCKS["many unknown" if None in rss else "many"], figures)
    weakest = max((regions.label[index].certainty for index in block.shown), key=tuple(Certainty).index)
    first, *more = kind_sentences(regions[block.shown[0]], certainty=weakest)
    return [joined(first, head), *given_name(regions[block.shown[0]], regions), *more]


def _object(block: ExplainedBlock, regions: Regions) -> list[str]:
    parts = [regions[index] for index in block.regions]
    sums: dict[Kind, int] = {}
    for part in parts:
        kind = part.label.kind
        sums[kind] = sums.get(kind, 0) + part.size
    rss, uss = [part.rss for part in parts], [part.uss for part in parts]
    hugetlb = [regions.hugetlb.get(index, 0) for index in block.regions]
    figures = {
        "role": gettext(ROLES[parts[0].label.kind.role or Role.LIB]),
        "object": object_name(parts[0].label.owner_name),
        "parts": listed([part_text(kind, size) for kind, size in sums.items()]),
        "size": sum(part.size for part in parts),
    }
    head = how_sure(say(BLOCKS["object"], figures), [part.label.certainty for part in parts])
    if None in rss or None in uss or None in hugetlb:
        return [head, gettext(RESIDENCY["unknown"])]
    figures |= {"rss": sum(filter(None, rss)), "private": sum(filter(None, uss))}
    held = [head, say(BLOCKS["object in memory"], figures)]
    return [*held, say(BLOCKS["huge"], {"hugetlb": sum(filter(None, hugetlb))})] if any(hugetlb) else held


_FORMS: dict[BlockForm, Callable[[ExplainedBlock, Regions], list[str]]] = {
    BlockForm.ONE: _alone,
    BlockForm.OBJECT: _object,
    BlockForm.ARENA: _arena,
    BlockForm.MANY: _many,
}
