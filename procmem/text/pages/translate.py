"""The words of the page of ``procmem translate``."""

from procmem.text import N_, Sentence, plural, say

__all__ = ["HEADINGS", "told"]

HEADINGS = {
    "address": N_("address"),
    "level": N_("level"),
    "index": N_("index"),
    "entry_address": N_("at"),
    "entry": N_("entry"),
    "bits": N_("bits"),
}

_SENTENCES: dict[str, Sentence] = {
    "user": N_("{access} {address:#010x} in user mode"),
    "kernel": N_("{access} {address:#010x} in kernel mode"),
    "logical": N_("logical"),
    "selector": N_("selector"),
    "of selector": N_("index {number}, GDT, RPL {rpl}"),
    "segment": N_("segment"),
    "of segment": N_("{value:#018x}: base {base:#x}, limit {limit:#x}, DPL {dpl}, {kind}"),
    "of flat segment": N_("{value:#018x}: base and limit count for nothing in 64 bits, DPL {dpl}, {kind}"),
    "not canonical": N_("no table is looked at: the highest bits are not all alike (no canonical address)"),
    "linear": N_("linear"),
    "of linear": N_("base + offset = {linear:#010x}"),
    "page fault": N_("page fault, error code {code:#x}: {bits}"),
    "kernel does": N_("kernel"),
    "walk again": N_("walk again"),
    "physical": N_("physical"),
    "pointers": N_("pointers"),
    "directory": N_("directory"),
    "table": N_("table"),
    "entry": N_("entry {number:<4} at {at} = {entry}"),
    "real nameless": N_("{address:#x} of a recorded process"),
    "real": N_("{address:#x} of process {pid}"),
    "area": N_("area"),
    "unmapped": N_("none: not mapped"),
    "levels": plural("{count} level", "{count} levels"),
    "split": N_("{split}, offset {offset:#x}"),
    "split huge": N_("{split}, offset {offset:#x}: that entry maps a huge page, there is no table below it"),
    "swap": N_("swap"),
    "of swap": N_("area {area} ({path}), slot {slot:#x}"),
    "word": N_("{word:#018x}: {bits}"),
    "empty": N_("empty: never touched, given back, or a page of an object that is not mapped now"),
    "frame": N_("frame"),
    "flags": N_("flags"),
    "none": N_("none"),
    "mapped": N_("mapped"),
    "times": plural("{count} time", "{count} times"),
    "note": N_("note: {text}"),
}


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
