"""Libraries whose own start code changes the map before the program's first instruction.

Constructors run before the entry point, and some of them call malloc, so that a heap shows already there.
Others map what no rule predicts. Both are known by the library's name, and nothing that follows from
them is called exact.
"""

from procmem.model.libc_files import GLIBC
from procmem.model.named_tuple import NamedTuple
from procmem.model.program_files import ProgramFiles
from procmem.simulate.libc.malloc import Malloc

__all__ = ["run_constructors", "unforeseeable", "unknown_constructors"]


class _Early(NamedTuple):
    """What a library's constructor asks malloc for, about: bytes it keeps, then bytes it frees at once."""

    kept: tuple[int, ...]
    freed: int = 0


_EARLY = {
    # a pool for exceptions that are thrown when memory is short
    b"libstdc++.so.6": _Early((73 << 10,)),
    b"libgomp.so.1": _Early((4 << 10,)),
    b"libquadmath.so.0": _Early((1 << 10,)),
    # it reads /proc/filesystems: a FILE, a line, and a buffer that is given back to the heap's top
    b"libselinux.so.1": _Early((352, 120), 1024),
}

_QUIET = {GLIBC, b"libgcc_s.so.1", b"libcap.so.2", b"libpthread.so.0"}
"""Libraries with constructors that allocate nothing."""

_UNFORESEEABLE = (b"libasan.so", b"libtsan.so", b"libmsan.so", b"libhwasan.so", b"libjemalloc.so", b"libtcmalloc")
"""Libraries that replace the allocator or map memory of their own before ``main``."""


def run_constructors(malloc: Malloc, files: ProgramFiles) -> tuple[bytes, ...]:
    """Make the requests of known constructors, dependencies first; gives the names of their libraries."""
    names = [library.soname for library in reversed(files.libraries) if library.soname in _EARLY]
    for name in names:
        early = _EARLY[name or b""]
        for size in early.kept:
            malloc.allocate(size)
        block = malloc.allocate(early.freed) if early.freed else None
        if block is not None:
            malloc.free(block)
    return tuple(name for name in names if name is not None)


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
