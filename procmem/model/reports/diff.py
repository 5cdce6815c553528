"""What ``procmem diff`` tells: two looks at a process, or at two runs of a program, laid side by side."""

from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.unknown import exact_sum

__all__ = ["Change", "ClassChange", "DiffReport", "Figures"]


class Figures(NamedTuple):
    """Sums of some regions in bytes; None is unknown."""

    virt: int
    rss: int | None
    pss: int | None
    swap: int | None
    regions: int

    @property
    def held(self) -> int | None:
        """What it holds, in memory or in swap: what a leak lets grow."""
        return exact_sum((self.rss, self.swap))


class Change(NamedTuple):
    """Regions with one identity, before and after; ``before`` or ``after`` is None where there were none.

    ``status`` is ``grown``, ``shrunk``, ``new``, ``gone`` or ``same``. ``owner`` names threads by their number in the
    order of their ids and by name, since ids differ from run to run. ``start`` is an address in the later look, or
    in the earlier one where it is gone.
    """

    status: str
    cls: str
    kind: str
    owner: str
    start: int | None
    before: Figures | None
    after: Figures | None

    @property
    def growth(self) -> int:
        """Bytes by which it grew: of what it holds, or of address space where that is unknown or has not changed."""
        return held_growth(self.before, self.after) or virt_growth(self.before, self.after)


class ClassChange(NamedTuple):
    """One class, or all of them (``total``), before and after."""

    cls: str
    before: Figures
    after: Figures


class DiffReport(NamedTuple):
    """The answer of ``procmem diff``. ``failed`` are the conditions of --fail-if-grows that are met."""

    names: tuple[str, str]
    same_process: bool
    threshold: int
    classes: tuple[ClassChange, ...]
    changes: tuple[Change, ...]
    failed: tuple[Note, ...]
    warnings: tuple[Note, ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing changed by as much as the threshold."""
        return all(change.status == "same" for change in self.changes)


def held_growth(before: Figures | None, after: Figures | None) -> int | None:
    """The change of memory and swap; None where it is unknown."""
    first, last = (0 if side is None else side.held for side in (before, after))
    return None if first is None or last is None else last - first


def virt_growth(before: Figures | None, after: Figures | None) -> int:
    """The change of address space."""
    return (0 if after is None else after.virt) - (0 if before is None else before.virt)
