"""Answers that are kept: what ``functools.lru_cache`` does for functions of one argument, at less cost.

Here belongs keeping them; what is asked, and how many answers are worth it, is for who asks. ``functools`` is not used
on the way of the plainest commands: to load it, and ``collections`` with it, takes a sixteenth of them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    _Key = TypeVar("_Key")
    _Answer = TypeVar("_Answer")

__all__ = ["Memo", "memo"]


class Memo(dict["_Key", "_Answer"]):
    """What a function answers, by its argument, which is hashable. When there are too many, all are forgotten."""

    __slots__ = ("_answer", "_most")

    def __init__(self, answer: Callable[[_Key], _Answer], most: int) -> None:
        super().__init__()
        self._answer = answer
        self._most = most

    def __missing__(self, key: _Key) -> _Answer:
        answer = self._answer(key)
        if len(self) >= self._most:
            self.clear()
        self[key] = answer
        return answer


def memo(most: int) -> Callable[[Callable[[_Key], _Answer]], Callable[[_Key], _Answer]]:
    """A decorator: the function is called once for each argument, as long as there are not more than ``most``."""

    def kept(answer: Callable[[_Key], _Answer]) -> Callable[[_Key], _Answer]:
        return Memo(answer, most).__getitem__

    return kept
