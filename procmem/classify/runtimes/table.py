"""The table of language runtimes and allocators: how each is recognised, and which memory of nobody else's is its own.

A runtime is recognised without reading memory: by a mapped library's name, a section of the program, the program's own
name. What it then does with anonymous memory is knowledge about such programs, so it gives patterns, never proofs. A
new allocator is a row here and its kinds in ``model.kinds``; one that places its memory by rules of its own has a
module beside this one, with a function ``claims(mappings, runtimes)``, which is loaded only where it was found.
"""

from __future__ import annotations

from procmem.classify.runtimes import blocks
from procmem.classify.runtimes.blocks import AnonymousRange
from procmem.model import kinds
from procmem.model.kinds import Kind
from procmem.model.libc_files import ALLOCATOR_FILES, BIONIC_LIBC, GLIBC_FILES, MUSL_FILES, MUSL_LIBC
from procmem.model.named_tuple import NamedTuple
from procmem.model.region import Certainty

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Pattern = tuple[Kind, Certainty, Callable[[AnonymousRange], bool]]
    """A kind of memory by the look of a block, and how sure that is."""

__all__ = ["NO_LIBRARY", "RUNTIMES", "RUNTIME_SYMBOLS", "RUNTIME_WORDS", "Runtime"]

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


RUNTIMES: tuple[Runtime, ...] = (
    Runtime(
        "asan",
        symbols=frozenset({"__asan_init"}),
        place=0x7FFF_7000,
        libraries=(b"libasan", b"libclang_rt.asan"),
        module="sanitizers",
        noreserve=True,
        patterns=((kinds.SANITIZER_HEAP, _GUESS, blocks.anything),),
    ),
    Runtime(
        "tsan",
        symbols=frozenset({"__tsan_init"}),
        libraries=(b"libtsan", b"libclang_rt.tsan"),
        module="sanitizers",
        noreserve=True,
        patterns=((kinds.SANITIZER_HEAP, _GUESS, blocks.anything),),
    ),
    Runtime(
        "msan",
        symbols=frozenset({"__msan_init"}),
        libraries=(b"libclang_rt.msan",),
        module="sanitizers",
        noreserve=True,
        patterns=((kinds.SANITIZER_HEAP, _GUESS, blocks.anything),),
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
        patterns=((kinds.VALGRIND, _LIKELY, blocks.anything),),
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
        patterns=((kinds.PARTITION_ALLOC, _GUESS, lambda block: block.is_managed and blocks.large(block)),),
        noreserve=True,
    ),
    Runtime(
        "v8",
        symbols=_V8_SYMBOLS,
        libraries=(b"libnode.so", b"libv8.so", *_CHROMIUM_LIBRARIES),
        programs=(b"node", b"nodejs", b"deno", b"d8", *_CHROMIUM_PROGRAMS),
        module="v8",
        patterns=((kinds.WASM_MEMORY, _GUESS, blocks.may_grow),),
        noreserve=True,
    ),
    # the C API that engines for WebAssembly share
    Runtime(
        "wasm",
        called="WebAssembly",
        symbols=frozenset({"wasm_engine_new"}),
        patterns=((kinds.WASM_MEMORY, _GUESS, lambda block: blocks.may_grow(block) and block.is_managed),),
        noreserve=True,
    ),
    Runtime("ghc", place=0x42_0000_0000, sections=frozenset({".debug-ghc-link-info"}), module="ghc", noreserve=True),
    Runtime(
        "dotnet",
        libraries=(b"libcoreclr.so", b"libclrjit.so", b"System.Private.CoreLib.dll"),
        programs=(b"dotnet",),
        module="dotnet",
        patterns=((kinds.DOTNET, _GUESS, blocks.managed),),
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
        patterns=((kinds.WINE, _GUESS, blocks.anything),),
    ),
    Runtime("sbcl", programs=(b"sbcl",), module="sbcl"),
    Runtime("qemu", programs=(b"qemu-system-",), module="qemu"),
    Runtime(
        "beam",
        symbols=frozenset({"erts_alloc", "erl_drv_thread_create"}),
        programs=(b"beam.smp", b"beam"),
        patterns=((kinds.BEAM, _LIKELY, blocks.carrier), (kinds.BEAM, _GUESS, blocks.anything)),
    ),
    Runtime(
        "mono",
        symbols=frozenset({"mono_gc_collect", "mono_jit_init"}),
        libraries=(b"libmonosgen", b"libmonoboehm", b"libmono-2.0"),
        programs=(b"mono", b"mono-sgen"),
        patterns=((kinds.MONO, _LIKELY, blocks.managed), (kinds.MONO, _GUESS, blocks.anything)),
    ),
    Runtime(
        "boehm",
        symbols=frozenset({"GC_malloc", "GC_init"}),
        libraries=(b"libgc.so", b"libgccpp.so"),
        patterns=((kinds.BOEHM, _GUESS, blocks.anything),),
    ),
    Runtime(
        "ocaml",
        symbols=frozenset({"caml_startup", "caml_main"}),
        libraries=(b"libcamlrun", b"libasmrun"),
        programs=(b"ocamlrun", b"ocaml"),
        patterns=((kinds.OCAML, _GUESS, blocks.anything),),
    ),
    Runtime(
        "pypy",
        libraries=(b"libpypy",),
        programs=(b"pypy",),
        patterns=((kinds.PYPY, _GUESS, blocks.anything),),
    ),
    Runtime(
        "racket", programs=(b"racket",), libraries=(b"libracket",), patterns=((kinds.RACKET, _GUESS, blocks.anything),)
    ),
    # Racket rests on Chez Scheme and comes first
    Runtime(
        "chez",
        called="Chez Scheme",
        symbols=frozenset({"S_getmem", "Sscheme_init"}),
        programs=(b"chezscheme", b"petite"),
        patterns=((kinds.CHEZ, _GUESS, blocks.anything),),
        heap_is_executable=True,
    ),
    Runtime(
        "mit-scheme",
        called="MIT Scheme",
        programs=(b"mit-scheme", b"mit-scheme-"),
        patterns=((kinds.MIT_SCHEME, _GUESS, blocks.anything),),
        heap_is_executable=True,
    ),
    Runtime(
        "clisp", called="CLISP", programs=(b"lisp.run", b"clisp"), patterns=((kinds.CLISP, _GUESS, blocks.anything),)
    ),
    Runtime(
        "smlnj",
        called="SML/NJ",
        programs=(b"run.x86-linux", b"run.amd64-linux"),
        patterns=((kinds.SMLNJ, _GUESS, blocks.anything),),
    ),
    Runtime(
        "polyml",
        called="Poly/ML",
        symbols=frozenset({"polymain"}),
        libraries=(b"libpolyml",),
        programs=(b"poly",),
        patterns=((kinds.POLYML, _GUESS, blocks.anything),),
    ),
    Runtime(
        "d-gc",
        called="druntime",
        symbols=frozenset({"_d_run_main", "gc_malloc"}),
        libraries=(b"libdruntime", b"libphobos2", b"libgphobos", b"libgdruntime"),
        sections=frozenset({"__minfo", "minfo", ".minfo"}),
        patterns=((kinds.D_GC, _GUESS, blocks.anything),),
    ),
    Runtime(
        "freepascal",
        called="Free Pascal",
        sections=frozenset({".fpcdata"}),
        patterns=((kinds.FREEPASCAL, _GUESS, blocks.anything),),
    ),
    Runtime(
        "native-image",
        called="GraalVM native image",
        sections=frozenset({".svm_heap"}),
        module="native_image",
        patterns=((kinds.NATIVE_IMAGE, _GUESS, blocks.managed),),
        noreserve=True,
    ),
    # its chunks, and those of its JavaScript collector, look alike
    Runtime(
        "mozjemalloc",
        called="Firefox's jemalloc",
        symbols=frozenset({"MozTaggedAnonymousMmap", "jemalloc_stats_internal"}),
        programs=(b"firefox", b"thunderbird"),
        patterns=((kinds.JEMALLOC, _GUESS, blocks.anything),),
        noreserve=True,
    ),
    Runtime(
        "innodb",
        called="InnoDB",
        programs=(b"mariadbd", b"mysqld"),
        module="innodb",
        patterns=((kinds.INNODB, _GUESS, blocks.of_the_database),),
    ),
    Runtime("bionic", libraries=(BIONIC_LIBC,)),
    Runtime(
        "mimalloc",
        symbols=frozenset({"mi_malloc", "mi_version"}),
        words=frozenset({b"mimalloc: error"}),
        libraries=(b"libmimalloc", b"libarrow.so"),
        patterns=((kinds.MIMALLOC, _LIKELY, blocks.mimalloc), (kinds.MIMALLOC, _GUESS, lambda block: block.noreserve)),
        noreserve=True,
    ),
    Runtime(
        "jemalloc",
        symbols=frozenset({"je_malloc", "mallctl", "jemalloc_stats"}),
        libraries=(b"libjemalloc",),
        programs=(b"redis-server", b"valkey-server", b"clickhouse"),
        patterns=(
            (kinds.JEMALLOC, _LIKELY, blocks.marked_and_aligned),
            (kinds.JEMALLOC, _GUESS, blocks.marked_where_marks_show),
        ),
        noreserve=True,
    ),
    # linked into one object beside the C library's malloc, which the rest of the process uses
    Runtime(
        "jemalloc inside",
        called="jemalloc",
        symbols=frozenset({"duckdb_je_malloc", "_rjem_malloc", "je_arrow_malloc"}),
        words=frozenset({b"<jemalloc>"}),
        patterns=(
            (kinds.JEMALLOC, _LIKELY, blocks.marked_and_aligned),
            (kinds.JEMALLOC, _GUESS, lambda block: block.noreserve),
        ),
        noreserve=True,
    ),
    Runtime(
        "tcmalloc",
        symbols=frozenset({"tc_malloc", "MallocExtension_ReleaseFreeMemory"}),
        libraries=(b"libtcmalloc",),
        # gperftools src/system-alloc.cc: memory is mapped where brk has failed.
        # whole mebibytes may be an interpreter's, which maps them past malloc
        patterns=(
            (kinds.TCMALLOC, _LIKELY, blocks.broken_size),
            (kinds.TCMALLOC, _GUESS, blocks.beside_full_brk),
        ),
    ),
    Runtime(
        "tbbmalloc",
        called="oneTBB",
        symbols=frozenset({"scalable_malloc"}),
        libraries=(b"libtbbmalloc",),
        patterns=((kinds.TBBMALLOC, _GUESS, blocks.large),),
    ),
    Runtime(
        "gcc",
        called="GCC",
        programs=(b"cc1", b"cc1plus", b"cc1obj", b"cc1objplus", b"f951", b"gnat1", b"d21", b"lto1", b"go1", b"rust1"),
        patterns=((kinds.GCC, _GUESS, blocks.large),),
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
                blocks.openblas_buffer,
            ),
        ),
    ),
    Runtime(
        "php",
        libraries=(b"libphp",),
        programs=(b"php",),
        patterns=((kinds.PHP, _LIKELY, blocks.whole_huge_pages), (kinds.PHP, _GUESS, blocks.aligned)),
    ),
    Runtime(
        "cpython",
        libraries=(b"libpython3", b"libpython2"),
        programs=(b"python",),
        patterns=(
            (kinds.CPYTHON_OBMALLOC, _LIKELY, blocks.python_arena),
            (
                kinds.CPYTHON_OBMALLOC,
                _GUESS,
                blocks.beside_malloc,
            ),
        ),
    ),
    Runtime(
        "ruby",
        libraries=(b"libruby",),
        programs=(b"ruby",),
        patterns=((kinds.RUBY, _GUESS, blocks.ruby_pages),),
    ),
    Runtime(
        "luajit",
        libraries=(b"libluajit",),
        programs=(b"luajit",),
        patterns=((kinds.LUAJIT, _GUESS, blocks.anything),),
    ),
    # linked into a program that has much memory of its own: its collector's lies below 2 GiB (lj_alloc.c)
    Runtime(
        "luajit inside",
        called="LuaJIT",
        symbols=frozenset({"luaJIT_setmode", "luaopen_jit"}),
        patterns=((kinds.LUAJIT, _GUESS, lambda block: block.asked_for),),
    ),
    Runtime(
        "hotspot",
        called="Java",
        libraries=(b"libjvm.so",),
        programs=(b"java",),
        module="hotspot",
        noreserve=True,
        patterns=(
            (kinds.GLIBC_MMAP_CHUNK, _GUESS, blocks.like_direct_buffers),
            (kinds.JVM_GC, _GUESS, blocks.anything),
        ),
    ),
    # malloc of another object than the C library comes first, or passes the question on
    Runtime(
        "own-malloc",
        called="malloc",
        symbols=frozenset({"malloc"}),
        libraries=ALLOCATOR_FILES,
        patterns=((kinds.UNKNOWN_ALLOCATOR, _GUESS, lambda block: block.touched),),
    ),
    Runtime(
        "musl",
        libraries=MUSL_FILES,
        exact=MUSL_LIBC,
        patterns=((kinds.MUSL, _GUESS, blocks.anything),),
    ),
    Runtime(
        "glibc",
        libraries=GLIBC_FILES,
        static_sections=frozenset({"__libc_freeres_fn", "__libc_subfreeres", "__libc_atexit", "__libc_IO_vtables"}),
        patterns=(
            # what has room to grow, asks for no swap, or outweighs all that malloc holds, is another allocator's
            (kinds.UNKNOWN_ALLOCATOR, _GUESS, blocks.is_of_another),
            # a block of malloc is its request and a header: just a multiple of 1 MiB is what sysmalloc takes beside brk
            (
                kinds.GLIBC_MAIN_MMAP,
                _GUESS,
                blocks.beside_brk,
            ),
            (kinds.GLIBC_MMAP_CHUNK, _GUESS, blocks.mapped_by_malloc),
        ),
    ),
    Runtime(
        NO_LIBRARY, patterns=((kinds.UNKNOWN_ALLOCATOR, _GUESS, lambda block: block.touched and blocks.large(block)),)
    ),
)
"""Those that place their memory by rules of their own first; the order of the others decides between patterns."""

RUNTIME_WORDS = frozenset().union(*(runtime.words for runtime in RUNTIMES))
"""What is looked for in the constants of objects, where memory looks like that of an allocator nobody has named."""

RUNTIME_SYMBOLS = frozenset().union(*(runtime.symbols for runtime in RUNTIMES))
"""What mapped objects are asked for."""
