"""Files that may never answer, opened and read by a child that can be left behind.

A file system in user space (FUSE) or on a server (NFS) can keep whoever asks it waiting for ever, and beyond SIGKILL
(fs/fuse/dev.c, request_wait_answer(), waits without an end for a request that was taken). Who
waits must not be we: a child of ours asks, and is given up when its time is over.

What needs only /proc, or file systems of the kernel's own, stands in ``files``. This module imports next to nothing.
"""

from __future__ import annotations

import _thread
import errno
import marshal
import os
import select
import stat
import time
from collections.abc import Callable

from procmem.errors import BadInput, OutOfResources
from procmem.model.raw import Refusal
from procmem.sources.files import NoAnswer, opened_regular, read_whole, refusal_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    Answer = TypeVar("Answer")

__all__ = ["HelpedFile", "call_apart", "need_answer", "open_apart"]

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_PATIENCE_SECONDS = 5.0
"""For one answer."""
_PATIENCE_IN_ALL = 10.0
"""For all of a command; whatever comes later gets :data:`_LEAST_PATIENCE`."""
_LEAST_PATIENCE = 0.05
_GIVEN_UP_MAX = 16
"""So many children may be left behind; then nothing that could be stuck is asked any more."""
_READ_AHEAD = 16_384
_TRIES_TO_REAP = 20
_SIGKILL = 9  # loading the module signal takes a millisecond
_ANSWER_MAX = 1 << 30
_PIECE = 1 << 20


_MAY_BE_STUCK = (
    *(b" - fuse ", b" - fuseblk ", b" - fuse.", b" - nfs", b" - cifs ", b" - smb", b" - 9p ", b" - ceph ", b" - afs "),
    *(b" - autofs ", b" - overlay "),
)
"""Words of mountinfo for file systems that others answer for, or below which such may lie."""


_Opened = tuple[int, tuple[int, int, int], bytes]
"""The number of an open file, its device, inode and size, and its first bytes."""


class HelpedFile:
    """A regular file that a child has open: a :class:`~procmem.model.ports.ByteReader`."""

    def __init__(self, helper: _Helper, path: str, key: str, answer: _Opened) -> None:
        self._helper = helper
        self._path = path
        self._key = key
        self._number, self.found, self._head = answer

    def read_at(self, offset: int, length: int) -> bytes:
        """Read at an offset; nothing where the file has nothing, or will not say.

        Raises:
            NoAnswer: its file system does not answer.
        """
        end = min(offset + length, self.found[2])
        if end <= len(self._head):
            return self._head[offset:end]
        try:
            answer = self._helper.ask(self._key, "read", self._number, offset, length)
        except NoAnswer:  # it may be another file that the child was stuck with
            again = open_apart(self._path, self._key)
            if not isinstance(again, HelpedFile) or again.found != self.found:
                raise
            self._helper, self._number = again._helper, again._number
            again._number = 0
            answer = self._helper.ask(self._key, "read", self._number, offset, length)
        assert isinstance(answer, (bytes, int))
        return answer if isinstance(answer, bytes) else b""

    @property
    def identity(self) -> tuple[int, int]:
        """Its device and inode."""
        return self.found[:2]

    def __del__(self) -> None:
        if getattr(self, "_number", 0):  # a signal may have come before it had one
            self._helper.forget(self._number)


class _Helper:
    """A child that answers one question after the other; after one without an answer it is killed and left alone."""

    def __init__(self) -> None:
        self._questions, self._answers, self.pid = _child(_serve)
        self.owner = os.getpid()  # a fork of ours must not ask our child
        self._lock = _thread.allocate_lock()
        self._closed: list[int] = []
        self.is_lost = False

    def ask(self, key: str, *question: Any) -> Any:
        """Ask; the numbers of files that nobody has any more go along.

        Raises:
            NoAnswer: none came in time, or none comes any more.
        """
        with self._lock:
            if self.is_lost or key in _Children.stuck:
                raise NoAnswer
            closed, self._closed = self._closed, []
            try:
                _send(self._questions, (closed, *question))
                return _receive(self._answers)
            except (OSError, EOFError) as error:
                self._give_up()
                raise NoAnswer from error
            except NoAnswer:
                _Children.stuck.add(key)
                self._give_up()
                raise

    def forget(self, number: int) -> None:
        """Note that a file is not needed any more."""
        self._closed.append(number)

    def _give_up(self) -> None:
        self.is_lost = True
        _Children.given_up += 1
        _leave(self.pid, self._questions, self._answers)


class _Children:
    """What this process has of helpers."""

    helper: _Helper | None = None
    given_up = 0
    waited = 0.0
    stuck: set[str] = set()  # noqa: RUF012  # one for all
    lock = _thread.allocate_lock()


def _helper() -> _Helper:
    with _Children.lock:
        if _Children.helper is None or _Children.helper.is_lost or _Children.helper.owner != os.getpid():
            if _Children.given_up >= _GIVEN_UP_MAX:
                raise NoAnswer
            _Children.helper = _Helper()
        return _Children.helper


def open_apart(path: str, key: str) -> HelpedFile | Refusal:
    """Have a regular file opened: a reader, or why there is none.

    ``key`` names what does not answer (a device), so that it is asked once and not for every file on it.
    """
    try:
        helper = _helper()
        answer = helper.ask(key, "open", path, _READ_AHEAD)
    except NoAnswer:
        return Refusal.STUCK
    if isinstance(answer, tuple):
        return HelpedFile(helper, path, key, answer)
    assert isinstance(answer, int)
    return refusal_of(OSError(answer, "")) if answer else Refusal.FAILED


def call_apart(work: Callable[[], Answer]) -> Answer:
    """Have a whole piece of work done by a child of its own; what it gives or raises is what comes back.

    Raises:
        NoAnswer: it takes longer than all of a command may wait.
    """
    import pickle  # noqa: PLC0415  # seldom; from our own child

    def serve(questions: int, answers: int) -> None:
        del questions
        try:
            outcome: tuple[bool, Any] = (True, work())
        except Exception as error:  # it is raised again where the answer arrives
            outcome = (False, error)
        _send(answers, pickle.dumps(outcome))

    if _Children.given_up >= _GIVEN_UP_MAX:
        raise NoAnswer
    questions, answers, pid = _child(serve)
    try:
        data = _receive(answers, patience=_PATIENCE_IN_ALL)
    except (NoAnswer, OSError, EOFError) as error:
        _Children.given_up += 1
        raise NoAnswer from error
    finally:
        _leave(pid, questions, answers)  # it has answered, or never will
    succeeded, value = pickle.loads(data)  # noqa: S301  # from our own child
    if not succeeded:
        raise value
    answer: Answer = value
    return answer


def need_answer(path: str) -> None:
    """Make sure that whoever answers for a path that a user named does, before it is opened.

    Where nothing is mounted that could keep one waiting, that costs nothing.

    Raises:
        BadInput: nobody does.
    """
    mounts = read_whole("/proc/self/mountinfo", None)
    if isinstance(mounts, bytes) and not any(kind in mounts for kind in _MAY_BE_STUCK):
        return
    try:
        call_apart(lambda: _touch(path))
    except NoAnswer as error:
        raise BadInput("no-answer", path=path) from error


def _touch(path: str) -> None:
    """Ask of a path what opening it will ask; errors are met again by who opens it."""
    try:
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            os.listdir(path)
        elif stat.S_ISREG(found.st_mode) and found.st_size:  # files of the kernel have none, and may be streams
            fd = os.open(path, _FLAGS)
            os.pread(fd, 1, 0)
    except (OSError, ValueError):
        return


def _child(serve: Callable[[int, int], None]) -> tuple[int, int, int]:
    """Fork a child that serves; the ends of its pipes for us, and its pid.

    Raises:
        OutOfResources: no child can be made: rather than wait for ever, nothing is asked.
    """
    ends: list[int] = []
    try:
        ends += os.pipe2(os.O_CLOEXEC)
        ends += os.pipe2(os.O_CLOEXEC)
        pid = os.fork()
    except OSError as error:
        for fd in ends:
            os.close(fd)
        refusal_of(error)
        raise OutOfResources("no-child") from error
    read_questions, write_questions, read_answers, write_answers = ends
    if pid:
        os.close(read_questions)
        os.close(write_answers)
        return write_questions, read_answers, pid
    try:  # the child: it holds nothing open that somebody might wait for
        _close_all_but(read_questions, write_answers)
        serve(read_questions, write_answers)
    finally:
        os._exit(0)


def _close_all_but(*kept: int) -> None:
    at = 0
    for fd in sorted(kept):
        if fd > at:  # closerange(0, 0) closes everything: to CPython its end is the descriptor before, and -1 is none
            os.closerange(at, fd)
        at = fd + 1
    os.closerange(at, os.sysconf("SC_OPEN_MAX"))


def _leave(pid: int, *fds: int) -> None:
    """Kill a child, and wait but a moment: one that is stuck in the kernel dies when it may."""
    for fd in fds:
        os.close(fd)
    try:
        os.kill(pid, _SIGKILL)
        for _ in range(_TRIES_TO_REAP):
            if os.waitpid(pid, os.WNOHANG)[0]:
                return
            time.sleep(0.001)
    except OSError:
        pass  # it has ended by itself


def _send(fd: int, value: Any) -> None:
    data = marshal.dumps(value)
    data = len(data).to_bytes(8, "little") + data
    while data:
        data = data[os.write(fd, data) :]


class _Clock:
    """Waiting for a pipe, within the time that is left."""

    def __init__(self, fd: int, patience: float) -> None:
        self._fd = fd
        self._began = time.monotonic()
        self._until = self._began + max(min(patience, _PATIENCE_IN_ALL - _Children.waited), _LEAST_PATIENCE)
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def read(self, most: int) -> bytes:
        """What there is, once there is something; nothing at the end.

        Raises:
            NoAnswer: the time is over.
        """
        if not self._poll.poll(max(self._until - time.monotonic(), 0) * 1000):
            _Children.waited += time.monotonic() - self._began
            raise NoAnswer
        return os.read(self._fd, min(most, _PIECE))


def _receive(fd: int, *, patience: float | None = None) -> Any:
    """One value, within the time that is left.

    Raises:
        NoAnswer: it did not come.
        EOFError: it comes no more.
    """
    clock = _Clock(fd, _PATIENCE_SECONDS if patience is None else patience)

    def some(length: int) -> bytes:
        data = b""
        while len(data) < length:
            piece = clock.read(length - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    length = int.from_bytes(some(8), "little")
    return marshal.loads(some(min(length, _ANSWER_MAX)))  # noqa: S302  # from our own child


def _serve(questions: int, answers: int) -> None:
    """The child's work: answer until nobody asks any more."""
    files: dict[int, int] = {}
    while True:
        head = os.read(questions, 8)
        if len(head) < 8:
            return
        length = int.from_bytes(head, "little")
        data = b""
        while len(data) < length:
            data += os.read(questions, length - len(data))
        closed, verb, *words = marshal.loads(data)  # noqa: S302  # from our own parent
        for number in closed:
            os.close(files.pop(number))
        try:
            answer: object = _VERBS[verb](files, *words)
        except OSError as error:
            answer = error.errno or errno.EIO
        _send(answers, answer)


def _open(files: dict[int, int], path: str, ahead: int) -> object:
    fd = opened_regular(path)
    if isinstance(fd, Refusal):
        return 0
    found = os.fstat(fd)
    number = len(files) + 1
    while number in files:
        number += 1
    files[number] = fd
    return number, (found.st_dev, found.st_ino, found.st_size), os.pread(fd, ahead, 0)


def _read(files: dict[int, int], number: int, offset: int, length: int) -> bytes:
    return os.pread(files[number], length, offset) if offset < 1 << 63 else b""


_VERBS: dict[str, Callable[..., object]] = {"open": _open, "read": _read}
