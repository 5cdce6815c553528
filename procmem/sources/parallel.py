"""Doing one thing with every process, by a few threads that take from one queue.

Reading different processes goes in parallel: the kernel works while the interpreter's lock is free. One process is
read by one thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import Source

__all__ = ["with_every_pid"]

_THREADS_MAX = 8


class _NoMore:
    """Behind the last pid; None is the pid of a text that does not say whose it is."""


_LAST = _NoMore()


def with_every_pid(source: Source, pids: Iterable[int | None], work: Callable[[int | None], None]) -> None:
    """Call ``work`` with every pid; it may be called by several threads at a time, each pid once.

    The first error that it raises ends the work, and is raised here.
    """
    import threading  # noqa: PLC0415  # after what the children read was waited for

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
    for _ in range(_helpers(source)):
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
