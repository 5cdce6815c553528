"""The program of the textbook, which exists on paper only: text, data, BSS, heap, mappings, stack.

It has the sizes of a small real program, one library and a dynamic linker, and it runs through the same
machine as a real file does; only its ELF headers are written here instead of by a linker.
"""

from procmem.model.elf import (
    ET_DYN,
    ET_EXEC,
    PF_R,
    PF_W,
    PF_X,
    PT_GNU_RELRO,
    PT_GNU_STACK,
    PT_INTERP,
    PT_LOAD,
    ElfImage,
    Segment,
)
from procmem.model.libc_files import GLIBC, LINKER_386
from procmem.model.program_files import Lookup, Needed, ProgramFiles, ProgramObject
from procmem.model.simulation import PAGE

__all__ = ["ARGV", "BODY", "EXEC_PATH", "files"]

EXEC_PATH = b"/usr/bin/textbook"
ARGV = (b"textbook",)
_LINKER = b"/lib/" + LINKER_386
_LIBRARY = b"/lib/" + GLIBC
_KIB = 1024

BODY = """\
malloc list 100K
malloc table 60K
mmap file 256K r-- /usr/share/textbook.dat
mmap buffer 1M rw-
touch buffer
recurse 64K
"""
"""What the program does in ``main``: uses its heap, maps a file and a buffer, calls itself a few times."""


def _segment(flags: int, vaddr: int, filesz: int, memsz: int | None = None) -> Segment:
    return Segment(PT_LOAD, flags, vaddr % (1 << 24), vaddr, filesz, filesz if memsz is None else memsz, PAGE)


def _image(kind: int, entry: int, segments: tuple[Segment, ...]) -> ElfImage:
    stack = Segment(PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 16)
    return ElfImage(32, True, kind, 3, entry, 52, 0, 0, 0, 0, (*segments, stack))


def _program() -> ElfImage:
    """Text of 160 KiB at the address all books print, data of 20 KiB, a BSS of 300 KiB."""
    text = _segment(PF_R | PF_X, 0x0804_8000, 160 * _KIB)
    data_at = text.vaddr + 160 * _KIB
    data = Segment(PT_LOAD, PF_R | PF_W, 160 * _KIB, data_at, 20 * _KIB, 320 * _KIB, PAGE)
    asks = Segment(PT_INTERP, PF_R, 0x154, text.vaddr + 0x154, len(_LINKER) + 1, len(_LINKER) + 1, 1)
    return _image(ET_EXEC, text.vaddr + 0x400, (asks, text._replace(offset=0), data))


def _shared(text: int, data: int, bss: int, relro: int) -> ElfImage:
    """A shared object in the modern form: text, then data of which the first part becomes read-only."""
    rw_at = text
    return _image(
        ET_DYN,
        0x1000,
        (
            Segment(PT_LOAD, PF_R | PF_X, 0, 0, text, text, PAGE),
            Segment(PT_LOAD, PF_R | PF_W, rw_at, rw_at, data, data + bss, PAGE),
            Segment(PT_GNU_RELRO, PF_R, rw_at, rw_at, relro, relro, 1),
        ),
    )


def files() -> ProgramFiles:
    """The textbook program with its linker and its one library."""
    library = ProgramObject(
        _LIBRARY,
        _LIBRARY,
        _shared(1600 * _KIB, 16 * _KIB, 40 * _KIB, 8 * _KIB),
        needed_names=(_LINKER.rpartition(b"/")[2],),
        needed=(Needed(_LINKER.rpartition(b"/")[2], Lookup.ALREADY),),
        soname=GLIBC,
        highest_version=53,
    )
    linker = ProgramObject(
        _LINKER,
        _LINKER,
        _shared(160 * _KIB, 12 * _KIB, 0, 8 * _KIB),
        soname=LINKER_386,
        highest_version=8,
    )
    program = ProgramObject(
        EXEC_PATH,
        EXEC_PATH,
        _program(),
        interpreter=_LINKER,
        needed_names=(GLIBC,),
        needed=(Needed(GLIBC, Lookup.CACHE, 0, _LIBRARY, cache_used=True),),
        highest_version=3,
    )
    return ProgramFiles(
        program,
        linker,
        (library,),
        cache_size=48 * _KIB,
        system_dirs=(b"/lib/", b"/usr/lib/"),
        libc_version="2.36",
    )
