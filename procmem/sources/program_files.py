"""The files that a program is made of, found as its dynamic linker would find them.

A prediction may know files and settings only. So this is the place where libraries are looked for, in
the linker's own order: RPATH of the loader and of those who loaded it, LD_LIBRARY_PATH, RUNPATH,
``/etc/ld.so.cache``, the directories built into the linker. Nothing of any process is read. What an ELF
file or the cache says is for others to read: ``describe`` and ``parse_cache`` are handed in.

Source: glibc elf/dl-load.c, _dl_map_object(), open_path(), fillin_rpath(); elf/dl-cache.c;
sysdeps/generic/dl-cache.h for the form of the cache.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence

from procmem.errors import BadInput
from procmem.model.elf import EM_386, EM_X86_64
from procmem.model.libc_files import GLIBC, LD_CACHE, LD_PRELOAD, is_musl_linker
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.program_files import (
    LdCacheEntry,
    Lookup,
    Needed,
    OpenedFile,
    OpenedLibrary,
    ProcessorNames,
    ProgramFiles,
    ProgramObject,
    SearchDir,
    SearchList,
)
from procmem.model.raw import MappedFile
from procmem.sources.library_dirs import Tokens, expand, library_list, with_lists
from procmem.sources.object_file import open_file, own_content, same_file

__all__ = ["Parsers", "find_program"]


class _Search(NamedTuple):
    """What differs for programs of one machine.

    ``cache_flags`` are those of its libraries in the cache (dl-cache.h, _DL_CACHE_DEFAULT_ID), ``vdso`` the name of the
    kernel's own library; ``by_processor`` says that there are libraries for single processors.
    """

    cache_flags: int
    vdso: bytes
    by_processor: bool = False


_SEARCHES = {
    EM_386: _Search(3, b"linux-gate.so.1"),
    EM_X86_64: _Search(0x303, b"linux-vdso.so.1", by_processor=True),
}
_CHANGING = (
    *(b"LD_AUDIT", b"GLIBC_TUNABLES", b"LD_PROFILE", b"LD_TRACE_LOADED_OBJECTS", b"LD_HWCAP_MASK"),
    *(b"MALLOC_ARENA_MAX", b"MALLOC_ARENA_TEST", b"MALLOC_MMAP_MAX_", b"MALLOC_MMAP_THRESHOLD_", b"MALLOC_PERTURB_"),
    *(b"MALLOC_TOP_PAD_", b"MALLOC_TRIM_THRESHOLD_", b"MALLOC_CHECK_", b"MALLOC_TRACE"),
)
"""Variables by which ld.so or malloc does otherwise (ld.so(8), mallopt(3))."""
_MUSL_DIRS = (b"/lib/", b"/usr/local/lib/", b"/usr/lib/")
_MUSL_ITSELF = tuple(b"lib" + name for name in (b"c.", b"pthread.", b"rt.", b"m.", b"dl.", b"util.", b"xnet."))
"""Names that mean musl's own linker (ldso/dynlink.c, load_library())."""

_WITHOUT_CAPABILITIES = (2, 37)
"""From this version on there are none but the levels of x86-64."""


class Parsers(NamedTuple):
    """What reads the content of files: of ELF files, of the linker's cache, of /proc/cpuinfo."""

    describe: Callable[[OpenedFile], ProgramObject | None]
    cache: Callable[[bytes], tuple[LdCacheEntry, ...]]
    processor: Callable[[bytes, int], ProcessorNames]


class _LoadedLibrary:
    """What the finder remembers of one loaded object: its names, and who loaded it."""

    def __init__(self, described: ProgramObject, names: set[bytes], loader: int | None) -> None:
        self.described = described
        self.names = names
        self.loader = loader
        self.soname_added = False
        self.needed: list[Needed] = []


class _LibraryWalk:
    """One walk over a program and all it needs, breadth first."""

    def __init__(self, parsers: Parsers, machine: int, env: Mapping[bytes, bytes], mountinfo: bytes = b"") -> None:
        self._parsers = parsers
        self._mountinfo = mountinfo
        self._objects: dict[bytes, ProgramObject | None] = {}
        self._number = machine
        self._rules = _SEARCHES[machine]
        self._processor = parsers.processor(own_content("/proc/cpuinfo") if self._rules.by_processor else b"", machine)
        self._env = env
        self.libraries: list[_LoadedLibrary] = []
        self.missing: bytes | None = None
        self._cache: dict[bytes, bytes] | None = None
        self.cache_size = 0
        self._capability_dirs = (*self._processor.levels, *_combinations(self._processor.parts))
        self._read_cache()

    def _read_cache(self) -> None:
        opened = open_file(LD_CACHE)
        if opened is None:
            return
        data = opened.reader.read_at(0, opened.size)
        self.cache_size = opened.size
        own = [entry for entry in self._parsers.cache(data) if entry.flags == self._rules.cache_flags]
        # of a name the best level of this processor comes first, what has none last
        ranks = {level: rank for rank, level in enumerate((*self._processor.levels, b"glibc-hwcaps//"))}
        ranked = [(ranks.get(b"glibc-hwcaps/%s/" % entry.level), entry) for entry in own if not entry.hwcap]
        self._cache = {}
        for _rank, entry in sorted(((rank, one) for rank, one in ranked if rank is not None), key=lambda pair: pair[0]):
            self._cache.setdefault(entry.name, entry.path)

    def open_object(self, path: bytes) -> ProgramObject | None:
        """Describe a file, or say that it is no object for this program; each path is looked at once."""
        if path not in self._objects:
            self._objects[path] = self._described(path)
        return self._objects[path]

    def _described(self, path: bytes) -> ProgramObject | None:
        opened = open_file(path, self._mountinfo)
        if opened is None:
            return None
        described = self._parsers.describe(opened)  # its reader closes the file when nobody holds it any more
        fits = described is not None and described.image.loads and described.image.machine == self._number
        return described if fits else None

    def find(self, program: ProgramObject, opened: Sequence[bytes] = ()) -> ProgramFiles:
        """Walk over everything that the program needs, and over what it will open then."""
        interpreter = self._interpreter(program)
        self.system_dirs = interpreter.system_dirs if interpreter is not None else ()
        self._musl = interpreter is not None and is_musl_linker(interpreter.opened)
        if self._musl:
            self.system_dirs = _MUSL_DIRS
        # the word for $LIB is compiled in, and so is the first of the directories, made of it
        self._lib = self.system_dirs[0].strip(b"/") if self.system_dirs else b"lib"
        tokens = Tokens(program.real.rpartition(b"/")[0] or b"/", self._lib, self._processor.platform)
        self.root = _LoadedLibrary(with_lists(program, tokens), {b""}, None)
        self.special = {self._rules.vdso}
        if interpreter is not None:
            self.special |= {name for name in (interpreter.opened, interpreter.soname) if name}
        if interpreter is not None and _version(interpreter.glibc_version) >= _WITHOUT_CAPABILITIES:
            self._capability_dirs = (*self._processor.levels, b"")
        path = self._env.get(b"LD_LIBRARY_PATH")
        self.library_path = library_list(path, tokens, marks=b":;") if path else None
        preload = self._preload() if interpreter is not None else []
        if interpreter is not None:
            self._walk([-1, *range(len(self.libraries))])
        libraries = self._described_from(0)
        missing = self.missing
        later = tuple(map(self._open_later, opened)) if interpreter is not None else ()
        # a static program carries its C library itself; else it is the library's word, or the linker's
        libc = next((library for library in libraries if library.soname == GLIBC), interpreter or program)
        version = libc.glibc_version
        return ProgramFiles(
            program=self.root.described._replace(needed=tuple(self.root.needed)),
            interpreter=interpreter,
            libraries=libraries,
            preload=tuple(preload),
            library_path=self.library_path,
            cache_size=self.cache_size,
            system_dirs=self.system_dirs,
            libc_version=version,
            notes=tuple(self._notes()),
            processor=self._processor,
            cwd=os.getcwdb(),
            missing=missing,
            opened=later,
        )

    def _notes(self) -> list[Note]:
        notes = [note("variable", name=name) for name in _CHANGING if self._env.get(name)]
        if os.path.exists(LD_PRELOAD) and os.path.getsize(LD_PRELOAD):
            notes.append(note("preload"))
        return notes

    def _interpreter(self, program: ProgramObject) -> ProgramObject | None:
        if program.interpreter is None:
            return None
        interpreter = self.open_object(program.interpreter)
        if interpreter is None:
            raise BadInput("no-interpreter", path=program.interpreter)
        return interpreter

    def _preload(self) -> list[Needed]:
        names = re.split(rb"[ :]", self._env.get(b"LD_PRELOAD", b""))
        # a preload that is not found is only complained of
        return [self._resolve(name, -1, preload=True) for name in names if name]

    def _described_from(self, first: int) -> tuple[ProgramObject, ...]:
        return tuple(loaded.described._replace(needed=tuple(loaded.needed)) for loaded in self.libraries[first:])

    def _open_later(self, name: bytes) -> OpenedLibrary:
        """What dlopen of a name finds, called by the program."""
        first, self.missing = len(self.libraries), None
        needed = self._resolve(name, -1)
        self._walk([] if needed.library is None else [needed.library])
        missing = name if needed.lookup is Lookup.MISSING else self.missing
        libraries = self._described_from(first)
        if missing is not None:  # what was loaded for it is given back
            del self.libraries[first:]
        return OpenedLibrary(needed, first, () if missing is not None else libraries, missing)

    def _walk(self, queue: list[int]) -> None:
        while queue:
            index = queue.pop(0)
            loaded = self._object(index)
            for name in loaded.described.needed_names:
                needed = self._resolve(name, index)
                loaded.needed.append(needed)
                if needed.library is not None:
                    queue.append(needed.library)
                if needed.lookup is Lookup.MISSING:
                    self.missing = self.missing or name

    def _object(self, index: int) -> _LoadedLibrary:
        return self.root if index < 0 else self.libraries[index]

    def _resolve(self, name: bytes, loader: int, *, preload: bool = False) -> Needed:
        if name in self.special or (self._musl and name.startswith(_MUSL_ITSELF)):
            return Needed(name, Lookup.ALREADY)
        for known in (self.root, *self.libraries):
            if name in known.names:
                return Needed(name, Lookup.ALREADY)
            if known.described.soname == name and not known.soname_added:
                known.soname_added = True
                known.names.add(name)
                return Needed(name, Lookup.ALREADY, alias=True)
        if b"/" in name:
            path = expand(name, Tokens(self._origin(loader), self._lib, self._processor.platform))
            return self._opened(name, loader, path, Lookup.PRELOAD if preload else Lookup.PATH, ())
        return self._search(name, loader)

    def _origin(self, index: int) -> bytes:
        if index < 0:
            return self.root.described.real.rpartition(b"/")[0] or b"/"
        return _origin_of(self.libraries[index].described.opened)

    def _search(self, name: bytes, loader: int) -> Needed:
        consulted: list[tuple[int, Lookup]] = []
        own = self._object(loader).described
        if own.runpath is None:
            for owner in self._loaders(loader):
                rpath = self._object(owner).described.rpath
                if rpath is not None:
                    consulted.append((owner, Lookup.RPATH))
                    path = self._in_dirs(rpath, name)
                    if path is not None:
                        return self._opened(name, loader, path, Lookup.RPATH, tuple(consulted))
        path = self._in_dirs(self.library_path, name)
        if path is not None:
            return self._opened(name, loader, path, Lookup.LD_LIBRARY_PATH, tuple(consulted))
        if own.runpath is not None:
            consulted.append((loader, Lookup.RUNPATH))
            path = self._in_dirs(own.runpath, name)
            if path is not None:
                return self._opened(name, loader, path, Lookup.RUNPATH, tuple(consulted))
        cached = (self._cache or {}).get(name) if not self._musl else None
        if cached is not None and self.open_object(cached) is not None:
            return self._opened(name, loader, cached, Lookup.CACHE, tuple(consulted), cache_used=True)
        built_in = SearchList(b"", tuple(SearchDir(text, text) for text in self.system_dirs))
        path = self._in_dirs(built_in, name)
        if path is not None:
            return self._opened(name, loader, path, Lookup.DEFAULT, tuple(consulted), cache_used=True)
        return Needed(name, Lookup.MISSING, consulted=tuple(consulted), cache_used=True)

    def _loaders(self, index: int | None) -> list[int]:
        """The object, the one that loaded it, and so on to the program."""
        chain = []
        while index is not None:
            chain.append(index)
            index = self._object(index).loader
        return chain

    def _in_dirs(self, places: SearchList | None, name: bytes) -> bytes | None:
        for place in places.dirs if places is not None else ():
            if place.path and not os.path.isdir(place.path):
                continue
            for part in self._capability_dirs:
                path = place.path + part + name
                if os.path.exists(path) and self.open_object(path) is not None:
                    return path
        return None

    def _opened(
        self,
        name: bytes,
        loader: int,
        path: bytes,
        lookup: Lookup,
        consulted: tuple[tuple[int, Lookup], ...],
        *,
        cache_used: bool = False,
    ) -> Needed:
        described = self.open_object(path)
        if described is None:
            return Needed(name, Lookup.MISSING, consulted=consulted, cache_used=cache_used)
        for known in self.libraries:
            if known.described.identity == described.identity:
                known.names.add(name)
                return Needed(name, Lookup.ALREADY, None, path, consulted, cache_used, alias=True)
        described = with_lists(described, Tokens(_origin_of(path), self._lib, self._processor.platform))
        self.libraries.append(_LoadedLibrary(described, {name, path}, loader))
        return Needed(name, lookup, len(self.libraries) - 1, path, consulted, cache_used)


def _combinations(parts: Sequence[bytes]) -> tuple[bytes, ...]:
    """The subdirectories of all combinations of some names, in the order in which they are tried; none comes last."""
    chosen = (
        [part for at, part in reversed(list(enumerate(parts))) if number >> at & 1]
        for number in reversed(range(1 << len(parts)))
    )
    return tuple(dict.fromkeys(b"".join(part + b"/" for part in names) for names in chosen))


def _version(text: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")) if text else ()


def _origin_of(path: bytes) -> bytes:
    """The directory of an object as the linker keeps it: its own spelling, made absolute."""
    if not path.startswith(b"/"):
        path = os.getcwdb() + b"/" + path
    return path.rpartition(b"/")[0] or b"/"


def find_program(
    path: bytes,
    env: tuple[bytes, ...],
    parsers: Parsers,
    mapped: MappedFile | None = None,
    opened_later: Sequence[bytes] = (),
) -> ProgramFiles:
    """Find a program's interpreter and libraries, as they would be found under this environment.

    With ``mapped``, only if the program is that file: nothing is done by what another one says. ``opened_later`` are
    names that the program will hand to dlopen.

    Raises:
        BadInput: no such file, or no ELF file for x86; or its interpreter is missing.
    """
    variables: dict[bytes, bytes] = {}
    for text in env:
        name, mark, value = text.partition(b"=")
        if mark:
            variables[name] = value
    mountinfo = own_content("/proc/self/mountinfo")
    opened = open_file(path, mountinfo)
    program = None if opened is None else parsers.describe(opened)
    unfit = program is None or not program.image.loads
    if program is None or unfit or (mapped is not None and not same_file(program, mapped)):
        raise BadInput("not-x86", path=path)
    return _LibraryWalk(parsers, program.image.machine, variables, mountinfo).find(program, opened_later)
