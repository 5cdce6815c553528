"""What a report has to say beside its figures: a code and the figures that belong to it.

``procmem.text`` holds the sentence of each code. A name that ends in ``_code`` holds another code, or a value that has
words of its own.
"""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Note", "note"]


class Note(NamedTuple):
    """A code with words in ``procmem.text``, and what fills them: sizes are bytes, names stand as they were read."""

    code: str
    figures: Mapping[str, object]


def note(code: str, /, **figures: object) -> Note:
    """A note by its code and figures."""
    return Note(code, figures)
