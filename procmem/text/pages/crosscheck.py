"""The words of the page of ``procmem crosscheck TARGET``."""

from procmem.text import N_, Sentence, gettext, say

__all__ = ["HEADINGS", "outcome", "told"]

HEADINGS = {
    "outcome": N_("outcome"),
    "law": N_("law"),
    "says": N_("what it says"),
    "figures": N_("figures"),
    "source": N_("source"),
    "area": N_("area"),
    "textbook": N_("in the textbook (32 bit)"),
    "here": N_("here"),
}
_OUTCOMES = {"holds": N_("holds"), "broken": N_("broken"), "not applicable": N_("not applicable")}
_SENTENCES: dict[str, Sentence] = {
    "laws": N_("laws of the layout: {held} hold, {broken} broken, {others} not applicable"),
    "no laws": N_(
        "laws of the layout: none can be checked (no mappings may be read, or the machine is not known to be x86)"
    ),
    "law": N_("{name}: {says}"),
    "by": N_("{figures}    [{source}]"),
    "none": N_("none"),
    "predicted": N_("predicted from its files, drawn values filled in:"),
    "not predicted": N_("not predicted line by line: {reason}"),
}


def outcome(code: str) -> str:
    """What came of a law."""
    return gettext(_OUTCOMES[code])


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
