"""What every page says: units, notes, columns that were left out, and what a progress bar is about."""

from __future__ import annotations

from procmem.text import N_, gettext, listed, ngettext, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["UNITS", "left_out", "looking", "note", "note_of"]

UNITS = {None: N_("sizes in KiB"), "bytes": N_("sizes in bytes"), "human": ""}
"""By the unit asked for: what a page says of the figures of its tables."""

_LABELS = {
    "reading": N_("reading"),
    "looking at other processes": N_("looking at other processes"),
    "steps": N_("steps"),
}


def left_out(names: Sequence[str]) -> str:
    """Which columns a narrow table does without."""
    text = ngettext(
        "column left out: {names} (--wide shows all, --columns chooses)",
        "columns left out: {names} (--wide shows all, --columns chooses)",
        len(names),
    )
    return text.format(names=listed(names))


def note(text: str) -> str:
    """A note on what could not be read."""
    return say(N_("note: {text}"), {"text": text})


def note_of(name: str, text: str) -> str:
    """A note that belongs to one of several targets."""
    return say(N_("{name}: {note}"), {"name": name, "note": text})


def looking(label: str) -> str:
    """What a progress bar counts."""
    return gettext(_LABELS[label])
