"""Each finding at the border of its threshold, with all its figures: there at the border, and not one below it."""

from collections.abc import Mapping
from typing import Any

import pytest

from procmem.analyse.findings import findings
from procmem.analyse.inspection import inspection
from procmem.model import kinds, owners
from procmem.model.kinds import Kind
from procmem.model.note import Note, note
from procmem.model.owners import Owner
from procmem.model.reports.inspection import Account
from procmem.model.reports.resident import CgroupUse, Surroundings
from procmem.model.snapshot import Limit, LimitName
from tests.support.made_processes import labelled, made, record
from tests.support.smaps_text import Record

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
BASE = 0x10_0000_0000
Row = tuple[Record, Kind, Owner | None]


def row(at: int, size: int, kind: Kind = kinds.ANON_PRIVATE, owner: Owner | None = None, **how: Any) -> Row:
    """A mapping so many bytes above a base; counters in KiB."""
    start = BASE + at
    return record(start, start + size, how.pop("perms", "rw-p"), how.pop("name", b""), **how), kind, owner


def found(
    *rows: Row,
    totals: Mapping[str, int | None] | None = None,
    account: Account | None = None,
    limits: Mapping[LimitName, int | None] | None = None,
    locked: int | None = None,
    cpus: int | None = 4,
    bits: int = 64,
    max_map_count: int | None = None,
    cgroup: CgroupUse | None = None,
    evidence: Mapping[int, Note] | None = None,
) -> dict[str, Mapping[str, Any]]:
    """What is found in a process with these mappings, by name; totals and limits as a test wants them."""
    regions = labelled(*(rows or (row(0, 4096),)))
    for index, told in (evidence or {}).items():
        regions.label[index] = regions.label[index]._replace(evidence=told)
    shot, _ = made({"smaps": b"", "status": b"Name:\tx\nState:\tS (x)\n" + (b"VmLck:\t%d kB\n" % (locked or 0))})
    shot = shot._replace(
        mappings=regions.mappings,
        bits=bits,
        machine=shot.machine._replace(cpus=cpus),
        limits={name: Limit(soft, None, "bytes") for name, soft in (limits or {}).items()},
    )
    report = inspection(shot, regions)
    report = report._replace(totals=report.totals._replace(**(totals or {})), account=account)
    every = list(findings(shot, regions, report, Surroundings(max_map_count=max_map_count, cgroup=cgroup)))
    assert len({one.name for one in every}) == len(every)
    return {one.name: one.figures for one in every}


def test_a_small_process_has_none() -> None:
    """One page of memory."""
    assert found() == {}


@pytest.mark.parametrize(
    ("reserved", "untouched", "rss", "is_idle"),
    [
        (GIB, 0, 0, True),
        (0, GIB, 0, True),
        (GIB - 1, 1, 0, True),
        (GIB - 1, 0, 0, False),
        (GIB, 0, GIB // 4, True),
        (GIB, 0, GIB // 4 + 1, False),
    ],
)
def test_address_space_that_is_hardly_used(reserved: int, untouched: int, rss: int, is_idle: bool) -> None:
    """From 1 GiB on, where it is four times what is in memory."""
    account = Account(0, 0, 0, 99, untouched, reserved)
    seen = found(account=account, totals={"virt": 7 * GIB, "rss": rss})
    figures = {"virt_bytes": 7 * GIB, "rss_bytes": rss, "idle_bytes": reserved + untouched}
    assert seen == ({"reserved-above-touched": figures} if is_idle else {})
    assert found(account=account, totals={"virt": None, "rss": rss}) == {}
    assert found(account=account, totals={"virt": 7 * GIB, "rss": None}) == {}


def test_huge_pages_and_cached_stacks() -> None:
    """Any is told."""
    assert found(totals={"hugetlb": 1}) == {"hugetlb": {"hugetlb_bytes": 1}}
    assert found(totals={"hugetlb": None}) == {}
    stacks = [row(0, 8 * KIB, kinds.CACHED_STACK, Rss=4), row(64 * KIB, 16 * KIB, kinds.CACHED_STACK, Rss=8)]
    figures = {"count": 2, "size_bytes": 24 * KIB, "rss_bytes": 12 * KIB}
    assert found(*stacks) == {"cached-stacks": figures}


def blocks(count: int, *, arena: int | None = None, first: int = 0, used: int = MIB, size: int = 64 * MIB) -> list[Row]:
    """Blocks of malloc, each used so far and then reserved, all of one arena or of nobody knows which."""
    owner = None if arena is None else owners.Arena(arena, (arena,))
    rows = []
    for at in range(first * size, (first + count) * size, size):
        rows.append(row(at, used, kinds.GLIBC_ARENA, owner, Rss=4))
        rows.append(row(at + used, size - used, kinds.GLIBC_ARENA_RESERVE, owner, perms="---p"))
    return rows


FIGURES = {"limit": 32, "factor": 8, "cpus": 4}


@pytest.mark.parametrize("count", [7, 8, 9])
def test_blocks_of_unknown_arenas(count: int) -> None:
    """From eight on; hardly used, each is an arena's last, so that there are as many arenas."""
    figures = {"blocks": count, "reserved_bytes": count * 64 * MIB, "live_bytes": count * 4096, **FIGURES}
    bounds = {"at_least": count, "at_most": count, "block_bytes": 64 * MIB}
    expected = {"one-block-arenas": {"count": count, **figures, **bounds}}
    assert found(*blocks(count)) == ({} if count < 8 else expected)


def test_blocks_that_may_be_of_fewer_arenas() -> None:
    """Full ones may all be one arena's, half full as well."""
    seen = found(*blocks(8, used=32 * MIB))["many-arena-blocks"]
    assert (seen["count"], seen["at_least"], seen["at_most"]) == (8, 1, 8)
    assert found(*blocks(8, used=32 * MIB - 4096))["one-block-arenas"]["at_least"] == 8


@pytest.mark.parametrize(
    ("bits", "cpus", "limit", "factor"), [(64, 4, 32, 8), (32, 4, 8, 2), (64, None, "?", 8), (32, 1, 2, 2)]
)
def test_the_most_arenas_that_glibc_makes(bits: int, cpus: int | None, limit: int | str, factor: int) -> None:
    """Twice the processors on 32 bit, eight times on 64 (arena.c, NARENAS_FROM_NCORES)."""
    seen = found(*blocks(8, size=MIB if bits == 32 else 64 * MIB, used=64 * KIB), bits=bits, cpus=cpus)
    figures = seen["one-block-arenas"]
    assert (figures["limit"], figures["factor"], figures["cpus"]) == (limit, factor, cpus or "?")


@pytest.mark.parametrize("count", [7, 8])
def test_many_known_arenas(count: int) -> None:
    """From eight on."""
    rows = [part for at in range(count) for part in blocks(1, arena=at + 1, first=at)]
    figures = {"count": count, "blocks": count, "reserved_bytes": count * 64 * MIB, "live_bytes": count * 4096}
    assert found(*rows) == ({"many-arenas": {**figures, **FIGURES}} if count == 8 else {})


@pytest.mark.parametrize("count", [3, 4])
def test_one_large_arena(count: int) -> None:
    """From four blocks on."""
    figures = {
        "arena": "ab",
        "threads": (0xAB,),
        "count": count,
        "size_bytes": count * 64 * MIB,
        "live_bytes": count * 4096,
    }
    assert found(*blocks(count, arena=0xAB)) == ({"large-arena": figures} if count == 4 else {})


def test_a_large_arena_of_unknown_threads() -> None:
    """Is shown with a question mark."""
    rows = [(one, kind, owners.Arena(0xAB)) for one, kind, _ in blocks(4)]
    assert found(*rows)["large-arena"]["threads"] == "?"


@pytest.mark.parametrize(("most", "is_near"), [(5, True), (6, False), (None, False)])
def test_many_mappings(most: int | None, is_near: bool) -> None:
    """Four of five."""
    seen = found(*(row(at * 8192, 4096) for at in range(4)), max_map_count=most)
    assert seen == ({"map-count": {"count": 4, "limit": most}} if is_near else {})


@pytest.mark.parametrize(("default", "is_near"), [(5, True), (6, False)])
def test_many_mappings_where_the_limit_is_not_known(
    default: int, is_near: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text of bare maps: held against the kernel's default, and said to be so; not where the limit is known."""
    monkeypatch.setattr("procmem.analyse.findings.DEFAULT_MAX_MAP_COUNT", default)
    rows = [row(at * 8192, 4096) for at in range(4)]
    assert found(*rows) == ({"map-count-default": {"count": 4, "limit": default}} if is_near else {})
    assert found(*rows, max_map_count=1000) == {}


@pytest.mark.parametrize(("locked", "is_told"), [(64 * 1024, True), (64 * 1024 - 1, False)])
def test_much_locked_memory(locked: int, is_told: bool) -> None:
    """64 MiB; where the limit is near, that is told instead."""
    assert found(locked=locked) == ({"locked": {"locked_bytes": locked * KIB}} if is_told else {})
    near = found(locked=locked, limits={LimitName.LOCKED_MEMORY: locked * KIB})
    assert list(near) == ["limit-locked"]


@pytest.mark.parametrize(
    ("charged", "limit", "is_near"),
    [(90, 100, True), (89, 100, False), (None, 100, False), (90, None, False), (0, 0, False)],
)
def test_a_group_near_its_limit(charged: int | None, limit: int | None, is_near: bool) -> None:
    """Nine of ten; the group that leaves the least room is named, which may lie above the process's own."""
    use = CgroupUse(b"/a/b", 1, None, b"/a", limit, charged, None, None)
    seen = found(cgroup=use)
    figures = {"group": "/a", "charged_bytes": charged, "limit_bytes": limit, "share": 90}
    assert seen == ({"cgroup-limit": figures} if is_near else {})


@pytest.mark.parametrize(("limit", "is_near"), [(5 * MIB, True), (5 * MIB + 2, False), (0, True), (None, False)])
def test_near_the_limit_of_address_space(limit: int | None, is_near: bool) -> None:
    """4 MiB of 5; none is left where the limit is 0."""
    seen = found(row(0, 4 * MIB), limits={LimitName.ADDRESS_SPACE: limit})
    figures = {"virt_bytes": 4 * MIB, "limit_bytes": limit}
    assert seen == ({"limit-address-space": figures} if is_near else {})


@pytest.mark.parametrize(
    ("locked", "limit", "is_near"),
    [(4, 5 * KIB, True), (4, 5 * KIB + 2, False), (0, 0, False), (4, 0, True), (4, None, False)],
)
def test_near_the_limit_of_locked_memory(locked: int, limit: int | None, is_near: bool) -> None:
    """4 KiB of 5; who locks nothing is not near it."""
    seen = found(locked=locked, limits={LimitName.LOCKED_MEMORY: limit})
    assert seen == ({"limit-locked": {"locked_bytes": locked * KIB, "limit_bytes": limit}} if is_near else {})


@pytest.mark.parametrize(
    ("kind", "rss", "limit", "expected"),
    [
        (kinds.MAIN_STACK, 0, 16 * KIB, (12 * KIB, 16 * KIB)),
        (kinds.MAIN_STACK, 12, 16 * KIB + 2, None),
        (kinds.MAIN_STACK, 12, None, None),
        (kinds.THREAD_STACK, 9, 4 * KIB, (9 * KIB, 12 * KIB)),
        (kinds.THREAD_STACK, 8, 4 * KIB, None),
        (kinds.THREAD_STACK, 9, None, (9 * KIB, 12 * KIB)),
    ],
)
def test_near_the_limit_of_a_stack(kind: Kind, rss: int, limit: int | None, expected: tuple[int, int] | None) -> None:
    """Three quarters: of the main stack's size of its limit, of a thread's memory of its mapping."""
    stack = row(0, 12 * KIB, kind, owners.Thread(7, b"a"), Rss=rss)
    figures = {"owner": "thread a (7)", "used_bytes": expected[0], "limit_bytes": expected[1]} if expected else None
    assert found(stack, limits={LimitName.STACK: limit}) == ({"stack-limit": figures} if figures else {})


def test_a_stack_of_nobody_and_of_a_name_that_is_no_utf8() -> None:
    """A question mark, and the bytes kept."""
    limits = {LimitName.STACK: 4096}
    assert found(row(0, 4096, kinds.MAIN_STACK), limits=limits)["stack-limit"]["owner"] == "?"
    seen = found(row(0, 4096, kinds.THREAD_STACK, owners.Thread(7, b"\xff"), Rss=4))
    assert seen["stack-limit"]["owner"] == "thread \udcff (7)"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kinds.JIT, "writable-and-executable"),
        (kinds.ANON_PRIVATE, "writable-and-executable"),
        (kinds.BRK, "data-executable"),
        (kinds.MAIN_STACK, "data-executable"),
    ],
)
def test_memory_that_is_writable_and_executable(kind: Kind, name: str) -> None:
    """Where it is a program's own data, all of it is."""
    rows = [row(0, 8192, kind, perms="rwxp"), row(16384, 4096, kinds.JIT, perms="-wxp")]
    assert found(*rows) == {name: {"count": 2, "size_bytes": 12288}}
    assert found(row(0, 4096, perms="r-xp"), row(8192, 4096, kind, perms="rw-p")) == {}


def test_deleted_code_and_data() -> None:
    """A library stands for all before the program; data by name, with its size; each file counts once."""
    gone = b" (deleted)"
    code = [
        row(0, 4096, perms="r-xp", name=b"/a/program" + gone),
        row(8192, 4096, perms="r--p", name=b"/b/libz.so.1" + gone),
        row(16384, 4096, perms="r-xp", name=b"/b/libz.so.1" + gone),
        row(24576, 4096, perms="r-xp", name=b"/c/liba.so" + gone),
    ]
    assert found(*code) == {"deleted-files": {"count": 3, "example": "/b/libz.so.1"}}
    assert found(code[0]) == {"deleted-files": {"count": 1, "example": "/a/program"}}
    data = [
        row(0, 4096, perms="rw-s", name=b"/tmp/y" + gone),
        row(8192, 8192, perms="rw-s", name=b"/tmp/x" + gone),
        row(24576, 4096, perms="rw-s", name=b"/tmp/x" + gone),
        row(32768, 4096, perms="r-xs", name=b"/tmp/z" + gone),
        row(40960, 4096, perms="rw-s", name=b"/memfd:m" + gone),
        row(49152, 4096, perms="rw-s", name=b"/tmp/here"),
    ]
    assert found(*data) == {"unlinked-files": {"count": 3, "example": "/tmp/x", "size_bytes": 20480}}


@pytest.mark.parametrize(("swap", "is_told"), [(MIB, True), (MIB - 1, False), (None, False)])
def test_memory_in_swap(swap: int | None, is_told: bool) -> None:
    """From 1 MiB on, beside what is in memory."""
    seen = found(row(0, 4096, Anonymous=4, Rss=4), totals={"swap": swap})
    assert seen == ({"swapped": {"swap_bytes": swap, "total_bytes": MIB + 4096}} if is_told else {})


@pytest.mark.parametrize(
    ("copied", "perms", "kind", "name", "is_told"),
    [
        (64, "r-xp", kinds.object_kind(kinds.Role.EXE, kinds.Part.TEXT), b"/a", True),
        (65, "r-xp", kinds.object_kind(kinds.Role.LIB, kinds.Part.TEXT), b"/a", True),
        (63, "r-xp", kinds.object_kind(kinds.Role.EXE, kinds.Part.TEXT), b"/a", False),
        (64, "r-xp", kinds.object_kind(kinds.Role.EXE, kinds.Part.TEXT), b"", False),
        (64, "rw-p", kinds.object_kind(kinds.Role.EXE, kinds.Part.TEXT), b"/a", False),
        (64, "r-xp", kinds.FILE_PRIVATE, b"/a", False),
    ],
)
def test_copied_code(copied: int, perms: str, kind: Kind, name: bytes, is_told: bool) -> None:
    """From 64 KiB on, of a file's code that cannot be written."""
    seen = found(row(0, MIB, kind, perms=perms, name=name, Anonymous=copied))
    assert seen == ({"text-copied": {"size_bytes": copied * KIB}} if is_told else {})


@pytest.mark.parametrize(
    ("tables", "rss", "swap", "share"),
    [
        (MIB, 40 * MIB, 10 * MIB, 2),
        (MIB, 40 * MIB, 10 * MIB + 100, None),
        (MIB - 1, MIB, 0, None),
        (3 * MIB, 8 * MIB, 0, 38),
        (MIB, 0, 0, None),
        (MIB, None, 0, None),
        (None, MIB, 0, None),
    ],
)
def test_large_page_tables(tables: int | None, rss: int | None, swap: int, share: int | None) -> None:
    """From 1 MiB and two per cent of what they map."""
    seen = found(totals={"page_tables": tables, "rss": rss, "swap": swap})
    seen.pop("swapped", None)
    assert seen == ({} if share is None else {"page-tables": {"tables_bytes": tables, "share": share}})


@pytest.mark.parametrize(
    ("anonymous", "huge", "share"),
    [
        (256 * MIB, 0, 0),
        (256 * MIB - KIB, 0, None),
        (320 * MIB, 32 * MIB - KIB, 10),
        (320 * MIB, 32 * MIB, None),
        (300 * MIB, 20 * MIB, 7),
    ],
)
def test_few_huge_pages(anonymous: int, huge: int, share: int | None) -> None:
    """From 256 MiB of anonymous memory on, less than a tenth of it in huge pages."""
    seen = found(row(0, 400 * MIB, Anonymous=anonymous // KIB, AnonHugePages=huge // KIB))
    figures = {"huge_bytes": huge, "anonymous_bytes": anonymous, "share": share}
    assert seen == ({} if share is None else {"huge-pages": figures})


def heap_with(used: int, free: int, top: int, **more: int) -> Note:
    """Evidence of a heap's chunks, in KiB."""
    tail = more or {"top_kib": top}
    code = "with-sampled-chunks" if more else "with-chunks"
    return note(code, evidence=note("heap-from", start_brk=0), used_kib=used, free_kib=free, **tail)


@pytest.mark.parametrize(
    ("used", "free", "top", "rss", "held"),
    [
        (1024, 16 * 1024, 0, 64 * 1024, 16 * 1024),
        (1024, 16 * 1024 - 1, 0, 64 * 1024, None),
        (1024, 8 * 1024, 8 * 1024, 64 * 1024, 16 * 1024),
        (1024, 32 * 1024, 0, 17 * 1024, 16 * 1024),  # the rest was given back: it is not in memory
        (1024, 32 * 1024, 0, 17 * 1024 - 4, None),
        (128 * 1024, 32 * 1024, 0, 256 * 1024, 32 * 1024),  # a quarter of what is in use
        (128 * 1024 + 4, 32 * 1024, 0, 256 * 1024, None),
    ],
)
def test_freed_and_not_given_back(used: int, free: int, top: int, rss: int, held: int | None) -> None:
    """16 MiB, and a quarter of what is in use; no more than is in memory beyond that."""
    rows = (row(0, GIB, kinds.BRK, Rss=rss),)
    seen = found(*rows, evidence={0: heap_with(used, free, top)})
    assert seen.get("freed-in-heap", {}).get("held_bytes") == (None if held is None else held * KIB)


def test_an_arena_is_judged_as_a_whole() -> None:
    """Four blocks with 5 MiB each: none would be told by itself. Samples of one block make an estimate of the arena."""
    arena = owners.Arena(0x7F00, (12,))
    blocks = tuple(row(at * 2 * GIB, GIB, kinds.GLIBC_ARENA, arena, Rss=64 * 1024) for at in range(4))
    evidence = {at: heap_with(1024 + at, 5 * 1024, 0) for at in range(4)}
    seen = found(*blocks, evidence=evidence)
    assert seen["freed-in-arena"] == {
        "arena": "7f00",
        "threads": (12,),
        "used_bytes": (4 * 1024 + 6) * KIB,
        "free_bytes": 20 * MIB,
        "top_bytes": 0,
        "held_bytes": 20 * MIB,
    }
    assert "freed-in-arena" not in found(blocks[0], evidence={0: evidence[0]})
    sampled = found(*blocks, evidence={**evidence, 2: heap_with(1024, 5 * 1024, 0, seen_kib=900, unknown_kib=7)})
    figures = sampled["freed-in-arena-sampled"]
    assert (figures["free_bytes"], figures["unknown_bytes"]) == (20 * MIB, 7 * KIB)
