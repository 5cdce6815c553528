"""Who has what in swap, whether it hurts, and what to do: parts that add up, and a judgement with its figures.

Data that nobody asks for may lie in swap for ever: that is what swap is for. It hurts when pages go out and come back
all the time. Then one asks whether a process misbehaves, or the machine (or a cgroup's limit) is too small.
"""

from collections.abc import Iterable, Iterator, Sequence

from procmem.model.region import Regions
from procmem.model.reports.swap import Faulter, Part, Rates, SwapReading, SwapRegion, SwapReport, Verdict
from procmem.model.reports.system import ProcessRow
from procmem.model.units import size_text

__all__ = ["swap_regions", "swap_report", "swappiness_words"]

_MIB = 1 << 20
_BUSY_BYTES_PER_SECOND = _MIB
_STALLED_MUCH = 0.1
_MOST = 0.5
_NEARLY = 0.9


def swap_report(reading: SwapReading, regions: Iterable[SwapRegion] = ()) -> SwapReport:
    """Put the report together."""
    total = sum(area.size for area in reading.areas)
    used = sum(area.used for area in reading.areas)
    ranking = sorted((row for row in reading.rows if row.swap or row.vm_swap), key=lambda row: (_weight(row), row.pid))
    available, cached = reading.meminfo.get("MemAvailable"), reading.meminfo.get("SwapCached", 0)
    return SwapReport(
        reading=reading,
        total=total,
        used=used,
        parts=tuple(_parts(reading, used)),
        swappiness=swappiness_words(reading.swappiness, reading.release),
        verdict=_verdict(reading, total, used),
        left_after_swapoff=None if available is None else available - max(used - cached, 0),
        ranking=tuple(ranking),
        regions=tuple(regions),
    )


def _weight(row: ProcessRow) -> int:
    return row.swap_pss or row.swap or row.vm_swap or 0


def _parts(reading: SwapReading, used: int) -> Iterator[Part]:
    """What is in use, divided; the last part is what is left, and has the name of the likeliest cause."""
    if not used:
        return
    private = sum(row.swap_pss or 0 for row in reading.rows if row.same_memory is None)
    unread = sum(row.vm_swap or 0 for row in reading.rows if row.swap_pss is None and row.same_memory is None)
    yield Part("processes' own pages", private, "private memory of processes (SwapPss), each page counted once")
    if unread:
        yield Part("processes that may not be read", unread, "their VmSwap; shared between forks, it may count twice")
    left = used - private - unread
    for sort, sentence in _SORTS.items():
        size = sum(item.swap for item in reading.objects if item.sort == sort)
        if size:
            left -= size
            yield Part(sort, size, sentence)
    cached = reading.meminfo.get("SwapCached", 0)
    if not reading.whole_machine:
        yield Part("not in the recording", left, "processes and shared memory that were not recorded")
    elif left > cached:
        in_cache = min(cached, left)
        if in_cache:
            yield Part("swap cache", in_cache, _CACHE)
        yield Part("no owner found", left - in_cache, "shared memory on its way between processes, or out of our sight")
    elif left:
        yield Part("swap cache" if left > 0 else "counted twice", left, _CACHE if left > 0 else _MOVED)


_CACHE = "in memory again, or on its way: the place in swap is kept until it is needed"
_MOVED = "pages that moved while all this was read"
_SORTS = {
    "tmpfs files": "files on tmpfs (/dev/shm, /tmp, ...): no process need have them open",
    "SysV segments": "shared memory of shmget(2): it stays until it is removed, attached or not",
    "mapped shared memory": "memfd, shared anonymous and deleted files that processes map; VmSwap leaves them out",
    "open shared memory": "memfd and deleted files that processes have open, and that none maps",
}


def swappiness_words(value: int | None, release: tuple[int, int] | None) -> str:
    """What the setting means here: how much the kernel prefers swapping to dropping pages of files."""
    if value is None:
        return "unknown"
    top = 200 if release is None or release >= (5, 8) else 100
    if value == 0:
        words = "swap only when pages of files alone no longer do; it does not switch swap off (swapoff does)"
    elif value < 60:
        words = "rather drop pages of files than swap"
    elif value == 60:
        words = "the default: prefer dropping pages of files, but swap what is idle"
    elif value <= 100:
        words = "swap nearly as readily as drop pages of files" if value < 100 else "swap and file pages cost the same"
    else:
        words = "rather swap than drop pages of files: right where swap is faster than the disk (zram, zswap)"
    return f"{value} of 0..{top}: {words}"


def _verdict(reading: SwapReading, total: int, used: int) -> Verdict:
    if not total:
        return Verdict("no swap", ("This machine has no swap: when memory runs out, a process is killed.",))
    rates = reading.rates
    if rates is None:
        held = f"{size_text(used)} of {size_text(total)} are in use; whether they move, one reading cannot tell."
        return Verdict("unknown" if used else "unused", (held,))
    moved_in, moved_out = rates.swapped_in / rates.seconds, rates.swapped_out / rates.seconds
    flow = f"{size_text(int(moved_in))}/s in, {size_text(int(moved_out))}/s out over {rates.seconds:.1f} s"
    if rates.stalled is not None:
        flow += f", tasks waited for memory {rates.stalled:.0%} of the time"
    both = min(moved_in, moved_out) >= _BUSY_BYTES_PER_SECOND
    if both or (moved_in >= _BUSY_BYTES_PER_SECOND and (rates.stalled or 0) >= _STALLED_MUCH):
        return Verdict("thrashing", (f"Thrashing: pages go out and come back ({flow}).", *_who(reading, rates)))
    if moved_in >= _BUSY_BYTES_PER_SECOND or moved_out >= _BUSY_BYTES_PER_SECOND:
        way = "out: memory is being made free" if moved_out > moved_in else "in: what was parked is used again"
        return Verdict("moving", (f"Pages move {way} ({flow}); look again, whether it stops.",))
    if not used:
        return Verdict("unused", (f"Swap is there and not in use ({flow}).",))
    parked = f"Parked: {size_text(used)} of idle data lie in swap and nobody asks for them ({flow}); no harm in that."
    return Verdict("parked", (parked,))


def _who(reading: SwapReading, rates: Rates) -> Iterator[str]:
    """Whether one process is the cause, or a cgroup's limit, or the machine is too small for all of them."""
    available, ram = reading.meminfo.get("MemAvailable"), reading.meminfo.get("MemTotal")
    first = rates.faulters[0] if rates.faulters else None
    if first is not None:
        share = first.faults / max(sum(faulter.faults for faulter in rates.faulters), 1)
        yield (
            f"Waiting for it: {_name(first)}, with {share:.0%} of the {rates.major_faults} page faults"
            " that went to the disk."
        )
    if first is not None and first.limit and first.charged and first.charged >= first.limit * _NEARLY:
        yield (
            f"Its cgroup {_printable(first.cgroup)} is at its limit ({size_text(first.charged)} of"
            f" {size_text(first.limit)}), while the machine has {size_text(available)} available: the limit is too"
            " small for this process, or the process too large for it; the machine is not the trouble."
        )
        return
    demands = sorted(((row.uss or 0) + _weight(row), row.pid, row) for row in reading.rows if row.same_memory is None)
    whole = sum(demand for demand, _, _ in demands)
    if demands and whole and demands[-1][0] >= whole * _MOST:
        demand, _, row = demands[-1]
        yield (
            f"One process asks for most: {_printable(row.name)} ({row.pid}) holds {size_text(demand)} of its own, in"
            f" memory and swap together, {demand / whole:.0%} of all processes': look at it first (procmem account"
            f" {row.pid})."
        )
    else:
        yield (
            f"No single process stands out: {len(demands)} together ask for {size_text(whole)} of {size_text(ram)} RAM:"
            " the machine is too small for what runs on it."
        )


def _name(faulter: Faulter) -> str:
    return f"{_printable(faulter.name)} ({faulter.pid})"


def _printable(name: bytes | None) -> str:
    return (name or b"?").decode("utf-8", "surrogateescape")


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
