"""The names that programs give to their anonymous memory: which C library, allocator or runtime chose them.

Few processes have such names, so this is loaded only for those. Anybody can give memory any name: what follows from one
is never more than likely. Source: PR_SET_VMA_ANON_NAME (prctl(2), Linux 5.17) as the C libraries and runtimes use it.
"""

from enum import Enum

__all__ = ["GivenName", "given_name"]


class GivenName(Enum):
    """Which C library, allocator or runtime gave anonymous memory its name; ``OTHER`` where the name is not known."""

    GLIBC_ARENA = "glibc: malloc arena"
    GLIBC_MALLOC = "glibc: malloc"
    GLIBC_STACK = "glibc: pthread stack"
    GLIBC_UNUSED_STACK = "glibc: unused stack"
    BSS = ".bss"
    LOADER = "glibc: loader malloc"
    GLIBC = "glibc:"
    BIONIC_SIGNAL_STACK = "thread signal stack"
    BIONIC_STACK = "stack_and_tls"
    SCUDO = "scudo:"
    BIONIC_MALLOC = "libc_malloc"
    PARTITION_ALLOC = "partition_alloc"
    V8 = "v8"
    PHP = "zend_alloc"
    PHP_FIBER = "zend_fiber_stack"
    TCMALLOC = "tcmalloc"
    JEMALLOC = "jemalloc"
    GO_HEAP = "Go: heap"
    GO = "Go:"
    DALVIK_JIT = "dalvik-jit"
    DALVIK = "dalvik-"
    OTHER = "another name"

    @property
    def is_stack(self) -> bool:
        """It is given to stacks of threads and of what runs like them."""
        return self in (
            GivenName.GLIBC_STACK,
            GivenName.GLIBC_UNUSED_STACK,
            GivenName.BIONIC_STACK,
            GivenName.PHP_FIBER,
        )

    @property
    def is_bss(self) -> bool:
        """A loader gives it to the zero-initialised memory behind an object's data."""
        return self is GivenName.BSS

    @property
    def is_glibc_malloc(self) -> bool:
        """Glibc gives it to what malloc holds."""
        return self in (GivenName.GLIBC_ARENA, GivenName.GLIBC_MALLOC)


_GIVEN_NAMES: tuple[tuple[bytes, GivenName], ...] = (
    # glibc since 2.39, with the tunable glibc.mem.decorate_maps
    (b"glibc: malloc arena", GivenName.GLIBC_ARENA),
    (b"glibc: malloc]", GivenName.GLIBC_MALLOC),
    (b"glibc: pthread stack", GivenName.GLIBC_STACK),
    (b"glibc: pthread user stack", GivenName.GLIBC_STACK),
    (b"glibc: unused stack", GivenName.GLIBC_UNUSED_STACK),
    (b"glibc: .bss", GivenName.BSS),
    (b".bss]", GivenName.BSS),
    (b"glibc: loader malloc", GivenName.LOADER),
    (b"linker_alloc", GivenName.LOADER),
    (b"glibc:", GivenName.GLIBC),
    # bionic and the Android runtime
    (b"thread signal stack", GivenName.BIONIC_SIGNAL_STACK),
    (b"stack_and_tls:", GivenName.BIONIC_STACK),
    (b"scudo:", GivenName.SCUDO),
    (b"libc_malloc", GivenName.BIONIC_MALLOC),
    (b"bionic_alloc", GivenName.BIONIC_MALLOC),
    (b"dalvik-jit", GivenName.DALVIK_JIT),
    (b"dalvik-zygote-jit", GivenName.DALVIK_JIT),
    (b"dalvik-", GivenName.DALVIK),
    # allocators and runtimes
    (b"partition_alloc", GivenName.PARTITION_ALLOC),
    (b"v8", GivenName.V8),
    (b"zend_alloc", GivenName.PHP),
    (b"zend_fiber_stack", GivenName.PHP_FIBER),
    (b"tcmalloc", GivenName.TCMALLOC),
    (b"jemalloc", GivenName.JEMALLOC),
    (b"Go: heap", GivenName.GO_HEAP),
    (b"Go:", GivenName.GO),
)
"""How the given name begins (``]`` where it must end there); the first that fits decides."""


def given_name(name: bytes) -> GivenName:
    """Who gave memory the name ``[anon:NAME]``."""
    given = name.partition(b":")[2].lstrip(b" ")
    return next((who for begins, who in _GIVEN_NAMES if given.startswith(begins)), GivenName.OTHER)
