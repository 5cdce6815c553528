"""Values of the laboratory: experiments, and what came of them."""

from collections.abc import Sequence

from procmem.model.enumeration import TextEnumeration
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note

__all__ = ["Figure", "Holder", "LabVerdict", "RestoreOutcome", "Restored", "Result", "Skipped"]


class LabVerdict(TextEnumeration):
    """What came of an experiment."""

    AGREES = "agrees"
    DIFFERS = "differs"
    SKIPPED = "skipped"


class Skipped(Exception):
    """The machine lacks what an experiment needs; ``reason`` says what."""

    def __init__(self, code: str, /, **figures: object) -> None:
        super().__init__(code)
        self.reason = note(code, **figures)


class Figure(NamedTuple):
    """One figure of an experiment: what was predicted, and what the kernel showed.

    ``unit`` is ``bytes``, or the word behind a count or ratio. ``relation`` says how the kernel's figure must stand to
    the predicted one: ``=`` within ``slack`` (in the unit; 0 is exact), ``>=`` or ``<=``, or ``measured`` where nothing
    is claimed and ``predicted`` is None.
    """

    name: Note
    predicted: float | None
    kernel: float | None
    unit: str = ""
    slack: float = 0
    relation: str = "="

    @property
    def agrees(self) -> bool:
        """Whether the kernel's figure is as predicted."""
        if self.relation == "measured":
            return True
        if self.kernel is None or self.predicted is None:
            return False
        if self.relation == ">=":
            return self.kernel >= self.predicted
        if self.relation == "<=":
            return self.kernel <= self.predicted
        return abs(self.kernel - self.predicted) <= self.slack


class Result(NamedTuple):
    """One experiment and its figures.

    ``row`` is the theory's number (M2), ``reason`` why it was skipped or stopped, ``seconds`` how long it took.
    """

    name: str
    row: str
    figures: Sequence[Figure]
    reason: Note | None
    seconds: float
    skipped: bool = False

    @property
    def verdict(self) -> LabVerdict:
        """Skipped, agrees where every figure does, or differs."""
        if self.skipped:
            return LabVerdict.SKIPPED
        fine = self.reason is None and bool(self.figures) and all(figure.agrees for figure in self.figures)
        return LabVerdict.AGREES if fine else LabVerdict.DIFFERS


class RestoreOutcome(TextEnumeration):
    """What came of undoing one change."""

    RESTORED = "restored"
    LEFT = "left"
    FAILED = "failed"


class Restored(NamedTuple):
    """One thing that the laboratory had changed or made, and what was done about it afterwards.

    ``kind`` is swap, huge-pages, swappiness, group, controllers, folder, shared-memory, child, or journal; ``what`` the
    path or the pid. ``reason`` says why it was left or could not be undone; ``before`` is the value that was to be put
    back, ``found`` the one that was there, None where the kind has no value.
    """

    kind: str
    what: str
    outcome: RestoreOutcome
    reason: Note | None
    before: int | None = None
    found: int | None = None


class Holder(NamedTuple):
    """Who holds the lock of the machine; ``since`` is seconds since 1970."""

    pid: int
    command: str
    since: float
