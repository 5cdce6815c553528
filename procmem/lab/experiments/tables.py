"""Experiments with page tables, frames and huge pages."""

from __future__ import annotations

from procmem.lab.children import child, forked, only_x86_64
from procmem.lab.experiment import AT, COUNT, SIZE, Experiment, SimulatedMachine, usage, warmed
from procmem.lab.machine_state import huge_pages
from procmem.model.note import note
from procmem.model.proc_keys import StatusKey
from procmem.model.reports.lab import Figure, Skipped
from procmem.model.simulation import PAGE
from procmem.queries.translate import real_translation
from procmem.simulate.arch.page_entries import frame_of
from procmem.simulate.kernel.events import Unmap
from procmem.simulate.kernel.memory_events import Access, Do, ForkAs
from procmem.sources.live import ProcSource

__all__ = ["EXPERIMENTS"]

_HUGETLB = 0x40000
_HUGE = 2 << 20


def _page_tables() -> list[Figure]:
    only_x86_64()
    regions = 64
    size = regions * _HUGE
    machine = SimulatedMachine().map(size + _HUGE).then(Access(1, AT, 1, True))
    predicted = machine.cost().page_tables
    machine.then(*[Access(1, AT + _HUGE * number, 1, True) for number in range(1, regions + 1)])
    with child() as subject:
        warmed(subject)
        subject.do("map", AT, size + _HUGE)
        subject.do("write", AT, 1)
        before = usage(subject.pid).status[StatusKey.VM_PTE]
        minor, _major = subject.do("touch_each", AT + _HUGE, _HUGE, regions)
        after = usage(subject.pid)
        figures = [
            Figure(note("faults-each"), regions, minor, "faults"),
            Figure(
                note("tables-grew"),
                machine.cost().page_tables - predicted,
                after.status[StatusKey.VM_PTE] - before,
                "bytes",
            ),
        ]
        machine.then(Do(1, Unmap(AT + _HUGE, size)))
        subject.do("unmap", AT + _HUGE, size)
        left = machine.cost().page_tables - predicted
        figures.append(Figure(note("tables-left"), left, usage(subject.pid).status[StatusKey.VM_PTE] - before, "bytes"))
    return figures


def _thp() -> list[Figure]:
    only_x86_64()
    try:
        with open("/sys/kernel/mm/transparent_hugepage/enabled", encoding="utf-8") as file:
            setting = file.read()
    except OSError as error:
        raise Skipped("no-thp", reason=error.strerror) from error
    if "[never]" in setting:
        raise Skipped("thp-never")
    at = AT + 300 * PAGE
    machine = SimulatedMachine(thp=True).map(at=at)
    with child(thp=True) as subject:
        warmed(subject)
        subject.do("map", at, SIZE)
        subject.do("advise", at, SIZE, 14)  # MADV_HUGEPAGE
        predicted, _ = machine.faults(at=at, write=True)
        minor, _major = subject.do("write", at, SIZE)
        seen = usage(subject.pid, at, at + SIZE)
        if minor == COUNT:
            raise Skipped("no-huge-piece")
    return [
        Figure(note("faults", how=note("write")), predicted, minor, "faults"),
        Figure(note("rss-alone"), machine.cost().rss, seen.rss, "bytes"),
    ]


def _hugetlb() -> list[Figure]:
    only_x86_64()
    with huge_pages(2), child() as subject:
        warmed(subject)
        subject.do("map", AT, 2 * _HUGE, "anon", "", 3, _HUGETLB)
        minor, _major = subject.do("write", AT, 2 * _HUGE)
        seen = usage(subject.pid, AT, AT + 2 * _HUGE)
    return [
        Figure(note("faults-4-mib"), 2, minor, "faults"),
        Figure(note("rss-alone"), 0, seen.rss, "bytes"),
        Figure(note("hugetlb-pages"), 2 * _HUGE, seen.status.get(StatusKey.HUGETLB_PAGES), "bytes"),
    ]


def _frames() -> list[Figure]:
    """One page of a process and of its fork, followed to its frame."""
    machine = SimulatedMachine().map(PAGE).then(Access(1, AT, 1, True))
    figures = []

    def simulated(pid: int) -> tuple[int, int]:
        frame = frame_of(machine.memory.processes[pid].entries[AT // PAGE])
        return frame, len(machine.memory.maps[frame])

    def compare(when: str, pid: int, first: int) -> None:
        mine, real = simulated(2), _real_page(pid)
        figures.append(Figure(note("mapped", when=note(when)), mine[1], real[1], "times"))
        same = mine[0] == simulated(1)[0], real[0] == first
        figures.append(Figure(note("same-frame", when=note(when)), *same, "yes or no"))

    with child() as subject:
        warmed(subject)
        subject.do("map", AT, PAGE)
        subject.do("write", AT, 1)
        first, count, flags = _real_page(subject.pid)
        figures.append(Figure(note("mapped", when=note("alone")), simulated(1)[1], count, "times"))
        figures.append(Figure(note("flag-anon"), True, "ANON" in flags, "yes or no"))
        with forked(subject) as other:
            machine.then(ForkAs(1, 2))
            compare("forked", other.pid, first)
            machine.then(Access(2, AT, 1, True))
            other.do("write", AT, 1)
            compare("child-wrote", other.pid, first)
    return figures


def _real_page(pid: int) -> tuple[int, int, tuple[str, ...]]:
    """Frame, count and flags of the page at AT (pagemap, kpagecount, kpageflags).

    Raises:
        Skipped: the kernel does not show frames.
    """
    with ProcSource().open(pid) as target:
        one = real_translation(target, AT)
    if one.frame is None or one.maps is None or one.flags is None:
        raise Skipped("no-frames", reasons=one.reasons)
    return one.frame, one.maps, one.flags


EXPERIMENTS = (
    Experiment("page-tables", "M18", _page_tables),
    Experiment("frames", "M19", _frames, root=True),
    Experiment("huge-pages", "M19", _thp),
    Experiment("hugetlb", "M19", _hugetlb, root=True, machine=True),
)
"""In the order of the theory's rows."""
