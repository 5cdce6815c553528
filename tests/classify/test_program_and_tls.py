"""From mappings to objects: which files may be objects, which one is the program, and how large static TLS is."""

from collections.abc import Sequence

import pytest

from procmem.classify.classifier import layout, mapped_files, split_ranges
from procmem.classify.partition import Partition
from procmem.model import kinds
from procmem.model.auxv import AT_ENTRY, AT_PHDR
from procmem.model.elf import ET_DYN, PF_R, PF_X, PT_INTERP, PT_LOAD, PT_TLS, ElfImage, Segment
from procmem.model.note import note
from procmem.model.region import Certainty, ElfObject, Label
from procmem.model.snapshot import Limit, LimitName, Snapshot, ThreadReading
from tests.support.made_processes import made, record
from tests.support.smaps_text import Record, smaps

PAGE, MIB = 4096, 1 << 20
PROGRAM, LIBRARY, DATA = b"/bin/p", b"/lib/libc.so.6", b"/var/data"


def shot_of(*rows: Record) -> Snapshot:
    """A process with these mappings, of which nothing else is known."""
    shot, _ = made({"smaps": smaps(list(rows))})
    return shot


def part(start: int, path: bytes = PROGRAM, perms: str = "r-xp", offset: int = 0) -> Record:
    """A page of a file."""
    return record(start, start + PAGE, perms, path)._replace(offset=offset)


def programs(shot: Snapshot) -> dict[bytes, bool]:
    """The files that may be objects, and which is the program."""
    return {file.path: file.is_program for file in mapped_files(shot)}


@pytest.mark.parametrize(
    ("rows", "is_object"),
    [
        ([part(PAGE)], True),
        ([part(PAGE, perms="r--p")], False),
        ([part(PAGE, perms="r--p"), part(4 * PAGE, perms="r--p")], False),
        ([part(PAGE, perms="r--p"), part(4 * PAGE, perms="r--p", offset=PAGE)], True),
        ([part(PAGE, perms="r--p"), part(4 * PAGE)], True),
        ([part(PAGE, path=b"/dev/dri/card0")], False),
        ([part(PAGE, path=b"/memfd:x (deleted)")], True),
        ([part(PAGE, path=b"/memfd:JitCode (deleted)")], False),
        ([part(PAGE, path=b"/opt/jit/x.so")], True),
    ],
)
def test_which_files_may_be_objects(rows: list[Record], is_object: bool) -> None:
    """Files of which code is mapped, or several parts; no devices, and no memory files of compilers."""
    other = part(MIB, LIBRARY)
    assert [file.path for file in mapped_files(shot_of(*rows, other))] == [rows[0].name] * is_object + [LIBRARY]


def test_of_an_object_all_places_are_told() -> None:
    """In their order."""
    found = mapped_files(shot_of(part(PAGE), part(MIB, LIBRARY), part(4 * MIB, offset=PAGE)))
    assert [file.ranges for file in found] == [
        ((PAGE, 2 * PAGE), (4 * MIB, 4 * MIB + PAGE)),
        ((MIB, MIB + PAGE),),
    ]


@pytest.mark.parametrize("mark", [AT_PHDR, AT_ENTRY])
@pytest.mark.parametrize(
    ("address", "program"),
    [(2 * MIB, LIBRARY), (2 * MIB + PAGE - 1, LIBRARY), (MIB, PROGRAM), (2 * MIB + PAGE, None), (0, None)],
)
def test_the_program_holds_the_kernels_marks(mark: int, address: int, program: bytes | None) -> None:
    """Its headers, or its entry point; whatever its name says."""
    shot = shot_of(part(MIB), part(2 * MIB, LIBRARY))._replace(auxv={mark: address})
    assert programs(shot) == {PROGRAM: program == PROGRAM, LIBRARY: program == LIBRARY}
    named = shot._replace(exe=PROGRAM)
    assert programs(named)[PROGRAM] is (program != LIBRARY)


def test_where_auxv_is_not_known_stat_says_where_code_begins() -> None:
    """And where neither is, the program is the lowest object that is no library and no memory file."""
    rows = [part(MIB, b"/memfd:x (deleted)"), part(2 * MIB, LIBRARY), part(3 * MIB), part(4 * MIB, b"/bin/q")]
    shot = shot_of(*rows)
    assert [path for path, is_program in programs(shot).items() if is_program] == [PROGRAM]
    assert [path for path, is_program in programs(shot_of(*rows[:2])).items() if is_program] == []
    assert shot.stat is None
    fields = ["0"] * 53
    fields[26] = str(4 * MIB)
    with_stat, _ = made({"smaps": smaps(rows), "stat": f"7 (p) S {' '.join(fields[4:])}\n".encode()})
    assert [path for path, is_program in programs(with_stat).items() if is_program] == [b"/bin/q"]
    assert programs(with_stat._replace(auxv={AT_ENTRY: 3 * MIB}))[PROGRAM]
    assert programs(shot._replace(exe=b"/bin/q")) == {**dict.fromkeys(programs(shot), False), b"/bin/q": True}
    assert mapped_files(shot._replace(mappings=None)) == ()


STACK, USUAL = 0x7F00_0000_0000, 8 * MIB


def image(*segments: Segment, bits: int = 64) -> ElfImage:
    """A library's headers."""
    return ElfImage(bits, True, ET_DYN, 62, 0, 64, 0, 64, 0, 0, segments)


def tls(size: int, align: int = 16) -> Segment:
    """A library's thread-local variables."""
    return Segment(PT_TLS, PF_R, 0, 0, size, size, align)


def tls_size(*segments: Segment, bits: int = 64, static: bool = False, library: bytes = LIBRARY) -> int | None:
    """How much of a thread's stack is taken for TLS, where objects have these segments."""
    at = 0x4000_0000 if bits == 32 else STACK
    rows = [part(MIB + number * MIB, b"/lib/%d.so" % number) for number in range(len(segments))]
    guard = record(at - PAGE, at, "---p")._replace(flags="mr mw me")
    rows += [part(64 * MIB, library), guard, record(at, at + USUAL)]
    shot = shot_of(*rows)._replace(
        bits=bits,
        threads=(ThreadReading(tid=8, comm=b"w", sp=at + MIB, pc=None, running=False),),
        limits={LimitName.STACK: Limit(USUAL, None, "bytes")},
    )
    files = [file._replace(is_program=file.path == library) for file in mapped_files(shot)]
    load = Segment(PT_LOAD, PF_R | PF_X, 0, 0, PAGE, PAGE, PAGE)
    interp = [] if static else [Segment(PT_INTERP, PF_R, 0, 0, 1, 1, 1)]
    images = [image(*interp, load, segment, bits=bits) for segment in segments] + [image(*interp, load, bits=bits)]
    objects = [ElfObject(file, one) for file, one in zip(files, images, strict=True)]
    cut = layout(shot, objects).cut
    ranges = zip(cut.start, cut.end, cut.label, strict=True)
    return next((end - start for start, end, label in ranges if label.kind is kinds.TLS), None)


def rounded(size: int, align: int) -> int:
    """Up to a multiple."""
    return -(-size // align) * align


DESCRIPTOR, SURPLUS = 2368, 1664


@pytest.mark.parametrize(
    ("segments", "used", "align"),
    [
        ((), 0, 64),
        ((tls(100),), 112, 64),
        ((tls(8), tls(8)), 32, 64),
        ((tls(100, 256),), 256, 256),
        ((tls(100, 256), tls(8, 8)), 264, 256),
        ((tls(8, 8), tls(100, 256)), 256, 256),
        ((tls(8, 0),), 8, 64),
        ((tls(8, 1),), 8, 64),
        ((tls(MIB - 16),), MIB - 16, 64),
        ((tls(MIB),), 0, 64),
        ((tls(MIB), tls(64)), 64, 64),
    ],
)
def test_the_size_of_static_tls(segments: Sequence[Segment], used: int, align: int) -> None:
    """Each object's variables, a surplus, and the descriptor; all of it aligned."""
    assert tls_size(*segments) == rounded(used + SURPLUS + DESCRIPTOR, align)


def test_the_size_of_static_tls_elsewhere() -> None:
    """On 32 bit; in a static program; not in one with another C library."""
    assert tls_size(bits=32) == rounded(SURPLUS + 1216, 64)
    assert tls_size(static=True) == rounded(800 + DESCRIPTOR, 64)
    assert tls_size(library=b"/lib/ld-musl-x86_64.so.1") is None


def test_of_which_mappings_pages_are_asked_once_it_is_known_what_is_divided() -> None:
    """Those with several ranges, and something in memory or in swap; ascending."""
    figures = [(4, 4, 0), (3, 0, 0), (2, 0, 4), (1, 4, 0)]
    rows = [record(MIB * at, MIB * at + PAGE, Rss=rss, Swap=swap) for at, rss, swap in figures]
    shot = shot_of(*rows)
    table = shot.mappings
    assert table is not None
    label = Label(kinds.BRK, Certainty.GUESS, note("unexplained"))
    cut = Partition([0, 1, 2, 3], list(table.start), list(table.end), [label] * 4, frozenset({0, 1, 2}))
    assert split_ranges(shot, cut) == ((2 * MIB, 2 * MIB + PAGE), (4 * MIB, 4 * MIB + PAGE))
