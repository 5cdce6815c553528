"""Folded stacks, as flame graphs are made of: a line for each stack, frames parted by semicolons, then the bytes.

The form is that of ``stackcollapse`` in Brendan Gregg's FlameGraph: the last word of a line is the number.
"""

from collections.abc import Sequence

from procmem.model.reports.profile import MEASURES, MemoryProfile
from procmem.render.profiles.frames import stacks

__all__ = ["write"]


def write(profiles: Sequence[MemoryProfile], measure: str) -> bytes:
    """One line for each sum that is not empty; where all are, one for each."""
    at = MEASURES.index(measure)
    found = [(frames, one.sizes[at] or 0) for frames, one in stacks(profiles)]
    shown = [(frames, size) for frames, size in found if size] or found
    return "".join(f"{';'.join(map(_frame, frames))} {size}\n" for frames, size in shown).encode("utf-8")


def _frame(name: str) -> str:
    """A name that holds no semicolon, which would begin another frame."""
    return name.replace(";", "\\x3b")
