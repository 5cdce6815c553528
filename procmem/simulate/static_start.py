"""What a static program's own start code does to the map before ``main``.

There is no dynamic linker: the program makes its thread-local storage itself, from the heap, and its
first malloc (for the copy of the linker that every static glibc carries) comes before ``main``. So a
static program has a heap at ``main``, where a dynamic one has none.

Source: glibc csu/libc-start.c, csu/libc-tls.c, __libc_setup_tls(); elf/dl-support.c.
"""

from procmem.model.elf import PT_TLS
from procmem.model.sim import ProgramFiles, SimSpace
from procmem.simulate.calls import Caller
from procmem.simulate.events import SetBrk
from procmem.simulate.glibc import GlibcTable
from procmem.simulate.library import protect_relro, relocate_text
from procmem.simulate.ptmalloc import Malloc

__all__ = ["start_static"]

_FIRST_REQUEST = 240
"""The first malloc of a static glibc, about; it only matters that it is far below a page."""


def start_static(space: SimSpace, files: ProgramFiles, table: GlibcTable) -> tuple[SimSpace, Malloc]:
    """Run the start code up to ``main``."""
    caller = Caller(space)
    segment = files.program.image.first(PT_TLS)
    align = max(table.tcb_align, segment.align if segment is not None else 1)
    size = segment.memsz if segment is not None else 0
    offset = -(-(size + table.static_tls_surplus) // align) * align
    block = offset + table.tcb + align
    caller.do(SetBrk(caller.space.brk + block, rule=f"start code: thread-local storage, {block} bytes by brk"))
    malloc = Malloc(caller)
    malloc.allocate(_FIRST_REQUEST)
    relocate_text(caller, files.program, space.program_bias)
    protect_relro(caller, files.program, space.program_bias)
    return caller.space, malloc
