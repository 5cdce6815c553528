"""Single rules, asked alone: what -m of QEMU asks for, when "x" proves code, how far brk may lie, names of Android."""

import pytest

from procmem.classify.rules.brk_and_main_stack import area_claims
from procmem.classify.rules.executable import execute_proves
from procmem.classify.rules.malloc_arenas import last_of_data
from procmem.classify.runtimes.qemu import memory_asked
from procmem.model.mapping import Mappings
from procmem.model.region import Certainty
from tests.classify.test_elf_without_headers import stat
from tests.support.made_processes import made, record
from tests.support.smaps_text import Record, smaps

GIB, MIB = 1 << 30, 1 << 20
BRK_REACH = GIB + 2 * 4096


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ((b"qemu", b"-m", b"512"), 512 * MIB), ((b"qemu", b"-m", b"2G"), 2 * GIB), ((b"qemu", b"--memory", b"1g"), GIB),
        ((b"qemu", b"-m", b"size=256M,slots=2,maxmem=4G"), 256 * MIB), ((b"qemu", b"-m", b"256,slots=2"), 256 * MIB),
        ((b"qemu", b"-smp", b"2", b"-m", b"64", b"-m", b"128"), 64 * MIB),
        ((b"qemu", b"-m"), None), ((b"qemu", b"-mem", b"1"), None), ((b"qemu", b"-m", b"\xff"), None), ((), None),
    ],
)  # fmt: skip
def test_what_qemu_was_asked_for(words: tuple[bytes, ...], size: int | None) -> None:
    """A number alone counts mebibytes; the first -m that there is."""
    assert memory_asked(words) == size


def mappings_of(*perms_and_names: tuple[str, str, int]) -> Mappings:
    """Mappings one after the other: permissions, name, pages."""
    at, records = 0x10000, []
    for perms, name, pages in perms_and_names:
        records.append(record(at, at + pages * 4096, perms, name.encode()))
        at += (pages + 1) * 4096
    shot, _ = made({"smaps": smaps(records)})
    assert shot.mappings is not None
    return shot.mappings


RW, RWX = ("rw-p", "", 4), ("rwxp", "", 4)


@pytest.mark.parametrize(
    ("mappings", "proves"),
    [
        ((RW, RW), True),
        ((RWX, RW), True),
        ((("rw-p", "[heap]", 4), RWX, RW, RW), True),
        ((("rwxp", "[heap]", 4), RW, RW, RW), False),
        ((("rwxp", "[heap]", 4), ("rw-p", "[heap]", 4), RW, RW, RW), True),
        ((RWX, RWX), False),
        ((RWX, RWX, RW), True),
        ((RWX, RWX, RW, RW, RW), True),
        ((("rwxp", "", 400), RWX, RW), False),
        ((("rwxp", "", 400), RWX, RWX, RW, RW, RW), False),
        ((("rwxp", "", 400), RWX, RWX, RW, RW, RW, RW), True),
        ((("rwxp", "", 12), RWX, RW), False),
        ((("rwxp", "", 8), ("rwxp", "", 7), RW), True),
    ],
)
def test_where_execute_proves_code(mappings: tuple[tuple[str, str, int], ...], proves: bool) -> None:
    """Not where brk has it, nor where all or most of what may be written has it."""
    assert execute_proves(mappings_of(*mappings)) == proves


@pytest.mark.parametrize(
    ("distance", "certainty"),
    [
        (0, Certainty.CERTAIN), (BRK_REACH, Certainty.CERTAIN),
        (BRK_REACH + 4096, Certainty.LIKELY), (-4096, Certainty.LIKELY),
    ],
)  # fmt: skip
def test_how_far_above_the_program_its_heap_may_begin(distance: int, certainty: Certainty) -> None:
    """As far as exec puts it at random; a heap elsewhere was moved, and is told with a doubt."""
    start = 0x5555_0000_0000
    shot, _ = made({"smaps": smaps([record(start, start + 0x21000, name=b"[heap]")]), "stat": stat(start_brk=start)})
    assert shot.mappings is not None
    (claim,) = area_claims(shot, shot.mappings, None, start - distance)
    assert claim.label.certainty is certainty
    assert (claim.label.evidence.code == "heap-moved") == (certainty is Certainty.LIKELY)
    (claim,) = area_claims(shot, shot.mappings, None, None)
    assert claim.label.certainty is Certainty.CERTAIN


def test_names_of_ashmem() -> None:
    """Android until 9: of names that say little the general rules decide, and of those nobody knows."""
    for name in (b"/dev/ashmem/whatever (deleted)", b"/dev/ashmem/Heap Layer (deleted)"):
        _, regions = made({"smaps": smaps([record(0x7000_0000, 0x7001_0000, "rw-s", name)])})
        assert regions is not None
        assert regions.label[0].kind not in ("allocator-unknown", "named")


STACK_OF_THREAD = [record(0x7F1C_4380_0000, 0x7F1C_4380_1000, "---p"), record(0x7F1C_4380_1000, 0x7F1C_4400_1000)]
LIBRARY = record(0x7F32_CE00_0000, 0x7F32_CE17_A000, "r-xp", b"/lib64/libc-2.12.so")
OTHER_LIBRARY = record(0x7F32_CE00_0000, 0x7F32_CE17_A000, "r-xp", b"/lib/libother.so")


@pytest.mark.parametrize(("library", "has_tls"), [(LIBRARY, True), (OTHER_LIBRARY, False)])
def test_only_of_glibc_it_is_known_where_tls_is(library: Record, has_tls: bool) -> None:
    """At the top of a stack; other C libraries have theirs elsewhere."""
    _, regions = made({"smaps": smaps([one._replace(flags=None) for one in (*STACK_OF_THREAD, library)])})
    assert regions is not None
    kinds = [label.kind for label in regions.label]
    assert "thread" in kinds
    assert ("tls" in kinds) == has_tls


def test_data_that_was_cut_into_mappings() -> None:
    """Those of the same permissions that adjoin, to the end of a heap or of the map; none with a file or a name."""
    rows = [
        *("00010000-00011000 rw-p", "00011000-00012000 rw-p", "00012000-00013000 rw-p", "00013000-00014000 r--p"),
        *("00014000-00015000 rw-p", "00016000-00017000 rw-p", "00017000-00018000 rw-p"),
        *("00018000-00019000 rw-p 00000000 00:00 0 [anon:x]", "00019000-0001a000 rw-p", "0001a000-0001b000 rw-p"),
    ]
    text = "".join(f"{row}\n" if row.endswith("]") else f"{row} 00000000 00:00 0\n" for row in rows)
    shot, _ = made({"maps": text.encode()})
    assert shot.mappings is not None
    last = [last_of_data(shot.mappings, row, 1 << 40) for row in range(len(rows))]
    assert last == [2, 2, 2, 3, 4, 6, 6, 9, 9, 9]
    assert [last_of_data(shot.mappings, 0, until) for until in (0x11000, 0x11001, 0x12000, 0x12001)] == [0, 1, 1, 2]
