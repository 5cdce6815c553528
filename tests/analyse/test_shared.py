"""Objects are told apart by device and inode, and what would be freed is never guessed from what is unknown."""

import pytest

from procmem.analyse.shared import object_keys, shared_report
from procmem.model.reports.shared import SharedObject, Sharer
from tests.support.made_processes import made, record
from tests.support.smaps_text import Record, smaps

KIB = 1024
OTHER = (Sharer(9, b"other"),)


def objects_of(*records: Record, shared_by: tuple[Sharer, ...] = ()) -> dict[bytes, SharedObject]:
    """The objects of a process by name; the others map all of them."""
    shot, regions = made({"smaps": smaps(records)})
    assert shot.mappings is not None
    others = dict.fromkeys(object_keys(shot.mappings), shared_by)
    report = shared_report(shot, regions, others, looked_at=1, unreadable=0)
    return {one.name: one for one in report.objects}


def test_mappings_of_one_file_are_one_object() -> None:
    """Its text, its data and a second copy of it."""
    library = objects_of(
        record(0x10000, 0x20000, "r-xp", b"/lib/x.so", Rss=64, Pss=32, Shared_Clean=64),
        record(0x20000, 0x30000, "rw-p", b"/lib/x.so", Rss=8, Pss=8, Private_Dirty=8, Anonymous=8),
        shared_by=OTHER,
    )[b"/lib/x.so"]
    assert (library.virt, library.rss, library.private, library.shared) == (0x20000, 72 * KIB, 8 * KIB, 64 * KIB)
    assert (library.copies, library.freed, library.sharers) == (8 * KIB, 8 * KIB, OTHER)


@pytest.mark.parametrize(
    ("name", "sharers", "freed"),
    [
        (b"", (), 20),  # private memory and its swap
        (b"/memfd:x (deleted)", (), 20),  # nameless, and nobody else has it
        (b"/memfd:x (deleted)", OTHER, 0),  # others keep it
        (b"/dev/shm/x", (), 0),  # the file stays
        (b"/tmp/x", (), 0),  # so do pages of the page cache
    ],
)
def test_what_goes_with_the_process(name: bytes, sharers: tuple[Sharer, ...], freed: int) -> None:
    """Private memory does; what has a name, or another user, stays."""
    perms = "rw-s" if name else "rw-p"
    anonymous = 0 if name else 16
    one = record(
        0x10000, 0x20000, perms, name, Rss=16, Pss=16, Private_Dirty=16, Anonymous=anonymous, Swap=4, SwapPss=4
    )
    [found] = objects_of(one, shared_by=sharers).values()
    assert found.freed == freed * KIB


def test_gates_are_nobodys() -> None:
    """The kernel's page in every process."""
    gate = record(0xFFFF_FFFF_FF60_0000, 0xFFFF_FFFF_FF60_1000, "--xp", b"[vsyscall]")
    assert set(objects_of(record(0x10000, 0x20000), gate)) == {b"[anonymous]"}


def test_sizes_that_maps_does_not_tell_are_unknown() -> None:
    """Of every figure but that of address space."""
    shot, regions = made({"maps": b"00400000-00401000 r-xp 00000000 fe:00 12 /x\n"})
    [found] = shared_report(shot, regions, {}, looked_at=0, unreadable=0).objects
    assert found.virt == 4096
    assert (found.rss, found.pss, found.private, found.shared, found.swap, found.freed) == (None,) * 6
