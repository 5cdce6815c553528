"""Which allocators and language runtimes a process has, from the objects that it maps.

No memory is read for this: a library's name, a section of the program, the program's own name. What a
runtime does with anonymous memory is knowledge about such programs, so it gives patterns, never proofs.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from procmem.model.elf import PT_INTERP
from procmem.model.region import ElfObject
from procmem.model.vma_names import without_deleted

__all__ = ["Runtimes", "runtimes_of"]

_LIBRARIES: Mapping[str, tuple[bytes, ...]] = {
    "glibc": (b"libc.so.6", b"libc-2."),
    "musl": (b"ld-musl-", b"libc.musl-"),
    "bionic": (b"/bionic/libc.so",),
    "hotspot": (b"libjvm.so",),
    "v8": (b"libnode.so", b"libv8.so"),
    "cpython": (b"libpython3", b"libpython2"),
    "ruby": (b"libruby",),
    "php": (b"libphp",),
    "luajit": (b"libluajit",),
    "jemalloc": (b"libjemalloc",),
    "tcmalloc": (b"libtcmalloc",),
    "mimalloc": (b"libmimalloc",),
    "openblas": (b"libopenblas", b"libscipy_openblas", b"libblas"),
}
_PROGRAMS: Mapping[str, tuple[bytes, ...]] = {
    "v8": (b"node", b"nodejs", b"chrome", b"chromium", b"electron", b"deno", b"d8"),
    "cpython": (b"python",),
    "ruby": (b"ruby",),
    "php": (b"php",),
    "luajit": (b"luajit",),
}
_GO_SECTIONS = frozenset({".go.buildinfo", ".gopclntab"})
_STATIC_GLIBC_SECTIONS = frozenset({"__libc_freeres_fn", "__libc_subfreeres", "__libc_atexit", "__libc_IO_vtables"})


class Runtimes(NamedTuple):
    """The runtimes and allocators that were found, each with what was seen.

    ``static`` says that the program asks for no interpreter: what it has, it brought along.
    """

    found: Mapping[str, str]
    static: bool

    @property
    def managed(self) -> bool:
        """Whether one of those was found that place their memory by rules of their own."""
        return any(name in self.found for name in ("go", "hotspot", "v8"))

    def has(self, name: str) -> bool:
        """Whether a runtime was found."""
        return name in self.found


def runtimes_of(objects: Sequence[ElfObject]) -> Runtimes:
    """Look at the mapped objects' names, and at the section names of the program."""
    found: dict[str, str] = {}
    program = next((item for item in objects if item.file.is_program), None)
    for item in objects:
        path = without_deleted(item.file.path)
        base = path.rsplit(b"/", 1)[-1]
        for runtime, prefixes in _LIBRARIES.items():
            if (
                (runtime == "musl" and base == b"libc.so")
                or base.startswith(prefixes)
                or path.endswith(prefixes)
                or (item.soname or b"").startswith(prefixes)
            ):
                found.setdefault(runtime, f"{base.decode('utf-8', 'surrogateescape')} is mapped")
    if program is not None:
        base = without_deleted(program.file.path).rsplit(b"/", 1)[-1]
        for runtime, names in _PROGRAMS.items():
            if base in names or any(base.startswith(name) and base[len(name) :][:1].isdigit() for name in names):
                found.setdefault(runtime, f"the program is {base.decode('utf-8', 'surrogateescape')}")
        sections = {section.name for section in program.sections or ()}
        if sections & _GO_SECTIONS:
            found["go"] = "the program has Go's sections"
        if sections & _STATIC_GLIBC_SECTIONS:
            found.setdefault("glibc", "the program is linked statically with glibc")
    static = program is not None and program.image is not None and program.image.first(PT_INTERP) is None
    return Runtimes(found, static)
