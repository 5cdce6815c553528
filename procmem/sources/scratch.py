"""Folders in which something is made before it gets its name, or that are only for a while.

Whoever uses one holds a lock on it (flock(2)), which the kernel lets go of when they end, by whatever signal, and in
whatever pid namespace they live. So who comes next knows what was left behind from what is in use, and removes it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import re
from collections.abc import Iterator

__all__ = ["PREFIX", "is_unused", "make_locked", "remove_folder", "scratch_folder"]

PREFIX = ".procmem-"
_NAME = re.compile(re.escape(PREFIX) + r"[\w-]{1,64}\Z")
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_RESERVED_BYTES = 8 << 20
"""Of address space, given back before a folder is removed: there may be no memory left to do it, and Python takes a
mebibyte at a time."""


@contextlib.contextmanager
def scratch_folder(parent: str) -> Iterator[str]:
    """A folder of one's own in another, gone at the end; what runs that were killed have left there goes first.

    Raises:
        OSError: none can be made there.
    """
    import shutil  # noqa: PLC0415  # takes its time, and is there before the last memory or descriptor may be gone

    with contextlib.suppress(OSError):  # it may be written, and not listed
        for name in os.listdir(parent):
            if _NAME.match(name):
                remove_folder(os.path.join(parent, name))
    lock = None
    with contextlib.closing(mmap.mmap(-1, _RESERVED_BYTES)) as reserve:
        while lock is None:
            path = os.path.join(parent, PREFIX + os.urandom(8).hex())
            lock = make_locked(path)
        try:
            yield path
        finally:
            reserve.close()
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def make_locked(path: str) -> int | None:
    """Make a folder for its owner only, and lock it; None where somebody took it for abandoned before it was locked.

    Raises:
        OSError: it cannot be made; FileNotFoundError where there is no folder to make it in.
    """
    os.mkdir(path, 0o700)
    try:
        lock = os.open(path, _FLAGS)
    except FileNotFoundError:
        return None
    except OSError:  # too many open files, say
        os.rmdir(path)
        raise
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        lost = not os.path.lexists(path)
    except BlockingIOError:
        lost = True
    except OSError:  # a file system without locks: nobody sweeps there
        lost = False
    if lost:
        os.close(lock)
        with contextlib.suppress(OSError):
            os.rmdir(path)
        return None
    return lock


def remove_folder(path: str) -> str | None:
    """Remove a folder that nobody uses; None when it is gone, else ``not-ours``, ``in-use``, or the system's reason.

    Nothing is followed through a link, neither at the path nor below it.
    """
    import shutil  # noqa: PLC0415  # few commands remove one

    try:
        fd = os.open(path, _FLAGS)
    except FileNotFoundError:
        return None
    except OSError as error:
        return "not-ours" if error.errno in (errno.ELOOP, errno.ENOTDIR) else error.strerror
    try:
        if os.fstat(fd).st_uid != os.geteuid():
            return "not-ours"
        if not _may_be_locked(fd):
            return "in-use"
        shutil.rmtree(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return error.strerror
    finally:
        os.close(fd)
    return None


def is_unused(path: str) -> bool:
    """Whether nobody holds a lock on a folder.

    Raises:
        OSError: it is no folder, or may not be opened.
    """
    fd = os.open(path, _FLAGS)
    try:
        return _may_be_locked(fd)
    finally:
        os.close(fd)


def _may_be_locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
