"""Libraries whose own start code changes the map before the program's first instruction.

Constructors run before the entry point, and some of them call malloc, so that a heap shows already there.
Others map what no rule foretells. Both are known by the library's name, and nothing that follows from
them is called exact.
"""

from procmem.model.sim_files import ProgramFiles

__all__ = ["UNFORESEEABLE", "early_requests", "unforeseeable"]

_EARLY = {
    b"libstdc++.so.6": 73 << 10,
    b"libgomp.so.1": 4 << 10,
    b"libquadmath.so.0": 1 << 10,
}
"""Bytes that a library's constructor asks malloc for, about: libstdc++ keeps a pool for exceptions."""

UNFORESEEABLE = (b"libasan.so", b"libtsan.so", b"libmsan.so", b"libhwasan.so", b"libjemalloc.so", b"libtcmalloc")
"""Libraries that replace the allocator or map memory of their own before ``main``."""


def early_requests(files: ProgramFiles) -> tuple[int, ...]:
    """What constructors of known libraries ask malloc for."""
    names = [library.soname for library in files.libraries]
    return tuple(_EARLY[name] for name in reversed(names) if name in _EARLY)


def unforeseeable(files: ProgramFiles) -> tuple[bytes, ...]:
    """The names of loaded libraries after which nothing is certain."""
    names = [library.soname or library.real.rpartition(b"/")[2] for library in files.libraries]
    return tuple(name for name in names if name.startswith(UNFORESEEABLE))
