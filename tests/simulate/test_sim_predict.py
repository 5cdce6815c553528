"""The predictor knows files and settings, nothing else; and it says how far it may be trusted."""

import ast
import builtins
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import procmem.simulate
from procmem.analyse.crosscheck import still_there
from procmem.model.program_files import Lookup, Needed, ProcessorNames, ProgramFiles, ProgramObject
from procmem.model.reports.crosscheck import RealSpace
from procmem.model.simulation import Base, Draws, Exactness, Settings, SimVma, Stage
from procmem.queries import crosscheck_program
from procmem.simulate.kernel.aslr import drawn_within
from procmem.simulate.libc.loader_malloc import SmallBlocks
from procmem.simulate.libc.loader_symbols import unique_tables
from procmem.simulate.programs import textbook
from procmem.simulate.programs.predict import fit_draws, predict, start
from procmem.simulate.script.run import BadScript, parse_script, run_script
from procmem.sources import program_files as program_source
from procmem.text.simulate import note_text, outcome_text
from tests.simulate.test_sim_layout import LINKER, image, program
from tests.support.simulated_elf_bytes import Load

R, W, X = 4, 2, 1
ROOM = Path(procmem.simulate.__file__).parent
HARMLESS = {"collections", "enum", "fractions", "itertools", "math", "random", "typing", "procmem"}


def test_the_simulator_can_reach_no_process() -> None:
    """Nothing in the room imports a module by which a file, a process or a clock could be read, or opens one."""
    for path in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.split(".")[0] for name in names} <= HARMLESS, path
            assert not any(name.startswith(("procmem.sources", "procmem.parse")) for name in names), path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"open", "eval", "exec", "__import__"}, path


def test_a_prediction_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every way to open a file shut, every stage is predicted all the same."""
    files = textbook.files()
    before = [predict(files, Settings(randomize=2), stage) for stage in Stage]

    def shut(*_given: object, **_named: object) -> object:
        raise AssertionError("a prediction opened something")

    for place, name in ((builtins, "open"), (os, "open"), (os, "stat"), (os, "listdir"), (os, "readlink")):
        monkeypatch.setattr(place, name, shut)
    after = [predict(files, Settings(randomize=2), stage) for stage in Stage]
    monkeypatch.undo()
    assert before == after


def test_finding_a_programs_files_reads_nothing_of_any_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The finder opens the program, its libraries and the linker's cache; never anything below /proc."""
    opened: list[str] = []
    real_open = os.open

    def watched(path: str | bytes, *rest: int, **named: int) -> int:
        opened.append(os.fsdecode(path))
        return real_open(path, *rest, **named)

    target = tmp_path / "program"
    target.write_bytes(b"x")
    monkeypatch.setattr(os, "open", watched)
    found = ProgramObject(b"", os.fsencode(target), image([Load(0x8048000, 0x1000, 0x1000, R | X, offset=0)]))
    program_source.find_program(
        os.fsencode(target),
        (b"LD_LIBRARY_PATH=/tmp",),
        program_source.Parsers(lambda _opened: found, lambda _data: (), lambda _cpuinfo, _machine: ProcessorNames()),
    )
    monkeypatch.undo()
    assert opened
    # of ourselves: what was looked at before is opened again, and its file system is told
    own = ("/proc/self/fd/", "/proc/self/fdinfo/", "/proc/self/mountinfo")
    others = [path for path in opened if not path.startswith(own)]
    assert not [path for path in others if os.path.realpath(path).startswith("/proc")]


def test_everything_is_predicted_before_anything_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cross-check has all its predictions when the program is started."""
    events: list[str] = []

    def predicting(*given: object) -> object:
        events.append("predict")
        return predict(*given)  # type: ignore[arg-type]

    class Started(Exception):
        pass

    def starting(_how: object) -> object:
        events.append("start")
        raise Started

    monkeypatch.setattr(crosscheck_program, "predict", predicting)
    monkeypatch.setattr(crosscheck_program, "Tracee", starting)
    with pytest.raises(Started):
        crosscheck_program.crosscheck(textbook.files(), Settings(), tuple(Stage))
    assert events == ["predict", "predict", "predict", "start"]


def test_without_randomisation_everything_is_exact_and_with_it_what_moves_is_in_a_range() -> None:
    """The fixed program stays exact; the mapping area and the stack are drawn."""
    assert {vma.status for vma in predict(textbook.files(), Settings(), Stage.MAIN).vmas} == {Exactness.EXACT}
    drawn = predict(textbook.files(), Settings(randomize=2), Stage.MAIN)
    for vma in drawn.vmas:
        assert (vma.status is Exactness.EXACT) == (vma.base is Base.FIXED)
    assert {wanted.base: wanted.values for wanted in drawn.ranges} == {Base.MMAP: 256, Base.STACK: 2050, Base.BRK: 8192}
    assert not drawn.fitted
    assert predict(textbook.files(), Settings(randomize=2, draws=Draws(mmap=4)), Stage.MAIN).fitted


def test_a_c_library_not_measured_is_known_in_shape_only() -> None:
    """What the kernel did is exact; what an unknown glibc mapped is not called so."""
    files = textbook.files()._replace(libc_version="2.99")
    prediction = predict(files, Settings(), Stage.ENTRY)
    exact = {vma.name for vma in prediction.vmas if vma.status is Exactness.EXACT}
    shape = {vma.name for vma in prediction.vmas if vma.status is Exactness.SHAPE}
    assert b"/lib/libc.so.6" in shape
    assert {b"/usr/bin/textbook", b"/lib/ld-linux.so.2", b"[vdso]", b"[stack]"} <= exact
    assert "2.99" in note_text(prediction.notes[0])


def test_a_constructor_that_calls_malloc_is_said() -> None:
    """With libstdc++ a heap is there before main; its lines are shape only, and a note tells why."""
    files = textbook.files()
    plus = files.libraries[0]._replace(
        soname=b"libstdc++.so.6", real=b"/lib/libstdc++.so.6", needed=(), needed_names=()
    )
    needed = Needed(b"libstdc++.so.6", Lookup.CACHE, 1, plus.real, cache_used=True)
    root = files.program._replace(needed=(*files.program.needed, needed))
    files = files._replace(program=root, libraries=(*files.libraries, plus))
    heap = next(vma for vma in predict(files, Settings(), Stage.ENTRY).vmas if vma.name == b"[heap]")
    assert heap.status is Exactness.SHAPE
    assert predict(files, Settings(), Stage.ENTRY).notes


def test_an_allocators_pools_are_there_before_main_in_shape() -> None:
    """What jemalloc begins with is one line of eight megabytes; it asks glibc's malloc for nothing."""
    files = textbook.files()
    pool = files.libraries[0]._replace(soname=b"libjemalloc.so.2", real=b"/lib/libjemalloc.so.2", needed=())
    needed = Needed(b"libjemalloc.so.2", Lookup.CACHE, 1, pool.real, cache_used=True)
    root = files.program._replace(needed=(*files.program.needed, needed))
    files = files._replace(program=root, libraries=(*files.libraries, pool))
    prediction = predict(files, Settings(), Stage.ENTRY)
    (pools,) = [vma for vma in prediction.vmas if not vma.name and vma.size >= 8 << 20]
    assert (pools.status, pools.perms) == (Exactness.SHAPE, "rw-p")
    assert not any(vma.name == b"[heap]" for vma in prediction.vmas)


def test_a_library_that_is_missing_ends_the_program_before_its_entry() -> None:
    """At exec all is well; the dynamic linker gives up."""
    files = textbook.files()._replace(missing=b"libgone.so")
    assert predict(files, Settings(), Stage.EXEC).failure is None
    assert "libgone.so" in str(predict(files, Settings(), Stage.ENTRY).failure)


@pytest.mark.parametrize(
    ("align", "limit_3gb", "places"),
    [(0x1000, True, 256), (0x10000, True, 16), (1 << 21, True, 1), (1 << 21, False, 2)],
)
def test_a_large_alignment_eats_the_randomness_of_a_pie(align: int, limit_3gb: bool, places: int) -> None:
    """The lower bits of the draw are cut off."""
    files = program([Load(0, 0x1000, 0x1000, R | X, align, offset=0)], pie=True, linker=LINKER)
    drawn = predict(files, Settings(randomize=2, limit_3gb=limit_3gb), Stage.EXEC)
    assert next(wanted.values for wanted in drawn.ranges if wanted.base is Base.PROGRAM) == places


_DRAWS = st.builds(
    Draws,
    mmap=st.integers(0, 255),
    program=st.integers(0, 255),
    stack=st.integers(0, 2047),
    brk=st.integers(0, 8191),
    esp_bytes=st.integers(0, 8191),
)


@settings(max_examples=60, deadline=None)
@given(_DRAWS, st.sampled_from([0x1000, 0x20000, 1 << 21]), st.booleans(), st.booleans(), st.booleans())
def test_drawn_values_are_read_back(drawn: Draws, align: int, dynamic: bool, legacy: bool, limit_3gb: bool) -> None:
    """A map made with drawn values gives values that explain every line of it, all of which can be drawn."""
    loads = [Load(0, 0x1000, 0x1000, R | X, align, offset=0), Load(0x40123, 0x300, 0x2345, R | W)]
    files = program(loads, pie=True, linker=LINKER if dynamic else None)
    base = Settings(randomize=2, legacy=legacy, limit_3gb=limit_3gb)
    made = predict(files, base._replace(draws=drawn), Stage.EXEC)
    assert made.space is not None
    lines = tuple((vma.start, vma.end, vma.perms, vma.offset, vma.name) for vma in made.vmas)
    real = RealSpace(Stage.EXEC, lines, made.space.registers.esp, made.space.start_brk)
    found = fit_draws(files, base, real)
    again = predict(files, base._replace(draws=found), Stage.EXEC)
    assert again.space is not None
    assert [vma[:5] for vma in again.vmas] == [vma[:5] for vma in made.vmas]
    assert again.space.registers.esp == made.space.registers.esp
    assert again.space.start_brk == made.space.start_brk
    assert all(drawn_within(found, base).values())


def test_the_table_of_unique_symbols_grows_at_three_quarters() -> None:
    """31 slots, then 61 for the 24th symbol, 127 for the 46th or so; sixteen bytes each."""
    assert list(unique_tables(0, 16)) == []
    assert list(unique_tables(1, 16)) == [31 * 16]
    assert list(unique_tables(24, 16)) == [31 * 16]
    assert list(unique_tables(25, 16)) == [31 * 16, 61 * 16]
    assert list(unique_tables(82, 16)) == [31 * 16, 61 * 16, 127 * 16]


def test_the_textbook_program_has_the_areas_of_the_theory() -> None:
    """Text at 0x08048000, data and BSS behind it, the heap where the BSS ends, the stack below 3 GiB."""
    prediction = predict(textbook.files(), Settings(), Stage.EXEC)
    assert [vma[:3] for vma in prediction.vmas[:3]] == [
        (0x08048000, 0x08070000, "r-xp"),
        (0x08070000, 0x08075000, "rw-p"),
        (0x08075000, 0x080C0000, "rw-p"),
    ]
    assert prediction.space is not None
    assert prediction.space.start_brk == 0x080C0000
    assert prediction.vmas[-1].end == 0xC0000000


def _outcomes(text: str, files: ProgramFiles | None = None) -> list[str]:
    running = start(files or textbook.files(), Settings(), Stage.MAIN)
    return [outcome_text(moment.outcome) for moment in run_script(running, parse_script(text), cpus=2)]


def test_a_script_tells_what_each_step_gave_back() -> None:
    """Addresses as malloc and mmap give them (a page fits in the hole of the linker's cache), faults in words."""
    assert _outcomes("malloc a 100\nmmap m 4096 r--\nthread 8K\nfork # twins\ntouch m\nmalloc b 1") == [
        "= 0x080c01a0",
        "= 0xb7fca000",
        "failed (error 22)",
        "the child's map is the same; pages are copied when one of the two writes",
        "SIGSEGV",
        "nothing: its process has ended",
    ]
    assert _outcomes("recurse 100M") == ["SIGSEGV: beyond the stack limit or the guard gap"]


@pytest.mark.parametrize(
    "text", ["jump", "malloc a", "malloc a lots", "free a", "mmap a 4K rw", "thread colour=red", "malloc a -5", "touch"]
)
def test_a_script_that_makes_no_sense_is_refused_with_its_line(text: str) -> None:
    """The line number is in the message."""
    with pytest.raises(BadScript, match="line 2"):
        _outcomes(f"fork\n{text}")


def test_a_freed_block_of_64_kib_joins_the_small_ones() -> None:
    """Freeing less than 64 KiB leaves chunks in fast bins alone; freeing more joins them with their neighbours."""
    for size, joined in ((65_536 - 32, False), (65_536, True)):
        malloc = start(textbook.files(), Settings(), Stage.MAIN).malloc
        blocks = [malloc.allocate(40) for _block in range(12)]
        large = malloc.allocate(size)
        malloc.allocate(40)
        assert large is not None
        for block in blocks:
            assert block is not None
            malloc.free(block)
        malloc.free(large)
        # five small chunks besides the seven that the thread keeps for itself: 5 * 48 bytes, or 48 alone
        found = malloc.allocate(200)
        assert (found == blocks[7]) is joined


def test_only_chunks_of_64_bytes_wait_in_fast_bins() -> None:
    """A chunk of 80 bytes joins its free neighbours at once."""
    malloc = start(textbook.files(), Settings(), Stage.MAIN).malloc
    blocks = [malloc.allocate(72) for _block in range(12)]
    malloc.allocate(40)
    for block in blocks:
        assert block is not None
        malloc.free(block)
    assert malloc.allocate(200) == blocks[7]


@pytest.mark.parametrize(
    ("version", "first", "record", "tls", "objects"),
    [
        ("2.31", [757, 629, 16, 87, 12, 120], 638, 2948, []),
        ("2.36", [785, 785, 0, 87, 12, 120], 666, 2948, [60]),
        ("2.41", [777, 777, 0, 8, 12, 80], 658, 3012, [60]),
    ],
)
def test_the_linkers_requests_are_those_that_were_counted(
    version: str, first: list[int], record: int, tls: int, objects: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request of the linker to its allocator, in order, as counted in programs of each glibc.

    Program, vdso, hwcap, directories; then libc: its path, record, path; its list, the search list, the
    versions of four objects, slots, thread-local storage, vector, table of objects.
    """
    asked: list[int] = []
    take = SmallBlocks.take

    def counted(self: SmallBlocks, size: int) -> int:
        asked.append(size)
        return take(self, size)

    monkeypatch.setattr(SmallBlocks, "take", counted)
    predict(textbook.files()._replace(libc_version=version), Settings(), Stage.ENTRY)
    # the version tables: 16 bytes for each index and one more
    versions = [16 * 4, 16 * 4, 16 * 54, 16 * 9]
    assert asked == [*first, 15, record, 15, 20, 28, *versions, 512, tls, 128, *objects]


def test_a_predicted_line_that_became_nothing_is_missing() -> None:
    """Data of a file of which no line is there by that name: nothing to fit, and no error."""
    vma = SimVma(0x5655_6000, 0x5655_8000, "rw-p", 0x1000, b"/gone")
    other = (0x5655_6000, 0x5655_8000, "rw-p", 0x1000, b"/other")
    relro = [(0x5655_6000, 0x5655_7000, "r--p", 0x1000, b"/gone"), (0x5655_7000, 0x5655_8000, "rw-p", 0x2000, b"/gone")]
    wanted = (0x5655_6000, 0x5655_8000, "rw-p", 0x1000, b"/gone")
    assert still_there(vma, RealSpace(Stage.EXEC, (other,))) is None
    assert still_there(vma, RealSpace(Stage.EXEC, ())) is None
    assert still_there(vma, RealSpace(Stage.EXEC, tuple(relro))) == wanted
    assert still_there(vma, RealSpace(Stage.EXEC, tuple(relro[:1]))) is None
