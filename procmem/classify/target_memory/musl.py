"""Thread stacks as musl itself lists them: every thread's descriptor stands in a ring, and names its own block.

A descriptor begins with its own address, and holds the addresses of the threads before and after it. It lies near the
top of the block that was mapped for the thread, above its stack; five words in it say where that block is, how large,
where the stack ends in it, how large that is, and the guard. They are found by looking for words that fit, so that no
version of the structure needs to be known.

Source: musl src/internal/pthread_impl.h (struct pthread), src/thread/pthread_create.c.
"""

from collections.abc import Iterator

from procmem.classify.partition import Rank
from procmem.classify.target_memory.words import TargetWords
from procmem.model import kinds
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import note
from procmem.model.permissions import permissions
from procmem.model.region import Certainty, Claim, Label
from procmem.model.snapshot import Snapshot

__all__ = ["MuslThread", "musl_claims", "musl_threads"]

_PAGE = 4096
_PAGES_SEARCHED = 2048
"""8 MiB: the largest stack that somebody is likely to ask for."""
_THREADS_MAX = 10_000
_WORDS_OF_DESCRIPTOR = 16  # up to the guard; the structure may end just below its block
_PREVIOUS, _NEXT, _TID = 2, 3, 6
"""Places of words in the first part of struct pthread, which musl keeps fixed (self, dtv, prev, next, ...)."""


class MuslThread(NamedTuple):
    """One descriptor: the block mapped for it, where the guard ends, and where the stack ends and TLS begins."""

    tid: int
    address: int
    block: tuple[int, int]
    guard: int
    stack_end: int


def musl_threads(mappings: Mappings, words: TargetWords, snapshot: Snapshot) -> tuple[MuslThread, ...]:
    """The threads of the ring that have a block of their own; empty where no ring is found."""
    for pointer, end in _stacks(mappings, snapshot):
        first = pointer // _PAGE * _PAGE
        for address in words.pointing_to_themselves(first, min(end, first + _PAGES_SEARCHED * _PAGE)):
            if _in_ring(words, address):
                return tuple(_ring(words, address))
    return ()


def _stacks(mappings: Mappings, snapshot: Snapshot) -> Iterator[tuple[int, int]]:
    """Threads' stack pointers in writable anonymous memory, and where that ends: a descriptor lies above its stack.

    The memory may go on far above it, where a heap merged with it.
    """
    pointers = [thread.sp for thread in snapshot.threads or () if thread.sp is not None]
    for row, (start, end) in enumerate(zip(mappings.start, mappings.end, strict=True)):
        plain = permissions(mappings.perms[row]).read_write and not mappings.inode[row] and not mappings.name[row]
        if plain:
            yield from ((pointer, end) for pointer in pointers if start <= pointer < end)


def _in_ring(words: TargetWords, address: int) -> bool:
    """Whether a descriptor's neighbours point back to it."""
    found = words.at(address, 4)
    if found is None or not found[_PREVIOUS] or not found[_NEXT]:
        return False
    after, before = words.at(found[_NEXT], 4), words.at(found[_PREVIOUS], 4)
    if after is None or before is None:
        return False
    return (after[0], after[_PREVIOUS], before[0], before[_NEXT]) == (
        found[_NEXT],
        address,
        found[_PREVIOUS],
        address,
    )


def _ring(words: TargetWords, first: int) -> Iterator[MuslThread]:
    address = first
    for _thread in range(_THREADS_MAX):
        found = words.at(address, _WORDS_OF_DESCRIPTOR)
        tid = words.int32(address + _TID * words.size)
        if found is None or tid is None:
            return
        thread = _thread_of(found, address, tid)
        if thread is not None:
            yield thread
        address = found[_NEXT]
        if address == first:
            return


def _thread_of(found: tuple[int, ...], address: int, tid: int) -> MuslThread | None:
    """The five words that describe the block: its base and size, the stack's end and size, the guard."""
    for at in range(_TID + 1, len(found) - 4):
        base, size, stack, stack_size, guard = found[at : at + 5]
        whole = base and base % _PAGE == size % _PAGE == guard % _PAGE == 0
        if whole and base < stack <= address < base + size and stack - stack_size == base + guard:
            return MuslThread(tid, address, (base, base + size), guard, stack)
    return None


def musl_claims(threads: tuple[MuslThread, ...], snapshot: Snapshot) -> Iterator[Claim]:
    """Exact claims on stacks, guards, and the top of each block with TLS and descriptor."""
    owners = {thread.tid: thread.owner for thread in snapshot.threads or ()}
    for thread in threads:
        start, end = thread.block
        owner = owners.get(thread.tid)
        if owner is None:
            continue
        evidence = note("musl-descriptor", tid=thread.tid, at=thread.address)
        stack = Label(kinds.THREAD_STACK, Certainty.CERTAIN, evidence, owner)
        yield Claim(start + thread.guard, thread.stack_end, Rank.THREAD + 1, stack)
        tls = Label(kinds.TLS, Certainty.CERTAIN, note("musl-tls", stack=evidence), owner)
        yield Claim(thread.stack_end, end, Rank.THREAD + 1, tls)
        if thread.guard:
            guard = Label(kinds.STACK_GUARD, Certainty.CERTAIN, evidence, owner)
            yield Claim(start, start + thread.guard, Rank.THREAD + 1, guard)
