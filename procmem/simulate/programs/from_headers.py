"""A program as exec sees it, made of the headers of what a process has mapped: where its files are not at hand."""

from collections.abc import Sequence

from procmem.model.elf import PT_INTERP
from procmem.model.libc_files import UNNAMED_LINKER
from procmem.model.program_files import ProgramFiles, ProgramObject
from procmem.model.region import ElfObject

__all__ = ["files_of_headers"]


def files_of_headers(program: ElfObject, objects: Sequence[ElfObject], base: int | None) -> ProgramFiles:
    """The program and its interpreter by their headers alone, which is all that exec looks at.

    ``base`` is AT_BASE, which tells the interpreter among the objects.
    """
    linker = next((item for item in objects if base and item.file.holds(base)), None)
    interpreter = _loaded(linker) if linker is not None and linker.image else None
    return ProgramFiles(program=_loaded(program), interpreter=interpreter)


def _loaded(item: ElfObject) -> ProgramObject:
    assert item.image is not None
    asks = UNNAMED_LINKER if item.image.first(PT_INTERP) is not None else None
    return ProgramObject(item.file.path, item.file.path, item.image, interpreter=asks, soname=item.soname)
