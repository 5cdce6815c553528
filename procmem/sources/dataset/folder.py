"""The folder of a dataset: where its files lie, and how they get there so that nothing is there in part, or twice.

::

    procmem-dataset.json                       the schema: tables, columns, types, what they mean
    processes/date=2026-11-27/host=web1/part-ID.parquet
    regions/date=2026-11-27/host=web1/part-ID.parquet      the same ID: both were added together
    .journal/part-ID                           the folder of a part that is being added just now
    .lock                                      held by whoever adds or compacts

A part is two files, and no system call renames two. So the journal is written first, then the regions are put in place,
then the processes, and then the journal is removed: a part is there when its file of processes is. What a journal entry
is left of, whoever comes next undoes; and readers leave out what it names until then. Everything is brought to disk
before it gets its name.

Compacting makes new folders beside the old ones, and exchanges them (renameat2(2)): at no moment is a row missing from
a table, or there twice.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping

from procmem.errors import BadInput, CannotWrite
from procmem.model.dataset import DATASET_SCHEMA, PARTITIONS, TABLES, PartitionKey
from procmem.model.named_tuple import NamedTuple
from procmem.sources.scratch import scratch_folder
from procmem.sources.signals import interruptible, signals_held

__all__ = ["DatasetFolder", "StagedPart", "is_host_name"]

_ABOUT = "procmem-dataset.json"
_ABOUT_BYTES_MAX = 1 << 20
_JOURNAL, _LOCK = ".journal", ".lock"
_PART = re.compile(r"part-[0-9a-f]{16}\Z")
_ENDING = ".parquet"
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_HERE = -100  # include/uapi/linux/fcntl.h, AT_FDCWD
_RENAME_EXCHANGE = 2  # include/uapi/linux/fs.h
_REGIONS, _PROCESSES = _TABLES = ("regions", "processes")


def is_host_name(name: str) -> bool:
    """Whether a name may stand in a path, and in a pattern of paths, without being anything else."""
    return _HOST.match(name) is not None


class StagedPart(NamedTuple):
    """Files of a part that are written, and not in place yet, by table; a table without rows has none."""

    key: PartitionKey
    files: Mapping[str, str]


class DatasetFolder:
    """A dataset in a folder.

    Raises:
        BadInput: there is none, or one of another schema.
        CannotWrite: with ``make``: the folder holds other things, or cannot be made.
    """

    def __init__(self, path: str, *, make: Mapping[str, object] | None = None) -> None:
        self.path = path
        if make is not None:
            self._make(make)
        try:
            with open(os.path.join(path, _ABOUT), "rb") as file:
                about = json.loads(file.read(_ABOUT_BYTES_MAX))
        except FileNotFoundError as error:
            raise BadInput("no-dataset", path=path) from error
        except OSError as error:
            raise BadInput("unreadable-text", name=path, reason=error.strerror) from error
        except (ValueError, RecursionError) as error:
            raise BadInput("no-dataset", path=path) from error
        schema = about.get("schema") if isinstance(about, dict) else None
        if schema != DATASET_SCHEMA:
            raise BadInput("other-dataset", path=path, schema=str(schema), known=DATASET_SCHEMA)

    def _make(self, about: Mapping[str, object]) -> None:
        """Make the folder where there is none; one that is there must be empty, or a dataset."""
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(self.path, 0o700)
            names = os.listdir(self.path)
            if _ABOUT in names:
                return
            if any(not name.startswith(".procmem-") for name in names):
                raise CannotWrite(self.path, "not-empty")
            with signals_held(), scratch_folder(self.path) as scratch:
                inner = os.path.join(scratch, _ABOUT)
                with open(inner, "x", encoding="utf-8") as file:
                    file.write(json.dumps(about, indent=1, ensure_ascii=False) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                os.rename(inner, os.path.join(self.path, _ABOUT))
                _sync(self.path)
        except OSError as error:
            raise CannotWrite(self.path, "system-error", reason=error.strerror or str(error)) from error

    def partitions(self) -> list[PartitionKey]:
        """All days and hosts that there is something of."""
        found = []
        for table in TABLES:
            for day in _names(self._table(table)):
                date = day.removeprefix(f"{PARTITIONS[0]}=")
                for machine in _names(os.path.join(self._table(table), day)) if _DATE.match(date) else ():
                    host = machine.removeprefix(f"{PARTITIONS[1]}=")
                    if host != machine and is_host_name(host):
                        found.append(PartitionKey(date, host))
        return sorted(set(found))

    def files(self, table: str, key: PartitionKey) -> list[str]:
        """The files of a table that lie in a folder, relative to the dataset; without those that are not whole."""
        return self._listed(table, key, self._undone())

    def _listed(self, table: str, key: PartitionKey, undone: frozenset[str]) -> list[str]:
        folder = self._folder(table, key)
        names = [name for name in _regular_files(folder) if _is_part(name)]
        relative = os.path.relpath(folder, self.path)
        return [f"{relative}/{name}" for name in names if name.removesuffix(_ENDING) not in undone]

    def all_files(self) -> dict[str, list[str]]:
        """The files of each table, relative to the dataset; regions first, so that each has its process."""
        undone, keys = self._undone(), self.partitions()
        return {table: [file for key in keys for file in self._listed(table, key, undone)] for table in _TABLES}

    @contextlib.contextmanager
    def changing(self) -> Iterator[str]:
        """Hold the dataset while it is changed, undo first what was left undone; a folder to write to.

        Signals are held meanwhile, but for where :func:`procmem.sources.signals.interruptible` is used.

        Raises:
            CannotWrite: it may not be written.
        """
        try:
            with signals_held():
                lock = os.open(os.path.join(self.path, _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    with interruptible():
                        fcntl.flock(lock, fcntl.LOCK_EX)
                    self._recover()
                    with scratch_folder(self.path) as scratch:
                        yield scratch
                finally:
                    os.close(lock)
        except OSError as error:
            raise CannotWrite(self.path, "system-error", reason=error.strerror or str(error)) from error

    def put(self, part: StagedPart) -> None:
        """Put a part in its place; only while :meth:`changing`.

        Raises:
            OSError: the disk is full; then the part is not there.
        """
        name = f"part-{os.urandom(8).hex()}"
        journal = os.path.join(self.path, _JOURNAL)
        _make_folders(journal)
        entry = os.path.join(journal, name)
        for path in part.files.values():
            _sync(path)
        folders = {table: self._folder(table, part.key) for table in part.files}
        for folder in folders.values():
            _make_folders(folder)
        with open(entry, "x", encoding="utf-8") as file:
            file.write(json.dumps(part.key))
            file.flush()
            os.fsync(file.fileno())
        _sync(journal)
        for table in _TABLES:
            if table in part.files:
                os.rename(part.files[table], os.path.join(folders[table], f"{name}{_ENDING}"))
                _sync(folders[table])
        os.unlink(entry)

    def exchange(self, table: str, key: PartitionKey, folder: str) -> None:
        """Put a folder of new files in the place of the old ones, which are in it then; only while :meth:`changing`.

        Raises:
            CannotWrite: the file system cannot exchange two folders.
            OSError: anything else.
        """
        for name in _names(folder):
            _sync(os.path.join(folder, name))
        _sync(folder)
        place = self._folder(table, key)
        libc = ctypes.CDLL(None, use_errno=True)
        exchange = getattr(libc, "renameat2", None)  # glibc 2.28
        if exchange is None or exchange(_HERE, os.fsencode(folder), _HERE, os.fsencode(place), _RENAME_EXCHANGE):
            code = errno.ENOSYS if exchange is None else ctypes.get_errno()
            if code in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
                raise CannotWrite(place, "no-exchange")
            raise OSError(code, os.strerror(code))
        _sync(os.path.dirname(place))

    @staticmethod
    def new_name() -> str:
        """A name for a file of a part."""
        return f"part-{os.urandom(8).hex()}{_ENDING}"

    def absolute(self, file: str) -> str:
        """The path of a file that is named relative to the dataset."""
        return os.path.join(self.path, file)

    def _table(self, table: str) -> str:
        return os.path.join(self.path, table)

    def _folder(self, table: str, key: PartitionKey) -> str:
        return os.path.join(self.path, table, *(f"{name}={value}" for name, value in zip(PARTITIONS, key, strict=True)))

    def _undone(self) -> frozenset[str]:
        """Parts whose regions may be there, and whose processes are not."""
        return frozenset(name for name, key in self._entries() if not self._has_processes(name, key))

    def _has_processes(self, name: str, key: PartitionKey) -> bool:
        return os.path.exists(os.path.join(self._folder(_PROCESSES, key), f"{name}{_ENDING}"))

    def _entries(self) -> Iterator[tuple[str, PartitionKey]]:
        journal = os.path.join(self.path, _JOURNAL)
        for name in _names(journal):
            if not _PART.match(name):
                continue
            try:
                with open(os.path.join(journal, name), "rb") as file:
                    date, host = json.loads(file.read(_ABOUT_BYTES_MAX))
            except (OSError, ValueError, TypeError):  # it was cut, so that nothing was put in place behind it
                continue
            if isinstance(date, str) and isinstance(host, str) and _DATE.match(date) and is_host_name(host):
                yield name, PartitionKey(date, host)

    def _recover(self) -> None:
        """Undo what was left undone: regions without their processes."""
        for name, key in self._entries():
            if not self._has_processes(name, key):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(self._folder(_REGIONS, key), f"{name}{_ENDING}"))
        journal = os.path.join(self.path, _JOURNAL)
        for name in _names(journal):
            os.unlink(os.path.join(journal, name))


def _is_part(name: str) -> bool:
    return name.endswith(_ENDING) and _PART.match(name.removesuffix(_ENDING)) is not None


def _names(folder: str) -> list[str]:
    """The names in a folder, sorted; none where there is none."""
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _make_folders(path: str) -> None:
    """Make a folder and those above it, each for its owner only."""
    if not os.path.isdir(path):
        _make_folders(os.path.dirname(path))
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)


def _regular_files(folder: str) -> list[str]:
    """The names of regular files in a folder, sorted: neither links to files elsewhere nor pipes."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _sync(path: str) -> None:
    """Bring a file, or the names in a folder, to disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
