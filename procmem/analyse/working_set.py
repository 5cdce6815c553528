"""Which part of what is in memory was touched: sums by class and by purpose.

Here belong sums over what the kernel said of every mapping. What it is asked for, and when, is the query's.
"""

from collections import defaultdict
from collections.abc import Sequence

from procmem.analyse.inspection import inspection
from procmem.analyse.resident import consumers
from procmem.model.kinds import ByteClass
from procmem.model.proc_keys import SmapsKey
from procmem.model.region import Regions
from procmem.model.reports.working_set import ClassUse, WorkingSet
from procmem.model.snapshot import Snapshot
from procmem.model.unknown import exact_sum, known_sum

__all__ = ["working_set"]

_HUGE = (SmapsKey.ANON_HUGE_PAGES, SmapsKey.SHMEM_PMD_MAPPED, SmapsKey.FILE_PMD_MAPPED)


def working_set(
    snapshot: Snapshot,
    regions: Regions,
    touched: Sequence[int | None],
    about: frozenset[int],
    *,
    seconds: float,
    clearing: float,
    reading: float,
) -> WorkingSet:
    """Put the report together; ``touched`` is the part of every region, ``about`` says which are shares of a figure."""
    seen = inspection(snapshot, regions)
    table = regions.mappings
    return WorkingSet(
        process=seen.process,
        seconds=seconds,
        rss=seen.totals.rss,
        touched=table.total(SmapsKey.REFERENCED),
        huge=known_sum([table.total(key) for key in _HUGE]),
        clearing=clearing,
        reading=reading,
        classes=_classes(regions, touched),
        consumers=consumers(regions, snapshot.threads, touched),
        regions=regions,
        of_regions=touched,
        about=about,
        warnings=seen.warnings,
    )


def _classes(regions: Regions, touched: Sequence[int | None]) -> tuple[ClassUse, ...]:
    """The classes of which anything is in memory, in their order."""
    members: defaultdict[ByteClass, list[int]] = defaultdict(list)
    for index, cls in enumerate(regions.for_each_label(lambda label: label.cls)):
        members[cls].append(index)
    rows = [
        ClassUse(
            cls.value,
            exact_sum([regions.rss[index] for index in members[cls]]),
            exact_sum([touched[index] for index in members[cls]]),
        )
        for cls in ByteClass
        if cls in members
    ]
    return tuple(row for row in rows if row.rss != 0)
