"""The files of a program, and what they say: all that a prediction may know."""

from collections.abc import Sequence

from procmem.errors import BadInput
from procmem.model.machine import X86_64
from procmem.model.program_files import ProgramFiles
from procmem.model.raw import MappedFile
from procmem.model.simulation import KernelKind, Settings
from procmem.parse.elf_program import describe_program
from procmem.parse.ld_cache import parse_ld_cache
from procmem.parse.processor_names import processor_names
from procmem.simulate.kernel.personality import kernel_kind
from procmem.simulate.script.language import Step, opened_names
from procmem.sources.file_helper import call_apart
from procmem.sources.files import NoAnswer
from procmem.sources.program_files import Parsers, find_program

__all__ = ["files_for_script", "kernel_of", "program_files"]

_PARSERS = Parsers(describe_program, parse_ld_cache, processor_names)


def kernel_of(files: ProgramFiles, asked: str | None) -> KernelKind:
    """Which kind of program and kernel it is about: as asked, else by the program's word size on x86-64."""
    return KernelKind(asked) if asked is not None else kernel_kind(X86_64, files.program.image.bits)


def program_files(
    path: bytes,
    env: tuple[bytes, ...],
    mapped: MappedFile | None = None,
    opened_later: Sequence[bytes] = (),
) -> ProgramFiles:
    """Read all that a prediction may know about a program; with ``mapped``, only if the program is that file.

    ``opened_later`` are names that the program will hand to dlopen.

    Raises:
        BadInput: no such file, no x86 program, or its interpreter is missing; or a file does not answer.
    """
    try:
        return call_apart(lambda: find_program(path, env, _PARSERS, mapped, opened_later))
    except NoAnswer as error:
        raise BadInput("no-answer", path=path) from error


def files_for_script(files: ProgramFiles, settings: Settings, steps: Sequence[Step]) -> ProgramFiles:
    """The files of a program, with the libraries that the steps of a script open."""
    names = opened_names(steps)
    if not names or not files.program.identity[1]:  # a program that is no file opens nothing
        return files
    return program_files(settings.exec_path, settings.env, opened_later=names)
