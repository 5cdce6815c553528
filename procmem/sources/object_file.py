"""One file that a program may be made of: opened without an effect, and compared with what is mapped.

Which files a program is made of is found in :mod:`procmem.sources.program_files`.
"""

from __future__ import annotations

import os
import stat

from procmem.model.program_files import OpenedFile
from procmem.model.raw import Refusal
from procmem.sources.files import FdReader, open_regular, read_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

    from procmem.model.program_files import ProgramObject
    from procmem.model.raw import MappedFile

__all__ = ["is_mapped", "open_file", "own_content", "same_file"]


def open_file(path: bytes, mountinfo: bytes = b"") -> OpenedFile | None:
    """Open a regular file; None where there is none that may be read. ``mountinfo`` is handed on as it is."""
    try:
        descriptor = open_regular(path, None)
    except ValueError:  # a zero byte in it
        return None
    if isinstance(descriptor, Refusal):
        return None
    status = os.fstat(descriptor)
    # the kernel prints a newline in a name as \012 (fs/seq_file.c, seq_path())
    real = os.path.realpath(path).replace(b"\n", b"\\012")
    # without the right of its group to execute, set-group-ID means locking (fs/exec.c, bprm_fill_uid())
    group = status.st_mode & (stat.S_ISGID | stat.S_IXGRP) == stat.S_ISGID | stat.S_IXGRP
    user = bool(status.st_mode & stat.S_ISUID)
    return OpenedFile(
        path,
        real,
        status.st_size,
        (status.st_dev, status.st_ino),
        FdReader(descriptor),
        changes_ids=group or user,
        is_secure=(user and status.st_uid != os.getuid()) or (group and status.st_gid != os.getgid()),
        fdinfo=own_content(f"/proc/self/fdinfo/{descriptor}"),
        mountinfo=mountinfo,
    )


def own_content(path: str) -> bytes:
    """A file of proc, about ourselves or the machine; nothing where it is not there."""
    content = read_whole(path, None)
    return b"" if isinstance(content, Refusal) else content


def same_file(found: ProgramObject, mapped: MappedFile) -> bool:
    """Whether a file that was found by its path is the very one that is mapped: by device and inode."""
    return is_mapped(found, {(mapped.device, mapped.inode)})


def is_mapped(found: ProgramObject, files: Container[tuple[str, int]]) -> bool:
    """Whether it is one of some mapped files, told by device and inode as ``maps`` writes them."""
    device, inode = found.identity
    return (f"{os.major(device):02x}:{os.minor(device):02x}", inode) in files
