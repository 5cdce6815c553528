"""The words in pictures of an address space."""

from procmem.model.owners import ObjectFile
from procmem.model.region import Label
from procmem.model.vma_names import without_deleted
from procmem.text import N_, gettext, plural, say
from procmem.text.kind_names import kind_name
from procmem.text.owners import owner_text
from procmem.text.units import size_text

__all__ = ["area", "beside", "not_mapped", "not_of_programs", "picture_title", "range_text", "several", "unmapped"]

_AREAS = {
    "kernel space": N_("kernel space"),
    "non-canonical": N_("non-canonical hole"),
    "not translated": N_("not translated"),
    "kernel modules": N_("kernel modules"),
    "unknown above": N_("border not known"),
    "not for programs": N_("not for programs"),
    "stack": N_("stack"),
    "mapping area": N_("mapping area"),
    "heap": N_("heap"),
    "bss": N_("bss"),
    "data": N_("data"),
    "text": N_("text"),
}


def area(name: str) -> str:
    """An area of the classic layout."""
    return gettext(_AREAS.get(name, name))


def unmapped(size: int) -> str:
    """What is said beside a hole."""
    return say(N_("{size:size} not mapped"), {"size": size})


def beside(virt: int, rss: int | None) -> str:
    """The sizes of an area."""
    if rss is None:
        return size_text(virt)
    return say(N_("{virt:size}, {rss:size} in memory"), {"virt": virt, "rss": rss})


def range_text(label: Label) -> str:
    """What a range is called in a picture: the object with the part of it, or the kind with whose it is."""
    if isinstance(label.owner, ObjectFile):
        name = without_deleted(bytes(label.owner)).rsplit(b"/", 1)[-1]
        return say(N_("{object:name}: {part}"), {"object": name, "part": kind_name(label.kind)})
    if label.owner is None:
        return kind_name(label.kind)
    return say(N_("{owner}: {kind}"), {"kind": kind_name(label.kind), "owner": owner_text(label.owner)})


def several(count: int, largest: str) -> str:
    """Neighbouring ranges that are drawn as one."""
    return say(
        plural("{count} range: {largest}", "{count} neighbouring ranges, the largest of them {largest}"),
        {"count": count, "largest": largest},
    )


def not_mapped(where: str, size: int) -> str:
    """What is told of a hole, with its addresses."""
    return say(N_("{where}: {size:size} not mapped"), {"where": where, "size": size})


def not_of_programs(where: str, named: str) -> str:
    """What is told of an area that holds nothing of the process, with its addresses."""
    return say(N_("{where}: {area}"), {"where": where, "area": named})


def picture_title(pid: str, name: str) -> str:
    """What a picture shows."""
    return say(N_("The address space of {name} ({pid})"), {"name": name, "pid": pid})
