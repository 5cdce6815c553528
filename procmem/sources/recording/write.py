"""Writing a recording: all of it or nothing, readable by its owner only.

A recording holds addresses and file names of a process, so it is made with mode 0600 (0700 for its
folders) in a temporary place beside its destination, brought to disk, and then renamed into place.
"""

import gzip
import io
import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from typing import IO

from procmem.errors import BadInput, CannotWrite
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.raw import KeptFile, PageRuns, RawProcess, Refusal
from procmem.sources.file_helper import need_answer
from procmem.sources.recording.read import SCHEMA, page_run_letters
from procmem.sources.scratch import scratch_folder
from procmem.sources.signals import interruptible, signals_held

__all__ = ["STANDARD_OUTPUT", "Recorded", "may_save_text", "save", "save_text", "save_to"]

STANDARD_OUTPUT = "-"
"""The path that stands for it."""


_LEVEL = 3
"""Of compression, by zlib's measure: 6, which gzip(1) takes, needs twice as long for a fifth less, and compressing is
the longest part of recording a large process."""


class Recorded(NamedTuple):
    """All that is kept of one process: its raw files, the pieces read of mapped files, its page runs.

    ``page_runs`` is a refusal where pagemap could not be read; ``words`` are the pieces of memory that were read.
    ``notes`` are what must be said when it is made: what could not be read.
    """

    raw: RawProcess
    kept: tuple[KeptFile, ...]
    page_runs: PageRuns | Refusal
    words: tuple[tuple[int, bytes], ...] = ()
    notes: tuple[Note, ...] = ()


def save(processes: Sequence[Recorded], path: str, *, when: str, version: str, host: str | None = None) -> None:
    """Write a recording to a folder, or to one archive where the path ends in ``.tar.gz`` or ``.tgz``.

    Raises:
        CannotWrite: the destination exists, is a link, or the disk is full; nothing is left behind.
    """
    _need_answer(path)
    if os.path.lexists(path):
        raise CannotWrite(path, "exists")
    if len(processes) > 1 and any(process.raw.pid is None for process in processes):
        raise CannotWrite(path, "several-nameless")
    files = _all_files(processes, when, version, host)
    parent = os.path.dirname(os.path.abspath(path))
    as_archive = path.endswith((".tar.gz", ".tgz"))
    try:
        with signals_held(), scratch_folder(parent) as scratch:
            inner = os.path.join(scratch, "recording")
            with interruptible():
                if as_archive:
                    _write_archive(inner, files)
                else:
                    _write_folder(inner, files)
            os.rename(inner, path)
            _sync_folder(parent)
    except OSError as error:
        raise CannotWrite(path, "system-error", reason=error.strerror or str(error)) from error


def save_to(
    processes: Sequence[Recorded], stream: IO[bytes], *, when: str, version: str, host: str | None = None
) -> None:
    """Write one archive to a stream, such as a pipe; whole, or its reader finds that it is cut.

    Raises:
        CannotWrite: nobody reads it any more, or the disk behind it is full.
    """
    if len(processes) > 1 and any(process.raw.pid is None for process in processes):
        raise CannotWrite(STANDARD_OUTPUT, "several-nameless")
    files = _all_files(processes, when, version, host)
    try:
        _add_members(stream, files)
        stream.flush()
    except OSError as error:
        raise CannotWrite(STANDARD_OUTPUT, "system-error", reason=error.strerror or str(error)) from error


def _need_answer(path: str) -> None:
    """Raises CannotWrite where a path lies where nobody answers."""
    try:
        need_answer(path)
        need_answer(os.path.dirname(os.path.abspath(path)))
    except BadInput as error:
        raise CannotWrite(path, "no-answer-there") from error


def may_save_text(path: str, *, new: bool = False) -> None:
    """Look before a long work whether its result can be written at all; with ``new``, over nothing that is there.

    Raises:
        CannotWrite: no such folder, no permission, or the path is a link or a folder; with ``new`` something is there.
    """
    _need_answer(path)
    parent = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(parent):
        raise CannotWrite(path, "no-folder-to-write")
    if os.path.lexists(path) and (os.path.islink(path) or not os.path.isfile(path)):
        raise CannotWrite(path, "not-regular")
    if new and os.path.lexists(path):
        raise CannotWrite(path, "exists")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise CannotWrite(path, "folder-read-only")


def save_text(path: str, text: str, *, mode: int = 0o600) -> None:
    """Write a text file whole, or leave what was there; readable by its owner only, unless ``mode`` says otherwise.

    Raises:
        CannotWrite: as :func:`may_save_text`, or the disk is full; nothing is left behind.
    """
    may_save_text(path)
    parent = os.path.dirname(os.path.abspath(path))
    try:
        with signals_held(), scratch_folder(parent) as scratch:
            inner = os.path.join(scratch, "text")
            with interruptible():
                _write_text(inner, text, mode)
            os.rename(inner, path)
            _sync_folder(parent)
    except OSError as error:
        raise CannotWrite(path, "system-error", reason=error.strerror or str(error)) from error


def _all_files(processes: Sequence[Recorded], when: str, version: str, host: str | None = None) -> dict[str, bytes]:
    """Every file of the recording by its relative name, about.toml first."""
    files = {"about.toml": _about(processes, when, version, host).encode("utf-8", "surrogateescape")}
    for process in processes:
        raw = process.raw
        files.update({name: data for name, data in raw.system.items() if isinstance(data, bytes)})
        top = "" if raw.pid is None else f"{raw.pid}/"  # as in the copied folder of a process
        files.update({top + name: data for name, data in raw.files.items() if isinstance(data, bytes)})
        files.update({f"{top}links/{name}": text for name, text in raw.links.items() if isinstance(text, bytes)})
        files.update(_object_files(top, process.kept))
        if not isinstance(process.page_runs, Refusal):
            files[f"{top}pagemap.runs"] = _run_lines(process.page_runs)
        if process.words:
            words = [f"{address:x} {data.hex()}\n" for address, data in process.words]
            files[f"{top}memory.words"] = "".join(words).encode("ascii")
    return files


def _run_lines(runs: PageRuns) -> bytes:
    """The runs, one a line; few of them have different states."""
    letters = {state: page_run_letters(state) for state in set(runs.state)}
    columns = zip(runs.start, runs.end, map(letters.__getitem__, runs.state), strict=True)
    return "".join(map("%x-%x %s\n".__mod__, columns)).encode("ascii")


def _object_files(top: str, kept: Sequence[KeptFile]) -> dict[str, bytes]:
    """The index of kept heads, and their bytes one after the other in the order of the index."""
    files = {}
    index = []
    data: list[bytes] = []
    for item in kept:
        entry: dict[str, object] = {
            "device": item.file.device,
            "inode": item.file.inode,
            "path": item.file.path.decode("utf-8", "surrogateescape"),
        }
        if item.refusal is not None:
            entry["refused"] = item.refusal.name
        else:
            entry["pieces"] = [[offset, len(piece)] for offset, piece in item.pieces]
            data.extend(piece for _, piece in item.pieces)
        index.append(entry)
    files[f"{top}objects.json"] = (json.dumps({"objects": index}, indent=1) + "\n").encode("ascii")
    files[f"{top}objects.bin"] = b"".join(data)
    return files


def _about(processes: Sequence[Recorded], when: str, version: str, host: str | None) -> str:
    """The text of about.toml."""
    machine = processes[0].raw.machine
    lines = [f"schema = {_toml(SCHEMA)}", f"when = {_toml(when)}", f"procmem = {_toml(version)}"]
    lines += [] if host is None else [f"host = {_toml(host)}"]
    lines += [f"{key} = {_toml(value)}" for key, value in machine._asdict().items() if value is not None]
    lines += _refused("refused", processes[0].raw.system)
    for process in processes:
        raw = process.raw
        top = f"process.{raw.pid}"
        refused: dict[str, object] = {**raw.files, **raw.links}
        if isinstance(process.page_runs, Refusal):
            refused["pagemap"] = process.page_runs
        lines += _refused(f"{top}.refused", refused)
    return "\n".join(lines) + "\n"


def _refused(table: str, contents: Mapping[str, object]) -> list[str]:
    refused = {name: value for name, value in contents.items() if isinstance(value, Refusal)}
    return (
        ["", f"[{table}]", *(f"{_toml(name)} = {_toml(value.name)}" for name, value in refused.items())]
        if refused
        else []
    )


def _toml(value: str | int) -> str:
    """A basic TOML string or integer; JSON's escapes are TOML's, but for DEL."""
    return str(value) if isinstance(value, int) else json.dumps(value).replace("\x7f", "\\u007F")


def _write_folder(folder: str, files: Mapping[str, bytes]) -> None:
    made: set[str] = set()
    for name, data in files.items():
        path = os.path.join(folder, name)
        parent = os.path.dirname(path)
        _make_folders(parent, made)
        with _new_file(path) as file:
            file.write(data)
    _sync_file_system(folder)  # once for all: a process of a thousand threads has thousands of small files


def _new_file(path: str) -> io.BufferedWriter:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "wb")


def _write_text(path: str, text: str, mode: int) -> None:
    with _new_file(path) as file:
        os.fchmod(file.fileno(), mode)
        file.write(text.encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())


def _make_folders(path: str, made: set[str]) -> None:
    """Make a folder and those above it, each for its owner only (os.makedirs() is so strict with the last alone)."""
    if path in made:
        return
    try:
        os.mkdir(path, 0o700)
    except FileNotFoundError:
        _make_folders(os.path.dirname(path), made)
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    made.add(path)


def _write_archive(path: str, files: Mapping[str, bytes]) -> None:
    with _new_file(path) as file:
        _add_members(file, files)
        file.flush()
        os.fsync(file.fileno())


def _add_members(file: IO[bytes], files: Mapping[str, bytes]) -> None:
    """Write an archive that needs no seeking, as ``tarfile`` does: it would copy large files in pieces of 10 kB."""
    written = 0
    with gzip.GzipFile(fileobj=file, mode="wb", filename="", compresslevel=_LEVEL) as packed:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            member.mode = 0o600
            head = member.tobuf(tarfile.DEFAULT_FORMAT, tarfile.ENCODING, "surrogateescape")
            for piece in (head, data, bytes(-len(data) % tarfile.BLOCKSIZE)):
                packed.write(piece)
                written += len(piece)
        end = 2 * tarfile.BLOCKSIZE
        packed.write(bytes(end + -(written + end) % tarfile.RECORDSIZE))


def _sync_file_system(folder: str) -> None:
    """Bring to disk what was written to the file system of a folder, and not wait for others as sync(2) does.

    Raises:
        OSError: it cannot be written.
    """
    import ctypes  # noqa: PLC0415  # for one system call

    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(fd):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(fd)


def _sync_folder(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
