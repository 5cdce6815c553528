"""``Enum`` whose members are hashed as what they are: single values.

``enum.Enum`` hashes a member's name, by a function in Python, which counts where members are keys of sums over many
thousand mappings.
"""

from enum import Enum

__all__ = ["Enumeration"]


class Enumeration(Enum):
    """An enumeration, to be used as ``enum.Enum`` is."""

    __hash__ = object.__hash__
