"""Libraries whose own start code changes the map before the program's first instruction.

Constructors run before the entry point, and some of them call malloc, so that a heap shows already there.
Others map what no rule predicts. Both are known by the library's name, and nothing that follows from
them is called exact.
"""

from procmem.model.libc_files import ALLOCATOR_FILES, GLIBC, LIBSTDCXX
from procmem.model.named_tuple import NamedTuple
from procmem.model.program_files import ProgramFiles
from procmem.simulate.libc.malloc import Malloc

__all__ = ["run_constructors", "unforeseeable", "unknown_constructors"]


class _Early(NamedTuple):
    """What a library's constructor asks malloc for, about: bytes it keeps, then bytes it frees at once."""

    kept: tuple[int, ...]
    freed: int = 0


_PIECE = 240


def _pieces(size: int) -> _Early:
    """Many small requests, none of which is large enough for a mapping of its own."""
    return _Early((*(_PIECE,) * (size // _PIECE), size % _PIECE))


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
    b"libgnutls.so.30": _pieces(133_000),
    b"libgobject-2.0.so.0": _pieces(27_500),
    b"liblldb-14.so.1": _pieces(51_400),
    b"libnl-route-3.so.200": _pieces(1_400),
    b"libnuma.so.1": _pieces(4_100),
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

_UNFORESEEABLE = (*ALLOCATOR_FILES, b"libopenblas", b"libmono")
"""Libraries that map memory of their own before ``main``."""


def run_constructors(malloc: Malloc, files: ProgramFiles, *, own: bool) -> tuple[bytes, ...]:
    """Make the requests of known constructors, dependencies first; gives the names of their libraries.

    ``own`` counts what the program itself has linked in. None are made where another allocator answers them.
    """
    if any(_name(library.soname, library.real).startswith(ALLOCATOR_FILES) for library in files.libraries):
        return ()
    names = [name for library in reversed(files.libraries) if (name := library.soname) in _EARLY and name is not None]
    if own and files.program.holds_stdcxx and LIBSTDCXX not in names:
        names.append(LIBSTDCXX)
    for name in names:
        early = _EARLY[name]
        for size in early.kept:
            malloc.allocate(size)
        block = malloc.allocate(early.freed) if early.freed else None
        if block is not None:
            malloc.free(block)
    return tuple(names)


def _name(soname: bytes | None, path: bytes) -> bytes:
    return soname or path.rpartition(b"/")[2]


def unknown_constructors(files: ProgramFiles) -> tuple[bytes, ...]:
    """The names of libraries with constructors of their own of which nothing is known."""
    known = _QUIET | _EARLY.keys()
    named = ((_name(library.soname, library.real), library.constructors) for library in files.libraries)
    return tuple(name for name, count in named if count and name not in known)


def unforeseeable(files: ProgramFiles) -> tuple[bytes, ...]:
    """The names of loaded libraries after which nothing is certain."""
    names = [_name(library.soname, library.real) for library in files.libraries]
    return tuple(name for name in names if name.startswith(_UNFORESEEABLE))
