"""What the C libraries and their dynamic linkers call their files: read here and nowhere else.

Names are base names or sonames, as bytes. Sources: glibc shlib-versions, Makeconfig (rtld-installed-name); musl
Makefile and ldso/dynlink.c; FreeBSD and powerpc64 for ``ld.so`` and ``ld64``; ld.so(8).
"""

from procmem.model.machine import I686, X86_64

__all__ = [
    "ALLOCATOR_FILES",
    "BIONIC_LIBC",
    "GLIBC",
    "GLIBC_FILES",
    "LD_CACHE",
    "LD_PRELOAD",
    "LIBSTDCXX",
    "LINKER_386",
    "LINKER_X86_64",
    "MUSL_FILES",
    "MUSL_LIBC",
    "UNNAMED_LINKER",
    "holds_thread_lists",
    "is_dynamic_linker",
    "is_library",
    "is_musl_linker",
    "machine_of_linker",
]

GLIBC = b"libc.so.6"
LINKER_386 = b"ld-linux.so.2"
"""The dynamic linker of glibc for i386 (sysdeps/unix/sysv/linux/i386/shlib-versions)."""
LINKER_X86_64 = b"ld-linux-x86-64.so.2"
"""The same for x86-64 (sysdeps/x86_64/shlib-versions)."""
LIBSTDCXX = b"libstdc++.so.6"
"""The library of GCC's C++, which allocates before main."""
UNNAMED_LINKER = b"ld.so"
"""A name for a linker of which only the headers are at hand."""
LD_CACHE = b"/etc/ld.so.cache"
LD_PRELOAD = b"/etc/ld.so.preload"

GLIBC_FILES = (GLIBC, b"libc-2.")
"""How glibc's own file names begin; the second until 2.33."""
MUSL_FILES = (b"ld-musl-", b"libc.musl-")
MUSL_LIBC = b"libc.so"
BIONIC_LIBC = b"/bionic/libc.so"
"""The end of its path: the name alone is musl's too."""

ALLOCATOR_FILES = (
    *(b"libasan.so", b"libtsan.so", b"libmsan.so", b"libhwasan.so", b"libjemalloc", b"libtcmalloc", b"libmimalloc"),
    *(b"libsnmalloc", b"librpmalloc", b"libtbbmalloc_proxy"),
)
"""How the file names of libraries begin that replace the allocator: no request goes to glibc's malloc."""
_LINKERS = (b"ld-", b"ld.so", b"ld64")
_CODE_FILES = (b".so", b".oat", b".odex", b".art", b".vdex", b".dex", b".apk", b".jar", b".dll", b".drv", b".jsa")
_MUSL_LINKER = b"ld-musl"
_LINKERS_OF_MACHINES: tuple[tuple[bytes, str], ...] = (
    (LINKER_X86_64.removesuffix(b".2"), X86_64),
    (b"ld-musl-x86_64.so", X86_64),
    (LINKER_386, I686),
    (b"ld-musl-i386.so", I686),
    (b"ld-linux-aarch64.so", "aarch64"),
    (b"ld-musl-aarch64.so", "aarch64"),
    (b"ld-linux-armhf.so", "armv7l"),
    (b"ld-musl-arm", "armv7l"),
    (b"ld-linux-riscv64", "riscv64"),
    (b"ld-musl-riscv64", "riscv64"),
    (b"ld-musl-powerpc64le", "ppc64le"),
    (b"ld-musl-s390x", "s390x"),
    (b"ld-linux-loongarch", "loongarch64"),
)
"""How the file name of a dynamic linker begins, and the machine as ``uname -m`` names it.

ld64.so.1 and ld64.so.2 are those of several machines, and say nothing.
"""
_WITH_THREADS = (b"ld", b"libc.", b"libc-", b"libpthread")


def is_dynamic_linker(name: bytes | None) -> bool:
    """Whether an object of this soname or file name is a dynamic linker; False where it has none."""
    return name is not None and name.startswith(_LINKERS)


def is_library(name: bytes) -> bool:
    """Whether a file of this name holds code for programs and is none itself: a shared object, or compiled classes."""
    return name.endswith(_CODE_FILES) or b".so." in name or name.startswith(_LINKERS)


def is_musl_linker(path: bytes) -> bool:
    """Whether an interpreter's path is that of musl's."""
    return _MUSL_LINKER in path


def holds_thread_lists(name: bytes) -> bool:
    """Whether a file of this name may hold the C library's lists of threads: linker, libc, and libpthread till 2.33."""
    return name.startswith(_WITH_THREADS)


def machine_of_linker(name: bytes) -> str | None:
    """The machine whose dynamic linker has this file name; None where it is none, or that of several machines."""
    return next((machine for start, machine in _LINKERS_OF_MACHINES if name.startswith(start)), None)
