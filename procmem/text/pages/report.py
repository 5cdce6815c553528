"""The words of ``procmem report``: headings, what is said beside pictures, and what its script says."""

from procmem.text import N_, Sentence, gettext, plural, say

__all__ = ["script_word", "told"]

_SENTENCES: dict[str, Sentence] = {
    "title": plural("Memory of {names}", "Memory of {count} processes: {names}"),
    "made": N_("Made {when} by procmem {version}. Everything is in this file; it asks nothing of any network."),
    "skip": N_("Skip to the report"),
    "contents": N_("Contents"),
    "summary": N_("Summary"),
    "space": N_("Address space"),
    "space, told": N_(
        "High addresses are on top. Point at a piece, or go to it with Tab and the arrow keys, to see what it is; Enter or a click leads to its explanation."
    ),
    "scale": N_("Scale"),
    "scale, log": N_("logarithmic: all that is there can be seen"),
    "scale, linear": N_("true: shows how empty the space is"),
    "nothing mapped": N_("Nothing is known of its mappings."),
    "classes": N_("VIRT against RES"),
    "classes, told": N_(
        "By class and kind: the area of a cell is its size. A cell of VIRT is filled as far as it is in memory."
    ),
    "map of virt": N_("VIRT {size:size}"),
    "map of virt, rest": N_("VIRT without reserved address space: {size:size} ({reserved:size} are reserved)"),
    "map of rss": N_("RES {size:size}"),
    "account": N_("From VIRT to RES"),
    "account, bent": N_("Most of VIRT is reserved: the scale changes at the dotted line."),
    "account unknown": N_("How much of it is in memory is not known."),
    "time": N_("Over time"),
    "time, told": N_("Memory and swap by class. Drag across the picture to choose a range, or move its ends below it."),
    "time, looks": plural("{count} look", "{count} looks"),
    "time, some looks": plural("{count} look", "{count} looks, of which {shown} are shown"),
    "range from": N_("from"),
    "range to": N_("to"),
    "growth": N_("What changed in the range"),
    "growth, others": plural("{count} smaller row is left out.", "{count} smaller rows are left out."),
    "code": N_("Growth by code"),
    "code, told": N_(
        "As wide as what came and stayed: the outermost callers on top, the memory that was filled below. Point at a frame, or go to it with Tab, to see what it is."
    ),
    "column what": N_("what"),
    "column before": N_("before"),
    "column after": N_("after"),
    "column by": N_("by"),
    "column rate": N_("a minute"),
    "threads": N_("Threads"),
    "threads unknown": N_("Its threads are not known."),
    "findings": N_("Findings"),
    "findings unknown": N_("Nothing was looked for: its mappings are not known."),
    "map": N_("Annotated map"),
    "map, largest": plural("The region with most in memory.", "The {count} regions with most in memory, of {all}."),
    "column address": N_("address"),
    "column size": N_("size"),
    "column rss": N_("RSS"),
    "column pss": N_("PSS"),
    "column swap": N_("swap"),
    "column mode": N_("mode"),
    "column class": N_("class/kind"),
    "column name": N_("mapping"),
    "glossary": N_("Glossary"),
    "notes": N_("What could not be read"),
    "left out": plural(
        "{count} process of the series is left out: the others changed more.",
        "{count} processes of the series are left out: the others changed more.",
    ),
    "written": plural("the report on {count} process is in {path}", "the report on {count} processes is in {path}"),
}
_OF_THE_SCRIPT = {
    "search": N_("Search"),
    "search hint": N_("address, name, kind, words of the explanation"),
    "class": N_("Class"),
    "kind": N_("Kind"),
    "size": N_("Size"),
    "sort": N_("Order"),
    "any": N_("all"),
    "at least": N_("at least {size}"),
    "by address": N_("by address"),
    "by rss": N_("largest RSS first"),
    "by size": N_("largest size first"),
    "found": N_("{count} of {all} regions: {virt} of address space, {rss} in memory"),
    "nothing": N_("No region fits."),
    "page": N_("regions {first} to {last}"),
    "next": N_("Next"),
    "previous": N_("Previous"),
    "clear": N_("Show all"),
    "range": N_("{from} to {to} after the first look ({time})"),
}
"""What the script of the page says: by code, with figures in braces that it fills in itself."""


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)


def script_word(code: str) -> str:
    """What the script says, with its braces."""
    return gettext(_OF_THE_SCRIPT[code])
