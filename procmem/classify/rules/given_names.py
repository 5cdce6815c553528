"""What a mapping is by the name that a program gave it: a table, loaded only for processes that give names."""

from procmem.model import kinds
from procmem.model.given_names import GivenName, given_name
from procmem.model.kinds import Kind, Part, Role, object_kind
from procmem.model.named_tuple import NamedTuple
from procmem.model.region import Certainty

__all__ = ["GivenRule", "rule_of"]


class GivenRule(NamedTuple):
    """Kind and certainty that follow from a name, and what was seen."""

    kind: Kind
    certainty: Certainty
    evidence: str


_L, _G = Certainty.LIKELY, Certainty.GUESS
_W = GivenName

_BY_GIVEN_NAME: dict[GivenName, GivenRule] = {
    _W.GLIBC_ARENA: GivenRule(kinds.GLIBC_ARENA, _L, "glibc-arena-name"),
    _W.GLIBC_MALLOC: GivenRule(kinds.GLIBC_MMAP_CHUNK, _L, "glibc-malloc-name"),
    _W.GLIBC_STACK: GivenRule(kinds.THREAD_STACK, _L, "glibc-stack-name"),
    _W.GLIBC_UNUSED_STACK: GivenRule(kinds.CACHED_STACK, _L, "glibc-unused-stack-name"),
    _W.BSS: GivenRule(object_kind(Role.LIB, Part.BSS), _L, "bss-name"),
    _W.LOADER: GivenRule(kinds.LOADER, _L, "loader-name"),
    _W.GLIBC: GivenRule(kinds.ANON_PRIVATE, _L, "glibc-name"),
    _W.BIONIC_SIGNAL_STACK: GivenRule(kinds.SIGNAL_STACK, _L, "bionic-signal-stack-name"),
    _W.BIONIC_STACK: GivenRule(kinds.THREAD_STACK, _L, "bionic-stack-name"),
    _W.SCUDO_RESERVE: GivenRule(kinds.SCUDO_RESERVE, _L, "scudo-name"),
    _W.SCUDO: GivenRule(kinds.SCUDO, _L, "scudo-name"),
    _W.BIONIC_MALLOC: GivenRule(kinds.BIONIC, _L, "bionic-malloc-name"),
    _W.PARTITION_ALLOC: GivenRule(kinds.PARTITION_ALLOC, _L, "partition-alloc-name"),
    _W.V8: GivenRule(kinds.V8, _L, "v8-name"),
    _W.PHP: GivenRule(kinds.PHP, _L, "php-name"),
    _W.PHP_FIBER: GivenRule(kinds.COROUTINE_STACK, _L, "php-fiber-name"),
    _W.TCMALLOC: GivenRule(kinds.TCMALLOC, _L, "tcmalloc-name"),
    _W.JEMALLOC: GivenRule(kinds.JEMALLOC, _L, "jemalloc-name"),
    _W.GO_HEAP: GivenRule(kinds.GO_HEAP, _L, "go-heap-name"),
    _W.GO: GivenRule(kinds.GO_RUNTIME, _L, "go-name"),
    _W.DALVIK_JIT: GivenRule(kinds.JVM_CODE, _L, "dalvik-code-name"),
    _W.DALVIK: GivenRule(kinds.JVM_HEAP, _L, "dalvik-name"),
    _W.LOW_SHADOW: GivenRule(kinds.SANITIZER_SHADOW, _L, "shadow-name"),
    _W.HIGH_SHADOW: GivenRule(kinds.SANITIZER_SHADOW, _L, "shadow-name"),
    _W.SHADOW_GAP: GivenRule(kinds.SANITIZER_RESERVE, _L, "shadow-name"),
    _W.STACK_GUARD: GivenRule(kinds.STACK_GUARD, _L, "guard-name"),
    _W.OCAML: GivenRule(kinds.OCAML, _L, "ocaml-name"),
    _W.FIBER: GivenRule(kinds.COROUTINE_STACK, _G, "says-stack"),
    _W.STACK: GivenRule(kinds.THREAD_STACK, _G, "says-stack"),
    _W.HEAP: GivenRule(kinds.UNKNOWN_ALLOCATOR, _G, "says-heap"),
    _W.OTHER: GivenRule(kinds.NAMED, _G, "given-name"),
}
"""What programs call their anonymous memory: settable by anybody, so never more than likely."""


def rule_of(name: bytes) -> GivenRule | None:
    """What follows from ``[anon:NAME]``; None where nobody knows the name."""
    return _BY_GIVEN_NAME.get(given_name(name))
