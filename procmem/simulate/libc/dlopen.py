"""A library that is opened while the program runs: what dlopen maps, as the dynamic linker does it then.

It is the work of the start once more, with two differences: what the linker keeps comes from the program's malloc, and
``/etc/ld.so.cache`` is mapped anew where a name has to be looked up in it. It stays until the constructors have run, so
that the libraries lie below it and its place is a hole again.

Source: glibc elf/dl-open.c, dl_open_worker_begin() and _dl_open(); elf/dl-load.c, elf/dl-deps.c, elf/dl-version.c.
"""

from procmem.model.elf import PF_X, PT_GNU_STACK
from procmem.model.libc_files import LD_CACHE
from procmem.model.note import note
from procmem.model.permissions import READ_ONLY, READ_WRITE_EXECUTE, permissions
from procmem.model.program_files import Needed, OpenedLibrary, ProgramFiles, ProgramObject
from procmem.model.simulation import PAGE, AreaRole
from procmem.simulate.arch.layout import page_down
from procmem.simulate.kernel.calls import Caller
from procmem.simulate.kernel.events import Map, Protect, Unmap
from procmem.simulate.libc.constructors import construct
from procmem.simulate.libc.glibc_versions import GlibcTable
from procmem.simulate.libc.loader_library import map_library, protect_relro, relocate_text
from procmem.simulate.libc.malloc import Malloc

__all__ = ["open_library", "wants_executable_stack"]


def open_library(caller: Caller, malloc: Malloc, files: ProgramFiles, opened: OpenedLibrary, table: GlibcTable) -> None:
    """Map a library and what it needs that is not there yet, relocate them, and run their constructors."""
    opening = _Opening(caller, malloc, files, opened, table)
    opening.load_all()
    opening.relocate()
    construct(caller, malloc, opened.libraries, opened.first)
    opening.finish()


def wants_executable_stack(loaded: ProgramObject) -> bool:
    """Whether glibc takes it that the object needs executable stacks: also where it does not say."""
    header = loaded.image.first(PT_GNU_STACK)
    return header is None or bool(header.flags & PF_X)


class _Opening:
    """One call of dlopen."""

    def __init__(
        self, caller: Caller, malloc: Malloc, files: ProgramFiles, opened: OpenedLibrary, table: GlibcTable
    ) -> None:
        self._caller = caller
        self._malloc = malloc
        self._files = files
        self._opened = opened
        self._table = table
        self._biases: list[int] = []
        self._cache_at: int | None = None

    def load_all(self) -> None:
        """The library itself, then breadth first what it needs; their lists and version tables."""
        self._load(self._opened.needed)
        for library in self._opened.libraries:  # in the order in which they are loaded, while more come
            for needed in library.needed:
                self._load(needed)
            self._take(self._table.pointer * (2 * (len(library.needed) + 1) + 1))
        self._take(self._table.pointer * (2 * len(self._opened.libraries) + 1))
        for library in self._opened.libraries:
            if library.highest_version:
                self._take(self._table.version_record * (library.highest_version + 1))

    def relocate(self) -> None:
        """Write to text where an object needs it, then take the right to write from the RELRO parts."""
        for library, bias in reversed(list(zip(self._opened.libraries, self._biases, strict=True))):
            relocate_text(self._caller, library, bias)
            protect_relro(self._caller, library, bias)

    def finish(self) -> None:
        """Unmap the cache; its place is free again."""
        if self._cache_at is not None:
            self._caller.do(Unmap(self._cache_at, self._files.cache_size))

    def _take(self, size: int) -> None:
        self._malloc.allocate(size)

    def _load(self, needed: Needed) -> None:
        if needed.cache_used and self._cache_at is None and self._files.cache_size:
            rule = note("ld-cache")
            self._cache_at = self._caller.do(
                Map(self._files.cache_size, READ_ONLY, name=LD_CACHE, role=AreaRole.MMAP, rule=rule)
            )
        if needed.library is None:
            return
        library = self._opened.libraries[needed.library - self._opened.first]
        self._take(len(needed.opened) + 1)
        self._take(self._table.link_map + len(needed.name) + 1)
        self._take(len(needed.opened) + 1)
        self._biases.append(map_library(self._caller, library, self._table))
        self._widen_stack_rights(library)

    def _widen_stack_rights(self, library: ProgramObject) -> None:
        """Make the stack executable where a library asks for it (_dl_make_stack_executable())."""
        space = self._caller.space
        stack = next((vma for vma in space.vmas if vma.start <= space.start_stack < vma.end), None)
        if stack is not None and wants_executable_stack(library) and not permissions(stack.perms).executable:
            rule = note("ld-executable-stack")
            page = page_down(space.start_stack)
            self._caller.do(Protect(page, PAGE, READ_WRITE_EXECUTE, rule=rule, grows_down=True))
