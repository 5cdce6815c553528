"""The files of a program, and what they say: all that a prediction may know."""

from procmem.model.program_files import ProgramFiles
from procmem.parse.elf_program import describe_program
from procmem.parse.ld_cache import parse_ld_cache
from procmem.sources.program_files import find_program

__all__ = ["program_files"]


def program_files(path: bytes, env: tuple[bytes, ...]) -> ProgramFiles:
    """Read all that a prediction may know about a program.

    Raises:
        BadInput: no such file, no 32-bit x86 program, or its interpreter is missing.
    """
    return find_program(path, env, describe_program, parse_ld_cache)
