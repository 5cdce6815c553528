"""The files of a program, and what they say: all that a prediction may know."""

from procmem.errors import BadInput
from procmem.model.program_files import ProgramFiles
from procmem.model.raw import MappedFile
from procmem.parse.elf_program import describe_program
from procmem.parse.ld_cache import parse_ld_cache
from procmem.sources.file_helper import call_apart
from procmem.sources.files import NoAnswer
from procmem.sources.program_files import find_program

__all__ = ["program_files"]


def program_files(path: bytes, env: tuple[bytes, ...], mapped: MappedFile | None = None) -> ProgramFiles:
    """Read all that a prediction may know about a program; with ``mapped``, only if the program is that file.

    Raises:
        BadInput: no such file, no 32-bit x86 program, or its interpreter is missing; or a file does not answer.
    """
    try:
        return call_apart(lambda: find_program(path, env, describe_program, parse_ld_cache, mapped))
    except NoAnswer as error:
        raise BadInput("no-answer", path=path) from error
