"""Processes of this machine, or of another proc tree that is mounted or copied somewhere.

One descriptor of ``/proc/<pid>`` is opened and all is read through it: when the pid is reused, the old
folder answers ESRCH, never with the new process's data.
"""

from __future__ import annotations

import os
from itertools import chain

from procmem.errors import AccessRefused, BadInput, ProcessGone
from procmem.model.note import Note
from procmem.model.raw import (
    CMDLINE_BYTES_MAX,
    FILE_BYTES_MAX,
    FileContent,
    Machine,
    MappedFile,
    MissingRight,
    PageRuns,
    Refusal,
)
from procmem.model.vma_names import without_deleted
from procmem.sources.files import (
    FdReader,
    OpenFolder,
    consume,
    open_regular,
    read_ahead,
    read_record,
    read_start,
    read_whole,
    refusal_of,
    write_once,
)
from procmem.sources.machine import own_pid
from procmem.sources.pagemap import read_page_runs
from procmem.sources.prefetch import PrefetchedFile, prefetched_process
from procmem.sources.reading_ahead import FOLDER_FLAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from procmem.model.ports import ByteReader, MemoryReader, Target
    from procmem.sources.prefetch import PrefetchedProcess

__all__ = ["ProcSource", "ProcTarget"]

_RECORDS = frozenset({"auxv", "comm", "limits", "stat", "status", "syscall"})
"""What a kernel gives by one call (fs/proc/base.c): single_open(), and for auxv simple_read_from_buffer()."""
_OF_ANY_LENGTH = frozenset({"cmdline", "environ"})
"""Their reading touches the target's memory: as much as the target says (only anonymous memory, since Linux 4.17)."""


_THREADS = "task/"
_ALL_REFERENCES, _PEAK = b"1", b"5"
"""What ``clear_refs`` takes (fs/proc/task_mmu.c, enum clear_refs_types; proc_pid_clear_refs(5))."""


class ProcSource:
    """All processes below one proc folder; ``/proc`` itself unless said otherwise."""

    notes: tuple[Note, ...] = ()

    def __init__(self, root: str = "/proc") -> None:
        self.name = root
        try:
            self._root = OpenFolder(os.open(root, FOLDER_FLAGS), root)
        except OSError as error:
            refusal_of(error)
            raise BadInput("no-procfs", path=root, reason=error.strerror) from error
        self.is_kernel = root == "/proc" or _is_proc_mount(self._root.fd)

    @property
    def is_live(self) -> bool:
        """Whether this is the machine's own /proc."""
        return self.is_kernel

    def pids(self) -> tuple[int, ...]:
        """All process ids, ascending; threads are not listed."""
        return tuple(sorted(int(name) for name in os.listdir(self._root.fd) if name.isdecimal() and name.isascii()))

    def open(self, pid: int | None) -> Target:
        """Hold a process (or a thread, by its id) open.

        Raises:
            ProcessGone: there is no such folder.
            AccessRefused: the folder may not be opened (a hidepid mount).
        """
        assert pid is not None  # which stands for the process of a text alone
        prefetched = prefetched_process(pid) if self.name == "/proc" else None
        if prefetched is not None:
            return ProcTarget(pid, prefetched.folder, self._root, is_kernel=True, prefetched=prefetched)
        try:
            fd = os.open(str(pid), FOLDER_FLAGS, dir_fd=self._root.fd)
        except OSError as error:
            refusal = refusal_of(error)
            if refusal is Refusal.DENIED:
                raise AccessRefused(pid, "hidepid") from error
            if refusal not in (Refusal.ABSENT, Refusal.GONE):
                raise AccessRefused(pid, "cannot-open", reason=error.strerror) from error
            if self.is_kernel:
                raise ProcessGone(pid) from error
            raise ProcessGone(pid, "no-folder", source=self.name) from error
        return ProcTarget(pid, fd, self._root, is_kernel=self.is_kernel)


class ProcTarget:
    """One open folder ``/proc/<pid>``."""

    notes: tuple[Note, ...] = ()

    def __init__(
        self, pid: int, fd: int, root: OpenFolder, *, is_kernel: bool, prefetched: PrefetchedProcess | None = None
    ) -> None:
        self.pid = pid
        self._fd = fd
        self._root = root
        self._folder = f"{root.path}/{pid}"
        self._is_kernel = is_kernel
        self._map_files_denied = False
        self._memory_fd = fd
        self._early: dict[str, FileContent] = {}
        self._prefetched: dict[str, PrefetchedFile] = {}
        self._threads = None if prefetched is None else prefetched.threads
        if prefetched is not None:
            self._early = {name: read_ahead(found) for name, found in prefetched.files.items()}
            self._prefetched["smaps"] = prefetched.smaps

    @property
    def is_live(self) -> bool:
        """Whether a kernel shows it, and not a copied tree."""
        return self._is_kernel

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._memory_fd != self._fd:
            os.close(self._memory_fd)
        os.close(self._fd)
        if self._threads is not None:
            self._threads.finish()

    def look_through(self, tid: int) -> None:
        """Take what belongs to the memory from a live thread: a dead leader's own files of it are empty."""
        before = self._memory_fd
        try:
            self._memory_fd = os.open(str(tid), FOLDER_FLAGS, dir_fd=self._root.fd)
            self._folder = f"{self._root.path}/{tid}"
        except OSError as error:
            refusal_of(error)
            self._memory_fd = self._fd
        if before != self._fd:
            os.close(before)

    @property
    def machine(self) -> Machine:
        """This machine's facts; of a copied tree's machine we know nothing."""
        if not self._is_kernel:
            return Machine(clock_ticks=100)  # USER_HZ is 100 on every architecture of today
        system = os.uname()
        return Machine(
            machine=system.machine,
            kernel=system.release,
            page_size=os.sysconf("SC_PAGE_SIZE"),
            clock_ticks=os.sysconf("SC_CLK_TCK"),
            cpus=os.cpu_count(),
        )

    def read(self, name: str) -> FileContent:
        """Read a file below the process's folder, whole."""
        if name in self._early:
            return self._early.pop(name)  # once: whoever asks again wants to know how it is now
        folder, _, base = name.rpartition("/")
        if self._threads is not None and folder[: len(_THREADS)] == _THREADS:
            found = self._threads.files_of(int(folder[len(_THREADS) :]))
            if found is not None and base in found:
                return read_ahead(found.pop(base))  # the same
        if base in _RECORDS and self._is_kernel:
            return read_record(name, self._fd)
        if base not in _OF_ANY_LENGTH:
            return read_whole(name, self._fd, limit=FILE_BYTES_MAX)
        return read_start(name, self._fd, CMDLINE_BYTES_MAX)

    def read_pieces(self, name: str, use: Callable[[bytes], None], *, keep: bool) -> FileContent:
        """Read a file that may be large, handing over its pieces on the way."""
        prefetched = self._prefetched.pop(name, None) or PrefetchedFile(
            name, self._fd, with_child=self.pid != own_pid()
        )
        return consume(prefetched, use, keep=keep)

    def link(self, name: str) -> bytes | Refusal:
        """The text of a symbolic link, as bytes."""
        try:
            return os.fsencode(os.readlink(name, dir_fd=self._memory_fd))
        except OSError as error:
            return refusal_of(error)

    def names(self, folder: str) -> tuple[str, ...] | Refusal:
        """The names in a folder below the process's folder."""
        try:
            fd = os.open(folder, FOLDER_FLAGS, dir_fd=self._fd)
        except OSError as error:
            return refusal_of(error)
        try:
            return tuple(os.listdir(fd))
        except OSError as error:
            return refusal_of(error)
        finally:
            os.close(fd)

    def read_system(self, name: str) -> FileContent:
        """Read a file of the tree itself, such as ``meminfo``."""
        return read_whole(name, self._root.fd, limit=FILE_BYTES_MAX)

    def open_file(self, mapped: MappedFile, *, is_local: bool = False) -> ByteReader | Refusal:
        """Open the file that is mapped: by map_files, else by ``exe`` or by path where identity can be checked.

        By a path one may come upon any file system on the way, so that only the kernel's own links are followed here,
        and only where the file is known to be local.
        """
        names = (f"map_files/{start:x}-{end:x}" for start, end in mapped.ranges)  # as a rule the first is enough
        answer: ByteReader | Refusal = Refusal.ABSENT
        for name in chain(names, ("exe",)) if mapped.is_program else names:
            if self._map_files_denied and name != "exe":
                continue
            answer = self._open_link(name, mapped, is_local=is_local)
            if answer is Refusal.DENIED and name != "exe":  # needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN
                self._map_files_denied = True
            if not isinstance(answer, Refusal) or answer is Refusal.STUCK:
                return answer
        path = os.fsdecode(without_deleted(mapped.path)).replace("\\012", "\n")
        return self._open_apart("root" + path, mapped, always=True)

    def _open_link(self, name: str, mapped: MappedFile, *, is_local: bool) -> ByteReader | Refusal:
        """Open by a link of the kernel's, which leads to the file itself."""
        if self._is_kernel and not is_local:
            return self._open_apart(name, mapped)
        fd = open_regular(name, self._memory_fd)
        if not isinstance(fd, int):
            return fd
        found = os.fstat(fd)
        if self._is_kernel and not _is_mapped(found.st_dev, found.st_ino, mapped):
            os.close(fd)
            return Refusal.ABSENT
        return FdReader(fd)

    def _open_apart(self, name: str, mapped: MappedFile, *, always: bool = False) -> ByteReader | Refusal:
        """Have a child open by a name that may by now lead elsewhere, or to where nobody answers."""
        from procmem.sources.file_helper import open_apart  # noqa: PLC0415  # not for files of local file systems

        found = open_apart(f"{self._folder}/{name}", mapped.device)
        if isinstance(found, Refusal):
            return found
        if (self._is_kernel or always) and not _is_mapped(*found.identity, mapped):
            return Refusal.ABSENT
        return found

    def page_runs(self, ranges: Sequence[tuple[int, int]], page_size: int) -> PageRuns | Refusal:
        """Populated pages in some ranges; see :func:`procmem.sources.pagemap.read_page_runs`."""
        return read_page_runs(self._memory_fd, ranges, page_size, scan=self._is_kernel)

    def page_frame(self, address: int, page_size: int) -> int | Refusal | None:
        """The physical frame of a page: pagemap shows it to CAP_SYS_ADMIN only, and zero to others."""
        word = self.page_word(address, page_size)
        if isinstance(word, Refusal) or not word >> 63:
            return word if isinstance(word, Refusal) else None
        return word & ((1 << 55) - 1) or Refusal.DENIED

    def page_word(self, address: int, page_size: int) -> int | Refusal:
        """The word of a page in ``pagemap``; its frame bits are zero without CAP_SYS_ADMIN."""
        return self._word("pagemap", address // page_size, self._memory_fd)

    def frame_word(self, name: str, frame: int) -> int | Refusal:
        """The 64-bit word of a frame in a table of the whole machine."""
        return self._word(name, frame, self._root.fd)

    def _word(self, name: str, index: int, dir_fd: int) -> int | Refusal:
        try:
            fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=dir_fd)
        except OSError as error:
            return refusal_of(error)
        try:
            data = os.pread(fd, 8, 8 * index)
        except OSError as error:
            return refusal_of(error)
        finally:
            os.close(fd)
        return int.from_bytes(data, "little") if len(data) == 8 else Refusal.ABSENT

    def drm_fdinfo(self) -> tuple[list[tuple[int, bytes]], bool] | Refusal:
        """What ``fdinfo`` says of each descriptor of a graphics device."""
        from procmem.sources.drm_fdinfo import has_gpu, read_drm_fdinfo  # noqa: PLC0415  # not by every command

        return read_drm_fdinfo(self._memory_fd) if not self._is_kernel or has_gpu() else ([], True)

    def clear_accessed(self) -> Refusal | None:
        """Clear the accessed bits of its page tables, and the referenced marks of its pages."""
        return write_once("clear_refs", self._memory_fd, _ALL_REFERENCES)

    def reset_peak(self) -> Refusal | None:
        """Set VmHWM to what VmRSS is now (since Linux 4.0)."""
        return write_once("clear_refs", self._memory_fd, _PEAK)

    def missing_right(self, *, to_attach: bool = False) -> MissingRight | None:
        """What we lack to look at it; None where that is not known, or it is not of this machine."""
        from procmem.sources.rights import missing_right  # noqa: PLC0415  # only where something was refused

        return missing_right(self.pid, to_attach=to_attach) if self._root.path == "/proc" else None

    def memory(self) -> MemoryReader | Refusal:
        """The target's memory (needs ptrace ATTACH permission)."""
        try:
            return FdReader(os.open("mem", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._memory_fd))
        except OSError as error:
            return refusal_of(error)


def _is_mapped(device: int, inode: int, mapped: MappedFile) -> bool:
    """Whether a file is the one that is mapped.

    Devices are compared only where both have real ones: btrfs and older overlayfs show one device number in maps and
    another one in stat().
    """
    shown = f"{os.major(device):02x}:{os.minor(device):02x}"
    anonymous = shown.startswith("00:") and mapped.device.startswith("00:")
    return inode == mapped.inode and (shown == mapped.device or anonymous)


def _is_proc_mount(fd: int) -> bool:
    """Whether a folder is the root of a mounted proc file system, by mountinfo (proc_pid_mountinfo(5))."""
    device = os.fstat(fd).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}".encode()
    content = read_whole("/proc/self/mountinfo", None)
    if isinstance(content, Refusal):
        return False
    for line in content.split(b"\n"):
        fields, _, kind = line.partition(b" - ")
        words = fields.split()
        if len(words) > 2 and words[2] == wanted and kind.startswith(b"proc "):
            return True
    return False
