"""The table of language runtimes and allocators: how each is recognised, and which memory of nobody else's is its own.

A runtime is recognised without reading memory: by a mapped library's name, a section of the program, the program's own
name. What it then does with anonymous memory is knowledge about such programs, so it gives patterns, never proofs. A
new allocator is a row here and its kinds in ``model.kinds``; one that places its memory by rules of its own has a
module beside this one, with a function ``claims(mappings, runtimes)``, which is loaded only where it was found.
"""

from collections.abc import Callable

from procmem.model import kinds
from procmem.model.kinds import Kind
from procmem.model.libc_files import BIONIC_LIBC, GLIBC_FILES, MUSL_FILES, MUSL_LIBC
from procmem.model.named_tuple import NamedTuple
from procmem.model.region import Certainty

__all__ = ["RUNTIMES", "AnonymousRange", "Pattern", "Runtime"]

_HUGE_PAGE = 2 << 20
_CPYTHON_ARENA = 1 << 20
_MORECORE = 1 << 20  # glibc malloc/malloc.c, MMAP_AS_MORECORE_SIZE
_OPENBLAS_BUFFER = 32 << 20
_RUBY_PAGE = 64 * 1024
_LUAJIT_BLOCK = 128 * 1024
_LIKELY, _GUESS = Certainty.LIKELY, Certainty.GUESS


class AnonymousRange(NamedTuple):
    """A range of writable anonymous memory that nothing else explains.

    ``may_be_malloc`` says that it could be a block of glibc's malloc: its first page was touched, it counts against
    the commit limit, and malloc's own headers were not read.
    """

    start: int
    end: int
    may_be_malloc: bool

    @property
    def size(self) -> int:
        """Bytes."""
        return self.end - self.start

    @property
    def is_aligned(self) -> bool:
        """It begins or ends at a multiple of 2 MiB, as memory does that was asked for with huge pages in mind."""
        return self.start % _HUGE_PAGE == 0 or self.end % _HUGE_PAGE == 0


Pattern = tuple[Kind, Certainty, Callable[[AnonymousRange], bool]]
"""A kind of memory by the look of a block, and how sure that is."""


class Runtime(NamedTuple):
    """One runtime or allocator.

    ``libraries`` are beginnings of file names or sonames, or ends of paths; ``exact`` a whole file name. ``programs``
    are names of executables, also with a version behind; ``sections`` those of its programs, and ``static_sections``
    those of programs that it was linked into. ``module`` has rules on where it places its memory, and ``patterns`` tell
    what else is its own: the first runtime of the table, and its first pattern that fits, decides.
    """

    name: str
    libraries: tuple[bytes, ...] = ()
    exact: bytes | None = None
    programs: tuple[bytes, ...] = ()
    sections: frozenset[str] = frozenset()
    static_sections: frozenset[str] = frozenset()
    module: str | None = None
    patterns: tuple[Pattern, ...] = ()


def _any(_block: AnonymousRange) -> bool:
    return True


def _aligned(block: AnonymousRange) -> bool:
    return block.is_aligned


RUNTIMES: tuple[Runtime, ...] = (
    Runtime("go", sections=frozenset({".go.buildinfo", ".gopclntab"}), module="go"),
    Runtime(
        "v8",
        libraries=(b"libnode.so", b"libv8.so"),
        programs=(b"node", b"nodejs", b"chrome", b"chromium", b"electron", b"deno", b"d8"),
        module="v8",
    ),
    Runtime("bionic", libraries=(BIONIC_LIBC,)),
    Runtime(
        "mimalloc",
        libraries=(b"libmimalloc",),
        patterns=((kinds.MIMALLOC, _LIKELY, _aligned), (kinds.MIMALLOC, _GUESS, _any)),
    ),
    Runtime(
        "jemalloc",
        libraries=(b"libjemalloc",),
        patterns=((kinds.JEMALLOC, _LIKELY, _aligned), (kinds.JEMALLOC, _GUESS, _any)),
    ),
    Runtime("tcmalloc", libraries=(b"libtcmalloc",), patterns=((kinds.TCMALLOC, _LIKELY, _any),)),
    Runtime("php", libraries=(b"libphp",), programs=(b"php",), patterns=((kinds.PHP, _LIKELY, _aligned),)),
    Runtime(
        "cpython",
        libraries=(b"libpython3", b"libpython2"),
        programs=(b"python",),
        patterns=(
            (kinds.CPYTHON_OBMALLOC, _LIKELY, lambda block: block.size % _CPYTHON_ARENA == 0),
            (
                kinds.CPYTHON_OBMALLOC,
                _GUESS,
                lambda block: block.size >= _CPYTHON_ARENA and not block.may_be_malloc,
            ),
        ),
    ),
    Runtime(
        "openblas",
        libraries=(b"libopenblas", b"libscipy_openblas", b"libblas"),
        patterns=((kinds.OPENBLAS, _GUESS, lambda block: block.size >= _OPENBLAS_BUFFER and block.is_aligned),),
    ),
    Runtime(
        "ruby",
        libraries=(b"libruby",),
        programs=(b"ruby",),
        patterns=((kinds.RUBY, _GUESS, lambda block: block.start % _RUBY_PAGE == 0),),
    ),
    Runtime(
        "luajit",
        libraries=(b"libluajit",),
        programs=(b"luajit",),
        patterns=((kinds.LUAJIT, _GUESS, lambda block: block.size % _LUAJIT_BLOCK == 0),),
    ),
    Runtime(
        "hotspot",
        libraries=(b"libjvm.so",),
        module="hotspot",
        patterns=((kinds.JVM_GC, _GUESS, _any),),
    ),
    Runtime(
        "musl",
        libraries=MUSL_FILES,
        exact=MUSL_LIBC,
        patterns=((kinds.MUSL, _GUESS, _any),),
    ),
    Runtime(
        "glibc",
        libraries=GLIBC_FILES,
        static_sections=frozenset({"__libc_freeres_fn", "__libc_subfreeres", "__libc_atexit", "__libc_IO_vtables"}),
        patterns=(
            # a block of malloc is its request and a header: just a multiple of 1 MiB is what sysmalloc takes beside brk
            (kinds.GLIBC_MAIN_MMAP, _GUESS, lambda block: block.may_be_malloc and block.size % _MORECORE == 0),
            (kinds.GLIBC_MMAP_CHUNK, _GUESS, lambda block: block.may_be_malloc),
        ),
    ),
)
"""Those that place their memory by rules of their own first; the order of the others decides between patterns."""
