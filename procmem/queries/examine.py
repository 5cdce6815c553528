"""The joint of the rooms: take, parse, classify, in one pass over one process.

Nothing here computes anything about memory; it decides what is read, in which order, and what is done when
the process changes meanwhile. Reading order matters: the small files first and last, so that a process
that ended, or ran another program, between them is noticed (an empty smaps looks whole).
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from procmem.classify.classifier import layout, mapped_files, regions, split_ranges
from procmem.classify.rules.thread_stacks import SMALL_BYTES
from procmem.errors import AccessRefused, ProcessGone
from procmem.model.elf import DT_DEBUG, DT_SONAME, PT_INTERP
from procmem.model.mapping import Mappings
from procmem.model.note import Note, note
from procmem.model.raw import FileContent, KeptFile, MappedFile, PageRun, PageState, RawProcess, Refusal
from procmem.model.region import ElfObject, Regions
from procmem.model.snapshot import Nature, Snapshot
from procmem.parse.elf import NotElf, dynamic_entries, dynamic_strings, read_image, read_sections
from procmem.parse.process import nature_of, snapshot
from procmem.parse.smaps import SmapsReader
from procmem.parse.status import parse_stat, parse_status

if TYPE_CHECKING:
    from procmem.model.deep import DeepLook
    from procmem.model.ports import ByteReader, Target

__all__ = ["FILES_OF_A_THREAD", "FILES_TO_INSPECT", "REGION_KEYS", "Examination", "examine", "take"]

FILES_TO_INSPECT = ("comm", "cmdline", "auxv", "smaps", "limits")
REGION_KEYS = frozenset(
    {
        "Rss",
        "Pss",
        "Private_Clean",
        "Private_Dirty",
        "Swap",
        "SwapPss",
        "Shared_Hugetlb",
        "Private_Hugetlb",
        "Anonymous",
        "KernelPageSize",
    }
)
"""The counters that totals and classification need; the others are read only where they are shown."""

THREAD_FILES_TO_INSPECT = ("syscall", "comm")
FILES_OF_A_THREAD = ("stat", "status", "syscall", "comm")
_TRIES = 3
_PAGEMAP_RANGES_MAX = 4096


class Examination(NamedTuple):
    """One process, read and classified.

    ``regions`` is None where its mappings may not be read, or it has none. ``kept`` and ``page_runs`` are the
    further evidence that was read, which a recording keeps; ``touched`` are the populated pages of anonymous memory.
    """

    raw: RawProcess
    snapshot: Snapshot
    objects: tuple[ElfObject, ...]
    regions: Regions | None
    kept: tuple[KeptFile, ...]
    page_runs: tuple[PageRun, ...] | Refusal
    touched: tuple[PageRun, ...] = ()
    words: tuple[tuple[int, bytes], ...] = ()
    peek_problem: Refusal | None = None


_Pieces = dict[tuple[int, int], bytes]


class _LoggingReader:
    """A reader that remembers what was read, so that a recording holds exactly that."""

    def __init__(self, reader: "ByteReader", pieces: _Pieces | None = None) -> None:
        self._reader = reader
        self.pieces: _Pieces = {} if pieces is None else pieces

    def read_at(self, offset: int, length: int) -> bytes:
        data = self._reader.read_at(offset, length)
        self.pieces[offset, length] = data
        return data


class _Loaded(NamedTuple):
    """An object, with all that was read of its file."""

    item: ElfObject
    pieces: _Pieces
    refusal: Refusal | None

    def kept(self) -> KeptFile:
        """What a recording keeps of it."""
        return KeptFile(self.item.file, _merged(self.pieces), self.refusal)


def _merged(pieces: _Pieces) -> tuple[tuple[int, bytes], ...]:
    """Pieces by offset, those that lie within another one or adjoin it made one."""
    merged: list[tuple[int, bytes]] = []
    for (offset, _), data in sorted(pieces.items()):
        if merged and offset <= merged[-1][0] + len(merged[-1][1]):
            start, before = merged[-1]
            merged[-1] = (start, before + data[max(start + len(before) - offset, 0) :])
        elif data:
            merged.append((offset, data))
    return tuple(merged)


def take(
    target: "Target",
    files: Iterable[str],
    system: Iterable[str] = ("uptime",),
    *,
    keys: Collection[str] | None = REGION_KEYS,
    keep: bool = False,
    thread_files: Iterable[str] = THREAD_FILES_TO_INSPECT,
) -> tuple[RawProcess, Mappings | None]:
    """Read the files of one process, again when it changed meanwhile; smaps is parsed on the way.

    With ``keep`` the raw text of a large smaps is kept as well.

    Raises:
        ProcessGone: it ended before anything could be read.
        AccessRefused: not even status and stat may be read.
    """
    for _attempt in range(_TRIES):
        smaps = SmapsReader(keys=keys)
        raw = _take_once(target, files, system, smaps, keep=keep, thread_files=thread_files)
        if raw.unstable is None:
            break
    if all(isinstance(content, Refusal) for content in raw.files.values()):
        if Refusal.DENIED in raw.files.values():
            raise AccessRefused(raw.pid or 0, "nothing of it may be read")
        raise ProcessGone(raw.pid or 0, "ended while it was read")
    has_smaps = any(name.endswith("smaps") and isinstance(content, bytes) for name, content in raw.files.items())
    return raw, smaps.close() if has_smaps else None


def _take_once(
    target: "Target",
    files: Iterable[str],
    system: Iterable[str],
    smaps: SmapsReader,
    *,
    keep: bool,
    thread_files: Iterable[str],
) -> RawProcess:
    contents: dict[str, FileContent] = {"stat": target.read("stat"), "status": target.read("status")}
    status, stat = contents["status"], contents["stat"]
    nature = nature_of(
        parse_status(status) if isinstance(status, bytes) else None,
        parse_stat(stat) if isinstance(stat, bytes) else None,
    )
    read_through = _live_thread(target) if nature is Nature.DEAD_LEADER else None
    if read_through is not None:
        target.look_through(read_through)
    prefix = "" if read_through is None else f"task/{read_through}/"
    if prefix:
        contents |= {f"{prefix}{name}": target.read(f"{prefix}{name}") for name in ("stat", "status")}
    for name in files:
        path = name if name.startswith("task/") else prefix + name
        contents[path] = target.read_pieces(path, smaps.feed, keep=keep) if name == "smaps" else target.read(path)
        if name == "smaps" and isinstance(contents[path], Refusal) and contents[path] is not Refusal.DENIED:
            contents[f"{prefix}maps"] = target.read(f"{prefix}maps")  # a kernel without page monitor, a bare file
    tids = _thread_ids(target)
    for tid in tids or ():
        for name in thread_files:
            contents[f"task/{tid}/{name}"] = target.read(f"task/{tid}/{name}")
    return RawProcess(
        pid=target.pid,
        files=contents,
        links={"exe": target.link("exe")},
        thread_ids=tids,
        system={name: target.read_system(name) for name in system},
        machine=target.machine,
        read_through=read_through,
        unstable=_changed(target, contents, prefix),
    )


def _thread_ids(target: "Target") -> tuple[int, ...] | None:
    names = target.names("task")
    return None if isinstance(names, Refusal) else tuple(sorted(int(name) for name in names if name.isdecimal()))


def _live_thread(target: "Target") -> int | None:
    """The first thread of a process that still runs, when its leader does not."""
    for tid in _thread_ids(target) or ():
        content = target.read(f"task/{tid}/stat")
        if isinstance(content, bytes) and parse_stat(content).state not in ("Z", "X"):
            return tid
    return None


def _changed(target: "Target", contents: dict[str, FileContent], prefix: str) -> Note | None:
    """What shows that this is not one process at one moment: it ended, or it ran another program."""
    before = contents[f"{prefix}stat"]
    if not isinstance(before, bytes):
        return None
    after = target.read(f"{prefix}stat")
    if not isinstance(after, bytes):
        return note("ended")
    first, last = parse_stat(before), parse_stat(after)
    if first.starttime != last.starttime or (last.state in ("Z", "X") and first.state not in ("Z", "X")):
        return note("ended")
    auxv = contents.get(f"{prefix}auxv")
    if isinstance(auxv, bytes) and auxv and target.read(f"{prefix}auxv") != auxv:
        return note("executed")
    return None


def examine(
    target: "Target",
    *,
    keys: Collection[str] | None = REGION_KEYS,
    files: Iterable[str] = FILES_TO_INSPECT,
    system: Iterable[str] = ("uptime",),
    thread_files: Iterable[str] = THREAD_FILES_TO_INSPECT,
    to_keep: bool = False,
    deep: bool = False,
) -> Examination:
    """Read and classify one process.

    ``keys`` are the wanted counters of smaps (None for all); ``to_keep`` is for recordings: raw text is kept, and
    pagemap is asked about all anonymous memory, not only about mappings that hold several ranges.

    Raises:
        ProcessGone, AccessRefused: as :func:`take`.
        MalformedFile: a file contradicts its documented form.
    """
    raw, mappings = take(target, files, system, keys=keys, keep=to_keep, thread_files=thread_files)
    shot = snapshot(raw, keys=keys, mappings_read=mappings)
    if shot.mappings is None or not len(shot.mappings):
        return Examination(raw, shot, (), None, (), Refusal.UNRECORDED)
    loaded = [_load(target, mapped) for mapped in mapped_files(shot)]
    objects = tuple(part.item for part in loaded)
    first_ranges = _peekable_ranges(shot) if deep else _touched_ranges(shot)
    first_runs = target.page_runs(first_ranges, shot.page_size) if first_ranges else ()
    known_runs = () if isinstance(first_runs, Refusal) else first_runs
    look, memory, peek_problem = _deep_look(target, loaded, known_runs) if deep else (None, None, None)
    cut = layout(shot, objects, known_runs, look)
    ranges = split_ranges(shot, cut)
    if to_keep:
        ranges = tuple(sorted({*ranges, *_anonymous_ranges(shot), *first_ranges}))
    runs: tuple[PageRun, ...] | Refusal = target.page_runs(ranges, shot.page_size) if ranges else ()
    return Examination(
        raw,
        shot,
        objects,
        regions(shot, cut, runs),
        tuple(part.kept() for part in loaded),
        runs,
        known_runs,
        _merged(memory.pieces) if memory is not None else (),
        peek_problem,
    )


class _ResidentMemory:
    """The target's memory, but only where its pages are present: reading must not change the target."""

    def __init__(self, memory: "ByteReader", runs: Sequence[PageRun]) -> None:
        self._memory = memory
        self._runs = [(run.start, run.end) for run in runs if run.state & PageState.PRESENT]
        self._starts = [start for start, _ in self._runs]

    def read_at(self, offset: int, length: int) -> bytes:
        at = bisect_right(self._starts, offset) - 1
        end = self._runs[at][1] if at >= 0 else 0
        while at >= 0 and offset < end < offset + length and at + 1 < len(self._runs) and self._runs[at + 1][0] == end:
            at += 1
            end = self._runs[at][1]
        return self._memory.read_at(offset, length) if offset + length <= end else b""


def _deep_look(
    target: "Target", loaded: Sequence[_Loaded], runs: Sequence[PageRun]
) -> "tuple[DeepLook | None, _LoggingReader | None, Refusal | None]":
    """Open the target's memory, and read the symbols that say where to look; None and the reason, if refused."""
    from procmem.model.deep import DEEP_CONSTANTS, DEEP_SYMBOLS, DeepLook  # noqa: PLC0415  # only for --deep
    from procmem.parse.symbols import constant_bytes, symbol_addresses  # noqa: PLC0415  # only for --deep

    memory = target.memory()
    if isinstance(memory, Refusal):
        return None, None, memory
    log = _LoggingReader(memory)
    symbols: dict[bytes, dict[str, int]] = {}
    constants: dict[str, bytes] = {}
    for item, pieces, _refusal in loaded:
        base = item.file.path.removesuffix(b" (deleted)").rsplit(b"/", 1)[-1]
        if item.image is None or not (
            item.file.is_program or base.startswith((b"ld", b"libc.", b"libc-", b"libpthread"))
        ):
            continue
        reader = target.open_file(item.file)
        if isinstance(reader, Refusal):
            continue
        static = item.image.first(PT_INTERP) is None
        if item.file.is_program and not static:
            continue
        file_log = _LoggingReader(reader, pieces)
        found = symbol_addresses(file_log, (*DEEP_SYMBOLS, *DEEP_CONSTANTS))
        symbols[item.file.path] = {name: address for name, address in found.items() if name in DEEP_SYMBOLS}
        for name in DEEP_CONSTANTS:
            if name in found:
                constants[name] = constant_bytes(file_log, item.image, found[name])
    return DeepLook(_ResidentMemory(log, runs), symbols, constants), log, None


_UNPEEKABLE = frozenset({"io", "pf", "um", "uw"})


def _peekable_ranges(shot: Snapshot) -> tuple[tuple[int, int], ...]:
    """Private writable memory in which reading has no effects: no devices, userfaultfd or secret memory."""
    table = shot.mappings
    assert table is not None
    ranges = [
        (start, end)
        for start, end, perms, name, flags in zip(
            table.start, table.end, table.perms, table.name, table.flags, strict=True
        )
        if perms[:2] == "rw"
        and perms[3] == "p"
        and not name.startswith((b"/dev/", b"/secretmem"))
        and not (flags is not None and _UNPEEKABLE & set(flags.split()))
    ]
    readonly = [
        (start, end)
        for start, end, perms, inode in zip(table.start, table.end, table.perms, table.inode, strict=True)
        if perms == "r--p" and inode
    ]
    return tuple(sorted({*ranges, *readonly}))


def _touched_ranges(shot: Snapshot) -> tuple[tuple[int, int], ...]:
    """Writable anonymous mappings: pagemap tells which of their pages were ever used, and which are guards.

    Only those with something in them are asked about that may be stacks, arenas or large blocks; what is small has
    nothing to tell.
    """
    table = shot.mappings
    assert table is not None
    nothing: list[int | None] = [None] * len(table)
    rss, swap = table.column("Rss") or nothing, table.column("Swap") or nothing
    marked, guarded = table.flags_with("nh"), table.flags_with("gu")
    rows = zip(table.start, table.end, table.perms, table.inode, table.flags, rss, swap, strict=True)
    ranges = [
        (start, end)
        for start, end, perms, inode, flags, resident, swapped in rows
        if (end - start >= SMALL_BYTES or flags in marked)
        and (resident or swapped or flags in guarded)
        and perms.startswith("rw")
        and not inode
    ]
    return tuple(sorted(ranges)[:_PAGEMAP_RANGES_MAX])


def _anonymous_ranges(shot: Snapshot) -> Iterable[tuple[int, int]]:
    """Mappings without a file that hold, or once held, something: what a recording keeps of pagemap."""
    table = shot.mappings
    assert table is not None
    for start, end, inode, perms, name in zip(
        table.start, table.end, table.inode, table.perms, table.name, strict=True
    ):
        if not inode and not perms.startswith("---") and name != b"[vsyscall]":
            yield start, end


def _load(target: "Target", mapped: MappedFile) -> _Loaded:
    """Read the headers of one mapped file; any failure is a sentence, and the rest of the report stands."""
    reader = target.open_file(mapped)
    if isinstance(reader, Refusal):
        return _Loaded(ElfObject(mapped, None, readable=False, problem=reader.value), {}, reader)
    log = _LoggingReader(reader)
    try:
        image = read_image(log)
        sections = read_sections(log, image, names=mapped.is_program)
        entries = dynamic_entries(log, image) or ()
        sonames = dynamic_strings(log, image, entries, DT_SONAME)
        item = ElfObject(
            mapped,
            image,
            sections=sections,
            soname=sonames[0] if sonames else None,
            has_debug=any(tag == DT_DEBUG for tag, _ in entries),
        )
    except NotElf as error:
        item = ElfObject(mapped, None, problem=str(error))
    return _Loaded(item, log.pieces, None)
