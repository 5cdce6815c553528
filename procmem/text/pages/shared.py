"""The sentences of ``procmem shared``."""

from procmem.text import N_, Sentence, plural, say

__all__ = ["HEADINGS", "told"]

HEADINGS = {
    "virt": N_("VIRT"),
    "rss": N_("RSS"),
    "pss": N_("PSS"),
    "private": N_("private"),
    "shared": N_("shared"),
    "own_copies": N_("own copies"),
    "swap": N_("swap"),
    "freed_if_gone": N_("freed if gone"),
    "sharers": N_("sharers"),
    "sort": N_("sort"),
    "object": N_("object"),
    "who": N_("who"),
}

_SENTENCES: dict[str, Sentence] = {
    "total": N_("total"),
    "more": plural("and {count} more", "and {count} more"),
    "looked": plural(
        "looked at {count} other process; {alone} objects are mapped by nobody else",
        "looked at {count} other processes; {alone} objects are mapped by nobody else",
    ),
    "looked, refused": plural(
        "looked at {count} other process, {refused} more could not be read; {alone} objects are mapped by nobody else",
        "looked at {count} other processes, {refused} more could not be read; {alone} objects are mapped by nobody"
        " else",
    ),
    "all refused": plural(
        "{count} other process could not be read, and no other: who shares these objects is not known",
        "{count} other processes could not be read, and no other: who shares these objects is not known",
    ),
    "freed": N_(
        "freed if gone: private memory, and nameless objects that only this process holds;"
        " pages of named files stay in the page cache"
    ),
}


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
