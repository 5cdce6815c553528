"""The laboratory: each experiment makes a situation in a child, and lays the simulator's figures beside the kernel's.

The kernel's side is read by the parsers of ``inspect`` and by getrusage in the child; the simulator's side knows
nothing of it. The children are 64-bit, but their mappings lie at addresses of 32 bits, so that both sides mean the
same ones.
"""

from __future__ import annotations

from collections.abc import Callable

from procmem.errors import ProcmemError
from procmem.lab.children import Child
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.permissions import PRIVATE_DATA, READ_WRITE
from procmem.model.proc_keys import SmapsKey
from procmem.model.reports.lab import Figure, Skipped
from procmem.model.simulated_memory import AccessOutcome, MemorySettings, Paging, ProcessCost, SimMemory
from procmem.model.simulation import PAGE, Settings, SimSpace, SimVma, VmBit
from procmem.parse.status import parse_status
from procmem.queries.read import take
from procmem.simulate.arch.layout import layout_for
from procmem.simulate.kernel.events import Map
from procmem.simulate.kernel.memory import cost, run
from procmem.simulate.kernel.memory_events import Access, Begin, Do, MemoryEvent
from procmem.sources.live import ProcSource

__all__ = [
    "AT",
    "COUNT",
    "SIZE",
    "Experiment",
    "SimulatedMachine",
    "Usage",
    "usage",
    "warmed",
]

AT = 0x8000_0000
"""Where experiments map: the middle of 32 bits, free in a 64-bit program, and aligned to every window."""
COUNT = 1000
SIZE = COUNT * PAGE


class Experiment(NamedTuple):
    """One experiment: ``run`` gives its figures, or raises Skipped; ``root`` says that it needs root.

    ``machine`` says that it changes the whole machine, and so runs under the lock.
    ``row`` is the topic of the theory that it belongs to; title and sentences stand in ``procmem.text.lab``.
    """

    name: str
    row: str
    run: Callable[[], list[Figure]]
    root: bool = False
    machine: bool = False


class SimulatedMachine:
    """The simulated machine of one experiment, with one process that has nothing but a stack."""

    def __init__(self, **knobs: object) -> None:
        knobs.setdefault("paging", Paging.COMPAT)
        layout = layout_for(Settings(), read_implies_exec=False)
        stack = SimVma(0xBFFDF000, 0xC0000000, PRIVATE_DATA, 0, b"", VmBit.GROWSDOWN | VmBit.ACCOUNT, anon=1)
        space = SimSpace(layout, (stack,), start_brk=0x8050000, brk=0x8050000)
        self.memory: SimMemory = run(SimMemory(MemorySettings(**knobs)), [Begin(1, space)])  # type: ignore[arg-type]

    def map(
        self, size: int = SIZE, *, at: int = AT, name: bytes = b"", perms: str = READ_WRITE, shared: bool = False
    ) -> SimulatedMachine:
        """Map memory at a place."""
        flags = VmBit.SHARED if shared else 0
        return self.then(Do(1, Map(size, perms, at, fixed=True, name=name, flags=flags)))

    def then(self, *events: MemoryEvent) -> SimulatedMachine:
        """Let something happen."""
        self.memory = run(self.memory, events)
        return self

    def faults(self, size: int = SIZE, *, at: int = AT, write: bool, pid: int = 1) -> tuple[int, int]:
        """Touch each page of a range: minor and major faults."""
        before = self.cost(pid)
        self.then(Access(pid, at, size, write))
        after = self.cost(pid)
        return after.minor - before.minor, after.major - before.major

    def cost(self, pid: int = 1) -> ProcessCost:
        """What a process costs now."""
        return cost(self.memory, pid)

    @property
    def stopped(self) -> bool:
        """Whether the last event ended in SIGSEGV."""
        return self.memory.outcome is AccessOutcome.SIGSEGV


class Usage(NamedTuple):
    """What smaps says of a range, and status of the whole process; bytes."""

    virt: int
    rss: int
    pss: int
    swap: int
    anonymous: int
    status: dict[str, int]
    fields: dict[str, str]
    mappings: Mappings


def usage(pid: int, start: int = AT, end: int = 1 << 32) -> Usage:
    """Read a process, and sum the mappings between two addresses.

    Raises:
        Skipped: it may not be read.
    """
    try:
        with ProcSource().open(pid) as target:
            raw, mappings = take(target, ("smaps",), thread_files=(), keys=None)
    except ProcmemError as error:
        raise Skipped("error", error=error) from error
    status = raw.files["status"]
    if mappings is None or not isinstance(status, bytes):
        raise Skipped("no-smaps")
    inside = [at for at, low in enumerate(mappings.start) if start <= low < end]

    def total(key: str) -> int:
        column = mappings.column(key) or []
        return sum(column[at] or 0 for at in inside if column)

    parsed = parse_status(status)
    return Usage(
        sum(mappings.end[at] - mappings.start[at] for at in inside),
        total(SmapsKey.RSS),
        total(SmapsKey.PSS),
        total(SmapsKey.SWAP),
        total(SmapsKey.ANONYMOUS),
        dict(parsed.sizes),
        dict(parsed.fields),
        mappings,
    )


FAR = AT - (16 << 20)
"""Where rehearsals are made."""


def warmed(subject: Child, pages: int = 2, *, fresh: bool = True) -> None:
    """Have the same done elsewhere first, so that what the interpreter needs for it is in memory, and its own."""
    if fresh:
        subject.do("map", FAR, pages * PAGE)
    for verb in ("write", "read"):
        subject.do(verb, FAR, pages * PAGE)
