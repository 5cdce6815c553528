"""The sentences of ``procmem working-set``."""

from procmem.text import N_, Sentence, plural, say

__all__ = ["HEADINGS", "told"]

HEADINGS = {
    "class": N_("class"),
    "rss": N_("RSS"),
    "touched": N_("touched"),
    "untouched": N_("untouched"),
    "share": N_("share"),
    "purpose": N_("purpose"),
    "start": N_("start"),
    "end": N_("end"),
    "perms": N_("perms"),
    "kind": N_("kind"),
    "owner": N_("owner"),
}

_SENTENCES: dict[str, Sentence] = {
    "before": plural(
        "what {count} process touches is watched for {seconds:g} s: its page tables are walked now and at the end, and calls of its own that change its map wait meanwhile; what it does not touch again looks idle to the kernel's reclaim from now on; its data and soft-dirty bits stay as they are",
        "what {count} processes touch is watched for {seconds:g} s: their page tables are walked now and at the end, and calls of their own that change their maps wait meanwhile; what they do not touch again looks idle to the kernel's reclaim from now on; their data and soft-dirty bits stay as they are",
    ),
    "cut short": N_("interrupted: what was touched until now"),
    "rss": N_("RES: in memory; of it, in {seconds:.1f} s"),
    "touched": N_("touched ({share} %)"),
    "untouched": N_(
        "not touched ({share} %): what reclaim would take first, to swap unless it is unchanged memory of files"
    ),
    "total": N_("total"),
    "others": plural("{count} other", "{count} others"),
    "huge": N_(
        "{size:size} of it are transparent huge pages: each counts as touched whole, wherever in it the process was"
    ),
    "cost": N_("clearing the accessed bits took {clearing:.1f} ms, reading them {reading:.1f} ms"),
}


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
