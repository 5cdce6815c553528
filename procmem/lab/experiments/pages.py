"""Experiments with one process's pages: first touches, rights, the stack, page tables, huge pages."""

from __future__ import annotations

from procmem.lab.children import child, file_of_pages, only_x86_64
from procmem.lab.experiment import AT, COUNT, SIZE, Experiment, SimulatedMachine, usage, warmed
from procmem.model.note import note
from procmem.model.permissions import NO_ACCESS, READ_ONLY
from procmem.model.reports.lab import Figure
from procmem.model.simulated_memory import Paging
from procmem.model.simulation import PAGE
from procmem.model.vma_names import KernelName
from procmem.simulate.arch.mmu import translate
from procmem.simulate.kernel.events import Protect
from procmem.simulate.kernel.memory_events import Access, Advice, Advise, Do, ReadFile

__all__ = ["EXPERIMENTS"]

_DONTNEED, _FREE = 4, 8
"""MADV_DONTNEED and MADV_FREE (include/uapi/asm-generic/mman-common.h)."""
_POPULATE = 0x8000
_KERNEL = 0xFFFF_8880_0000_0000
"""The direct map of x86-64 (Documentation/arch/x86/x86_64/mm.rst)."""


def _demand_paging() -> list[Figure]:
    machine = SimulatedMachine().map()
    with child() as subject:
        warmed(subject)
        before = usage(subject.pid)
        subject.do("map", AT, SIZE)
        asked = usage(subject.pid)
        virt = machine.cost().virt - SimulatedMachine().cost().virt
        figures = [
            Figure(note("virt-after-mmap"), virt, asked.virt - before.virt, "bytes"),
            Figure(note("rss-after-mmap"), machine.cost().rss, asked.rss - before.rss, "bytes"),
        ]
        half = SIZE // 2
        predicted, _ = machine.faults(half, write=True)
        minor, _major = subject.do("write", AT, half)
        touched = usage(subject.pid)
        figures += [
            Figure(note("faults-half"), predicted, minor, "faults"),
            Figure(note("rss-then"), machine.cost().rss, touched.rss - before.rss, "bytes"),
            Figure(note("virt-then"), virt, touched.virt - before.virt, "bytes"),
        ]
        again, _ = machine.faults(half, write=True)
        figures.append(Figure(note("faults-again"), again, subject.do("write", AT, half)[0], "faults"))
    return figures


def _zero_page() -> list[Figure]:
    machine = SimulatedMachine().map()
    figures = []
    with child() as subject:
        warmed(subject)
        subject.do("map", AT, SIZE)
        for verb, write in (("read", False), ("write", True)):
            predicted, _ = machine.faults(write=write)
            minor, _major = subject.do(verb, AT, SIZE)
            rss = usage(subject.pid, AT, AT + SIZE).rss
            figures.append(Figure(note("faults", how=note(verb)), predicted, minor, "faults"))
            figures.append(Figure(note("rss-after", what=note(verb)), machine.cost().rss, rss, "bytes"))
    return figures


def _fault_around() -> list[Figure]:
    figures = []
    with file_of_pages(COUNT) as path, child() as subject:
        warmed(subject)
        for name, at in (("aligned", AT), ("9-pages-off", AT + 9 * PAGE)):
            machine = SimulatedMachine().then(ReadFile(b"/file", COUNT)).map(at=at, name=b"/file", perms=READ_ONLY)
            subject.do("map", at, SIZE, "file", path, 1)
            predicted, _ = machine.faults(at=at, write=False)
            minor, _major = subject.do("read", at, SIZE)
            figures.append(Figure(note("faults", how=note(name)), predicted, minor, "faults"))
            rss = usage(subject.pid, at, at + SIZE).rss
            figures.append(Figure(note("rss", how=note(name)), machine.cost().rss, rss, "bytes"))
            subject.do("unmap", at, SIZE)
    return figures


def _rights() -> list[Figure]:
    only_x86_64()
    hole, plain, shut = AT, AT + (1 << 20), AT + (2 << 20)
    machine = SimulatedMachine().map(PAGE, at=plain).map(PAGE, at=shut)
    machine.then(Access(1, plain, PAGE, True), Access(1, shut, PAGE, True))
    machine.then(Do(1, Protect(plain, PAGE, READ_ONLY)), Do(1, Protect(shut, PAGE, NO_ACCESS)))
    with child() as subject:
        for at in (plain, shut):
            subject.do("map", at, PAGE)
            subject.do("write", at, PAGE)
        subject.do("protect", plain, PAGE, 1)
        subject.do("protect", shut, PAGE, 0)
        figures = []
        for name, access, at in (
            ("read-unmapped", "read", hole),
            ("write-unmapped", "write", hole),
            ("write-read-only", "write", plain),
            ("read-prot-none", "read", shut),
        ):
            machine.then(Access(1, at, 1, access == "write"))
            told = subject.do("fault", access, at)
            figures.append(
                Figure(note("error-code", of=note(name)), machine.memory.error_code, told and told["code"], "code")
            )
        told = subject.do("fault", "fetch", plain)
        data = SimulatedMachine(paging=Paging.PAE).map(PAGE).then(Access(1, AT, PAGE, True))
        fault = translate(data.memory, 1, AT, access="fetch")[0].fault
        figures.append(
            Figure(note("error-code", of=note("fetch-from-data")), fault and fault.code, told and told["code"], "code")
        )
    return figures


def _kernel_address() -> list[Figure]:
    """The simulated side is the MMU's: a present page without the user bit."""
    only_x86_64()
    machine = SimulatedMachine(paging=Paging.PAE, ram=1 << 30)
    predicted = translate(machine.memory, 1, 0xC100_0000)[0].fault
    with child() as subject:
        told = subject.do("fault", "read", _KERNEL)
        refused = subject.do("kernel_reads", _KERNEL)
    return [
        Figure(note("error-code", of=note("read")), predicted and predicted.code, told and told["code"], "code"),
        Figure(note("signal"), 11, told and told["signal"], "SIGSEGV"),
        Figure(note("write-call"), 14, refused, "EFAULT"),
    ]


def _end_of_stack(pid: int) -> int:
    table = usage(pid, 0, 1 << 47).mappings
    return table.end[table.rows_labelled(KernelName.STACK)[-1]]


def _stack() -> list[Figure]:
    only_x86_64()
    limit = 1 << 20
    with child() as subject:
        subject.do("stack_limit", limit)
        end = _end_of_stack(subject.pid)
        lowest = end - limit
        predicted = SimulatedMachine()
        layout = predicted.memory.processes[1].space.layout._replace(stack_limit=limit)
        process = predicted.memory.processes[1]
        memory = predicted.memory._replace(processes={1: process._replace(space=process.space._replace(layout=layout))})
        predicted.memory = memory
        top = 0xC000_0000
        figures = []
        for name, distance in (("at-limit", limit), ("beyond-limit", limit + 1)):
            predicted.then(Access(1, top - distance, 1, True))
            told = subject.do("fault", "write", end - distance)
            figures.append(Figure(note("segv", where=note(name)), predicted.stopped, told is not None, "yes or no"))
        subject.do("write", lowest, 1)
        grown = usage(subject.pid, lowest, end)
        figures.append(Figure(note("stack-size"), limit, grown.virt, "bytes"))
        # the guard gap, with a mapping put in its way
        gap, wall = 256 * PAGE, lowest - (4 << 20)
        subject.do("stack_limit", 64 << 20)
        subject.do("map", wall, PAGE)
        predicted = SimulatedMachine().map(PAGE, at=top - (end - wall))
        for name, distance in (("guard-gap", gap), ("one-page-nearer", gap - PAGE)):
            predicted.then(Access(1, top - (end - wall) + PAGE + distance, 1, True))
            told = subject.do("fault", "write", wall + PAGE + distance)
            figures.append(Figure(note("segv", where=note(name)), predicted.stopped, told is not None, "yes or no"))
    return figures


def _populate() -> list[Figure]:
    machine = SimulatedMachine().map().then(Advise(1, AT, SIZE, Advice.POPULATE))
    with child() as subject:
        warmed(subject)
        subject.do("map", AT, SIZE, "anon", "", 3, _POPULATE)
        rss = usage(subject.pid, AT, AT + SIZE).rss
        predicted = machine.cost().rss
        faults, _ = machine.faults(write=True)
        minor, _major = subject.do("write", AT, SIZE)
    return [
        Figure(note("rss-after-mmap"), predicted, rss, "bytes"),
        Figure(note("faults", how=note("write")), faults, minor, "faults"),
    ]


def _giving_back() -> list[Figure]:
    figures = []
    with child() as subject:
        warmed(subject)
        for name, number, advice in (("DONTNEED", _DONTNEED, Advice.DONTNEED), ("FREE", _FREE, Advice.FREE)):
            machine = SimulatedMachine().map()
            machine.faults(write=True)
            machine.then(Advise(1, AT, SIZE, advice))
            subject.do("map", AT, SIZE)
            subject.do("write", AT, SIZE)
            subject.do("advise", AT, SIZE, number)
            seen = usage(subject.pid, AT, AT + SIZE)
            figures.append(Figure(note("rss-after", what=name), machine.cost().rss, seen.rss, "bytes"))
            faults, _ = machine.faults(write=True)
            minor, _major = subject.do("write", AT, SIZE)
            figures.append(Figure(note("faults-after", advice=name), faults, minor, "faults"))
            subject.do("unmap", AT, SIZE)
    return figures


EXPERIMENTS = (
    Experiment("demand-paging", "M2", _demand_paging),
    Experiment("zero-page", "M2", _zero_page),
    Experiment("fault-around", "M2", _fault_around),
    Experiment("populate", "M2", _populate),
    Experiment("giving-back", "M2", _giving_back),
    Experiment("rights", "M3", _rights),
    Experiment("kernel-address", "M11", _kernel_address),
    Experiment("stack-growth", "M16", _stack),
)
"""In the order of the theory's rows."""
