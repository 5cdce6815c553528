"""How large the main thread's block of thread-local storage is.

Each module with a PT_TLS segment gets a place below the thread descriptor, in load order, aligned as it
asks; room that alignment leaves over is used for later small modules.

Source: glibc elf/dl-tls.c, _dl_determine_tlsoffset(), variant for descriptors above the storage.
"""

from collections.abc import Iterable

from procmem.model.elf import Segment
from procmem.simulate.libc.glibc_versions import GlibcTable

__all__ = ["static_tls_size"]


def static_tls_size(modules: Iterable[Segment], table: GlibcTable) -> tuple[int, int]:
    """Bytes of the whole block with descriptor and spare room, and its alignment."""
    largest = table.tcb_align
    offset = free_top = free_bottom = 0
    for module in modules:
        align = max(module.align, 1)
        first_byte = -module.vaddr & (align - 1)
        largest = max(largest, align)
        if free_bottom - free_top >= module.memsz:
            end = _up(free_top + module.memsz - first_byte, align) + first_byte
            if end <= free_bottom:
                free_top = end
                continue
        end = _up(offset + module.memsz - first_byte, align) + first_byte
        if end > offset + module.memsz + (free_bottom - free_top):
            free_top, free_bottom = offset, end - module.memsz
        offset = end
    if table.rseq_area:
        offset = _up(offset + table.rseq_area, table.rseq_area)
    return _up(offset + table.tls_surplus, largest) + table.tcb, largest


def _up(value: int, align: int) -> int:
    return -(-value // align) * align
