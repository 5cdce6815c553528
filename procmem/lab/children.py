"""The laboratory's children: processes that are told what to do to their memory, and are gone at the end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from procmem.model.reports.lab import Skipped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Child", "child", "file_of_pages", "forked", "only_x86_64"]

_CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child.py")
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
        try:
            self._orders.write(json.dumps([verb, *words]).encode() + b"\n")
            self._orders.flush()
        except BrokenPipeError as error:
            raise EOFError from error
        line = self._answers.readline()
        if not line:
            raise EOFError
        answer = json.loads(line)
        if "error" in answer:
            raise Skipped("refused", what=answer["error"])
        return answer["value"]


@contextlib.contextmanager
def child(*, thp: bool = False, env: dict[str, str] | None = None) -> Iterator[Child]:
    """A fresh child, which is gone at the end.

    Raises:
        Skipped: no Python can be started (as another user who may not read it), or pages are not of 4 KiB.
    """
    if _PAGE != 4096:
        raise Skipped("page-size", size=_PAGE)
    command = [sys.executable, "-I", "-S", _CHILD, *(["thp"] if thp else [])]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    except OSError as error:
        raise Skipped("no-python", program=sys.executable, reason=error.strerror) from error
    try:
        yield Child(process.pid, process.stdin, process.stdout)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                assert stream is not None
                stream.close()


@contextlib.contextmanager
def forked(parent: Child) -> Iterator[Child]:
    """A fork of a child, to be told what to do by itself."""
    with tempfile.TemporaryDirectory(prefix="procmem-lab-") as folder:
        names = [os.path.join(folder, name) for name in ("orders", "answers")]
        for name in names:
            os.mkfifo(name)
        pid = parent.do("fork", *names)
        with open(names[0], "wb") as orders, open(names[1], "rb") as answers:
            yield Child(pid, orders, answers)
            with contextlib.suppress(OSError):
                orders.close()
        parent.do("wait", pid)


@contextlib.contextmanager
def file_of_pages(pages: int) -> Iterator[str]:
    """A file whose pages lie in the page cache one by one: large folios would map more at a time."""
    with tempfile.TemporaryDirectory(prefix="procmem-lab-") as folder:
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
