"""Each law of layout on a process made for it: it holds up to its border, and is broken one step beyond, with figures.

The process is small, so that every place can be read off below; its borders are as small, and nobody's.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from procmem.analyse.laws import laws_of
from procmem.model.auxv import AT_BASE, AT_ENTRY, AT_EXECFN, AT_SYSINFO_EHDR
from procmem.model.elf import ET_DYN, ET_EXEC, PT_INTERP, PT_LOAD, ElfImage, Segment
from procmem.model.laws import Borders, Law, Outcome
from procmem.model.note import note
from procmem.model.raw import MappedFile
from procmem.model.region import ElfObject
from procmem.model.snapshot import Limit, LimitName, Snapshot, Stat, Status
from tests.support.made_processes import made
from tests.support.smaps_text import Record, smaps

HOLDS, BROKEN, NOT_APPLICABLE = Outcome.HOLDS, Outcome.BROKEN, Outcome.NOT_APPLICABLE
BIAS = 0x100000
PROGRAM, LINKER = b"/prog", b"/ld.so"
STACK, STACK_END = 0x700000, 0x710000
WHERE = {
    "text": (0x110000, 0x112000, "r-xp", PROGRAM, 1),
    "data": (0x113000, 0x115000, "rw-p", PROGRAM, 1),
    "heap": (0x118000, 0x11A000, "rw-p", b"[heap]", 0),
    "linker": (0x500000, 0x501000, "r-xp", LINKER, 2),
    "linker-data": (0x501000, 0x502000, "rw-p", LINKER, 2),
    "linker-bss": (0x502000, 0x503000, "rw-p", b"", 0),
    "vvar": (0x510000, 0x512000, "r--p", b"[vvar]", 0),
    "vdso": (0x512000, 0x513000, "r-xp", b"[vdso]", 0),
    "stack": (STACK, STACK_END, "rw-p", b"[stack]", 0),
}
BORDERS = Borders(
    task_size=0x710000,
    stack_end=(0x710000, 0x711000),
    mmap_base=(0x503000, 0x504000),
    mmap_base_any_limit=(0x502000, 0x505000),
    legacy_base=(0x300000, 0x301000),
    program_base=(0x110000, 0x111000),
    brk_reach=0x3000,
)
LOADS = (Segment(PT_LOAD, 5, 0, 0x10000, 0x1800, 0x1800, 4096), Segment(PT_LOAD, 6, 0, 0x13000, 0x800, 0x1800, 4096))
INTERPRETER = Segment(PT_INTERP, 4, 0, 0, 10, 10, 1)
STAT: dict[str, int | None] = {
    "start_brk": 0x118000,
    "startstack": 0x70F000,
    "arg_start": 0x70F100,
    "arg_end": 0x70F200,
    "env_start": 0x70F200,
    "env_end": 0x70FF00,
}
AUXV = {AT_ENTRY: BIAS + 0x10040, AT_BASE: 0x500000, AT_EXECFN: 0x70FFE0, AT_SYSINFO_EHDR: 0x512000}


def image(*segments: Segment, kind: int = ET_DYN) -> ElfImage:
    """The program's headers."""
    return ElfImage(64, True, kind, 62, 0x10040, 64, 0, 64, 0, 0, segments)


PLAIN = "rd wr mr mw me"
PIE = image(INTERPRETER, *LOADS)


def file(name: bytes, *ranges: tuple[int, int], is_program: bool = False) -> MappedFile:
    """A mapped file."""
    return MappedFile("00:01", 1 if is_program else 2, name, ranges, is_program)


def process(
    where: Mapping[str, tuple[int, int, str, bytes, int] | None] | None = None,
    *,
    flags: str | None = "rd wr mr mw me ac",
    stat: Mapping[str, int | None] | None = None,
    auxv: Mapping[int, int | None] | None = None,
    stack_limit: int | None = 8 << 20,
    sizes: Mapping[str, int] | None = None,
    counters: Mapping[str, Mapping[str, int]] | None = None,
    plain: tuple[str, ...] = (),
) -> Snapshot:
    """The process, other than usual in what is given; a mapping, or a value, of None is not there.

    ``flags`` are those of all mappings, but for ``plain`` ones, which have those of memory nobody wrote to.
    """
    rows = {name: row for name, row in (WHERE | dict(where or {})).items() if row is not None}
    records = [
        Record(
            start, end, perms, 0, "00:01" if inode else "00:00", inode, path,
            tuple(({"Rss": 4, "Anonymous": 0} | dict((counters or {}).get(name, {}))).items()),
            PLAIN if name in plain else flags if name != "stack" or flags is None else flags + " gd",
        )
        for name, (start, end, perms, path, inode) in rows.items()
    ]  # fmt: skip
    shot, _ = made({"smaps": smaps(records)})
    values = dict.fromkeys(Stat._fields) | STAT | dict(stat or {})
    vector = {key: value for key, value in (AUXV | dict(auxv or {})).items() if value is not None}
    return shot._replace(
        bits=64,
        known_page_size=4096,
        stat=Stat(**values),  # type: ignore[arg-type]
        auxv=vector,
        limits={LimitName.STACK: Limit(stack_limit, None, "bytes")},
        status=Status({}, dict(sizes or {})),
    )


def laws(
    shot: Snapshot,
    *,
    headers: ElfImage | None = PIE,
    linker: MappedFile | None = None,
    walk: bool = True,
    **borders: Any,
) -> dict[str, Law]:
    """What comes of each law, by its name."""
    linker = linker or file(LINKER, (0x500000, 0x501000), (0x501000, 0x502000))
    objects = [
        ElfObject(linker, None, readable=False),
        ElfObject(file(PROGRAM, (0x110000, 0x112000), is_program=True), headers),
    ]
    found = laws_of(shot, objects, BORDERS._replace(**borders), walk=walk)
    assert len({law.name for law in found}) == len(found)
    return {law.name: law for law in found}


def test_every_law_holds_of_it() -> None:
    """With the figures that can be read off above; page tables and VmSize were not told."""
    expected = {
        "pages-apart": note("mappings", count=9),
        "below-border": note("border", top=0x710000, border=0x710000),
        "page-zero": note("lowest", lowest=0x110000),
        "virt-sum": note("virt", size=None, sum=0x1C000),
        "program-place": note("segments", found=2, segments=2, bias=BIAS),
        "segment-order": note("range", start=0x110000, end=0x114800),
        "program-base": note("first page range", place=0x110000, least=0x110000, most=0x111000),
        "heap-base": note("bss end", end=0x115000, start_brk=0x118000),
        "heap-start": note("first heap", first=0x118000, start_brk=0x118000),
        "mmap-base": note("mmap_base", end=0x503000, least=0x503000, most=0x504000),
        "vdso": note("vdso", at=0x512000, base=0x512000),
        "stack-top": note("stack end", end=0x710000, least=0x710000, most=0x711000),
        "stack-limit": note("stack size", size=0x10000, limit=8 << 20),
        "stack-strings": note("strings", start_stack=0x70F000, arguments=0x70F100, environment=0x70F200),
        "stack-gap": note("gap", gap=0x1ED000),
        "merging": note("pairs", adjoining=3, alike=0),
        "page-tables": note("tables", size=None),
    }
    found = laws(process())
    assert {name: law.figures for name, law in found.items()} == expected
    silent = {"virt-sum", "page-tables"}
    assert {name: law.outcome for name, law in found.items()} == {
        name: NOT_APPLICABLE if name in silent else HOLDS for name in expected
    }
    walks = {"pages-apart", "below-border", "page-zero", "virt-sum", "merging", "page-tables"}
    assert laws(process(), walk=False) == {name: law for name, law in found.items() if name not in walks}


def test_the_gate_is_no_part_of_the_space() -> None:
    """[vsyscall] lies beyond every border."""
    gate = {"gate": (0xFFFF_FFFF_FF60_0000, 0xFFFF_FFFF_FF60_1000, "--xp", b"[vsyscall]", 0)}
    assert laws(process(gate)) == laws(process())


def outcome(name: str, *args: Any, **more: Any) -> Outcome:
    """What comes of one law; the process by its own arguments, the rest by those of ``laws``."""
    own = {key: more.pop(key) for key in ("flags", "stat", "auxv", "stack_limit", "sizes", "counters") if key in more}
    return laws(process(*args, **own), **more)[name].outcome


def at(name: str, start: int, end: int) -> dict[str, tuple[int, int, str, bytes, int]]:
    """A mapping of the process elsewhere."""
    return {name: (start, end, *WHERE[name][2:])}


def test_a_process_without_mappings_has_no_laws() -> None:
    """Nothing to say of a kernel thread."""
    shot, _ = made({"smaps": b""})
    assert laws_of(shot, [], BORDERS, walk=True) == ()


def test_pages_lie_apart() -> None:
    """They may touch, not overlap; and begin and end with a page, where its size is known."""
    assert outcome("pages-apart", at("text", 0x110000, 0x113000)) is HOLDS
    assert outcome("pages-apart", at("text", 0x110000, 0x114000)) is BROKEN
    assert outcome("pages-apart", at("text", 0x110000, 0x111800)) is BROKEN
    assert outcome("pages-apart", at("text", 0x110800, 0x112000)) is BROKEN
    odd = process(at("text", 0x110800, 0x112000))._replace(known_page_size=None)
    assert laws(odd)["pages-apart"].outcome is HOLDS
    assert laws(odd)["pages-apart"].says == "pages-apart-unknown-size"
    assert laws(process())["pages-apart"].says == "pages-apart"


def test_nothing_lies_above_the_border_or_on_page_zero() -> None:
    """To the byte."""
    assert outcome("below-border", task_size=0x710000 - 1) is BROKEN
    assert outcome("page-zero", at("text", 0x1000, 0x2000)) is HOLDS
    assert outcome("page-zero", at("text", 0, 0x2000)) is BROKEN
    assert laws(process(at("text", 0x1000, 0x2000))._replace(known_page_size=8192))["page-zero"].outcome is BROKEN
    assert laws(process(at("text", 0x1000, 0x2000))._replace(known_page_size=None))["page-zero"].outcome is HOLDS


@pytest.mark.parametrize(("size", "expected"), [(0x1C000, HOLDS), (0x1B000, BROKEN), (0x1D000, BROKEN)])
def test_vmsize_is_the_sum(size: int, expected: Outcome) -> None:
    """Of all mappings."""
    found = laws(process(sizes={"VmSize": size}))["virt-sum"]
    assert (found.outcome, found.figures) == (expected, note("virt", size=size, sum=0x1C000))


@pytest.mark.parametrize(
    ("headers", "found", "expected"),
    [
        ((*LOADS, Segment(PT_LOAD, 4, 0, 0x14FFF, 1, 1, 4096)), 3, HOLDS),
        ((*LOADS, Segment(PT_LOAD, 4, 0, 0x15000, 1, 1, 4096)), 2, BROKEN),
        ((*LOADS, Segment(PT_LOAD, 4, 0, 0x12000, 1, 1, 4096)), 2, BROKEN),
        ((Segment(PT_LOAD, 4, 0, 0xF000, 1, 1, 4096), *LOADS), 2, BROKEN),
    ],
)
def test_each_segment_begins_in_a_mapping(headers: tuple[Segment, ...], found: int, expected: Outcome) -> None:
    """At its page."""
    law = laws(process(), headers=image(INTERPRETER, *headers))["program-place"]
    assert (law.outcome, law.figures) == (expected, note("segments", found=found, segments=3, bias=BIAS))


def test_a_program_that_cannot_be_read_has_no_place() -> None:
    """Without headers, or without the entry point that tells how far it was moved."""
    for found in (laws(process(), headers=None), laws(process(auxv={AT_ENTRY: None}))):
        assert (found["program-place"].outcome, found["program-place"].says) == (NOT_APPLICABLE, "program-place-unread")
        assert (found["heap-base"].outcome, found["heap-base"].figures) == (NOT_APPLICABLE, note("heap base unread"))
        assert not {"segment-order", "program-base"} & set(found)


def test_segments_are_in_order() -> None:
    """One may begin where the other ends."""
    first, second = LOADS
    for memsz, expected in ((0x3000, HOLDS), (0x3001, BROKEN)):
        headers = image(INTERPRETER, first._replace(memsz=memsz), second)
        assert outcome("segment-order", headers=headers) is expected


@pytest.mark.parametrize(
    ("borders", "align", "expected"),
    [
        ((0x110000, 0x110000), 4096, HOLDS),
        ((0x111000, 0x112000), 4096, HOLDS),
        ((0x112000, 0x113000), 4096, BROKEN),
        ((0x112000, 0x113000), 8192, HOLDS),
        ((0x111000, 0x113000), 16, HOLDS),
        ((0x100000, 0x10F000), 4096, BROKEN),
    ],
)
def test_where_a_position_independent_program_lies(borders: tuple[int, int], align: int, expected: Outcome) -> None:
    """Its first page, which alignment may take below the base by at most its own size."""
    headers = image(INTERPRETER, LOADS[0]._replace(align=align), LOADS[1])
    assert outcome("program-base", headers=headers, program_base=borders) is expected


def test_where_other_programs_lie() -> None:
    """A fixed one is not moved; of a static one that may be moved, the kernel decides like of a library."""
    fixed = laws(process(), headers=image(INTERPRETER, *LOADS, kind=ET_EXEC))["program-base"]
    assert (fixed.outcome, fixed.says, fixed.figures) == (BROKEN, "program-base-fixed", note("bias", bias=BIAS))
    unmoved = laws(process(auxv={AT_ENTRY: 0x10040}), headers=image(INTERPRETER, *LOADS, kind=ET_EXEC))["program-base"]
    assert (unmoved.outcome, unmoved.figures) == (HOLDS, note("bias", bias=0))
    static = laws(process(), headers=image(*LOADS))["program-base"]
    assert (static.outcome, static.says) == (NOT_APPLICABLE, "program-base-static")
    assert static.figures == note("bias", bias=BIAS)


@pytest.mark.parametrize(
    ("start_brk", "expected"), [(0x114FFF, BROKEN), (0x115000, HOLDS), (0x118000, HOLDS), (0x118001, BROKEN)]
)
def test_where_the_heap_may_begin(start_brk: int, expected: Outcome) -> None:
    """From the end of the last page of the BSS, as far as brk is moved at random."""
    assert outcome("heap-base", stat={"start_brk": start_brk}) is expected


@pytest.mark.parametrize(
    ("start_brk", "expected"), [(0x10FFFF, BROKEN), (0x110000, HOLDS), (0x114010, HOLDS), (0x114011, BROKEN)]
)
def test_where_the_heap_of_a_static_program_may_begin(start_brk: int, expected: Outcome) -> None:
    """Where programs lie: it was moved away from the mapping area (load_elf_binary())."""
    law = laws(process(stat={"start_brk": start_brk}), headers=image(*LOADS), program_base=(0x110010, 0x111010))
    figures = note("start_brk range", start_brk=start_brk, least=0x110000, most=0x114010)
    found = law["heap-base"]
    assert (found.outcome, found.says, found.figures) == (expected, "heap-base-static", figures)


def test_a_fixed_static_program_has_its_heap_behind_its_bss() -> None:
    """Like one with a linker."""
    found = laws(process(auxv={AT_ENTRY: 0x10040}), headers=image(*LOADS, kind=ET_EXEC))["heap-base"]
    assert found.figures == note("bss end", end=0x15000, start_brk=0x118000)


def test_where_the_heap_begins() -> None:
    """The lowest of its mappings is at start_brk."""
    second = {"heap": (0x118000, 0x119000, "rw-p", b"[heap]", 0), "more": (0x119000, 0x11A000, "r--p", b"[heap]", 0)}
    assert outcome("heap-start", second) is HOLDS
    assert outcome("heap-start", at("heap", 0x117000, 0x11A000)) is BROKEN
    none = laws(process({"heap": None}))["heap-start"]
    assert (none.outcome, none.figures) == (NOT_APPLICABLE, note("no brk"))
    unread = laws(process(stat={"start_brk": None}))["heap-start"]
    assert (unread.outcome, unread.figures) == (NOT_APPLICABLE, note("start_brk unread"))


@pytest.mark.parametrize(
    ("borders", "any_limit", "expected", "code"),
    [
        ((0x503000, 0x504000), (0, 1), HOLDS, "mmap_base"),
        ((0x502000, 0x503000), (0, 1), HOLDS, "mmap_base"),
        ((0x503001, 0x504000), (0x503000, 0x504000), NOT_APPLICABLE, "mmap_base, another limit"),
        ((0x502000, 0x502FFF), (0x502000, 0x503000), NOT_APPLICABLE, "mmap_base, another limit"),
        ((0x503001, 0x504000), (0x503001, 0x504000), BROKEN, "mmap_base"),
    ],
)
def test_where_the_mapping_area_begins(
    borders: tuple[int, int], any_limit: tuple[int, int], expected: Outcome, code: str
) -> None:
    """The linker is the first there: it ends, with its BSS, at mmap_base, whatever the limit of the stack was then."""
    found = laws(process(), mmap_base=borders, mmap_base_any_limit=any_limit)["mmap-base"]
    figures = note(code, end=0x503000, least=borders[0], most=borders[1])
    assert (found.outcome, found.says, found.figures) == (expected, "mmap-base", figures)


def test_the_linker_of_the_legacy_layout() -> None:
    """It begins where the mapping area begins, from below."""
    for legacy, says in (((0x500000, 0x501000), "mmap-base-legacy"), ((0x500001, 0x501000), "mmap-base")):
        found = laws(process(), mmap_base=(1, 2), mmap_base_any_limit=(1, 2), legacy_base=legacy)["mmap-base"]
        assert found.says == says
        assert found.outcome is (HOLDS if says == "mmap-base-legacy" else BROKEN)
    assert found.figures == note("mmap_base", end=0x503000, least=1, most=2)
    below = laws(process(), mmap_base=(1, 2), legacy_base=(0x4FF000, 0x500000))["mmap-base"]
    assert below.figures == note("legacy", start=0x500000, least=0x4FF000, most=0x500000)


@pytest.mark.parametrize("base", [None, 0, 0x502000, 0x4FFFFF])
def test_without_a_linker_nothing_is_known_of_the_mapping_area(base: int | None) -> None:
    """AT_BASE says where it lies."""
    found = laws(process(auxv={AT_BASE: base}))["mmap-base"]
    assert (found.outcome, found.figures) == (NOT_APPLICABLE, note("no linker"))
    assert outcome("mmap-base", auxv={AT_BASE: 0x501FFF}) is HOLDS


def test_the_kernels_pages_adjoin() -> None:
    """[vdso] is where the auxiliary vector says, with [vvar] right before or behind it."""
    assert outcome("vdso", at("vvar", 0x50F000, 0x511000)) is BROKEN
    assert outcome("vdso", at("vvar", 0x513000, 0x515000)) is HOLDS
    assert outcome("vdso", auxv={AT_SYSINFO_EHDR: 0x512001}) is BROKEN
    assert outcome("vdso", {"vvar": None}) is HOLDS
    for found in (laws(process(auxv={AT_SYSINFO_EHDR: None})), laws(process({"vdso": None}))):
        assert (found["vdso"].outcome, found["vdso"].figures) == (NOT_APPLICABLE, note("no vdso"))


@pytest.mark.parametrize(
    ("borders", "expected"),
    [((0x710000, 0x710000), HOLDS), ((0x710001, 0x711000), BROKEN), ((0x70F000, 0x70FFFF), BROKEN)],
)
def test_where_the_stack_ends(borders: tuple[int, int], expected: Outcome) -> None:
    """At the top, but for what is drawn."""
    assert outcome("stack-top", stack_end=borders) is expected


def test_a_process_without_a_stack() -> None:
    """Has no laws of it."""
    found = laws(process({"stack": None}))
    assert found["stack-top"].figures == note("no stack")
    assert not {"stack-limit", "stack-strings", "stack-gap"} & set(found)


@pytest.mark.parametrize(
    ("start", "limit", "expected", "code"),
    [
        (0x700000, None, NOT_APPLICABLE, "stack size, no limit"),
        (0x6F0000, 0, HOLDS, "stack size"),
        (0x6EF000, 0, NOT_APPLICABLE, "stack size, lowered limit"),
        (0x6EF000, 0x20000, NOT_APPLICABLE, "stack size, lowered limit"),
        (0x6EF000, 0x21000, HOLDS, "stack size"),
        (0x6EF000, 0x20FFF, NOT_APPLICABLE, "stack size, lowered limit"),
    ],
)
def test_how_large_a_stack_is(start: int, limit: int | None, expected: Outcome, code: str) -> None:
    """Up to its limit, and 128 KiB in any case; above it, the limit was lowered."""
    found = laws(process(at("stack", start, STACK_END), stack_limit=limit))["stack-limit"]
    assert (found.outcome, found.figures) == (expected, note(code, size=STACK_END - start, limit=limit))


def test_a_stack_whose_limit_was_not_read() -> None:
    """Is like one without a limit."""
    found = laws(process()._replace(limits=None))["stack-limit"]
    assert found.figures == note("stack size, no limit", size=0x10000, limit=None)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"startstack": STACK}, HOLDS),
        ({"startstack": 0x70F010}, HOLDS),
        ({"startstack": 0x70F008}, BROKEN),
        ({"startstack": 0x70F100}, HOLDS),
        ({"startstack": 0x70F110}, BROKEN),
        ({"arg_start": 0x70F200}, HOLDS),
        ({"arg_start": 0x70F201}, BROKEN),
        ({"arg_end": 0x70F201}, BROKEN),
        ({"env_start": 0x70FF01}, BROKEN),
        ({"env_end": 0x70FFE0}, HOLDS),
        ({"env_end": 0x70FFE1}, BROKEN),
    ],
)
def test_the_order_of_what_exec_wrote_to_the_stack(changed: dict[str, int], expected: Outcome) -> None:
    """Stack pointer, arguments, environment, name; the stack pointer at a multiple of 16."""
    assert outcome("stack-strings", stat=changed) is expected


@pytest.mark.parametrize(
    ("name", "expected"), [(0x70FF00, HOLDS), (0x70FEFF, BROKEN), (0x70FFF8, HOLDS), (0x70FFF9, BROKEN), (None, HOLDS)]
)
def test_the_name_of_the_program_is_last(name: int | None, expected: Outcome) -> None:
    """But for a word of zeros, of 8 bytes; of 4 in 32 bit."""
    assert outcome("stack-strings", auxv={AT_EXECFN: name}) is expected
    narrow = process(auxv={AT_EXECFN: 0x70FFFC})
    assert laws(narrow._replace(bits=32))["stack-strings"].outcome is HOLDS
    assert laws(narrow)["stack-strings"].outcome is BROKEN
    assert laws(process(auxv={AT_EXECFN: 0x70FFFD})._replace(bits=32))["stack-strings"].outcome is BROKEN


@pytest.mark.parametrize("field", ["startstack", "arg_start", "arg_end", "env_start", "env_end"])
def test_strings_that_are_elsewhere_or_unread(field: str) -> None:
    """A program may move them; where one is not known, nothing is."""
    for place in (STACK - 1, STACK_END + 1):
        moved = laws(process(stat={field: place}))["stack-strings"]
        figures = STAT | {field: place}
        assert moved.outcome is NOT_APPLICABLE
        assert moved.figures == note("strings moved", arguments=figures["arg_start"], environment=figures["env_start"])
    unread = laws(process(stat={field: None}))["stack-strings"]
    assert (unread.outcome, unread.figures) == (NOT_APPLICABLE, note("stat unread"))


def test_without_stat_strings_are_unread() -> None:
    """All of them."""
    assert laws(process()._replace(stat=None))["stack-strings"].figures == note("stat unread")


@pytest.mark.parametrize(
    ("end", "perms", "expected"),
    [
        (0x600000, "r--p", HOLDS),
        (0x601000, "r--p", BROKEN),
        (0x700000, "---p", HOLDS),
        (0x601000, "---s", HOLDS),
    ],
)
def test_the_gap_below_the_stack(end: int, perms: str, expected: Outcome) -> None:
    """256 pages, or what cannot be accessed."""
    found = laws(process({"below": (0x5FE000, end, perms, b"/x", 3)} | at("stack", STACK, STACK_END)))
    assert (found["stack-gap"].outcome, found["stack-gap"].figures) == (expected, note("gap", gap=STACK - end))


def test_a_stack_alone_has_all_below_it() -> None:
    """Down to address 0."""
    alone = dict.fromkeys(WHERE, None) | {"stack": (0x100000, 0x110000, "rw-p", b"[stack]", 0)}
    assert laws(process(alone))["stack-gap"].figures == note("gap", gap=0x100000)
    lower = dict.fromkeys(WHERE, None) | {"stack": (0xFF000, 0x110000, "rw-p", b"[stack]", 0)}
    assert laws(process(lower))["stack-gap"].outcome is BROKEN


@pytest.mark.parametrize(
    ("part", "flags", "start"),
    [
        ((0x6FE000, 0x700000, "r--p", b"", 0), None, 0x6FE000),
        ((0x6FE000, 0x700000, "r--s", b"", 0), None, 0x700000),
        ((0x6FE000, 0x6FF000, "r--p", b"", 0), None, 0x700000),
        ((0x6FE000, 0x700000, "r--p", b"/x", 3), None, 0x700000),
        ((0x6FE000, 0x700000, "r--p", b"[anon:x]", 0), None, 0x700000),
        ((0x6FE000, 0x700000, "r--p", b"", 0), "rd wr mr mw me gd ac", 0x6FE000),
        ((0x6FE000, 0x700000, "r--p", b"", 0), "rd wr mr mw me ac", 0x700000),
    ],
)
def test_what_belongs_to_the_stack(part: tuple[int, int, str, bytes, int], flags: str | None, start: int) -> None:
    """What adjoins and grows down as it does; without flags, any private anonymous memory."""
    rows = {name: row for name, row in WHERE.items() if name != "stack"}
    cut = dict.fromkeys(WHERE, None) | rows | {"part": part, "last": WHERE["stack"]}
    found = laws(process(cut, flags=flags))
    assert found["stack-limit"].figures.figures["size"] == STACK_END - start


def test_parts_above_the_named_one_are_of_the_stack_too() -> None:
    """The kernel names the part alone in which the stack began."""
    above = {"above": (STACK_END, STACK_END + 0x1000, "r--p", b"", 0), "far": (0x712000, 0x713000, "r--p", b"", 0)}
    found = laws(process(above, flags=None))
    assert found["stack-limit"].figures.figures["size"] == 0x11000
    assert found["stack-top"].figures.figures["end"] == STACK_END + 0x1000


LOW, HIGH = (0x200000, 0x201000, "rw-p", b"", 0), (0x201000, 0x202000, "rw-p", b"", 0)


@pytest.mark.parametrize(
    ("low", "high", "flags", "counters", "alike"),
    [
        (LOW, HIGH, "rd wr mr mw me", {}, 1),
        (LOW, (0x202000, 0x203000, "rw-p", b"", 0), "rd wr mr mw me", {}, None),
        (LOW, (*HIGH[:2], "r--p", b"", 0), "rd wr mr mw me", {}, 0),
        (LOW, (*HIGH[:3], b"[anon:x]", 0), "rd wr mr mw me", {}, 0),
        ((*LOW[:3], b"/x", 3), (*HIGH[:3], b"/x", 3), "rd wr mr mw me", {}, 0),
        (LOW, HIGH, "rd wr mr mw me ac", {}, 0),
        (LOW, HIGH, "rd wr mr mw me io", {}, 0),
        (LOW, HIGH, "rd wr mr mw me pf", {}, 0),
        (LOW, HIGH, "rd wr mr mw me mm", {}, 0),
        (LOW, HIGH, "rd wr mr mw me dd", {}, 0),
        (LOW, HIGH, "rd wr mr mw me nr", {}, 0),
        (LOW, HIGH, "rd wr mr mw me", {"low": {"Anonymous": 4}}, 0),
        (LOW, HIGH, "rd wr mr mw me", {"high": {"Anonymous": 4}}, 0),
        ((*LOW[:2], "rw-s", b"", 0), (*HIGH[:2], "rw-s", b"", 0), "rd wr mr mw me nr", {}, 1),
        ((*LOW[:3], b"[vdso]", 0), (*HIGH[:3], b"[vdso]", 0), "rd wr mr mw me", {}, 0),
        (LOW, HIGH, None, {}, 1),
    ],
)
def test_neighbours_that_are_alike(
    low: tuple[int, int, str, bytes, int],
    high: tuple[int, int, str, bytes, int],
    flags: str | None,
    counters: dict[str, dict[str, int]],
    alike: int | None,
) -> None:
    """Never-written anonymous memory would be one mapping; what else keeps two apart is no contradiction."""
    alone = dict.fromkeys(WHERE, None) | {"low": low, "high": high}
    adjoining = 0 if alike is None else 1
    found = laws(process(alone, flags=flags, counters=counters))["merging"]
    assert found.figures == note("pairs", adjoining=adjoining, alike=alike or 0)
    more = {"one": (0x300000, 0x301000, "rw-p", b"", 0), "two": (0x301000, 0x302000, "rw-p", b"", 0)}
    both = laws(process(alone | more, flags=flags, counters=counters, plain=("one", "two")))["merging"]
    assert both.figures == note("pairs", adjoining=adjoining + 1, alike=(alike or 0) + 1)
    assert found.outcome is (NOT_APPLICABLE if flags is None else BROKEN if alike else HOLDS)


MIB, GIB = 1 << 20, 1 << 30
USED = {"Rss": 4}


@pytest.mark.parametrize(
    ("places", "least", "most"),
    [
        ([(2 * MIB, 3 * MIB, 4)], 3, 4),
        ([(4096, MIB, 4)], 3, 4),
        ([(3 * MIB, 4 * MIB, 4)], 3, 4),
        ([(2 * MIB, 4 * MIB, 4)], 1, 4),
        ([(3 * MIB, 5 * MIB, 4)], 1, 5),
        ([(2 * MIB, 3 * MIB, 0)], 1, 4),
        ([(2 * MIB, 3 * MIB, 4), (3 * MIB, 4 * MIB - 4096, 4)], 3, 4),
        ([(2 * MIB, 3 * MIB, 4), (4 * MIB, 5 * MIB, 4)], 4, 5),
        ([(2 * MIB, 3 * MIB, 4), (GIB, GIB + MIB, 4)], 5, 6),
        ([(2 * MIB, 3 * MIB, 4), (512 * GIB, 512 * GIB + MIB, 4)], 5, 7),
    ],
)
def test_how_many_page_tables_there_may_be(places: list[tuple[int, int, int]], least: int, most: int) -> None:
    """Of x86-64: one for each 2 MiB, GiB and 512 GiB in which a page is or may be, and the one above all."""
    rows = {f"at{number}": (start, end, "r--p", b"/x", 3 + number) for number, (start, end, _) in enumerate(places)}
    counters = {f"at{number}": {"Rss": rss} for number, (_, _, rss) in enumerate(places)}
    for size, expected in ((least, HOLDS), (least - 1, BROKEN), (most, HOLDS), (most + 1, BROKEN)):
        shot = process(dict.fromkeys(WHERE, None) | rows, counters=counters, sizes={"VmPTE": size * 4096})
        found = laws(shot)["page-tables"]
        assert found.figures == note("tables range", size=size * 4096, least_kib=4 * least, most_kib=4 * most)
        assert found.outcome is expected
    unknown = laws(shot._replace(machine=shot.machine._replace(machine="riscv64")))["page-tables"]
    assert (unknown.outcome, unknown.figures) == (NOT_APPLICABLE, note("tables", size=(most + 1) * 4096))


def test_what_seems_broken_of_a_moving_process_is_undecided() -> None:
    """And says that it moved; what holds, holds."""
    shot = process(sizes={"VmSize": 4096})._replace(unstable=note("ended"))
    found = laws(shot)
    assert (found["virt-sum"].outcome, found["virt-sum"].moved) == (NOT_APPLICABLE, True)
    assert (found["vdso"].outcome, found["vdso"].moved) == (HOLDS, False)
    assert (found["page-tables"].outcome, found["page-tables"].moved) == (NOT_APPLICABLE, False)


def test_mappings_out_of_order_are_put_in_order() -> None:
    """Those of a process that remaps while it is read."""
    turned = dict(reversed(WHERE.items()))
    shot = process(dict.fromkeys(WHERE, None) | {f"{name} again": row for name, row in turned.items()})
    assert {name: law.outcome for name, law in laws(shot).items() if law.outcome is BROKEN} == {}
    assert laws(shot)["stack-gap"].figures == note("gap", gap=0x1ED000)
