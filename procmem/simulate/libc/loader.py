"""The dynamic linker of glibc, seen as the system calls it makes before the program begins.

In order: its allocator takes a block; preloads and then libraries are mapped breadth first, each once;
``/etc/ld.so.cache`` is mapped when the first library has to be looked up in it; versions, search lists
and thread-local storage take more from the allocator; relocated parts become read-only; at last the
cache is unmapped and leaves a hole. Every library lies where the highest free place was at its moment,
so the number of allocator blocks and the time of each decide all addresses.

Source: glibc elf/rtld.c, dl_main(); elf/dl-load.c, _dl_map_object() and decompose_rpath();
elf/dl-deps.c; elf/dl-version.c; elf/dl-tls.c.
"""

from collections.abc import Sequence
from itertools import pairwise

from procmem.model.elf import PF_R, PF_W, PF_X, PT_GNU_STACK, PT_TLS
from procmem.model.libc_files import GLIBC, LD_CACHE
from procmem.model.note import note
from procmem.model.permissions import READ_ONLY, READ_WRITE_EXECUTE
from procmem.model.program_files import Lookup, Needed, ProgramFiles, ProgramObject, SearchDir, SearchList
from procmem.model.simulation import PAGE, AreaRole, SimSpace
from procmem.simulate.arch.layout import page_down, page_up
from procmem.simulate.kernel.calls import Caller
from procmem.simulate.kernel.events import Map, Protect, Touch, Unmap
from procmem.simulate.libc.glibc_versions import GlibcTable, with_own_address
from procmem.simulate.libc.loader_library import map_library, protect_relro, relocate_text
from procmem.simulate.libc.loader_malloc import SmallBlocks
from procmem.simulate.libc.loader_symbols import unique_tables
from procmem.simulate.libc.tls import static_tls_size

__all__ = ["combined_text", "link"]

_STATUS = 4
"""Bytes of what a directory's record says of each subdirectory (enum r_dir_status)."""
_FEWEST_SHARED = 3
_NEW_PATH = 128
"""Room for the working directory is made in such steps (elf/dl-object.c, _dl_new_object())."""


def link(space: SimSpace, files: ProgramFiles, table: GlibcTable) -> SimSpace:
    """Do all that the dynamic linker does between its first instruction and the program's."""
    linker = _Linker(space, files, table)
    linker.start()
    linker.load_all()
    linker.make_lists()
    linker.make_tls()
    linker.relocate()
    linker.finish()
    return linker.caller.space


def combined_text(names: Sequence[bytes]) -> int:
    """Bytes for the names of all combinations, as the linker counts them: it shares what it can of the text.

    Source: glibc elf/dl-hwcaps.c, _dl_important_hwcaps().
    """
    if len(names) < _FEWEST_SHARED:
        return sum(len(name) + 1 for name in names)
    between = sum(len(name) + 1 for name in names[1:-1])
    return 2 * (len(names[0]) + len(names[-1]) + 2) + between << len(names) - 3


class _Linker:
    """One run; every method is one part of dl_main()."""

    def __init__(self, space: SimSpace, files: ProgramFiles, table: GlibcTable) -> None:
        assert files.interpreter is not None
        self._files = files
        self._interpreter = files.interpreter
        self._table = with_own_address(table, files)
        combined = files.processor.parts if table.has_combinations else ()
        self._slots = (1 << len(combined)) + len(files.processor.levels)
        self._hwcap_text = combined_text(combined) + sum(map(len, files.processor.levels))
        self.caller = Caller(space)
        last = max(files.interpreter.image.loads, key=lambda s: s.vaddr)
        self.blocks = SmallBlocks(self.caller, space.interpreter_base + last.vaddr + last.memsz)
        self._biases: list[int] = []
        self._known_dirs: set[bytes] = set()
        self._taken_lists: set[tuple[int, Lookup]] = set()
        self._cache_at: int | None = None
        self._has_origin: set[int] = set()
        self._linker_names = {files.interpreter.opened, files.interpreter.soname}
        # among which libraries the linker itself was named; where nobody names it, it is not relocated anew
        self._linker_place: int | None = None
        header = files.program.image.first(PT_GNU_STACK)
        self._stack_flags = header.flags if header is not None else PF_R | PF_W | PF_X

    # -- the parts, in order ---------------------------------------------------------------------------

    def start(self) -> None:
        """Records of the program and the vdso, then the search path (_dl_init_paths())."""
        table = self._table
        self.blocks.take(table.link_map + table.audit + 1)
        self.blocks.take(table.link_map + table.vdso_audit + 1)
        # subdirectories for the processor (elf/dl-hwcaps.c, _dl_important_hwcaps())
        self.blocks.take(table.hwcap_list + 2 * table.pointer * len(self._files.processor.levels))
        self.blocks.take(2 * table.pointer * self._slots + self._hwcap_text)
        dirs = self._files.system_dirs
        self.blocks.take(self._table.pointer * (len(dirs) + 1))
        # the records of the built-in directories are one array, so each is rounded up to whole elements
        elements = (2 * table.directory - 1 + _STATUS * self._slots) // table.directory
        self.blocks.take(len(dirs) * elements * table.directory)
        self._known_dirs.update(dirs)
        # the program's own list is broken up at once, those of libraries when they are first needed
        self._take_list(-1, Lookup.RUNPATH)
        self._take_list(-1, Lookup.RPATH)
        path = self._files.library_path
        if path is not None:
            count = 1 + sum(path.text.count(mark) for mark in (b":", b";"))
            self.blocks.take(self._table.pointer * (count + 1))
            for place in path.dirs:
                self._take_directory(place, -1, where=0)

    def load_all(self) -> None:
        """Preloads, then everything needed, breadth first (elf/dl-deps.c, _dl_map_object_deps())."""
        files = self._files
        for needed in files.preload:
            self._load(needed)
        preloaded = sum(1 for needed in files.preload if needed.library is not None)
        queue: list[tuple[int, ProgramObject]] = [(-1, files.program)]
        queue += [(index, files.libraries[index]) for index in range(preloaded)]
        while queue:
            owner, loaded = queue.pop(0)
            for needed in loaded.needed:
                if needed.name in self._linker_names and self._linker_place is None:
                    self._linker_place = len(self._biases)
                self._load(needed)
                if needed.library is not None:
                    queue.append((needed.library, files.libraries[needed.library]))
            if owner >= 0:
                self.blocks.take(self._table.pointer * (2 * (len(loaded.needed) + 1) + 1))

    def make_lists(self) -> None:
        """The search list of all objects, then their version tables (elf/dl-version.c)."""
        table = self._table
        linked = self._linker_place is not None
        objects = 1 + len(self._files.libraries) + linked
        self.blocks.take(self._table.pointer * (2 * objects + 1))
        versions = [library.highest_version for library in self._files.libraries]
        if self._linker_place is not None:
            versions.insert(self._linker_place, self._interpreter.highest_version)
        versions[:0] = [self._files.program.highest_version, table.vdso_versions]
        for highest in versions:
            if highest:
                self.blocks.take(table.version_record * (highest + 1))

    def make_tls(self) -> None:
        """Slot list, the main thread's block and its vector, then the table that finds objects by address."""
        table = self._table
        modules = [
            segment
            for loaded in (self._files.program, *self._files.libraries)
            if (segment := loaded.image.first(PT_TLS)) is not None and segment.memsz
        ]
        count = len(modules)
        self.blocks.take(2 * table.pointer * (count + 1 + table.slot_surplus + 1))
        size, align = static_tls_size(modules, table)
        self.blocks.take(size + align + self._table.pointer)
        self.blocks.take(2 * table.pointer * (count + 2 + table.dtv_surplus))
        for size in unique_tables(len(self._unique_names()), table.unique_entry):
            self.blocks.take(size)
        objects = 1 + len(self._files.libraries) + (self._linker_place is not None)
        loads = self._files.program.image.loads
        if any(page_up(low.vaddr + low.memsz) != page_down(high.vaddr) for low, high in pairwise(loads)):
            # a program with holes is entered segment by segment (_dlfo_process_initial())
            objects += len(loads)
        if table.object_record:
            self.blocks.take(table.object_record * objects)

    def _unique_names(self) -> set[bytes]:
        """Symbols of which C++ wants only one in the whole process (STB_GNU_UNIQUE), as far as they are used."""
        names: set[bytes] = set()
        for loaded in (self._files.program, *self._files.libraries):
            names |= loaded.unique_symbols
        return names

    def relocate(self) -> None:
        """Write to text where an object needs it, then take the right to write from the RELRO parts."""
        space = self.caller.space
        for index in reversed(range(len(self._files.libraries))):
            library = self._files.libraries[index]
            relocate_text(self.caller, library, self._biases[index])
            protect_relro(self.caller, library, self._biases[index])
        relocate_text(self.caller, self._files.program, space.program_bias)
        protect_relro(self.caller, self._files.program, space.program_bias)
        if self._linker_place is not None:
            protect_relro(self.caller, self._interpreter, space.interpreter_base)

    def finish(self) -> None:
        """Let libc set its variables, and unmap the cache; its place stays free for later small mappings."""
        for index, library in enumerate(self._files.libraries):
            if library.soname == GLIBC:
                last = library.image.loads[-1]
                self.caller.do(Touch(self._biases[index] + last.vaddr + last.memsz - 1))
        if self._cache_at is not None:
            self.caller.do(Unmap(self._cache_at, self._files.cache_size))

    # -- one object ------------------------------------------------------------------------------------

    def _load(self, needed: Needed) -> None:
        for owner, kind in needed.consulted:
            self._take_list(owner, kind)
        if needed.cache_used and self._cache_at is None and self._files.cache_size:
            rule = note("ld-cache")
            self._cache_at = self.caller.do(
                Map(self._files.cache_size, READ_ONLY, name=LD_CACHE, role=AreaRole.MMAP, rule=rule)
            )
        table = self._table
        if needed.alias and needed.library is None:
            if needed.opened:
                self.blocks.give_back(self.blocks.take(len(needed.opened) + 1))
            self.blocks.take(table.name_record + len(needed.name) + 1)
        if needed.library is None:
            return
        library = self._files.libraries[needed.library]
        self.blocks.take(len(needed.opened) + 1)
        self.blocks.take(table.link_map + len(needed.name) + 1)
        # the directory of a relative name is put in front of it
        cwd = 0 if needed.opened.startswith(b"/") else -(-(len(self._files.cwd) + 1) // _NEW_PATH) * _NEW_PATH
        self.blocks.take(len(needed.opened) + 1 + cwd)
        self._has_origin.add(needed.library)
        self._biases.append(map_library(self.caller, library, table))
        self._widen_stack_rights(library)

    def _widen_stack_rights(self, library: ProgramObject) -> None:
        """Make the stack executable where a library asks for it (_dl_make_stack_executable())."""
        header = library.image.first(PT_GNU_STACK)
        flags = header.flags if header is not None else PF_R | PF_W | PF_X
        if flags & ~self._stack_flags & PF_X:
            self._stack_flags |= PF_X
            page = page_down(self.caller.space.start_stack)
            rule = note("ld-executable-stack")
            self.caller.do(Protect(page, PAGE, READ_WRITE_EXECUTE, rule=rule, grows_down=True))

    # -- search lists ----------------------------------------------------------------------------------

    def _take_list(self, owner: int, kind: Lookup) -> None:
        """Break up an RPATH or RUNPATH when it is first looked at (decompose_rpath())."""
        if (owner, kind) in self._taken_lists:
            return
        self._taken_lists.add((owner, kind))
        loaded = self._files.program if owner < 0 else self._files.libraries[owner]
        found: SearchList | None = loaded.rpath if kind is Lookup.RPATH else loaded.runpath
        if found is None or not found.text:
            return
        self.blocks.take(len(found.text) + 1)
        self.blocks.take(self._table.pointer * (found.text.count(b":") + 2))
        name = b"" if owner < 0 else loaded.opened
        for place in found.dirs:
            self._take_directory(place, owner, where=len(name) + 1)

    def _take_directory(self, place: SearchDir, owner: int, *, where: int) -> None:
        """Expand one directory string and make its record, if it is new (fillin_rpath())."""
        text = 0
        if place.text:
            text = self.blocks.take(self._expanded_size(place, owner))
            if not place.path:
                self.blocks.give_back(text)
                return
        if place.path not in self._known_dirs:
            self._known_dirs.add(place.path)
            record = self._table.directory + _STATUS * self._slots
            self.blocks.take(record + where + len(place.path) + 1)
        if place.text:
            self.blocks.give_back(text)

    def _expanded_size(self, place: SearchDir, owner: int) -> int:
        """Bytes asked for to put ``$ORIGIN`` and its like in (expand_dynamic_string_token())."""
        tokens = sum(place.text.count(token) for token in (b"$ORIGIN", b"${ORIGIN}"))
        others = sum(place.text.count(token) for token in (b"$LIB", b"${LIB}", b"$PLATFORM", b"${PLATFORM}"))
        if not tokens + others:
            return len(place.text) + 1
        origin = self._origin(owner)
        if owner not in self._has_origin:
            # readlink gives the path with its last slash, one byte more than the directory
            self.blocks.take(len(origin) + (1 if origin == b"/" else 2))
            self._has_origin.add(owner)
        # room is made for the longest of all tokens; $LIB is what the first built-in directory is made of
        lib = self._files.system_dirs[0].strip(b"/") if self._files.system_dirs else b"lib"
        longest = max(len(origin), len(lib), len(self._files.processor.platform))
        return len(place.text) + (tokens + others) * max(longest - 4, 0) + 1

    def _origin(self, owner: int) -> bytes:
        path = self._files.program.real if owner < 0 else self._files.libraries[owner].opened
        return path.rpartition(b"/")[0] or b"/"
