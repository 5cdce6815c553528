"""The question of ``procmem diff``: what grew between two looks at a process, or at two runs of a program."""

from __future__ import annotations

from procmem.analyse.diff import SUMS, Condition, Look, diff_report
from procmem.analyse.inspection import warnings_of
from procmem.errors import AccessRefused
from procmem.model.kinds import ByteClass
from procmem.model.note import note
from procmem.parse.options import parse_growth
from procmem.queries.examine import examine, need_mappings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from procmem.model.note import Note
    from procmem.model.reports.diff import DiffReport
    from procmem.queries.targets import TargetRef

__all__ = ["conditions_of", "diff"]

_NAMES = (*(cls.value for cls in ByteClass), "total", *SUMS)


def conditions_of(texts: Iterable[str]) -> list[Condition]:
    """Conditions of growth, as ``CLASS>HOW``.

    Raises:
        Misuse: one that is none.
    """
    return [Condition(text, *parse_growth(text, _NAMES)) for text in texts]


def diff(
    before: TargetRef, after: TargetRef, *, deep: bool, threshold: int, conditions: Iterable[Condition]
) -> DiffReport:
    """Compare two targets: pids or recordings.

    Raises:
        AccessRefused: the sizes of one of them may not be read.
        ProcessGone, MalformedFile: as :func:`procmem.queries.examine.examine`.
    """
    first, own = _look(before, deep=deep)
    last, more = _look(after, deep=deep)
    notes = [note("of", name=look.name, note=one) for look, found in ((first, own), (last, more)) for one in found]
    return diff_report(first, last, threshold=threshold, conditions=conditions, warnings=notes)


def _look(ref: TargetRef, *, deep: bool) -> tuple[Look, list[Note]]:
    with ref.open() as target:
        seen = examine(target, deep=deep)
    need_mappings(seen, sizes=True)
    if seen.regions is None or not seen.snapshot.has_usage:
        raise AccessRefused(seen.snapshot.pid, "nothing-to-compare")
    return Look(ref.name, seen.snapshot, seen.regions), list(
        warnings_of(seen.snapshot, seen.regions, seen.peek_problem)
    )
