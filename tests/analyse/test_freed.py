"""What ending a process gives back, and what RES counts more than once: from the counters of smaps alone."""

from pathlib import Path

import pytest

from procmem.analyse.freed import copies_in_swap, freed_by_object, freed_of, objects_of, use_of
from procmem.model.mapping import Mappings
from procmem.model.object_use import ObjectUse
from procmem.parse.smaps import parse_smaps
from procmem.queries.account import account_of
from procmem.queries.explain import explain
from procmem.queries.shared import shared_of
from procmem.sources.recording.read import RecordedSource
from tests.support.made_processes import record
from tests.support.running import FIXTURES, procmem, python_child
from tests.support.smaps_text import Record, smaps

KIB, MIB = 1 << 10, 1 << 20
MEMFD = b"/memfd:heap (deleted)"


def table_of(*records: Record) -> Mappings:
    return parse_smaps(smaps(records))


def views(count: int, rss: int, pss: int, *, name: bytes = MEMFD, private: int = 0, **more: int) -> list[Record]:
    """Mappings of the whole of one object of 1 MiB, side by side; counters in kB."""
    figures = {"Rss": rss, "Pss": pss, "Private_Dirty": private, "Shared_Dirty": rss - private, **more}
    places = [(0x7000_0000 + at * MIB, 0x7000_0000 + (at + 1) * MIB) for at in range(count)]
    return [record(start, end, "rw-s", name, **figures) for start, end in places]


def use(records: list[Record]) -> ObjectUse:
    table = table_of(*records)
    (rows,) = objects_of(table).values()
    found = use_of(table, rows)
    assert found is not None
    return found


def test_an_object_that_a_process_maps_three_times_is_in_memory_once() -> None:
    """The kernel calls all of it shared; Pss, cut to whole kB, adds up to what is there."""
    found = use(views(3, 1024, 341))
    assert found == ObjectUse(3, 3 * MIB, MIB, alone=True, shared=3 * MIB, shared_once=MIB)
    assert found.again == 2 * MIB
    assert freed_of(table_of(*views(3, 1024, 341))) == MIB


def test_what_another_process_maps_too_is_not_freed() -> None:
    """Four mappings, three of them ours: Pss is too small for us alone."""
    found = use(views(3, 1024, 256))
    assert (found.alone, found.once) == (False, MIB)
    assert freed_of(table_of(*views(3, 1024, 256))) == 0


def test_pages_of_which_each_is_in_one_view_are_not_counted_twice() -> None:
    """Private in all views: what the process maps in several places, it has touched in one."""
    found = use(views(3, 300, 300, private=300))
    assert (found.alone, found.again, found.once) == (True, 0, 900 * KIB)


def test_pages_in_two_of_three_views_are_counted_once() -> None:
    """400 kB mapped twice: 200 kB of Pss in each view that has them, and more than any view alone could be."""
    two = views(2, 400, 200)
    third = [one._replace(start=one.start + 2 * MIB, end=one.end + 2 * MIB) for one in views(1, 0, 0)]
    found = use([*two, *third])
    assert (found.alone, found.once) == (True, 400 * KIB)


def test_parts_of_an_object_side_by_side_are_no_repetition() -> None:
    """Different offsets; a library shared with one other process is not its own."""
    first, second = views(2, 1024, 512, name=b"/lib/x.so")
    found = use([first, second._replace(offset=MIB)])
    assert (found.times, found.again, found.alone) == (1, 0, False)


def test_segments_with_a_page_in_common_are_no_views() -> None:
    """A small library of which one other process has the text too: nothing is counted twice."""
    text = record(0x1000_0000, 0x1000_3000, "r-xp", b"/lib/x.so", Rss=8, Pss=4, Shared_Clean=8)
    data = record(0x1000_3000, 0x1000_5000, "r--p", b"/lib/x.so", Rss=4, Pss=4, Private_Clean=4)
    found = use([text, data._replace(offset=0x2000)])
    assert (found.times, found.alone, found.again) == (2, False, 0)


NAMES = [
    (b"/memfd:x (deleted)", 1024),
    (b"/dev/zero (deleted)", 1024),
    (b"/tmp/gone (deleted)", 1024),
    (b"/dev/shm/x (deleted)", 1024),
    (b"/dev/shm/x", 0),
    (b"/tmp/there", 0),
    (b"/SYSV00000000 (deleted)", 0),
]


@pytest.mark.parametrize(("name", "freed"), NAMES)
def test_an_object_goes_with_its_last_user_if_nothing_names_it(name: bytes, freed: int) -> None:
    """A System V segment stays until it is removed, whatever its line says."""
    table = table_of(*views(1, 1024, 1024, name=name, private=1024))
    assert freed_of(table) == freed * KIB


def test_clean_pages_of_a_named_file_stay_and_copies_go() -> None:
    """Of a private mapping only what it wrote, in memory or in swap, is its own."""
    text = record(0x1000_0000, 0x1010_0000, "r-xp", b"/lib/x.so", Rss=100, Pss=100, Private_Clean=100)
    data = record(
        0x1020_0000, 0x1030_0000, "rw-p", b"/lib/x.so",
        Rss=40, Pss=40, Private_Clean=24, Private_Dirty=16, Anonymous=16, Swap=8, SwapPss=8,
    )  # fmt: skip
    assert freed_of(table_of(text, data)) == 24 * KIB


def test_swap_is_freed_too_and_that_of_an_object_once() -> None:
    """Swap that a child of fork() may still need is not; shared memory in swap counts in each mapping."""
    mine = record(0x1000_0000, 0x1010_0000, Swap=80, SwapPss=80)
    forked = record(0x1020_0000, 0x1030_0000, Swap=80, SwapPss=40)
    assert freed_of(table_of(mine, forked)) == 80 * KIB
    assert freed_of(table_of(*views(1, 12, 12, private=12, Swap=64))) == 76 * KIB
    assert freed_of(table_of(*views(3, 12, 4, Swap=64))) == 76 * KIB


def test_swap_of_an_object_of_which_nothing_is_in_memory() -> None:
    """Others may map it (as the buffers of a database): only who has looked at them knows that nobody does."""
    table = table_of(*views(1, 0, 0, Swap=64))
    assert freed_of(table) == 0
    assert [freed_by_object(table, [0], others=others) for others in (None, True, False)] == [0, 0, 64 * KIB]


def test_copies_in_swap_of_shared_memory() -> None:
    """SwapPss is of copies alone, a share of them after fork(); VmSwap tells how many there are, and so whose."""
    plain = record(0x1000_0000, 0x1010_0000, Swap=80, SwapPss=40)
    (private,) = [one._replace(perms="rw-p") for one in views(1, 0, 0, Swap=64, SwapPss=8)]
    (untouched,) = [
        one._replace(perms="rw-p", start=one.start + MIB, end=one.end + MIB) for one in views(1, 0, 0, Swap=64)
    ]
    table = table_of(plain, private, untouched)
    assert copies_in_swap(table) == {1: 8 * KIB, 2: 0}
    assert copies_in_swap(table, vm_swap=96 * KIB) == {1: 16 * KIB, 2: 0}
    assert copies_in_swap(table, vm_swap=999 * KIB) == {1: 64 * KIB, 2: 0}
    assert freed_of(table) == 8 * KIB
    assert freed_of(table, vm_swap=96 * KIB) == 0  # each of two holds half of all


def test_without_counters_it_is_unknown() -> None:
    """Never 0."""
    bare = Record(0x1000, 0x2000, "rw-p", 0, "00:00", 0, b"", (("Size", 4),))
    assert freed_of(table_of(bare)) is None


ALONE = [path.parent for path in sorted(FIXTURES.glob("*/about.toml"))]


@pytest.mark.parametrize("recording", ALONE, ids=lambda path: path.name)
def test_it_is_one_figure_everywhere(recording: Path) -> None:
    """The head of explain, account, and the sum of shared."""
    source = RecordedSource(str(recording))
    for pid in source.pids():
        with source.open(pid) as target:
            explained = explain(target, deep=False)
        with source.open(pid) as target:
            accounted = account_of(target)
        assert explained.freed == accounted.freed
        assert explained.again == accounted.again
        if explained.freed is None:
            continue
        with source.open(pid) as target:
            objects = shared_of(target, source, ()).objects
        assert sum(item.freed or 0 for item in objects) == explained.freed
        assert sum((item.rss or 0) - (item.once or 0) for item in objects) == explained.again


THRICE = """
import ctypes, mmap, os
fd = os.memfd_create("heap")
os.ftruncate(fd, 16 << 20)
kept = [mmap.mmap(fd, 16 << 20) for _ in range(3)]
for view in kept:
    for at in range(0, 16 << 20, 4096):
        view[at] = 1
os.close(fd)
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
closed = libc.mmap(None, ctypes.c_size_t(8 << 20), 3, 0x22, -1, ctypes.c_long(0))
ctypes.memset(closed, 1, 8 << 20)
assert libc.mprotect(ctypes.c_void_p(closed), ctypes.c_size_t(8 << 20), 0) == 0
"""


@pytest.mark.machine
def test_a_real_process_that_maps_one_object_three_times() -> None:
    """Its 16 MiB are said to be there once, to be nobody else's, and to go with it; closed memory still costs some."""
    with python_child(THRICE) as pid:
        said = " ".join(procmem("explain", "--lang", "en", str(pid)).out.split())
        explained = procmem("explain", "--json", str(pid)).json
        accounted = procmem("account", "--json", str(pid)).json
        objects = procmem("shared", "--json", str(pid)).json["objects"]
    assert "maps this object 3 times, and nobody else does: RES counts 48 MiB for it, 16 MiB are in memory" in said
    assert "MiB more than once, since this process maps the same memory several times" in said
    assert "It is inaccessible now, but was written before: 8 MiB are stored there" in said
    assert "it costs no memory" not in said.split("8 MiB are stored there")[0].rsplit("reserved/reserved", 1)[-1]
    leaves = {(leaf["name"], leaf["class"]): leaf["bytes"] for leaf in accounted["leaves"] if leaf["of"] == "rss"}
    assert leaves["counted again", "shm"] == 32 * MIB
    assert leaves["shmem, private dirty", "shm"] == 16 * MIB
    assert ("shmem, shared dirty", "shm") not in leaves
    (memfd,) = [item for item in objects if item["sort"] == "memfd"]
    assert (memfd["times"], memfd["once"], memfd["freed"]) == (3, 16 * MIB, 16 * MIB)
    assert 32 * MIB <= explained["counted_again"] == accounted["counted_again"] < 33 * MIB
    assert explained["freed"] >= 24 * MIB


def test_memory_and_swap_of_an_object_add_up() -> None:
    """Of one that nobody else holds: what is in memory and what is in swap, whatever the two figures are."""
    records = views(1, 12, 12, private=12, Swap=20, SwapPss=20)
    assert freed_of(table_of(*records)) == (12 + 20) * KIB
    records = views(1, 12, 12, private=12, Swap=12, SwapPss=12)
    assert freed_of(table_of(*records)) == (12 + 12) * KIB


def test_what_is_of_an_object() -> None:
    """By device and inode; not anonymous memory, nor /dev/zero mapped privately."""
    zero = Record(0x30000, 0x31000, "rw-p", 0, "00:05", 3, b"/dev/zero", (("Rss", 0),))
    heap = record(0x40000, 0x41000, name=b"[heap]")
    table = table_of(record(0x10000, 0x11000), record(0x20000, 0x21000, "rw-s", b"/a"), zero, heap)
    assert list(objects_of(table).values()) == [[1]]
