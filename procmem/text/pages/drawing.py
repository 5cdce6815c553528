"""The words in pictures of an address space."""

from procmem.text import N_, gettext, say
from procmem.text.units import size_text

__all__ = ["area", "beside", "unmapped"]

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
