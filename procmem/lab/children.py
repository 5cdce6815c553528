"""The laboratory's children: processes that are told what to do to their memory, and are gone at the end.

Each leads a session of its own, so that it ends with all that it has started; and each asks the kernel to be ended with
us, however we end (``parent_death``).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

from procmem.lab.journal import current
from procmem.lab.scratch import scratch_folder
from procmem.lab.undo import start_of
from procmem.model.reports.lab import Skipped
from procmem.sources.signals import interruptible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Child", "child", "file_of_pages", "forked", "only_x86_64", "output_of"]

_HERE = os.path.dirname(os.path.abspath(__file__))
_GROUP_ENDS_SECONDS = 5.0
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Child:
    """A process that does as it is told; ``pid`` is where to look."""

    def __init__(self, pid: int, orders: Any, answers: Any) -> None:
        self.pid = pid
        self._orders = orders
        self._answers = answers

    def do(self, verb: str, *words: Any) -> Any:
        """Have one thing done, and give its answer.

        Raises:
            Skipped: the kernel refused it.
            EOFError: the child has ended, or was killed.
        """
        answer = _answer(self._orders, self._answers, [verb, *words])
        if "error" in answer:
            raise Skipped("refused", what=answer["error"])
        return answer["value"]


def _answer(orders: Any, answers: Any, order: object) -> Any:
    """What is answered to one order; a signal may end the wait.

    Raises:
        EOFError: who was asked has ended, or was killed.
    """
    with interruptible():
        try:
            orders.write(json.dumps(order).encode() + b"\n")
            orders.flush()
        except BrokenPipeError as error:
            raise EOFError from error
        line = answers.readline()
    if not line:
        raise EOFError
    return json.loads(line)


@contextlib.contextmanager
def child(*, thp: bool = False, env: dict[str, str] | None = None) -> Iterator[Child]:
    """A fresh child, which is gone at the end.

    Raises:
        Skipped: no Python can be started (as another user who may not read it), or pages are not of 4 KiB.
    """
    if _PAGE != 4096:
        raise Skipped("page-size", size=_PAGE)
    with _program("child.py", *(["thp"] if thp else []), env={**os.environ, **(env or {})}) as process:
        yield Child(process.pid, process.stdin, process.stdout)


@contextlib.contextmanager
def _program(name: str, *words: str, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A program of this folder, run by itself; at the end its whole group is killed, and gone.

    Raises:
        Skipped: no Python can be started.
    """
    command = [sys.executable, "-I", "-S", os.path.join(_HERE, name), str(os.getpid()), *words]
    journal, entry = current(), None
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, start_new_session=True
        )
    except OSError as error:
        raise Skipped("no-python", program=sys.executable, reason=error.strerror) from error
    try:
        if journal is not None and (start := start_of(process.pid)) is not None:
            entry = journal.begin("child", pid=process.pid, start=start)
        yield process
    finally:
        _end_group(process.pid)
        process.wait()
        _wait_for_group(process.pid)
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                assert stream is not None
                stream.close()
        if journal is not None and entry is not None:
            journal.end(entry)


def _end_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _wait_for_group(pid: int) -> None:
    """Wait until all that it had started has ended too: as long as any lives, no other group gets its number."""
    end = time.monotonic() + _GROUP_ENDS_SECONDS
    with contextlib.suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < end:
            os.killpg(pid, 0)
            time.sleep(0.01)


def output_of(
    words: Sequence[str], *, cwd: str, env: Mapping[str, str], seconds: float
) -> tuple[int | None, bytes, bytes]:
    """Run any program under a guard that ends it with us: its status and outputs.

    The status is None where it took too long, or where it could not be started: then the last is the reason.

    Raises:
        Skipped: no Python can be started.
        EOFError: the guard was killed.
    """
    with _program("guard.py", env=os.environ) as process:
        order = {"words": list(words), "cwd": cwd, "env": dict(env), "seconds": seconds}
        assert process.stdin is not None
        assert process.stdout is not None
        answer = _answer(process.stdin, process.stdout, order)
        return answer["status"], answer["out"].encode(), answer["err"].encode()


@contextlib.contextmanager
def forked(parent: Child) -> Iterator[Child]:
    """A fork of a child, to be told what to do by itself."""
    with scratch_folder() as folder:
        names = [os.path.join(folder, name) for name in ("orders", "answers")]
        for name in names:
            os.mkfifo(name)
        pid = parent.do("fork", *names)
        with contextlib.ExitStack() as stack:
            with interruptible():  # until the fork opens them too
                orders = stack.enter_context(open(names[0], "wb"))
                answers = stack.enter_context(open(names[1], "rb"))
            yield Child(pid, orders, answers)
            with contextlib.suppress(OSError):
                orders.close()
        parent.do("wait", pid)


@contextlib.contextmanager
def file_of_pages(pages: int) -> Iterator[str]:
    """A file whose pages lie in the page cache one by one: large folios would map more at a time."""
    with scratch_folder() as folder:
        path = os.path.join(folder, "file")
        with open(path, "wb", buffering=0) as file:
            for number in range(pages):
                file.write(bytes([number % 199 + 1]) * _PAGE)
            os.fsync(file)  # a page that is just being written out is locked, and no fault maps it along
        yield path


def only_x86_64() -> None:
    """Refuse where the figures of an experiment would be others.

    Raises:
        Skipped: another machine.
    """
    if os.uname().machine != "x86_64":
        raise Skipped("not-x86-64", machine=os.uname().machine)
