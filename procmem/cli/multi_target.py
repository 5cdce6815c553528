"""Doing one thing for several targets: each is handled by itself, and the worst tells the exit status."""

from __future__ import annotations

from itertools import islice

from procmem.cli.error_handling import complain
from procmem.errors import ExitStatus, MalformedFile, NothingMatches, OutOfResources, ProcessGone, ProcmemError
from procmem.render.escaping import printable_text
from procmem.render.formats import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    from procmem.cli.output import Output
    from procmem.queries.targets import Selection, TargetRef
    from procmem.render.page import Page

    _Answer = TypeVar("_Answer")
    _Target = TypeVar("_Target")

__all__ = ["complain_of_ended", "for_each", "show_answers", "show_each"]

_PIDS_SHOWN = 8


def for_each(targets: Iterable[_Target], answer: Callable[[_Target], _Answer]) -> tuple[list[_Answer], int]:
    """Collect the answers of all targets that give one, and the status for those that do not.

    A target that fails is a line on stderr and does not stop the others; children that have ended are one line. When
    some of several are gone, the status is 42, as pmap has it; when the only one fails, the status is that failure's
    own.
    """
    answers: list[_Answer] = []
    errors: list[ProcmemError] = []
    ended: list[ProcessGone] = []
    coming = iter(targets)
    ahead: list[_Target] = []
    while (target := ahead.pop() if ahead else next(coming, None)) is not None:
        try:
            answers.append(answer(target))
        except ProcmemError as error:
            if isinstance(error, MalformedFile):
                ahead += islice(coming, 1)
                if ahead or answers or errors:  # each of several has a file of that name
                    error.pid = getattr(target, "pid", None)
            errors.append(error)
            if isinstance(error, ProcessGone) and getattr(target, "is_child", False):
                ended.append(error)
                continue
            complain(error)
            if isinstance(error, OutOfResources):
                break  # the others would fare no better
    complain_of_ended(ended)
    if not errors:
        return answers, ExitStatus.DONE
    if answers and all(isinstance(error, (ProcessGone, NothingMatches)) for error in errors):
        return answers, ExitStatus.SOME_MISSING
    return answers, max(error.exit_code for error in errors)


def complain_of_ended(ended: Sequence[ProcmemError]) -> None:
    """Say that processes have ended: one line, however many there are."""
    pids = [error.pid for error in ended if isinstance(error, ProcessGone)]
    if len(pids) > _PIDS_SHOWN:
        shown = tuple(pids[:_PIDS_SHOWN])
        complain(ProcmemError("many-ended", count=len(pids), pids=shown, more=len(pids) - _PIDS_SHOWN))
    elif len(pids) > 1:
        complain(ProcmemError("several-ended", count=len(pids), pids=tuple(pids)))
    else:
        for error in ended:
            complain(error)


def show_each(
    targets: Selection, answer: Callable[[TargetRef], _Answer], page: Callable[[_Answer], Page], output: Output
) -> tuple[list[_Answer], int]:
    """Collect the answers as :func:`for_each`, and print their pages; each says of which target it is."""

    def answered(ref: TargetRef) -> tuple[TargetRef, _Answer]:
        return ref, answer(ref)

    load(output.format)
    found, status = for_each(targets.refs(), answered)
    show_answers(targets, found, page, output)
    return [report for _, report in found], status


def show_answers(
    targets: Selection, found: Sequence[tuple[TargetRef, _Answer]], page: Callable[[_Answer], Page], output: Output
) -> None:
    """Print the pages of answers; each says of which target it is."""
    pages = [
        page(report)._replace(of=(("pid", "count", ref.pid), ("target", "path", printable_text(ref.name))))
        for ref, report in found
    ]
    output.show(pages, several=targets.are_several(len(pages)))
