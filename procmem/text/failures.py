"""Why a program would not begin, did not get to a stage, or cannot be looked at or compared there."""

from procmem.model.note import Note
from procmem.text import N_
from procmem.text.notes import told

__all__ = ["ENDINGS", "FAILURES", "HEADER_PROBLEMS", "failure_text"]

FAILURES = {
    "exec-not-x86": N_("no {bits}-bit x86 ELF file, which this kernel is asked for"),
    "exec-type": N_("exec: neither an executable nor a shared object (ENOEXEC)"),
    "exec-no-load": N_("exec: no PT_LOAD segment, nothing to run"),
    "exec-no-room-program": N_("exec: no room for the program (ENOMEM)"),
    "exec-no-room-interpreter": N_("exec: no room for the interpreter (ENOMEM)"),
    "exec-overlap": N_("exec: a segment lies where something else is; the kernel kills it"),
    "exec-no-room-bss": N_("exec: no room for the BSS; the kernel kills it"),
    "exec-beyond": N_("exec: a segment reaches beyond user space; the kernel kills it"),
    "exec-misaligned": N_("exec: a segment lies otherwise in its page than in the file (EINVAL); the kernel kills it"),
    "exec-no-room-vdso": N_("exec: no room for the vdso (ENOMEM)"),
    "exec-no-room-tables": N_("exec: no room for the argument tables on the stack; the kernel kills it"),
    "exec-strings-limit": N_("exec: arguments and environment exceed the stack limit (E2BIG)"),
    "exec-strings-long": N_("exec: arguments and environment are too long (E2BIG)"),
    "library-missing": N_("ld.so: {name:name} is not found; the program ends before its entry point"),
}
"""Why the kernel or the dynamic linker would not let a program begin: predictions like any other."""

HEADER_PROBLEMS = {
    "elf-magic": N_("ELF not readable: it does not begin with the ELF magic number"),
    "elf-class": N_("ELF not readable: the ELF header is cut off or of an unknown class"),
    "elf-header-cut": N_("ELF not readable: the ELF header is cut off"),
    "elf-header-count": N_("ELF not readable: it claims 65,535 or more program headers"),
    "elf-header-size": N_("ELF not readable: program headers of {size} bytes, where {due} are due"),
    "elf-too-many-headers": N_("ELF not readable: {count} program headers are more than any loader takes"),
    "elf-headers-beyond": N_("ELF not readable: the program headers lie beyond the end of the file"),
    "elf-load-file": N_("ELF not readable: a PT_LOAD has more bytes in the file than in memory"),
    "elf-load-beyond": N_("ELF not readable: a PT_LOAD reaches beyond the address space"),
}
"""Why the headers of a file could not be read."""

ENDINGS = {
    "with-zero-draw": N_("{failure} (with the zero draw; others may go well)"),
    "refused": N_("execve was refused"),
    "gone": N_("it is gone"),
    "signal": N_("it was ended by signal {signal}"),
    "status": N_("it ended with status {status}"),
    "main-unknown": N_("neither a symbol nor the start code tells where main is"),
    "drawn": N_("whether it gets here depends on the drawn values"),
    "not-reached": N_("not reached"),
    "ended-by-itself": N_("before main, code of the program's own ran: {how}"),
    "ended-in-constructor": N_("code of the library ended it: {how}"),
    "dlopen-refused": N_("the dynamic linker refused it: {reason:name}"),
    "only-main": N_("{why}; only main can be looked at without it"),
    "ended-before-stop": N_("{why}; and it ended before it could be stopped"),
    "no-tracing": N_("process {pid}: tracing our own child failed: {reason}"),
    "not-x86": N_("the simulator predicts programs of x86; of others the laws are checked"),
    "no-program": N_("its mappings or its program may not be read"),
    "linker-by-hand": N_("the dynamic linker was started by hand: what it maps for its program is not predicted"),
    "no-start": N_("how it was started may not be read (stat, auxv)"),
}
"""Why a stage is not reached, or cannot be looked at or compared."""


def failure_text(failure: Note) -> str:
    """Why there is no process at a stage, or none that can be looked at or compared."""
    return told({**ENDINGS, **FAILURES}, failure)
