"""The program of the textbook, which exists on paper only: text, data, BSS, heap, mappings, stack.

It has the sizes of a small real program, one library and a dynamic linker, and it runs through the same
machine as a real file does; only its ELF headers are written here instead of by a linker.
"""

from procmem.model.elf import (
    EM_386,
    EM_X86_64,
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
from procmem.model.libc_files import GLIBC, LINKER_386, LINKER_X86_64
from procmem.model.named_tuple import NamedTuple
from procmem.model.program_files import Lookup, Needed, ProgramFiles, ProgramObject
from procmem.model.simulation import PAGE

__all__ = ["ARGV", "BODY", "EXEC_PATH", "files"]

EXEC_PATH = b"/usr/bin/textbook"
ARGV = (b"textbook",)
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


class _Edition(NamedTuple):
    """What differs between the program of 32 and of 64 bits: headers, where text begins, files, words of variables."""

    bits: int
    machine: int
    header: int
    text_at: int
    linker: bytes
    library: bytes
    word: int


_EDITIONS = {
    32: _Edition(32, EM_386, 52, 0x0804_8000, b"/lib/" + LINKER_386, b"/lib/" + GLIBC, 4),
    64: _Edition(64, EM_X86_64, 64, 0x40_0000, b"/lib64/" + LINKER_X86_64, b"/lib/x86_64-linux-gnu/" + GLIBC, 8),
}


def _segment(flags: int, vaddr: int, filesz: int, memsz: int | None = None) -> Segment:
    return Segment(PT_LOAD, flags, vaddr % (1 << 24), vaddr, filesz, filesz if memsz is None else memsz, PAGE)


def _image(edition: _Edition, kind: int, entry: int, segments: tuple[Segment, ...]) -> ElfImage:
    stack = Segment(PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 16)
    return ElfImage(edition.bits, True, kind, edition.machine, entry, edition.header, 0, 0, 0, 0, (*segments, stack))


def _program(edition: _Edition) -> ElfImage:
    """Text of 160 KiB at the address all books print, data of 20 KiB, a BSS of 300 KiB."""
    text = _segment(PF_R | PF_X, edition.text_at, 160 * _KIB)
    data_at = text.vaddr + 160 * _KIB
    data = Segment(PT_LOAD, PF_R | PF_W, 160 * _KIB, data_at, 20 * _KIB, 320 * _KIB, PAGE)
    length = len(edition.linker) + 1
    asks = Segment(PT_INTERP, PF_R, 0x154, text.vaddr + 0x154, length, length, 1)
    return _image(edition, ET_EXEC, text.vaddr + 0x400, (asks, text._replace(offset=0), data))


def _shared(edition: _Edition, text: int, data: int, bss: int) -> ElfImage:
    """A shared object in the modern form: text, then data of which the first part becomes read-only."""
    rw_at, relro = text, 8 * _KIB
    return _image(
        edition,
        ET_DYN,
        0x1000,
        (
            Segment(PT_LOAD, PF_R | PF_X, 0, 0, text, text, PAGE),
            Segment(PT_LOAD, PF_R | PF_W, rw_at, rw_at, data, data + bss, PAGE),
            Segment(PT_GNU_RELRO, PF_R, rw_at, rw_at, relro, relro, 1),
        ),
    )


def files(bits: int = 32) -> ProgramFiles:
    """The textbook program with its linker and its one library, for i386 or for x86-64."""
    edition = _EDITIONS[bits]
    linker_name = edition.linker.rpartition(b"/")[2]
    folder = edition.library.removesuffix(GLIBC)
    library = ProgramObject(
        edition.library,
        edition.library,
        _shared(edition, 1600 * _KIB, 4 * edition.word * _KIB, 40 * _KIB),
        needed_names=(linker_name,),
        needed=(Needed(linker_name, Lookup.ALREADY),),
        soname=GLIBC,
        highest_version=53,
    )
    linker = ProgramObject(
        edition.linker,
        edition.linker,
        _shared(edition, 160 * _KIB, 3 * edition.word * _KIB, 0),
        soname=linker_name,
        highest_version=8,
    )
    program = ProgramObject(
        EXEC_PATH,
        EXEC_PATH,
        _program(edition),
        interpreter=edition.linker,
        needed_names=(GLIBC,),
        needed=(Needed(GLIBC, Lookup.CACHE, 0, edition.library, cache_used=True),),
        highest_version=3,
    )
    return ProgramFiles(
        program,
        linker,
        (library,),
        cache_size=48 * _KIB,
        system_dirs=(folder, b"/usr" + folder),
        libc_version="2.36",
    )
