"""The headings of the tables of ``procmem explain``."""

from procmem.text import N_

__all__ = ["HEADINGS"]

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
