"""Thread stacks as glibc itself lists them: exact, complete, the ended threads' cached stacks included.

glibc keeps every stack in one of three lists (in use; supplied by the program, the main thread's among
them; cached for reuse), and exports for debuggers the offsets that are needed to walk them (nptl_db). In each
``struct pthread`` stand the block's address, size and guard; they are found by looking for three words that
fit, so that no version of the structure needs to be known.

Source: glibc nptl/allocatestack.c, nptl_db/structs.def, sysdeps/generic/ldsodefs.h (struct rtld_global).
"""

import struct
from collections.abc import Iterator, Mapping, Sequence

from procmem.classify.partition import Rank
from procmem.classify.target_memory.words import TargetWords
from procmem.model import kinds
from procmem.model.deep import DeepLook
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import note
from procmem.model.region import Certainty, Claim, Label
from procmem.model.snapshot import Snapshot

__all__ = ["GlibcThread", "arena_threads", "glibc_threads", "thread_claims"]

_THREADS_MAX = 200_000
_RTLD_WORDS = 1024
_TLS_DOUBT = 8192
_ABOVE_MAX = 0x2040
"""Less than that lies between a descriptor and the end of its block: two pages, and what aligns it to 64 bytes."""
_TLS_ALIGNMENTS = frozenset(1 << shift for shift in range(4, 13))


class GlibcThread(NamedTuple):
    """One ``struct pthread``: ``state`` is ``used``, ``user`` or ``cached``; ``tls`` the start of its static TLS.

    ``block`` is None for the main thread, whose stack glibc did not allocate. ``top`` is the end of the structure.
    """

    tid: int
    address: int
    state: str
    block: tuple[int, int] | None
    guard: int
    tls: int | None
    top: int


class _Layout(NamedTuple):
    """Where glibc's lists are, and the offsets in ``struct pthread``."""

    used: int
    user: int
    cached: int | None
    list_offset: int
    tid_offset: int
    pthread_size: int
    static_size: int | None


def glibc_threads(
    look: DeepLook, words: TargetWords, biases: Mapping[bytes, int], tls_estimate: int | None
) -> tuple[GlibcThread, ...] | None:
    """All threads that glibc knows of, or None where its lists cannot be found or read.

    ``biases`` is the load bias of each object, by path; ``tls_estimate`` about the size of the static TLS block.
    """
    layout = _find_layout(look, words, biases, tls_estimate)
    if layout is None:
        return None
    lists = [("used", layout.used), ("user", layout.user)]
    if layout.cached is not None:
        lists.append(("cached", layout.cached))
    members = [(state, node - layout.list_offset) for state, head in lists for node in _walk(words, head)]
    offset = _block_offset(
        words, [address for state, address in members if state == "used"] or [a for _, a in members], layout
    )
    threads = []
    for state, address in members:
        tid = words.int32(address + layout.tid_offset)
        if tid is None:
            continue
        block, guard = None, 0
        if offset is not None and (found := words.at(address + offset, 3)) is not None:
            start, size, guard_size = found
            if start and start < address < start + size and guard_size < size:
                block, guard = (start, start + size), guard_size
        top = address + layout.pthread_size
        tls = None if layout.static_size is None else top - layout.static_size
        threads.append(GlibcThread(tid, address, state, block, guard, tls, top))
    return tuple(threads)


def _find_layout(
    look: DeepLook, words: TargetWords, biases: Mapping[bytes, int], tls_estimate: int | None
) -> _Layout | None:
    def variable(name: str) -> int | None:
        for path, symbols in look.symbols.items():
            if name in symbols and path in biases:
                return symbols[name] + biases[path]
        return None

    def offset(name: str) -> int | None:
        data = look.constants.get(name, b"")
        return struct.unpack_from("<3I", data)[2] if len(data) >= 12 else None

    size_bytes = look.constants.get("_thread_db_sizeof_pthread", b"")
    list_offset, tid_offset = offset("_thread_db_pthread_list"), offset("_thread_db_pthread_tid")
    if len(size_bytes) < 4 or list_offset is None or tid_offset is None:
        return None
    pthread_size = struct.unpack_from("<I", size_bytes)[0]
    rtld = variable("_rtld_global")
    used_offset, user_offset = (offset(f"_thread_db_rtld_global__dl_stack_{which}") for which in ("used", "user"))
    static_size = None
    if rtld is not None and used_offset is not None and user_offset is not None:
        used, user = rtld + used_offset, rtld + user_offset
        cached: int | None = user + 2 * words.size  # the list head right behind (struct rtld_global)
        readonly = variable("_rtld_global_ro")
        for base in (readonly, rtld):
            static_size = static_size or (base and _static_tls_size(words, base, pthread_size, tls_estimate))
    else:
        used_or_none = variable("_dl_stack_used") or variable("stack_used")
        user_or_none = variable("_dl_stack_user") or variable("__stack_user")
        if used_or_none is None or user_or_none is None:
            return None
        used, user = used_or_none, user_or_none
        cached = variable("_dl_stack_cache") or variable("stack_cache")
        size_address = variable("_dl_tls_static_size")
        static_size = words.one(size_address) if size_address is not None else None
    return _Layout(used, user, cached, list_offset, tid_offset, pthread_size, static_size or None)


def _static_tls_size(words: TargetWords, base: int, pthread_size: int, estimate: int | None) -> int | None:
    """Find the size of the static TLS block in a structure of the linker, by the fields behind it.

    They are {size, alignment, surplus}, with {used} behind the size in some versions; the size is what the
    modules use, plus the surplus, plus struct pthread, rounded up to the alignment.
    """
    for at in range(_RTLD_WORDS - 4):
        found = words.at(base + at * words.size, 4)
        if found is None:
            return None
        for size, align, surplus in ((found[0], found[1], found[2]), (found[0], found[2], found[3])):
            if align not in _TLS_ALIGNMENTS or not 256 <= surplus < 1 << 20 or size % align:
                continue
            if pthread_size + surplus <= size and estimate is not None and abs(size - estimate) <= _TLS_DOUBT:
                return size
    return None


def _walk(words: TargetWords, head: int) -> Iterator[int]:
    """The nodes of a circular list."""
    node = words.one(head)
    seen = 0
    while node is not None and node not in (0, head) and seen < _THREADS_MAX:
        yield node
        node = words.one(node)
        seen += 1


def _block_offset(words: TargetWords, addresses: Sequence[int], layout: _Layout) -> int | None:
    """Where in ``struct pthread`` the block's address, size and guard stand: the same place for every thread."""
    for address in addresses:
        for at in range(0, layout.pthread_size - 3 * words.size + 1, words.size):
            found = words.at(address + at, 3)
            if found is None:
                break
            start, size, guard = found
            end = start + size
            near_top = 0 <= end - (address + layout.pthread_size) < _ABOVE_MAX
            if start and size >= 4096 and start < address < end and near_top and guard < size:
                return at
    return None


def arena_threads(
    words: TargetWords, threads: Sequence[GlibcThread], arenas: frozenset[int]
) -> dict[int, tuple[int, ...]]:
    """Which threads allocate from which arena: the arena's address stands in the thread's static TLS (thread_arena)."""
    found: dict[int, list[int]] = {}
    for thread in threads:
        if thread.tls is None or thread.state == "cached":
            continue
        count = (thread.address - thread.tls) // words.size
        values = words.at(thread.tls, count) if count > 0 else None
        for arena in arenas.intersection(values or ()):
            found.setdefault(arena, []).append(thread.tid)
    return {arena: tuple(tids) for arena, tids in found.items()}


_LISTED = {"used": "glibc-stack-used", "user": "glibc-stack-user", "cached": "glibc-stack-cached"}
"""The evidence for a stack, by the list that it stands in."""


def thread_claims(threads: Sequence[GlibcThread], snapshot: Snapshot) -> Iterator[Claim]:
    """Exact claims on stacks, guards and static TLS."""
    owners = {thread.tid: thread.owner for thread in snapshot.threads or ()}
    for thread in threads:
        owner = owners.get(thread.tid)
        dead = thread.state == "cached" or owner is None
        if thread.tls is not None and not dead:
            evidence = note("glibc-pthread", tid=thread.tid, at=thread.address)
            label = Label(kinds.TLS, Certainty.CERTAIN, evidence, owner)
            yield Claim(thread.tls, thread.top, Rank.THREAD + 35, label)
        if thread.block is None:
            continue
        start, end = thread.block
        if thread.state == "user":
            end = thread.top  # what a program supplies may be longer than the stack that fits into it
        kind = kinds.CACHED_STACK if dead else kinds.THREAD_STACK
        evidence = note(_LISTED[thread.state], at=thread.address)
        if dead and thread.state != "cached":
            evidence = note("no-such-thread", stack=evidence, tid=thread.tid)
        label = Label(kind, Certainty.CERTAIN, evidence, owner)
        rank = Rank.RELRO + 1 if thread.state == "user" else Rank.THREAD + 1
        yield Claim(start + thread.guard, end, rank, label)
        if thread.guard:
            guard = Label(kinds.STACK_GUARD, Certainty.CERTAIN, evidence, owner)
            yield Claim(start, start + thread.guard, rank, guard)
