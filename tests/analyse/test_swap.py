"""Swap: each figure of the report by hand, and each border of its judgements from both sides."""

from typing import Any

import pytest

from procmem.analyse.swap import (
    maps_shared_memory_in_swap,
    rates_between,
    shared_memory_in_swap,
    swap_regions,
    swap_report,
    with_cgroups,
)
from procmem.model import kinds, owners
from procmem.model.mapping import Mappings
from procmem.model.note import Note, note
from procmem.model.reports.swap import (
    Faulter,
    Object,
    Rates,
    SwapMoment,
    SwapPart,
    SwapReading,
    SwapRegion,
    SwapVerdict,
)
from procmem.model.reports.system import CgroupFigures, CgroupMemory, ProcessRow
from procmem.model.snapshot import SwapArea
from procmem.parse.maps import parse_maps
from procmem.parse.smaps import parse_smaps
from tests.support.made_processes import labelled, record
from tests.support.smaps_text import Record, smaps

MIB = 1 << 20
PAGE = 4096


def process(pid: int, **fields: Any) -> ProcessRow:
    """A row in which nothing is known but what is given."""
    known = dict.fromkeys(ProcessRow._fields)
    return ProcessRow(**(known | {"pid": pid, "name": b"db"} | fields))


def reading(**fields: Any) -> SwapReading:
    """A machine with one swap area of 100 bytes of which 40 are in use, and no process."""
    known: dict[str, Any] = {
        "areas": (SwapArea(b"/swap", "file", 100, 40, -2),),
        "meminfo": {},
        "swappiness": 60,
        "release": (6, 1),
        "rates": None,
        "rows": (),
        "objects": (),
        "unreadable": 0,
        "whole_machine": True,
    }
    return SwapReading(**(known | fields))


def group(**stat: int) -> Any:
    """Version 2: 60 of 100 charged, 30 in swap."""
    return CgroupMemory(60 * MIB, 100 * MIB, 30 * MIB, None, {key: size * MIB for key, size in stat.items()})


@pytest.mark.parametrize(
    ("memory", "left"),
    [
        (group(), 10),
        (group(inactive_file=5, active_file=6), 21),
        (group(total_inactive_file=5, inactive_file=1), 15),
        (group(inactive_file=900), 70),
        (group()._replace(swap=41 * MIB), -1),
        (group()._replace(swap=40 * MIB), 0),
        (group()._replace(limit=None), None),
        (group()._replace(current=None), None),
        (group()._replace(swap=0), None),
        (group()._replace(swap=None), None),
    ],
)
def test_what_swapoff_leaves_of_a_groups_limit(memory: Any, left: int | None) -> None:
    """What it is charged, without what can be dropped, and what would come back."""
    report = swap_report(reading()._replace(groups=((b"/a", memory),)))
    assert [one.left for one in report.groups] == ([] if left is None else [left * MIB])


def test_without_accounting_the_processes_tell_what_a_group_has_in_swap() -> None:
    """Those in it, and in groups below."""
    rows = tuple(
        ProcessRow(**(dict.fromkeys(ProcessRow._fields) | {"pid": pid, "cgroup": path, "vm_swap": MIB}))
        for pid, path in enumerate([b"/a", b"/a/b", b"/ab", None], start=1)
    )
    report = swap_report(reading()._replace(rows=rows, groups=((b"/a", group()._replace(swap=None)),)))
    assert [one.swapped for one in report.groups] == [2 * MIB]


def test_areas_are_added_up() -> None:
    """Where their list was not read, nothing is known of them."""
    areas = (SwapArea(b"/a", "file", 100, 40, -2), SwapArea(b"/b", "partition", 11, 5, -3))
    both = swap_report(reading(areas=areas))
    assert (both.total, both.used) == (111, 45)
    unknown = swap_report(reading(areas=(), areas_known=False))
    assert (unknown.total, unknown.used, unknown.parts) == (None, None, ())
    assert unknown.verdict == SwapVerdict("unknown", (note("no areas"),))
    none = swap_report(reading(areas=()))
    assert (none.total, none.used, none.parts) == (0, 0, ())
    assert none.verdict == SwapVerdict("no swap", (note("no swap"),))


@pytest.mark.parametrize(
    ("meminfo", "left"),
    [
        ({"MemAvailable": 100, "SwapCached": 3}, 63),
        ({"MemAvailable": 100}, 60),
        ({"MemAvailable": 100, "SwapCached": 40}, 100),
        ({"MemAvailable": 100, "SwapCached": 41}, 100),
        ({"MemAvailable": 10}, -30),
        ({"SwapCached": 3}, None),
    ],
)
def test_what_swapoff_leaves(meminfo: dict[str, int], left: int | None) -> None:
    """What is in memory as well needs no room; it may be more than is in use, read a moment later."""
    assert swap_report(reading(meminfo=meminfo)).left_after_swapoff == left


def test_the_ranking_goes_by_what_is_the_processes_own() -> None:
    """The share of private pages, else what smaps counts, else VmSwap; equal ones by pid; the empty are left out."""
    rows = (
        process(9, swap_pss=5, swap=90),
        process(3, swap_pss=0, swap=7),
        process(4, vm_swap=6),
        process(8, swap=5),
        process(1),
        process(2, swap=0, vm_swap=0, swap_pss=0),
    )
    assert [row.pid for row in swap_report(reading(rows=rows)).ranking] == [8, 9, 4, 3]


def parts(**fields: Any) -> list[tuple[str, int]]:
    """The parts of 40 bytes in use."""
    found = swap_report(reading(**fields)).parts
    assert all(isinstance(part, SwapPart) for part in found)
    return [(part.name, part.size) for part in found]


def test_what_is_in_use_is_divided_in_parts_that_add_up() -> None:
    """Private pages, what was refused, each sort of shared memory; the rest has the name of its likeliest cause."""
    rows = (
        process(1, swap_pss=10, vm_swap=12),
        process(2, swap_pss=7, same_memory=1),
        process(3, vm_swap=4),
        process(4, vm_swap=2, same_memory=3),
        process(5),
    )
    shared = (Object(b"a", "SysV segments", 3), Object(b"b", "tmpfs files", 5), Object(b"c", "SysV segments", 1))
    assert parts() == [("private", 0), ("unowned", 40)]
    assert parts(rows=rows) == [("private", 10), ("refused", 4), ("unowned", 26)]
    assert parts(rows=rows, objects=shared) == [
        ("private", 10),
        ("refused", 4),
        ("tmpfs files", 5),
        ("SysV segments", 4),
        ("unowned", 17),
    ]
    assert parts(rows=rows, whole_machine=False) == [("private", 10), ("refused", 4), ("unrecorded", 26)]
    assert parts(areas=(SwapArea(b"/swap", "file", 100, 0, -2),), rows=rows) == []


@pytest.mark.parametrize(
    ("left", "cached", "rest"),
    [
        (8, 0, [("unowned", 8)]),
        (8, 7, [("cache", 7), ("unowned", 1)]),
        (8, 8, [("cache", 8)]),
        (8, 9, [("cache", 8)]),
        (1, 1, [("cache", 1)]),
        (0, 0, []),
        (0, 5, []),
        (-1, 0, [("moved", -1)]),
        (-3, 5, [("moved", -3)]),
    ],
)
def test_the_rest_may_be_in_memory_as_well(left: int, cached: int, rest: list[tuple[str, int]]) -> None:
    """Up to SwapCached it is; beyond it nobody was found; below zero it moved while we read."""
    found = parts(rows=(process(1, swap_pss=40 - left),), meminfo={"SwapCached": cached})
    assert found == [("private", 40 - left), *rest]


@pytest.mark.parametrize(
    ("value", "release", "expected"),
    [
        (None, (6, 1), note("unknown")),
        (0, (6, 1), note("last", value=0, most=200)),
        (1, (5, 8), note("files first", value=1, most=200)),
        (59, (5, 7), note("files first", value=59, most=100)),
        (60, None, note("default", value=60, most=200)),
        (61, (4, 19), note("nearly even", value=61, most=100)),
        (99, (6, 1), note("nearly even", value=99, most=200)),
        (100, (6, 1), note("even", value=100, most=200)),
        (101, (6, 1), note("swap first", value=101, most=200)),
    ],
)
def test_what_swappiness_means(value: int | None, release: tuple[int, int] | None, expected: Note) -> None:
    """From "pages of processes last" to "first"; 200 is the most since 5.8, 100 before (Documentation/admin-guide)."""
    assert swap_report(reading(swappiness=value, release=release)).swappiness == expected


def rates(into: int, out: int, stalled: float | None = None, *faulters: Faulter) -> Rates:
    """Two seconds in which so many bytes a second moved."""
    return Rates(2.0, 2 * into, 2 * out, 12, stalled, faulters)


@pytest.mark.parametrize(
    ("into", "out", "stalled", "used", "word", "code"),
    [
        (MIB, MIB, None, 40, "thrashing", "thrashing"),
        (MIB, MIB - 1, None, 40, "moving", "moving in"),
        (MIB - 1, MIB, None, 40, "moving", "moving out"),
        (MIB, 0, 0.1, 40, "thrashing", "thrashing"),
        (MIB, 0, 0.09, 40, "moving", "moving in"),
        (MIB - 1, 0, 0.5, 40, "parked", "parked"),
        (0, MIB, 0.5, 40, "moving", "moving out"),
        (0, 2 * MIB, None, 0, "moving", "moving out"),
        (3, 5, 0.25, 40, "parked", "parked"),
        (3, 5, None, 0, "unused", "idle"),
    ],
)
def test_the_judgement_by_the_rates(
    into: int, out: int, stalled: float | None, used: int, word: str, code: str
) -> None:
    """A MiB a second both ways, or in while tasks wait; one way is moving; little is none. With its figures."""
    areas = (SwapArea(b"/swap", "file", 100, used, -2),)
    verdict = swap_report(reading(areas=areas, rates=rates(into, out, stalled))).verdict
    figures = {"into": into, "out": out, "seconds": 2.0, "stalled": stalled}
    assert (verdict.word, verdict.reasons[0].code) == (word, code)
    assert verdict.reasons[0].figures == ({"used": used} | figures if code == "parked" else figures)
    assert len(verdict.reasons) == (2 if word == "thrashing" else 1)


@pytest.mark.parametrize(("used", "word"), [(40, "unknown"), (0, "unused")])
def test_one_reading_judges_only_what_is_empty(used: int, word: str) -> None:
    """Whether something moves takes two."""
    verdict = swap_report(reading(areas=(SwapArea(b"/swap", "file", 100, used, -2),))).verdict
    assert verdict == SwapVerdict(word, (note("one reading", used=used, total=100),))


MEMINFO = {"MemAvailable": 77, "MemTotal": 1000}


def blamed(*faulters: Faulter, rows: tuple[ProcessRow, ...] = ()) -> tuple[Note, ...]:
    """Who a thrashing machine's report names, after the rates."""
    return swap_report(reading(rates=rates(MIB, MIB, None, *faulters), rows=rows, meminfo=MEMINFO)).verdict.reasons[1:]


def test_who_waits_most_is_named_with_its_share() -> None:
    """Of all that was waited for; a process without a name too."""
    first, rest = blamed(Faulter(7, b"db", 6), Faulter(8, b"", 2))
    assert first == note("waits most", name=b"db", pid=7, share=0.75, faults=12)
    assert rest == note("machine", count=0, demand=0, ram=1000)
    assert blamed(Faulter(7, b"", 0))[0] == note("waits most", name=b"?", pid=7, share=0, faults=12)


@pytest.mark.parametrize(
    ("charged", "limit", "blames_limit"),
    [(90, 100, True), (89, 100, False), (100, 100, True), (None, 100, False), (0, 0, False), (90, None, False)],
)
def test_a_cgroup_near_its_limit_is_the_cause(charged: int | None, limit: int | None, blames_limit: bool) -> None:
    """At nine tenths; then nobody else is looked for."""
    found = blamed(Faulter(7, b"db", 6, b"/a", charged, limit))
    expected = note("cgroup limit", cgroup=b"/a", charged=charged, limit=limit, available=77)
    assert found[1:] == ((expected,) if blames_limit else (note("machine", count=0, demand=0, ram=1000),))


def test_a_cgroup_without_a_name_is_shown_as_unknown() -> None:
    """As a process is."""
    assert blamed(Faulter(7, b"db", 6, None, 95, 100))[1].figures["cgroup"] == b"?"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], note("machine", count=0, demand=0, ram=1000)),
        ([process(1, uss=0)], note("machine", count=1, demand=0, ram=1000)),
        (
            [process(1, uss=30, swap_pss=20), process(2, uss=50)],
            note("one process", name=b"db", pid=2, demand=50, share=0.5),
        ),
        (
            [process(1, uss=30, swap_pss=21), process(2, uss=50), process(3, uss=2)],
            note("machine", count=3, demand=103, ram=1000),
        ),
        (
            [process(1, uss=30, swap_pss=25, name=None), process(2, uss=50), process(3, uss=5)],
            note("one process", name=b"?", pid=1, demand=55, share=0.5),
        ),
        (
            [process(1, uss=10), process(2, uss=99, same_memory=1), process(3, vm_swap=10), process(4, uss=10)],
            note("machine", count=3, demand=30, ram=1000),
        ),
    ],
)
def test_one_process_or_the_machine(rows: list[ProcessRow], expected: Note) -> None:
    """One that has half of what all need in memory and swap; the same memory counts once."""
    assert blamed(rows=tuple(rows)) == (expected,)


def moment(
    at: float, into: int, out: int, major: int, faults: dict[int, tuple[bytes, int]], stalled: int | None
) -> SwapMoment:
    """What vmstat, the processes and the pressure file say."""
    return SwapMoment({"pswpin": into, "pswpout": out, "pgmajfault": major}, faults, stalled, at)


def test_rates_are_what_grew_between_two_readings() -> None:
    """Bytes by the page; a process that was there both times; the five that grew most, largest first."""
    before = {pid: (b"p%d" % pid, 10) for pid in range(1, 9)}
    after = {pid: (b"q%d" % pid, 10 + grown) for pid, grown in enumerate((3, 9, 0, 5, 1, 7, 2, -4), start=1)}
    found = rates_between(
        moment(100.0, 10, 20, 30, before, 5_000_000),
        moment(104.0, 13, 25, 37, after | {99: (b"new", 1000)}, 6_000_000),
        PAGE,
    )
    assert found == Rates(
        seconds=4.0,
        swapped_in=3 * PAGE,
        swapped_out=5 * PAGE,
        major_faults=7,
        stalled=0.25,
        faulters=tuple(Faulter(pid, b"q%d" % pid, grown) for pid, grown in ((2, 9), (6, 7), (4, 5), (1, 3), (7, 2))),
    )


def test_a_counter_that_went_back_or_is_missing_counts_as_nothing() -> None:
    """And a pressure that one of the readings lacks is not known."""
    found = rates_between(moment(0.0, 9, 9, 9, {}, None), SwapMoment({"pswpin": 5}, {}, 7, 1.0), PAGE)
    assert found == Rates(1.0, 0, 0, 0, None, ())
    assert rates_between(moment(0.0, 0, 0, 0, {}, 7), moment(1.0, 0, 0, 0, {}, None), PAGE).stalled is None
    assert rates_between(SwapMoment({}, {}, 0, 0.0), moment(2.0, 1, 2, 3, {}, 1_000_000), 1) == Rates(
        2.0, 1, 2, 3, 0.5, ()
    )
    resting = rates_between(moment(0.0, 0, 0, 0, {7: (b"a", 5)}, 0), moment(1.0, 0, 0, 0, {7: (b"a", 5)}, 0), PAGE)
    assert resting == Rates(1.0, 0, 0, 0, 0.0, ())


def test_each_faulter_is_told_with_its_cgroup() -> None:
    """Where the cgroup is known and its figures were read."""
    faulters = (Faulter(1, b"a", 4), Faulter(2, b"b", 3), Faulter(3, b"c", 2), Faulter(4, b"d", 1))
    rows = (process(1, cgroup=b"/x"), process(2, cgroup=b"/unread"), process(3))
    empty: dict[str, Any] = dict.fromkeys(CgroupFigures._fields)
    groups = (CgroupFigures(**(empty | {"path": b"/x", "current": 50, "limit": 60})),)
    found = with_cgroups(rates(1, 2, 0.5, *faulters), rows, groups)
    assert found == rates(1, 2, 0.5, Faulter(1, b"a", 4, b"/x", 50, 60), *faulters[1:])


@pytest.mark.parametrize(
    ("swap", "vm_swap", "maps_shared"),
    [(5, 4, True), (5, 5, False), (4, 5, False), (1, None, True), (None, 0, False), (0, 0, False), (None, None, False)],
)
def test_swap_beyond_vmswap_is_shared_memory(swap: int | None, vm_swap: int | None, maps_shared: bool) -> None:
    """VmSwap of status counts private pages alone."""
    assert maps_shared_memory_in_swap(process(1, swap=swap, vm_swap=vm_swap)) is maps_shared


def table(*rows: tuple[str, str, int, bytes, int]) -> Mappings:
    """Mappings one behind the other, by permissions, device, inode, name and KiB in swap."""
    return parse_smaps(
        smaps(
            [
                Record(at * PAGE, (at + 1) * PAGE, perms, 0, device, inode, name, (("Swap", swap),))
                for at, (perms, device, inode, name, swap) in enumerate(rows, start=16)
            ]
        )
    )


def test_objects_of_shared_memory_in_swap() -> None:
    """Each once, with all its mappings; private memory, files on disk and what is not in swap are left out."""
    mapped = table(
        ("rw-s", "00:01", 7, b"/memfd:a (deleted)", 4),
        ("rw-s", "00:05", 7, b"/dev/shm/b", 8),
        ("rw-s", "00:01", 7, b"/memfd:a (deleted)", 16),
        ("rw-p", "00:00", 0, b"", 32),
        ("rw-s", "fe:01", 7, b"/var/file", 64),
        ("rw-s", "00:01", 9, b"/memfd:c (deleted)", 0),
        ("rw-s", "00:1a", 3, b"/tmp/file", 128),
    )
    found = list(shared_memory_in_swap(mapped, {"00:1a"}))
    sort = "mapped shared memory"
    assert found == [
        (0, Object(b"/memfd:a (deleted)", sort, 20 << 10)),
        (1, Object(b"/dev/shm/b", sort, 8 << 10)),
        (6, Object(b"/tmp/file", sort, 128 << 10)),
    ]
    bare = parse_maps(b"00010000-00011000 rw-s 00000000 00:01 7 /memfd:a (deleted)\n")
    assert list(shared_memory_in_swap(bare, {"00:1a"})) == []


def test_the_regions_in_swap_of_one_process() -> None:
    """The largest last; whose it is, else the name in the map; nothing of what is not in swap, or unknown."""
    regions = labelled(
        (record(0x10000, 0x20000, Swap=12), kinds.JEMALLOC, owners.Allocator(b"jemalloc")),
        (record(0x20000, 0x30000, Swap=0), kinds.ANON_PRIVATE, None),
        (record(0x30000, 0x40000, "r--p", b"/a", Swap=4), kinds.FILE_PRIVATE, None),
        (record(0x40000, 0x50000, Swap=8), kinds.ANON_PRIVATE, None),
    )
    assert swap_regions(7, regions) == [
        SwapRegion(7, 0x30000, 0x40000, "mmap", "file-private", b"/a", 4096),
        SwapRegion(7, 0x40000, 0x50000, "mmap", "anon-private", None, 8192),
        SwapRegion(7, 0x10000, 0x20000, "heap", "jemalloc", b"jemalloc", 12288),
    ]


def test_a_process_whose_regions_are_unknown_has_none_in_swap() -> None:
    """Of a kernel thread, say."""
    assert swap_regions(7, None) == ()
