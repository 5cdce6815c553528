"""Experiments with the whole machine: swap, swappiness, randomised addresses."""

from __future__ import annotations

import math
import os
import stat

from procmem.analyse.crosscheck import drawn_rows, entropy_bits
from procmem.errors import BadInput
from procmem.lab.children import Child, child
from procmem.lab.experiment import AT, SIZE, Experiment, SimulatedMachine, usage, warmed
from procmem.lab.machine_state import Cgroup, memory_group, swap_file
from procmem.lab.scratch import scratch_folder
from procmem.model.note import note
from procmem.model.reports.lab import Figure, Skipped
from procmem.model.simulation import PAGE, KernelKind
from procmem.simulate.kernel.memory_events import Access, Advice, Advise, ReadFile, Settle, SwapOff
from procmem.sources.signals import interruptible

__all__ = ["EXPERIMENTS"]

_PAGEOUT = 21
_MIB = 1 << 20
_SWAP = 64 * _MIB
_RUNS = 64


def _swap() -> list[Figure]:
    with open("/proc/sys/vm/page-cluster", encoding="utf-8") as file:
        cluster = int(file.read())
    with memory_group() as group, child() as subject:
        group.add(subject.pid)
        # pages still queued on another processor, from before a migration, would be passed over
        os.sched_setaffinity(subject.pid, {min(os.sched_getaffinity(0))})
        warmed(subject)
        subject.do("map", AT, SIZE)
        machine = SimulatedMachine(page_cluster=cluster).map()
        machine.faults(write=True)
        subject.do("write", AT, SIZE)
        with swap_file(_SWAP):
            figures = _out_and_back(machine, subject, group, cluster)
            machine.then(Advise(1, AT, SIZE, Advice.PAGEOUT))
            subject.do("advise", AT, SIZE, _PAGEOUT)
        machine.then(SwapOff())
        seen = usage(subject.pid, AT, AT + SIZE)
        figures.append(Figure(note("rss-after-swapoff"), machine.cost().rss, seen.rss, "bytes"))
        figures.append(Figure(note("swap-after-swapoff"), machine.cost().swap, seen.swap, "bytes"))
    return figures


def _out_and_back(machine: SimulatedMachine, subject: Child, group: Cgroup, cluster: int) -> list[Figure]:
    figures = []
    for name, settle in (("at-once", False), ("later", True)):
        machine.then(Advise(1, AT, SIZE, Advice.PAGEOUT))
        subject.do("advise", AT, SIZE, _PAGEOUT)
        seen = usage(subject.pid, AT, AT + SIZE)
        figures.append(Figure(note("rss-paged-out", when=note(name)), machine.cost().rss, seen.rss, "bytes"))
        figures.append(Figure(note("swap-paged-out", when=note(name)), machine.cost().swap, seen.swap, "bytes"))
        if settle:
            machine.then(Settle())
            group.reclaim()
        warmed(subject, fresh=False)
        minor, major = machine.faults(write=False)
        real_minor, real_major = subject.do("read", AT, SIZE)
        # where the pages lie in swap decides whether a group of eight begins at the first of them
        slack = 0 if not settle else max(SIZE // PAGE >> cluster, 1) // 25 + 2
        figures.append(Figure(note("minor-faults", when=note(name)), minor, real_minor, "faults", slack))
        figures.append(Figure(note("major-faults", when=note(name)), major, real_major, "faults", slack))
        minor, _ = machine.faults(write=True)
        subject.do("write", AT, SIZE)
    return figures


_LIMIT, _LOAD = 16 * _MIB, 24 * _MIB


def _swappiness() -> list[Figure]:
    figures = []
    with swap_file(_SWAP):
        for swappiness in (0, 1, 60, 100, 200):
            machine = SimulatedMachine(ram=_LIMIT, swap=_SWAP, swappiness=swappiness, group=True).map(_LOAD)
            machine.then(Access(1, AT, _LOAD, True))
            killed = machine.memory.killed is not None
            with memory_group(swappiness) as group, child() as subject:
                warmed(subject)
                group.limit(_LIMIT)
                group.add(subject.pid)
                subject.do("map", AT, _LOAD)
                try:
                    subject.do("write", AT, _LOAD)
                    swap = usage(subject.pid, AT, AT + _LOAD).swap
                    really_killed = False
                except EOFError:
                    swap, really_killed = 0, True
            figures.append(Figure(note("killed", swappiness=swappiness), killed, really_killed, "yes or no"))
            if not killed:
                # what does not fit must be out; how much more, the kernel's batches decide
                least = _LOAD - _LIMIT
                assert machine.cost().swap >= least
                figures.append(Figure(note("swapped", swappiness=swappiness), least, swap, "bytes", relation=">="))
    return figures


_STREAM = 96 * _MIB


def _cold_files() -> list[Figure]:
    """With a large cache and with none allowed exact; with a small one, whether any is swapped."""
    figures = []
    with swap_file(_SWAP), scratch_folder() as folder:
        path = os.path.join(folder, "stream")
        with open(path, "wb") as file:
            for _megabyte in range(_STREAM // _MIB):
                with interruptible():
                    file.write(bytes(_MIB))
            file.flush()
            with interruptible():
                os.fsync(file.fileno())
        for swappiness in (1, 60):
            predicted, swap = _streamed(path, swappiness, 64 * _MIB, 16 * _MIB)
            # the interpreter's own pages are in the group as well
            figures.append(Figure(note("swapped-large", swappiness=swappiness), predicted, swap, "bytes", slack=_MIB))
        predicted, swap = _streamed(path, 0, 16 * _MIB, 12 * _MIB)
        figures.append(Figure(note("swapped-small"), predicted, swap, "bytes"))
        predicted, swap = _streamed(path, 60, 16 * _MIB, 12 * _MIB)
        # how much also depends on what the kernel remembers of earlier readings
        figures.append(Figure(note("any-swapped"), predicted > 0, swap > 0, "yes or no"))
    return figures


def _streamed(path: str, swappiness: int, room: int, size: int) -> tuple[int, int]:
    """What is swapped of ``size`` bytes in a group of ``room`` when a file is read past them: predicted, and really."""
    machine = SimulatedMachine(ram=room, swap=_SWAP, swappiness=swappiness, group=True).map(size)
    machine.then(Access(1, AT, size, True), ReadFile(b"/stream", _STREAM // PAGE))
    for last in (False, False, True):
        try:
            with memory_group(swappiness) as group, child() as subject:
                warmed(subject)
                group.limit(room)
                group.add(subject.pid)
                subject.do("map", AT, size)
                subject.do("write", AT, size)
                _forget(path)
                subject.do("stream", path)
                return machine.cost().swap, usage(subject.pid, AT, AT + size).swap
        except EOFError:
            # where nothing may be swapped and all of the cache is being read at this moment, nothing can be reclaimed:
            # on a busy machine the group's OOM killer then ends the child
            if last:
                raise
    raise AssertionError("the last try returns or raises")


def _forget(path: str) -> None:
    """Drop a file from the page cache, so that reading it is counted where it is done."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)


def _aslr() -> list[Figure]:
    from procmem.model.simulation import Settings  # noqa: PLC0415  # only here
    from procmem.queries.crosscheck_program import draw_bases, kernel_facts, machine_randomize  # noqa: PLC0415
    from procmem.queries.predict_program import program_files  # noqa: PLC0415
    from procmem.tracing.probe import probe_program  # noqa: PLC0415

    facts, runs_32 = kernel_facts(KernelKind.COMPAT)
    if not runs_32:
        raise Skipped("no-32-bit")
    randomize = machine_randomize()
    if not randomize:
        raise Skipped("not-randomized")
    with scratch_folder() as folder:
        path = os.path.join(folder, "probe")
        with open(path, "wb") as file:
            file.write(probe_program())
        os.chmod(path, stat.S_IRWXU)
        settings = Settings(randomize=randomize, exec_path=path.encode(), argv=(path.encode(),), facts=facts)
        try:
            with interruptible():  # what is started there is traced, and ends with us
                prediction, seen = draw_bases(program_files(path.encode(), ()), settings, _RUNS)
        except BadInput as error:
            raise Skipped("error", error=error) from error
    figures = []
    for row in drawn_rows(prediction.ranges, seen):
        name, values = row.range.base.value, row.range.values
        figures.append(Figure(note("outside", base=note(name), values=values), 0, row.outside, "runs"))
        # so many runs show no more than this; three quarters of it leave room for chance
        least = 0.75 * min(math.log2(values), math.log2(_RUNS))
        figures.append(
            Figure(
                note("entropy", base=note(name), runs=_RUNS), round(least, 1), entropy_bits(row.seen), "bits", 0, ">="
            )
        )
    return figures


EXPERIMENTS = (
    Experiment("swap", "M6", _swap, root=True, machine=True),
    Experiment("swappiness", "M7", _swappiness, root=True, machine=True),
    Experiment("cold-files", "M7", _cold_files, root=True, machine=True),
    Experiment("aslr", "M9", _aslr),
)
"""In the order of the theory's rows."""
