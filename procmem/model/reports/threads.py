"""What ``procmem threads`` tells: a row for each thread, and what all of them share."""

from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.reports.arenas import ArenaCount
from procmem.model.unknown import exact_sum, known_sum

__all__ = ["SharedState", "ThreadReport", "ThreadRow"]


class ThreadRow(NamedTuple):
    """One thread. Sizes are bytes, times seconds; None is unknown.

    ``stack`` is the range of its stack, ``depth`` how much of it is in use now (from its top down to the stack
    pointer), ``high_water`` from its top down to the lowest page that was ever used. ``inside`` is the kind of memory
    that the stack pointer lies in where the thread has no stack of its own. ``arena`` is the address of the malloc
    arena where known, ``arena_blocks`` the blocks that the arena has, ``arena_resident`` what of them is in memory.
    Masks are as the kernel prints them, in hexadecimal.
    """

    tid: int
    name: bytes | None
    state: str | None
    stack: tuple[int, int] | None
    stack_kind: str | None
    inside: str | None
    certainty: str | None
    resident: int | None
    depth: int | None
    high_water: int | None
    guard: int | None
    tls: int | None
    arena: int | None
    arena_blocks: int | None
    arena_resident: int | None
    voluntary_switches: int | None
    involuntary_switches: int | None
    cpu_seconds: float | None
    policy: str | None
    processor: int | None
    pending_signals: str | None
    blocked_signals: str | None

    @property
    def reserved(self) -> int | None:
        """The size of its stack."""
        return None if self.stack is None else self.stack[1] - self.stack[0]


class SharedState(NamedTuple):
    """What belongs to the process, so that all its threads have it in common."""

    virt: int | None
    rss: int | None
    open_files: int | None
    umask: str | None
    cwd: bytes | None
    root: bytes | None
    handled_signals: str | None
    ignored_signals: str | None
    shared_pending_signals: str | None


class ThreadReport(NamedTuple):
    """The answer of ``procmem threads``.

    ``kernel_stack`` is the size of each thread's kernel stack; ``arenas`` is None where no mapping is known.
    """

    pid: int | None
    comm: bytes | None
    threads: tuple[ThreadRow, ...]
    shared: SharedState
    kernel_stack: int | None
    cached_stacks: int | None
    cached_bytes: int | None
    arenas: ArenaCount | None
    warnings: tuple[Note, ...]

    def total(self, field: str) -> int | None:
        """The sum of a figure over all threads; None where that of one is unknown, or there is no thread."""
        return exact_sum(getattr(row, field) for row in self.threads) if self.threads else None

    def least(self, field: str) -> int | None:
        """The sum of a figure over the threads of which it is known, so that all have at least that; None: of none."""
        return known_sum(getattr(row, field) for row in self.threads)
