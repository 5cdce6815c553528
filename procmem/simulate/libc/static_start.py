"""What a static program's own start code does to the map before ``main``.

There is no dynamic linker: the program makes its thread-local storage itself, from the heap, and its
first malloc (for the copy of the linker that every static glibc carries) comes before ``main``. So a
static program has a heap at ``main``, where a dynamic one has none.

Source: glibc csu/libc-start.c, csu/libc-tls.c, __libc_setup_tls(); elf/dl-support.c.
"""

from collections.abc import Iterator

from procmem.model.elf import PT_TLS
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import note
from procmem.model.program_files import ProgramFiles
from procmem.model.simulation import SimSpace
from procmem.simulate.kernel.calls import Caller
from procmem.simulate.kernel.events import SetBrk
from procmem.simulate.libc.glibc_versions import GlibcTable
from procmem.simulate.libc.loader_library import protect_relro, relocate_text
from procmem.simulate.libc.malloc import Malloc

__all__ = ["StaticStart", "start_static"]

_BUILT_IN_DIRS = 4
"""Directories built into glibc of the Debian family: four, on i386 itself as for i386 on x86-64."""
_VERSIONS_DIFFER = 512
"""Bytes by which the thread-local block of other glibc versions may be smaller or larger."""


class StaticStart(NamedTuple):
    """The space at ``main``, its malloc, and whether every glibc would have the same heap there."""

    space: SimSpace
    malloc: Malloc
    alike: bool


def start_static(space: SimSpace, files: ProgramFiles, table: GlibcTable) -> StaticStart:
    """Run the start code up to ``main``."""
    start = _started(space, files, table, 0)
    others = [_started(space, files, table, spare) for spare in (-_VERSIONS_DIFFER, _VERSIONS_DIFFER)]
    return start._replace(alike=all(other.space.vmas == start.space.vmas for other in others))


def _started(space: SimSpace, files: ProgramFiles, table: GlibcTable, spare: int) -> StaticStart:
    caller = Caller(space)
    segment = files.program.image.first(PT_TLS)
    align = max(table.tcb_align, segment.align if segment is not None else 1)
    size = segment.memsz if segment is not None else 0
    offset = -(-(size + table.static_tls_surplus) // align) * align
    block = offset + table.tcb + align + spare
    caller.do(SetBrk(caller.space.brk + block, rule=note("static-tls")))
    malloc = Malloc(caller)
    for request in _requests(files, table):
        malloc.allocate(request)
    relocate_text(caller, files.program, space.program_bias)
    protect_relro(caller, files.program, space.program_bias)
    return StaticStart(caller.space, malloc, alike=True)


def _requests(files: ProgramFiles, table: GlibcTable) -> Iterator[int]:
    """The requests to malloc before ``main``, in order (elf/dl-support.c, _dl_non_dynamic_init()).

    They are the same as in the dynamic linker, without records for processor-specific directories.
    """
    origin = files.program.real.rpartition(b"/")[0] or b"/"
    yield len(origin) + (1 if origin == b"/" else 2)
    yield table.link_map + 1
    record = table.directory + 4
    yield table.pointer * (_BUILT_IN_DIRS + 1)
    yield _BUILT_IN_DIRS * ((2 * table.directory - 1 + 4) // table.directory * table.directory)
    path = files.library_path
    if path is not None:
        yield table.pointer * (len(path.dirs) + 1)
        for place in path.dirs:
            if place.text:
                yield len(place.text) + 1
            yield record + len(place.path) + 1
    # the table that finds objects by address; without dl_find_object (before 2.35) it takes none
    yield table.object_record * (len(files.program.image.loads) + 1)
