"""What is claimed of a loaded object: where it lies, whose it is, and each byte range by its headers."""

import time
from collections.abc import Sequence
from typing import Any

import pytest

from procmem.classify.partition import Rank
from procmem.classify.rules.elf_segments import (
    LoadedObject,
    ObjectRoles,
    code_mapped_again,
    elf_claims,
    load_biases,
)
from procmem.model.auxv import AT_BASE, AT_PHDR
from procmem.model.elf import (
    ET_DYN,
    ET_EXEC,
    PF_R,
    PF_W,
    PF_X,
    PT_GNU_RELRO,
    PT_INTERP,
    PT_LOAD,
    PT_PHDR,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHT_NOBITS,
    ElfImage,
    Section,
    Segment,
)
from procmem.model.kinds import Role
from procmem.model.note import note
from procmem.model.permissions import EXECUTE, PRIVATE_NONE, READ, WRITE
from procmem.model.raw import MappedFile
from procmem.model.region import Certainty, ElfObject
from procmem.parse.maps import parse_maps

PAGE = 4096
BIAS = 0x5000
DEVICE, INODE = "fe:01", 7
INTERP = Segment(PT_INTERP, PF_R, 0, 0, 9, 9, 1)


def image(*segments: Segment, kind: int = ET_DYN) -> ElfImage:
    """A file with these headers."""
    return ElfImage(64, True, kind, 62, 0, 64, 0, 64, 0, 0, segments)


def load(flags: int, vaddr: int, filesz: int, memsz: int | None = None, *, offset: int | None = None) -> Segment:
    """A segment whose place in the file is its address, unless it is said."""
    return Segment(PT_LOAD, flags, vaddr if offset is None else offset, vaddr, filesz, memsz or filesz, PAGE)


def item(
    headers: ElfImage | None,
    *,
    path: bytes = b"/x.so",
    sections: Sequence[Section] | None = None,
    ranges: tuple[tuple[int, int], ...] = (),
    is_program: bool = False,
    **how: Any,
) -> ElfObject:
    """A mapped object."""
    file = MappedFile(DEVICE, INODE, path, ranges, is_program)
    return ElfObject(file, headers, tuple(sections) if sections is not None else None, **how)


def claims(headers: ElfImage, sections: Sequence[Section] | None = None) -> list[tuple[int, int, int, str]]:
    """Start and end (from the bias), rank and kind of each claim."""
    loaded = LoadedObject(
        item(headers, sections=sections), headers, BIAS, Role.LIB, Certainty.CERTAIN, note("only-segment")
    )
    found = list(elf_claims(loaded, PAGE))
    assert {one.file for one in found} <= {(DEVICE, INODE)}
    return [(one.start - BIAS, one.end - BIAS, one.rank, str(one.label.kind)) for one in found]


TEXT, RODATA, DATA, BSS = PF_R | PF_X, PF_R, PF_R | PF_W, PF_R | PF_W


def test_bytes_of_segments() -> None:
    """Those of the file, zeros behind them, and the padding of their pages, which yields to all else."""
    assert claims(image(load(TEXT, 0x1100, 0x200))) == [
        (0x1000, 0x2000, Rank.PADDING, "lib-text"),
        (0x1100, 0x1300, Rank.SEGMENT, "lib-text"),
    ]
    assert claims(image(load(DATA, 0x1000, 0x1000, 0x3100))) == [
        (0x1000, 0x2000, Rank.PADDING, "lib-data"),
        (0x1000, 0x2000, Rank.SEGMENT, "lib-data"),
        (0x2000, 0x4100, Rank.SEGMENT, "lib-bss"),
        (0x2000, 0x5000, Rank.PADDING + 1, "lib-bss"),
    ]
    assert claims(image(Segment(PT_LOAD, DATA, 0, 0x1000, 0, 0x10, PAGE))) == [
        (0x1000, 0x1010, Rank.SEGMENT, "lib-bss"),
        (0x1000, 0x2000, Rank.PADDING + 1, "lib-bss"),
    ]
    assert [kind for *_, kind in claims(image(load(RODATA, 0x1000, 0x10)))] == ["lib-rodata"] * 2
    assert [kind for *_, kind in claims(image(load(PF_X | PF_W, 0x1000, 0x10)))] == ["lib-text"] * 2


@pytest.mark.parametrize(
    ("end", "start", "gap"),
    [
        (0x1800, 0x4800, (0x2000, 0x4000)),
        (0x2000, 0x4000, (0x2000, 0x4000)),
        (0x2001, 0x4000, (0x3000, 0x4000)),
        (0x3001, 0x4000, None),
        (0x3000, 0x3800, None),
    ],
)
def test_holes_between_segments(end: int, start: int, gap: tuple[int, int] | None) -> None:
    """Whole pages, of what is inaccessible; in order of addresses."""
    segments = load(DATA, start, 0x100), load(TEXT, 0x1000, end - 0x1000)
    headers = image(*segments)
    loaded = LoadedObject(item(headers), headers, BIAS, Role.LIB, Certainty.CERTAIN, note("only-segment"))
    gaps = [one for one in elf_claims(loaded, PAGE) if one.perms is not None]
    assert [(one.start - BIAS, one.end - BIAS, one.perms) for one in gaps] == (
        [] if gap is None else [(*gap, PRIVATE_NONE)]
    )
    assert all(str(one.label.kind) == "elf-gap" and one.rank == Rank.SEGMENT for one in gaps)
    if gap is not None:
        what = note("elf-hole", number=0, following=1)
        assert gaps[0].label.evidence == note("elf", what=what, object=b"/x.so", bias=BIAS, why=note("only-segment"))


@pytest.mark.parametrize(
    ("vaddr", "memsz", "is_claimed"),
    [(0x1000, 0x800, True), (0x1000, 0x1000, True), (0x1000, 0x1001, False), (0xF00, 0x100, False), (0x1000, 0, False)],
)
def test_data_that_is_read_only_after_relocation(vaddr: int, memsz: int, is_claimed: bool) -> None:
    """Inside a segment and the rest of its last page; with what stands before it in its page."""
    relro = Segment(PT_GNU_RELRO, PF_R, vaddr, vaddr, memsz, memsz, 1)
    found = [one for one in claims(image(load(DATA, 0x1000, 0x900), relro)) if one[3] == "lib-relro"]
    start = vaddr // PAGE * PAGE
    expected = [(vaddr, vaddr + memsz, Rank.RELRO, "lib-relro"), (start, vaddr, Rank.PADDING + 2, "lib-relro")]
    assert found == (expected if is_claimed else [])


def section(addr: int, size: int, flags: int, *, kind: int = 1, offset: int | None = None) -> Section:
    """A section that lies in the file where its address says."""
    return Section("", kind, flags, addr, addr if offset is None else offset, size, 0, 0)


CODE = SHF_ALLOC | SHF_EXECINSTR


def test_an_executable_segment_is_split_by_its_sections() -> None:
    """Headers before the first; each to the next; the last to the end."""
    sections = [
        section(0x1800, 0x100, SHF_ALLOC | SHF_WRITE),
        section(0x1200, 0x100, CODE),
        section(0x1100, 0x80, SHF_ALLOC),
    ]
    assert claims(image(load(TEXT, 0x1000, 0x1000)), sections)[2:] == [
        (0x1000, 0x1100, Rank.SECTION, "lib-rodata"),
        (0x1100, 0x1200, Rank.SECTION, "lib-rodata"),
        (0x1200, 0x1800, Rank.SECTION, "lib-text"),
        (0x1800, 0x2000, Rank.SECTION, "lib-data"),
    ]
    assert claims(image(load(TEXT, 0x1000, 0x1000)), [section(0x1000, 0x80, SHF_ALLOC)])[2:] == [
        (0x1000, 0x2000, Rank.SECTION, "lib-rodata")
    ]


@pytest.mark.parametrize(
    "other",
    [
        section(0x1100, 0x80, CODE),
        section(0x1100, 0x80, 0),
        section(0x1100, 0, SHF_ALLOC),
        section(0x1100, 0x80, SHF_ALLOC, kind=SHT_NOBITS),
        section(0xFFF, 0x80, SHF_ALLOC),
        section(0x2000, 0x80, SHF_ALLOC),
        section(0x1100, 0x80, SHF_ALLOC, offset=0x1101),
    ],
)
def test_sections_that_split_nothing(other: Section) -> None:
    """Code alone, what has no bytes there, and what contradicts the segment."""
    assert len(claims(image(load(TEXT, 0x1000, 0x1000)), [section(0x1200, 0x80, CODE), other])) == 2
    assert len(claims(image(load(RODATA, 0x1000, 0x1000)), [section(0x1100, 0x80, SHF_ALLOC)])) == 2
    assert len(claims(image(load(TEXT, 0x1000, 0x1000)), None)) == 2


def test_which_anonymous_memory_may_take_a_parts_place() -> None:
    """By its permissions; it is only likely, but for zeros, which are anonymous anyway."""
    relro = Segment(PT_GNU_RELRO, PF_R, 0x5000, 0x5000, 0x800, 0x800, 1)
    headers = image(load(TEXT, 0x1000, 16), load(RODATA, 0x3000, 16), load(DATA, 0x5000, 0x900, 0x1000), relro)
    loaded = LoadedObject(item(headers), headers, BIAS, Role.EXE, Certainty.CERTAIN, note("only-segment"))
    found = {
        str(one.label.kind): (one.needs, one.excludes, one.anonymous.certainty)
        for one in elf_claims(loaded, PAGE)
        if one.anonymous is not None
    }
    assert found == {
        "exe-text": (EXECUTE, 0, Certainty.LIKELY),
        "exe-rodata": (READ, WRITE, Certainty.LIKELY),
        "exe-data": (READ, 0, Certainty.LIKELY),
        "exe-bss": (READ, 0, Certainty.CERTAIN),
        "exe-relro": (READ, EXECUTE, Certainty.LIKELY),
    }


Line = tuple[int, int, str, int]


def biases(
    headers: ElfImage | None, *lines: Line, auxv: dict[int, int] | None = None, is_program: bool = False
) -> list[tuple[int, str, Certainty]]:
    """Where an object lies that is mapped so: start, size, permissions and offset of each mapping."""
    text = "".join(
        f"{start:x}-{start + size:x} {perms} {offset:x} {DEVICE} {INODE} /x.so\n"
        for start, size, perms, offset in lines
    )
    table = parse_maps(text.encode())
    found = load_biases(item(headers, is_program=is_program), table, range(len(table)), PAGE, auxv)
    return [(bias, why.code, sure) for bias, why, sure in found]


PAIR = load(RODATA, 0, 0x1000), load(TEXT, 0x1000, 0x1800)
BOTH = (BIAS, 0x1000, "r--p", 0), (BIAS + 0x1000, 0x2000, "r-xp", 0x1000)
CERTAIN, LIKELY = Certainty.CERTAIN, Certainty.LIKELY


@pytest.mark.parametrize(
    ("headers", "lines", "expected"),
    [
        (image(*PAIR), BOTH, [(BIAS, "headers-by-votes", CERTAIN)]),
        (image(*PAIR), BOTH[:1], []),
        (image(*PAIR), BOTH[1:], []),
        (image(PAIR[1]), BOTH[1:], [(BIAS, "only-segment", CERTAIN)]),
        (image(PAIR[0]), BOTH[:1], []),
        (image(load(DATA, 0, 0x1000)), [(BIAS, 0x1000, "r-xp", 0)], []),
        (image(PAIR[1]), [(BIAS + 0x1000, 0x2000, "r--p", 0x1000)], []),
        (image(*PAIR), [(*BOTH[0][:2], "---p", 0), BOTH[1]], []),
        (image(*PAIR), [(*BOTH[0][:2], "r--s", 0), BOTH[1]], []),
        (image(*PAIR), [(BIAS, 0x1000, "r--p", 0), (BIAS + 0x2000, 0x2000, "r-xp", 0x1000)], []),
        (image(*PAIR), [BOTH[0], (BIAS + 0x1000, 0x3000, "r-xp", 0x1000)], []),
        (image(*PAIR), [(BIAS, 0x3000, "r-xp", 0)], []),
        (image(*PAIR, kind=1), BOTH, []),
        (None, BOTH, []),
        (image(*PAIR, kind=ET_EXEC), BOTH, [(BIAS, "headers-by-votes", LIKELY)]),
        (image(PAIR[1], kind=ET_EXEC), BOTH[1:], []),
    ],
)
def test_where_an_object_lies(
    headers: ElfImage | None, lines: Sequence[Line], expected: list[tuple[int, str, Certainty]]
) -> None:
    """Two segments at their distance, or the only one where it is code; a fixed program elsewhere is only likely."""
    assert biases(headers, *lines) == expected


def test_a_place_that_proves_nothing_hides_no_other() -> None:
    """Three pieces of one segment are more mappings than two segments are, and less proof."""
    headers = image(load(RODATA, 0, 0x3000), load(TEXT, 0x3000, 0x1000))
    there = [(BIAS + 0x100000 + at, 0x1000, "r--p", at) for at in (0, 0x1000, 0x2000)]
    here = (BIAS, 0x3000, "r--p", 0), (BIAS + 0x3000, 0x1000, "r-xp", 0x3000)
    assert biases(headers, *here, *there) == [(BIAS, "headers-by-votes", CERTAIN)]


def test_an_object_at_the_lowest_address() -> None:
    """No bias puts a segment below it."""
    low = [(start - BIAS, size, perms, offset) for start, size, perms, offset in BOTH]
    assert biases(image(*PAIR), *low) == [(0, "headers-by-votes", CERTAIN)]
    high = image(load(RODATA, 0x1000, 0x1000, offset=0), load(TEXT, 0x2000, 0x1800, offset=0x1000))
    assert biases(high, (0, 0x1000, "r--p", 0), (0x1000, 0x2000, "r-xp", 0x1000)) == [
        (-0x1000, "headers-by-votes", CERTAIN)
    ]


def test_a_segment_whose_address_in_its_page_is_another_than_in_the_file() -> None:
    """Such a file is not mapped so: the other segments vote."""
    odd = load(RODATA, 0x10, 0x800, offset=0)
    assert biases(image(odd, *PAIR), *BOTH) == [(BIAS, "headers-by-votes", CERTAIN)]


@pytest.mark.parametrize(
    ("second", "size", "is_covered"),
    [
        (load(TEXT, 0x1000, 0x1000), 0x2000, True),
        (load(TEXT, 0x1000, 0x1000), 0x3000, False),
        (load(TEXT, 0x2000, 0x1000), 0x3000, False),
        (load(TEXT, 0x1800, 0x100), 0x2000, True),
        (load(TEXT, 0x1000, 0x1001), 0x3000, True),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_mapping_of_several_segments(second: Segment, size: int, is_covered: bool, is_first: bool) -> None:
    """Reaches over pages of neighbours, whichever comes first in the headers, but over no gap."""
    parts = [load(RODATA, 0, 0x1000), second]
    found = biases(
        image(*(parts if is_first else parts[::-1])),
        (BIAS, size, "r--p", 0),
        auxv={AT_PHDR: BIAS + 64},
        is_program=True,
    )
    assert found == ([(BIAS, "headers-by-auxv", CERTAIN)] if is_covered else [])


@pytest.mark.parametrize(
    ("first", "address", "is_known"),
    [
        (load(RODATA, 0, 64), BIAS + 64, False),
        (load(RODATA, 0, 65), BIAS + 64, True),
        (load(RODATA, 0x3000, 0x1000, offset=0), BIAS + 0x3000 + 64, True),
        (load(RODATA, 0x3000, 0x1000, offset=0), BIAS + 64, False),
        (load(RODATA, 0x40, 0x1000), BIAS + 64, True),
        (load(RODATA, 0x41, 0x1000), BIAS + 64, False),
    ],
)
def test_the_headers_lie_in_a_segment(first: Segment, address: int, is_known: bool) -> None:
    """Where they are no segment of their own: in that whose bytes hold them."""
    empty = load(TEXT, 0x8000, 0x40, offset=0x8000)
    found = biases(
        image(empty, first),
        (BIAS + (first.vaddr & ~0xFFF), 0x1000, "r--p", 0),
        auxv={AT_PHDR: address},
        is_program=True,
    )
    assert found == ([(BIAS, "headers-by-auxv", CERTAIN)] if is_known else [])


def test_a_fixed_program_where_it_belongs() -> None:
    """Is certain; moved, and started by the kernel, it is none."""
    fixed = image(load(RODATA, 0x400000, 0x1000, offset=0), load(TEXT, 0x401000, 0x1800, offset=0x1000), kind=ET_EXEC)
    lines = (0x400000, 0x1000, "r--p", 0), (0x401000, 0x2000, "r-xp", 0x1000)
    assert biases(fixed, *lines, is_program=True) == [(0, "headers-by-votes", CERTAIN)]
    moved = [(start + 0x10000, size, perms, offset) for start, size, perms, offset in lines]
    assert biases(fixed, *moved, is_program=True) == []
    assert biases(fixed, *moved) == [(0x10000, "headers-by-votes", LIKELY)]


def test_an_object_that_is_loaded_twice() -> None:
    """Each of its places."""
    again = [(start + 0x100000, size, perms, offset) for start, size, perms, offset in BOTH]
    found = biases(image(*PAIR), *BOTH, *again)
    assert sorted(bias for bias, _, _ in found) == [BIAS, BIAS + 0x100000]


@pytest.mark.parametrize(
    ("headers", "address", "is_program", "is_known"),
    [
        (image(*PAIR), BIAS + 64, True, True),
        (image(*PAIR), BIAS + 65, True, False),
        (image(*PAIR), BIAS + 64, False, False),
        (image(Segment(PT_PHDR, 4, 64, 0x40, 1, 1, 8), *PAIR), BIAS + 0x40, True, True),
        (image(Segment(PT_PHDR, 4, 64, 0x50, 1, 1, 8), *PAIR), BIAS + 0x50, True, True),
    ],
)
def test_the_kernels_word_on_the_headers(headers: ElfImage, address: int, is_program: bool, is_known: bool) -> None:
    """AT_PHDR proves the place by one mapping, of the program that the kernel started."""
    found = biases(headers, BOTH[0], auxv={AT_PHDR: address}, is_program=is_program)
    assert found == ([(BIAS, "headers-by-auxv", CERTAIN)] if is_known else [])


PROGRAM = item(image(INTERP, *PAIR), path=b"/bin/p", ranges=((0x1000, 0x2000),), is_program=True, has_debug=True)
LINKER = item(image(*PAIR), path=b"/lib/ld-linux.so.2", ranges=((0x5000, 0x6000), (0x8000, 0x9000)))
LIBRARY = item(image(INTERP, *PAIR), path=b"/lib/libc.so.6", ranges=((0xA000, 0xB000),))


def roles(*objects: ElfObject, base: int | None = None, exe: bytes | None = None) -> list[Role]:
    """Whose each is."""
    auxv = None if base is None else {AT_BASE: base}
    return list(map(ObjectRoles(objects, auxv, exe).of, objects))


EXE, LD, LIB = Role.EXE, Role.LD, Role.LIB


def test_program_linker_and_libraries() -> None:
    """By AT_ENTRY and AT_BASE; where these are not known, by /proc/PID/exe and by names."""
    every = PROGRAM, LINKER, LIBRARY
    for base in (0x5000, 0x5FFF, 0x8000):
        assert roles(*every, base=base) == [EXE, LD, LIB]
    assert roles(*every, base=0x6000) == [EXE, LIB, LIB]
    assert roles(*every) == roles(*every, base=0) == [EXE, LD, LIB]
    bare = PROGRAM._replace(file=PROGRAM.file._replace(is_program=False))
    assert roles(bare, LINKER, LIBRARY, exe=b"/bin/p") == [EXE, LD, LIB]
    fixed = bare._replace(has_debug=False)
    assert roles(LIBRARY, LINKER, fixed, exe=b"/bin/p") == [LIB, LD, EXE]
    assert roles(bare, LINKER, LIBRARY) == [EXE, LD, LIB]
    assert roles(bare._replace(has_debug=False), LINKER, LIBRARY) == [LIB, LD, LIB]
    named = LINKER._replace(soname=b"libother.so")
    assert roles(PROGRAM, named, LIBRARY) == [EXE, LIB, LIB]
    unread = LIBRARY._replace(image=None, file=LIBRARY.file._replace(path=b"/lib/ld-linux.so.2"))
    assert roles(bare, unread) == [EXE, LD]


def test_the_mark_of_a_program_comes_before_its_name() -> None:
    """What the kernel says it started is the program, whatever /proc/PID/exe is called."""
    other = PROGRAM._replace(file=PROGRAM.file._replace(is_program=False, path=b"/bin/other"))
    assert roles(PROGRAM, other, exe=b"/bin/other") == [EXE, LIB]


def test_a_linker_that_was_started_as_a_command() -> None:
    """The kernel describes the linker; the program is what asks for one and has its debug hook, or is fixed."""
    linker = LINKER._replace(file=LINKER.file._replace(is_program=True))
    program = PROGRAM._replace(file=PROGRAM.file._replace(is_program=False))
    assert roles(linker, LIBRARY, program) == [LD, LIB, EXE]
    fixed = program._replace(has_debug=False, image=image(INTERP, *PAIR, kind=ET_EXEC))
    assert roles(linker, LIBRARY, fixed) == [LD, LIB, EXE]
    assert roles(linker, LIBRARY) == [EXE, LIB]


@pytest.mark.parametrize(
    ("offset", "size", "perms", "is_code"),
    [
        (0x1000, 0x1000, "r-xp", True),
        (0x1000, 0x2000, "r-xp", True),
        (0x1000, 0x3000, "r-xp", False),
        (0, 0x1000, "r-xp", False),
        (0x1000, 0x1000, "r--p", False),
        (0x1000, 0x1000, "r-xs", False),
        (0x2000, 0x1000, "rwxp", True),
    ],
)
def test_code_that_was_mapped_once_more(offset: int, size: int, perms: str, is_code: bool) -> None:
    """Within the pages of an executable segment: machine code wherever it lies, but nothing that outranks others."""
    table = parse_maps(f"{BIAS:x}-{BIAS + size:x} {perms} {offset:x} {DEVICE} {INODE} /x.so\n".encode())
    headers = image(*PAIR)
    found = list(code_mapped_again(item(headers), headers, Role.LIB, table, [0]))
    assert [(one.start, one.end, one.rank, str(one.label.kind), one.file) for one in found] == (
        [(BIAS, BIAS + size, Rank.LEAST, "lib-text", (DEVICE, INODE))] if is_code else []
    )


def test_roles_of_very_many_objects_take_little_time() -> None:
    """What decides is found once: a process, or a stranger's core, may map a file of its own sixty thousand times."""
    many = [LIBRARY._replace(file=LIBRARY.file._replace(inode=number)) for number in range(60_000)]
    began = time.process_time()
    assert roles(*many, PROGRAM, base=0x5000)[-2:] == [LIB, EXE]
    assert time.process_time() - began < 10
