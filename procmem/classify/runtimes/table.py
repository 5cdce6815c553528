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

__all__ = ["NO_LIBRARY", "RUNTIMES", "RUNTIME_SYMBOLS", "RUNTIME_WORDS", "AnonymousRange", "Pattern", "Runtime"]

_HUGE_PAGE = 2 << 20
_ROUND = 1 << 20
_MORECORE_MAX = 64 << 20
_CPYTHON_ARENA = 1 << 20
_MORECORE = 1 << 20  # glibc malloc/malloc.c, MMAP_AS_MORECORE_SIZE
_OPENBLAS_BUFFER = 32 << 20
_MIMALLOC_HINTS = (2 << 40, 30 << 40)  # mimalloc src/os.c, MI_HINT_BASE and MI_HINT_MAX
_MIMALLOC_SEGMENT = 4 << 20
_BEAM_CARRIER = 256 * 1024
_INNODB_ROOM = 1 << 40
_INNODB_POOL = 128 << 20
_INNODB_AREA = 8 << 20
_JVM_GRANULARITY = 64 * 1024
_WASM_PAGE = 64 * 1024
_RUBY_PAGE = 64 * 1024
NO_LIBRARY = "none"
"""The name of what a static program has in which nothing of the table was seen."""
_V8_SYMBOLS = frozenset({"_ZN2v82V810GetVersionEv", "v8_Version"})
_CHROMIUM_PROGRAMS = (
    b"chrome",
    b"chromium",
    b"electron",
    b"msedge",
    b"brave",
    b"vivaldi-bin",
    b"opera",
    b"headless_shell",
    b"QtWebEngineProcess",
)
_CHROMIUM_LIBRARIES = (b"libcef.so", b"libQt5WebEngineCore", b"libQt6WebEngineCore", b"libwebviewchromium")
_LIKELY, _GUESS = Certainty.LIKELY, Certainty.GUESS


class AnonymousRange(NamedTuple):
    """A range of writable anonymous memory that nothing else explains.

    ``may_be_malloc`` says that it could be a block of glibc's malloc: its first page was touched, it counts against
    the commit limit, and malloc's own headers were not read. ``noreserve`` is VmFlags nr (False where flags do not
    say), ``touched`` False where none of it was ever used,
    ``advised`` is VmFlags hg, ``room`` the bytes of inaccessible memory right behind it.
    ``brk_is_free`` says that the heap could still grow, ``outweighs_malloc`` that malloc's own structures were read,
    and hold far less than all that they do not explain.
    """

    start: int
    end: int
    may_be_malloc: bool
    noreserve: bool = False
    touched: bool = True
    advised: bool = False
    room: int = 0
    brk_is_free: bool = False
    outweighs_malloc: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return self.end - self.start

    @property
    def is_aligned(self) -> bool:
        """It begins or ends at a multiple of 2 MiB, as memory does that was asked for with huge pages in mind."""
        return self.start % _HUGE_PAGE == 0 or self.end % _HUGE_PAGE == 0

    @property
    def is_managed(self) -> bool:
        """It looks as allocators make their memory, and programs seldom do.

        It has room reserved behind it to grow, or is large beside all that malloc holds. A round address says little:
        the kernel aligns large mappings to huge pages by itself (since 6.7).
        """
        return self.outweighs_malloc or self.room >= max(self.size, _ROUND)


Pattern = tuple[Kind, Certainty, Callable[[AnonymousRange], bool]]
"""A kind of memory by the look of a block, and how sure that is."""


class Runtime(NamedTuple):
    """One runtime or allocator.

    ``symbols`` are dynamic symbols that any object of such a process exports, the best evidence; ``words`` are
    messages that stand in the constants of an object into which it was linked; ``place`` is an
    address at which its memory begins, and nobody else's. ``libraries`` are beginnings of file names or sonames, or
    ends of paths; ``exact`` a whole file name. ``programs`` are names of executables, also with a version behind (and
    with anything behind, where the name ends in "-"); ``sections`` those of its programs, and ``static_sections`` those
    of programs that it was linked into. ``module`` has rules on where it places its memory, and ``patterns`` tell what
    else is its own: the first runtime of the table, and its first pattern that fits, decides. ``noreserve`` says that
    it maps its memory with MAP_NORESERVE, ``heap_is_executable`` that objects and code share its heap.
    ``called`` is what sentences call it, where its name in the table is not what people say.
    """

    name: str
    symbols: frozenset[str] = frozenset()
    words: frozenset[bytes] = frozenset()
    place: int | None = None
    libraries: tuple[bytes, ...] = ()
    exact: bytes | None = None
    programs: tuple[bytes, ...] = ()
    sections: frozenset[str] = frozenset()
    static_sections: frozenset[str] = frozenset()
    module: str | None = None
    patterns: tuple[Pattern, ...] = ()
    noreserve: bool = False
    heap_is_executable: bool = False
    called: str = ""

    @property
    def title(self) -> str:
        """What sentences call it."""
        return self.called or self.name


def _any(_block: AnonymousRange) -> bool:
    return True


def _mimalloc(block: AnonymousRange) -> bool:
    """Beyond 2 TiB, where its hints lead, in steps of 32 MiB; or aligned so, without reserving swap."""
    hinted = _MIMALLOC_HINTS[0] <= block.start < _MIMALLOC_HINTS[1]
    return hinted or (block.noreserve and block.start % _MIMALLOC_SEGMENT == 0)


def _aligned(block: AnonymousRange) -> bool:
    return block.is_aligned


def _marked_and_aligned(block: AnonymousRange) -> bool:
    """As jemalloc maps: with MAP_NORESERVE wherever the machine overcommits, which malloc does not."""
    return block.is_aligned and block.noreserve


def _python_arena(block: AnonymousRange) -> bool:
    """Whole arenas; NumPy asks for huge pages in its arrays, which Python does not."""
    return block.size % _CPYTHON_ARENA == 0 and not block.noreserve and not block.advised


def _whole_huge_pages(block: AnonymousRange) -> bool:
    return block.start % _HUGE_PAGE == 0 and block.size % _HUGE_PAGE == 0


def _carrier(block: AnonymousRange) -> bool:
    """Aligned, and whole: a large block of malloc is aligned by the kernel, and has a page for its header."""
    return block.start % _BEAM_CARRIER == 0 and block.size % _BEAM_CARRIER == 0


def _may_grow(block: AnonymousRange) -> bool:
    """WebAssembly's pages of 64 KiB with room to grow: engines without guard regions reserve just its maximum."""
    return block.size % _WASM_PAGE == 0 and block.room >= _WASM_PAGE and not block.room % _WASM_PAGE


def _ruby_pages(block: AnonymousRange) -> bool:
    """Pages of 64 KiB, mapped one by one and merged: whole, or aligned, or at least no block of malloc."""
    return block.start % _RUBY_PAGE == 0 or block.size % _RUBY_PAGE == 0 or not block.may_be_malloc


def _managed(block: AnonymousRange) -> bool:
    return block.is_managed


def _large(block: AnonymousRange) -> bool:
    return block.size >= _ROUND


def _of_the_database(block: AnonymousRange) -> bool:
    """The buffer pool of servers that do not reserve room for it, and other large areas that are none of malloc's."""
    own = block.touched and not block.may_be_malloc and block.size >= _INNODB_AREA
    return own or block.room >= _INNODB_ROOM or block.size >= _INNODB_POOL


def _like_direct_buffers(block: AnonymousRange) -> bool:
    """Large blocks of malloc, as ByteBuffer.allocateDirect() takes: a round request and a page for malloc's header.

    What the virtual machine takes for itself is a multiple of 64 KiB, or has much room reserved behind it.
    """
    return block.may_be_malloc and _large(block) and block.size % _JVM_GRANULARITY != 0 and not block.is_managed


def _is_of_another(block: AnonymousRange) -> bool:
    """Memory of an allocator beside the C library's: MAP_NORESERVE is its mark as much as room to grow."""
    if block.may_be_malloc and block.size == _MORECORE:
        return False  # what happens to lie behind it is no room of its own
    return block.outweighs_malloc or (_large(block) and (block.is_managed or (block.noreserve and block.touched)))


RUNTIMES: tuple[Runtime, ...] = (
    Runtime(
        "asan",
        symbols=frozenset({"__asan_init"}),
        place=0x7FFF_7000,
        libraries=(b"libasan", b"libclang_rt.asan"),
        module="sanitizers",
        noreserve=True,
        patterns=((kinds.SANITIZER_HEAP, _GUESS, _any),),
    ),
    Runtime(
        "tsan",
        symbols=frozenset({"__tsan_init"}),
        libraries=(b"libtsan", b"libclang_rt.tsan"),
        module="sanitizers",
        noreserve=True,
        patterns=((kinds.SANITIZER_HEAP, _GUESS, _any),),
    ),
    Runtime(
        "msan",
        symbols=frozenset({"__msan_init"}),
        libraries=(b"libclang_rt.msan",),
        module="sanitizers",
        noreserve=True,
        patterns=((kinds.SANITIZER_HEAP, _GUESS, _any),),
    ),
    Runtime(
        "valgrind",
        programs=(
            b"memcheck-",
            b"callgrind-",
            b"cachegrind-",
            b"massif-",
            b"helgrind-",
            b"drd-",
            b"dhat-",
            b"lackey-",
            b"none-",
            b"exp-bbv-",
        ),
        module="valgrind",
        patterns=((kinds.VALGRIND, _LIKELY, _any),),
    ),
    Runtime(
        "go",
        place=0xC0_0000_0000,
        sections=frozenset({".go.buildinfo", ".gopclntab"}),
        module="go",
        patterns=((kinds.GO_RUNTIME, _GUESS, lambda block: not block.noreserve),),
    ),
    # before V8, whose reservations look much alike; where V8 alone is at work, there is no such pool
    Runtime(
        "partition-alloc",
        called="PartitionAlloc",
        symbols=_V8_SYMBOLS,
        libraries=_CHROMIUM_LIBRARIES,
        programs=_CHROMIUM_PROGRAMS,
        module="partition_alloc",
        patterns=((kinds.PARTITION_ALLOC, _GUESS, lambda block: block.is_managed and _large(block)),),
        noreserve=True,
    ),
    Runtime(
        "v8",
        symbols=_V8_SYMBOLS,
        libraries=(b"libnode.so", b"libv8.so", *_CHROMIUM_LIBRARIES),
        programs=(b"node", b"nodejs", b"deno", b"d8", *_CHROMIUM_PROGRAMS),
        module="v8",
        patterns=((kinds.WASM_MEMORY, _GUESS, _may_grow),),
        noreserve=True,
    ),
    Runtime("ghc", place=0x42_0000_0000, sections=frozenset({".debug-ghc-link-info"}), module="ghc", noreserve=True),
    Runtime(
        "dotnet",
        libraries=(b"libcoreclr.so", b"libclrjit.so", b"System.Private.CoreLib.dll"),
        programs=(b"dotnet",),
        module="dotnet",
        patterns=((kinds.DOTNET, _GUESS, _managed),),
    ),
    Runtime(
        "jsc",
        symbols=frozenset({"JSEvaluateScript"}),
        libraries=(b"libjavascriptcoregtk", b"libJavaScriptCore"),
        programs=(b"bun",),
        sections=frozenset({".bun", "__DATA,__jsc_opcodes"}),
        module="jsc",
        noreserve=True,
        patterns=((kinds.JSC, _GUESS, lambda block: block.is_managed or block.noreserve),),
    ),
    # other runtimes map Windows executables as data
    Runtime(
        "wine",
        called="Wine",
        libraries=(
            b"ntdll.dll",
            b"ntdll.so",
            b"kernel32.dll",
            b"kernelbase.dll",
            b"wine-preloader",
            b"wine64-preloader",
        ),
        module="wine",
        patterns=((kinds.WINE, _GUESS, _any),),
    ),
    Runtime("sbcl", programs=(b"sbcl",), module="sbcl"),
    Runtime("qemu", programs=(b"qemu-system-",), module="qemu"),
    Runtime(
        "beam",
        symbols=frozenset({"erts_alloc", "erl_drv_thread_create"}),
        programs=(b"beam.smp", b"beam"),
        patterns=((kinds.BEAM, _LIKELY, _carrier), (kinds.BEAM, _GUESS, _any)),
    ),
    Runtime(
        "mono",
        symbols=frozenset({"mono_gc_collect", "mono_jit_init"}),
        libraries=(b"libmonosgen", b"libmonoboehm", b"libmono-2.0"),
        programs=(b"mono", b"mono-sgen"),
        patterns=((kinds.MONO, _LIKELY, _managed), (kinds.MONO, _GUESS, _any)),
    ),
    Runtime(
        "boehm",
        symbols=frozenset({"GC_malloc", "GC_init"}),
        libraries=(b"libgc.so", b"libgccpp.so"),
        patterns=((kinds.BOEHM, _GUESS, _any),),
    ),
    Runtime(
        "ocaml",
        symbols=frozenset({"caml_startup", "caml_main"}),
        libraries=(b"libcamlrun", b"libasmrun"),
        programs=(b"ocamlrun", b"ocaml"),
        patterns=((kinds.OCAML, _GUESS, _any),),
    ),
    Runtime(
        "pypy",
        libraries=(b"libpypy",),
        programs=(b"pypy",),
        patterns=((kinds.PYPY, _GUESS, _any),),
    ),
    Runtime("racket", programs=(b"racket",), libraries=(b"libracket",), patterns=((kinds.RACKET, _GUESS, _any),)),
    # Racket rests on Chez Scheme and comes first
    Runtime(
        "chez",
        called="Chez Scheme",
        symbols=frozenset({"S_getmem", "Sscheme_init"}),
        programs=(b"chezscheme", b"petite"),
        patterns=((kinds.CHEZ, _GUESS, _any),),
        heap_is_executable=True,
    ),
    Runtime(
        "mit-scheme",
        called="MIT Scheme",
        programs=(b"mit-scheme", b"mit-scheme-"),
        patterns=((kinds.MIT_SCHEME, _GUESS, _any),),
        heap_is_executable=True,
    ),
    Runtime("clisp", called="CLISP", programs=(b"lisp.run", b"clisp"), patterns=((kinds.CLISP, _GUESS, _any),)),
    Runtime(
        "smlnj",
        called="SML/NJ",
        programs=(b"run.x86-linux", b"run.amd64-linux"),
        patterns=((kinds.SMLNJ, _GUESS, _any),),
    ),
    Runtime(
        "polyml",
        called="Poly/ML",
        symbols=frozenset({"polymain"}),
        libraries=(b"libpolyml",),
        programs=(b"poly",),
        patterns=((kinds.POLYML, _GUESS, _any),),
    ),
    Runtime(
        "d-gc",
        called="druntime",
        symbols=frozenset({"_d_run_main", "gc_malloc"}),
        libraries=(b"libdruntime", b"libphobos2", b"libgphobos", b"libgdruntime"),
        sections=frozenset({"__minfo", "minfo", ".minfo"}),
        patterns=((kinds.D_GC, _GUESS, _any),),
    ),
    Runtime(
        "freepascal",
        called="Free Pascal",
        sections=frozenset({".fpcdata"}),
        patterns=((kinds.FREEPASCAL, _GUESS, _any),),
    ),
    Runtime(
        "native-image",
        called="GraalVM native image",
        sections=frozenset({".svm_heap"}),
        module="native_image",
        patterns=((kinds.NATIVE_IMAGE, _GUESS, _managed),),
        noreserve=True,
    ),
    # its chunks, and those of its JavaScript collector, look alike
    Runtime(
        "mozjemalloc",
        called="Firefox's jemalloc",
        symbols=frozenset({"MozTaggedAnonymousMmap", "jemalloc_stats_internal"}),
        programs=(b"firefox", b"thunderbird"),
        patterns=((kinds.JEMALLOC, _GUESS, _any),),
        noreserve=True,
    ),
    Runtime(
        "innodb",
        called="InnoDB",
        programs=(b"mariadbd", b"mysqld"),
        module="innodb",
        patterns=((kinds.INNODB, _GUESS, _of_the_database),),
    ),
    Runtime("bionic", libraries=(BIONIC_LIBC,)),
    Runtime(
        "mimalloc",
        symbols=frozenset({"mi_malloc", "mi_version"}),
        words=frozenset({b"mimalloc: error"}),
        libraries=(b"libmimalloc", b"libarrow.so"),
        patterns=((kinds.MIMALLOC, _LIKELY, _mimalloc), (kinds.MIMALLOC, _GUESS, lambda block: block.noreserve)),
        noreserve=True,
    ),
    Runtime(
        "jemalloc",
        symbols=frozenset({"je_malloc", "mallctl", "jemalloc_stats"}),
        libraries=(b"libjemalloc",),
        programs=(b"redis-server", b"valkey-server", b"clickhouse"),
        patterns=((kinds.JEMALLOC, _LIKELY, _marked_and_aligned), (kinds.JEMALLOC, _GUESS, _any)),
        noreserve=True,
    ),
    # linked into one object beside the C library's malloc, which the rest of the process uses
    Runtime(
        "jemalloc inside",
        called="jemalloc",
        symbols=frozenset({"duckdb_je_malloc", "_rjem_malloc", "je_arrow_malloc"}),
        words=frozenset({b"<jemalloc>"}),
        patterns=(
            (kinds.JEMALLOC, _LIKELY, _marked_and_aligned),
            (kinds.JEMALLOC, _GUESS, lambda block: block.noreserve),
        ),
        noreserve=True,
    ),
    Runtime(
        "tcmalloc",
        symbols=frozenset({"tc_malloc", "MallocExtension_ReleaseFreeMemory"}),
        libraries=(b"libtcmalloc",),
        # whole mebibytes may be an interpreter's, which maps them past malloc
        patterns=(
            (kinds.TCMALLOC, _LIKELY, lambda block: block.size % _ROUND != 0),
            (kinds.TCMALLOC, _GUESS, _any),
        ),
    ),
    Runtime(
        "tbbmalloc",
        called="oneTBB",
        symbols=frozenset({"scalable_malloc"}),
        libraries=(b"libtbbmalloc",),
        patterns=((kinds.TBBMALLOC, _GUESS, _large),),
    ),
    Runtime(
        "gcc",
        called="GCC",
        programs=(b"cc1", b"cc1plus", b"cc1obj", b"cc1objplus", b"f951", b"gnat1", b"d21", b"lto1", b"go1", b"rust1"),
        patterns=((kinds.GCC, _GUESS, _large),),
    ),
    # OpenBLAS takes its buffers before any interpreter that loads it has much memory
    Runtime(
        "openblas",
        symbols=frozenset({"openblas_get_config", "openblas_get_config64_", "scipy_openblas_get_config64_"}),
        libraries=(b"libopenblas", b"libscipy_openblas", b"libblas"),
        patterns=(
            (
                kinds.OPENBLAS,
                _GUESS,
                lambda block: (
                    block.size >= _OPENBLAS_BUFFER
                    and not block.noreserve
                    and block.is_aligned
                    and block.size % _OPENBLAS_BUFFER == 0
                ),
            ),
        ),
    ),
    Runtime(
        "php",
        libraries=(b"libphp",),
        programs=(b"php",),
        patterns=((kinds.PHP, _LIKELY, _whole_huge_pages), (kinds.PHP, _GUESS, _aligned)),
    ),
    Runtime(
        "cpython",
        libraries=(b"libpython3", b"libpython2"),
        programs=(b"python",),
        patterns=(
            (kinds.CPYTHON_OBMALLOC, _LIKELY, _python_arena),
            (
                kinds.CPYTHON_OBMALLOC,
                _GUESS,
                lambda block: block.size >= _CPYTHON_ARENA and not block.may_be_malloc and not block.noreserve,
            ),
        ),
    ),
    Runtime(
        "ruby",
        libraries=(b"libruby",),
        programs=(b"ruby",),
        patterns=((kinds.RUBY, _GUESS, _ruby_pages),),
    ),
    Runtime(
        "luajit",
        libraries=(b"libluajit",),
        programs=(b"luajit",),
        patterns=((kinds.LUAJIT, _GUESS, _any),),
    ),
    Runtime(
        "hotspot",
        called="Java",
        libraries=(b"libjvm.so",),
        programs=(b"java",),
        module="hotspot",
        noreserve=True,
        patterns=((kinds.GLIBC_MMAP_CHUNK, _GUESS, _like_direct_buffers), (kinds.JVM_GC, _GUESS, _any)),
    ),
    # malloc of another object than the C library comes first, or passes the question on
    Runtime(
        "own-malloc",
        called="malloc",
        symbols=frozenset({"malloc"}),
        patterns=((kinds.UNKNOWN_ALLOCATOR, _GUESS, lambda block: block.touched),),
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
            # what has room to grow, asks for no swap, or outweighs all that malloc holds, is another allocator's
            (kinds.UNKNOWN_ALLOCATOR, _GUESS, _is_of_another),
            # a block of malloc is its request and a header: just a multiple of 1 MiB is what sysmalloc takes beside brk
            (
                kinds.GLIBC_MAIN_MMAP,
                _GUESS,
                lambda block: (
                    block.may_be_malloc
                    and not block.advised
                    and block.size % _MORECORE == 0
                    and (block.size == _MORECORE or not block.brk_is_free)
                    and block.size <= _MORECORE_MAX
                ),
            ),
            (kinds.GLIBC_MMAP_CHUNK, _GUESS, lambda block: block.may_be_malloc),
        ),
    ),
    Runtime(NO_LIBRARY, patterns=((kinds.UNKNOWN_ALLOCATOR, _GUESS, lambda block: block.touched and _large(block)),)),
)
"""Those that place their memory by rules of their own first; the order of the others decides between patterns."""

RUNTIME_WORDS = frozenset().union(*(runtime.words for runtime in RUNTIMES))
"""What is looked for in the constants of objects, where memory looks like that of an allocator nobody has named."""

RUNTIME_SYMBOLS = frozenset().union(*(runtime.symbols for runtime in RUNTIMES))
"""What mapped objects are asked for."""
