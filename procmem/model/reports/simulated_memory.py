"""What ``procmem simulate-memory`` tells: what each process costs after each step, and what the machine holds."""

from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.simulated_memory import MemorySettings, ProcessCost

__all__ = ["MemoryMoment"]


class MemoryMoment(NamedTuple):
    """After one step: what it was and gave, each process's cost, and the machine's sums; not the machine itself.

    ``gave`` is None for a mere success. Sizes are bytes, what went through swap is counted in pages.
    """

    step: str
    gave: Note | None
    costs: tuple[ProcessCost, ...]
    settings: MemorySettings
    outcome: str
    used: int
    page_cache: int
    swap_used: int
    swapped_out_pages: int
    swapped_in_pages: int
    dropped_pages: int
    trace: tuple[Note, ...]
