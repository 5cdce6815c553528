"""What each mapped file or object costs the whole machine: the mappings of all processes, summed by their names.

The names are the kernel's own. PSS divides each page among those that map it, so that it may be added up over
processes; RSS and VIRT count a page as often as it is mapped.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence

from procmem.model.region import Regions
from procmem.model.reports.system import MappingRow
from procmem.model.unknown import exact_sum

__all__ = ["ANONYMOUS", "mapping_rows", "merged_mappings", "sorted_mappings", "summed"]

ANONYMOUS = b"[anonymous]"
"""Memory that the kernel gives no name."""


def mapping_rows(regions: Regions, classes: Collection[str] = ()) -> list[MappingRow]:
    """The mappings of one process by their names: of all classes, or of ``classes`` alone."""
    gates = {bisect_left(regions.vma, row) for row in regions.mappings.gates()}
    members: dict[bytes, list[int]] = {}
    is_wanted = regions.for_each_label(lambda label: not classes or label.cls.value in classes)
    for index, vma in enumerate(regions.vma):
        if is_wanted[index]:
            members.setdefault(regions.mappings.name[vma] or ANONYMOUS, []).append(index)
    return [
        MappingRow(
            name=name,
            processes=1,
            mappings=len({regions.vma[index] for index in found}),
            virt=sum(regions.end[index] - regions.start[index] for index in found if index not in gates),
            rss=exact_sum(regions.rss[index] for index in found),
            pss=exact_sum(regions.pss[index] for index in found),
            uss=exact_sum(regions.uss[index] for index in found),
            swap=exact_sum(regions.swap[index] for index in found),
        )
        for name, found in members.items()
    ]


def merged_mappings(processes: Iterable[Sequence[MappingRow]]) -> list[MappingRow]:
    """The rows of several processes as one; a figure that one of them does not know is None."""
    members: dict[bytes, list[MappingRow]] = {}
    for rows in processes:
        for row in rows:
            members.setdefault(row.name, []).append(row)
    return [summed(found, name) for name, found in members.items()]


def summed(rows: Sequence[MappingRow], name: bytes = b"") -> MappingRow:
    """Some rows as one."""
    return MappingRow(
        name=name,
        processes=sum(row.processes for row in rows),
        mappings=sum(row.mappings for row in rows),
        virt=sum(row.virt for row in rows),
        rss=exact_sum(row.rss for row in rows),
        pss=exact_sum(row.pss for row in rows),
        uss=exact_sum(row.uss for row in rows),
        swap=exact_sum(row.swap for row in rows),
    )


def sorted_mappings(rows: Iterable[MappingRow], field: str, *, reverse: bool, top: int | None) -> list[MappingRow]:
    """The largest last, as all tables of the system; ``top`` keeps the largest. What is unknown comes first."""
    if field == "name":
        ordered = sorted(rows, key=lambda row: row.name)
    else:
        ordered = sorted(rows, key=lambda row: (-1 if (value := getattr(row, field)) is None else value, row.name))
    if top is not None:
        ordered = ordered[-top:] if top else []
    return ordered[::-1] if reverse else ordered
