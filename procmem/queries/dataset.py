"""The questions of ``procmem dataset``: looks at processes put into a dataset, its files put together, and queries.

Each recording is read by one of several children, which hands over its rows as bytes; here they are collected by day
and host, and written when there are many. What somebody else has added meanwhile is left out when they are written.
"""

from __future__ import annotations

import os
import time

from procmem.errors import BadInput, Misuse, NothingMatches, ProcmemError
from procmem.model.dataset import DATASET_SCHEMA, TABLES, UNKNOWN_HOST, PartitionKey
from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.dataset import DatasetChange
from procmem.queries.dataset_looks import AddOptions, DatasetReader, KnownLooks, PackedLook
from procmem.queries.targets import Selection, TargetRef, exists, other_pids, source_of
from procmem.sources.dataset.engine import named_queries, need_engine, query_files, sql_of
from procmem.sources.dataset.folder import DatasetFolder, StagedPart
from procmem.sources.dataset.parquet import merged_files, need_parquet, write_looks
from procmem.sources.parallel import with_children
from procmem.sources.recording.find import recordings_below
from procmem.sources.signals import interruptible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from procmem.model.reports.dataset import DatasetAnswer

    Meanings = Mapping[str, Mapping[str, str]]
    """What the columns of each table mean, which is written beside the rows."""
    _Answer = tuple[int, tuple[list[tuple[object, ...]], int] | None]
    """The number of an item, its new looks as tuples, and how many are there already; None where it failed."""
    _Progress = Callable[[Iterable[_Answer], int], AbstractContextManager[Iterator[_Answer]]]

__all__ = [
    "AddOptions",
    "Addition",
    "LookWriter",
    "add_looks",
    "ask",
    "compact",
    "dataset_items",
    "named_queries",
    "need_dataset",
    "sql_of",
]

_ROWS_WAITING_MAX = 1_000_000
"""Rows of regions that wait to be written: some 300 MB."""
_SECONDS_WAITING_MAX = 60.0
"""So much work is lost at most where a long addition is killed."""


class Addition(NamedTuple):
    """What came of adding: what was added, and the errors of what could not be read, each with what it was.

    ``of_unknown_host`` are looks that do not say of which machine they are.
    """

    change: DatasetChange
    errors: tuple[ProcmemError, ...]
    of_unknown_host: int = 0


def need_dataset() -> None:
    """Refuse what needs the libraries where they are not installed.

    Raises:
        SystemFailed: one of them is not.
    """
    need_parquet()
    need_engine()


def dataset_items(selection: Selection, *, everything: bool) -> list[TargetRef | str]:
    """What is to be added: living processes, and paths of recordings and series; folders of such are gone through.

    Raises:
        Misuse, BadInput, NothingMatches, ProcessGone: as :meth:`Selection.refs`.
    """
    if everything:
        live = source_of(selection.procfs, None)
        pids = other_pids(live)
        if not pids:
            raise NothingMatches("no-process-in", source=live.name)
        return [TargetRef(str(pid), live, pid, is_child=True) for pid in pids]  # it may have ended by then
    first = [] if selection.recording is None else [selection.recording]
    paths = [word for word in selection.words if first or _is_path(word)]
    words = tuple(word for word in selection.words if word not in paths)
    items: list[TargetRef | str] = [path for top in (*first, *paths) for path in recordings_below(top)]
    if words or selection.name or selection.user:
        items += selection._replace(words=words, recording=None).refs()
    if not items:
        raise Misuse("name-a-process")
    return items


def _is_path(word: str) -> bool:
    return not word.isdecimal() and not word.startswith("/proc/") and word != "self" and exists(word)


def add_looks(
    path: str, items: Sequence[TargetRef | str], options: AddOptions, meanings: Meanings, progress: _Progress
) -> Addition:
    """Read, and add what is not there yet; the dataset is made where there is none.

    Raises:
        CannotWrite: the dataset cannot be written; what was added before is whole.
        BadInput: it is of another schema.
    """
    folder = DatasetFolder(path, make={"schema": DATASET_SCHEMA, "tables": _described(meanings)})
    reader = DatasetReader(folder, options)
    waiting = LookWriter(folder, meanings)
    errors: list[ProcmemError] = []
    known = unknown = 0

    def read(number: int) -> tuple[list[tuple[object, ...]], int] | None:
        try:
            found, there = reader.read(items[number])
        except ProcmemError:
            return None  # an error does not come through a pipe: it is met once more, here
        return [tuple(look) for look in found], there

    with progress(with_children(len(items), read), len(items)) as answers:
        for number, answer in answers:
            try:
                looks, there = reader.read(items[number]) if answer is None else answer
            except ProcmemError as error:
                errors.append(error)
                continue
            known += there
            taken = [PackedLook._make(look) for look in looks]
            unknown += sum(look.key[1] == UNKNOWN_HOST for look in taken)
            waiting.add(taken)
    waiting.write()
    return Addition(waiting.change._replace(known=waiting.change.known + known), tuple(errors), unknown)


def _described(meanings: Meanings) -> dict[str, list[dict[str, str]]]:
    return {
        table: [{"name": one.name, "type": one.type, "meaning": meanings[table][one.name]} for one in columns]
        for table, columns in TABLES.items()
    }


class LookWriter:
    """Writes looks: their rows wait, by day and host, until there are many, or until :meth:`write` is called."""

    def __init__(self, folder: DatasetFolder, meanings: Meanings) -> None:
        self._folder = folder
        self._meanings = meanings
        self._known = KnownLooks(folder)
        self._parts: dict[PartitionKey, dict[str, PackedLook]] = {}
        self._rows = 0
        self._since = time.monotonic()
        self.change = DatasetChange()

    def add(self, looks: Iterable[PackedLook]) -> None:
        """Take looks; write all that waits where there is much.

        Raises:
            CannotWrite: it cannot be written.
        """
        for look in looks:
            part = self._parts.setdefault(PartitionKey(*look.key), {})
            self.change = self.change._replace(known=self.change.known + (look.look_id in part))
            self._rows += look.rows
            part[look.look_id] = look
        if self._rows > _ROWS_WAITING_MAX or time.monotonic() > self._since + _SECONDS_WAITING_MAX:
            self.write()

    def write(self) -> None:
        """Write what waits, but for what somebody else has added meanwhile.

        Raises:
            CannotWrite: it cannot be written.
        """
        if not self._parts:
            return
        with self._folder.changing() as scratch:
            for number, (key, part) in enumerate(self._parts.items()):
                with interruptible():
                    there = self._known.of(key)
                    new = [look for identity, look in part.items() if identity not in there]
                    files = self._written(new, os.path.join(scratch, str(number)))
                if files:
                    self._folder.put(StagedPart(key, files))
                self.change = self.change._replace(
                    looks=self.change.looks + len(new),
                    regions=self.change.regions + sum(look.rows for look in new),
                    known=self.change.known + len(part) - len(new),
                )
        self._parts, self._rows, self._since = {}, 0, time.monotonic()

    def _written(self, looks: Sequence[PackedLook], prefix: str) -> dict[str, str]:
        files = {}
        for table, packed in (
            ("processes", [one.process for one in looks]),
            ("regions", [one.regions for one in looks]),
        ):
            if any(packed):
                files[table] = f"{prefix}-{table}"
                write_looks(table, packed, files[table], self._meanings[table])
        return files


def compact(path: str, meanings: Meanings, progress: _Progress) -> DatasetChange:
    """Put the files of each day and host together to few.

    Raises:
        BadInput: there is no dataset, or one of its files is damaged.
        CannotWrite: it cannot be written, or the file system cannot exchange folders.
    """
    folder = DatasetFolder(path)
    before = _count(folder)
    keys = folder.partitions()
    with progress(((number, None) for number in range(len(keys))), len(keys)) as numbers:
        for number, _ in numbers:
            for table in TABLES:
                _compact(folder, table, keys[number], meanings)
    return DatasetChange(files_before=before, files_after=_count(folder))


def _count(folder: DatasetFolder) -> int:
    return sum(map(len, folder.all_files().values()))


def _compact(folder: DatasetFolder, table: str, key: PartitionKey, meanings: Meanings) -> None:
    with folder.changing() as scratch:
        files = [folder.absolute(file) for file in folder.files(table, key)]
        if len(files) < 2:
            return
        inner = os.path.join(scratch, table)
        os.mkdir(inner, 0o700)
        with interruptible():
            merged_files(table, files, inner, folder.new_name, meanings[table])
        folder.exchange(table, key, inner)


def ask(path: str, sql: str, *, name: str | None, most: int) -> DatasetAnswer:
    """The answer of one query.

    Raises:
        BadInput: there is no dataset, or one of its files is damaged.
        Misuse: it is not one statement that reads, or there is a mistake in it.
    """
    folder = DatasetFolder(path)
    files = folder.all_files()
    while True:
        try:
            return query_files(path, files, sql, most=most, name=name)
        except BadInput:  # or somebody has just put files together
            before, files = files, folder.all_files()
            if files == before:
                raise
