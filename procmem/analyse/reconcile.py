"""Why two tools differ: what each file and program says of VIRT, RES, PSS, USS and swap, and why it differs.

The reference is the sum of smaps. Programs are not run: what they print follows from the file that they read (procps
3.3 and 4, psutil 5.9 to 7), and tests hold that against the programs themselves. A difference for which no known
cause has the right size is called unexplained.
"""

from __future__ import annotations

from procmem.analyse.freed import copies_in_swap
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.proc_keys import SmapsKey, StatusKey
from procmem.model.reports.account import MOVED, UNEXPLAINED, AccountTotals, Readings, Saying, Who
from procmem.model.snapshot import Snapshot
from procmem.model.unknown import exact_sum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["reconcile"]

_KIB = 1024
_SPLIT_RSS_PAGES = 64  # TASK_RSS_EVENTS_THRESH, mm/memory.c, until 6.1
_COUNTERS = frozenset({Who.STATUS_VM_RSS, Who.STATUS_RSS_PARTS, Who.STATM_RESIDENT, Who.STAT_RSS})
"""What is told from the kernel's own counters of resident pages, which may lag."""


class _CauseFacts(NamedTuple):
    """What the causes need to know, in bytes.

    Of shared memory in swap only so much is known where copies of it that are in swap are shared since a fork.
    """

    gates: int
    private_hugetlb: int
    hugetlb: int
    shmem_swap_least: int
    shmem_swap_most: int
    mappings: int
    release: tuple[int, int] | None
    status_slack: int
    stat_slack: int
    moved: Mapping[str, int]


def reconcile(snapshot: Snapshot, totals: AccountTotals, readings: Readings) -> tuple[Saying, ...]:
    """Every saying that could be had, with its cause where it differs; empty without smaps."""
    table = snapshot.mappings
    if table is None or not snapshot.has_usage:
        return ()
    facts = _facts(snapshot, table, readings)
    return tuple(_sayings(snapshot, totals, readings, facts))


def _facts(snapshot: Snapshot, table: Mappings, readings: Readings) -> _CauseFacts:
    gates = sum(table.end[row] - table.start[row] for row in table.gates())
    swap = table.column(SmapsKey.SWAP) or []
    copies = copies_in_swap(table, readings.shmem_devices)
    of_objects = [
        (size, copies.get(row, 0))
        for row, size in enumerate(swap)
        if size and table.is_shared_memory(row, readings.shmem_devices)
    ]
    private = table.total(SmapsKey.PRIVATE_HUGETLB) or 0
    import re  # noqa: PLC0415  # takes as long to load as to read a process of a few hundred mappings

    release = re.match(r"(\d+)\.(\d+)", snapshot.machine.kernel or "")
    version = (int(release[1]), int(release[2])) if release else None
    return _CauseFacts(
        gates,
        private,
        private + (table.total(SmapsKey.SHARED_HUGETLB) or 0),
        sum(size for size, own in of_objects if not own),
        sum(size - own for size, own in of_objects),
        len(table),
        version,
        _counter_slack(snapshot, version, (6, 16)),
        _counter_slack(snapshot, version, None),
        _moved(readings),
    )


def _counter_slack(snapshot: Snapshot, release: tuple[int, int] | None, exact_from: tuple[int, int] | None) -> int:
    """How far this kernel's own counters of resident pages may lag behind, in bytes (three counters of them).

    From 6.16 on ``status`` and ``statm`` add up all parts of a counter (get_mm_counter_sum() in fs/proc/task_mmu.c),
    while ``stat`` still takes the cheap, lagging value (get_mm_rss() in fs/proc/array.c).
    """
    if release is None or (exact_from is not None and release >= exact_from):
        return 0
    cpus, threads = snapshot.machine.cpus or 1, (snapshot.status.threads if snapshot.status else None) or 1
    pages = max(32, 2 * cpus) * cpus if release >= (6, 2) else _SPLIT_RSS_PAGES * threads
    return 3 * pages * snapshot.page_size


def _moved(readings: Readings) -> dict[str, int]:
    """How far each figure moved between the two readings, by the measure's name."""
    moved = {}
    for measure, key in (("virt", StatusKey.VM_SIZE), ("rss", StatusKey.VM_RSS), ("swap", StatusKey.VM_SWAP)):
        before, after = readings.sizes_before, readings.sizes_after
        if before is not None and after is not None and key in before and key in after:
            moved[measure] = abs(after[key] - before[key])
    before, after = readings.rollup_before, readings.rollup_after
    if before is not None and after is not None:
        for measure, key in (("rss", SmapsKey.RSS), ("pss", SmapsKey.PSS), ("swap", SmapsKey.SWAP)):
            moved[measure] = max(moved.get(measure, 0), abs(after.get(key, 0) - before.get(key, 0)))
        moved["uss"] = sum(
            abs(after.get(key, 0) - before.get(key, 0)) for key in (SmapsKey.PRIVATE_CLEAN, SmapsKey.PRIVATE_DIRTY)
        )
    return moved


def _sayings(snapshot: Snapshot, totals: AccountTotals, readings: Readings, facts: _CauseFacts) -> Iterator[Saying]:
    for measure, who, size in _who_says_what(snapshot, totals, readings, facts):
        reference: int | None = getattr(totals, measure)
        difference = None if size is None or reference is None else size - reference
        yield Saying(measure, who, size, difference, _cause(measure, who, difference, facts))


def _who_says_what(
    snapshot: Snapshot, totals: AccountTotals, readings: Readings, facts: _CauseFacts
) -> Iterator[tuple[str, Who, int | None]]:
    statm, stat, rollup = snapshot.statm, snapshot.stat, readings.rollup_after
    status = readings.sizes_after or (snapshot.status.sizes if snapshot.status else {})

    def rolled(*keys: str) -> int | None:
        return None if rollup is None else sum(rollup.get(key, 0) for key in keys)

    pages = snapshot.page_size
    yield "virt", Who.SMAPS_SIZE, totals.virt
    yield "virt", Who.STATUS_VM_SIZE, status.get(StatusKey.VM_SIZE)
    yield "virt", Who.STATM_SIZE, statm.size if statm else None
    yield "virt", Who.STAT_VSIZE, stat.vsize if stat else None
    yield "virt", Who.PMAP_KBYTES, None if totals.virt is None else totals.virt + facts.gates
    yield "rss", Who.SMAPS_RSS, totals.rss
    yield "rss", Who.ROLLUP_RSS, rolled(SmapsKey.RSS)
    yield "rss", Who.STATUS_VM_RSS, status.get(StatusKey.VM_RSS)
    parts = [status.get(key) for key in (StatusKey.RSS_ANON, StatusKey.RSS_FILE, StatusKey.RSS_SHMEM)]
    yield "rss", Who.STATUS_RSS_PARTS, exact_sum(parts)
    yield "rss", Who.STATM_RESIDENT, statm.resident if statm else None
    yield "rss", Who.STAT_RSS, stat.rss_pages * pages if stat else None
    yield "pss", Who.SMAPS_PSS, totals.pss
    yield "pss", Who.ROLLUP_PSS, rolled(SmapsKey.PSS)
    yield "uss", Who.SMAPS_PRIVATE, totals.uss
    yield "uss", Who.ROLLUP_PRIVATE, rolled(SmapsKey.PRIVATE_CLEAN, SmapsKey.PRIVATE_DIRTY)
    yield "uss", Who.PSUTIL_USS, rolled(SmapsKey.PRIVATE_CLEAN, SmapsKey.PRIVATE_DIRTY, SmapsKey.PRIVATE_HUGETLB)
    yield "swap", Who.SMAPS_SWAP, totals.swap
    yield "swap", Who.ROLLUP_SWAP, rolled(SmapsKey.SWAP)
    yield "swap", Who.STATUS_VM_SWAP, status.get(StatusKey.VM_SWAP)


def _cause(measure: str, who: Who, difference: int | None, facts: _CauseFacts) -> Note | None:
    """The first known cause whose size fits."""
    if not difference:
        return None
    if measure == "virt":
        if who is Who.PMAP_KBYTES and difference == facts.gates:
            return note("gate")
        if facts.release is not None and facts.release < (4, 12) and difference == 4 * _KIB:
            return note("guard page")
    if measure == "pss" and 0 < difference < facts.mappings * _KIB:
        return note("rounding", mappings=facts.mappings)
    if who is Who.PSUTIL_USS and difference == facts.private_hugetlb:
        return note("hugetlb")
    if who is Who.STATUS_VM_SWAP and facts.shmem_swap_least <= -difference <= facts.shmem_swap_most:
        return note("shared memory")
    slack = facts.stat_slack if who is Who.STAT_RSS else facts.status_slack
    if who in _COUNTERS and abs(difference) <= slack:
        version = "{}.{}".format(*facts.release) if facts.release else "?"
        return note("counter", version=version, slack=slack)
    if facts.moved.get(measure):
        return note(MOVED, moved=facts.moved[measure])
    return note(UNEXPLAINED)
