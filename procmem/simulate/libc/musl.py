"""The dynamic linker of musl, in outline: enough for the shape of the map, never called exact.

It takes two pages of heap for its allocator's records and makes the first inaccessible, maps each library
once, needs no cache and no allocator blocks, and makes RELRO parts read-only at the end. A large block of
thread-local storage gets a mapping of its own.

Source: musl ldso/dynlink.c, map_library(), load_library(); src/malloc/mallocng/malloc.c.
"""

from procmem.model.elf import PT_TLS
from procmem.model.libc_files import is_musl_linker
from procmem.model.note import note
from procmem.model.permissions import NO_ACCESS, READ_WRITE
from procmem.model.program_files import ProgramFiles
from procmem.model.simulation import PAGE, AreaRole, Base, SimSpace
from procmem.simulate.kernel.calls import Caller
from procmem.simulate.kernel.events import Map, SetBrk
from procmem.simulate.libc.glibc_versions import GlibcTable
from procmem.simulate.libc.loader_library import map_library, protect_relro

__all__ = ["is_musl", "link_musl"]

_BUILT_IN_TLS = 256
"""Storage of so many bytes, about, lies in the linker's own data (builtin_tls)."""
_TLS_BLOCK = 4 * PAGE
_OUTLINE = GlibcTable("musl", aligned_segments=False, own_address=False)


def is_musl(files: ProgramFiles) -> bool:
    """Whether the program's interpreter is musl's."""
    return files.interpreter is not None and is_musl_linker(files.interpreter.opened)


def link_musl(space: SimSpace, files: ProgramFiles) -> SimSpace:
    """Do about what musl's linker does before the program's entry point."""
    assert files.interpreter is not None
    caller = Caller(space)
    start = space.brk
    caller.do(SetBrk(start + 2 * PAGE, rule=note("musl-records")))
    guard = Map(PAGE, NO_ACCESS, start, fixed=True, role=AreaRole.GUARD, base=Base.BRK, rule=note("musl-guard"))
    caller.do(guard)
    biases = [map_library(caller, library, _OUTLINE, protect_holes=False) for library in files.libraries]
    tls = [loaded.image.first(PT_TLS) for loaded in (files.program, *files.libraries)]
    if sum(segment.memsz for segment in tls if segment is not None) > _BUILT_IN_TLS:
        caller.do(Map(_TLS_BLOCK, READ_WRITE, role=AreaRole.TLS, rule=note("musl-tls")))
    for library, bias in zip(files.libraries, biases, strict=True):
        protect_relro(caller, library, bias)
    protect_relro(caller, files.interpreter, space.interpreter_base)
    protect_relro(caller, files.program, space.program_bias)
    return caller.space
