"""The words of ``procmem translate``: what the bits of an entry say, and why something is not known."""

from procmem.model.note import Note
from procmem.text import N_, gettext, say
from procmem.text.notes import with_words

__all__ = ["pagemap_bit_text", "reason_text"]

PAGEMAP_BITS = {
    "present": N_("present"),
    "swapped": N_("swapped"),
    "file page or shared memory": N_("file page or shared memory"),
    "write-protected for userfaultfd": N_("write-protected for userfaultfd"),
    "guard": N_("guard"),
    "mapped only here": N_("mapped only here"),
    "soft-dirty": N_("soft-dirty"),
}

REASONS = {
    "levels": N_("levels: not known for this machine (only x86 is)"),
    "maps": N_("maps may not be read"),
    "kernel space": N_("pagemap: the address lies in kernel space, which it does not show"),
    "pagemap": N_("pagemap: {refusal}"),
    "frame": N_("frame: hidden without CAP_SYS_ADMIN (run it as root); its flags and count as well"),
    "kpageflags": N_("kpageflags: not permitted, or this kernel has none"),
}


def pagemap_bit_text(bit: str) -> str:
    """A bit of a word of pagemap."""
    return gettext(PAGEMAP_BITS[bit])


def reason_text(reason: Note) -> str:
    """Why something is not known."""
    return say(REASONS[reason.code], with_words(reason.figures))
