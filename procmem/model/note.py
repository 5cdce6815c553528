"""What a report has to say beside its figures: a code and the figures that belong to it.

``procmem.text`` holds the sentence of each code; other notes among the figures are sentences within it.
"""

from procmem.model.named_tuple import NamedTuple

__all__ = ["Note", "note"]


class Note(NamedTuple):
    """A code with words in ``procmem.text``, and what fills them: sizes are bytes, names stand as they were read."""

    code: str
    values: tuple[tuple[str, object], ...] = ()

    @property
    def figures(self) -> dict[str, object]:
        """The figures by name."""
        return dict(self.values)


def note(code: str, /, **figures: object) -> Note:
    """A note by its code and figures."""
    return Note(code, tuple(figures.items()))
