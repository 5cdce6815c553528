"""Doing one thing for several targets: each is handled by itself, and the worst tells the exit status."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from procmem.cli.error_handling import complain
from procmem.errors import ExitStatus, NothingMatches, ProcessGone, ProcmemError
from procmem.queries.targets import TargetRef

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    _Answer = TypeVar("_Answer")

__all__ = ["for_each"]


def for_each(refs: Iterable[TargetRef], answer: Callable[[TargetRef], _Answer]) -> tuple[list[_Answer], int]:
    """Collect the answers of all targets that give one, and the status for those that do not.

    A target that fails is a line on stderr and does not stop the others. When some of several are gone, the
    status is 42, as pmap has it; when the only one fails, the status is that failure's own.
    """
    answers: list[_Answer] = []
    errors: list[ProcmemError] = []
    for ref in refs:
        try:
            answers.append(answer(ref))
        except ProcmemError as error:
            complain(error)
            errors.append(error)
    if not errors:
        return answers, ExitStatus.DONE
    if answers and all(isinstance(error, (ProcessGone, NothingMatches)) for error in errors):
        return answers, ExitStatus.SOME_MISSING
    return answers, max(error.exit_code for error in errors)
