"""The address space as a picture: which areas lie where, high addresses on top.

The same bands are made for a real process and for a simulated one: kernel space, stack, mapping area, heap,
BSS, data, text, and the unmapped page zero, with the holes between them.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import gt, ne

from procmem.model import kinds
from procmem.model.kinds import ByteClass, Role
from procmem.model.machine import architecture_of
from procmem.model.region import Certainty, Label, Regions
from procmem.model.reports.inspection import Band
from procmem.model.snapshot import Snapshot
from procmem.model.unknown import exact_sum

__all__ = ["picture"]

_MAPPING_AREA = "mapping area"
_GROWS = {"stack": "down", "heap": "up"}
_OWN_NAMES = frozenset({"text", "data", "bss"})
_OWN_BANDS = {
    ByteClass.TEXT: "text",
    ByteClass.RODATA: "text",
    ByteClass.DATA: "data",
    ByteClass.BSS: "bss",
}


def picture(snapshot: Snapshot, regions: Regions) -> tuple[Band, ...]:
    """The bands from the highest address to the lowest."""
    start, end, rss = regions.start, regions.end, regions.rss
    names = regions.for_each_label(_band_name)
    stretches = _stretches(names)
    if _only_one_program(regions, names, stretches):
        stretches = _stretches(names)
    if any(map(gt, start, start[1:])):
        # a process that remaps while it is read gives its mappings out of order
        order = sorted(range(len(start)), key=start.__getitem__)
        start, end, rss = [start[at] for at in order], [end[at] for at in order], [rss[at] for at in order]
        stretches = _stretches([names[at] for at in order])
    bands: list[Band] = []
    for name, at, until in stretches:
        if name == "gate":
            continue
        sizes = rss[at:until]
        resident = exact_sum(sizes)
        virt = sum(end[at:until]) - sum(start[at:until])
        bands.append(Band(start[at], max(end[at:until]), name, virt, resident, _GROWS.get(name)))
    return tuple(_folded(list(reversed([*_with_holes(bands), *_above(snapshot, bands)]))))


def _folded(bands: Sequence[Band]) -> list[Band]:
    """Neighbouring mapping areas and the holes between them as one band."""
    shown: list[Band] = []
    for band in bands:
        if band.name == _MAPPING_AREA and len(shown) > 1 and shown[-1].name is None and shown[-2].name == _MAPPING_AREA:
            above = shown[-2]
            rss = None if above.rss is None or band.rss is None else above.rss + band.rss
            shown[-2:] = [above._replace(start=band.start, virt=above.virt + band.virt, rss=rss)]
        else:
            shown.append(band)
    return shown


def _stretches(names: Sequence[str]) -> list[tuple[str, int, int]]:
    """Where one name follows upon itself: the name, and from which row until before which."""
    edges = [0, *(at for at, change in enumerate(map(ne, names, names[1:]), start=1) if change), len(names)]
    return [(names[at], at, until) for at, until in pairwise(edges)] if names else []


def _only_one_program(regions: Regions, names: list[str], stretches: Iterable[tuple[str, int, int]]) -> bool:
    """Count copies of the program's code that were mapped elsewhere to the mapping area; whether there were any.

    The program itself reaches from its first to its last range that is certain, with what adjoins them.
    """
    own = [at for name, low, high in stretches if name in _OWN_NAMES for at in range(low, high)]
    sure = [at for at in own if regions.label[at].certainty is Certainty.CERTAIN]
    if not sure:
        return False
    low, high = min(regions.start[at] for at in sure), max(regions.end[at] for at in sure)
    for at in own:
        if regions.start[at] <= high:
            high = max(high, regions.end[at])
    for at in reversed(own):
        if regions.end[at] >= low:
            low = min(low, regions.start[at])
    copies = [at for at in own if not low <= regions.start[at] < high]
    for at in copies:
        names[at] = _MAPPING_AREA
    return bool(copies)


def _band_name(label: Label) -> str:
    if label.kind is kinds.VSYSCALL:
        return "gate"
    if label.kind is kinds.MAIN_STACK:
        return "stack"
    if label.kind is kinds.BRK:
        return "heap"
    if label.kind.role is Role.EXE and label.cls in _OWN_BANDS:
        return _OWN_BANDS[label.cls]
    return _MAPPING_AREA


def _with_holes(bands: list[Band]) -> Iterator[Band]:
    at = 0
    for band in bands:
        if band.start > at:
            yield Band(at, band.start, None, 0, None, None)
        yield band
        at = max(at, band.end)


def _above(snapshot: Snapshot, bands: list[Band]) -> Iterator[Band]:
    """What lies above the highest mapping: unused addresses, then the kernel's."""
    top = bands[-1].end if bands else 0
    row = architecture_of(snapshot.machine.machine, snapshot.bits)
    if top > row.space_end:  # no process of this word size has such an address
        row = architecture_of(snapshot.machine.machine, 64)
    border = row.border(top)
    if border is None:  # nobody knows where user space ends
        if top < row.space_end:
            yield Band(top, row.space_end, "unknown above", 0, None, None)
        return
    # what is not the kernel's, up to the end, is empty: a kernel of more bits lies beyond all of it
    kernel = row.space_end if border.kernel_start is None else border.kernel_start
    end = kernel if border.between is None else border.user_end
    if top < end:
        yield Band(top, end, None, 0, None, None)
    if border.between is not None and end < kernel:
        yield Band(end, kernel, border.between, 0, None, None)
    if kernel < row.space_end:
        yield Band(kernel, row.space_end, "kernel space", 0, None, None)
