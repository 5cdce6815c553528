"""Doing one thing with every process, by a few threads, or by children, that take from queues.

Reading different processes goes in parallel: the kernel works while the interpreter's lock is free. One process is
read by one thread. Where the reading is the lesser part, threads would wait for that lock, and children do not.
"""

from __future__ import annotations

import marshal
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from typing import Any

    from procmem.model.ports import Source

__all__ = ["cpu_seconds", "with_children", "with_every_pid"]

_THREADS_MAX = 8
_CHILDREN_MAX = 7
_WORTH_A_CHILD = 8
"""So many processes take longer than making a child."""
_TOKENS_MAX = 1024
_LENGTH_BYTES = 4
_PIPE_BYTES = 65_536
_SIGKILL = 9  # loading the module signal takes a millisecond


class _NoMore:
    """Behind the last pid; None is the pid of a text that does not say whose it is."""


_LAST = _NoMore()


def with_every_pid(source: Source, pids: Iterable[int | None], work: Callable[[int | None], None]) -> None:
    """Call ``work`` with every pid; it may be called by several threads at a time, each pid once.

    The first error that it raises ends the work, and is raised here.
    """
    count = _helpers(source)
    if not count:
        for pid in pids:
            work(pid)
        return
    import threading  # noqa: PLC0415  # only where there are several

    shared = iter(pids)
    lock = threading.Lock()
    errors: list[Exception] = []

    def take() -> None:
        while not errors:
            with lock:
                pid = next(shared, _LAST)
            if isinstance(pid, _NoMore):
                return
            try:
                work(pid)
            except Exception as error:  # a thread has nobody to raise it to
                errors.append(error)

    helpers = []
    for _ in range(count):
        helper = threading.Thread(target=take, daemon=True)
        try:
            helper.start()
        except RuntimeError:  # no more threads, or no memory for one: those that there are do all of it
            break
        helpers.append(helper)
    take()
    for helper in helpers:
        helper.join()
    if errors:
        raise errors[0]


def _helpers(source: Source) -> int:
    """As many as there are processors besides our own; a recording, or what was read already, is read by one."""
    if getattr(source, "read_by_one", False):
        return 0
    return min(len(os.sched_getaffinity(0)), _THREADS_MAX) - 1 if source.is_live else 0


def cpu_seconds() -> float:
    """The time of processors that we have taken so far, for us in the kernel too, with children that have ended."""
    return sum(os.times()[:4])


def with_children(count: int, work: Callable[[int], Any], *, alone: bool = False) -> Generator[tuple[int, Any]]:
    """Call ``work`` with every number below ``count``, here and in children; each number with its result, in any order.

    Results are what marshal can write. What a child did not answer, since it failed or was killed, is done here, where
    an error is raised as by any call. ``alone`` makes no children. Each begins with numbers of its own that follow one
    another, and helps the others then: processes with neighbouring pids are often alike, and who has seen one is quick
    with the next.
    """
    import contextlib  # noqa: PLC0415  # only for long work

    helpers = 0 if alone else min(len(os.sched_getaffinity(0)) - 1, _CHILDREN_MAX, count // _WORTH_A_CHILD)
    left = set(range(count))
    with contextlib.ExitStack() as stack:
        children = []
        # all tokens together fit into the page that a pipe holds at least, also where a user has too many (pipe(7))
        step = -(-count // _TOKENS_MAX) or 1
        queues: list[int] = []
        with contextlib.suppress(OSError):  # no more files, processes or memory: those that there are do all of it
            firsts = range(0, count, step)
            share = -(-len(firsts) // (helpers + 1)) or 1
            for at in range(0, len(firsts), share) if helpers > 0 else ():
                queues.append(_queue(firsts[at : at + share]))
                stack.callback(os.close, queues[-1])
            for at in range(1, len(queues)):
                children.append(_Helping([*queues[at:], *queues[:at]], step, count, work))
                stack.callback(children[-1].end)
        for number in _taken_from(queues, step, count) if children else ():
            answer = work(number)
            left.discard(number)
            yield number, answer
            for child in children:
                yield from _taken(left, child.answers(wait=False))
        for child in children:
            yield from _taken(left, child.answers(wait=True))
    for number in sorted(left):
        yield number, work(number)


def _queue(numbers: Iterable[int]) -> int:
    """A pipe that holds these numbers, and has no other end."""
    queue, end = os.pipe2(os.O_CLOEXEC)
    try:
        os.write(end, b"".join(number.to_bytes(_LENGTH_BYTES, "little") for number in numbers))
    finally:
        os.close(end)
    return queue


def _taken_from(queues: Iterable[int], step: int, count: int) -> Iterator[int]:
    """Take from one queue after the other what nobody else has taken."""
    for queue in queues:
        while token := os.read(queue, _LENGTH_BYTES):
            yield from _numbers(token, step, count)


def _numbers(token: bytes, step: int, count: int) -> range:
    first = int.from_bytes(token, "little")
    return range(first, min(first + step, count))


def _taken(left: set[int], answers: Iterable[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    for number, answer in answers:
        left.discard(number)
        yield number, answer


class _Helping:
    """One that takes numbers from queues, and writes answers to a pipe."""

    __slots__ = ("_answers", "_data", "_open", "_pid")

    def __init__(self, queues: Sequence[int], step: int, count: int, work: Callable[[int], Any]) -> None:
        self._answers, answers = os.pipe2(os.O_CLOEXEC)
        self._data = b""
        self._open = True
        parent = os.getpid()
        try:
            self._pid = os.fork()
        except OSError:
            os.close(self._answers)
            os.close(answers)
            raise
        if self._pid:
            os.close(answers)
            return
        try:
            os.close(self._answers)
            for number in _taken_from(queues, step, count):
                answer = marshal.dumps((number, work(number)))
                _write(answers, len(answer).to_bytes(_LENGTH_BYTES, "little") + answer)
                if os.getppid() != parent:
                    break
        finally:
            os._exit(0)  # whatever happened: a child never returns into the program, and who asked does the rest

    def answers(self, *, wait: bool) -> Iterator[tuple[int, Any]]:
        """What it has answered by now; with ``wait``, until it has done all."""
        import select  # noqa: PLC0415  # only where there are children

        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        while self._open and (wait or poll.poll(0)):
            piece = os.read(self._answers, _PIPE_BYTES)
            self._open = bool(piece)
            self._data += piece
            at = 0
            while len(self._data) >= at + _LENGTH_BYTES:
                size = int.from_bytes(self._data[at : at + _LENGTH_BYTES], "little")
                if len(self._data) < at + _LENGTH_BYTES + size:
                    break
                answer = self._data[at + _LENGTH_BYTES : at + _LENGTH_BYTES + size]
                yield marshal.loads(answer)  # noqa: S302  # from our own child
                at += _LENGTH_BYTES + size
            self._data = self._data[at:]

    def end(self) -> None:
        """Have it gone; where all was answered it is going anyhow."""
        import contextlib  # noqa: PLC0415  # the same

        os.close(self._answers)
        if self._open:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, _SIGKILL)
        with contextlib.suppress(ChildProcessError):  # a program that we are part of ignores SIGCHLD
            os.waitpid(self._pid, 0)


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
