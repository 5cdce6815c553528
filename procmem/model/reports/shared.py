"""What ``procmem shared`` tells: each object that a process maps, and who else maps it."""

from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note

__all__ = ["SharedObject", "SharedReport", "Sharer"]


class Sharer(NamedTuple):
    """Another process that maps the same object; ``comm`` is None where its name could not be read."""

    pid: int
    comm: bytes | None


class SharedObject(NamedTuple):
    """One object with its figures in this process, in bytes; None is unknown.

    ``sort`` is ``file``, ``memfd``, ``sysv``, ``posix``, ``anon-shared``, ``hugetlb``, ``device``, or ``anonymous`` for
    private memory without an object. ``private`` are pages that only this process maps; ``copies`` are pages of its
    own in place of the object's. ``times`` is how often it maps the same part of the object, ``once`` its memory with
    each page counted once: at most this, where others map it too. ``freed`` is what the machine would get back of
    memory and swap if the process ended now: not what the page cache keeps.
    """

    name: bytes
    device: str
    inode: int
    sort: str
    virt: int
    rss: int | None
    pss: int | None
    private: int | None
    shared: int | None
    copies: int | None
    swap: int | None
    times: int | None
    once: int | None
    freed: int | None
    sharers: tuple[Sharer, ...]


class SharedReport(NamedTuple):
    """The answer of ``procmem shared``; ``unreadable`` counts processes whose maps were refused."""

    pid: int | None
    comm: bytes | None
    objects: tuple[SharedObject, ...]
    looked_at: int
    unreadable: int
    warnings: tuple[Note, ...]

    @property
    def sharers_unknown(self) -> bool:
        """Whether no other process could be looked at, so that nobody knows who shares."""
        return not self.looked_at
