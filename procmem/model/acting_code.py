"""Code that allocates, copies or fills only because its caller asked: who wants to know who asked looks further out.

Here belong the names of libraries and functions that do so. In a static program the function's name alone tells it.
Sources: glibc malloc/, string/; musl; GCC libsupc++/, libstdc++; CPython Objects/obmalloc.c, Modules/gcmodule.c; Go
runtime/malloc.go; GLib glib/gmem.c; Rust library/alloc.
"""

from collections.abc import Iterable

from procmem.model.libc_files import (
    ALLOCATOR_FILES,
    GLIBC_FILES,
    LIBSTDCXX,
    MUSL_FILES,
    MUSL_LIBC,
    is_dynamic_linker,
)

__all__ = ["acts_for_others", "is_of_runtime_map"]

_FILES = (
    *(*GLIBC_FILES, *MUSL_FILES, MUSL_LIBC, LIBSTDCXX, *ALLOCATOR_FILES),
    *(b"libc++", b"libgcc_s.so", b"libpthread", b"libtbbmalloc"),
)
_FUNCTIONS = frozenset(
    {
        *(b"malloc", b"calloc", b"realloc", b"reallocarray", b"free", b"memalign", b"aligned_alloc", b"posix_memalign"),
        *(b"valloc", b"pvalloc", b"malloc_consolidate", b"sysmalloc", b"systrim", b"malloc_printerr", b"tcache_init"),
        *(b"sysmalloc_mmap", b"unlink_chunk", b"alloc_perturb", b"grow_heap"),
        *(b"memset", b"memcpy", b"memmove", b"mempcpy", b"bzero", b"bcopy"),
        *(b"strcpy", b"strncpy", b"strdup", b"strndup"),
        *(b"_Znwm", b"_Znam", b"_Znwj", b"_Znaj", b"_ZnwmSt11align_val_t", b"_ZnamSt11align_val_t"),
        *(b"g_malloc", b"g_malloc0", b"g_malloc_n", b"g_malloc0_n", b"g_realloc", b"g_slice_alloc", b"g_slice_alloc0"),
        *(b"_PyObject_Malloc", b"_PyObject_Calloc", b"_PyObject_Realloc", b"PyObject_Malloc", b"PyObject_Calloc"),
        *(b"PyObject_Realloc", b"PyMem_Malloc", b"PyMem_Calloc", b"PyMem_Realloc", b"PyMem_RawMalloc"),
        *(b"PyMem_RawCalloc", b"PyMem_RawRealloc", b"_PyMem_RawMalloc", b"_PyMem_RawCalloc", b"_PyMem_RawRealloc"),
        *(b"pymalloc_alloc", b"allocate_from_new_pool", b"new_arena", b"_PyObject_New", b"_PyObject_GC_New"),
        *(b"_PyObject_GC_NewVar", b"gc_alloc", b"PyType_GenericAlloc", b"_PyType_AllocNoTrack"),
        *(b"__rust_alloc", b"__rust_alloc_zeroed", b"__rust_realloc", b"__rdl_alloc", b"__rdl_alloc_zeroed"),
    }
)
_STARTS = (
    *(b"__libc_", b"_int_", b"__memset_", b"__memcpy_", b"__memmove_", b"__mempcpy_", b"__strcpy_"),
    *(b"je_", b"tc_", b"mi_", b"runtime.", b"std::", b"void std::", b"__gnu_cxx::"),
    *(b"alloc::", b"<alloc::", b"core::", b"<core::"),
)


_COMPILED_STARTS = (b"py::", b"JS:", b"LazyCompile:", b"Function:", b"Script:", b"Eval:")
"""How CPython (Python/perf_trampoline.c) and V8 (LogEventListener) begin the names of a program's own functions."""


def is_of_runtime_map(name: bytes) -> bool:
    """Whether a name that a runtime gave its compiled code is a function of the program, and no stub of the runtime.

    HotSpot writes methods with their types: ``void Leak.growList(int)``.
    """
    return name.startswith(_COMPILED_STARTS) or (b"." in name and b"(" in name)


def acts_for_others(file: bytes, names: Iterable[bytes]) -> bool:
    """Whether a function is one of those: by the base name of its file, or by one of its names."""
    if file.startswith(_FILES) or is_dynamic_linker(file):
        return True
    return any(name in _FUNCTIONS or name.startswith(_STARTS) for name in names)
