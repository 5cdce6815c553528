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
    "once": N_("once"),
    "freed_if_gone": N_("freed if gone"),
    "sharers": N_("sharers"),
    "sort": N_("sort"),
    "object": N_("object"),
    "who": N_("who"),
}

_SENTENCES: dict[str, Sentence] = {
    "total": N_("total"),
    "more": plural("and {count} more", "and {count} more"),
    "looked": plural("looked at {count} other process", "looked at {count} other processes"),
    "looked, refused": plural(
        "looked at {count} other process, {refused} more could not be read",
        "looked at {count} other processes, {refused} more could not be read",
    ),
    "alone": plural("{count} object is mapped by nobody else", "{count} objects are mapped by nobody else"),
    "alone, refused": plural(
        "{count} object is mapped by nobody else that could be read",
        "{count} objects are mapped by nobody else that could be read",
    ),
    "all refused": plural(
        "{count} other process could not be read, and no other: who shares these objects is not known",
        "{count} other processes could not be read, and no other: who shares these objects is not known",
    ),
    "nobody looked at": N_("no other process is at hand to look at: who shares these objects is not known"),
    "freed": N_(
        "freed if gone: memory and swap of private pages, and of nameless objects that only this process maps;"
        " clean pages of named files stay in the page cache"
    ),
    "again": N_(
        'RES counts {again:size} more than once: this process maps objects several times; "once" counts each page once'
    ),
}


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
