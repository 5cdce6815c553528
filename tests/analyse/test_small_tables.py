"""Tables and orders that need no process: levels of page tables, bits of the kernel's words, lists, groups, trees."""

from typing import Any

import pytest

from procmem.analyse.listing import chosen_regions
from procmem.analyse.system import sorted_rows, system_report, tree_rows
from procmem.analyse.translation import frame_flags, levels_of, pagemap_bits, walk_steps
from procmem.model import kinds
from procmem.model.owners import ObjectFile
from procmem.model.region_filter import RegionFilter
from procmem.model.reports.system import ProcessRow
from tests.support.made_processes import labelled, record


@pytest.mark.parametrize(
    ("machine", "bits", "levels"),
    [
        ("x86_64", 48, 4),
        ("x86_64", 57, 5),
        ("i686", 57, 5),
        ("x86_64", None, None),
        ("aarch64", 48, None),
        (None, 48, None),
    ],
)
def test_levels_of_page_tables(machine: str | None, bits: int | None, levels: int | None) -> None:
    """Five, where addresses have 57 bits."""
    assert levels_of(machine, bits) == levels


def test_the_index_at_each_level() -> None:
    """Nine bits each, above the twelve of a page."""
    address = 1 << 48 | 2 << 39 | 3 << 30 | 4 << 21 | 5 << 12 | 0xFFF
    assert [(step.level, step.number) for step in walk_steps(address, 5)] == [
        ("PGD", 1), ("P4D", 2), ("PUD", 3), ("PMD", 4), ("PTE", 5),
    ]  # fmt: skip
    assert [(step.level, step.number) for step in walk_steps(address, 4)] == [
        ("PGD", 2), ("PUD", 3), ("PMD", 4), ("PTE", 5),
    ]  # fmt: skip
    assert walk_steps((1 << 57) - 1, 5)[0].number == 511


@pytest.mark.parametrize(
    ("bit", "name"),
    [
        (63, "present"), (62, "swapped"), (61, "file page or shared memory"), (58, "guard"),
        (57, "write-protected for userfaultfd"), (56, "mapped only here"), (55, "soft-dirty"),
    ],
)  # fmt: skip
def test_each_bit_of_pagemap(bit: int, name: str) -> None:
    """By Documentation/admin-guide/mm/pagemap.rst; those of the frame have no name."""
    assert pagemap_bits(1 << bit) == (name,)
    assert pagemap_bits((1 << 55) - 1) == ()


@pytest.mark.parametrize(
    ("bit", "name"),
    [
        (0, "LOCKED"), (2, "REFERENCED"), (4, "DIRTY"), (5, "LRU"), (7, "SLAB"), (10, "BUDDY"), (11, "MMAP"),
        (12, "ANON"), (13, "SWAPCACHE"), (15, "COMPOUND_HEAD"), (16, "COMPOUND_TAIL"), (17, "HUGE"), (19, "HWPOISON"),
        (20, "NOPAGE"), (21, "KSM"), (22, "THP"), (23, "OFFLINE"), (24, "ZERO_PAGE"), (25, "IDLE"), (26, "PGTABLE"),
    ],
)  # fmt: skip
def test_each_flag_of_a_frame(bit: int, name: str) -> None:
    """By include/uapi/linux/kernel-page-flags.h."""
    assert frame_flags(1 << bit) == (name,)
    assert frame_flags(1 << 27) == ()


REGIONS = labelled(
    (record(0x10000, 0x14000, Rss=4, Pss=3, Private_Dirty=2, Swap=1), kinds.BRK, None),
    (record(0x20000, 0x22000, Rss=8, Pss=2, Private_Dirty=1, Swap=4), kinds.MAIN_STACK, None),
    (record(0x30000, 0x38000, Rss=2, Pss=1, Private_Dirty=4, Swap=2), kinds.JEMALLOC, None),
)


@pytest.mark.parametrize(
    ("how", "rows"),
    [
        ({}, [0, 1, 2]),
        ({"classes": ("heap",)}, [0, 2]),
        ({"classes": ("stack", "heap")}, [0, 1, 2]),
        ({"classes": ("mmap",)}, []),
        ({"classes": ("heap",), "classic": True}, [0, 2]),
        ({"min_size": 0x4000}, [0, 2]),
        ({"min_size": 0x4001}, [2]),
        ({"classes": ("heap",), "min_size": 0x8000}, [2]),
        ({"sort": "virt"}, [2, 0, 1]),
        ({"sort": "rss"}, [1, 0, 2]),
        ({"sort": "pss"}, [0, 1, 2]),
        ({"sort": "uss"}, [2, 0, 1]),
        ({"sort": "swap"}, [1, 2, 0]),
        ({"sort": "address"}, [0, 1, 2]),
    ],
)
def test_which_regions_a_list_shows(how: dict[str, Any], rows: list[int]) -> None:
    """Of some classes, of a least size, the largest first."""
    more = {name: how.pop(name) for name in ("classic", "sort") if name in how}
    assert chosen_regions(REGIONS, RegionFilter(**how), **more) == rows


FILES = labelled(
    (record(0x10000, 0x11000, "r-xp", b"/usr/lib/libc.so.6", inode=5), kinds.FILE_PRIVATE, ObjectFile(b"libc")),
    (record(0x20000, 0x21000, "rw-p", b"/usr/lib/libm.so", inode=6), kinds.FILE_PRIVATE, None),
    (record(0x30000, 0x31000, "rwxs", b"/data/\xff[1]", inode=7), kinds.FILE_SHARED, ObjectFile(b"\xff")),
    (record(0x40000, 0x41000, "---p", b""), kinds.RESERVED, None),
)


@pytest.mark.parametrize(
    ("how", "rows"),
    [
        ({"path": "libc"}, [0]),
        ({"path": "/usr/*"}, [0, 1]),
        ({"path": "*.so"}, [1]),
        ({"path": "lib?.so"}, []),
        ({"path": "[1]"}, []),
        ({"path": "*[[]1]"}, [2]),
        ({"path": ""}, [0, 1, 2, 3]),
        ({"path": "LIBC"}, []),
        ({"owner": "lib"}, [0]),
        ({"owner": "?"}, [2]),
        ({"owner": "*"}, [0, 1, 2, 3]),
        ({"perms": "rw-p"}, [1]),
        ({"perms": "w"}, [1, 2]),
        ({"perms": "wx"}, [2]),
        ({"perms": "xp"}, [0]),
        ({"perms": "---p"}, [3]),
        ({"kinds": ("reserved", "file-shared")}, [2, 3]),
        ({"kinds": ("file-private",), "perms": "x"}, [0]),
    ],
)
def test_regions_by_what_they_are_of(how: dict[str, Any], rows: list[int]) -> None:
    """By name, owner, permissions and kind; all that is set must fit."""
    assert chosen_regions(FILES, RegionFilter(**how)) == rows


def process(pid: int | None, **fields: Any) -> ProcessRow:
    """A row in which nothing is known but what is given."""
    return ProcessRow(**(dict.fromkeys(ProcessRow._fields) | {"pid": pid} | fields))


def pids(rows: list[ProcessRow]) -> list[int | None]:
    """Which they are."""
    return [row.pid for row in rows]


def test_rows_in_order() -> None:
    """Ascending, the unknown first, equal ones by pid; the largest are kept."""
    rows = [process(1, pss=5), process(3, pss=0), process(2, pss=5), process(4), process(5, pss=9)]
    assert pids(sorted_rows(rows, "pss", reverse=False, top=None)) == [4, 3, 1, 2, 5]
    assert pids(sorted_rows(rows, "pss", reverse=True, top=None)) == [5, 2, 1, 3, 4]
    assert pids(sorted_rows(rows, "pss", reverse=False, top=2)) == [2, 5]
    assert pids(sorted_rows(rows, "pss", reverse=False, top=1)) == [5]
    assert sorted_rows(rows, "pss", reverse=False, top=0) == []
    assert pids(sorted_rows(rows, "pss", reverse=False, top=9)) == [4, 3, 1, 2, 5]
    named = [process(1, user="b"), process(2, user="a"), process(4, user="a"), process(3, user="a")]
    assert pids(sorted_rows(named, "user", reverse=False, top=None)) == [2, 3, 4, 1]


def test_parents_before_their_children() -> None:
    """Each with the PSS of all below it; what is the same memory counts once; who has no parent here is a root."""
    rows = [
        process(5, ppid=3, pss=100),
        process(1, ppid=0, pss=1),
        process(3, ppid=1, pss=10),
        process(6, ppid=3, pss=1000, same_memory=3),
        process(9, ppid=9, pss=7),
        process(8, ppid=77),
    ]
    found = [(depth, row.pid, whole) for depth, row, whole in tree_rows(rows)]
    assert found == [(0, 1, 111), (1, 3, 110), (2, 5, 100), (2, 6, None), (0, 9, 7), (0, 8, None)]


def test_a_tree_is_walked_so_far() -> None:
    """A table that somebody made up may be deeper than any machine's."""
    rows = [process(at, ppid=at - 1, pss=1) for at in range(1, 300)]
    found = tree_rows(rows)
    assert max(depth for depth, _, _ in found) == 200
    assert len(found) == 201


def test_sums_groups_and_families() -> None:
    """The same memory once; groups by PSS, the largest last; servers with two known workers of their name."""
    rows = [
        process(1, name=b"web", ppid=0, user="a", pss=50, uss=10, rss=60, swap_pss=1),
        process(2, name=b"web", ppid=1, user="b", pss=20, uss=4, rss=30, swap_pss=2),
        process(3, name=b"web", ppid=1, user="b", pss=20, uss=7, rss=31, swap_pss=3),
        process(4, name=b"web", ppid=1, user="b", pss=99, uss=99, rss=99, same_memory=3),
        process(5, name=b"db", ppid=1, user="c"),
    ]
    report = system_report(rows, by="tree")
    assert (tuple(report.totals), report.processes, report.same_memory) == ((90, 21, 6), 5, 1)
    assert [tuple(family) for family in report.families] == [(1, b"web", 2, 4, 5, 7, 69, 121)]
    assert report.groups == ()
    groups = [tuple(group) for group in system_report(rows, by="name").groups]
    assert groups == [(b"db", 1, 1, None, None, None, None), (b"web", 4, 0, 6, 21, 90, None)]
    one = [rows[0], rows[1], rows[4]]
    assert system_report(one, by="tree").families == ()
    unknown = [*rows[:3], process(6, name=b"web", ppid=1, pss=1, uss=None, rss=1)]
    assert system_report(unknown, by="tree").families == ()
    assert system_report(rows, shown=rows[:1]).rows == tuple(rows[:1])
