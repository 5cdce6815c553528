"""The words of ``procmem browse``: headings, the lines above and below, keys and what they do."""

from procmem.text import N_, Sentence, gettext, plural, say

__all__ = ["HEADINGS", "KEYS", "TABS", "heading", "key_text", "tab", "told"]

HEADINGS = {
    "pid": N_("PID"),
    "user": N_("user"),
    "pss": N_("PSS"),
    "uss": N_("USS"),
    "rss": N_("RSS"),
    "swap": N_("swap"),
    "growth": N_("growth"),
    "name": N_("name"),
    "command": N_("command"),
    "address": N_("address"),
    "virt": N_("VIRT"),
    "class": N_("class"),
    "kind": N_("kind"),
    "perms": N_("perms"),
    "whose": N_("whose"),
}

TABS = {
    "overview": N_("Overview"),
    "regions": N_("Regions"),
    "threads": N_("Threads"),
    "findings": N_("Findings"),
    "picture": N_("Picture"),
    "changes": N_("Changes"),
    "growth": N_("Growth"),
}
"""The parts of the screen of one process, in order."""

KEYS = (
    (N_("arrows, j k, Page Up, Page Down, g G"), N_("move; also the mouse")),
    (N_("Enter"), N_("look into the process under the cursor")),
    (N_("1 to 7, Tab, h l"), N_("the parts of the screen of a process")),
    (N_("/ or F3, n N"), N_("search: an address in hexadecimal, or text in a name; the next, the one before")),
    (N_("\\ or F4"), N_("filter: only rows that have this text; an empty one shows all")),
    (N_("s or F6"), N_("sort by the next column; S turns the order")),
    (N_("t or F5"), N_("processes as a tree")),
    (N_("m"), N_("mark this moment: Changes tells what has changed since")),
    (N_("f"), N_("watch its page faults for 10 seconds: Growth tells which code fills its memory")),
    (N_("Space"), N_("pause, and go on")),
    (N_("r"), N_("look now")),
    (N_("[ ]"), N_("in a series: one look back, one look on")),
    (N_("Escape, q"), N_("back; at the first screen: end")),
    (N_("F10, Q"), N_("end")),
    (N_("? or F1"), N_("this help")),
)
"""What each key does."""

_SENTENCES: dict[str, Sentence] = {
    "title": N_("procmem browse"),
    "processes": plural("{count} process", "{count} processes"),
    "fits": N_("{count} of {all} fit {filter}"),
    "sorted": N_("by {column}"),
    "paused": N_("paused"),
    "every": N_("a look each {time}"),
    "next": N_("looked {age} ago, again in {time} (looking takes so long)"),
    "reading": N_("reading ..."),
    "ended": N_("it has ended: this is the last look"),
    "look": N_("look {number} of {count}, {when}"),
    "marked": N_("marked: Changes tells what has changed since"),
    "since": N_("marked {time} ago"),
    "one-moment": N_("A recording is one moment: there is nothing to compare it with (procmem diff compares two)."),
    "same-look": N_(
        "This is the look that others are compared with: at the next one, this part tells what has changed."
    ),
    "no-pss": N_("PSS is not permitted here: sorted by RSS"),
    "growth hint": N_("Press f to watch its page faults for {seconds:g} seconds: which code fills which memory."),
    "growth needs life": N_("Page faults can be watched of living processes alone."),
    "watching faults": N_("watching its page faults for {seconds:g} seconds ..."),
    "not-comparable": N_("Regions with their sizes are needed to tell what has changed, and are not known here."),
    "no-regions": N_("Which regions it has is not known: see Overview for why."),
    "no-regions-kept": N_("A series keeps sums of classes and kinds, not single regions."),
    "no-threads": N_("Its threads are not known."),
    "no-findings": N_("Findings need its regions, which are not known."),
    "no-picture": N_("There is nothing to draw: its regions are not known."),
    "not-found": N_("not found: {text}"),
    "search": N_("search"),
    "filter": N_("filter"),
    "help": N_("Keys"),
    "too-small": N_("The screen has {columns} columns and {lines} lines; 80 by 24 are needed."),
    "hints": N_("Enter opens   / search   \\ filter   s sort   t tree   Space pause   ? help   q end"),
    "hints of one": N_("1-7 parts   / search   s sort   m mark   f faults   Space pause   r look   ? help   q back"),
    "hints of recording": N_("1-7 parts   / search   \\ filter   s sort   ? help   q back"),
    "hints of series": N_("1-7 parts   [ ] step   m mark   / search   s sort   ? help   q back"),
}


def heading(column: str) -> str:
    """The heading of a column."""
    return gettext(HEADINGS[column])


def tab(name: str) -> str:
    """The name of a part of the screen."""
    return gettext(TABS[name])


def key_text() -> list[tuple[str, str]]:
    """Each key, and what it does."""
    return [(gettext(key), gettext(words)) for key, words in KEYS]


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
