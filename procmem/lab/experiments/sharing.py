"""Experiments with memory that several processes have: fork, shared memory, libraries, files; and with malloc."""

from __future__ import annotations

import glob
import os
import shutil

from procmem.lab.children import child, file_of_pages, forked
from procmem.lab.experiment import AT, COUNT, SIZE, Experiment, SimulatedMachine, Usage, usage, warmed
from procmem.model.note import note
from procmem.model.permissions import PRIVATE_CODE, READ_EXECUTE
from procmem.model.proc_keys import SmapsKey
from procmem.model.reports.lab import Figure, Skipped
from procmem.model.simulated_memory import MemorySettings, Paging
from procmem.model.simulation import PAGE, Settings, Stage
from procmem.model.vma_names import KernelName, object_path
from procmem.simulate.kernel.memory import cost
from procmem.simulate.kernel.memory_events import Access, Begin, End, ForkAs, ReadFile
from procmem.simulate.programs import textbook
from procmem.simulate.programs.predict import start
from procmem.simulate.script.run import Moment, parse_script, run_script

__all__ = ["EXPERIMENTS"]


def _seen(pid: int) -> Usage:
    return usage(pid, AT, AT + SIZE)


def _fork() -> list[Figure]:
    machine = SimulatedMachine().map().then(Access(1, AT, SIZE, True))
    figures = []

    def compare(when: str, *pids: tuple[str, int, int]) -> None:
        for who, mine, theirs in pids:
            figures.append(
                Figure(
                    note("pss-when", who=note(who), when=note(when)), machine.cost(mine).pss, _seen(theirs).pss, "bytes"
                )
            )

    with child() as subject:
        warmed(subject)
        subject.do("map", AT, SIZE)
        subject.do("write", AT, SIZE)
        compare("before", ("parent", 1, subject.pid))
        with forked(subject) as other:
            warmed(other, fresh=False)
            warmed(subject, fresh=False)
            machine.then(ForkAs(1, 2))
            both = ("parent", 1, subject.pid), ("child", 2, other.pid)
            compare("forked", *both)
            predicted, _ = machine.faults(300 * PAGE, write=True, pid=2)
            minor, _major = other.do("write", AT, 300 * PAGE)
            # the interpreter may write a page or two of its own for the first time here
            figures.append(Figure(note("faults-child"), predicted, minor, "faults", slack=2))
            compare("child-wrote-300", *both)
            machine.faults(100 * PAGE, at=AT + 300 * PAGE, write=True)
            subject.do("write", AT + 300 * PAGE, 100 * PAGE)
            compare("parent-wrote-100", *both)
            figures.append(Figure(note("rss-child"), machine.cost(2).rss, _seen(other.pid).rss, "bytes"))
        machine.then(End(2))
        compare("child-gone", ("parent", 1, subject.pid))
        predicted, _ = machine.faults(write=True)
        minor, _major = subject.do("write", AT, SIZE)
        figures.append(Figure(note("faults-parent"), predicted, minor, "faults", slack=2))
        figures.append(Figure(note("rss-no-copies"), machine.cost().rss, _seen(subject.pid).rss, "bytes"))
    return figures


def _shared_memory() -> list[Figure]:
    figures = []
    with child() as subject:
        warmed(subject)
        for kind, name in (
            ("sysv", object_path(KernelName.SYSV, b"00000000")),
            ("posix", object_path(KernelName.POSIX, b"lab")),
            ("memfd", object_path(KernelName.MEMFD, b"lab")),
            ("shared", b""),
        ):
            machine = SimulatedMachine().map(name=name, shared=True).then(Access(1, AT, SIZE, True))
            path = (
                os.fsdecode(object_path(KernelName.POSIX, b"procmem-lab-%d" % subject.pid)) if kind == "posix" else ""
            )
            subject.do("map", AT, SIZE, kind, path)
            subject.do("write", AT, SIZE)
            with forked(subject) as other:
                machine.then(ForkAs(1, 2), Access(2, AT, SIZE))
                other.do("read", AT, SIZE)
                word = "anonymous" if kind == "shared" else kind
                for who, mine, theirs in (("first", 1, subject.pid), ("second", 2, other.pid)):
                    seen = _seen(theirs)
                    figures.append(
                        Figure(note("rss-of", of=note(word), who=note(who)), machine.cost(mine).rss, seen.rss, "bytes")
                    )
                    figures.append(
                        Figure(note("pss-of", of=note(word), who=note(who)), machine.cost(mine).pss, seen.pss, "bytes")
                    )
            subject.do("unmap", AT, SIZE)
    return figures


def _library_text(pid: int, path: str) -> tuple[int, int, int, int]:
    """Start, size, RSS and PSS of a library's text."""
    seen = usage(pid, 0, 1 << 47)
    table = seen.mappings
    rss, pss = table.column(SmapsKey.RSS), table.column(SmapsKey.PSS)
    for at, name in enumerate(table.name):
        if name == path.encode() and table.perms[at] == PRIVATE_CODE and rss and pss:
            return table.start[at], table.end[at] - table.start[at], rss[at] or 0, pss[at] or 0
    raise Skipped("no-library-text")


def _library() -> list[Figure]:
    found = sorted(glob.glob("/lib/*/libm.so.6") + glob.glob("/usr/lib*/libm.so.6"))
    if not found:
        raise Skipped("no-libm")
    figures = []
    with file_of_pages(1) as path, child() as first, child() as second:
        # a copy, since everybody else has the original
        copy = os.path.join(os.path.dirname(path), "liblab.so")
        shutil.copyfile(os.path.realpath(found[0]), copy)
        first.do("load", copy)
        place, size, _rss, _pss = _library_text(first.pid, copy)
        machine = SimulatedMachine().then(ReadFile(b"/lib", size // PAGE)).map(size, name=b"/lib", perms=READ_EXECUTE)
        machine.then(Access(1, AT, size))
        first.do("scan", place, size)
        _, _, rss, pss = _library_text(first.pid, copy)
        figures.append(Figure(note("text-rss"), machine.cost().rss, rss, "bytes"))
        figures.append(Figure(note("text-pss"), machine.cost().pss, pss, "bytes"))
        machine.then(Begin(2, machine.memory.processes[1].space), Access(2, AT, size))
        second.do("load", copy)
        place, _, _, _ = _library_text(second.pid, copy)
        second.do("scan", place, size)
        for who, mine, theirs in (("first", 1, first.pid), ("second", 2, second.pid)):
            _, _, rss, pss = _library_text(theirs, copy)
            figures.append(Figure(note("then-rss", who=note(who)), machine.cost(mine).rss, rss, "bytes"))
            # the kernel rounds each half page down to kB
            figures.append(Figure(note("then-pss", who=note(who)), machine.cost(mine).pss, pss, "bytes", slack=1024))
    return figures


def _file_writes() -> list[Figure]:
    figures = []
    with file_of_pages(COUNT) as path, child() as subject:
        warmed(subject)
        for kind, shared in (("file", False), ("shared-file", True)):
            machine = SimulatedMachine().then(ReadFile(b"/file", COUNT)).map(name=b"/file", shared=shared)
            subject.do("map", AT, SIZE, kind, path)
            predicted, _ = machine.faults(write=True)
            minor, _major = subject.do("write", AT, SIZE)
            word = "shared" if shared else "private"
            seen = _seen(subject.pid)
            with open(path, "rb") as file:
                changed = file.read(PAGE * 2)[PAGE:] == b"\1" * PAGE
            # the file system may map a folio of several pages at a shared write
            figures.append(Figure(note("faults-of", of=note(word)), predicted, minor, "faults"))
            figures.append(
                Figure(note("anonymous-of", of=note(word)), machine.cost().rss_anon, seen.anonymous, "bytes")
            )
            figures.append(Figure(note("rss-of-it", of=note(word)), machine.cost().rss, seen.rss, "bytes"))
            figures.append(Figure(note("file-changed", of=note(word)), shared, changed, "yes or no"))
            subject.do("unmap", AT, SIZE)
    return figures


def _simulated(text: str) -> list[Moment]:
    running = start(textbook.files(), Settings(exec_path=textbook.EXEC_PATH), Stage.MAIN)
    machine = MemorySettings(ram=1 << 30, paging=Paging.COMPAT)
    return list(run_script(running, parse_script(text), cpus=2, memory=machine))


_BLOCKS, _BLOCK = 64, 64 << 10
_HEAP_SLACK = 256 << 10
"""The interpreter's heap has holes of its own, which take or give that much."""


def _malloc() -> list[Figure]:
    large = 400 << 10
    moments = _simulated(f"malloc small 8\nmalloc a {large}\nfree a\nmalloc a {large}\n")
    virt = [moment.space.virtual_size for moment in moments]
    again_in_heap = len(moments[3].space.vmas) == len(moments[0].space.vmas)
    with child() as subject:
        warmed(subject)
        seen = [usage(subject.pid, 0, 1 << 47)]
        for verb, words in (("malloc", (1, large)), ("free", (0, 1)), ("malloc", (1, large))):
            place = subject.do(verb, *words)
            seen.append(usage(subject.pid, 0, 1 << 47))
        table = seen[-1].mappings
        heap = table.rows_labelled(KernelName.HEAP)
        in_heap = any(table.start[row] <= place[0] < table.end[row] for row in heap)
    figures = [
        Figure(note("malloc-virt"), virt[1] - virt[0], seen[1].virt - seen[0].virt, "bytes"),
        Figure(note("free-virt"), virt[2] - virt[1], seen[2].virt - seen[1].virt, "bytes"),
        Figure(note("malloc-again"), again_in_heap, in_heap, "yes or no"),
    ]
    return figures + _freed()


def _freed() -> list[Figure]:
    lines = ["malloc small 8"]
    lines += [f"malloc b{n} {_BLOCK}\ntouch b{n} 0 {_BLOCK}" for n in range(_BLOCKS)]
    lines += [f"free b{n}" for n in range(_BLOCKS)]
    rss = [cost(moment.memory, 1).rss for moment in _simulated("\n".join(lines)) if moment.memory is not None]
    with child() as subject:
        warmed(subject)
        subject.do("malloc", 1, 8)
        before = usage(subject.pid, 0, 1 << 47).rss
        subject.do("malloc", _BLOCKS, _BLOCK)
        got = usage(subject.pid, 0, 1 << 47).rss
        subject.do("free", 0, _BLOCKS - 1)
        stays = usage(subject.pid, 0, 1 << 47).rss
        subject.do("free", _BLOCKS - 1, _BLOCKS)
        trimmed = usage(subject.pid, 0, 1 << 47).rss
    return [
        Figure(note("blocks-written"), rss[2 * _BLOCKS] - rss[0], got - before, "bytes", _HEAP_SLACK),
        Figure(note("blocks-freed"), rss[-2] - rss[0], stays - before, "bytes", _HEAP_SLACK),
        Figure(note("last-freed"), rss[-1] - rss[0], trimmed - before, "bytes", _HEAP_SLACK),
    ]


EXPERIMENTS = (
    Experiment("shared-library", "M4", _library),
    Experiment("private-shared-file", "M4", _file_writes),
    Experiment("fork", "M5", _fork),
    Experiment("shared-memory", "M5", _shared_memory),
    Experiment("malloc", "M15", _malloc),
)
"""In the order of the theory's rows."""
