"""The joint of the rooms: take, parse, classify, in one pass over one process.

Nothing here computes anything about memory; it decides what is read, in which order, and what is done when
the process changes meanwhile. Reading order matters: the small files first and last, so that a process
that ended, or ran another program, between them is noticed (an empty smaps looks whole).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

from procmem.classify.walk import layout, mapped_files, regions, split_ranges
from procmem.errors import AccessRefused, BadInput, ProcessGone
from procmem.model.elf import DT_DEBUG, DT_SONAME
from procmem.model.mapping import Mappings
from procmem.model.raw import FileContent, KeptFile, MappedFile, PageRun, RawProcess, Refusal
from procmem.model.region import ElfObject, Regions
from procmem.model.snapshot import Nature, Snapshot
from procmem.parse.elf import NotElf, dynamic_entries, dynamic_strings, read_image, read_sections
from procmem.parse.process import nature_of, snapshot
from procmem.parse.smaps import SmapsReader
from procmem.parse.status import parse_stat, parse_status

if TYPE_CHECKING:
    from procmem.model.ports import ByteReader, Target

__all__ = ["FILES_TO_INSPECT", "REGION_KEYS", "Examination", "examine", "take"]

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
_TRIES = 3


class Examination(NamedTuple):
    """One process, read and classified.

    ``regions`` is None where its mappings may not be read, or it has none. ``kept`` and ``page_runs`` are the
    further evidence that was read, which a recording keeps.
    """

    raw: RawProcess
    snapshot: Snapshot
    objects: tuple[ElfObject, ...]
    regions: Regions | None
    kept: tuple[KeptFile, ...]
    page_runs: tuple[PageRun, ...] | Refusal


class _LoggingReader:
    """A reader that remembers what was read, so that a recording holds exactly that."""

    def __init__(self, reader: ByteReader) -> None:
        self._reader = reader
        self.pieces: dict[tuple[int, int], bytes] = {}

    def read_at(self, offset: int, length: int) -> bytes:
        data = self._reader.read_at(offset, length)
        self.pieces[offset, length] = data
        return data


def take(
    target: Target,
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
    target: Target,
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


def _thread_ids(target: Target) -> tuple[int, ...] | None:
    names = target.names("task")
    return None if isinstance(names, Refusal) else tuple(sorted(int(name) for name in names if name.isdecimal()))


def _live_thread(target: Target) -> int | None:
    """The first thread of a process that still runs, when its leader does not."""
    for tid in _thread_ids(target) or ():
        content = target.read(f"task/{tid}/stat")
        if isinstance(content, bytes) and parse_stat(content).state not in ("Z", "X"):
            return tid
    return None


def _changed(target: Target, contents: dict[str, FileContent], prefix: str) -> str | None:
    """What shows that this is not one process at one moment: it ended, or it ran another program."""
    before = contents[f"{prefix}stat"]
    if not isinstance(before, bytes):
        return None
    after = target.read(f"{prefix}stat")
    if not isinstance(after, bytes):
        return "the process ended while it was read"
    first, last = parse_stat(before), parse_stat(after)
    if first.starttime != last.starttime or (last.state in ("Z", "X") and first.state not in ("Z", "X")):
        return "the process ended while it was read"
    auxv = contents.get(f"{prefix}auxv")
    if isinstance(auxv, bytes) and auxv and target.read(f"{prefix}auxv") != auxv:
        return "the process ran another program (exec) while it was read"
    return None


def examine(
    target: Target,
    *,
    keys: Collection[str] | None = REGION_KEYS,
    files: Iterable[str] = FILES_TO_INSPECT,
    system: Iterable[str] = ("uptime",),
    thread_files: Iterable[str] = THREAD_FILES_TO_INSPECT,
    to_keep: bool = False,
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
    objects = tuple(item for item, _ in loaded)
    guarded = _guarded_ranges(shot)
    guards = target.page_runs(guarded, shot.page_size) if guarded else ()
    cut = layout(shot, objects, () if isinstance(guards, Refusal) else guards)
    ranges = split_ranges(shot, cut)
    if to_keep:
        ranges = tuple(sorted({*ranges, *_anonymous_ranges(shot)}))
    runs: tuple[PageRun, ...] | Refusal = target.page_runs(ranges, shot.page_size) if ranges else ()
    return Examination(raw, shot, objects, regions(shot, cut, runs), tuple(kept for _, kept in loaded), runs)


def _guarded_ranges(shot: Snapshot) -> tuple[tuple[int, int], ...]:
    """Mappings with guard pages installed in them (VmFlags gu), which only pagemap can tell apart."""
    table = shot.mappings
    assert table is not None
    return tuple(
        sorted(
            (start, end)
            for start, end, flags in zip(table.start, table.end, table.flags, strict=True)
            if flags is not None and "gu" in flags
        )
    )


def _anonymous_ranges(shot: Snapshot) -> Iterable[tuple[int, int]]:
    """Mappings without a file that hold, or once held, something: what a recording keeps of pagemap."""
    table = shot.mappings
    assert table is not None
    for start, end, inode, perms, name in zip(
        table.start, table.end, table.inode, table.perms, table.name, strict=True
    ):
        if not inode and not perms.startswith("---") and name != b"[vsyscall]":
            yield start, end


def _load(target: Target, mapped: MappedFile) -> tuple[ElfObject, KeptFile]:
    """Read the headers of one mapped file; any failure is a sentence, and the rest of the report stands."""
    reader = target.open_file(mapped)
    if isinstance(reader, Refusal):
        return ElfObject(mapped, None, problem=reader.value), KeptFile(mapped, (), reader)
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
    except (NotElf, BadInput) as error:
        item = ElfObject(mapped, None, problem=str(error))
    pieces = tuple((offset, data) for (offset, _), data in sorted(log.pieces.items()) if data)
    return item, KeptFile(mapped, pieces)
