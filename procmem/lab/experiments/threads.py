"""Experiments with processes, threads and coroutines: what a thousand of each cost, and what a switch costs."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from procmem.lab.children import Child, child, only_x86_64
from procmem.lab.experiment import Experiment, Usage, usage
from procmem.lab.runtimes import goroutines, java_threads
from procmem.model.note import note
from procmem.model.proc_keys import MeminfoKey, StatusKey
from procmem.model.reports.lab import Figure, Skipped
from procmem.model.simulation import PAGE, Settings, Stage
from procmem.parse.system import parse_meminfo
from procmem.simulate.programs import textbook
from procmem.simulate.programs.predict import start
from procmem.simulate.script.run import parse_script, run_script
from procmem.sources.files import read_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["EXPERIMENTS"]

_MANY = 1000
_SAMPLE = 20
_KERNEL_STACK = 16 << 10
"""THREAD_SIZE of x86-64 (arch/x86/include/asm/page_64_types.h)."""
_ONE_ARENA = {"MALLOC_ARENA_MAX": "1"}
"""An arena of malloc for each thread would reserve 64 MiB more, and hide what a thread itself takes."""


def _kernel_stacks() -> int:
    """Bytes of kernel stacks of the whole machine (KernelStack in meminfo)."""
    content = read_whole("/proc/meminfo", None)
    size = parse_meminfo(content).get(MeminfoKey.KERNEL_STACK) if isinstance(content, bytes) else None
    if size is None:
        raise Skipped("no-kernel-stacks")
    return size


def _whole(pid: int) -> Usage:
    return usage(pid, 0, 1 << 47)


@contextmanager
def _many(subject: Child, kind: str, count: int) -> Iterator[Any]:
    try:
        yield subject.do("many", kind, count)
    finally:
        subject.do("many", "leave", 0)


def _room_for(count: int) -> None:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NPROC)
    if soft not in (-1, resource.RLIM_INFINITY) and soft < count + 100:
        raise Skipped("process-limit", limit=soft)


def _costs() -> list[Figure]:
    only_x86_64()
    _room_for(_MANY)
    figures = []
    with child(env=_ONE_ARENA) as subject:
        stacks = _kernel_stacks()
        with _many(subject, "processes", _MANY) as made:
            stacks = _kernel_stacks() - stacks
            seen = [_whole(pid) for pid in made["pids"][:: _MANY // _SAMPLE]]
            private = sum(one.pss for one in seen) / len(seen)
            tables = sum(one.status[StatusKey.VM_PTE] for one in seen) / len(seen)
            virt = sum(one.status[StatusKey.VM_SIZE] for one in seen) / len(seen)
            process_seconds = made["seconds"] / _MANY
    # the machine's other tasks come and go meanwhile
    slack = _KERNEL_STACK // 4
    figures += [
        Figure(note("process-kernel-stack"), _KERNEL_STACK, stacks / _MANY, "bytes", slack),
        Figure(note("process-virtual"), None, virt, "bytes", relation="measured"),
        Figure(note("process-pss"), None, private, "bytes", relation="measured"),
        Figure(note("process-tables"), None, tables, "bytes", relation="measured"),
        Figure(note("process-creation"), None, process_seconds, "seconds", relation="measured"),
    ]
    with child(env=_ONE_ARENA) as subject:
        before, stacks = _whole(subject.pid), _kernel_stacks()
        with _many(subject, "threads", _MANY) as made:
            stacks = _kernel_stacks() - stacks
            after = _whole(subject.pid)
            thread_seconds = made["seconds"] / _MANY
    thread = (after.rss - before.rss) / _MANY
    virt = (after.virt - before.virt) / _MANY
    tables = (after.status[StatusKey.VM_PTE] - before.status[StatusKey.VM_PTE]) / _MANY
    figures += [
        Figure(note("thread-kernel-stack"), _KERNEL_STACK, stacks / _MANY, "bytes", slack),
        # the interpreter keeps a little of its own for each
        Figure(note("thread-virtual"), _thread_size(), virt, "bytes", slack=64 << 10),
        Figure(note("thread-resident"), 2 * PAGE, thread, "bytes", relation=">="),
        Figure(note("thread-tables"), PAGE, tables, "bytes", slack=PAGE // 2),
        Figure(note("thread-creation"), None, thread_seconds, "seconds", relation="measured"),
    ]
    return figures + _coroutines(thread, thread_seconds)


def _thread_size() -> int:
    """What a thread adds to VIRT, by the simulator, for this process's stack limit."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_STACK)
    limit = None if soft == resource.RLIM_INFINITY else soft
    size = limit if limit is not None and limit <= 64 << 20 else 8 << 20
    if size != limit:
        raise Skipped("stack-limit")
    running = start(textbook.files(), Settings(exec_path=textbook.EXEC_PATH, stack_limit=limit), Stage.MAIN)
    virt = [m.space.virtual_size for m in run_script(running, parse_script("thread\nthread\n"), cpus=2)]
    return virt[1] - virt[0]


def _coroutines(thread: float, thread_seconds: float) -> list[Figure]:
    figures = []
    for kind, word in (("generators", "generator"), ("tasks", "asyncio task"), ("greenlets", "greenlet")):
        with child(env=_ONE_ARENA) as subject:
            subject.do("many", kind, 10)  # what is loaded once is no cost of each
            stacks = _kernel_stacks()
            with _many(subject, kind, _MANY) as made:
                stacks = _kernel_stacks() - stacks
            if made is None:
                continue
        each = made["resident"] / _MANY
        figures += [
            Figure(note("resident-of", of=word), None, each, "bytes", relation="measured"),
            Figure(note("creation-of", of=word), None, made["seconds"] / _MANY, "seconds", relation="measured"),
            Figure(note("thread-holds", of=word), 2, round(thread / max(each, 1), 1), "times", relation=">="),
            Figure(
                note("thread-takes", of=word), 1, round(thread_seconds * _MANY / made["seconds"], 1), "times", 0, ">="
            ),
        ]
    return figures


_SWITCHES = 5000


def _switches() -> list[Figure]:
    with child() as subject:
        told = subject.do("many", "switches", _SWITCHES)
    ratio = told["thread"] / told["coroutine"]
    return [
        # each of the two gives up the processor once a round: by sleeping, or because the one it woke goes first
        Figure(note("switches-seen"), 2 * _SWITCHES, told["seen"], "switches", relation=">="),
        Figure(note("switches-voluntary"), None, told["voluntary"], "switches", relation="measured"),
        Figure(note("thread-to-thread"), None, told["thread"], "seconds", relation="measured"),
        Figure(note("into-coroutine"), None, told["coroutine"], "seconds", relation="measured"),
        Figure(note("switch-costs"), 5, round(ratio, 1), "times", relation=">="),
    ]


def _goroutines() -> list[Figure]:
    stack, made, switch = goroutines()
    return [
        Figure(note("goroutine-stack"), 2 << 10, stack, "bytes", slack=512),
        Figure(note("creation"), None, made / 1e9, "seconds", relation="measured"),
        Figure(note("goroutine-to-goroutine"), None, switch / 1e9, "seconds", relation="measured"),
    ]


def _java() -> list[Figure]:
    running = start(textbook.files(), Settings(exec_path=textbook.EXEC_PATH), Stage.MAIN)
    sizes = [m.space.virtual_size for m in run_script(running, parse_script("thread 1M\nthread 1M\n"), cpus=2)]
    virtual, made = java_threads()
    return [
        # the runtime keeps a little for each thread
        Figure(note("java-virtual"), sizes[1] - sizes[0], virtual, "bytes", slack=64 << 10),
        Figure(note("creation"), None, made / 1e9, "seconds", relation="measured"),
    ]


EXPERIMENTS = (
    Experiment("thousand", "M20", _costs),
    Experiment("switches", "M20", _switches),
    Experiment("goroutines", "M20", _goroutines),
    Experiment("java-threads", "M20", _java),
)
"""In the order of the theory's rows."""
