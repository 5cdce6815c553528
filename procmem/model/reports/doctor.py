"""The report of ``procmem doctor``: what this machine and this user allow. Values only; sentences are elsewhere."""

from __future__ import annotations

from procmem.model.enumeration import TextEnumeration
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note

__all__ = ["Ability", "AbilityCheck"]


class Ability(TextEnumeration):
    """Whether something can be had here; ``FIGURE`` is of what is so or so, and neither good nor bad."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    UNKNOWN = "unknown"
    FIGURE = "figure"

    @property
    def is_short(self) -> bool:
        """Whether something is missing."""
        return self not in (Ability.YES, Ability.FIGURE)


class AbilityCheck(NamedTuple):
    """One thing that reports rest on: its name, whether it can be had, and what was found."""

    name: str
    ability: Ability
    found: Note
