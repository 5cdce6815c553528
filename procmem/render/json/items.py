"""Lists of a document that are made item by item, while they are written."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

__all__ = ["Items", "made"]


class Items:
    """So many values, made anew whenever they are gone through: all of them at once would take much memory."""

    __slots__ = ("_count", "_make", "texts")

    def __init__(
        self,
        count: int,
        make: Callable[[], Iterable[Any]],
        texts: Callable[[], Iterable[Sequence[str]]] | None = None,
    ) -> None:
        self._count = count
        self._make = make
        self.texts = texts
        """The same as text, some at a time, where that is made faster than by an encoder."""

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        return iter(self._make())


def made(document: dict[str, Any]) -> dict[str, Any]:
    """A document with all its lists made."""
    return {key: list(value) if isinstance(value, Items) else value for key, value in document.items()}
