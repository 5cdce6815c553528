"""How much of an object of shared memory lies in swap: what no counter of the system says.

cachestat(2), since 6.5, counts the pages of a file that are in memory and those that are not any more; for a file of
tmpfs, the latter are in swap (mm/filemap.c, filemap_cachestat()). Nothing is read from the files.
"""

import os
import stat
from collections.abc import Collection, Iterator
from typing import NamedTuple

__all__ = ["TmpfsFile", "memfd_device", "open_files", "swapped_bytes", "tmpfs_files"]

_CACHESTAT = 451  # the same number on all architectures
_FILES_MAX = 100_000
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class TmpfsFile(NamedTuple):
    """A regular file on tmpfs, by device and inode as ``maps`` writes them."""

    path: bytes
    device: str
    inode: int

    @property
    def key(self) -> tuple[str, int]:
        """What it is, by whatever name."""
        return self.device, self.inode


def swapped_bytes(path: bytes) -> int | None:
    """Bytes of a tmpfs file in swap; None where it may not be opened, or this kernel has no cachestat()."""
    import ctypes  # noqa: PLC0415  # only where something is in swap

    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        fd = os.open(path, _FLAGS)
    except OSError:
        return None
    try:
        span, counts = (ctypes.c_uint64 * 2)(0, 0), (ctypes.c_uint64 * 5)()
        if ctypes.CDLL(None, use_errno=True).syscall(_CACHESTAT, fd, span, counts, 0):
            return None
        return int(counts[3]) * os.sysconf("SC_PAGE_SIZE")
    finally:
        os.close(fd)


def memfd_device() -> str | None:
    """The device of files that have no mount: memfd, SysV, shared anonymous memory (shm_mnt in mm/shmem.c)."""
    try:
        fd = os.memfd_create("procmem-device")
    except OSError:
        return None
    try:
        return _device(os.fstat(fd).st_dev)
    finally:
        os.close(fd)


def tmpfs_files(mount: bytes) -> Iterator[TmpfsFile]:
    """All regular files of one mounted tmpfs, without following links or entering other file systems."""
    try:
        device = os.stat(mount).st_dev
    except OSError:
        return
    folders, seen = [mount], 0
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:
            continue
        for entry in entries:
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if found.st_dev != device:
                continue
            if stat.S_ISDIR(found.st_mode):
                folders.append(entry.path)
            elif stat.S_ISREG(found.st_mode) and found.st_blocks:
                seen += 1
                if seen > _FILES_MAX:
                    return
                yield TmpfsFile(entry.path, _device(device), found.st_ino)


def _device(number: int) -> str:
    return f"{os.major(number):02x}:{os.minor(number):02x}"


def open_files(folder: bytes, devices: Collection[str]) -> Iterator[tuple[bytes, TmpfsFile]]:
    """The regular files on some devices among a process's descriptors: what each is called, and where it can be opened.

    ``folder`` is its ``/proc/<pid>/fd``; one that may not be read holds nothing that we could tell of.
    """
    try:
        numbers = os.listdir(folder)
    except OSError:
        return
    for number in numbers:
        link = b"%s/%s" % (folder, number)
        try:
            found = os.stat(link)
            if stat.S_ISREG(found.st_mode) and found.st_blocks and _device(found.st_dev) in devices:
                yield os.readlink(link), TmpfsFile(link, _device(found.st_dev), found.st_ino)
        except OSError:
            continue  # closed meanwhile
