"""What a mapping is by the name that a program gave it: a table, loaded only for processes that give names."""

from typing import NamedTuple

from procmem.model import kinds
from procmem.model.given_names import GivenName, given_name
from procmem.model.kinds import Kind, Part, Role, object_kind
from procmem.model.region import Certainty

__all__ = ["GivenRule", "rule_of"]


class GivenRule(NamedTuple):
    """Kind and certainty that follow from a name, and what was seen."""

    kind: Kind
    certainty: Certainty
    evidence: str


_L = Certainty.LIKELY
_W = GivenName

_BY_GIVEN_NAME: dict[GivenName, GivenRule] = {
    _W.GLIBC_ARENA: GivenRule(kinds.GLIBC_ARENA, _L, "glibc names it an arena (tunable glibc.mem.decorate_maps)"),
    _W.GLIBC_MALLOC: GivenRule(kinds.GLIBC_MMAP_CHUNK, _L, "glibc names it a block of malloc"),
    _W.GLIBC_STACK: GivenRule(kinds.THREAD_STACK, _L, "glibc names it a thread's stack"),
    _W.GLIBC_UNUSED_STACK: GivenRule(kinds.CACHED_STACK, _L, "glibc names it an unused stack"),
    _W.BSS: GivenRule(object_kind(Role.LIB, Part.BSS), _L, "the loader names it .bss"),
    _W.LOADER: GivenRule(kinds.LOADER, _L, "the loader names it its own memory"),
    _W.GLIBC: GivenRule(kinds.ANON_PRIVATE, _L, "glibc names it"),
    _W.BIONIC_SIGNAL_STACK: GivenRule(kinds.SIGNAL_STACK, _L, "bionic names it a signal stack"),
    _W.BIONIC_STACK: GivenRule(kinds.THREAD_STACK, _L, "bionic names it a thread's stack"),
    _W.SCUDO: GivenRule(kinds.SCUDO, _L, "the allocator Scudo names it"),
    _W.BIONIC_MALLOC: GivenRule(kinds.BIONIC, _L, "bionic's allocator names it"),
    _W.PARTITION_ALLOC: GivenRule(kinds.PARTITION_ALLOC, _L, "PartitionAlloc names it"),
    _W.V8: GivenRule(kinds.V8, _L, "V8 names it"),
    _W.PHP: GivenRule(kinds.PHP, _L, "PHP's allocator names it"),
    _W.PHP_FIBER: GivenRule(kinds.COROUTINE_STACK, _L, "PHP names it a fiber's stack"),
    _W.TCMALLOC: GivenRule(kinds.TCMALLOC, _L, "tcmalloc names it"),
    _W.JEMALLOC: GivenRule(kinds.JEMALLOC, _L, "jemalloc names it"),
    _W.GO_HEAP: GivenRule(kinds.GO_HEAP, _L, "the Go runtime names it heap"),
    _W.GO: GivenRule(kinds.GO_RUNTIME, _L, "the Go runtime names it"),
    _W.DALVIK_JIT: GivenRule(kinds.JVM_CODE, _L, "the Android runtime names it code"),
    _W.DALVIK: GivenRule(kinds.JVM_HEAP, _L, "the Android runtime names it"),
}
"""What programs call their anonymous memory: settable by anybody, so never more than likely."""


def rule_of(name: bytes) -> GivenRule | None:
    """What follows from ``[anon:NAME]``; None where nobody knows the name."""
    return _BY_GIVEN_NAME.get(given_name(name))
