"""The sentences of ``procmem system``."""

from procmem.text import N_, Sentence, plural, say

__all__ = ["HEADINGS", "told"]

HEADINGS = {
    "processes": N_("processes"),
    "swap": N_("swap"),
    "uss": N_("USS"),
    "pss": N_("PSS"),
    "rss": N_("RSS"),
    "virt": N_("VIRT"),
    "group": N_("group"),
    "what": N_("what it is"),
    "pid": N_("PID"),
    "user": N_("user"),
    "pss_of_all_below": N_("PSS of all below"),
    "name": N_("name"),
    "command": N_("command line"),
    "current": N_("current"),
    "max": N_("max"),
    "cgroup": N_("cgroup, with all below it"),
    "class": N_("class"),
    "regions": N_("regions"),
    "at_seconds": N_("at seconds"),
    "change": N_("change"),
    "mappings": N_("mappings"),
    "mapping": N_("mapping"),
}

_SENTENCES: dict[str, Sentence] = {
    "first look": N_("first look"),
    "looked": N_("{time} after the first look; looking took {share:.1%} of a processor"),
    "came": N_("new since the look before: {names}"),
    "came, more": plural(
        "new since the look before: {names} and {count} more", "new since the look before: {names} and {count} more"
    ),
    "went": N_("gone since the look before: {names}"),
    "went, more": plural(
        "gone since the look before: {names} and {count} more", "gone since the look before: {names} and {count} more"
    ),
    "total": N_("total"),
    "once": N_("each page once"),
    "all, once": N_("all, each page once"),
    "none": N_("none"),
    "family": plural(
        "{name}, {parent}, with {count} child of its name:",
        "{name}, {parent}, with {count} children of its name:",
    ),
    "costs": N_("one child really costs"),
    "own": N_("{mean:size} on average ({least:size} to {most:size}): what it shares with nobody (USS)"),
    "shared": N_("shared, paid once"),
    "by all": N_("{shared:size}, by all {all} and other programs"),
    "adding": N_("adding up RSS would say"),
    "charged": N_("{path}: {current:size} charged (v{version}); of it"),
    "charged, named": N_("{what}: {told}"),
    "of processes": N_("PSS of its processes"),
    "unknown sizes": plural(
        "not known: PSS and USS of {count} process, which the sums leave out",
        "not known: PSS and USS of {count} processes, which the sums leave out",
    ),
    "unreadable": plural(
        "not permitted: PSS and USS of {count} process, which the sums leave out (root can read most)",
        "not permitted: PSS and USS of {count} processes, which the sums leave out (root can read most)",
    ),
    "same memory": plural(
        "in the address space of another one, and so not counted again: {count} process",
        "in the address space of another one, and so not counted again: {count} processes",
    ),
    "without memory": plural(
        "left out: {count} kernel thread or zombie, which has no memory of its own",
        "left out: {count} kernel threads and zombies, which have no memory of their own",
    ),
    "classes": plural(
        "{count} process; RSS and VIRT count shared pages as often as they are mapped",
        "{count} processes; RSS and VIRT count shared pages as often as they are mapped",
    ),
    "mappings": plural(
        "{names} names in {count} process; RSS and VIRT count shared pages as often as they are mapped",
        "{names} names in {count} processes; RSS and VIRT count shared pages as often as they are mapped",
    ),
    "mappings, refused": plural(
        "{names} names in {count} process, {refused} more could not be read; RSS and VIRT count shared pages as often"
        " as they are mapped",
        "{names} names in {count} processes, {refused} more could not be read; RSS and VIRT count shared pages as"
        " often as they are mapped",
    ),
    "classes, refused": plural(
        "{count} process, {refused} more could not be read; RSS and VIRT count shared pages as often as they are"
        " mapped",
        "{count} processes, {refused} more could not be read; RSS and VIRT count shared pages as often as they are"
        " mapped",
    ),
}


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
