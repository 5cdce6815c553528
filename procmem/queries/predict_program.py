"""The files of a program, and what they say: all that a prediction may know."""

from procmem.errors import BadInput
from procmem.model.machine import X86_64
from procmem.model.program_files import ProgramFiles
from procmem.model.raw import MappedFile
from procmem.model.simulation import KernelKind
from procmem.parse.elf_program import describe_program
from procmem.parse.ld_cache import parse_ld_cache
from procmem.parse.processor_names import processor_names
from procmem.simulate.kernel.personality import kernel_kind
from procmem.sources.file_helper import call_apart
from procmem.sources.files import NoAnswer
from procmem.sources.program_files import Parsers, find_program

__all__ = ["kernel_of", "program_files"]

_PARSERS = Parsers(describe_program, parse_ld_cache, processor_names)


def kernel_of(files: ProgramFiles, asked: str | None) -> KernelKind:
    """Which kind of program and kernel it is about: as asked, else by the program's word size on x86-64."""
    return KernelKind(asked) if asked is not None else kernel_kind(X86_64, files.program.image.bits)


def program_files(path: bytes, env: tuple[bytes, ...], mapped: MappedFile | None = None) -> ProgramFiles:
    """Read all that a prediction may know about a program; with ``mapped``, only if the program is that file.

    Raises:
        BadInput: no such file, no x86 program, or its interpreter is missing; or a file does not answer.
    """
    try:
        return call_apart(lambda: find_program(path, env, _PARSERS, mapped))
    except NoAnswer as error:
        raise BadInput("no-answer", path=path) from error
