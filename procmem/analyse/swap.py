"""Who has what in swap, whether it hurts, and what to do: parts that add up, and a judgement with its figures.

Data that nobody asks for may lie in swap for ever: that is what swap is for. It hurts when pages go out and come back
all the time. Then one asks whether a process misbehaves, or the machine (or a cgroup's limit) is too small.
"""

from collections.abc import Container, Iterable, Iterator, Sequence

from procmem.model.mapping import Mappings
from procmem.model.note import Note, note
from procmem.model.proc_keys import MeminfoKey, SmapsKey, VmstatKey
from procmem.model.region import Regions
from procmem.model.reports.swap import (
    SORTS,
    Faulter,
    GroupAfterSwapoff,
    Object,
    Rates,
    SwapMoment,
    SwapPart,
    SwapReading,
    SwapRegion,
    SwapReport,
    SwapVerdict,
)
from procmem.model.reports.system import CgroupFigures, ProcessRow

__all__ = [
    "maps_shared_memory_in_swap",
    "rates_between",
    "shared_memory_in_swap",
    "swap_regions",
    "swap_report",
    "with_cgroups",
]

_MIB = 1 << 20
_BUSY_BYTES_PER_SECOND = _MIB
_STALLED_MUCH = 0.1
_MOST = 0.5
_FAULTERS_MAX = 5
_NEARLY = 0.9
_DEFAULT_SWAPPINESS, _EVEN_SWAPPINESS = 60, 100


def swap_report(reading: SwapReading, regions: Iterable[SwapRegion] = ()) -> SwapReport:
    """Put the report together."""
    total = sum(area.size for area in reading.areas) if reading.areas_known else None
    used = sum(area.used for area in reading.areas) if reading.areas_known else None
    ranking = sorted((row for row in reading.rows if row.swap or row.vm_swap), key=lambda row: (_weight(row), row.pid))
    available, cached = reading.meminfo.get(MeminfoKey.AVAILABLE), reading.meminfo.get(MeminfoKey.SWAP_CACHED, 0)
    return SwapReport(
        reading=reading,
        total=total,
        used=used,
        parts=tuple(_parts(reading, used)),
        swappiness=_swappiness(reading.swappiness, reading.release),
        verdict=_verdict(reading, total, used),
        left_after_swapoff=None if available is None or used is None else available - max(used - cached, 0),
        ranking=tuple(ranking),
        regions=tuple(regions),
        groups=tuple(sorted(_groups(reading), key=lambda group: group.left)),
    )


_OF_FILES = ("inactive_file", "active_file")


def _groups(reading: SwapReading) -> Iterator[GroupAfterSwapoff]:
    """The groups with a limit, and what would be left of it. Version 1 counts what lies below with "total_" before."""
    for path, memory in reading.groups:
        swapped = memory.swap
        if swapped is None:  # without swap accounting: what the processes say
            below = path.rstrip(b"/") + b"/"
            rows = [row for row in reading.rows if row.cgroup is not None and (row.cgroup + b"/").startswith(below)]
            swapped = sum(row.vm_swap or 0 for row in rows if row.same_memory is None)
        if memory.limit is None or memory.current is None or not swapped:
            continue
        of_files = sum(memory.stat.get(f"total_{key}", memory.stat.get(key, 0)) for key in _OF_FILES)
        reclaimable = min(of_files, memory.current)
        left = memory.limit - (memory.current - reclaimable + swapped)
        yield GroupAfterSwapoff(path, memory.limit, memory.current, reclaimable, swapped, left)


def _weight(row: ProcessRow) -> int:
    return row.swap_pss or row.swap or row.vm_swap or 0


def _parts(reading: SwapReading, used: int | None) -> Iterator[SwapPart]:
    """What is in use, divided; the last part is what is left, and has the name of the likeliest cause."""
    if not used:
        return
    private = sum(row.swap_pss or 0 for row in reading.rows if row.same_memory is None)
    unread = sum(row.vm_swap or 0 for row in reading.rows if row.swap_pss is None and row.same_memory is None)
    yield SwapPart("private", private)
    if unread:
        yield SwapPart("refused", unread)
    left = used - private - unread
    for sort in SORTS:
        size = sum(item.swap for item in reading.objects if item.sort == sort)
        if size:
            left -= size
            yield SwapPart(sort, size)
    cached = reading.meminfo.get(MeminfoKey.SWAP_CACHED, 0)
    if not reading.whole_machine:
        yield SwapPart("unrecorded", left)
    elif left > cached:
        in_cache = min(cached, left)
        if in_cache:
            yield SwapPart("cache", in_cache)
        yield SwapPart("unowned", left - in_cache)
    elif left:
        yield SwapPart("cache" if left > 0 else "moved", left)


def _swappiness(value: int | None, release: tuple[int, int] | None) -> Note:
    """What the setting means here: how much the kernel prefers swapping to dropping pages of files."""
    if value is None:
        return note("unknown")
    most = 200 if release is None or release >= (5, 8) else 100
    if value == 0:
        return note("last", value=value, most=most)
    if value < _DEFAULT_SWAPPINESS:
        return note("files first", value=value, most=most)
    if value == _DEFAULT_SWAPPINESS:
        return note("default", value=value, most=most)
    if value < _EVEN_SWAPPINESS:
        return note("nearly even", value=value, most=most)
    return note("even" if value == _EVEN_SWAPPINESS else "swap first", value=value, most=most)


def _verdict(reading: SwapReading, total: int | None, used: int | None) -> SwapVerdict:
    if total is None:
        return SwapVerdict("unknown", (note("no areas"),))
    if not total:
        return SwapVerdict("no swap", (note("no swap"),))
    rates = reading.rates
    if rates is None:
        return SwapVerdict("unknown" if used else "unused", (note("one reading", used=used, total=total),))
    moved_in, moved_out = rates.swapped_in / rates.seconds, rates.swapped_out / rates.seconds
    flow = {"into": int(moved_in), "out": int(moved_out), "seconds": rates.seconds, "stalled": rates.stalled}
    both = min(moved_in, moved_out) >= _BUSY_BYTES_PER_SECOND
    if both or (moved_in >= _BUSY_BYTES_PER_SECOND and (rates.stalled or 0) >= _STALLED_MUCH):
        return SwapVerdict("thrashing", (note("thrashing", **flow), *_who(reading, rates)))
    if moved_in >= _BUSY_BYTES_PER_SECOND or moved_out >= _BUSY_BYTES_PER_SECOND:
        return SwapVerdict("moving", (note("moving out" if moved_out > moved_in else "moving in", **flow),))
    return (
        SwapVerdict("parked", (note("parked", used=used, **flow),))
        if used
        else SwapVerdict("unused", (note("idle", **flow),))
    )


def _who(reading: SwapReading, rates: Rates) -> Iterator[Note]:
    """Whether one process is the cause, or a cgroup's limit, or the machine is too small for all of them."""
    available, ram = reading.meminfo.get(MeminfoKey.AVAILABLE), reading.meminfo.get(MeminfoKey.TOTAL)
    first = rates.faulters[0] if rates.faulters else None
    if first is not None:
        share = first.faults / max(sum(faulter.faults for faulter in rates.faulters), 1)
        yield note("waits most", name=first.name or b"?", pid=first.pid, share=share, faults=rates.major_faults)
    if first is not None and first.limit and first.charged and first.charged >= first.limit * _NEARLY:
        yield note(
            "cgroup limit",
            cgroup=first.cgroup or b"?",
            charged=first.charged,
            limit=first.limit,
            available=available,
        )
        return
    demands = sorted(((row.uss or 0) + _weight(row), row.pid, row) for row in reading.rows if row.same_memory is None)
    whole = sum(demand for demand, _, _ in demands)
    if demands and whole and demands[-1][0] >= whole * _MOST:
        demand, _, row = demands[-1]
        yield note("one process", name=row.name or b"?", pid=row.pid, demand=demand, share=demand / whole)
    else:
        yield note("machine", count=len(demands), demand=whole, ram=ram)


def rates_between(before: SwapMoment, after: SwapMoment, page_size: int) -> Rates:
    """What happened between two readings; counters that went back count as nothing."""
    seconds = after.at - before.at

    def grown(key: str) -> int:
        return max(after.counters.get(key, 0) - before.counters.get(key, 0), 0)

    known = before.faults
    grew = [Faulter(pid, name, count - known[pid][1]) for pid, (name, count) in after.faults.items() if pid in known]
    most = sorted((item for item in grew if item.faults > 0), key=lambda item: -item.faults)[:_FAULTERS_MAX]
    is_measured = before.stalled is not None and after.stalled is not None
    return Rates(
        seconds=seconds,
        swapped_in=grown(VmstatKey.SWAPPED_IN) * page_size,
        swapped_out=grown(VmstatKey.SWAPPED_OUT) * page_size,
        major_faults=grown(VmstatKey.MAJOR_FAULTS),
        stalled=((after.stalled or 0) - (before.stalled or 0)) / 1e6 / seconds if is_measured else None,
        faulters=tuple(most),
    )


def with_cgroups(rates: Rates, rows: Iterable[ProcessRow], groups: Iterable[CgroupFigures]) -> Rates:
    """The same, each process with what its cgroup is charged, and may be."""
    by_path = {group.path: group for group in groups}
    paths = {row.pid: row.cgroup for row in rows}
    faulters = []
    for item in rates.faulters:
        path = paths.get(item.pid)
        group = by_path.get(path) if path is not None else None
        known = item if group is None else item._replace(cgroup=group.path, charged=group.current, limit=group.limit)
        faulters.append(known)
    return rates._replace(faulters=tuple(faulters))


def maps_shared_memory_in_swap(row: ProcessRow) -> bool:
    """Whether a process maps shared memory that is in swap: smaps counts it, VmSwap does not."""
    return (row.swap or 0) > (row.vm_swap or 0)


def shared_memory_in_swap(table: Mappings, devices: Container[str]) -> Iterator[tuple[int, Object]]:
    """The objects of shared memory that a process maps and that have pages in swap: a row of each, and how much.

    ``devices`` are those of file systems in memory. What others have of an object in swap is not among it.
    """
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for row, swap in enumerate(table.column(SmapsKey.SWAP) or ()):
        if swap and table.inode[row] and table.is_shared_memory(row, devices):
            key = (table.device[row], table.inode[row])
            first, sum_before = found.get(key, (row, 0))
            found[key] = (first, sum_before + swap)
    for row, swap in found.values():
        yield row, Object(table.name[row], "mapped shared memory", swap)


def swap_regions(pid: int | None, regions: Regions | None) -> Sequence[SwapRegion]:
    """The ranges of one process that have something in swap, the largest last."""
    if regions is None:
        return ()
    found = [
        SwapRegion(
            pid,
            region.start,
            region.end,
            region.label.cls.value,
            region.label.kind,
            region.label.owner_name or regions.mappings.name[region.vma] or None,
            region.swap,
        )
        for region in regions
        if region.swap
    ]
    return sorted(found, key=lambda item: item.swap)
