"""Columns of many thousand cells, most of which say the same: each text is made once.

Here belongs laying such columns side by side; what a cell says is for who adds them.
"""

from __future__ import annotations

from operator import lt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
    from typing import Any, TypeVar

    Value = TypeVar("Value", bound=Hashable)

__all__ = ["RepeatedCells", "Texts", "picked", "places"]


class Texts(dict["Hashable", str]):
    """The text of each value, made when it is first asked for."""

    def __init__(self, text: Callable[[Any], str]) -> None:
        self._text = text

    def __missing__(self, value: Hashable) -> str:
        text = self[value] = self._text(value)
        return text


def places(indexes: Sequence[int]) -> Sequence[int]:
    """The indexes, as a range where they stand side by side: columns are cut faster than picked from."""
    if not indexes or isinstance(indexes, range):
        return indexes
    first, last = indexes[0], indexes[-1]
    together = last - first == len(indexes) - 1 and all(map(lt, indexes, indexes[1:]))
    return range(first, last + 1) if together else indexes


def picked(column: Sequence[Value], indexes: Sequence[int]) -> Iterable[Value]:
    """The values at some indexes, which :func:`places` gave."""
    if isinstance(indexes, range):
        return column[indexes.start : indexes.stop]
    return map(column.__getitem__, indexes)


class RepeatedCells:
    """Columns whose cells stand side by side. One that says the same in every row is a part of the one before it."""

    def __init__(self) -> None:
        self._columns: list[tuple[Sequence[Any], Texts]] = []

    def add(self, values: Sequence[Value], text: Callable[[Value], str]) -> None:
        """Add a column by its values, and what each of them is shown as."""
        if values and self._columns and values.count(values[0]) == len(values):
            same = text(values[0])
            column, before = self._columns[-1]
            self._columns[-1] = column, Texts(lambda value, before=before: before[value] + same)  # type: ignore[misc]
        else:
            self._columns.append((values, Texts(text)))

    def rows(self) -> Iterator[str]:
        """The cells of each row, side by side."""
        return map("".join, zip(*(map(texts.__getitem__, values) for values, texts in self._columns), strict=True))

    def rows_at(self, indexes: Sequence[int]) -> Iterator[str]:
        """The same of some rows, whose indexes :func:`places` gave."""
        cells = (map(texts.__getitem__, picked(values, indexes)) for values, texts in self._columns)
        return map("".join, zip(*cells, strict=True))
