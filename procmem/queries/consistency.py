"""The one loop that reads a process again while it moves: reading is repeated until what was read agrees."""

from collections.abc import Callable
from typing import TypeVar

__all__ = ["TRIES", "read_consistently"]

TRIES = 4
Answer = TypeVar("Answer")


def read_consistently(
    read: Callable[[], Answer], moved: Callable[[Answer], object], tries: int = TRIES
) -> tuple[Answer, bool]:
    """Read until ``moved`` says no of the answer, ``tries`` times at most; the last answer, and whether it settled."""
    for _attempt in range(tries):
        answer = read()
        if not moved(answer):
            return answer, True
    return answer, False
