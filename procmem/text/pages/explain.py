"""The words of the pages of ``procmem explain``."""

from procmem.text import N_, gettext

__all__ = ["HEADINGS", "no_region_fits"]

HEADINGS = {
    "start": N_("start"),
    "end": N_("end"),
    "size": N_("size"),
    "rss": N_("RSS"),
    "dirty": N_("dirty"),
    "mode": N_("mode"),
    "class": N_("class"),
    "kind": N_("kind"),
    "mapping": N_("mapping"),
    "sentence": N_("sentence"),
    "finding": N_("finding"),
    "title": N_("title"),
    "term": N_("term"),
    "meaning": N_("meaning"),
    "cure": N_("what to do"),
}


def no_region_fits() -> str:
    """What is said in place of a map of which no line is wanted."""
    return gettext(N_("No region fits."))
