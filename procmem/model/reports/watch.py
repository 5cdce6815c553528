"""What ``procmem watch`` tells at each look: figures, how they changed, and how fast they grow."""

from collections.abc import Mapping

from procmem.model.named_tuple import NamedTuple

__all__ = ["Sample", "Trend", "Watched"]


class Sample(NamedTuple):
    """One look at one process; ``at`` is seconds since the watch began, figures are bytes (None is unknown)."""

    at: float
    figures: Mapping[str, int | None]


class Trend(NamedTuple):
    """One figure over the samples that are kept.

    ``change`` is since the sample before, ``since_start`` since the first; ``per_minute`` is the slope of the straight
    line through all samples, None where there are fewer than two.
    """

    name: str
    now: int | None
    change: int | None
    since_start: int | None
    per_minute: int | None
    history: tuple[int | None, ...]


class Watched(NamedTuple):
    """One process at one look. ``reading`` is the share of the time that went into reading it.

    ``cost`` is seconds that this look took; ``due`` seconds from this look to the next, more than was asked for where
    it is ``slowed``. None where they are not known, or where there is no next look.
    """

    pid: int
    name: bytes
    at: float
    reading: float
    trends: tuple[Trend, ...]
    cost: float | None = None
    due: float | None = None
    slowed: bool = False
