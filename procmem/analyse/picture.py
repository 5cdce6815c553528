"""The address space as a picture: which areas lie where, high addresses on top.

The same bands are made for a real process and for a simulated one: kernel space, stack, mapping area, heap,
BSS, data, text, and the unmapped page zero, with the holes between them.
"""

from collections.abc import Iterator
from itertools import groupby
from operator import gt, itemgetter

from procmem.model.region import ByteClass, Label, Regions, for_each_label
from procmem.model.reports import Band
from procmem.model.snapshot import Snapshot

__all__ = ["picture"]

_USER_TOP_64 = 1 << 47
_SPACE_32 = 1 << 32
_GROWS = {"stack": "down", "heap": "up"}
_OWN_BANDS = {
    ByteClass.TEXT: "text",
    ByteClass.RODATA: "text",
    ByteClass.DATA: "data",
    ByteClass.BSS: "bss",
}


def picture(snapshot: Snapshot, regions: Regions) -> tuple[Band, ...]:
    """The bands from the highest address to the lowest."""
    names = for_each_label(regions.label, _band_name)
    rows = list(zip(regions.start, regions.end, names, regions.rss, strict=True))
    if any(map(gt, regions.start, regions.start[1:])):
        rows.sort(key=itemgetter(0))  # a process that remaps while it is read gives its mappings out of order
    bands: list[Band] = []
    for name, group in groupby(rows, key=itemgetter(2)):
        starts, ends, _, sizes = zip(*group, strict=True)
        if name == "gate":
            continue
        rss = None if None in sizes else sum(size for size in sizes if size is not None)
        bands.append(Band(starts[0], max(ends), name, sum(ends) - sum(starts), rss, _GROWS.get(name)))
    return tuple(reversed([*_with_holes(bands), *_above(snapshot, bands)]))


def _band_name(label: Label) -> str:
    if label.kind == "vsyscall":
        return "gate"
    if label.cls is ByteClass.STACK and label.kind == "main":
        return "stack"
    if label.cls is ByteClass.HEAP and label.kind == "brk":
        return "heap"
    if label.kind.startswith("exe-") and label.cls in _OWN_BANDS:
        return _OWN_BANDS[label.cls]
    return "mapping area"


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
    if snapshot.bits == 32 and top <= _SPACE_32:
        limit = 0xC000_0000 if top <= 0xC000_0000 else 0xFFFF_E000
        space = _SPACE_32
    else:
        limit = _USER_TOP_64 if top <= _USER_TOP_64 else 1 << 56
        space = 1 << 64
    if top < limit:
        yield Band(top, limit, None, 0, None, None)
    yield Band(max(top, limit), space, "kernel space", 0, None, None)
