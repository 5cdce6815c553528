"""The names that programs give to their anonymous memory: which C library, allocator or runtime chose them.

Few processes have such names, so this is loaded only for those. Anybody can give memory any name: what follows from one
is never more than likely. Source: PR_SET_VMA_ANON_NAME (prctl(2), Linux 5.17) as the C libraries and runtimes use it.
"""

from procmem.model.enumeration import Enumeration
from procmem.model.vma_names import name_in_memory

__all__ = ["GivenName", "given_name"]


class GivenName(Enumeration):
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
    SCUDO_RESERVE = "scudo: reserve"
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
    LOW_SHADOW = "low shadow"
    HIGH_SHADOW = "high shadow"
    SHADOW_GAP = "shadow gap"
    STACK_GUARD = "thread stack guard"
    OCAML = "OCaml:"
    FIBER = "fiber"
    STACK = "stack"
    HEAP = "heap"
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
    def may_be_stack(self) -> bool:
        """It is given to stacks, or its meaning is not known and the shape decides."""
        return self.is_stack or self in (GivenName.OTHER, GivenName.STACK, GivenName.FIBER)

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
    (b"thread stack guard", GivenName.STACK_GUARD),
    (b"scudo:primary_reserve", GivenName.SCUDO_RESERVE),
    (b"scudo:reserved", GivenName.SCUDO_RESERVE),
    (b"scudo:", GivenName.SCUDO),
    (b"libc_malloc", GivenName.BIONIC_MALLOC),
    (b"bionic_alloc", GivenName.BIONIC_MALLOC),
    (b"dalvik-jit", GivenName.DALVIK_JIT),
    (b"dalvik-zygote-jit", GivenName.DALVIK_JIT),
    (b"dalvik-", GivenName.DALVIK),
    # allocators and runtimes
    (b"low shadow", GivenName.LOW_SHADOW),
    (b"high shadow", GivenName.HIGH_SHADOW),
    (b"shadow gap", GivenName.SHADOW_GAP),
    (b"partition_alloc", GivenName.PARTITION_ALLOC),
    (b"v8", GivenName.V8),
    (b"zend_alloc", GivenName.PHP),
    (b"zend_fiber_stack", GivenName.PHP_FIBER),
    (b"tcmalloc", GivenName.TCMALLOC),
    (b"jemalloc", GivenName.JEMALLOC),
    (b"OCaml:", GivenName.OCAML),
    (b"Go: heap", GivenName.GO_HEAP),
    (b"Go:", GivenName.GO),
)
"""How the given name begins (``]`` where it must end there); the first that fits decides."""


_WORDS: tuple[tuple[bytes, GivenName], ...] = (
    (b"fiber", GivenName.FIBER),
    (b"coroutine", GivenName.FIBER),
    (b"stack", GivenName.STACK),
    (b"heap", GivenName.HEAP),
    (b"malloc", GivenName.HEAP),
    (b"alloc", GivenName.HEAP),
    (b"arena", GivenName.HEAP),
)
"""What a name that nobody here knows says by one of its words; the first that is in it decides."""


def given_name(name: bytes) -> GivenName:
    """Who gave memory the name ``[anon:NAME]``, or the object of Android's shared memory ``/dev/ashmem/NAME``."""
    given = name_in_memory(name) or name.partition(b":")[2].lstrip(b" ")
    who = next((who for begins, who in _GIVEN_NAMES if given.startswith(begins)), None)
    if who is not None:
        return who
    lower = given.lower()
    return next((who for word, who in _WORDS if word in lower), GivenName.OTHER)
