"""Finding living processes: by name, by user, by parent. psutil knows how, and is imported only then."""

import os
import re

from procmem.errors import Misuse, NothingMatches

__all__ = ["children_of", "processes_named", "user_name", "wanted_processes"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def processes_named(name: str | None, user: str | None) -> list[int]:
    """Pids by name (exact, or a regular expression that fits it whole) and user, never ourselves.

    Raises:
        Misuse: the name is no regular expression.
    """
    import psutil  # noqa: PLC0415  # costs more than all the rest of a small report

    try:
        pattern = re.compile(name) if name else None
    except re.error as error:
        raise Misuse("bad-pattern", name=name, reason=str(error)) from error
    found = []
    for process in psutil.process_iter(["name", "username"]):
        if process.pid == os.getpid():
            continue
        called = process.info["name"] or ""
        if pattern is not None and called != name and not pattern.fullmatch(called):
            continue
        if user is not None and process.info["username"] != user and not _same_uid(process, user):
            continue
        found.append(process.pid)
    return found


def _same_uid(process: "Any", user: str) -> bool:
    import psutil  # noqa: PLC0415  # is loaded already

    try:
        return user.isdecimal() and process.uids().real == int(user)
    except psutil.Error:
        return False


def children_of(pid: int) -> list[int]:
    """All children of a process, and theirs; none where it has ended."""
    import psutil  # noqa: PLC0415  # only with --children

    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def wanted_processes(name: str | None, user: str | None) -> "Callable[[bytes | None, int | None], bool]":
    """Whether a process, by its name and the number of its user, is one of those asked for.

    Raises:
        Misuse: the name is no regular expression.
        NothingMatches: there is no such user.
    """
    try:
        pattern = re.compile(os.fsencode(name)) if name else None
    except re.error as error:
        raise Misuse("bad-pattern", name=name, reason=str(error)) from error
    uid = None
    if user is not None:
        uid = _user_id(user)
        if uid is None:
            raise NothingMatches("no-user", user=user)

    def wanted(found: bytes | None, owner: int | None) -> bool:
        called = found or b""
        fits = pattern is None or called == os.fsencode(name or "") or pattern.fullmatch(called) is not None
        return fits and (uid is None or owner == uid)

    return wanted


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
