"""Whose a byte range is, as values: nobody takes an owner apart from text again.

``owner_name`` writes an owner as the bytes that JSON and tables carry; sentences about owners stand in ``text``.
"""

from procmem.model.named_tuple import NamedTuple

__all__ = [
    "MAIN_THREAD",
    "Allocator",
    "Arena",
    "ArenaBlock",
    "MainThread",
    "MappingName",
    "ObjectFile",
    "Owner",
    "Thread",
    "owner_name",
]


class Thread(NamedTuple):
    """A thread of the process, by its id and the name that it has (None where that may not be read)."""

    tid: int
    comm: bytes | None = None


class Arena(NamedTuple):
    """A malloc arena of glibc: the address of its state, and the threads that use it, where that is known."""

    address: int
    tids: tuple[int, ...] = ()


class ArenaBlock(NamedTuple):
    """A block with the shape of those that arenas are made of, by its address; which arena has it is not known."""

    address: int


class _Name(bytes):
    """An owner that is told by its name alone: that is its value."""

    __slots__ = ()


class MainThread(_Name):
    """The first thread, where only the place of its memory says so."""

    __slots__ = ()


class ObjectFile(_Name):
    """A mapped file, by the path that maps gives it."""

    __slots__ = ()


class MappingName(_Name):
    """What maps calls memory that is no file's: a word of the kernel, or the name that the program gave."""

    __slots__ = ()


class Allocator(_Name):
    """An allocator or runtime, by its usual name."""

    __slots__ = ()


Owner = Thread | MainThread | Arena | ArenaBlock | ObjectFile | MappingName | Allocator
MAIN_THREAD = MainThread(b"main thread")
_TIDS_SHOWN = 8


def owner_name(owner: Owner | None) -> bytes | None:
    """An owner as bytes: ``thread worker (12)``, ``arena 7f0000000030 of thread 12``, a path, a name."""
    match owner:
        case None:
            return None
        case Thread(tid, comm):
            return b"thread %d" % tid if comm is None else b"thread %s (%d)" % (comm or b"?", tid)
        case Arena(address, tids):
            name = b"arena %x" % address
            shown = b", ".join(b"%d" % tid for tid in tids[:_TIDS_SHOWN])
            return name + b" of thread " + shown if shown else name
        case ArenaBlock(address):
            return b"block %x" % address
        case _:
            return bytes(owner)
