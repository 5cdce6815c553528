"""Finding living processes: by name, by user, by parent."""

from __future__ import annotations

import errno
import os

from procmem.errors import AccessRefused, Misuse, NothingMatches, SystemFailed
from procmem.model.numbers import whole_number
from procmem.model.proc_keys import StatusKey, has_memory
from procmem.model.raw import Refusal
from procmem.sources.files import read_start
from procmem.sources.machine import own_pid
from procmem.sources.status_field import status_field

__all__ = ["children_of", "living", "processes_named", "user_name", "wanted_processes"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator

_STATUS_BYTES = 4096
"""What stands first in status, and enough of a command line for its first word."""
_COMM_BYTES_MAX = 15
"""TASK_COMM_LEN without the final NUL."""

_SEARCH_SECONDS, _LEAST_SECONDS = 1.0, 0.01
"""Of CPU time: a good pattern takes a microsecond for each process."""


def processes_named(name: str | None, user: str | None) -> list[int]:
    """Pids by name (exact, or a regular expression that fits it whole) and user, never ourselves.

    The kernel keeps 15 bytes of a name; where the command line begins with a longer one, that is the name.

    Raises:
        Misuse: the name is no regular expression.
        NothingMatches: there is no such user.
        AccessRefused: none is found, and nobody knows what those are called that may not be read (hidepid).
        SystemFailed: an input/output error, so that nobody knows whose process it is.
    """
    wanted = wanted_processes(name, user)
    found = []
    denied = 0
    ours = own_pid()
    for pid in os.listdir("/proc"):
        if not pid.isdecimal() or int(pid) == ours:
            continue
        path = f"/proc/{pid}/status"
        status = read_start(path, None, _STATUS_BYTES)
        if status is Refusal.IO_ERROR:
            raise SystemFailed("file-failed", path=path, reason=os.strerror(errno.EIO))
        denied += status is Refusal.DENIED
        if isinstance(status, bytes) and wanted(_full_name(pid, status_field(status, StatusKey.NAME)), _uid(status)):
            found.append(int(pid))
    if denied and not found:
        raise AccessRefused(None, "none-may-be-read", count=denied)
    return sorted(found)


def living() -> Iterator[tuple[int, bytes, int | None]]:
    """Pid, name and user id of every process that may be seen; a kernel thread has no memory to look into."""
    for pid in sorted(map(int, filter(str.isdecimal, os.listdir("/proc")))):
        status = read_start(f"/proc/{pid}/status", None, _STATUS_BYTES)
        if isinstance(status, bytes) and has_memory(status):
            yield pid, status_field(status, StatusKey.NAME), _uid(status)


def _no_pattern(name: str | None, error: re.error) -> Misuse:
    """What the regular expression lacks, and at which character of it, from 1."""
    if error.pos is None or error.pattern is None:
        return Misuse("bad-pattern", name=name, reason=error.msg)
    return Misuse("bad-pattern-at", name=name, reason=error.msg, place=len(_text(error.pattern[: error.pos])) + 1)


def _text(pattern: str | bytes) -> str:
    return pattern.decode(errors="replace") if isinstance(pattern, bytes) else pattern


def _uid(status: bytes) -> int | None:
    """The real user id, the first of four."""
    return whole_number(status_field(status, StatusKey.UID).split(b"\t", 1)[0])


def _full_name(pid: str, name: bytes) -> bytes:
    if len(name) < _COMM_BYTES_MAX:
        return name
    cmdline = read_start(f"/proc/{pid}/cmdline", None, _STATUS_BYTES)
    called = cmdline.split(b"\0", 1)[0].rpartition(b"/")[2] if isinstance(cmdline, bytes) else b""
    return called if called.startswith(name) else name


def children_of(pid: int) -> list[int]:
    """All children of a process, and theirs; none where it has ended."""
    import psutil  # noqa: PLC0415  # only with --children

    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def wanted_processes(name: str | None, user: str | None) -> Callable[[bytes | None, int | None], bool]:
    """Whether a process, by its name and the number of its user, is one of those asked for.

    Raises:
        Misuse: the name is no regular expression.
        NothingMatches: there is no such user.
    """
    fits_pattern = _NamePattern(_compiled(name), name) if name else None
    uid = None
    if user is not None:
        uid = _user_id(user)
        if uid is None:
            raise NothingMatches("no-user", user=user)

    def wanted(found: bytes | None, owner: int | None) -> bool:
        called = found or b""
        fits = fits_pattern is None or called == os.fsencode(name or "") or fits_pattern.fits(called)
        return fits and (uid is None or owner == uid)

    return wanted


def _compiled(name: str) -> re.Pattern[bytes]:
    import re  # noqa: PLC0415  # only with --name

    try:
        return re.compile(os.fsencode(name))
    except re.error as error:
        raise _no_pattern(name, error) from error
    except (RecursionError, OverflowError) as error:
        raise Misuse("large-pattern", name=name) from error


class _NamePattern:
    """A regular expression with a bound on the time of all its searches: some take for ever with some names.

    Names are what processes say of themselves. The bound is a signal, which the search looks out for, and which only
    the main thread can set up.
    """

    def __init__(self, pattern: re.Pattern[bytes], name: str | None) -> None:
        self._pattern = pattern
        self._name = name
        self._seconds = _SEARCH_SECONDS

    def fits(self, called: bytes) -> bool:
        """Whether it fits a name whole.

        Raises:
            Misuse: it takes too long.
        """
        import signal  # noqa: PLC0415  # only with --name

        try:
            before = signal.signal(signal.SIGVTALRM, _stop)
        except ValueError:
            return self._pattern.fullmatch(called) is not None
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, self._seconds)
            try:
                return self._pattern.fullmatch(called) is not None
            finally:
                self._seconds = max(signal.setitimer(signal.ITIMER_VIRTUAL, 0)[0], _LEAST_SECONDS)
        except _TooLong as error:
            raise Misuse("slow-pattern", name=self._name) from error
        finally:
            signal.signal(signal.SIGVTALRM, before)


class _TooLong(Exception):
    """The time of a search is over."""


def _stop(number: int, frame: object) -> None:
    del number, frame
    raise _TooLong


def _user_id(name: str) -> int | None:
    if name.isascii() and name.isdecimal():
        return int(name)
    import pwd  # noqa: PLC0415  # only with --user

    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


class _Names(dict[int, str]):
    """Names of users by number, each looked up once."""

    def __missing__(self, uid: int) -> str:
        import pwd  # noqa: PLC0415  # only for living processes

        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:
            name = str(uid)
        self[uid] = name
        return name


_NAMES = _Names()


def user_name(uid: int) -> str:
    """The name of a user id, or the number where it has none."""
    return _NAMES[uid]
