"""How many page touches a second the simulated memory does."""

import time

from procmem.model.simulated_memory import MemorySettings, SimMemory
from procmem.model.simulation import PAGE, Settings, SimSpace
from procmem.simulate.arch.layout import layout_for
from procmem.simulate.kernel.events import Map
from procmem.simulate.kernel.memory import run
from procmem.simulate.kernel.memory_events import Access, Begin, Do

__all__ = ["again", "first"]

AT = 0x10000000
PAGES = 300_000


def _begun() -> SimMemory:
    """A machine with one process that has mapped its pages."""
    layout = layout_for(Settings(), read_implies_exec=False)
    space = SimSpace(layout, (), start_brk=0x8050000, brk=0x8050000)
    machine = SimMemory(MemorySettings(ram=(2 * PAGES + 1000) * PAGE, swap=4 * PAGES * PAGE))
    return run(machine, [Begin(1, space), Do(1, Map(PAGES * PAGE, "rw-", AT, fixed=True))])


def _rate(memory: SimMemory, rounds: int) -> tuple[SimMemory, float]:
    began = time.perf_counter()
    memory = run(memory, [Access(1, AT, PAGES * PAGE, True)] * rounds)
    return memory, PAGES * rounds / (time.perf_counter() - began) / 1e6


def first() -> float:
    """Millions of first touches a second."""
    return _rate(_begun(), 1)[1]


def again() -> float:
    """Millions of touches a second of pages that are there."""
    return _rate(_rate(_begun(), 1)[0], 5)[1]
