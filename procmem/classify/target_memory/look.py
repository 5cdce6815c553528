"""What the target's own structures prove: glibc's lists of threads, and malloc's headers around them.

It stands apart so that a look without ``--deep`` does not even load it.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from procmem.classify.page_states import PageStates
from procmem.classify.partition import Rank
from procmem.classify.target_memory.glibc_malloc import beside_brk, disproved_heaps, malloc_claims
from procmem.classify.target_memory.glibc_threads import arena_threads, glibc_threads, thread_claims
from procmem.classify.target_memory.musl import musl_claims, musl_threads
from procmem.classify.target_memory.words import TargetWords
from procmem.model.deep import DeepLook
from procmem.model.kinds import JVM_HEAP
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.region import Claim
from procmem.model.snapshot import Snapshot

__all__ = ["Proofs", "proofs"]


class Proofs(NamedTuple):
    """Claims with proof, and each listed thread's own stack; ``complete`` if the C library's lists were read.

    ``disproved`` are the beginnings of blocks that have the shape of a malloc arena's, and are none.
    """

    claims: tuple[Claim, ...]
    blocks: Mapping[int, tuple[int, int]]
    complete: bool
    disproved: frozenset[int]


def proofs(
    snapshot: Snapshot,
    mappings: Mappings,
    look: DeepLook,
    pages: PageStates,
    biases: Mapping[bytes, int],
    of_objects: Sequence[Claim],
    of_runtimes: Sequence[Claim],
    tls_size: int | None,
    *,
    static: bool,
) -> Proofs:
    """Read what can be read.

    ``biases`` is each object's load bias, ``of_objects`` the claims of loaded objects, ``of_runtimes`` of runtimes;
    ``tls_size`` is about the size of a thread's static TLS with its descriptor; ``static`` that the program has no
    interpreter.
    """
    words = TargetWords(look.memory, snapshot.bits)
    threads = glibc_threads(look, words, biases, tls_size)
    stacks = tuple(thread_claims(threads or (), snapshot))
    ring = musl_threads(mappings, words, snapshot) if threads is None else ()
    stacks += tuple(musl_claims(ring, snapshot))
    # stacks that the program supplied may lie in blocks of malloc, so only glibc's own are out of the question
    allocated = [claim for claim in stacks if claim.rank <= Rank.THREAD + 1]
    headers = list(
        malloc_claims(
            mappings,
            words,
            pages.runs,
            snapshot.bits,
            snapshot.page_size,
            [*of_objects, *allocated],
            partial(arena_threads, words, threads or ()),
        )
    )
    if any(claim.label.kind is JVM_HEAP for claim in of_runtimes):
        from procmem.classify.target_memory.java_buffers import buffer_claims  # noqa: PLC0415  # only for Java

        headers += buffer_claims(words, of_runtimes, headers)
    start_brk = snapshot.stat.start_brk if snapshot.stat is not None else None
    above = beside_brk(mappings, words, pages, start_brk, snapshot.page_size, (tls_size or 0) if static else 0)
    blocks = {thread.tid: thread.block for thread in threads or ring if thread.block is not None}
    disproved = disproved_heaps(mappings, words, pages, snapshot.bits)
    return Proofs((*stacks, *headers, *above), blocks, threads is not None, disproved)
