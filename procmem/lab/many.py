"""A thousand of each: processes, threads, coroutines; made by the laboratory's child, and left for others to look at.

Times are wall-clock seconds, memory is bytes. What is asked with ``leave`` ends what was made.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator

from parent_death import end_with  # type: ignore[import-not-found]  # beside this file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["many"]

_LIVING: list[Any] = []
_STOP = threading.Event()


def many(kind: str, count: int) -> Any:
    """Make ``count`` of a kind (processes, threads, generators, tasks, greenlets), or measure ``switches``."""
    return _KINDS[kind](count)


def _resident() -> int:
    """Resident memory of this process in bytes (statm; exact since Linux 6.12)."""
    with open("/proc/self/statm", encoding="utf-8") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _processes(count: int) -> dict[str, Any]:
    began = time.perf_counter()
    pids = []
    parent = os.getpid()
    for _number in range(count):
        pid = os.fork()
        if pid == 0:
            end_with(parent)
            while True:
                signal.pause()
        pids.append(pid)
    seconds = time.perf_counter() - began
    _LIVING.extend(pids)
    return {"pids": pids, "seconds": seconds}


def _threads(count: int) -> dict[str, Any]:
    before = _resident()
    began = time.perf_counter()
    threads = [threading.Thread(target=_STOP.wait, daemon=True) for _number in range(count)]
    for thread in threads:
        thread.start()
    seconds = time.perf_counter() - began
    _LIVING.extend(threads)
    return {"seconds": seconds, "resident": _resident() - before}


def _measured(make: Callable[[], list[Any]]) -> dict[str, Any]:
    gc.disable()
    before = _resident()
    began = time.perf_counter()
    made = make()
    seconds = time.perf_counter() - began
    _LIVING.append(made)
    return {"seconds": seconds, "resident": _resident() - before}


def _counting() -> Generator[int, None, None]:
    number = 0
    while True:
        yield number
        number += 1


def _generators(count: int) -> dict[str, Any]:
    def make() -> list[Any]:
        made = [_counting() for _number in range(count)]
        for one in made:
            next(one)
        return made

    return _measured(make)


def _tasks(count: int) -> dict[str, Any]:
    async def wait(gate: asyncio.Event) -> None:
        await gate.wait()

    async def everything() -> dict[str, Any]:
        gate = asyncio.Event()
        before = _resident()
        began = time.perf_counter()
        tasks = [asyncio.create_task(wait(gate)) for _number in range(count)]
        await asyncio.sleep(0)
        told = {"seconds": time.perf_counter() - began, "resident": _resident() - before}
        gate.set()
        await asyncio.gather(*tasks)
        return told

    return asyncio.run(everything())


def _greenlets(count: int) -> dict[str, Any] | None:
    try:
        greenlet: Any = importlib.import_module("greenlet")
    except ImportError:
        return None

    def make() -> list[Any]:
        hub = greenlet.getcurrent()
        made = [greenlet.greenlet(hub.switch) for _number in range(count)]
        for one in made:
            one.switch()
        return made

    return _measured(make)


def _switches(count: int) -> dict[str, float]:
    """Seconds for one switch: thread to thread through the kernel on one CPU, and into a generator and back."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    there, here = os.pipe(), os.pipe()

    seen: list[tuple[int, int]] = []

    def answer() -> None:
        for _number in range(count):
            os.read(there[0], 1)
            os.write(here[1], b"x")
        seen.append(_own_switches())

    other = threading.Thread(target=answer)
    before = _own_switches()
    other.start()
    began = time.perf_counter()
    for _number in range(count):
        os.write(there[1], b"x")
        os.read(here[0], 1)
    threads = (time.perf_counter() - began) / (2 * count)
    other.join()
    seen.append(_own_switches())
    voluntary = sum(one[0] for one in seen) - before[0]
    forced = sum(one[1] for one in seen) - before[1]
    coroutine = _counting()
    began = time.perf_counter()
    for _number in range(count):
        next(coroutine)
    generator = (time.perf_counter() - began) / (2 * count)
    return {"thread": threads, "coroutine": generator, "voluntary": voluntary, "seen": voluntary + forced}


def _own_switches() -> tuple[int, int]:
    """Voluntary and other switches of this thread (``task/TID/status``)."""
    with open(f"/proc/self/task/{threading.get_native_id()}/status", encoding="utf-8", errors="replace") as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["voluntary_ctxt_switches"]), int(fields["nonvoluntary_ctxt_switches"])


def _leave(count: int) -> int:
    """End what was made."""
    del count
    _STOP.set()
    for one in _LIVING:
        if isinstance(one, int):
            os.kill(one, signal.SIGKILL)
            os.waitpid(one, 0)
        elif isinstance(one, threading.Thread):
            one.join()
    _LIVING.clear()
    sys.stdout.flush()
    return 0


_KINDS: dict[str, Callable[[int], Any]] = {
    "processes": _processes,
    "threads": _threads,
    "generators": _generators,
    "tasks": _tasks,
    "greenlets": _greenlets,
    "switches": _switches,
    "leave": _leave,
}
