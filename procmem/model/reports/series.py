"""What ``procmem diff SERIES`` tells: how memory changed over a series of looks."""

from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.resident import Consumer

__all__ = ["Growth", "ProcessGrowth", "SeriesReport"]


class Growth(NamedTuple):
    """One figure over a series, in bytes of memory and swap together.

    ``name`` is a total or a class; ``consumer`` is set for memory with one purpose, as its last look had it.
    ``per_minute`` is the slope of the straight line through all looks, None where there are fewer than two.
    ``history`` has a value for each look, None where it was not there or is unknown.
    """

    name: str
    consumer: Consumer | None
    first: int | None
    last: int | None
    per_minute: int | None
    history: tuple[int | None, ...]

    @property
    def by(self) -> int | None:
        """How much more it is at the end."""
        return None if self.first is None or self.last is None else self.last - self.first


class ProcessGrowth(NamedTuple):
    """One process over a series; times are Unix time. ``held`` is what it has in memory and swap together.

    ``follows`` is the pid of the process of its name that it took the place of, None where there was none.
    """

    pid: int | None
    name: bytes | None
    first_at: float
    last_at: float
    looks: int
    has_ended: bool
    follows: int | None
    held: Growth
    totals: tuple[Growth, ...]
    classes: tuple[Growth, ...]
    consumers: tuple[Growth, ...]


class SeriesReport(NamedTuple):
    """A series from its first to its last look; ``share`` is the part of the time that went into looking."""

    name: str
    first_at: float
    last_at: float
    looks: int
    share: float
    processes: tuple[ProcessGrowth, ...]
