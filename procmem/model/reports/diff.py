"""What ``procmem diff`` tells: two looks at a process, or at two runs of a program, laid side by side."""

from procmem.model.kinds import Kind
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.owners import Thread
from procmem.model.region import Certainty
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


class NumberedThread(NamedTuple):
    """A thread as two runs have it: ids differ, so its number in their order (0 is the main thread), and its name.

    ``tid`` is its id in the later run that has it, 0 while the runs are being compared.
    """

    number: int
    comm: bytes | None
    tid: int = 0


class Whose(NamedTuple):
    """Whose memory it is, as both looks know it: a name, threads, or an arena of malloc, of threads where known.

    Within one process a thread is known by its id. ``block`` is the address of a block whose arena is not known.
    """

    name: bytes = b""
    threads: tuple[Thread | NumberedThread, ...] = ()
    is_arena: bool = False
    block: int | None = None


class Change(NamedTuple):
    """Regions with one identity, before and after; ``before`` or ``after`` is None where there were none.

    ``status`` is ``grown``, ``shrunk``, ``new``, ``gone`` or ``same``. ``start`` is an address in the later look, or in
    the earlier one where it is gone; ``certainty`` is how sure the least sure of its regions there are.
    """

    status: str
    cls: str
    kind: Kind
    owner: Whose
    certainty: Certainty
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
