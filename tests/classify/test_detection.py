"""Which runtimes a process has, by what is mapped: symbols, names, words, sections, places; and what was seen."""

import pytest

from procmem.classify.runtimes.detect import Detection, Runtimes, first_guess, runtimes_of
from procmem.classify.runtimes.table import NO_LIBRARY, RUNTIMES
from procmem.model.elf import ET_DYN, PF_R, PF_X, PT_INTERP, PT_LOAD, ElfImage, Section, Segment
from procmem.model.mapping import Mappings
from procmem.model.note import Note, note
from procmem.model.raw import MappedFile
from procmem.model.region import Certainty, ElfObject
from procmem.parse.smaps import parse_smaps
from tests.support.made_processes import record
from tests.support.smaps_text import Record, smaps

CERTAIN, LIKELY, GUESS = Certainty.CERTAIN, Certainty.LIKELY, Certainty.GUESS
LOAD = Segment(PT_LOAD, PF_R | PF_X, 0, 0, 4096, 4096, 4096)
INTERP = Segment(PT_INTERP, PF_R, 0, 0, 1, 1, 1)


def image(*segments: Segment) -> ElfImage:
    """Headers."""
    return ElfImage(64, True, ET_DYN, 62, 0, 64, 0, 64, 0, 0, segments)


def item(path: bytes, *, soname: bytes | None = None, exports: str = "", mentions: bytes = b"") -> ElfObject:
    """A mapped object."""
    file = MappedFile("00:01", 1, path, ((0x1000, 0x2000),))
    names, words = frozenset(exports.split()), frozenset({mentions} - {b""})
    return ElfObject(file, image(INTERP, LOAD), soname=soname, exports=names, mentions=words)


def program(path: bytes = b"/bin/p", *sections: str, is_static: bool = False) -> ElfObject:
    """The program."""
    one = item(path)
    headers = image(LOAD) if is_static else image(INTERP, LOAD)
    named = tuple(Section(name, 1, 0, 0, 0, 0, 0, 0) for name in sections)
    return one._replace(file=one.file._replace(is_program=True), image=headers, sections=named)


def table(*rows: Record) -> Mappings:
    """A map."""
    return parse_smaps(smaps([record(0x1000, 0x2000, "r-xp", b"/bin/p"), *rows]))


def seen(*objects: ElfObject, rows: tuple[Record, ...] = ()) -> dict[str, tuple[Note, Certainty]]:
    """What was found, and by what."""
    found = runtimes_of(objects, table(*rows)).found
    return {name: (one.seen, one.certainty) for name, one in found.items()}


def library(name: bytes) -> Note:
    """It was seen by its name."""
    return note("library-mapped", name=name)


def _of(name: str, *runtimes: str) -> dict[str, tuple[Note, Certainty]]:
    """All that a library tells by its name."""
    return dict.fromkeys(runtimes, (library(name.encode()), LIKELY))


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (item(b"/lib/libtsan.so.2"), _of("libtsan.so.2", "tsan", "own-malloc")),
        (item(b"/lib/libtsan.so.2 (deleted)"), _of("libtsan.so.2", "tsan", "own-malloc")),
        (item(b"/lib/libsnmallocshim.so"), _of("libsnmallocshim.so", "own-malloc")),
        (item(b"/lib/libopenblas.so.0"), _of("libopenblas.so.0", "openblas")),
        (item(b"/lib/myasan.so"), {}),
        (item(b"/libasan/x.so"), {}),
        (item(b"/lib/x.so", soname=b"libopenblas.so.0"), _of("x.so", "openblas")),
        (item(b"/lib/x.so", soname=b"xlibasan.so"), {}),
        (
            item(b"/lib/x.so", exports="zzz __asan_init"),
            {"asan": (note("exports-symbol", name=b"x.so", symbol="__asan_init"), CERTAIN)},
        ),
        (item(b"/lib/x.so", exports="zzz"), {}),
        (
            item(b"/lib/libdruntime.so", exports="gc_malloc"),
            {"d-gc": (note("exports-symbol", name=b"libdruntime.so", symbol="gc_malloc"), CERTAIN)},
        ),
        (
            item(b"/lib/x.so", mentions=b"<jemalloc>"),
            {"jemalloc inside": (note("mentions-word", name=b"x.so", runtime="jemalloc"), LIKELY)},
        ),
        (item(b"/lib/x.so", mentions=b"whatever"), {}),
    ],
)
def test_what_an_object_shows(one: ElfObject, expected: dict[str, tuple[Note, Certainty]]) -> None:
    """Symbols before names before words; names begin so, of the file or the soname."""
    assert seen(one) == expected
    assert seen(item(b"/lib/other.so"), one) == expected


def test_the_surest_and_first_sight_counts() -> None:
    """Of several objects."""
    name, symbol = item(b"/lib/libdruntime.so"), item(b"/lib/x.so", exports="gc_malloc")
    certain = {"d-gc": (note("exports-symbol", name=b"x.so", symbol="gc_malloc"), CERTAIN)}
    assert seen(name, symbol) == seen(symbol, name) == certain
    assert seen(name, item(b"/lib/libdruntime2.so")) == _of("libdruntime.so", "d-gc")


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (program(b"/bin/p", ".gopclntab"), {"go": (note("runtime-sections", runtime="Go"), CERTAIN)}),
        (program(b"/bin/p", ".text"), {}),
        (program(b"/bin/p", "__libc_atexit"), {"glibc": (note("linked-statically", runtime="glibc"), CERTAIN)}),
        (program(b"/bin/ruby"), {"ruby": (note("program-is", name=b"ruby"), LIKELY)}),
        (program(b"/bin/ruby3.1"), {"ruby": (note("program-is", name=b"ruby3.1"), LIKELY)}),
        (program(b"/bin/ruby3.1 (deleted)"), {"ruby": (note("program-is", name=b"ruby3.1"), LIKELY)}),
        (program(b"/bin/rubyx"), {}),
        (program(b"/bin/xruby"), {}),
        (program(b"/x/memcheck-amd64-linux"), {"valgrind": (note("program-is", name=b"memcheck-amd64-linux"), LIKELY)}),
    ],
)
def test_what_the_program_shows(one: ElfObject, expected: dict[str, tuple[Note, Certainty]]) -> None:
    """Sections that its language has, or a library that was linked into it, and its name."""
    assert seen(item(b"/lib/x.so"), one) == expected
    other = one._replace(file=one.file._replace(is_program=False))
    assert seen(other) == {}


HASKELL = 0x42_0000_0000


@pytest.mark.parametrize(
    ("start", "name", "is_there"),
    [(HASKELL, b"", True), (HASKELL - 4096, b"", False), (HASKELL + 4096, b"", False), (HASKELL, b"/x", False)],
)
def test_memory_at_a_place_that_one_runtime_has(start: int, name: bytes, is_there: bool) -> None:
    """A guess; of what was seen otherwise nothing is guessed."""
    one = record(start, start + 8192, name=name)
    expected = {"ghc": (note("memory-at-place", start=HASKELL, runtime="ghc"), GUESS)}
    assert seen(program(), rows=(one,)) == (expected if is_there else {})
    assert seen(program(), rows=(one, record(1 << 45, (1 << 45) + 4096))) == (expected if is_there else {})
    known = program(b"/bin/p", ".debug-ghc-link-info")
    assert seen(known, rows=(one,))["ghc"][1] is CERTAIN


def test_static_programs() -> None:
    """Ask for no interpreter; one in which nothing is known has an allocator that nobody knows."""
    found = runtimes_of([item(b"/lib/x.so"), program(is_static=True)], table())
    assert found == Runtimes({NO_LIBRARY: Detection(note("no-library-known"), GUESS)}, True)
    assert runtimes_of([program()], table()) == Runtimes({}, False)
    assert runtimes_of([item(b"/lib/x.so")], table()) == Runtimes({}, False)
    unread = program()._replace(image=None)
    assert runtimes_of([unread], table()) == Runtimes({}, False)
    go = runtimes_of([program(b"/bin/p", ".gopclntab", is_static=True)], table())
    assert (go.static, set(go.found)) == (True, {"go"})


def test_what_is_asked_of_runtimes() -> None:
    """Of those that were found alone."""

    def of(*names: str, sure: Certainty = CERTAIN) -> Runtimes:
        return Runtimes({name: Detection(note("unexplained"), sure) for name in names}, False)

    assert of("glibc").has("glibc")
    assert not of("glibc").has("go")
    assert [of(name).map_noreserve for name in ("ghc", "glibc")] == [True, False]
    assert not of().map_noreserve
    executable = {runtime.name for runtime in RUNTIMES if runtime.heap_is_executable}
    assert executable
    assert {runtime.name for runtime in RUNTIMES if of(runtime.name).heap_is_executable} == executable
    assert [of("go", sure=sure).certainty("go") for sure in Certainty] == [LIKELY, LIKELY, GUESS]


def test_patterns_are_no_surer_than_the_runtime() -> None:
    """And in the order of the table."""
    for sure, at_most in ((CERTAIN, LIKELY), (GUESS, GUESS)):
        for runtime in RUNTIMES:
            found = Runtimes({runtime.name: Detection(note("unexplained"), sure)}, False)
            guesses = [guess for guess, _ in found.patterns()]
            assert [(one, kind) for one, kind, _ in guesses] == [(runtime, kind) for kind, *_ in runtime.patterns]
            for (_, _, due), (_, own, _) in zip(guesses, runtime.patterns, strict=True):
                assert due is (GUESS if GUESS in (own, at_most) else LIKELY)
    assert first_guess([], None) is None  # type: ignore[arg-type]
