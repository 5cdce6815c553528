"""One process, read and classified: what every report on a process starts from."""

from __future__ import annotations

from procmem.classify.classifier import KnownClaims, layout, mapped_files, regions, split_ranges
from procmem.classify.evidence import (
    REGION_KEYS,
    anonymous_ranges,
    answering_runs,
    empty_ranges,
    peekable_ranges,
    symbols_to_look_for,
    touched_ranges,
    words_to_look_for,
)
from procmem.classify.object_facts import ObjectFacts
from procmem.classify.page_states import PageStates
from procmem.errors import AccessRefused
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.raw import KeptFile, MappedFile, PageRuns, RawProcess, Refusal, said_or_nothing
from procmem.model.region import ElfObject, Regions
from procmem.model.snapshot import Nature, Snapshot
from procmem.parse.elf_object import may_list_threads, read_deep_symbols, read_object, read_words
from procmem.parse.mountinfo import LOCAL_TYPES, devices_of_type
from procmem.parse.process import snapshot
from procmem.parse.smaps import KnownSmaps
from procmem.queries.prefetch import THREAD_FILES_TO_INSPECT
from procmem.queries.read import FILES_TO_INSPECT, take
from procmem.sources.files import NoAnswer, own_devices
from procmem.sources.pieces import LoggedMemory, LoggingReader, Pieces, ResidentMemory, merged_pieces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator, Sequence, Set

    from procmem.model.deep import DeepLook
    from procmem.model.ports import ByteReader, Target

__all__ = [
    "REGION_KEYS",
    "Examination",
    "KnownObjects",
    "examine",
    "local_devices",
    "need_mappings",
    "open_mapped",
]


class Examination(NamedTuple):
    """One process, read and classified.

    ``regions`` is None where its mappings may not be read, or it has none. ``page_runs``, ``kept``
    and ``words`` are the further evidence that was read (the latter two only for a recording); ``touched`` are the
    populated pages of anonymous memory.
    """

    raw: RawProcess
    snapshot: Snapshot
    objects: tuple[ElfObject, ...]
    regions: Regions | None
    kept: tuple[KeptFile, ...]
    page_runs: PageRuns | Refusal
    touched: PageRuns = PageRuns()  # nobody changes it
    words: tuple[tuple[int, bytes], ...] = ()
    peek_problem: Refusal | None = None


class _ReadObject(NamedTuple):
    """An object, with all that was read of its file."""

    item: ElfObject
    pieces: Pieces
    refusal: Refusal | None

    def kept(self) -> KeptFile:
        """What a recording keeps of it."""
        return KeptFile(self.item.file, merged_pieces(self.pieces), self.refusal)


class _Loaded(NamedTuple):
    """The objects of a process. ``facts`` is None where no other process can be known to have these very objects."""

    parts: list[_ReadObject]
    objects: tuple[ElfObject, ...]
    facts: ObjectFacts | None = None


class KnownObjects:
    """What was read of mapped files, and claimed for them, in the processes before.

    ``read`` holds objects by device, inode, path, and the symbols that were looked for; ``loaded`` all objects of a
    process by the files that it maps, and the same symbols. ``local`` are devices that are known to be local, ``maps``
    the lines of the mappings.
    """

    __slots__ = ("claims", "loaded", "local", "maps", "read")

    def __init__(self) -> None:
        self.read: dict[tuple[str, int, bytes, Collection[str]], _ReadObject] = {}
        self.loaded: dict[tuple[tuple[MappedFile, ...], Collection[str]], _Loaded] = {}
        self.claims: KnownClaims = {}
        self.local: frozenset[str] = frozenset()
        self.maps = KnownSmaps()


def examine(
    target: Target,
    *,
    keys: Collection[str] | None = REGION_KEYS,
    files: Iterable[str] = FILES_TO_INSPECT,
    system: Iterable[str] = ("uptime",),
    thread_files: Iterable[str] = THREAD_FILES_TO_INSPECT,
    to_keep: bool = False,
    deep: bool = False,
    stacks: bool = False,
    known: KnownObjects | None = None,
) -> Examination:
    """Read and classify one process.

    ``keys`` are the wanted counters of smaps (None for all); ``to_keep`` is for recordings: raw text is kept, and
    pagemap is asked about all anonymous memory, not only about mappings that hold several ranges. ``stacks`` asks it
    about all pages of what may be stacks, not only about those that rules look at. ``known`` remembers objects from one
    process to the next.

    Raises:
        ProcessGone, AccessRefused: as :func:`take`.
        MalformedFile: a file contradicts its documented form.
    """
    lines = None if known is None else known.maps
    ours = _our_local_devices(target) if known is None else None  # before smaps, for which the kernel may take long
    raw, mappings = take(target, files, system, keys=keys, keep=to_keep, thread_files=thread_files, known=lines)
    shot = snapshot(raw, keys=keys, mappings_read=mappings)
    if shot.mappings is None or not len(shot.mappings):
        return Examination(raw, shot, (), None, (), Refusal.UNRECORDED)
    symbols = symbols_to_look_for(shot)
    candidates = mapped_files(shot)
    local = _local_devices(target, {mapped.device for mapped in candidates}, ours, known)
    loaded, objects, facts = _load_all(target, candidates, symbols, local, known)
    shot = shot._replace(notes=(*shot.notes, *_unanswered(loaded)))
    words = words_to_look_for(shot, objects)
    if words:
        loaded = [_search(target, part, words, local) for part in loaded]
        objects, facts = tuple(part.item for part in loaded), None
    first_ranges = peekable_ranges(shot) if deep else touched_ranges(shot, whole=stacks)
    first_runs = target.page_runs(first_ranges, shot.page_size) if first_ranges else PageRuns()
    known_runs = PageRuns() if isinstance(first_runs, Refusal) else first_runs
    safe_runs = answering_runs(shot, known_runs, local) if deep and target.is_live else known_runs
    look, memory, peek_problem = _deep_look(target, loaded, safe_runs, local) if deep else (None, None, None)
    if peek_problem is Refusal.DENIED:
        shot = shot._replace(missing_right=target.missing_right(to_attach=True))
    asked = [*(() if isinstance(first_runs, Refusal) else first_ranges), *empty_ranges(shot)]
    claims = None if known is None else known.claims
    laid = layout(shot, objects, PageStates(asked, known_runs), look, claims, facts)
    ranges = divided = split_ranges(shot, laid.cut)
    if to_keep:
        ranges = tuple(sorted({*ranges, *anonymous_ranges(shot), *touched_ranges(shot, whole=True), *first_ranges}))
    runs: PageRuns | Refusal = target.page_runs(ranges, shot.page_size) if ranges else PageRuns()
    if not isinstance(runs, Refusal):
        asked += divided
    all_runs = known_runs if isinstance(runs, Refusal) else PageRuns.joined(known_runs, runs)
    cut = laid.judged(PageStates(asked, all_runs))
    return Examination(
        raw,
        shot,
        objects,
        regions(shot, cut, runs),
        tuple(part.kept() for part in loaded) if to_keep else (),
        runs,
        known_runs,
        merged_pieces(memory.pieces) if memory is not None and to_keep else (),
        peek_problem,
    )


def need_mappings(seen: Examination, *, sizes: bool = False) -> None:
    """Refuse a question that is about nothing but mappings where these are not known, or their ``sizes`` in memory.

    A kernel thread and a zombie have none, which is an answer.

    Raises:
        AccessRefused: neither smaps nor maps could be read; with ``sizes``, not smaps.
    """
    shot = seen.snapshot
    if shot.nature in (Nature.KERNEL_THREAD, Nature.ZOMBIE):
        return
    if shot.mappings is None:
        denied = any(
            content is Refusal.DENIED
            for name, content in seen.raw.files.items()
            if name.rpartition("/")[2] in ("smaps", "maps")
        )
        raise AccessRefused(shot.pid, "smaps-denied" if denied else "no-mappings", right=shot.missing_right)
    if sizes and len(shot.mappings) and not shot.has_usage:
        raise AccessRefused(shot.pid, "no-sizes", right=shot.missing_right)


def _deep_look(
    target: Target, loaded: Sequence[_ReadObject], runs: PageRuns, local: Container[str]
) -> tuple[DeepLook | None, LoggedMemory | None, Refusal | None]:
    """Open the target's memory, and read the symbols that say where to look; None and the reason, if refused."""
    import contextlib  # noqa: PLC0415  # only for --deep

    from procmem.model.deep import DeepLook  # noqa: PLC0415  # the same

    memory = target.memory()
    if isinstance(memory, Refusal):
        return None, None, memory
    log = LoggedMemory(memory)
    symbols: dict[bytes, dict[str, int]] = {}
    constants: dict[str, bytes] = {}
    for item, pieces, _refusal in loaded:
        reader = open_mapped(target, item.file, local) if may_list_threads(item) else Refusal.ABSENT
        if not isinstance(reader, Refusal):
            with contextlib.suppress(NoAnswer):  # its headers were read: the rest of the report stands
                symbols[item.file.path], found = read_deep_symbols(LoggingReader(reader, pieces), item)
                constants |= found
    return DeepLook(ResidentMemory(log, runs), symbols, constants), log, None


def local_devices(target: Target, wanted: Set[str], ours: frozenset[str] | None = None) -> frozenset[str]:
    """The devices whose file systems are the kernel's own: mounted for us, or for the process if others are wanted.

    ``ours`` are those for us, where they are known.
    """
    found = _our_local_devices(target) if ours is None else ours
    if not wanted <= found:
        found |= devices_of_type(said_or_nothing(target.read("mountinfo")), LOCAL_TYPES)
    return found


def _our_local_devices(target: Target) -> frozenset[str]:
    return own_devices() | devices_of_type(said_or_nothing(target.read_system("self/mountinfo")), LOCAL_TYPES)


def _local_devices(
    target: Target, wanted: Set[str], ours: frozenset[str] | None, known: KnownObjects | None
) -> frozenset[str]:
    """The same, where those that were found local in another process are so here as well."""
    if known is None:
        return local_devices(target, wanted, ours)
    if not wanted <= known.local:
        found = local_devices(target, wanted)
        known.local |= wanted & found
        return found
    return known.local


def open_mapped(target: Target, mapped: MappedFile, local: Container[str]) -> ByteReader | Refusal:
    """Open the very file that is mapped; one on a file system that may not answer is read by a child."""
    return target.open_file(mapped, is_local=mapped.device in local)


def _load_all(
    target: Target,
    candidates: tuple[MappedFile, ...],
    symbols: Collection[str],
    local: Container[str],
    known: KnownObjects | None,
) -> _Loaded:
    """Read the headers of all mapped files; what is known of each can be taken for all of them together."""
    found = None if known is None else known.loaded.get((candidates, symbols))
    if found is None:
        parts = [_load(target, mapped, symbols, local, known) for mapped in candidates]
        objects = tuple([part.item for part in parts])
        if known is None or not all(_is_known(part, local) for part in parts):
            return _Loaded(parts, objects)
        found = known.loaded[candidates, symbols] = _Loaded(parts, objects, ObjectFacts())
    return found


def _is_known(part: _ReadObject, local: Container[str]) -> bool:
    """Whether a file of this device, inode and path is this very file in every process, and could be read."""
    # a file system without a disk of its own may show one device for several trees (subvolumes of btrfs)
    device = part.item.file.device
    return part.refusal is None and device in local and not device.startswith("00:")


def _load(
    target: Target, mapped: MappedFile, symbols: Collection[str], local: Container[str], known: KnownObjects | None
) -> _ReadObject:
    """Read the headers of one mapped file; any failure is a sentence, and the rest of the report stands."""
    # a file system without a disk of its own may show one device for several trees (subvolumes of btrfs)
    if known is None or mapped.device not in local or mapped.device.startswith("00:"):
        return _loaded(target, mapped, symbols, local)
    key = (mapped.device, mapped.inode, mapped.path, symbols)
    found = known.read.get(key)
    if found is None or found.refusal is not None:
        found = known.read[key] = _loaded(target, mapped, symbols, local)
    return _ReadObject(ElfObject(mapped, *found.item[1:]), found.pieces, found.refusal)


def _loaded(target: Target, mapped: MappedFile, symbols: Collection[str], local: Container[str]) -> _ReadObject:
    reader = open_mapped(target, mapped, local)
    if not isinstance(reader, Refusal):
        log = LoggingReader(reader)
        try:
            return _ReadObject(read_object(log, mapped, symbols), log.pieces, None)
        except NoAnswer:
            reader = Refusal.STUCK
    return _ReadObject(ElfObject(mapped, None, readable=False, problem=reader), {}, reader)


def _unanswered(loaded: Sequence[_ReadObject]) -> Iterator[Note]:
    """What is to be said of files whose file system does not answer."""
    stuck = [part.item.file.path for part in loaded if part.refusal is Refusal.STUCK]
    if stuck:
        yield note("no answer", count=len(stuck), first=stuck[0], refusal=Refusal.STUCK)


def _search(target: Target, part: _ReadObject, words: Collection[bytes], local: Container[str]) -> _ReadObject:
    """Look for words in a mapped file's constants; a recording keeps just where they stood."""
    reader = open_mapped(target, part.item.file, local) if part.item.image is not None else Refusal.ABSENT
    if isinstance(reader, Refusal):
        return part
    try:
        return part._replace(item=read_words(reader, LoggingReader(reader, part.pieces), part.item, words))
    except NoAnswer:
        return part
