"""Libraries whose own start code changes the map before the program's first instruction.

Constructors run before the entry point, and some of them call malloc, so that a heap shows already there.
Others map what no rule predicts. Both are known by the library's name, and nothing that follows from
them is called exact.
"""

from collections.abc import Iterable, Sequence

from procmem.model.libc_files import ALLOCATOR_FILES, GLIBC, LIBSTDCXX
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import note
from procmem.model.program_files import ProgramFiles, ProgramObject
from procmem.model.simulation import VmBit
from procmem.simulate.kernel.calls import Caller
from procmem.simulate.kernel.events import Map
from procmem.simulate.libc.malloc import Malloc

__all__ = ["construct", "constructor_order", "map_pools", "run_constructors", "unforeseeable", "unknown_constructors"]


class _Early(NamedTuple):
    """What a library's constructor asks malloc for, about: bytes it keeps, then bytes it frees at once."""

    kept: tuple[int, ...]
    freed: int = 0


_PIECE = 240


def _pieces(size: int, piece: int = _PIECE) -> _Early:
    """Many small requests, none of which is large enough for a mapping of its own."""
    return _Early((*(piece,) * (size // piece), size % piece))


_LITTLE = (
    *(b"libGLESv1_CM.so.1", b"libGLESv2.so.2", b"libOpenGL.so.0", b"libX11.so.6", b"libavutil.so.57"),
    *(b"libcapi20.so.3", b"libgccjit.so.0", b"libgdruntime.so.3", b"libgomp.so.1", b"libgpg-error.so.0"),
    *(b"libgphobos.so.3", b"libinfinipath.so.4", b"libjq.so.1", b"libobjc.so.4", b"libobjc_gc.so.4"),
    *(b"libp11-kit.so.0", b"libtbbmalloc.so.2", b"libzvbi.so.0"),
)
"""Libraries whose constructors ask for so little that it makes no difference how much."""
_EARLY = {
    **dict.fromkeys(_LITTLE, _Early((240,))),
    # a pool for exceptions that are thrown when memory is short
    LIBSTDCXX: _Early((72_704,)),
    # lists, types, options and tables: bytes counted in the heap at the entry point (Debian 12, x86-64)
    b"libEGL.so.1": _pieces(3_000),
    b"libGLX.so.0": _pieces(2_700),
    b"libLLVM-14.so.1": _pieces(412_000),
    b"libLLVM-15.so.1": _pieces(284_000),
    b"libQt5Core.so.5": _pieces(1_100),
    b"libQt5Gui.so.5": _pieces(12_000),
    b"libclang-cpp.so.14": _pieces(9_600),
    b"libgfortran.so.5": _pieces(5_700),
    b"libgio-2.0.so.0": _pieces(2_800),
    b"libglib-2.0.so.0": _pieces(23_000),
    b"libgnutls.so.30": _pieces(98_800, 80),
    b"libgobject-2.0.so.0": _pieces(27_500),
    b"liblldb-14.so.1": _pieces(51_400),
    b"libnl-route-3.so.200": _pieces(1_400),
    # and a folder of /sys is read, with a buffer for its names
    b"libnuma.so.1": _pieces(3_000)._replace(freed=32_816),
    b"libpixman-1.so.0": _pieces(12_400),
    b"libpmem.so.1": _pieces(5_400),
    b"libquadmath.so.0": _pieces(8_100),
    b"libsource-highlight.so.4": _pieces(68_300),
    b"libz3.so.4": _pieces(25_300),
    # it reads /proc/filesystems: a FILE, a line, and a buffer that is given back to the heap's top
    b"libselinux.so.1": _Early((352, 120), 1024),
}

_QUIET = {GLIBC, b"libgcc_s.so.1", b"libcap.so.2", b"libpthread.so.0"}
"""Libraries with constructors that allocate nothing."""

_POOLS = {b"libjemalloc.so.2": (2 << 20, 2 << 20, 4 << 20)}
"""What allocators map at their start: one pool after another, each at a border of huge pages (jemalloc 5.3)."""
_UNFORESEEABLE = (*ALLOCATOR_FILES, b"libopenblas", b"libmono")
"""Libraries that map memory of their own before ``main``."""


def run_constructors(malloc: Malloc, files: ProgramFiles, *, own: bool) -> tuple[bytes, ...]:
    """Make the requests of known constructors, dependencies first; gives the names of their libraries.

    ``own`` counts what the program itself has linked in. None are made where another allocator answers them.
    """
    if any(_name(library.soname, library.real).startswith(ALLOCATOR_FILES) for library in files.libraries):
        return ()
    names = _known_early(files.libraries)
    if own and files.program.holds_stdcxx and LIBSTDCXX not in names:
        names.append(LIBSTDCXX)
    _request(malloc, names)
    return tuple(names)


def construct(caller: Caller, malloc: Malloc, libraries: Sequence[ProgramObject], first: int) -> None:
    """Run the constructors of libraries that are opened later, as far as they are known."""
    _request(malloc, _known_early(libraries, first))
    map_pools(caller, libraries, first)


def _known_early(libraries: Sequence[ProgramObject], first: int = 0) -> list[bytes]:
    ordered = (libraries[index].soname for index in constructor_order(libraries, first))
    return [name for name in ordered if name is not None and name in _EARLY]


def _request(malloc: Malloc, names: Iterable[bytes]) -> None:
    for name in names:
        early = _EARLY[name]
        for size in early.kept:
            malloc.allocate(size)
        block = malloc.allocate(early.freed) if early.freed else None
        if block is not None:
            malloc.free(block)


def map_pools(caller: Caller, libraries: Sequence[ProgramObject], first: int = 0) -> None:
    """Make the mappings of allocators of which it is known what they begin with."""
    for index in constructor_order(libraries, first):
        for length in _POOLS.get(libraries[index].soname or b"", ()):
            caller.do(Map(length, flags=VmBit.NORESERVE, rule=note("allocator-pool")))


def constructor_order(libraries: Sequence[ProgramObject], first: int = 0) -> tuple[int, ...]:
    """In which order the constructors of libraries run: each after those that it needs, the last loaded first.

    ``first`` is the number that the first of them has among all that are loaded.

    Source: glibc elf/dl-sort-maps.c, _dl_sort_maps_dfs(); elf/dl-init.c, _dl_init().
    """
    by_name = {library.soname: index for index, library in enumerate(libraries) if library.soname is not None}
    for library in libraries:
        by_name |= {needed.name: needed.library - first for needed in library.needed if needed.library is not None}
    order: dict[int, None] = {}
    entered: set[int] = set()
    for last in reversed(range(len(libraries))):
        path = [] if last in entered else [(last, iter(libraries[last].needed))]
        entered.add(last)
        while path:
            index, left = path[-1]
            wanted = next((at for needed in left if (at := by_name.get(needed.name)) not in {None, *entered}), None)
            if wanted is None:
                order[index] = None
                path.pop()
            else:
                entered.add(wanted)
                path.append((wanted, iter(libraries[wanted].needed)))
    return tuple(order)


def _name(soname: bytes | None, path: bytes) -> bytes:
    return soname or path.rpartition(b"/")[2]


def unknown_constructors(libraries: Iterable[ProgramObject]) -> dict[bytes, bytes]:
    """The libraries with constructors of their own of which nothing is known: the path that maps prints, by name."""
    known = _QUIET | _EARLY.keys()
    own = [library for library in libraries if library.constructors]
    named = {_name(library.soname, library.real): library.real for library in own}
    return {name: real for name, real in named.items() if name not in known}


def unforeseeable(libraries: Iterable[ProgramObject]) -> tuple[bytes, ...]:
    """The names of loaded libraries after which nothing is certain."""
    names = [_name(library.soname, library.real) for library in libraries]
    return tuple(name for name in names if name.startswith(_UNFORESEEABLE))
