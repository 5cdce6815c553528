"""The words of ``procmem diff``: which condition is met, and by how much."""

from procmem.model.note import Note
from procmem.text import N_, say

__all__ = ["failure_text"]

FAILURES = {
    "grown": N_("{condition}: {cls} grew by {grown:size}"),
    "grown by share": N_("{condition}: {cls} grew by {grown:size}, {share:+.0%}"),
}
"""Conditions of --fail-if-grows that are met."""


def failure_text(failure: Note) -> str:
    """Which condition is met, and by how much."""
    return say(FAILURES[failure.code], failure.figures)
