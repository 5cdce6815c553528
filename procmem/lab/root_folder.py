"""The folder of the laboratory's lock and journal, into which nobody but root can put anything.

Here belongs how that folder and its files are opened and what is demanded of them; what they hold belongs to
``machine_state`` and ``journal``. A lock in a folder that anybody may write (``/run/lock`` is one) could be made and
held by anybody, and a journal there could name what root is to remove.
"""

import os
import stat

from procmem.model.reports.lab import Skipped

__all__ = ["FOLDER", "open_folder", "open_within"]

FOLDER = "/run/procmem"


def open_folder(path: str | None = None, *, make: bool = True) -> int:
    """Open the folder, which is made where it is missing; give its descriptor.

    Raises:
        Skipped: it cannot be made, is a link, is not root's, or others may write to it or to the folder around it.
        FileNotFoundError: it is not there, and is not to be made.
    """
    path = FOLDER if path is None else path
    try:
        around = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise Skipped("no-root-folder", path=path, reason=error.strerror) from error
    try:
        _demand(os.fstat(around), os.path.dirname(path))
        try:
            if make:
                os.mkdir(os.path.basename(path), 0o700, dir_fd=around)
        except FileExistsError:
            pass
        except OSError as error:
            raise Skipped("no-root-folder", path=path, reason=error.strerror) from error
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            folder = os.open(os.path.basename(path), flags, dir_fd=around)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise Skipped("unsafe-root-folder", path=path) from error
    finally:
        os.close(around)
    try:
        _demand(os.fstat(folder), path)
        os.fchmod(folder, 0o700)
    except (Skipped, OSError):
        os.close(folder)
        raise
    return folder


def open_within(folder: int, name: str) -> int:
    """Open a file of the folder for reading and writing; it is made where it is missing.

    Raises:
        Skipped: it is no plain file of root's alone, or cannot be opened.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        fd = os.open(name, flags, 0o600, dir_fd=folder)
    except OSError as error:
        raise Skipped("no-root-folder", path=os.path.join(FOLDER, name), reason=error.strerror) from error
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_uid or found.st_mode & 0o077:
        os.close(fd)
        raise Skipped("unsafe-root-folder", path=os.path.join(FOLDER, name))
    return fd


def _demand(found: os.stat_result, path: str) -> None:
    """Refuse a folder to which others than root may write; one with the sticky bit is safe only around our own."""
    if found.st_uid or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Skipped("unsafe-root-folder", path=path)
