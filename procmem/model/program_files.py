"""What a simulated program is made of: ELF objects, and how each was found.

A prediction may know nothing else of a program than what stands here, and here stands nothing that a
running process could tell. Paths are raw bytes, as the kernel and the dynamic linker see them.
"""

from __future__ import annotations

from procmem.model.elf import ElfImage
from procmem.model.enumeration import Enumeration
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import ByteReader

__all__ = [
    "LdCacheEntry",
    "Lookup",
    "Needed",
    "OpenedFile",
    "ProgramFiles",
    "ProgramObject",
    "SearchDir",
    "SearchList",
]


class OpenedFile(NamedTuple):
    """A file as it was found: the path it was asked by, the one without links, and its bytes.

    ``identity`` is device and inode; ``changes_ids`` says that the file is set-user-ID or -group-ID, ``is_secure``
    that exec gives us another user or group by that. ``fdinfo`` and ``mountinfo`` are what proc said of the open file
    and of all mounts.
    """

    opened: bytes
    real: bytes
    size: int
    identity: tuple[int, int]
    reader: ByteReader
    changes_ids: bool = False
    is_secure: bool = False
    fdinfo: bytes = b""
    mountinfo: bytes = b""


class LdCacheEntry(NamedTuple):
    """One line of /etc/ld.so.cache: ``flags`` tells the ABI, ``hwcap`` what the processor must have.

    ``level`` is the subdirectory of ``glibc-hwcaps`` that the library lies in, empty for the others.
    """

    name: bytes
    path: bytes
    flags: int
    hwcap: int
    level: bytes = b""


class Lookup(Enumeration):
    """By which of its places the dynamic linker found an object; the value tells it in words."""

    PATH = "named by its path"
    RPATH = "RPATH"
    LD_LIBRARY_PATH = "LD_LIBRARY_PATH"
    RUNPATH = "RUNPATH"
    CACHE = "/etc/ld.so.cache"
    DEFAULT = "default directories"
    PRELOAD = "LD_PRELOAD"
    ALREADY = "already loaded"
    MISSING = "not found"


class SearchDir(NamedTuple):
    """One directory of a search list: as it is written there, and what it means (``$ORIGIN`` put in)."""

    text: bytes
    path: bytes


class SearchList(NamedTuple):
    """An RPATH, RUNPATH or LD_LIBRARY_PATH: the whole string, and its directories in order."""

    text: bytes
    dirs: tuple[SearchDir, ...]


class Needed(NamedTuple):
    """One name that the dynamic linker was asked for, and what became of it.

    ``library`` counts the libraries in load order from 0; it is None where nothing new was loaded.
    ``opened`` is the path as the dynamic linker built it, not resolved. ``consulted`` names the lists that
    were searched before it was found, as (owner, kind): owner -1 is the program, others are libraries.
    ``alias`` says that a loaded object got a further name.
    """

    name: bytes
    lookup: Lookup
    library: int | None = None
    opened: bytes = b""
    consulted: tuple[tuple[int, Lookup], ...] = ()
    cache_used: bool = False
    alias: bool = False


class ProgramObject(NamedTuple):
    """An ELF object as its file tells it: only what decides the map.

    ``opened`` is the path by which it is opened, ``real`` the one that ``maps`` prints. ``needed`` are its
    DT_NEEDED entries, ``identity`` is device and inode, ``highest_version`` is the highest symbol-version
    index, None without versions.
    ``main`` is the address of ``main`` in the file, None where no symbol tells it. ``glibc_version`` is empty
    where the file holds a glibc that does not tell its version, None where it holds none. ``unique_symbols``
    are those of C++ that exist once in a process, as far as relocations name them. ``constructors`` counts
    those beyond the one that every object has, ``early_constructors`` those among them that run before the program's
    entry point, ``constructor_threads`` those of a static program whose code leads to the system call that starts a
    thread; ``changes_ids`` says that the file is set-user-ID or -group-ID,
    ``is_secure`` that exec gives us another user or group by that (AT_SECURE). ``huge_aligned``
    says that its file system asks for places at borders of huge pages, None where that is not known;
    ``holds_stdcxx`` that the program has C++'s own library linked in.
    """

    opened: bytes
    real: bytes
    image: ElfImage
    identity: tuple[int, int] = (0, 0)
    interpreter: bytes | None = None
    needed_names: tuple[bytes, ...] = ()
    needed: tuple[Needed, ...] = ()
    soname: bytes | None = None
    rpath: SearchList | None = None
    runpath: SearchList | None = None
    textrel: bool = False
    highest_version: int | None = None
    build_id: str | None = None
    glibc_version: str | None = None
    system_dirs: tuple[bytes, ...] = ()
    unique_symbols: frozenset[bytes] = frozenset()
    constructors: int = 0
    early_constructors: int = 0
    constructor_threads: int = 0
    changes_ids: bool = False
    is_secure: bool = False
    main: int | None = None
    huge_aligned: bool | None = None
    holds_stdcxx: bool = False

    def main_at(self, entry: int) -> int | None:
        """Where ``main`` lies in a process whose entry point lies at ``entry``; None where no symbol tells it."""
        return None if self.main is None else self.main + entry - self.image.entry


class OpenedLibrary(NamedTuple):
    """What dlopen of a name comes to: the name, and the libraries that come with it, in load order.

    ``first`` is the number of the first of them, counted on from those that the program starts with and from those
    opened before; ``missing`` is a library that is not found, so that nothing is opened.
    """

    needed: Needed
    first: int = 0
    libraries: tuple[ProgramObject, ...] = ()
    missing: bytes | None = None


class ProcessorNames(NamedTuple):
    """What the dynamic linker calls the processor; the defaults are those of every i386 program.

    ``levels`` are the subdirectories for the levels of x86-64, the best first, with a slash at the end; ``platform`` is
    what ``$PLATFORM`` stands for; ``capabilities`` are the names of other properties, by their bits, for which glibc
    before 2.37 has subdirectories in all combinations.
    """

    levels: tuple[bytes, ...] = ()
    platform: bytes = b"i686"
    capabilities: tuple[bytes, ...] = (b"sse2",)

    @property
    def parts(self) -> tuple[bytes, ...]:
        """The names of which all combinations are subdirectories (elf/dl-hwcaps.c, _dl_important_hwcaps())."""
        return (*self.capabilities, self.platform, b"tls")


class ProgramFiles(NamedTuple):
    """Values read from files, and nothing from any process: the predictor's whole knowledge.

    ``libraries`` are in load order (preloads, then breadth first); ``system_dirs`` are the directories
    built into the dynamic linker; ``cache_size`` is the size of /etc/ld.so.cache in bytes. ``processor``
    is what that linker calls the processor; ``cwd`` is the working directory, from which relative names count.
    """

    program: ProgramObject
    interpreter: ProgramObject | None = None
    libraries: tuple[ProgramObject, ...] = ()
    preload: tuple[Needed, ...] = ()
    library_path: SearchList | None = None
    cache_size: int = 0
    system_dirs: tuple[bytes, ...] = ()
    libc_version: str | None = None
    notes: tuple[Note, ...] = ()
    processor: ProcessorNames = ProcessorNames()
    cwd: bytes = b"/"
    missing: bytes | None = None
    """A library that the dynamic linker would not find; it would end the program there."""
    opened: tuple[OpenedLibrary, ...] = ()
    """Libraries that the program will open while it runs, in that order."""
