"""A core file as a source: one process as it was, with the memory that was dumped."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

from procmem.model.elf import Segment
from procmem.model.given_text import GivenText
from procmem.model.raw import MappedFile, PageRun, PageRuns, PageState, Refusal
from procmem.sources.file_helper import need_answer
from procmem.sources.files import FdReader, open_given
from procmem.sources.recording.read import RecordedSource, RecordedTarget
from procmem.sources.recording.store import TextStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import ByteReader, MemoryReader, Target

__all__ = ["CoreMemory", "CoreSource", "elf_reader"]

_MAGIC = b"\x7fELF"
_LOOKED_AT_MAX = 1 << 30
"""So many bytes are looked at for pages that hold something; of others the file's holes tell."""
_PIECE = 1 << 20


def elf_reader(path: str) -> FdReader | None:
    """An ELF file, opened for reading; None where a path is no regular file, or another one.

    Raises:
        BadInput: nobody answers for it.
    """
    if path == "-":
        return None
    need_answer(path)
    if not os.path.isfile(path):
        return None
    try:
        reader = FdReader(open_given(path))
    except OSError:
        return None  # who reads it otherwise will tell
    return reader if reader.read_at(0, len(_MAGIC)) == _MAGIC else None


class CoreSource(RecordedSource):
    """The one process of a core file."""

    def __init__(
        self, path: str, text: GivenText, memory: CoreMemory, files: Sequence[tuple[int, int, int, bytes]]
    ) -> None:
        super().__init__(path, text)
        self._text = text
        self._memory = memory
        self._files = files

    def open(self, pid: int | None) -> Target:
        """The process.

        Raises:
            ProcessGone: it is of another pid.
        """
        if pid not in self._folders:
            return super().open(pid)
        return _CoreTarget(pid, self._store, self.name, self._text, self._memory, self._files)


class _CoreTarget(RecordedTarget):
    def __init__(
        self,
        pid: int | None,
        store: object,
        source: str,
        text: GivenText,
        memory: CoreMemory,
        files: Sequence[tuple[int, int, int, bytes]],
    ) -> None:
        assert isinstance(store, TextStore)
        super().__init__(pid, "", store, {}, source, notes=text.notes)
        self._memory = memory
        self._threads = tuple(sorted({name.split("/")[1] for name in text.files if name.startswith("task/")}))
        self._ranges: dict[bytes, list[tuple[int, int, int, bytes]]] = {}
        for one in files:
            self._ranges.setdefault(one[3], []).append(one)

    def names(self, folder: str) -> tuple[str, ...] | Refusal:
        """The threads; a core tells of no other folder."""
        return self._threads if folder == "task" and self._threads else Refusal.UNRECORDED

    def open_file(self, mapped: MappedFile, *, is_local: bool = False) -> ByteReader | Refusal:
        """What was dumped of a mapped file: the first page of each ELF object, as the kernel is usually told."""
        del is_local
        reader = _DumpedFile(self._memory, self._ranges.get(mapped.path, ()))
        return reader if reader.read_at(0, len(_MAGIC)) else Refusal.UNRECORDED

    def page_runs(self, ranges: Sequence[tuple[int, int]], page_size: int) -> PageRuns | Refusal:
        """The pages that hold something: those without are no part of a core, or nothing but zeros."""
        return self._memory.page_runs(ranges, page_size)

    def memory(self) -> MemoryReader | Refusal:
        """The memory that was dumped."""
        return self._memory


class _DumpedFile:
    """A file, as far as its pages were dumped where it is mapped."""

    def __init__(self, memory: CoreMemory, ranges: Sequence[tuple[int, int, int, bytes]]) -> None:
        self._memory = memory
        self._ranges = ranges

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes at an offset of the file, none where they were not dumped."""
        for start, end, first, _ in self._ranges:
            if first <= offset < first + end - start:
                return self._memory.read_at(start + offset - first, min(length, first + end - start - offset))
        return b""


class CoreMemory:
    """Memory by its virtual address, from the segments of a core."""

    def __init__(self, reader: FdReader, segments: Sequence[Segment]) -> None:
        self._reader = reader
        self._segments = [segment for segment in segments if segment.filesz]
        self._starts = [segment.vaddr for segment in self._segments]

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes from an address on, as far as they were dumped in one piece."""
        at = bisect_right(self._starts, offset) - 1
        if at < 0 or length <= 0:
            return b""
        segment = self._segments[at]
        inside = offset - segment.vaddr
        if inside >= segment.filesz:
            return b""
        pieces = [self._reader.read_at(segment.offset + inside, min(length, segment.filesz - inside))]
        left = length - len(pieces[0])
        end = offset + len(pieces[0])
        while left and (at := at + 1) < len(self._segments) and self._starts[at] == end:
            segment = self._segments[at]
            pieces.append(self._reader.read_at(segment.offset, min(left, segment.filesz)))
            left -= len(pieces[-1])
            end += len(pieces[-1])
        return b"".join(pieces)

    def _next_dumped(self, address: int) -> int | None:
        """Where, from an address on, anything was dumped; None where nothing was."""
        at = bisect_right(self._starts, address)
        return self._starts[at] if at < len(self._starts) else None

    def search(self, low: int, high: int, matches: Callable[[int, bytes], Iterable[int]]) -> Iterator[int]:
        """What matches in what was dumped of a range; however much was not, it is passed over."""
        at: int | None = low
        while at is not None and at < high:
            data = self.read_at(at, min(_PIECE, high - at))
            if data:
                yield from matches(at, data)
            at = at + len(data) if data else self._next_dumped(at)

    def page_runs(self, ranges: Iterable[tuple[int, int]], page_size: int) -> PageRuns:
        """The pages in some ranges that hold anything but zeros."""
        runs: list[PageRun] = []
        left = _LOOKED_AT_MAX
        zeros = bytes(page_size)
        for start, end in ranges:
            at = start
            while at < end:
                size = min(_PIECE, end - at)
                if left <= 0:
                    runs.append(PageRun(at, end, PageState.PRESENT))
                    break
                data = self.read_at(at, size)
                left -= len(data)
                if not data:
                    following = self._next_dumped(at)
                    at = end if following is None else max(following // page_size * page_size, at + page_size)
                    continue
                for place in range(0, len(data), page_size):
                    if data[place : place + page_size] == zeros[: len(data) - place]:
                        continue
                    page = at + place
                    low = runs.pop().start if runs and runs[-1].end == page else page
                    runs.append(PageRun(low, page + page_size, PageState.PRESENT))
                at += -(-len(data) // page_size) * page_size
        return PageRuns.merged(runs)
