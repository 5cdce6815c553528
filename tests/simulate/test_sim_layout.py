"""Layouts of kernels that do not run here: every figure worked out by hand from the formulas."""

import pytest

from procmem.model.elf import EM_X86_64, ET_DYN, ET_EXEC, PT_LOAD, ElfImage, Segment
from procmem.model.program_files import ProgramFiles, ProgramObject
from procmem.model.reports.crosscheck import RealSpace
from procmem.model.simulation import PAGE, Draws, KernelKind, Settings, SimSpace, Stage, VmBit
from procmem.parse.elf import read_image
from procmem.simulate.arch.i386_kernel_half import Preset, kernel_half
from procmem.simulate.arch.layout import layout_for
from procmem.simulate.kernel.aslr import drawn_within
from procmem.simulate.kernel.events import Map
from procmem.simulate.kernel.machine import step
from procmem.simulate.kernel.versions import table_facts
from procmem.simulate.programs.predict import fit_draws, predict
from tests.support.simulated_elf_bytes import Load, elf32

MIB = 1 << 20
X86_64 = KernelKind.X86_64
NATIVE = Settings(kernel=KernelKind.NATIVE, facts=table_facts(KernelKind.NATIVE))
R, W, X = 4, 2, 1
TEXT = Load(0x8048000, 0x1000, 0x1000, R | X, offset=0)


class Bytes:
    """A file held in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read_at(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


def image(loads: list[Load], *, pie: bool = False, gnu_stack: int | None = R | W) -> ElfImage:
    return read_image(Bytes(elf32(loads, pie=pie, gnu_stack=gnu_stack)))


def program(loads: list[Load], *, pie: bool = False, linker: ElfImage | None = None) -> ProgramFiles:
    interpreter = ProgramObject(b"/lib/ld", b"/lib/ld", linker) if linker is not None else None
    made = ProgramObject(b"./a.out", b"/a.out", image(loads, pie=pie), interpreter=b"/lib/ld" if linker else None)
    return ProgramFiles(made, interpreter)


def shown(files: ProgramFiles, settings: Settings) -> list[tuple[int, int, str, bytes]]:
    prediction = predict(files, settings, Stage.EXEC)
    assert prediction.failure is None
    return [(vma.start, vma.end, vma.perms, vma.name) for vma in prediction.vmas]


LINKER = image([Load(0, 0x34000, 0x34000, R, offset=0), Load(0x34000, 0x800, 0x1000, R | W)], pie=True)


def test_a_fixed_program_on_a_native_kernel() -> None:
    """Text and data at their own addresses; the BSS that ends at start_brk is called [heap] by a 6.1 kernel."""
    files = program([TEXT, Load(0x8049123, 0x300, 0x12345, R | W)])
    assert shown(files, NATIVE) == [
        (0x08048000, 0x08049000, "r-xp", b"/a.out"),
        (0x08049000, 0x0804A000, "rw-p", b"/a.out"),
        (0x0804A000, 0x0805C000, "rw-p", b"[heap]"),
        (0xB7FFA000, 0xB7FFE000, "r--p", b"[vvar]"),
        (0xB7FFE000, 0xB8000000, "r-xp", b"[vdso]"),
        (0xBFFDF000, 0xC0000000, "rw-p", b"[stack]"),
    ]
    space = predict(files, NATIVE, Stage.EXEC).space
    assert space is not None
    # 0xc0000000 - 4 - 8 (path) - 8 (argument) = 0xbfffffec; to 16: ..e0; - 5 - 16 = ..cb; - 8*22 - 4*4, to 16
    assert space.registers.esp == 0xBFFFFF00
    assert (space.start_brk, space.arg_start, space.arg_end) == (0x0805C000, 0xBFFFFFEC, 0xBFFFFFF4)


def test_an_interpreter_without_a_segment_is_refused() -> None:
    """Its headers may be damaged, or the file is no program at all."""
    empty = LINKER._replace(segments=tuple(segment for segment in LINKER.segments if segment.type != PT_LOAD))
    assert not empty.loads
    prediction = predict(program([TEXT], linker=empty), NATIVE, Stage.EXEC)
    assert prediction.failure is not None
    assert prediction.failure.code == "exec-no-load"


def test_a_pie_on_a_native_kernel_lies_at_four_megabytes() -> None:
    """The interpreter ends at mmap_base, the vdso lies below it, the program at 0x00400000."""
    files = program([Load(0, 0x1000, 0x1000, R | X, offset=0)], pie=True, linker=LINKER)
    assert shown(files, NATIVE)[:5] == [
        (0x00400000, 0x00401000, "r-xp", b"/a.out"),
        (0xB7FC5000, 0xB7FC9000, "r--p", b"[vvar]"),
        (0xB7FC9000, 0xB7FCB000, "r-xp", b"[vdso]"),
        (0xB7FCB000, 0xB7FFF000, "r--p", b"/lib/ld"),
        (0xB7FFF000, 0xB8000000, "rw-p", b"/lib/ld"),
    ]


def test_the_kernel_fills_the_hole_in_an_interpreter() -> None:
    """Between an interpreter's segments the rest of its span is unmapped again, and the vdso finds room there."""
    holed = image([Load(0, 0x1000, 0x1000, R, offset=0), Load(0x34000, 0x800, 0x1000, R | W)], pie=True)
    files = program([Load(0, 0x1000, 0x1000, R | X, offset=0)], pie=True, linker=holed)
    assert shown(files, NATIVE)[1:5] == [
        (0xB7FCB000, 0xB7FCC000, "r--p", b"/lib/ld"),
        (0xB7FF9000, 0xB7FFD000, "r--p", b"[vvar]"),
        (0xB7FFD000, 0xB7FFF000, "r-xp", b"[vdso]"),
        (0xB7FFF000, 0xB8000000, "rw-p", b"/lib/ld"),
    ]


def test_a_static_pie_has_its_heap_at_the_pie_base() -> None:
    """It loads itself into the mapping area, so its heap is moved out of it, drawn or not."""
    files = program([Load(0, 0x1000, 0x1000, R | X, offset=0)], pie=True)
    for kind, base in ((KernelKind.NATIVE, 0x00400000), (KernelKind.COMPAT, 0x41000000)):
        space = predict(files, Settings(kernel=kind, facts=table_facts(kind)), Stage.EXEC).space
        assert space is not None
        assert space.start_brk == base
        assert space.program_bias == 0xB7FFF000


@pytest.mark.parametrize(
    ("settings", "task_size", "legacy", "pie", "top"),
    [
        (NATIVE, 0xC0000000, 0x40000000, 0x00400000, 0xB8000000),
        (Settings(), 0xC0000000, 0x40000000, 0x41000000, 0xB8000000),
        (Settings(limit_3gb=False), 0xFFFFE000, 0x55555000, 0x56555000, 0xF7FFE000),
    ],
)
def test_the_borders_of_each_kernel(settings: Settings, task_size: int, legacy: int, pie: int, top: int) -> None:
    """TASK_SIZE, a third of it, the PIE base, and 128 MB below the top."""
    layout = layout_for(settings, read_implies_exec=False)
    assert (layout.task_size, layout.legacy_base, layout.program_base, layout.mmap_base) == (
        task_size,
        legacy,
        pie,
        top,
    )


@pytest.mark.parametrize(
    ("limit", "randomize", "base"),
    [
        (64 << 10, 0, 0xB8000000),
        (127 * MIB, 0, 0xB8000000),
        (128 * MIB, 0, 0xB7F00000),
        (200 * MIB, 0, 0xB3700000),
        (119 * MIB, 2, 0xB8000000),
        (120 * MIB, 2, 0xB7F01000),
        (3 << 30, 0, 0x20000000),
        (None, 0, 0x20000000),
    ],
)
def test_the_stack_limit_moves_the_mapping_area(limit: int | None, randomize: int, base: int) -> None:
    """The gap is the limit and a pad, at least 128 MB, at most five sixths; unlimited is no legacy layout."""
    for kind in (KernelKind.NATIVE, KernelKind.COMPAT):
        settings = Settings(kernel=kind, stack_limit=limit, randomize=randomize)
        layout = layout_for(settings, read_implies_exec=False)
        assert layout.mmap_base == base
        assert layout.top_down


@pytest.mark.parametrize(
    ("limit", "randomize", "base"),
    [
        (8 * MIB, 0, 0x7FFF_F7FF_F000),
        (127 * MIB, 0, 0x7FFF_F7FF_F000),
        (200 * MIB, 0, 0x7FFF_F36F_F000),
        (8 * MIB, 2, 0x7FFB_FF70_0000),
        (None, 0, 0x1555_5555_6000),
        (100 << 40, 0, 0x1BFF_FFEF_F000),
    ],
)
def test_the_stack_limit_moves_the_mapping_area_of_64_bit_programs(
    limit: int | None, randomize: int, base: int
) -> None:
    """With randomisation 16 GB are kept for the stack's own draw; 100 TB are below five sixths."""
    layout = layout_for(Settings(kernel=X86_64, stack_limit=limit, randomize=randomize), read_implies_exec=True)
    assert layout.mmap_base == base
    assert not layout.read_implies_exec


def test_the_borders_of_a_64_bit_program() -> None:
    """One page below 2^47, a third of it, two thirds of it, which is no whole page."""
    layout = layout_for(Settings(kernel=X86_64, limit_3gb=True), read_implies_exec=False)
    assert layout.task_size == 0x7FFF_FFFF_F000
    assert layout.legacy_base == 0x2AAA_AAAA_B000
    assert layout.program_base == 0x5555_5555_4AAA
    assert layout.min_address == PAGE


def _free(space: SimSpace, event: Map) -> int:
    return step(space, event).registers.eax


def test_large_mappings_of_64_bit_programs_lie_at_borders_of_huge_pages() -> None:
    """Anonymous memory of whole huge pages; files by their offset, where the file system asks for it."""
    top = 0x7FFF_F7FF_F000
    space = SimSpace(layout_for(Settings(kernel=X86_64), read_implies_exec=False))
    assert _free(space, Map(4 * MIB)) == 0x7FFF_F7A0_0000
    assert _free(space, Map(4 * MIB + PAGE)) == top - 4 * MIB - PAGE
    assert _free(space, Map(4 * MIB, flags=VmBit.SHARED)) == top - 4 * MIB
    file = Map(3 * MIB, name=b"/f", huge=True)
    assert _free(space, file) == 0x7FFF_F7C0_0000
    assert _free(space, file._replace(huge=False)) == top - 3 * MIB
    # with this offset no whole huge page is inside
    assert _free(space, file._replace(length=3 * MIB - 2 * PAGE, offset=MIB + PAGE)) == top - 3 * MIB + 2 * PAGE
    assert _free(space, file._replace(offset=MIB)) % (2 * MIB) == MIB
    # a hint for anonymous memory is taken; for a file only where there is room for one huge page more
    assert _free(space, Map(4 * MIB, address=0x1000_1000)) == 0x1000_1000
    assert _free(space, file._replace(address=0x1000_1000)) == 0x1000_1000
    below = step(space, Map(PAGE, address=0x1000_1000 + 3 * MIB, fixed=True))
    assert _free(below, file._replace(address=0x1000_1000)) == 0x7FFF_F7C0_0000
    # where the search already ends at a border, it lies one huge page higher
    assert _free(space, Map(2 * MIB - PAGE)) == top - 2 * MIB + PAGE


def test_legacy_layout_aligns_upwards() -> None:
    """Bottom-up the next border above is taken."""
    space = SimSpace(layout_for(Settings(kernel=X86_64, legacy=True), read_implies_exec=False))
    assert _free(space, Map(2 * MIB)) == 0x2AAA_AAC0_0000
    assert _free(space, Map(MIB)) == 0x2AAA_AAAA_B000


def test_32_bit_programs_are_not_aligned() -> None:
    """The kernel leaves them alone."""
    space = SimSpace(layout_for(Settings(), read_implies_exec=False))
    assert _free(space, Map(4 * MIB)) == 0xB800_0000 - 4 * MIB


def _program_64(first: int, *, align: int = PAGE, interpreter: bool = True, kind: int = ET_DYN) -> ProgramFiles:
    loads = (
        Segment(PT_LOAD, R | X, 0, first, 0x1000, 0x1000, align),
        Segment(PT_LOAD, R | W, 0x1000, first + 0x1000, 0x800, 0x2800, align),
    )
    made = ElfImage(64, True, kind, EM_X86_64, first + 0x100, 64, 0, 0, 0, 0, loads)
    linker = ProgramObject(b"/lib/ld", b"/lib/ld", made._replace(segments=LINKER_64)) if interpreter else None
    return ProgramFiles(ProgramObject(b"./a.out", b"/a.out", made, interpreter=b"/lib/ld" if linker else None), linker)


LINKER_64 = (
    Segment(PT_LOAD, R, 0, 0, 0x34000, 0x34000, PAGE),
    Segment(PT_LOAD, R | W, 0x34000, 0x34000, 0x800, 0x1000, PAGE),
)
X64 = Settings(kernel=X86_64, facts=table_facts(X86_64))


def test_a_position_independent_64_bit_program() -> None:
    """At two thirds of user space, rounded down; its first address is taken off; the gate is the last line."""
    for first in (0, 0x20_0000):
        lines = shown(_program_64(first), X64)
        assert lines == [
            (0x5555_5555_4000, 0x5555_5555_5000, "r-xp", b"/a.out"),
            (0x5555_5555_5000, 0x5555_5555_6000, "rw-p", b"/a.out"),
            (0x5555_5555_6000, 0x5555_5555_8000, "rw-p", b""),
            (0x7FFF_F7FC_2000, 0x7FFF_F7FC_6000, "r--p", b"[vvar]"),
            (0x7FFF_F7FC_6000, 0x7FFF_F7FC_8000, "r--p", b"[vvar_vclock]"),
            (0x7FFF_F7FC_8000, 0x7FFF_F7FC_A000, "r-xp", b"[vdso]"),
            (0x7FFF_F7FC_A000, 0x7FFF_F7FF_E000, "r--p", b"/lib/ld"),
            (0x7FFF_F7FF_E000, 0x7FFF_F7FF_F000, "rw-p", b"/lib/ld"),
            (0x7FFF_FFFD_E000, 0x7FFF_FFFF_F000, "rw-p", b"[stack]"),
            (0xFFFF_FFFF_FF60_0000, 0xFFFF_FFFF_FF60_1000, "--xp", b"[vsyscall]"),
        ]


def test_the_stack_pointer_of_a_64_bit_program() -> None:
    """Eight bytes at the top, strings, sixteen bytes, platform, pairs of sixteen bytes, pointers of eight."""
    space = predict(_program_64(0), X64, Stage.EXEC).space
    assert space is not None
    place = 0x7FFF_FFFF_F000 - 8 - len("./a.out") - 1 - len("./a.out") - 1
    expected = ((place & ~15) - 7 - 16 - 16 * 23 - 8 * (1 + 1 + 0 + 1 + 1)) & ~15
    assert space.registers.esp == expected


def test_heaps_of_64_bit_programs() -> None:
    """Behind the BSS; of a program that loads itself above the place where others lie."""
    for files, start in (
        (_program_64(0), 0x5555_5555_8000),
        (_program_64(0, interpreter=False), 0x5555_5555_5000),
        (_program_64(0x40_0000, kind=ET_EXEC), 0x40_4000),
    ):
        space = predict(files, X64, Stage.EXEC).space
        assert space is not None
        assert space.start_brk == start


def test_draws_of_a_64_bit_program_are_read_off_its_map() -> None:
    """Each base by its own value; an alignment of 1 GB hides the low bits of the program's."""
    draws = Draws(mmap=0x1234567, program=0x7654321, stack=0x23456, brk=0x2345, esp_bytes=0x110)
    for align in (PAGE, 1 << 30):
        files = _program_64(0, align=align)
        real = predict(files, X64._replace(randomize=2, draws=draws), Stage.EXEC)
        assert real.space is not None
        lines = tuple((vma.start, vma.end, vma.perms, vma.offset, vma.name) for vma in real.vmas)
        seen = RealSpace(Stage.EXEC, lines, real.space.registers.esp, real.space.start_brk)
        found = fit_draws(files, X64._replace(randomize=2), seen)
        again = predict(files, X64._replace(randomize=2, draws=found), Stage.EXEC)
        assert again.vmas == real.vmas
        assert found.mmap == draws.mmap
        assert found.stack == draws.stack
        assert all(drawn_within(found, X64._replace(randomize=2)).values())


def test_a_program_of_the_other_word_size_is_refused() -> None:
    """A kernel is asked for programs of one sort."""
    wrong = predict(_program_64(0), Settings(), Stage.EXEC)
    assert wrong.failure is not None
    assert wrong.failure.code == "exec-not-x86"


def test_draws_move_each_base_by_pages() -> None:
    """The mapping area goes down (legacy: up), the program up, the stack down, the heap up after one page."""
    files = program([Load(0, 0x1000, 0x1000, R | X, offset=0)], pie=True, linker=LINKER)
    draws = Draws(mmap=3, program=5, stack=7, brk=11, esp_bytes=100)
    space = predict(files, Settings(randomize=2, draws=draws), Stage.EXEC).space
    still = predict(files, Settings(), Stage.EXEC).space
    assert space is not None
    assert still is not None
    assert space.layout.mmap_base == still.layout.mmap_base - 0x3000
    assert space.program_bias == still.program_bias + 0x5000
    assert space.vmas[-1].end == 0xC0000000 - 0x7000
    assert space.start_brk == still.start_brk + 0x5000 + 0x1000 + 0xB000
    # 100 bytes and then down to 16: from a place that ended in 0xec, 112 less than the undrawn one
    assert space.registers.esp == still.registers.esp - 0x7000 - 0x60
    legacy = predict(files, Settings(randomize=2, draws=draws, legacy=True), Stage.EXEC).space
    assert legacy is not None
    assert legacy.layout.legacy_base == 0x40003000
    value_one = predict(files, Settings(randomize=1, draws=draws), Stage.EXEC).space
    assert value_one is not None
    assert value_one.start_brk == still.start_brk + 0x5000


@pytest.mark.parametrize(
    ("pae", "high_memory", "vmalloc_start", "vmalloc_end", "kmap", "ldt"),
    [
        (False, 0xF6BFE000, 0xF73FE000, 0xFEBFE000, 0xFEC00000, 0xFF000000),
        (True, 0xF6FFE000, 0xF77FE000, 0xFEFFE000, 0xFF000000, 0xFF200000),
    ],
)
def test_the_kernels_gigabyte_of_a_real_kernel(
    pae: bool, high_memory: int, vmalloc_start: int, vmalloc_end: int, kmap: int, ldt: int
) -> None:
    """Figures of 6.1 kernels with 2 GB of RAM: 2-level and PAE."""
    areas = {area.name: area for area in kernel_half(Preset.LINUX_6_1, pae=pae)}
    assert areas["direct map"].start == 0xC0000000
    assert areas["direct map"].end == high_memory
    assert (areas["vmalloc"].start, areas["vmalloc"].end) == (vmalloc_start, vmalloc_end)
    assert vmalloc_end - vmalloc_start == 122880 * 1024
    assert (areas["kmap"].start, areas["LDT"].start) == (kmap, ldt)


def test_the_kernels_gigabyte_of_the_textbook() -> None:
    """896 MB of straight map, then the 8 MB hole; with less RAM the map is as long as that."""
    areas = {area.name: area for area in kernel_half(Preset.CLASSIC)}
    assert areas["direct map"].end == 0xF8000000
    assert areas["vmalloc"].start == 0xF8800000
    small = kernel_half(Preset.CLASSIC, ram=256 * MIB)
    assert small[0].end == 0xD0000000
    for preset in Preset:
        for low, high in zip(kernel_half(preset), kernel_half(preset)[1:], strict=False):
            assert low.start < low.end <= high.start
        assert kernel_half(preset)[-1].end == 1 << 32
