"""Scratch folders of the laboratory, gone at the end; those that a run which was killed has left are known again.

A folder is ours when it has our name and our user. What is in use is known by its lock: see ``sources.scratch``.
"""

import contextlib
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator

from procmem.lab.journal import current
from procmem.model.reports.lab import Skipped
from procmem.sources.scratch import is_unused, make_locked

__all__ = [
    "PREFIX",
    "abandoned_folders",
    "abandoned_shared_memory",
    "is_scratch_name",
    "new_name",
    "scratch_folder",
]

PREFIX = "procmem-lab-"
LASTING = "/var/tmp"  # noqa: S108  # names within it are our own, and made exclusively
_NAME = re.compile(PREFIX + r"[0-9a-f]{16}\Z")
_OTHER_NAME = re.compile(PREFIX + r"[\w-]{1,64}\Z")
_OTHERS_SECONDS = 3600
_SHARED_MEMORY = "/dev/shm"  # noqa: S108  # looked at alone
_SHARED_NAME = re.compile(PREFIX + r"([1-9][0-9]{0,9})\Z")


def new_name() -> str:
    """A name that nothing else has."""
    return PREFIX + secrets.token_hex(8)


def is_scratch_name(path: str) -> bool:
    """Whether a path is a plain one, and its last part a name of ours."""
    name = os.path.basename(path)
    return os.path.isabs(path) and os.path.normpath(path) == path and _OTHER_NAME.match(name) is not None


@contextlib.contextmanager
def scratch_folder(*, lasting: bool = False) -> Iterator[str]:
    """A folder of one's own, removed at the end; ``lasting`` asks for one that is not held in memory.

    Raises:
        Skipped: it cannot be made.
    """
    around = tempfile.gettempdir()
    if lasting and os.access(LASTING, os.W_OK):
        around = LASTING
    journal = current()
    lock = None
    while lock is None:
        path = os.path.join(os.path.realpath(around), new_name())
        entry = None if journal is None else journal.begin("folder", path=path)
        lock = _made(path)
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(path)
        os.close(lock)
        if journal is not None and entry is not None and not os.path.lexists(path):
            journal.end(entry)


def _made(path: str) -> int | None:
    """Make the folder and lock it; the descriptor that holds the lock, None where a sweep took it for abandoned."""
    try:
        return make_locked(path)
    except OSError as error:
        raise Skipped("no-scratch", path=path, reason=error.strerror) from error


def abandoned_folders() -> Iterator[str]:
    """Folders of ours that no living run holds, and files of shared memory whose maker is gone.

    A name that an older release gave is taken for abandoned only after an hour: those had no lock.
    """
    for around in sorted({os.path.realpath(tempfile.gettempdir()), "/tmp", LASTING}):  # noqa: S108  # looked at alone
        for name in _names(around):
            path = os.path.join(around, name)
            if _OTHER_NAME.match(name) is None or not _is_own(path, stat.S_ISDIR):
                continue
            with contextlib.suppress(OSError):
                old = time.time() - os.lstat(path).st_mtime > _OTHERS_SECONDS
                if (old or _NAME.match(name) is not None) and is_unused(path):
                    yield path


def abandoned_shared_memory() -> Iterator[str]:
    """Files of shared memory that a child had no time to unlink; its pid is in the name."""
    for name in _names(_SHARED_MEMORY):
        found = _SHARED_NAME.match(name)
        path = os.path.join(_SHARED_MEMORY, name)
        if found and not os.path.exists(f"/proc/{found[1]}") and _is_own(path, stat.S_ISREG):
            yield path


def _names(folder: str) -> list[str]:
    with contextlib.suppress(OSError):
        return sorted(name for name in os.listdir(folder) if name.startswith(PREFIX))
    return []


def _is_own(path: str, kind: Callable[[int], bool]) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return kind(found.st_mode) and found.st_uid == os.geteuid()
