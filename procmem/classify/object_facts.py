"""What is found out once for all processes that have mapped the same objects at the same places.

Here belongs keeping it; what it is, and what it depends on, is known to who finds it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any, TypeVar

    Value = TypeVar("Value")

__all__ = ["ObjectFacts"]


class ObjectFacts:
    """What follows from the objects of a process, by all that it depends on besides: forked processes have the same."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}

    def of(self, name: Hashable, compute: Callable[[], Value]) -> Value:
        """What is known by a name; computed where it is not."""
        if name not in self._known:
            self._known[name] = compute()
        found: Value = self._known[name]
        return found
