"""The report of ``procmem crosscheck``: what a real process showed, beside what was predicted of it.

What is predicted is :mod:`procmem.model.simulation`.
"""

from __future__ import annotations

from procmem.errors import ExitStatus
from procmem.model.enumeration import TextEnumeration
from procmem.model.named_tuple import NamedTuple
from procmem.model.simulation import Exactness

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.note import Note
    from procmem.model.simulation import Base, Draws, Prediction, Range, SimVma, Stage

__all__ = ["MISMATCH", "CrossLine", "CrossReport", "DrawnRow", "LineVerdict", "RealLine", "RealRun", "RealSpace"]

MISMATCH = ExitStatus.MISMATCH
"""Exit status of a cross-check in which something called exact was not."""


RealLine = tuple[int, int, str, int, bytes]
"""A line of ``maps``: start, end, perms, offset, name."""


class RealSpace(NamedTuple):
    """What a real process showed at a stage."""

    stage: Stage
    lines: tuple[RealLine, ...]
    esp: int | None = None
    start_brk: int | None = None


class RealRun(NamedTuple):
    """A program that was really run: what it showed at each stage it reached, and why it went no further.

    ``ended`` tells how the program ended, ``unchecked`` why we could not stop it where we wanted.
    """

    spaces: tuple[RealSpace, ...]
    ended: Note | None = None
    unchecked: Note | None = None


class CrossLine(NamedTuple):
    """A predicted line beside the real one; the verdict is a word of ``LineVerdict``."""

    predicted: SimVma | None
    real: RealLine | None
    verdict: LineVerdict


class LineVerdict(TextEnumeration):
    """What came of one line. ``differs``, ``missing`` and ``extra`` are not as they should be.

    A running process may have freed or changed since what it had at ``main``.
    """

    SAME = "same"
    IN_RANGE = "in range"
    SHAPE = "same shape"
    FREED = "freed since"
    CHANGED = "changed since"
    DIFFERS = "differs"
    MISSING = "missing"
    EXTRA = "extra"


class CrossReport(NamedTuple):
    """One stage, predicted and real side by side.

    ``esp`` holds the predicted and the real stack pointer where both are known. ``draws`` are the values
    read off the real map for a fitted comparison, with the word of each base on whether it lay in its range.
    ``within`` says of each drawn base whether it could have been drawn so; None where what decides is not known.
    ``failures`` are the predicted and the real reason why there is no process at this stage; ``unchecked``
    says why the stage could not be looked at.
    """

    prediction: Prediction
    lines: tuple[CrossLine, ...]
    esp: tuple[int, int] | None = None
    draws: Draws | None = None
    within: tuple[tuple[Base, bool | None], ...] = ()
    failures: tuple[Note | None, Note | None] = (None, None)
    unchecked: Note | None = None

    @property
    def called_exact(self) -> int:
        """How many lines were called exact."""
        return sum(1 for line in self.lines if line.predicted is not None and line.predicted.status is Exactness.EXACT)

    @property
    def exact(self) -> int:
        """How many of those were exact."""
        return sum(
            1
            for line in self.lines
            if line.verdict is LineVerdict.SAME
            and line.predicted is not None
            and line.predicted.status is Exactness.EXACT
        )

    @property
    def holds(self) -> bool:
        """Whether everything that was claimed is true, as far as it was looked at."""
        if self.unchecked is not None:
            return True
        if (self.failures[0] is None) != (self.failures[1] is None):
            return False
        if self.esp is not None and self.esp[0] != self.esp[1]:
            return False
        if any(inside is False for _base, inside in self.within):
            return False
        guessing = any(vma.status is Exactness.SHAPE for vma in self.prediction.vmas) or self.prediction.notes
        for line in self.lines:
            if line.verdict not in {LineVerdict.DIFFERS, LineVerdict.MISSING, LineVerdict.EXTRA}:
                continue
            if line.predicted is not None and line.predicted.status is not Exactness.SHAPE:
                return False
            if line.predicted is None and not guessing:
                return False
        return True


class DrawnRow(NamedTuple):
    """One randomised base over many runs: where it was seen, and how often each value."""

    range: Range
    seen: tuple[int, ...]

    @property
    def outside(self) -> int:
        """How many values lay outside the predicted range."""
        return sum(1 for value in self.seen if value not in self.range)
