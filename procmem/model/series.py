"""A series of looks at processes: what was seen when, and what was told of it in between."""

from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.inspection import Inspection

__all__ = ["SERIES_SCHEMA", "SeriesLook", "SeriesProcess"]

SERIES_SCHEMA = "procmem/series/1"


class SeriesProcess(NamedTuple):
    """One process at one look; ``report`` has no regions, classes and consumers alone.

    ``start`` is its starttime in clock ticks since boot: with the pid it tells one process from another that got its
    number.
    """

    pid: int | None
    start: int | None
    report: Inspection


class SeriesLook(NamedTuple):
    """One look. ``when`` is Unix time; ``cost`` are the seconds of a processor that it took.

    ``ended`` are pids of the look before that are not there any more, ``refused`` those that could not be read.
    """

    when: float
    cost: float
    processes: tuple[SeriesProcess, ...]
    ended: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
