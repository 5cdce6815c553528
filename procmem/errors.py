"""Every error a user can act on, with its exit status: the one table that the command line needs.

Decide by type, never by message. Each error is one line: what went wrong, where, why; ``hint``
says what to do about it.
"""

__all__ = [
    "AccessRefused",
    "BadInput",
    "BrokenRecording",
    "CannotWrite",
    "ExitStatus",
    "MalformedFile",
    "Misuse",
    "NothingMatches",
    "ProcessGone",
    "ProcmemError",
]


class ExitStatus:
    """The documented exit statuses of the command."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    NO_PROCESS = 3
    NOT_PERMITTED = 4
    BAD_INPUT = 5
    CANNOT_WRITE = 6
    MISMATCH = 7
    SOME_MISSING = 42
    INTERRUPTED = 130


class ProcmemError(Exception):
    """Something a user can act on; ``str()`` is one line without the hint."""

    exit_code = ExitStatus.INTERNAL

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Misuse(ProcmemError):
    """What was asked for makes no sense: a word that is no target, options that exclude each other."""

    exit_code = ExitStatus.USAGE


class ProcessGone(ProcmemError):
    """No such process, or it ended while it was read."""

    exit_code = ExitStatus.NO_PROCESS

    def __init__(self, pid: int, why: str = "no such process", *, hint: str = "") -> None:
        super().__init__(f"process {pid}: {why}", hint=hint)
        self.pid = pid


class NothingMatches(ProcmemError):
    """A selection by name, user or parent that fits no process."""

    exit_code = ExitStatus.NO_PROCESS


class AccessRefused(ProcmemError):
    """The kernel lets us read nothing that the question needs."""

    exit_code = ExitStatus.NOT_PERMITTED

    def __init__(self, pid: int, what: str, *, hint: str = "run it as the same user, or as root") -> None:
        super().__init__(f"process {pid}: {what}", hint=hint)
        self.pid = pid


class BadInput(ProcmemError):
    """Input given by the user does not have the documented form."""

    exit_code = ExitStatus.BAD_INPUT


class MalformedFile(BadInput):
    """A line contradicts the form that the kernel documents.

    ``line`` is counted from 1; 0 means that the whole file is meant.
    """

    def __init__(self, name: str, line: int, why: str, text: bytes = b"") -> None:
        where = f"{name}, line {line}" if line else name
        shown = f": {text[:80]!r}" if text else ""
        super().__init__(f"{where}: {why}{shown}", hint="the file is damaged, cut off, or no such file")
        self.name = name
        self.line = line


class BrokenRecording(BadInput):
    """A recording that is damaged, too large, of another version, or not a recording."""

    def __init__(self, path: str, why: str, *, hint: str = "make it anew with: procmem record PID -o PATH") -> None:
        super().__init__(f"{path}: {why}", hint=hint)
        self.path = path


class CannotWrite(ProcmemError):
    """Output could not be written; nothing half-written is left behind."""

    exit_code = ExitStatus.CANNOT_WRITE

    def __init__(self, path: str, why: str, *, hint: str = "") -> None:
        super().__init__(f"{path}: {why}", hint=hint)
        self.path = path
