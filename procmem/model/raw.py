"""What a source hands over: bytes as the kernel wrote them, and refusals where it would not.

The same value comes from a live process, from another proc tree and from a recording; nothing after
it knows the difference. A file that may not be read is a value too: the report still tells what the
other files know.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import chain, compress, count, repeat
from operator import eq, itemgetter, le, not_

from procmem.model.enumeration import Enumeration
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = [
    "CMDLINE_BYTES_MAX",
    "FILE_BYTES_MAX",
    "FileContent",
    "KeptFile",
    "Machine",
    "MappedFile",
    "MissingRight",
    "PageRun",
    "PageRuns",
    "PageState",
    "RawProcess",
    "Refusal",
    "said_or_nothing",
    "without_overlap",
]


CMDLINE_BYTES_MAX = 64 * 1024
"""So much is read of a command line: a process may lay it over all of its memory (PR_SET_MM_MAP, prctl(2))."""
FILE_BYTES_MAX = 64 * 1024 * 1024
"""So much is read of any other file at once; larger ones are refused. Of maps and smaps pieces are read."""


class Refusal(Enumeration):
    """Why a file has no content for us: it may not be read, is not there, its process ended or does not answer, ..."""

    DENIED = "denied"
    ABSENT = "absent"
    GONE = "gone"
    STUCK = "stuck"
    TOO_LARGE = "too large"
    FAILED = "failed"
    IO_ERROR = "io error"
    UNRECORDED = "unrecorded"


FileContent = bytes | Refusal
"""What a file of /proc said, or why it did not."""


def said_or_nothing(content: FileContent) -> bytes:
    """The bytes, none where they were refused: for files of which every line is optional."""
    return content if isinstance(content, bytes) else b""


class Machine(NamedTuple):
    """Facts of the machine that the files of one process do not carry.

    ``page_size`` in bytes; ``clock_ticks`` per second (the unit of times in ``stat``).
    Each is None where a recording does not say.
    """

    machine: str | None = None
    kernel: str | None = None
    page_size: int | None = None
    clock_ticks: int | None = None
    cpus: int | None = None

    @property
    def release(self) -> tuple[int, int] | None:
        """The kernel's version as two numbers, None where it does not begin with such."""
        major, _, rest = (self.kernel or "").partition(".")
        minor = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        return (int(major), int(minor)) if major.isdecimal() and minor else None


class MissingRight(Enumeration):
    """What we lack where a process may not be looked at."""

    OTHER_USER = "other user"
    ROOT_WITHOUT = "root without"
    MORE_CAPABILITIES = "more capabilities"
    NOT_DUMPABLE = "not dumpable"
    OUTER_NAMESPACE = "outer namespace"
    YAMA = "yama"


class RawProcess(NamedTuple):
    """One process as read: file name (relative to ``/proc/<pid>``) to content, and where it came from.

    ``links`` holds symbolic links' texts (``exe``). ``thread_ids`` is None where ``task`` was not listed.
    ``system`` holds files relative to ``/proc`` itself. ``read_through`` is the live thread that was read
    because the leader is dead. ``unstable`` says that the process changed while it was read;
    ``notes`` are about the text that it was read from. ``missing_right`` is what we lack where files were refused.
    """

    pid: int | None
    files: Mapping[str, FileContent]
    links: Mapping[str, bytes | Refusal]
    thread_ids: tuple[int, ...] | None
    system: Mapping[str, FileContent]
    machine: Machine
    read_through: int | None = None
    unstable: Note | None = None
    notes: tuple[Note, ...] = ()
    missing_right: MissingRight | None = None


class MappedFile(NamedTuple):
    """A file as ``maps`` names it: identity, and the ranges at which it is mapped.

    ``path`` is the target's own claim, in its own namespace; ``device`` is ``major:minor`` in hexadecimal.
    ``ranges`` are ascending. ``is_program`` says that the entry point which the kernel started lies in one of them.
    """

    device: str
    inode: int
    path: bytes
    ranges: tuple[tuple[int, int], ...]
    is_program: bool = False

    def holds(self, address: int) -> bool:
        """Whether an address lies in one of the ranges."""
        at = bisect_right(self.ranges, address, key=itemgetter(0))
        return at > 0 and address < self.ranges[at - 1][1]


class KeptFile(NamedTuple):
    """What was read of a mapped file: pieces of its headers, or the refusal. This is what a recording keeps."""

    file: MappedFile
    pieces: tuple[tuple[int, bytes], ...]
    refusal: Refusal | None = None


class PageState:
    """Bits of a page run, as pagemap and PAGEMAP_SCAN tell them (include/uapi/linux/fs.h)."""

    PRESENT = 1
    SWAPPED = 2
    FILE = 4
    ZERO = 8
    GUARD = 16
    HUGE = 32


class PageRun(NamedTuple):
    """Neighbouring pages in the same state: addresses in bytes, half open."""

    start: int
    end: int
    state: int


class PageRuns:
    """Runs of pages, ascending, as columns: a process may have many thousand, of which few are looked at."""

    __slots__ = ("end", "start", "state")

    def __init__(self, start: Sequence[int] = (), end: Sequence[int] = (), state: Sequence[int] = ()) -> None:
        self.start = start
        self.end = end
        self.state = state

    @classmethod
    def of(cls, runs: Iterable[PageRun]) -> PageRuns:
        """The same runs as columns."""
        return runs if isinstance(runs, PageRuns) else cls(*zip(*runs, strict=True))

    @classmethod
    def merged(cls, runs: Iterable[PageRun]) -> PageRuns:
        """Runs in any order, of which several may hold the same pages: those count where they come first."""
        return cls._of_ascending(sorted(runs))

    @classmethod
    def joined(cls, *parts: PageRuns) -> PageRuns:
        """The runs of several; pages that several hold count where they come first."""
        told = [part for part in parts if len(part)]
        if len(told) < 2:
            return told[0] if told else cls()
        rows = chain.from_iterable(zip(part.start, part.end, part.state, strict=True) for part in told)
        return cls._of_ascending(sorted(rows))

    @classmethod
    def _of_ascending(cls, rows: Sequence[tuple[int, int, int]]) -> PageRuns:
        """Starts, ends and states as runs; what several hold counts where it comes first."""
        ascending = cls(*zip(*rows, strict=True))
        if all(map(le, ascending.end, ascending.start[1:])):
            return ascending  # as most often
        once = []
        told = 0
        for start, end, state in rows:
            if end > told:
                once.append(PageRun(max(start, told), end, state))
                told = end
        return cls.of(once)

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, at: int) -> PageRun:
        return PageRun(self.start[at], self.end[at], self.state[at])

    def __iter__(self) -> Iterator[PageRun]:
        return map(PageRun, self.start, self.end, self.state)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PageRuns | tuple) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # a list is compared, never a key

    def __repr__(self) -> str:
        return f"PageRuns.of({list(self)})"

    def first_beyond(self, address: int) -> int:
        """The index of the first run that ends above an address."""
        at = bisect_right(self.start, address)
        return at - 1 if at and self.end[at - 1] > address else at

    def clipped(self, ranges: Sequence[tuple[int, int]]) -> PageRuns:
        """The parts of the runs that lie in ascending ranges; no part lies in two."""
        starts = [start for start, _ in ranges]
        ends = [0, *(end for _, end in ranges)]
        begun = list(map(bisect_right, repeat(starts), self.start))  # so many ranges begin at or below its start
        inside = list(map(le, self.end, map(ends.__getitem__, begun)))
        if all(inside):
            return self  # as most often
        parts = [
            PageRun(max(run.start, start), min(run.end, end), run.state)
            for run, at in ((self[row], begun[row]) for row in compress(count(), map(not_, inside)))
            for start, end in ranges[max(at - 1, 0) : bisect_left(starts, run.end)]
            if end > run.start
        ]
        whole = (list(compress(column, inside)) for column in (self.start, self.end, self.state))
        return PageRuns.joined(PageRuns(*whole), PageRuns.of(parts))

    def within(self, start: int, end: int) -> Iterator[PageRun]:
        """The runs that lie in a range, or reach into it."""
        for at in range(self.first_beyond(start), bisect_left(self.start, end)):
            yield PageRun(self.start[at], self.end[at], self.state[at])


def without_overlap(ranges: Iterable[tuple[int, int]], *, gap: int = -1) -> list[tuple[int, int]]:
    """The same addresses as ascending ranges that do not overlap, so that no page is told twice.

    With ``gap``, ranges with at most so many bytes between become one.
    """
    ascending = sorted(ranges)
    ends, starts = map(itemgetter(1), ascending), map(itemgetter(0), ascending[1:])
    if gap < 0 and all(map(le, ends, starts)):
        return ascending  # as most often
    merged: list[tuple[int, int]] = []
    for start, end in ascending:
        if merged and start - merged[-1][1] <= gap:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
