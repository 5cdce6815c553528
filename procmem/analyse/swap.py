"""Who has what in swap, whether it hurts, and what to do: parts that add up, and a judgement with its figures.

Data that nobody asks for may lie in swap for ever: that is what swap is for. It hurts when pages go out and come back
all the time. Then one asks whether a process misbehaves, or the machine (or a cgroup's limit) is too small.
"""

from collections.abc import Iterable, Iterator, Sequence

from procmem.model.note import Note, note
from procmem.model.proc_keys import MeminfoKey
from procmem.model.region import Regions
from procmem.model.reports.swap import SORTS, Rates, SwapPart, SwapReading, SwapRegion, SwapReport, SwapVerdict
from procmem.model.reports.system import ProcessRow

__all__ = ["swap_regions", "swap_report"]

_MIB = 1 << 20
_BUSY_BYTES_PER_SECOND = _MIB
_STALLED_MUCH = 0.1
_MOST = 0.5
_NEARLY = 0.9
_DEFAULT_SWAPPINESS, _EVEN_SWAPPINESS = 60, 100


def swap_report(reading: SwapReading, regions: Iterable[SwapRegion] = ()) -> SwapReport:
    """Put the report together."""
    total = sum(area.size for area in reading.areas)
    used = sum(area.used for area in reading.areas)
    ranking = sorted((row for row in reading.rows if row.swap or row.vm_swap), key=lambda row: (_weight(row), row.pid))
    available, cached = reading.meminfo.get(MeminfoKey.AVAILABLE), reading.meminfo.get(MeminfoKey.SWAP_CACHED, 0)
    return SwapReport(
        reading=reading,
        total=total,
        used=used,
        parts=tuple(_parts(reading, used)),
        swappiness=_swappiness(reading.swappiness, reading.release),
        verdict=_verdict(reading, total, used),
        left_after_swapoff=None if available is None else available - max(used - cached, 0),
        ranking=tuple(ranking),
        regions=tuple(regions),
    )


def _weight(row: ProcessRow) -> int:
    return row.swap_pss or row.swap or row.vm_swap or 0


def _parts(reading: SwapReading, used: int) -> Iterator[SwapPart]:
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


def _verdict(reading: SwapReading, total: int, used: int) -> SwapVerdict:
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
