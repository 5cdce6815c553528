"""What a source promises: the shapes that live processes, proc trees and recordings have in common.

Only type checkers import this module; at run time nobody pays for it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self

from procmem.model.note import Note
from procmem.model.raw import FileContent, Machine, MappedFile, MissingRight, PageRuns, Refusal

__all__ = ["ByteReader", "MemoryReader", "Source", "Target"]


class ByteReader(Protocol):
    """A file, or the part of one that was kept: read anywhere, get what there is."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Give up to ``length`` bytes from ``offset``; fewer where the file or the kept part ends."""
        ...


class MemoryReader(ByteReader, Protocol):
    """A process's memory: read by virtual address, or searched."""

    def search(self, low: int, high: int, matches: Callable[[int, bytes], Iterable[int]]) -> Iterator[int]:
        """The addresses in a page-aligned range that ``matches`` gives of its pieces (their address and bytes).

        What is searched is not remembered, as what is read is: read what you go by.
        """
        ...


class Target(Protocol):
    """One process of a source, held open so that a reused pid cannot mix two processes."""

    @property
    def pid(self) -> int | None:
        """The pid (or thread id) that was asked for; None where a recording does not say."""
        ...

    @property
    def notes(self) -> tuple[Note, ...]:
        """What must be known of where it was read from."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether it is a process of this machine, now: what is read of it may keep us waiting."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def look_through(self, tid: int) -> None:
        """Take memory, pages, links and mapped files from this live thread, since the leader is dead."""
        ...

    def read(self, name: str) -> FileContent:
        """A file below ``/proc/<pid>``, whole (``smaps``, ``task/12/stat``)."""
        ...

    def read_pieces(self, name: str, use: Callable[[bytes], None], *, keep: bool) -> FileContent:
        """The same for a file that may be large: its pieces are handed over while the rest is being read.

        Only with ``keep`` is the content itself sure to come back.
        """
        ...

    def link(self, name: str) -> bytes | Refusal:
        """The text of a symbolic link below ``/proc/<pid>``."""
        ...

    def names(self, folder: str) -> tuple[str, ...] | Refusal:
        """The entries of a folder below ``/proc/<pid>`` (``task``), as the source orders them."""
        ...

    def read_system(self, name: str) -> FileContent:
        """A file below ``/proc`` itself (``meminfo``, ``sys/vm/swappiness``)."""
        ...

    def open_file(self, mapped: MappedFile, *, is_local: bool = False) -> ByteReader | Refusal:
        """The very file that is mapped, never another one that has its name today.

        ``is_local`` says that its file system is the kernel's own, and answers; of others one must be ready to hear
        nothing (Refusal.STUCK, and NoAnswer when reading).
        """
        ...

    def page_runs(self, ranges: Sequence[tuple[int, int]], page_size: int) -> PageRuns | Refusal:
        """The populated pages in the ranges, in address order; pages never touched are left out."""
        ...

    def page_frame(self, address: int, page_size: int) -> int | Refusal | None:
        """The physical frame number of a page; None for a page that is not present."""
        ...

    def page_word(self, address: int, page_size: int) -> int | Refusal:
        """The 64-bit word of a page in ``pagemap``."""
        ...

    def frame_word(self, name: str, frame: int) -> int | Refusal:
        """The word of a physical frame in ``/proc/kpageflags`` or ``/proc/kpagecount``."""
        ...

    def memory(self) -> MemoryReader | Refusal:
        """The target's own memory, addressed by virtual address."""
        ...

    def drm_fdinfo(self) -> tuple[list[tuple[int, bytes]], bool] | Refusal:
        """What ``fdinfo`` says of each descriptor of a graphics device, and whether all descriptors were looked at."""
        ...

    def clear_accessed(self) -> Refusal | None:
        """Have the kernel forget which of its pages were accessed (1 to ``clear_refs``); why not, where it fails."""
        ...

    def reset_peak(self) -> Refusal | None:
        """Have its peak, VmHWM, begin again with what is in memory now (5 to ``clear_refs``); why not, as above."""
        ...

    def missing_right(self, *, to_attach: bool = False) -> MissingRight | None:
        """What we lack where its files are refused (with ``to_attach``, its memory); None where that is not known."""
        ...

    @property
    def machine(self) -> Machine:
        """Facts of the machine it runs, or ran, on."""
        ...


class Source(Protocol):
    """A place that has processes: this machine, another proc tree, or a recording."""

    @property
    def name(self) -> str:
        """What to call it in messages."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether it shows this machine now, ourselves among its processes."""
        ...

    @property
    def notes(self) -> tuple[Note, ...]:
        """What must be known of where it came from: how a text was read, and what of it was left out."""
        ...

    def pids(self) -> tuple[int | None, ...]:
        """All process ids it holds, ascending; None for the process of a text that does not say whose it is."""
        ...

    def open(self, pid: int | None) -> Target:
        """Hold one process open.

        Raises:
            ProcessGone: no such process.
            AccessRefused: not even its folder may be opened.
        """
        ...
