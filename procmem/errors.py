"""Every error a user can act on, with its exit status: the one table that the command line needs.

Decide by type or code, never by message. An error carries a code and what belongs to it; ``procmem.text.errors`` has
the sentence and the hint of each code, and tells them by ``str()`` once it is loaded.
"""

from __future__ import annotations

import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "AccessRefused",
    "BadInput",
    "BadScript",
    "BrokenRecording",
    "CannotWrite",
    "ExitStatus",
    "MalformedFile",
    "Misuse",
    "NothingMatches",
    "OutOfResources",
    "OutputFailed",
    "ProcessGone",
    "ProcmemError",
    "ReadFailed",
    "SystemFailed",
    "shortage_of",
    "tell_errors_by",
]


class ExitStatus:
    """The documented exit statuses of the command."""

    DONE = 0
    INTERNAL = 1
    SYSTEM_FAILED = 1
    USAGE = 2
    NO_PROCESS = 3
    NOT_PERMITTED = 4
    BAD_INPUT = 5
    CANNOT_WRITE = 6
    MISMATCH = 7
    SOME_MISSING = 42
    INTERRUPTED = 130


class ProcmemError(Exception):
    """Something a user can act on; ``str()`` is one line.

    ``code`` names what happened, ``fields`` are the names and figures that belong to it.
    """

    exit_code = ExitStatus.INTERNAL

    def __init__(self, code: str, /, **fields: object) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields

    def __str__(self) -> str:
        if _Telling.tell is not None:
            return _Telling.tell(self)
        return ", ".join([self.code, *(f"{name} {value!r}" for name, value in self.fields.items())])

    @property
    def hint(self) -> str:
        """What to do about it; empty where nothing is known."""
        return "" if _Telling.advise is None else _Telling.advise(self)


class _Telling:
    """Who puts errors into words; nobody does until the sentences are loaded."""

    tell: Callable[[ProcmemError], str] | None = None
    advise: Callable[[ProcmemError], str] | None = None


def tell_errors_by(tell: Callable[[ProcmemError], str], advise: Callable[[ProcmemError], str]) -> None:
    """Let ``str()`` of an error be a sentence, and ``hint`` another."""
    _Telling.tell = tell
    _Telling.advise = advise


class Misuse(ProcmemError):
    """What was asked for makes no sense: a word that is no target, options that exclude each other."""

    exit_code = ExitStatus.USAGE


class ProcessGone(ProcmemError):
    """No such process, or it ended while it was read."""

    exit_code = ExitStatus.NO_PROCESS

    def __init__(self, pid: int, code: str = "no-process", /, **fields: object) -> None:
        super().__init__(code, pid=pid, **fields)
        self.pid = pid


class NothingMatches(ProcmemError):
    """A selection by name, user or parent that fits no process."""

    exit_code = ExitStatus.NO_PROCESS


class AccessRefused(ProcmemError):
    """Nothing that the question needs may be read, or was recorded; ``pid`` is None where a text does not say it.

    ``right`` is what we lack to look at it (:class:`procmem.model.raw.MissingRight`), None where that is not known.
    """

    exit_code = ExitStatus.NOT_PERMITTED

    def __init__(self, pid: int | None, code: str, /, *, right: object = None, **fields: object) -> None:
        super().__init__(code, pid=pid, **fields)
        self.pid = pid
        self.right = right


class ReadFailed(AccessRefused):
    """All reading of one process fails (EIO), which says nothing of others."""

    exit_code = ExitStatus.SYSTEM_FAILED


class SystemFailed(ProcmemError):
    """The system could not do what reading or writing takes. It says nothing of what was to be read."""

    exit_code = ExitStatus.SYSTEM_FAILED


class OutOfResources(SystemFailed):
    """It has no more open files, processes or memory for us."""


class OutputFailed(ProcmemError):
    """Standard output cannot be written: a full disk, or the shell has closed it."""

    exit_code = ExitStatus.CANNOT_WRITE


def shortage_of(error: OSError) -> OutOfResources | None:
    """The error of ours where one of the system is about us or the machine, and not about what was to be read."""
    if error.errno == errno.EMFILE:
        return OutOfResources("too-many-files")
    if error.errno == errno.ENFILE:
        return OutOfResources("too-many-files-in-all")
    return OutOfResources("no-memory-to-read") if error.errno == errno.ENOMEM else None


class BadInput(ProcmemError):
    """Input given by the user does not have the documented form."""

    exit_code = ExitStatus.BAD_INPUT


class MalformedFile(BadInput):
    """A line contradicts the form that the kernel documents.

    ``line`` is counted from 1; 0 means that the whole file is meant. ``text`` is the line, or the piece that is wrong.
    ``pid`` is set where several processes are looked at, and each has such a file.
    """

    pid: int | None = None

    def __init__(self, name: str, line: int, code: str, text: bytes = b"", /, **fields: object) -> None:
        super().__init__(code, **fields)
        self.name = name
        self.line = line
        self.text = text


class BrokenRecording(BadInput):
    """A recording that is damaged, too large, of another version, or not a recording."""

    def __init__(self, path: str, code: str, /, **fields: object) -> None:
        super().__init__(code, path=path, **fields)
        self.path = path


class BadScript(BadInput):
    """A step of a script that cannot be understood or done; ``line`` is counted from 1."""

    def __init__(self, line: int, code: str, /, **fields: object) -> None:
        super().__init__(code, **fields)
        self.line = line


class CannotWrite(ProcmemError):
    """Output could not be written; nothing half-written is left behind."""

    exit_code = ExitStatus.CANNOT_WRITE

    def __init__(self, path: str, code: str, /, **fields: object) -> None:
        super().__init__(code, path=path, **fields)
        self.path = path
