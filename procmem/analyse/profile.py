"""A process's regions summed for viewers of profiles: by class, kind, owner and mapped object.

Here belongs what is one stack of frames. How frames are named, and the formats, stand in ``render.profiles``.
"""

from operator import sub

from procmem.model.kinds import Kind
from procmem.model.owners import Owner
from procmem.model.region import Regions
from procmem.model.reports.inspection import ProcessFacts
from procmem.model.reports.profile import MemoryProfile, RegionSum
from procmem.model.unknown import exact_sum

__all__ = ["memory_profile"]

_Key = tuple[Kind, Owner | None, type, bytes]


def memory_profile(process: ProcessFacts, regions: Regions) -> MemoryProfile:
    """Sum all columns; a gate of the kernel's is nobody's memory, and takes no address space."""
    table = regions.mappings
    virt: list[int | None] = list(map(sub, regions.end, regions.start))
    gates = frozenset(table.gates())
    virt = [0 if row in gates else size for row, size in zip(regions.vma, virt, strict=True)]
    members: dict[_Key, list[int]] = {}
    for index, label in enumerate(regions.label):
        key = (label.kind, label.owner, type(label.owner), table.name[regions.vma[index]])
        members.setdefault(key, []).append(index)
    columns = (virt, regions.rss, regions.pss, regions.uss, regions.swap)
    sums = [
        RegionSum(kind, owner, name, len(rows), tuple(exact_sum([column[at] for at in rows]) for column in columns))
        for (kind, owner, _, name), rows in members.items()
    ]
    sums.sort(key=lambda one: one.sizes[0] or 0, reverse=True)
    return MemoryProfile(process, tuple(sums))
