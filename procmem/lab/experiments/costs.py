"""Experiments with what memory costs and who pays: promises, swap in time and by culprit, mapping against reading."""

from __future__ import annotations

import mmap
import os
import time
from contextlib import ExitStack

from procmem.lab.children import child, file_of_pages
from procmem.lab.experiment import AT, COUNT, SIZE, Experiment, SimulatedMachine, usage, warmed
from procmem.lab.machine_state import memory_group, swap_file
from procmem.lab.runtimes import java_objects
from procmem.model.note import note
from procmem.model.permissions import READ_ONLY
from procmem.model.proc_keys import MeminfoKey, StatusKey
from procmem.model.reports.lab import Figure, Skipped
from procmem.model.simulation import PAGE
from procmem.parse.status import parse_stat, parse_status
from procmem.parse.system import parse_meminfo, parse_number
from procmem.simulate.kernel.memory_events import ReadFile
from procmem.sources.files import read_whole

__all__ = ["EXPERIMENTS"]

_MIB = 1 << 20
_PAGEOUT = 21
_NORESERVE = 0x4000
_YES = "yes or no"


def _overcommit() -> list[Figure]:
    """What the mode that is set now does; to set another one would change the whole machine's promises."""
    mode, total = _mode(), _memory_and_swap()
    too_much, little = total + (1 << 30), 64 * _MIB
    with child() as subject:
        subject.do("try_map", PAGE, 0)
        before = usage(subject.pid, 0, 1 << 47).status[StatusKey.VM_RSS]
        figures = [
            Figure(note("granted", what=note(name), mode=mode), granted, not subject.do("try_map", size, flags), _YES)
            for name, granted, size, flags in (
                ("64-mib", True, little, 0),
                ("more", mode == 1, too_much, 0),
                ("more-unreserved", mode != 2, too_much, _NORESERVE),
            )
        ]
        after = usage(subject.pid, 0, 1 << 47).status[StatusKey.VM_RSS]
    return [*figures, Figure(note("rss-grew"), 0, after - before, "bytes", slack=16 * PAGE)]


def _mode() -> int:
    content = read_whole("/proc/sys/vm/overcommit_memory", None)
    mode = parse_number(content) if isinstance(content, bytes) else None
    if mode is None:
        raise Skipped("no-overcommit-mode")
    return mode


def _memory_and_swap() -> int:
    content = read_whole("/proc/meminfo", None)
    found = parse_meminfo(content) if isinstance(content, bytes) else {}
    ram, swap = found.get(MeminfoKey.TOTAL), found.get(MeminfoKey.SWAP_TOTAL)
    if ram is None or swap is None:
        raise Skipped("no-overcommit-mode")
    return ram + swap


def _swap_time() -> list[Figure]:
    with memory_group() as group, child() as subject:
        group.add(subject.pid)
        warmed(subject)
        subject.do("map", AT, SIZE)
        subject.do("write", AT, SIZE)
        in_memory = min(subject.do("time_read", AT, SIZE) for _round in range(5)) / COUNT
        with swap_file(64 * _MIB):
            subject.do("advise", AT, SIZE, _PAGEOUT)
            out = usage(subject.pid, AT, AT + SIZE).swap
            group.reclaim()  # what is still in the swap cache would come back without the disk
            from_disk = subject.do("time_read", AT, SIZE) / COUNT
    return [
        Figure(note("swap-out"), SIZE, out, "bytes"),
        Figure(note("touch-in-memory"), None, in_memory, "seconds", relation="measured"),
        Figure(note("touch-from-swap"), None, from_disk, "seconds", relation="measured"),
        Figure(note("swap-ratio"), 5, round(from_disk / in_memory, 1), "times", relation=">="),
    ]


_LIMIT = 24 * _MIB


def _swap_blame() -> list[Figure]:
    """Who is in swap where one process is too large, and where all are of one size but too many."""
    figures = []
    with swap_file(96 * _MIB):
        for name, sizes in (("one-grown", (40, 1, 1, 1)), ("all-alike", (12, 12, 12, 12))):
            with ExitStack() as stack:
                group = stack.enter_context(memory_group())
                subjects = [stack.enter_context(child()) for _size in sizes]
                for subject, size in zip(subjects, sizes, strict=True):
                    warmed(subject)
                    group.add(subject.pid)
                    subject.do("map", AT, size * _MIB)
                group.limit(_LIMIT)
                for subject, size in zip(subjects, sizes, strict=True):
                    subject.do("write", AT, size * _MIB)
                swapped = [usage(one.pid, AT, AT + (64 << 20)).swap for one in subjects]
            total = max(sum(swapped), 1)
            share = round(100 * max(swapped) / total)
            of_one = name == "one-grown"
            figures += [
                Figure(note("swapped-in-all", when=note(name)), 8 * _MIB, sum(swapped), "bytes", relation=">="),
                Figure(
                    note("largest-share", when=note(name)),
                    80 if of_one else 70,
                    share,
                    "%",
                    relation=">=" if of_one else "<=",
                ),
            ]
    return figures


def _mapping_io() -> list[Figure]:
    with file_of_pages(COUNT) as path, child() as subject:
        calls, by_read = subject.do("read_file", path, PAGE)
        calls, by_read = subject.do("read_file", path, PAGE)
        warmed(subject)
        subject.do("map", AT, SIZE, "file", path, mmap.PROT_READ)
        machine = SimulatedMachine().then(ReadFile(b"/file", COUNT)).map(name=b"/file", perms=READ_ONLY)
        predicted, _ = machine.faults(write=False)
        began = time.perf_counter()
        faults, _ = subject.do("read", AT, SIZE)
        by_mapping = time.perf_counter() - began
        again = subject.do("time_read", AT, SIZE)
    return [
        # one call for each page, one that meets the end, and one that reads the counter itself
        Figure(note("read-calls"), COUNT + 1, calls, "calls", slack=3),
        Figure(note("mapping-faults"), predicted, faults, "faults", slack=1),
        Figure(note("time-by", of=note("read-call")), None, by_read, "seconds", relation="measured"),
        Figure(note("time-by", of=note("mapping-first")), None, by_mapping, "seconds", relation="measured"),
        Figure(note("time-by", of=note("mapping-again")), None, again, "seconds", relation="measured"),
        Figure(note("fewer-entries"), 10, round(calls / max(faults, 1), 1), "times", relation=">="),
    ]


_OBJECTS = 500_000
_LEAST_EACH = 32
"""A list of one number takes more than so much in CPython."""


def _garbage() -> list[Figure]:
    with child() as subject:
        before = usage(subject.pid, 0, 1 << 47).rss
        subject.do("objects", _OBJECTS)
        full = usage(subject.pid, 0, 1 << 47).rss
        subject.do("forget")
        after = usage(subject.pid, 0, 1 << 47).rss
    figures = [
        Figure(note("objects-take", of="Python"), _OBJECTS * _LEAST_EACH, full - before, "bytes", relation=">="),
        Figure(note("objects-left", of="Python"), full - before, after - before, "bytes", relation="<="),
    ]
    try:
        start, grown, left = java_objects()
    except Skipped:
        return figures
    return [
        *figures,
        Figure(note("objects-take", of="Java"), 100 * _MIB, grown - start, "bytes", relation=">="),
        # the collector frees them for the program; whether the kernel gets the pages back is its own choice
        Figure(note("objects-left", of="Java"), None, left - start, "bytes", relation="measured"),
    ]


def _single_process() -> list[Figure]:
    with child() as subject:
        parents = _ancestors(subject.pid)
        others = [pid for pid in map(_number, os.listdir("/proc")) if pid is not None]
        controlled = sum(1 for pid in others if _session_of(pid) == subject.pid)
        kernel = sum(1 for pid in others if _is_kernel_thread(pid))
    return [
        Figure(note("controlled"), 1, controlled, "processes"),
        Figure(note("ancestors"), 1, len(parents), "processes", relation=">="),
        Figure(note("kernel-threads"), None, kernel, "processes", relation="measured"),
        Figure(note("processes-in-all"), 2, len(others), "processes", relation=">="),
    ]


def _number(name: str) -> int | None:
    return int(name) if name.isdecimal() else None


def _ancestors(pid: int) -> list[int]:
    found: list[int] = []
    while pid and len(found) < 100:
        content = read_whole(f"/proc/{pid}/status", None)
        parent = parse_status(content).ppid if isinstance(content, bytes) and content else None
        if not parent:
            break
        found.append(parent)
        pid = parent
    return found


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


_PF_KTHREAD = 0x0020_0000


def _is_kernel_thread(pid: int) -> bool:
    content = read_whole(f"/proc/{pid}/stat", None)
    if not isinstance(content, bytes) or not content:
        return False
    return bool(parse_stat(content).flags & _PF_KTHREAD)


EXPERIMENTS = (
    Experiment("overcommit", "M2", _overcommit),
    Experiment("swap-time", "M6", _swap_time, root=True, machine=True),
    Experiment("swap-blame", "M6", _swap_blame, root=True, machine=True),
    Experiment("garbage", "M15", _garbage),
    Experiment("mapping-io", "M17", _mapping_io),
    Experiment("single-process", "M20", _single_process),
)
"""In the order of the theory's rows."""
