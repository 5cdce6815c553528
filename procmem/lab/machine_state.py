"""The laboratory's hold on the whole machine: swap, huge pages, memory cgroups; changed, and put back.

Everything here is a context: whatever it makes or changes is undone at its end, also when the experiment fails; and all
of it is done under one lock, so that two runs do not meet.
"""

import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

from procmem.model.raw import said_or_nothing
from procmem.model.reports.lab import Skipped
from procmem.parse.cgroup import memory_mount
from procmem.parse.system import parse_swaps
from procmem.sources.files import read_whole

__all__ = ["Cgroup", "huge_pages", "machine_lock", "memory_group", "swap_file"]

_LOCK = "/run/lock/procmem-lab"
_SWAP_NAME = "procmem-lab-swap"
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PREFER = 0x8000 | 0x7FFF
"""SWAP_FLAG_PREFER with the highest priority."""


@contextlib.contextmanager
def machine_lock() -> Iterator[None]:
    """Keep others from changing the machine at the same time.

    Raises:
        Skipped: not root.
    """
    if os.geteuid() != 0:
        raise Skipped("only-root")
    os.makedirs(os.path.dirname(_LOCK), exist_ok=True)
    fd = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        _sweep()
        yield
    finally:
        os.close(fd)


def _sweep() -> None:
    """Undo what a run that was killed outright has left: with the lock held, nobody else can have made it."""
    import ctypes  # noqa: PLC0415  # hardly ever

    for area in parse_swaps(said_or_nothing(read_whole("/proc/swaps", None))):
        if area.path.endswith(os.fsencode(f"/{_SWAP_NAME}")):
            ctypes.CDLL(None).swapoff(area.path)
            shutil.rmtree(os.path.dirname(area.path), ignore_errors=True)
    with contextlib.suppress(Skipped, OSError):
        root, _unified = _group_root()
        for name in os.listdir(root):
            if name.startswith("procmem-lab-"):
                _remove_group(os.path.join(root, name), root)


def _set(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _get(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


@contextlib.contextmanager
def huge_pages(count: int) -> Iterator[None]:
    """So many more huge pages of 2 MiB in the pool (needs the lock).

    Raises:
        Skipped: the kernel has none, or no room for them.
    """
    path = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
    try:
        before = _get(path)
        _set(path, str(int(before) + count))
    except OSError as error:
        raise Skipped("no-huge-pages", reason=error.strerror) from error
    try:
        if int(_get(path)) < int(before) + count:
            raise Skipped("no-huge-memory")
        yield
    finally:
        _set(path, before)


@contextlib.contextmanager
def swap_file(size: int) -> Iterator[None]:
    """A swap file of one's own, preferred to others, gone at the end (needs the lock).

    Raises:
        Skipped: the file system or the kernel does not take it.
    """
    import ctypes  # noqa: PLC0415  # for two system calls

    libc = ctypes.CDLL(None, use_errno=True)
    # the usual place may be memory itself, where nothing can be swapped to
    lasting = "/var/tmp" if os.access("/var/tmp", os.W_OK) else None  # noqa: S108  # mkdtemp(3) within it
    folder = tempfile.mkdtemp(prefix="procmem-lab-", dir=lasting)
    path = os.path.join(folder, _SWAP_NAME)
    on = False
    try:
        with open(path, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            header = bytearray(_PAGE)
            # union swap_header (include/linux/swap.h): version, last page
            header[1024:1032] = (1).to_bytes(4, "little") + (size // _PAGE - 1).to_bytes(4, "little")
            header[-10:] = b"SWAPSPACE2"
            file.write(header)
            for _megabyte in range(size >> 20):
                file.write(bytes(1 << 20))
            file.truncate(size)
            file.flush()
            os.fsync(file.fileno())
        on = libc.swapon(path.encode(), _PREFER) == 0
        if not on:
            raise Skipped("swapon", reason=os.strerror(ctypes.get_errno()))
        yield
    finally:
        if on and libc.swapoff(path.encode()) != 0:
            print(f"procmem: swapoff {path}: {os.strerror(ctypes.get_errno())}", file=sys.stderr)  # noqa: T201
        else:
            shutil.rmtree(folder, ignore_errors=True)


class Cgroup:
    """A memory cgroup, of either version; ``add`` moves a process in."""

    def __init__(self, path: str, *, unified: bool) -> None:
        self.path = path
        self.unified = unified

    def set(self, name: str, text: str) -> None:
        """Write one of its files.

        Raises:
            Skipped: it has no such file, or does not take the value.
        """
        try:
            _set(os.path.join(self.path, name), text)
        except OSError as error:
            raise Skipped("cgroup-file", name=name, reason=error.strerror) from error

    def add(self, pid: int) -> None:
        """Move a process in; what it touches from now on counts here."""
        self.set("cgroup.procs", str(pid))

    def limit(self, size: int) -> None:
        """Set the limit of its memory, in bytes."""
        self.set("memory.max" if self.unified else "memory.limit_in_bytes", str(size))

    def reclaim(self) -> None:
        """Have all its memory that can be reclaimed, reclaimed."""
        if self.unified:
            with contextlib.suppress(Skipped):  # EAGAIN: there was less than asked for
                self.set("memory.reclaim", "1G")
        else:
            self.set("memory.force_empty", "0")


@contextlib.contextmanager
def memory_group(swappiness: int | None = None) -> Iterator[Cgroup]:
    """A memory cgroup of one's own, gone at the end (needs the lock).

    ``swappiness`` is the group's own in version 1; version 2 has only the machine's, which is put back.

    Raises:
        Skipped: no memory controller may be used.
    """
    root, unified = _group_root()
    try:
        path = tempfile.mkdtemp(prefix="procmem-lab-", dir=root)
    except OSError as error:
        raise Skipped("cgroup", reason=error.strerror) from error
    group = Cgroup(path, unified=unified)
    before = None
    try:
        if swappiness is not None and not unified:
            group.set("memory.swappiness", str(swappiness))
        elif swappiness is not None:
            before = _get("/proc/sys/vm/swappiness")
            _set("/proc/sys/vm/swappiness", str(swappiness))
        yield group
    finally:
        if before is not None:
            _set("/proc/sys/vm/swappiness", before)
        _remove_group(path, root)


def _remove_group(path: str, root: str) -> None:
    with contextlib.suppress(OSError):
        for pid in _get(os.path.join(path, "cgroup.procs")).split():
            _set(os.path.join(root, "cgroup.procs"), pid)
    for _attempt in range(50):
        try:
            os.rmdir(path)
            return
        except OSError:
            import time  # noqa: PLC0415  # rarely

            time.sleep(0.02)  # its last process is still ending


def _group_root() -> tuple[str, bool]:
    """Where memory cgroups are made, and whether they are of version 2."""
    mount = memory_mount(said_or_nothing(read_whole("/proc/self/mountinfo", None)))
    if mount is None:
        raise Skipped("no-cgroup")
    place = os.fsdecode(mount[0])
    if mount[1] == 1:
        return place, False
    with contextlib.suppress(OSError):
        if "memory" in _get(f"{place}/cgroup.controllers").split():
            _set(f"{place}/cgroup.subtree_control", "+memory")
            return place, True
    raise Skipped("no-cgroup")
