"""A simulated program that opens a library: what it has mapped then, and what is not certain from then on."""

from procmem.model.elf import PT_TLS
from procmem.model.note import Note, note
from procmem.model.program_files import OpenedLibrary
from procmem.model.simulation import Base
from procmem.simulate.kernel.calls import Caller
from procmem.simulate.libc.constructors import unforeseeable, unknown_constructors
from procmem.simulate.libc.dlopen import open_library, wants_executable_stack
from procmem.simulate.libc.glibc_versions import table_for, with_own_address
from procmem.simulate.libc.malloc import Malloc
from procmem.simulate.libc.musl import is_musl
from procmem.simulate.programs.predict import Running

__all__ = ["can_open", "open_later"]


def can_open(running: Running) -> bool:
    """Whether the program has a dynamic linker that is known: glibc's."""
    return running.files is not None and running.files.interpreter is not None and not is_musl(running.files)


def open_later(running: Running, caller: Caller, malloc: Malloc, name: bytes) -> tuple[Running, Note | None]:
    """Open a library by dlopen; gives what is known of the program then, and what came of the call.

    Only what was read of the program's files before can be opened. What the linker asks malloc for is about as much
    as is simulated, so the heap is known in shape only from then on.
    """
    files = running.files
    assert files is not None
    found = next((one for one in files.opened if one.needed.name == name), None)
    running = running._replace(guessed=running.guessed | {Base.BRK})
    malloc.allocate(len(name) + 1)  # for a copy of the name, or for what dlerror() tells
    if found is None or found.missing is not None:
        return running, note("no-library", name=name if found is None else found.missing)
    new = found.libraries if name not in running.opened else ()
    if not new:
        return running, note("already-open")
    table, measured = table_for(files, caller.space.layout.abi)
    found = found._replace(libraries=new)
    open_library(caller, malloc, files, found, with_own_address(table, files))
    return _known_after(running, found, measured=measured), None


def _known_after(running: Running, found: OpenedLibrary, *, measured: bool) -> Running:
    unknown, mapping = unknown_constructors(found.libraries), unforeseeable(found.libraries)
    notes = [note("constructor-unknown-later", library=library) for library in unknown]
    notes += [note("library-maps", library=library) for library in mapping]
    modules = sum(1 for library in found.libraries if library.image.first(PT_TLS) is not None)
    return running._replace(
        modules=running.modules + modules,
        guessed=running.guessed | ({Base.MMAP} if mapping or not measured else set()),
        notes=tuple(dict.fromkeys((*running.notes, *notes))),
        executable_stacks=running.executable_stacks or any(map(wants_executable_stack, found.libraries)),
        may_allocate=running.may_allocate or bool(unknown),
        changed=running.changed | set(unknown.values()),
        opened=(*running.opened, found.needed.name),
    )
