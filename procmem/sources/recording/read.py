"""Recordings as a source: what ``procmem record`` wrote, a copied process folder, or a text of a process.

The layout is that of ``/proc`` itself, so that a copied tree is a recording too::

    about.toml              schema, kernel, machine, page size, clock ticks, when, what was refused
    meminfo, swaps, ...     files of the system
    4711/maps, smaps, ...   files of a process; task/4711/... of its threads
    4711/links/exe          the text of the link
    4711/objects.json       index of the kept heads of mapped files; objects.bin has their bytes in that order
    4711/pagemap.runs       pages present, swapped or guards: "start-end letters" lines
    4711/memory.words       the few words that --deep read: "address hex" lines
"""

from __future__ import annotations

import datetime
import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType

from procmem.errors import BrokenRecording, MalformedFile, ProcessGone
from procmem.model.given_text import GivenText
from procmem.model.line_length import LINE_BYTES_MAX, long_line
from procmem.model.note import Note
from procmem.model.numbers import whole_number
from procmem.model.raw import (
    FileContent,
    KeptFile,
    Machine,
    MappedFile,
    MissingRight,
    PageRun,
    PageRuns,
    PageState,
    Refusal,
    without_overlap,
)
from procmem.sources.pieces import without_holes
from procmem.sources.recording.about import (
    SCHEMA,
    pid_of_folder,
    read_about,
    read_objects,
    recorded_refusal,
    typed,
)
from procmem.sources.recording.store import Store, TextStore, open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from procmem.model.ports import ByteReader, MemoryReader, Target

__all__ = ["SCHEMA", "PiecesReader", "RecordedSource", "page_run_letters"]

_LETTERS = (
    ("p", PageState.PRESENT),
    ("s", PageState.SWAPPED),
    ("f", PageState.FILE),
    ("z", PageState.ZERO),
    ("g", PageState.GUARD),
    ("h", PageState.HUGE),
)
_BITS = dict(_LETTERS)


PAGE_RUNS_MAX = 1_000_000
"""Of a process whose every other page is in memory: those of 8 GiB."""
MAPPINGS_MAX = 262_144
"""Four times the kernel's default for vm.max_map_count; the highest that packagers of programs set."""


def page_run_letters(state: int) -> str:
    """The letters that stand for a page state in ``pagemap.runs``."""
    return "".join(letter for letter, bit in _LETTERS if state & bit)


def has_too_many_mappings(content: bytes) -> bool:
    """Whether maps or smaps of a stranger list more mappings than anybody has: each costs about a kilobyte here."""
    if content.count(b"\n") <= MAPPINGS_MAX:
        return False
    found = re.finditer(rb"(?m)^[0-9a-f]{1,16}-[0-9a-f]", content)
    return any(number > MAPPINGS_MAX for number, _ in enumerate(found, start=1))


class PiecesReader:
    """A reader over kept pieces of a file (or of memory): what was not kept is not there."""

    __slots__ = ("_pieces", "_starts")

    def __init__(self, pieces: Sequence[tuple[int, bytes]]) -> None:
        self._pieces = list(without_holes(pieces))
        self._starts = [start for start, _ in self._pieces]

    def read_at(self, offset: int, length: int) -> bytes:
        """The kept bytes from an offset on, as far as they go without a hole."""
        at = bisect_right(self._starts, offset) - 1
        if at < 0 or length <= 0:
            return b""
        start, data = self._pieces[at]
        return data[offset - start : offset - start + length]

    def search(self, low: int, high: int, matches: Callable[[int, bytes], Iterable[int]]) -> Iterator[int]:
        """What matches in what was kept of a range."""
        first = max(bisect_right(self._starts, low) - 1, 0)
        for start, data in self._pieces[first : bisect_right(self._starts, high)]:
            yield from matches(max(start, low), data[max(low - start, 0) : max(high - start, 0)])


_DEPTH_MAX = 8
"""Folders within each other, of a recording."""
_DESCRIPTORS_MAX = 4096
"""So many files of ``fdinfo`` are read of a copied folder."""


def _files_below(store: Store, folder: str, depth: int) -> Iterator[str]:
    """The files of a store, folder by folder, in the order of their names."""
    names = store.names(folder)
    for name in () if isinstance(names, Refusal) else names:
        path = f"{folder}/{name}" if folder else name
        inner = store.names(path) if depth else ()
        if isinstance(inner, Refusal) or not inner:
            yield path
        else:
            yield from _files_below(store, path, depth - 1)


class RecordedSource:
    """Processes of a recording. The pid may be left out when it holds only one."""

    def __init__(self, path: str, opened: Store | GivenText | None = None) -> None:
        self.name = path
        self.notes: tuple[Note, ...] = ()
        self._about: Mapping[str, Any] = {}
        self._folders: dict[int | None, str] = {}
        if isinstance(opened, GivenText):
            self._store: Store = TextStore(opened.files)
            self._folders[opened.pid] = ""
            self.notes = opened.notes
            return
        if opened is None:
            found = open_store(path)
            if isinstance(found, bytes):
                raise BrokenRecording(path, "no-archive")
            opened = found
        self._store = opened
        self._about = read_about(self._store, path)
        names = self._store.names("")
        top = () if isinstance(names, Refusal) else names
        pids = ((whole_number(name), name) for name in top)
        self._folders = {pid: f"{name}/" for pid, name in pids if pid is not None and name == str(pid)}  # and not 007
        if not self._folders or {"maps", "smaps", "status"} & set(top):
            if not {"maps", "smaps", "status", "stat"} & set(top):
                raise BrokenRecording(path, "no-process-recorded")
            self._folders = {pid_of_folder(self._store, path): ""}

    @property
    def is_live(self) -> bool:
        """A recording is the past."""
        return False

    @property
    def when(self) -> float | None:
        """When it was made, as Unix time; None where it does not say."""
        text = typed(self._about, "when", str)
        try:
            return None if text is None else datetime.datetime.fromisoformat(text).timestamp()
        except (ValueError, OverflowError):
            return None

    @property
    def host(self) -> str | None:
        """The name of the machine, where it was kept."""
        name: str | None = typed(self._about, "host", str)
        return name

    def digest(self) -> bytes:
        """What its content is known by, whether it lies in a folder or in an archive."""
        total = hashlib.sha256()
        for name in _files_below(self._store, "", _DEPTH_MAX):
            content = self._store.read(name)
            if isinstance(content, bytes):
                total.update(f"{name}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
                total.update(content)
        return total.digest()

    def pids(self) -> tuple[int | None, ...]:
        """The recorded pids, ascending; None alone where a text does not say whose it is."""
        return self._known_pids() or tuple(self._folders)

    def _known_pids(self) -> tuple[int, ...]:
        return tuple(sorted(pid for pid in self._folders if pid is not None))

    def only(self) -> int | None:
        """The pid to use when none was given (None for a file that does not say).

        Raises:
            BrokenRecording: it holds several processes, so one must be named.
        """
        if len(self._folders) != 1:
            known = tuple(self._known_pids()[:10])
            raise BrokenRecording(self.name, "several-recorded", count=len(self._folders), known=known)
        return next(iter(self._folders))

    def open(self, pid: int | None) -> Target:
        """Open one recorded process.

        Raises:
            ProcessGone: this recording does not hold it.
        """
        if pid in self._folders:
            return RecordedTarget(pid, self._folders[pid], self._store, self._about, self.name, notes=self.notes)
        assert pid is not None
        for leader, folder in self._folders.items():
            threads = self._store.names(f"{folder}task")
            if not isinstance(threads, Refusal) and str(pid) in threads:
                # as /proc/TID does for a thread that is not listed
                return RecordedTarget(pid, folder, self._store, self._about, self.name, thread_of=leader)
        known = tuple(self._known_pids()[:10])
        raise ProcessGone(pid, "not-recorded" if known else "nothing-recorded", source=self.name, known=known)


class RecordedTarget:
    """One recorded process."""

    def __init__(
        self,
        pid: int | None,
        folder: str,
        store: Store,
        about: Mapping[str, Any],
        source: str,
        *,
        thread_of: int | None = None,
        notes: tuple[Note, ...] = (),
    ) -> None:
        self.pid = pid
        self.notes = notes
        self._folder = folder
        self._store = store
        self._about = about
        self._source = source
        self._thread_of = thread_of
        self._process_about: Mapping[str, Any] = about.get("process", {}).get(str(thread_of or pid), {})
        self._kept: dict[tuple[str, int, bytes], KeptFile] | None = None

    is_live = False  # it is the past

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    @property
    def machine(self) -> Machine:
        """The recorded machine's facts, None where about.toml does not tell them."""
        about = self._about
        return Machine(
            machine=typed(about, "machine", str),
            kernel=typed(about, "kernel", str),
            page_size=typed(about, "page_size", int),
            clock_ticks=typed(about, "clock_ticks", int) or 100,
            cpus=typed(about, "cpus", int),
        )

    def look_through(self, tid: int) -> None:
        """A recording keeps one set of links, pages and words: those of the thread that was read."""

    def read(self, name: str) -> FileContent:
        """A recorded file; a refusal that was met when recording comes back as the same refusal."""
        if self._thread_of is not None and not name.startswith("task/"):
            own = self._store.read(f"{self._folder}task/{self.pid}/{name}")
            if not isinstance(own, Refusal):
                return own
        content = self._store.read(self._folder + name)
        if content is Refusal.ABSENT:
            return recorded_refusal(self._process_about.get("refused", {}), name)
        if isinstance(content, bytes) and name.endswith("maps"):
            if has_too_many_mappings(content):
                raise BrokenRecording(self._source, "too-many-mappings", most=MAPPINGS_MAX)
            if (number := long_line(content)) is not None:
                raise MalformedFile(name, number, "long-line", most=LINE_BYTES_MAX)
        return content

    def read_pieces(self, name: str, use: Callable[[bytes], None], *, keep: bool) -> FileContent:
        """A recorded file in one piece."""
        del keep
        content = self.read(name)
        if isinstance(content, bytes):
            use(content)
        return content

    def link(self, name: str) -> bytes | Refusal:
        """A recorded link text, else the text of the link itself in a copied folder."""
        text = self._store.read(f"{self._folder}links/{name}")
        if isinstance(text, bytes):
            return text
        found = self._store.text_of_link(self._folder + name)
        return recorded_refusal(self._process_about.get("refused", {}), name) if isinstance(found, Refusal) else found

    def names(self, folder: str) -> tuple[str, ...] | Refusal:
        """The recorded names in a folder."""
        found = self._store.names(self._folder + folder)
        return Refusal.UNRECORDED if isinstance(found, Refusal) else found

    def read_system(self, name: str) -> FileContent:
        """A recorded file of the system."""
        content = self._store.read(name)
        return recorded_refusal(self._about.get("refused", {}), name) if isinstance(content, Refusal) else content

    def open_file(self, mapped: MappedFile, *, is_local: bool = False) -> ByteReader | Refusal:
        """The kept head of a mapped file; in a copied folder also ``map_files`` and ``exe`` themselves."""
        del is_local
        if self._kept is None:
            objects = read_objects(self._store, self._folder, self._source)
            self._kept = {(kept.file.device, kept.file.inode, kept.file.path): kept for kept in reversed(objects)}
        kept = self._kept.get((mapped.device, mapped.inode, mapped.path))
        if kept is not None:
            return PiecesReader(kept.pieces) if kept.refusal is None else kept.refusal
        names = [f"map_files/{start:x}-{end:x}" for start, end in mapped.ranges]
        for name in [*names, "exe"] if mapped.is_program else names:
            content = self._store.read(self._folder + name)
            if isinstance(content, bytes):
                return PiecesReader([(0, content)])
        return Refusal.UNRECORDED

    def page_runs(self, ranges: Sequence[tuple[int, int]], page_size: int) -> PageRuns | Refusal:
        """The recorded runs that lie in the ranges."""
        del page_size
        content = self.read("pagemap.runs")
        if isinstance(content, Refusal):
            return recorded_refusal(self._process_about.get("refused", {}), "pagemap")
        if content.count(b"\n") > PAGE_RUNS_MAX:
            raise BrokenRecording(self._source, "too-many-page-runs", most=PAGE_RUNS_MAX)
        states: dict[bytes, int] = {}
        runs = []
        for number, line in enumerate(content.split(b"\n")[:-1], start=1):
            try:
                span, letters = line.split(b" ")
                start, end = span.split(b"-")
                state = states.get(letters)
                if state is None:
                    state = states[letters] = sum(_BITS[letter] for letter in set(letters.decode("ascii")))
                runs.append(PageRun(int(start, 16), int(end, 16), state))
            except (ValueError, KeyError) as error:
                raise BrokenRecording(self._source, "bad-page-runs", number=number) from error
        return PageRuns.merged(runs).clipped(without_overlap(ranges))

    def page_frame(self, address: int, page_size: int) -> int | Refusal | None:
        """Physical frames are never recorded."""
        del address, page_size
        return Refusal.UNRECORDED

    def page_word(self, address: int, page_size: int) -> int | Refusal:
        """Words of pagemap are folded into runs when they are recorded."""
        del address, page_size
        return Refusal.UNRECORDED

    def frame_word(self, name: str, frame: int) -> int | Refusal:
        """The same for their flags."""
        del name, frame
        return Refusal.UNRECORDED

    def drm_fdinfo(self) -> tuple[list[tuple[int, bytes]], bool] | Refusal:
        """What a copied folder has of them; a recording of ours keeps it as a text of its own.

        Links are not followed, nor needed: what other descriptors say tells of no device.
        """
        names = self.names("fdinfo")
        if isinstance(names, Refusal):
            return names
        numbers = sorted(number for name in names if (number := whole_number(name)) is not None)
        found = [(number, self.read(f"fdinfo/{number}")) for number in numbers[:_DESCRIPTORS_MAX]]
        told = [(number, content) for number, content in found if isinstance(content, bytes)]
        return told, len(numbers) <= _DESCRIPTORS_MAX

    def clear_accessed(self) -> Refusal | None:
        """It does not run."""
        return Refusal.UNRECORDED

    def reset_peak(self) -> Refusal | None:
        """The same."""
        return Refusal.UNRECORDED

    def missing_right(self, *, to_attach: bool = False) -> MissingRight | None:
        """What who recorded it lacked is not known."""
        del to_attach
        return None

    def memory(self) -> MemoryReader | Refusal:
        """The words of memory that were recorded, if any."""
        content = self.read("memory.words")
        if isinstance(content, Refusal):
            return content
        pieces = []
        for number, line in enumerate(content.split(b"\n")[:-1], start=1):
            try:
                address, data = line.decode("ascii").split(" ")
                pieces.append((int(address, 16), bytes.fromhex(data)))
            except ValueError as error:
                raise BrokenRecording(self._source, "bad-memory-words", number=number) from error
        return PiecesReader(pieces)
