"""The words of the page of ``procmem diff``."""

from procmem.text import N_, Sentence, gettext, plural, say

__all__ = ["HEADINGS", "counted", "status", "told"]

HEADINGS = {
    "change": N_("change"),
    "virt": N_("VIRT"),
    "rss": N_("RSS"),
    "rss+swap_by": N_("RSS+swap by"),
    "virt_by": N_("VIRT by"),
    "class": N_("class"),
    "kind": N_("kind"),
    "whose": N_("whose"),
    "virt_before": N_("VIRT before"),
    "virt_after": N_("after"),
    "held_before": N_("RSS+swap before"),
    "held_after": N_("after"),
    "held_by": N_("by"),
}
_STATUSES = {
    "grown": N_("grown"),
    "shrunk": N_("shrunk"),
    "new": N_("new"),
    "gone": N_("gone"),
    "same": N_("same"),
}
_COUNTED: dict[str, Sentence] = {
    "grown": plural("{count} grown", "{count} grown"),
    "shrunk": plural("{count} shrunk", "{count} shrunk"),
    "new": plural("{count} new", "{count} new"),
    "gone": plural("{count} gone", "{count} gone"),
}
_SENTENCES: dict[str, Sentence] = {
    "one": N_("{first} -> {last} (one process at two moments)"),
    "two": N_("{first} -> {last} (two processes)"),
    "same": N_("same: nothing grew or shrank by {least:size} or more"),
    "changed": N_("changed by {least:size} or more: {counts}"),
    "most": N_("grew most, by {growth:size}: {cls}, {what}"),
    "most of": N_("grew most, by {growth:size}: {cls}, {what}: {owner}"),
    "total": N_("total"),
    "at": N_("at {start:x}"),
    "failed": N_("failed: {failure}"),
}


def status(code: str) -> str:
    """What became of a region."""
    return gettext(_STATUSES[code])


def counted(code: str, count: int) -> str:
    """How many regions that became of."""
    return say(_COUNTED[code], {"count": count})


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
