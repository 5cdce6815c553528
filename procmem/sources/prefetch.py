"""A file of /proc that is being read while we do something else, and the first files of a process.

The kernel takes longer to write a large smaps than we take to parse it, and about as long as all of procmem takes to
load. So the reading begins before the loading, and goes on beside the parsing. A thread could not do it: the kernel
gives at most a page at a call, and a thread would ask for the interpreter's lock after every one of them. A child
needs no lock; it reads on another processor, into memory that both have.

This module imports next to nothing, since it is there to be early.
"""

from __future__ import annotations

import os

from procmem.sources.machine import own_pid
from procmem.sources.reading_ahead import (
    CHUNK_BYTES,
    FOLDER_FLAGS,
    OPEN_FLAGS,
    Reading,
    let_go_on,
    read_plainly,
    wait_for_end,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["PrefetchedFile", "PrefetchedProcess", "prefetch_process", "prefetched_process"]

_PLAIN_BYTES = 256_000
"""What is smaller is read before a child could be made."""
_PIECE = 256 * 1024
"""So much is given at a time: what takes it apart is quicker with many records at once, and larger buffers would be
asked of the kernel anew each time."""
_PAGE_MAX = 65_536
"""No kernel writes more than one page of seq_file text at a call, if records are smaller (seq_read_iter())."""
_MUCH_KIB = 256 * 1024
"""To walk the page tables of so much memory takes the kernel longer than us to make a child (10 ms a GiB)."""
_MANY_THREADS = 64
"""To read the files of so many takes longer than to make a child."""
_PATIENCE_MS = 500
"""A child that tells nothing for so long may have been stopped."""
_DIGITS_MAX = 20
_LINE_BYTES = 64
_SMALL_FILES = ("auxv", "stat", "status")
"""In this order: by auxv one sees that another program ran meanwhile."""


class PrefetchedFile:
    """One file, from whose making on somebody reads it: we ourselves if it is small, else a child.

    ``first`` are the bytes that were read at once, ``is_whole`` says whether there are no more, and ``errno`` is the
    number of the error that ended the reading, or zero. ``at_once`` says that it takes the kernel long to write, so
    that nothing is read before there is a child.
    """

    __slots__ = ("_fd", "_memory", "_news", "_reader", "errno", "first", "is_whole")

    def __init__(self, name: str, folder: int, *, with_child: bool = True, at_once: bool = False) -> None:
        self.first = b""
        self.errno = 0
        self.is_whole = True
        self._reader = 0
        self._fd = self._memory = self._news = -1
        try:
            self._fd = os.open(name, OPEN_FLAGS, dir_fd=folder)
            chunks: list[bytes] = []
            total = 0
            most = 0 if at_once else _PLAIN_BYTES
            while total < most and (chunk := os.read(self._fd, CHUNK_BYTES)):
                total += len(chunk)
                chunks.append(chunk)
            self.first = b"".join(chunks)
        except OSError as error:
            self.errno = error.errno or 1
            self._close()
            return
        self.is_whole = total < most
        if self.is_whole:
            self._close()
        elif with_child and len(os.sched_getaffinity(0)) > 1:
            self._start_child()

    def pieces(self) -> Iterator[bytes]:
        """What comes behind the first bytes, piece by piece, as it is read; once.

        Raises:
            OSError: the file cannot be read any further.
        """
        try:
            if self._reader:
                yield from self._pieces_of_child()
            elif not self.is_whole:
                yield from _gathered(self._fd)
        finally:
            self._close()

    def _start_child(self) -> None:
        try:
            self._memory = os.memfd_create("procmem-reading")
            self._news, news = os.pipe2(os.O_CLOEXEC)
            self._reader = os.fork()
        except OSError:  # no memory, no more processes, no such calls: we read it ourselves
            return
        if self._reader:
            os.close(news)
            return
        try:
            _copy(self._fd, self._memory, news)
        finally:
            os._exit(1)  # whatever happened: a child never returns into the program

    def _pieces_of_child(self) -> Iterator[bytes]:
        told = given = 0
        problem = _UNTOLD
        while news := self._next_news():
            for at in range(0, len(news), 8):
                word = int.from_bytes(news[at : at + 8], "little")
                told, problem = (word, _UNTOLD) if word < _END else (told, word - _END)
            while given < told:
                piece = os.pread(self._memory, min(told - given, _PIECE), given)
                given += len(piece)
                yield piece
        if problem:
            raise OSError(problem, os.strerror(problem))

    def _next_news(self) -> bytes:
        """What the child tells next; nothing where it has ended. One that somebody has stopped goes on."""
        import select  # noqa: PLC0415  # only where there is a child

        poll = select.poll()
        poll.register(self._news, select.POLLIN)
        while not poll.poll(_PATIENCE_MS):
            try:
                let_go_on(self._reader)
            except ChildProcessError:
                break
        return os.read(self._news, CHUNK_BYTES)

    def _close(self) -> None:
        if self._reader:
            os.close(self._news)  # a child that nobody listens to ends
            self._news = -1
            try:  # noqa: SIM105  # loading contextlib takes a millisecond
                wait_for_end(self._reader)
            except ChildProcessError:
                pass  # a program that we are part of ignores SIGCHLD
            self._reader = 0
        for fd in (self._fd, self._memory, self._news):
            if fd >= 0:
                os.close(fd)
        self._fd = self._memory = self._news = -1


def _gathered(fd: int) -> Iterator[bytes]:
    """The rest of a file in large pieces, of which the kernel gives one page at a call."""
    chunks: list[bytes] = []
    total = 0
    try:
        while chunk := os.read(fd, CHUNK_BYTES):
            chunks.append(chunk)
            total += len(chunk)
            if total >= _PIECE:
                yield b"".join(chunks)
                chunks, total = [], 0
    except OSError:
        if chunks:
            yield b"".join(chunks)
        raise
    if chunks:
        yield b"".join(chunks)


_END = 1 << 62
"""A word of news is how much there is, or this plus an error number (zero: all is there)."""
_UNTOLD = 10
"""ECHILD: the child has ended, and did not say that all is there."""


def _copy(source: int, memory: int, news: int) -> None:
    """The child's work: read to the end, and tell of each piece that is in the common memory."""
    buffer = memoryview(bytearray(_PIECE + _PAGE_MAX))
    total = size = problem = 0
    more = True
    while more:
        try:
            count = os.readv(source, [buffer[size:]])
        except OSError as error:
            count, problem = 0, error.errno or 1
        more = count > 0
        size += count
        if size >= _PIECE or not more:
            at = 0
            while at < size:
                at += os.write(memory, buffer[at:size])
            total += size
            size = 0
            os.write(news, total.to_bytes(8, "little"))
    os.write(news, (_END + problem).to_bytes(8, "little"))


class PrefetchedProcess:
    """A process whose first files were read: its open folder, small files with their error numbers, and smaps.

    ``threads`` reads files of its threads, where it has many.
    """

    __slots__ = ("files", "folder", "smaps", "threads")

    def __init__(self, folder: int, thread_files: Sequence[str]) -> None:
        self.folder = folder
        self.files = {name: read_plainly(name, folder) for name in _SMALL_FILES}
        status = self.files["status"][0]
        self.smaps = PrefetchedFile("smaps", folder, at_once=_number_in(status, b"\nVmRSS:\t") >= _MUCH_KIB)
        is_worth_it = thread_files and _number_in(status, b"\nThreads:\t") >= _MANY_THREADS
        self.threads = _threads_ahead(folder, thread_files) if is_worth_it else None


def _number_in(status: bytes, mark: bytes) -> int:
    """The number of a line in ``status``, in KiB where it is a size; 0 where there is none."""
    _, _, behind = status.partition(mark)
    digits, *_ = behind[:_LINE_BYTES].split(None, 1) or (b"",)
    return int(digits) if digits.isdigit() and len(digits) <= _DIGITS_MAX else 0


def _threads_ahead(folder: int, files: Sequence[str]) -> Reading | None:
    """Have files of all threads of a process read by a child; None where nobody can."""
    if len(os.sched_getaffinity(0)) < 2:
        return None
    reading = None
    try:
        reading = Reading("task", files, below=folder)
        reading.add_child()
    except OSError:  # no memory, no more processes, no such calls: we read them ourselves
        if reading is not None:
            reading.drop()
        return None
    return reading


_begun: dict[int, PrefetchedProcess] = {}


def prefetch_process(pid: int, thread_files: Sequence[str] = ()) -> None:
    """Begin to read a process of this machine, and files of each thread; who opens it later finds what was read.

    One that is not there is met by who opens it.
    """
    try:
        folder = os.open(f"/proc/{pid}", FOLDER_FLAGS)
    except OSError:
        return
    if pid not in _begun and pid != own_pid():  # a child of ours would share what we count as our own
        _begun[pid] = PrefetchedProcess(folder, thread_files)
    else:
        os.close(folder)


def prefetched_process(pid: int) -> PrefetchedProcess | None:
    """What is being read of a process already, for who takes it over."""
    return _begun.pop(pid, None)
