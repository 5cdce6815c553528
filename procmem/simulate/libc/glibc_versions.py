"""Numbers that change from one glibc version to the next, one table for each version measured.

The dynamic linker's own allocations are visible as VMAs, and they push every library that is mapped
later to another address. So a prediction can only be exact where the sizes of the linker's structures
are known. A version that is not here is answered from the nearest table, and then only the shape of the
map is claimed.

Measured by counting the requests to the linker's allocator (elf/dl-minimal-malloc.c) in real programs.
"""

from procmem.model.elf import ET_EXEC
from procmem.model.machine import I686, X86_64
from procmem.model.named_tuple import NamedTuple
from procmem.model.program_files import ProgramFiles
from procmem.model.simulation import Abi

__all__ = ["TABLES", "GlibcTable", "table_for", "with_own_address"]


class GlibcTable(NamedTuple):
    """Structure sizes in bytes, and counts, of one glibc for one machine; the defaults are those of 2.36 for i386.

    ``link_map`` is what one object's record takes, without its name; ``audit`` is added for the program
    and, by ``vdso_audit``, for the vdso. ``has_combinations`` says that there are
    subdirectories for all combinations of the processor's names, ``hwcap_list`` what their list takes besides.
    ``directory`` is the record of one directory without them. The TLS numbers are those of csu/libc-tls.c and
    elf/dl-tls.c. ``rseq_area`` is the area for restartable sequences, which left the thread descriptor with 2.41.
    ``own_address`` says that a library linked to an address of its own is mapped there where that is free
    (a relic of prelink), ``own_address_in_pie`` that this holds for programs without a fixed place too.
    ``unique_entry`` is one symbol in the table of those that are unique.
    """

    version: str
    link_map: int = 656
    audit: int = 128
    vdso_audit: int = 128
    name_record: int = 12
    has_combinations: bool = True
    hwcap_list: int = 0
    directory: int = 20
    tcb: int = 1216
    tls_surplus: int = 1664
    tcb_align: int = 64
    rseq_area: int = 0
    slot_surplus: int = 62
    dtv_surplus: int = 14
    version_record: int = 16
    vdso_versions: int = 3
    object_record: int = 20
    aligned_segments: bool = True
    own_address: bool = True
    own_address_in_pie: bool = True
    static_tls_surplus: int = 800
    pointer: int = 4
    unique_entry: int = 16


_I386 = GlibcTable("2.36")
_X86_64 = GlibcTable(
    "2.36",
    link_map=1224,
    audit=256,
    vdso_audit=256,
    name_record=24,
    directory=40,
    tcb=2368,
    version_record=24,
    vdso_versions=2,
    object_record=32,
    pointer=8,
    unique_entry=32,
)
TABLES = {
    # dl_find_object and segments of large alignment came with 2.35
    (I686, "2.31"): _I386._replace(
        version="2.31",
        link_map=628,
        vdso_audit=0,
        hwcap_list=16,
        object_record=0,
        aligned_segments=False,
        own_address_in_pie=False,
    ),
    (I686, "2.36"): _I386,
    # processor-specific subdirectories of i386 went with 2.37
    (I686, "2.41"): _I386._replace(version="2.41", link_map=648, has_combinations=False, rseq_area=32),
    (X86_64, "2.36"): _X86_64,
}

_NEAREST = "2.36"


def with_own_address(table: GlibcTable, files: ProgramFiles) -> GlibcTable:
    """The table with the word on whether libraries go to their own address in this very program."""
    fixed = files.program.image.type == ET_EXEC
    return table._replace(own_address=table.own_address and (fixed or table.own_address_in_pie))


def table_for(files: ProgramFiles, abi: Abi) -> tuple[GlibcTable, bool]:
    """Give the table for a program's C library, and whether it was measured for this very version."""
    found = TABLES.get((abi.machine, files.libc_version or ""))
    return (TABLES[abi.machine, _NEAREST], False) if found is None else (found, True)
