"""What ``procmem dataset`` tells: what was added, what was put together, and the answer to a query."""

from collections.abc import Sequence

from procmem.model.named_tuple import NamedTuple

__all__ = ["AnswerColumn", "DatasetAnswer", "DatasetChange"]


class AnswerColumn(NamedTuple):
    """A column of an answer; ``type`` is what the engine calls its type."""

    name: str
    type: str


class DatasetAnswer(NamedTuple):
    """Rows that a query gave: numbers, text, truth, None for unknown.

    ``name`` is that of a named query, None for any other. ``is_cut`` says that there are more rows than were asked for.
    """

    name: str | None
    columns: tuple[AnswerColumn, ...]
    rows: Sequence[tuple[int | float | str | bool | None, ...]]
    is_cut: bool


class DatasetChange(NamedTuple):
    """What was added: looks and rows of regions, and looks that were there already. Or files before and after."""

    looks: int = 0
    regions: int = 0
    known: int = 0
    files_before: int = 0
    files_after: int = 0
