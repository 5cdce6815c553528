"""Objects whose headers nobody could read: what lies behind their data is BSS, as far as brk and no further."""

import pytest

from procmem.classify.partition import Rank
from procmem.classify.rules.elf_without_headers import unread_claims
from procmem.model.kinds import Role
from procmem.model.note import Note
from procmem.model.raw import MappedFile
from procmem.model.region import Certainty, ElfObject, Regions
from tests.support.made_processes import made, record
from tests.support.smaps_text import Record, smaps

TEXT = "00400000-00401000 r-xp 00000000 08:01 11 /usr/bin/thing"
DATA = "00601000-00603000 rw-p 00001000 08:01 11 /usr/bin/thing"
LIBRARY = ("7f0000000000-7f0000010000 r-xp 00000000 08:01 12 /lib/libx.so",
           "7f0000010000-7f0000012000 rw-p 00010000 08:01 12 /lib/libx.so")  # fmt: skip
STACK = "7fff6b1c1000-7fff6b1d6000 rw-p 00000000 00:00 0 [stack]"
START_DATA, END_DATA, START_BRK = 45, 46, 47
"""Fields of stat by their numbers in proc_pid_stat(5)."""


def stat(**addresses: int) -> bytes:
    """A line of stat with these addresses, all else 0."""
    numbers = {"start_data": START_DATA, "end_data": END_DATA, "start_brk": START_BRK}
    fields = ["0"] * 53
    for name, address in addresses.items():
        fields[numbers[name]] = str(address)
    return f"7 (thing) S {' '.join(fields[4:])}\n".encode()


def regions_of(*lines: str, **addresses: int) -> Regions:
    """The regions of a process of which only maps and stat are known."""
    _, regions = made({"maps": "".join(f"{line}\n" for line in lines).encode(), "stat": stat(**addresses)})
    assert regions is not None
    return regions


def _inner(evidence: Note) -> Note:
    """What an area is known by, inside of the note that its headers were not read."""
    what = evidence.figures.get("what")
    return what if isinstance(what, Note) else evidence


def said(*lines: str, **addresses: int) -> list[str]:
    """Each region but those of other files: its range, class and kind, and by what it is known."""
    regions = regions_of(*lines, STACK, **addresses)
    return [
        f"{start:x}-{end:x} {label.cls.value}/{label.kind} {_inner(label.evidence).code}"
        for start, end, label in zip(regions.start, regions.end, regions.label, strict=True)
        if label.kind != "main"
    ]


def test_data_ends_where_stat_says() -> None:
    """To the byte; what is behind is BSS to the end of the mapping, and the anonymous memory after it as well."""
    found = said(TEXT, DATA, "00603000-00605000 rw-p 00000000 00:00 0", end_data=0x602123)
    assert found[1:] == [
        "601000-602123 data/exe-data unread-writable",
        "602123-603000 bss/exe-bss behind-end-data",
        "603000-605000 bss/exe-bss behind-data",
    ]


@pytest.mark.parametrize("end_data", [0x600FFF, 0x603000, 0])
def test_an_end_of_data_elsewhere_says_nothing(end_data: int) -> None:
    """It has to lie in the last writable mapping."""
    assert said(TEXT, DATA, end_data=end_data)[1:] == ["601000-603000 data/exe-data unread-writable"]


def test_data_may_end_with_its_first_byte() -> None:
    """Then all of the mapping is BSS."""
    assert said(TEXT, DATA, end_data=0x601000)[1:] == ["601000-603000 bss/exe-bss behind-end-data"]


def test_bss_ends_where_the_heap_begins() -> None:
    """Both may lie in one mapping that the kernel calls [heap]; without start_brk all of that is heap."""
    heap = "00603000-00625000 rw-p 00000000 00:00 0 [heap]"
    found = said(TEXT, DATA, heap, start_brk=0x604000)
    assert found[2:3] == ["603000-604000 bss/exe-bss behind-data"]
    assert found[3].startswith("604000-625000 heap/")
    for addresses in ({"start_brk": 0x603000}, {}):
        found = said(TEXT, DATA, heap, **addresses)
        assert found[2].startswith("603000-625000 heap/")


def test_what_is_not_behind_or_not_writable_is_no_bss() -> None:
    """Nor what has a file or a name of its own; a name that says BSS is one."""
    for line in (
        "00604000-00605000 rw-p 00000000 00:00 0",
        "00603000-00605000 r--p 00000000 00:00 0",
        "00603000-00605000 rw-p 00000000 08:01 13 /tmp/other",
        "00603000-00605000 rw-p 00000000 00:00 0 [anon:pool]",
    ):
        assert "bss" not in " ".join(said(TEXT, DATA, line)), line
    assert said(TEXT, DATA, "00603000-00605000 rw-p 00000000 00:00 0 [anon:.bss]")[2:] == [
        "603000-605000 bss/exe-bss behind-data"
    ]


def test_a_librarys_bss_is_its_own() -> None:
    """Whatever stat says of the program."""
    found = said(
        TEXT, DATA, *LIBRARY, "7f0000012000-7f0000014000 rw-p 00000000 00:00 0", end_data=0x7F0000011000
    )  # fmt: skip
    assert found[3:] == [
        "7f0000010000-7f0000012000 data/lib-data unread-writable",
        "7f0000012000-7f0000014000 bss/lib-bss behind-data",
    ]


def test_a_library_mapped_as_a_whole_to_be_read_is_data() -> None:
    """As debuggers do with code, below or above its image; what a segment shares with the code's page is its own."""
    whole = "7f00000{}000-7f00000{}000 r--p 00000000 08:01 12 /lib/libx.so"
    read_only = "7f0000012000-7f0000013000 r--p 00010000 08:01 12 /lib/libx.so"
    code = LIBRARY[0]
    found = said(TEXT, whole.format(10, 22), code.replace("7f0000000000-7f0000010000", "7f0000030000-7f0000040000"))
    assert found[1:] == [
        "7f0000010000-7f0000022000 mmap/file-private file-read-only",
        "7f0000030000-7f0000040000 text/lib-text unread-executable",
    ]
    found = said(TEXT, code, read_only, whole.format(20, 30))
    assert [line.split()[1] for line in found[2:]] == ["rodata/lib-rodata", "rodata/lib-rodata"]
    found = said(TEXT, code, read_only, whole.format(20, 31))
    assert [line.split()[1] for line in found[2:]] == ["rodata/lib-rodata", "mmap/file-private"]


def behind_a_library(perms: str, flags: str, kib: int, library_kib: int = 72) -> tuple[str, Certainty] | None:
    """What memory behind the data of a library is, if it is said to be the library's."""
    at = 0x7F00_0000_0000
    first = at + 0x12000 - (library_kib << 10)
    records = [
        record(first, at + 0x10000, "r-xp", b"/lib/libx.so")._replace(flags="rd ex mr mw me"),
        record(at + 0x10000, at + 0x12000, "rw-p", b"/lib/libx.so")._replace(flags="rd wr mr mw me ac", offset=0x10000),
        record(at + 0x12000, at + 0x12000 + (kib << 10), perms, b"")._replace(flags=flags),
    ]
    _, regions = made({"smaps": smaps(records)})
    assert regions is not None
    label = regions.label[regions.start.index(at + 0x12000)]
    return (str(label.kind), label.certainty) if label.kind == "lib-bss" else None


def test_behind_a_library_bss_is_a_guess() -> None:
    """As often the dynamic linker mapped something there; behind a program nothing else lies."""
    for kib in (8, 128):
        assert behind_a_library("rw-p", "rd wr mr mw me ac", kib) == ("lib-bss", Certainty.GUESS)
    regions = regions_of(TEXT, DATA, "00603000-00605000 rw-p 00000000 00:00 0", STACK)
    assert regions.label[regions.start.index(0x603000)].certainty is Certainty.LIKELY


@pytest.mark.parametrize(
    ("perms", "flags", "kib"),
    [
        ("rwxp", "rd wr ex mr mw me ac", 8),
        ("rw-p", "rd wr mr mw me ac nr", 8),
        ("rw-p", "rd wr mr mw me ac", 132),
    ],
)
def test_what_no_segment_would_have_is_no_bss(perms: str, flags: str, kib: int) -> None:
    """Other access than the data has, no reserve for it, or far more of it than there is of the object."""
    assert behind_a_library(perms, flags, kib) is None


def test_behind_a_large_library_whole_mebibytes_are_no_bss() -> None:
    """They are an allocator's; what is smaller than the library may be its own."""
    assert behind_a_library("rw-p", "rd wr mr mw me ac", 1020, library_kib=4096) == ("lib-bss", Certainty.GUESS)
    assert behind_a_library("rw-p", "rd wr mr mw me ac", 1024, library_kib=4096) is None


def parts(*rows: tuple[str, str | None, int, int]) -> list[str]:
    """The parts of one object of which only mappings are known: permissions, flags, KiB of private copies, gap."""
    records: list[Record] = []
    at = 0x7F00_0000_0000
    for perms, flags, copied, gap in rows:
        at += gap
        one = record(at, at + 0x2000, perms, b"/lib/libx.so", Anonymous=copied)
        records.append(one._replace(flags=flags, offset=at - 0x7F00_0000_0000))
        at += 0x2000
    shot, _ = made({"smaps": smaps(records)})
    assert shot.mappings is not None
    rows_of = range(len(records))
    item = ElfObject(MappedFile("00:01", records[0].inode, b"/lib/libx.so", ()), None, readable=False)
    found = list(unread_claims(item, Role.LIB, shot.mappings, [*rows_of][::-1], shot))
    assert {(one.rank, one.file) for one in found} <= {(Rank.SEGMENT, ("00:01", records[0].inode))}
    assert {one.label.certainty for one in found} <= {Certainty.LIKELY}
    return [str(one.label.kind) for one in found]


AC, PLAIN = "rd mr mw me ac", "rd mr mw me"
READ, CODE, WRITE, CLOSED = ("r--p", PLAIN, 0, 0), ("r-xp", PLAIN, 0, 0), ("rw-p", AC, 0, 0), ("---p", PLAIN, 0, 0)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([READ, CODE, READ, ("r--p", AC, 0, 0), WRITE], ["rodata", "text", "rodata", "relro", "data"]),
        ([READ, CODE, READ, READ, WRITE], ["rodata", "text", "rodata", "rodata", "data"]),
        ([("r--p", AC, 0, 0), CODE, WRITE], ["rodata", "text", "data"]),
        ([CODE, ("rw-s", AC, 0, 0), WRITE], ["text", "data"]),
        ([CODE, ("rwxp", AC, 0, 0)], ["text", "text"]),
        ([CODE, CLOSED, WRITE], ["text", "gap", "data"]),
        ([("rwxp", AC, 0, 0)], []),
        ([("rwxp", AC, 0, 0), WRITE], []),
    ],
)
def test_parts_by_permissions_and_flags(rows: list[tuple[str, str | None, int, int]], expected: list[str]) -> None:
    """What was writable once, behind the code, is RELRO; what is shared is none of the object's parts."""
    assert [kind.removeprefix("lib-").removeprefix("elf-") for kind in parts(*rows)] == expected


@pytest.mark.parametrize(
    ("rows", "is_relro"),
    [
        ([READ, READ, WRITE], True),
        ([READ, WRITE], False),
        ([READ, ("r--p", PLAIN, 4, 0), CODE], True),
        ([READ, READ, CODE], False),
        ([READ, READ, ("rw-p", AC, 0, 0x1000)], False),
        ([READ, READ], False),
        ([("r--p", PLAIN, 4, 0), WRITE], True),
        ([CLOSED, READ, WRITE], True),
        ([READ, CODE, ("r--p", PLAIN, 0, 0x1000), WRITE], True),
        ([READ, CODE, READ, WRITE], False),
    ],
)
def test_relro_where_flags_are_not_known(rows: list[tuple[str, str | None, int, int]], is_relro: bool) -> None:
    """By private copies; or as the second of two before the data, or the first of its segment."""
    code = ("r-xp", PLAIN, 0, 0)
    bare = [(perms, None, copied, gap) for perms, _, copied, gap in (code, *rows)]
    assert ("lib-relro" in parts(*bare)) is is_relro
