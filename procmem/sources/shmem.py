"""How much of an object of shared memory lies in swap: what no counter of the system says.

cachestat(2), since 6.5, counts the pages of a file that are in memory and those that are not any more; for a file of
tmpfs, the latter are in swap (mm/filemap.c, filemap_cachestat()). Nothing is read from the files.
"""

import os
import re
import stat
from collections.abc import Container, Iterator

from procmem.model.named_tuple import NamedTuple
from procmem.model.vma_names import KernelName, is_deleted, read_vma_name

__all__ = ["TmpfsFile", "open_files", "swapped_bytes", "tmpfs_files"]

_CACHESTAT = 451  # the same number on all architectures
_FILES_MAX = 100_000
_FDINFO_BYTES_MAX = 4096
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


def open_files(process: bytes, mounts: Container[int]) -> Iterator[tuple[bytes, TmpfsFile]]:
    """The files of shared memory that a process has open and that no path leads to: memfds, and deleted ones.

    ``process`` is its ``/proc/<pid>``, ``mounts`` are the ids of tmpfs mounts: only such files are touched, since
    others may lie on a file system that never answers. Gives what each is called, and where it can be opened. A
    process that may not be looked into holds nothing that we could tell of.
    """
    try:
        numbers = os.listdir(process + b"/fd")
    except OSError:
        return
    for number in numbers:
        link = b"%s/fd/%s" % (process, number)
        try:
            name = os.readlink(link)
            memfd = read_vma_name(name, has_inode=True).named is KernelName.MEMFD
            if memfd or (is_deleted(name) and _mount_id(b"%s/fdinfo/%s" % (process, number)) in mounts):
                found = os.stat(link)
                if stat.S_ISREG(found.st_mode) and found.st_blocks:
                    yield name, TmpfsFile(link, _device(found.st_dev), found.st_ino)
        except OSError:
            continue  # closed meanwhile


def _mount_id(path: bytes) -> int:
    """The mount of an open file, by its fdinfo (proc_pid_fdinfo(5), since 3.15); -1 where it does not say."""
    with open(path, "rb") as file:
        found = re.search(rb"^mnt_id:\s*(\d+)$", file.read(_FDINFO_BYTES_MAX), re.MULTILINE)
    return int(found[1]) if found else -1


OWN_ROOT = b""
"""What paths are put behind that are meant as we see them."""


def own_folder() -> bytes:
    """Our own folder of /proc."""
    return b"/proc/self"


def process_folder(proc: str, pid: int) -> bytes:
    """A process's folder in a mounted proc file system."""
    return b"%s/%d" % (os.fsencode(proc), pid)


def root_of(process: bytes) -> bytes:
    """What a process sees as the root of all paths."""
    return process + b"/root"


def map_file(process: bytes, start: int, end: int) -> bytes:
    """The link to the file behind a mapping (proc_pid_map_files(5), since 3.3)."""
    return b"%s/map_files/%x-%x" % (process, start, end)


def mount_namespace(process: bytes) -> bytes | None:
    """Which mount namespace a process is in; None where that may not be read."""
    try:
        return os.readlink(process + b"/ns/mnt")
    except OSError:
        return None


def segment_name(shmid: int) -> bytes:
    """What to call a System V segment that no mapping names."""
    return b"shmid %d" % shmid
