"""Looks for the dataset: of living processes, of recordings, of each moment of a series.

A look is known by what it was read from. What is known of a recording is asked before it is examined, which takes far
longer than reading it.
"""

from __future__ import annotations

import time

from procmem.analyse.dataset import (
    dataset_look,
    is_moment,
    look_id,
    partition_of,
    process_of_dataset,
    regions_of_classes,
    regions_of_dataset,
)
from procmem.analyse.explain import EXPLAIN_KEYS
from procmem.analyse.inspection import inspection
from procmem.errors import BrokenRecording, Misuse, ProcessGone
from procmem.model.dataset import UNKNOWN_HOST
from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.resident import Surroundings
from procmem.model.snapshot import Nature
from procmem.parse.checked import BadDocument
from procmem.parse.options import parse_moment
from procmem.parse.series import parse_look
from procmem.queries.examine import REGION_KEYS, KnownObjects, examine
from procmem.queries.surroundings import read_surroundings
from procmem.queries.targets import TargetRef, exists, source_of
from procmem.sources.dataset.folder import is_host_name
from procmem.sources.dataset.parquet import ids_in, packed_look
from procmem.sources.machine import host_name
from procmem.sources.recording.find import folder_name
from procmem.sources.recording.read import RecordedSource
from procmem.sources.series import is_series, read_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from procmem.model.dataset import PartitionKey
    from procmem.model.ports import Target
    from procmem.model.series import SeriesProcess
    from procmem.queries.examine import Examination
    from procmem.sources.dataset.folder import DatasetFolder

    _Read = tuple[dict[str, Any], dict[str, Sequence[Any]]]
    """A process's figures, and its regions, by column."""

__all__ = ["AddOptions", "DatasetReader", "KnownLooks", "PackedLook", "packed", "rows_of"]

_WITHOUT_MEMORY = (Nature.KERNEL_THREAD, Nature.ZOMBIE)
_KEYS = REGION_KEYS | set(EXPLAIN_KEYS)


class AddOptions(NamedTuple):
    """How looks are added: of which host and moment they are, where a recording does not say.

    ``host_by_folder``: the folder that a recording lies in is called by its host.
    """

    host: str | None = None
    host_by_folder: bool = False
    at: str | None = None
    deep: bool = False


class PackedLook(NamedTuple):
    """A look as it goes through a pipe: day and host, its id, the row of the process, the rows of its regions."""

    key: tuple[str, str]
    look_id: str
    process: bytes
    regions: bytes
    rows: int


class _Found(NamedTuple):
    """A look that may be there already: when and where it was, its id, and what reads it."""

    when: float
    host: str
    identity: str
    read: Any


class KnownLooks:
    """The looks that a dataset holds, by day and host; each file is read once."""

    def __init__(self, folder: DatasetFolder) -> None:
        self._folder = folder
        self._of_files: dict[str, frozenset[str]] = {}

    def of(self, key: PartitionKey) -> set[str]:
        """All of a day and host."""
        found: set[str] = set()
        for file in self._folder.files("processes", key):
            if file not in self._of_files:
                self._of_files[file] = frozenset(ids_in(self._folder.absolute(file)))
            found |= self._of_files[file]
        return found


class DatasetReader:
    """Reads one item after another."""

    def __init__(self, folder: DatasetFolder, options: AddOptions) -> None:
        self._options = options
        self._known = KnownLooks(folder)
        self._objects = KnownObjects()
        self._now = time.time()
        self._at = None if options.at is None else parse_moment(options.at, self._now, self._now)
        if options.host is not None and not is_host_name(options.host):
            raise Misuse("bad-host", name=options.host)

    def read(self, item: TargetRef | str) -> tuple[list[PackedLook], int]:
        """The new looks of an item, and how many of it are there already.

        Raises:
            ProcmemError: it cannot be read, or does not say when and where it was made.
        """
        if isinstance(item, TargetRef):
            return self._live(item)
        if is_series(item):
            return self._new(self._of_series(item))
        source = source_of(None, item)
        if not isinstance(source, RecordedSource):
            raise BrokenRecording(item, "core-no-look")
        return self._new(self._of_recording(item, source))

    def _new(self, looks: Iterable[_Found]) -> tuple[list[PackedLook], int]:
        """The looks that are not there yet, read and packed."""
        found, known = [], 0
        for one in looks:
            if one.identity in self._known.of(partition_of(one.when, one.host)):
                known += 1
            else:
                found.append(packed(one.when, one.host, one.identity, *one.read()))
        return found, known

    def _live(self, ref: TargetRef) -> tuple[list[PackedLook], int]:
        is_live = ref.source.is_live
        host = self._host(ref.source.name, host_name() if is_live else None)
        when = self._now if is_live else self._at
        if when is None:  # of a copied tree
            raise BrokenRecording(ref.source.name, "no-moment")
        try:
            with ref.open() as target:
                seen = self._seen(target, self._objects)
                if ref.is_child and seen.snapshot.nature in _WITHOUT_MEMORY:
                    return [], 0
                process, regions = rows_of(target, seen)
        except ProcessGone:
            if ref.is_child:
                return [], 0
            raise
        identity = look_id(*(str(part).encode() for part in (host, when, ref.pid, process["start_ticks"])))
        return [packed(when, host, identity, process, regions)], 0

    def _of_recording(self, path: str, source: RecordedSource) -> Iterable[_Found]:
        host = self._host(path, source.host)
        when = self._at if source.when is None else source.when
        if when is None or not is_moment(when):
            raise BrokenRecording(path, "no-moment")
        digest = source.digest()
        for pid in source.pids():
            yield _Found(when, host, look_id(digest, str(pid).encode()), lambda pid=pid: self._recorded(source, pid))

    def _of_series(self, path: str) -> Iterable[_Found]:
        host = self._host(path, None)
        for number, (line, _) in enumerate(read_lines(path), start=1):
            try:
                look = parse_look(line)
            except BadDocument as error:
                raise BrokenRecording(path, "bad-look", number=number) from error
            if not is_moment(look.when):
                raise BrokenRecording(path, "bad-look", number=number)
            for at, one in enumerate(look.processes):
                yield _Found(look.when, host, look_id(line, str(at).encode()), lambda one=one: _of_look(one))

    def _host(self, path: str, recorded: str | None) -> str:
        """The host that a recording is of; where nobody says which, unknown.

        Raises:
            BrokenRecording: its name could not be that of a folder.
        """
        by_folder = folder_name(path) if self._options.host_by_folder and exists(path) else None
        host = self._options.host or by_folder or recorded or UNKNOWN_HOST
        if not is_host_name(host):
            raise BrokenRecording(path, "bad-host-recorded", name=host)
        return host

    def _recorded(self, source: RecordedSource, pid: int | None) -> _Read:
        with source.open(pid) as target:
            return rows_of(target, self._seen(target, None))

    def _seen(self, target: Target, objects: KnownObjects | None) -> Examination:
        return examine(target, keys=_KEYS, deep=self._options.deep, known=objects)


def rows_of(target: Target, seen: Examination) -> _Read:
    """The figures of a process that was examined, and its regions, by column."""
    shot, around = seen.snapshot, read_surroundings(target, seen.snapshot)
    report = inspection(shot, seen.regions)
    start = None if shot.stat is None else shot.stat.starttime
    if seen.regions is None:
        return process_of_dataset(report, around, start), {}
    columns, arenas, found = regions_of_dataset(shot, seen.regions, report, around)
    return process_of_dataset(report, around, start, arenas=arenas, found=found), columns


def _of_look(one: SeriesProcess) -> _Read:
    around = one.report.surroundings or Surroundings()
    return process_of_dataset(one.report, around, one.start), regions_of_classes(one.report)


def packed(
    when: float, host: str, identity: str, process: dict[str, Any], regions: dict[str, Sequence[Any]]
) -> PackedLook:
    """A look as it goes through a pipe."""
    look = dataset_look(when, host, identity, process, regions)
    rows, columns = packed_look(look)
    return PackedLook((look.key.date, look.key.host), look.look_id, rows, columns, len(look.regions.get("look_id", ())))
