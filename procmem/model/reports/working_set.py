"""What ``procmem working-set`` tells: how much of what is in memory was touched within a time, and by whom."""

from collections.abc import Sequence

from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.region import Regions
from procmem.model.reports.inspection import ProcessFacts
from procmem.model.reports.resident import Consumer

__all__ = ["ClassUse", "WorkingSet", "untouched"]


class ClassUse(NamedTuple):
    """A class of memory: bytes in memory, and those of them that were touched."""

    cls: str
    rss: int | None
    touched: int | None


class WorkingSet(NamedTuple):
    """One process over ``seconds``, from when its accessed bits were cleared to when they were read.

    ``rss`` is what is in memory at the end, ``touched`` what of it was used since (``Referenced``), both in bytes, and
    so are the columns of ``classes``, ``consumers`` and ``of_regions``; None is unknown. ``about`` are the indexes of
    regions whose part is no figure of the kernel's but a share of one. ``huge`` is what lies in transparent huge pages,
    each touched as a whole. ``clearing`` and ``reading`` are the seconds that these took.
    """

    process: ProcessFacts
    seconds: float
    rss: int | None
    touched: int | None
    huge: int | None
    clearing: float
    reading: float
    classes: tuple[ClassUse, ...]
    consumers: tuple[Consumer, ...]
    regions: Regions
    of_regions: Sequence[int | None]
    about: frozenset[int]
    warnings: tuple[Note, ...]


def untouched(rss: int | None, touched: int | None) -> int | None:
    """What is left of what is in memory; None where one of the two is unknown."""
    return None if rss is None or touched is None else rss - touched
