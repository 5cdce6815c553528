"""Whose a block of anonymous memory is, by its look, where several allocators are at work in one process."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.classify.runtimes.blocks import AnonymousRange
from procmem.classify.runtimes.detect import Detection, Runtimes, first_guess
from procmem.classify.runtimes.table import RUNTIMES
from procmem.model import kinds
from procmem.model.kinds import Kind
from procmem.model.note import note
from procmem.model.region import Certainty

MIB = 1 << 20
PYTHON = ("cpython", "jemalloc inside", "glibc")


def block(size: int, at: int = 0x7F00_0010_0000, **more: bool) -> AnonymousRange:
    """A used block."""
    return AnonymousRange(at, at + size, more.pop("may_be_malloc", True), **more)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (block(MIB), (kinds.CPYTHON_OBMALLOC, Certainty.LIKELY)),
        # an array of NumPy, cut where it asked for huge pages
        (block(64 * MIB, advised=True), (kinds.GLIBC_MMAP_CHUNK, Certainty.GUESS)),
        (block(64 * MIB + 4096, at=0x7F00_0020_0000), (kinds.GLIBC_MMAP_CHUNK, Certainty.GUESS)),
        (block(4 * MIB, at=0x7F00_0020_0000, noreserve=True, may_be_malloc=False), (kinds.JEMALLOC, Certainty.LIKELY)),
        (block(4 * MIB, noreserve=True, may_be_malloc=False), (kinds.JEMALLOC, Certainty.GUESS)),
    ],
)
def test_beside_python(seen: AnonymousRange, expected: tuple[Kind, Certainty]) -> None:
    """Python's arenas, arrays of extension modules, and an allocator inside one of them."""
    runtimes = Runtimes({name: Detection(note("program-is", name=b""), Certainty.CERTAIN) for name in PYTHON}, False)
    found = first_guess(runtimes.patterns(), seen)
    assert found is not None
    assert found[1:] == expected


@pytest.mark.parametrize(
    ("brk_is_free", "expected"),
    [(False, (kinds.TCMALLOC, Certainty.LIKELY)), (True, (kinds.UNKNOWN_ALLOCATOR, Certainty.GUESS))],
)
def test_beside_the_heap_of_tcmalloc(brk_is_free: bool, expected: tuple[Kind, Certainty]) -> None:
    """It maps memory where brk cannot grow; what is mapped while it could is the program's own."""
    names = ("tcmalloc", "own-malloc", "glibc")
    runtimes = Runtimes({name: Detection(note("program-is", name=b""), Certainty.CERTAIN) for name in names}, False)
    found = first_guess(runtimes.patterns(), block(64 * MIB + 4096, brk_is_free=brk_is_free))
    assert found is not None
    assert found[1:] == expected


@pytest.mark.parametrize(
    ("size", "room", "expected"),
    [
        (200 << 16, 64 * MIB, kinds.WASM_MEMORY),
        ((200 << 16) + 4096, 64 * MIB, kinds.CPYTHON_OBMALLOC),
        (200 << 16, 0, kinds.CPYTHON_OBMALLOC),
        (200 << 16, 1 << 16, kinds.CPYTHON_OBMALLOC),
    ],
)
def test_a_memory_of_webassembly_has_room_to_grow(size: int, room: int, expected: Kind) -> None:
    """Whole pages of 64 KiB, below as much or more that is reserved."""
    names = ("wasm", "cpython")
    runtimes = Runtimes({name: Detection(note("program-is", name=b""), Certainty.CERTAIN) for name in names}, False)
    seen = block(size, may_be_malloc=False)._replace(room=room)
    assert (first_guess(runtimes.patterns(), seen) or ())[1:] == (expected, Certainty.GUESS)


@pytest.mark.parametrize(
    ("names", "asked_for", "expected"),
    [
        (("luajit inside", "glibc"), True, kinds.LUAJIT),
        (("luajit inside", "glibc"), False, kinds.GLIBC_MMAP_CHUNK),
        (("luajit", "luajit inside", "glibc"), False, kinds.LUAJIT),
    ],
)
def test_luajit_inside_a_program(names: tuple[str, ...], asked_for: bool, expected: Kind) -> None:
    """A program that it was linked into has memory of its own: LuaJIT's lies where it asked for it."""
    runtimes = Runtimes({name: Detection(note("program-is", name=b""), Certainty.CERTAIN) for name in names}, False)
    found = first_guess(runtimes.patterns(), block(3 << 17, at=0x4000_0000, asked_for=asked_for))
    assert found is not None
    assert found[1:] == (expected, Certainty.GUESS)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (block(MIB, noreserve_shows=True), kinds.CPYTHON_OBMALLOC),
        (block(MIB), kinds.JEMALLOC),
        (block(MIB + 4096, noreserve=True, noreserve_shows=True), kinds.JEMALLOC),
        (block(MIB + 4096, noreserve_shows=True), kinds.UNKNOWN_ALLOCATOR),
    ],
)
def test_beside_jemalloc(seen: AnonymousRange, expected: Kind) -> None:
    """It asks for memory without a reservation of swap, which others do not: theirs is told apart where marks show."""
    names = ("jemalloc", "cpython", "own-malloc")
    runtimes = Runtimes({name: Detection(note("program-is", name=b""), Certainty.CERTAIN) for name in names}, False)
    found = first_guess(runtimes.patterns(), seen)
    assert found is not None
    assert found[1] is expected


def test_names_in_the_table_are_different() -> None:
    """They are keys."""
    assert len({runtime.name for runtime in RUNTIMES}) == len(RUNTIMES)


shapes = st.tuples(st.integers(1, 40_000), st.integers(0, 1 << 30), st.integers(0, 12)).map(
    lambda drawn: (drawn[0] * 4096 << drawn[2], drawn[1] * 4096 << drawn[2])
)


@given(shapes, st.integers(0, 1000), st.builds(dict, noreserve=st.booleans(), touched=st.booleans()), st.booleans())
def test_of_an_address_nothing_counts_but_how_round_it_is(
    shape: tuple[int, int], steps: int, more: dict[str, bool], may_be_malloc: bool
) -> None:
    """And in which TiB it lies: blocks that are alike in that are judged once (rules.fallback)."""
    size, at = shape
    at %= 1 << 47
    other = (at & -(1 << 23)) % (1 << 40) + (at >> 40 << 40) + (at & ((1 << 23) - 1))
    moved = (other + steps * (1 << 24)) % (1 << 40) + (at >> 40 << 40)
    if (moved & -moved) & ((1 << 23) - 1) != (at & -at) & ((1 << 23) - 1) or moved >> 40 != at >> 40:
        return
    blocks = [AnonymousRange(start, start + size, may_be_malloc, **more) for start in (at, moved)]
    if (blocks[0].end & -blocks[0].end) & ((1 << 23) - 1) != (blocks[1].end & -blocks[1].end) & ((1 << 23) - 1):
        return
    for runtime in RUNTIMES:
        for _, _, fits in runtime.patterns:
            assert fits(blocks[0]) == fits(blocks[1]), runtime.name
