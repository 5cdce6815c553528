"""Whose a byte range is, as values: nobody takes an owner apart from text again.

``owner_name`` writes an owner as the bytes that JSON and tables carry; sentences about owners stand in ``text``.
"""

from typing import NamedTuple

__all__ = [
    "MAIN_THREAD",
    "Allocator",
    "Arena",
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


class MainThread(NamedTuple):
    """The first thread, where only the place of its memory says so."""

    name: bytes = b"main thread"


class Arena(NamedTuple):
    """A malloc arena of glibc: the address of its first heap, and the threads that use it, where that is known."""

    address: int
    tids: tuple[int, ...] = ()


class ObjectFile(NamedTuple):
    """A mapped file, by the path that maps gives it."""

    path: bytes


class MappingName(NamedTuple):
    """What maps calls memory that is no file's: a word of the kernel, or the name that the program gave."""

    name: bytes


class Allocator(NamedTuple):
    """An allocator or runtime, by its usual name."""

    name: bytes


Owner = Thread | MainThread | Arena | ObjectFile | MappingName | Allocator
MAIN_THREAD = MainThread()
_TIDS_SHOWN = 8


def owner_name(owner: Owner | None) -> bytes | None:
    """An owner as bytes: ``thread 12 worker``, ``arena 7f0000000000 of thread 12``, a path, a name."""
    match owner:
        case None:
            return None
        case Thread(tid, comm):
            return b"thread %d %s" % (tid, comm or b"?")
        case Arena(address, tids):
            name = b"arena %x" % address
            shown = b", ".join(b"%d" % tid for tid in tids[:_TIDS_SHOWN])
            return name + b" of thread " + shown if shown else name
        case ObjectFile(path):
            return path
        case MappingName(name) | Allocator(name) | MainThread(name):
            return name
