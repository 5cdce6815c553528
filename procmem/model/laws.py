"""Laws of the address space: what the kernel's layout promises, held against one real map.

The simulator predicts a 32-bit program line by line. A 64-bit process, or one whose files are not at hand,
cannot be predicted like that; but the kernel places its areas by the same rules, and each rule can be checked.
"""

from procmem.model.enumeration import TextEnumeration
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note

__all__ = ["GUARD_GAP", "MMAP_BASE_LAW", "Borders", "Law", "Outcome"]

GUARD_GAP = 256 * 4096
"""stack_guard_gap (mm/mmap.c), unless the boot option says otherwise."""

MMAP_BASE_LAW = "mmap-base"
"""The law on the mapping area, which the stack limit at exec decides."""


class Outcome(TextEnumeration):
    """What came of a law."""

    HOLDS = "holds"
    BROKEN = "broken"
    NOT_APPLICABLE = "not applicable"


class Law(NamedTuple):
    """One law: what it says, what came of it, and the figures.

    ``row`` is the row of the theory that it belongs to; ``says`` is its name, or that of the form in which it applies
    here; ``source`` names the kernel's code. ``moved`` where it seems broken, but the process changed while it was
    read.
    """

    name: str
    row: str
    says: str
    outcome: Outcome
    figures: Note
    source: str
    moved: bool = False


class Borders(NamedTuple):
    """Where the borders of an address space may lie: intervals, inclusive at both ends, in bytes."""

    task_size: int
    stack_end: tuple[int, int]
    mmap_base: tuple[int, int]
    mmap_base_any_limit: tuple[int, int]
    """The same, whatever the stack limit was at exec."""
    legacy_base: tuple[int, int]
    program_base: tuple[int, int]
    brk_reach: int
    """The most that start_brk lies above the end of the program's last page."""
