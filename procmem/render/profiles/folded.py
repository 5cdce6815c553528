"""Folded stacks, as flame graphs are made of: a line for each stack, frames parted by semicolons, then the bytes.

The form is that of ``stackcollapse`` in Brendan Gregg's FlameGraph: the last word of a line is the number.
"""

from procmem.render.stacks import StackProfile

__all__ = ["write"]


def write(stacks: StackProfile, measure: str) -> bytes:
    """One line for each stack of which there is something; where there is nothing of any, one for each."""
    at = stacks.place_of(measure)
    found = [(row.frames, row.values[at] or 0) for row in stacks.rows]
    shown = [(frames, size) for frames, size in found if size] or found
    return "".join(f"{';'.join(map(_frame, frames))} {size}\n" for frames, size in shown).encode("utf-8")


def _frame(name: str) -> str:
    """A name that holds no semicolon, which would begin another frame."""
    return name.replace(";", "\\x3b")
