"""The words of ``procmem diff``: which condition is met, and by how much."""

from procmem.model.note import Note
from procmem.text import N_, say

__all__ = ["failure_text"]

GROWN = N_("{condition}: {cls} grew by {grown:size}")
GROWN_BY_SHARE = N_("{condition}: {cls} grew by {grown:size}, {share:+.0%}")


def failure_text(failure: Note) -> str:
    """A condition of --fail-if-grows that is met."""
    return say(GROWN if failure.figures["share"] is None else GROWN_BY_SHARE, failure.figures)
