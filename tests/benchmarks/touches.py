"""How many page touches a second the simulated memory does, and how that grows with what is in memory.

Run it by hand: ``.venv/bin/python tests/benchmarks/touches.py``. Ratios of lines of one run hold; the figures are this
machine's.
"""

import time

from procmem.model.simulated_memory import MemorySettings, SimMemory
from procmem.model.simulation import PAGE, Settings, SimSpace
from procmem.simulate.arch.i386_layout import layout_for
from procmem.simulate.kernel.events import Map
from procmem.simulate.kernel.memory import cost, run
from procmem.simulate.kernel.memory_events import Access, Begin, Do

AT = 0x10000000


def begun(pages: int, ram_pages: int) -> SimMemory:
    """A machine with one process that has mapped so many pages."""
    layout = layout_for(Settings(), read_implies_exec=False)
    space = SimSpace(layout, (), start_brk=0x8050000, brk=0x8050000)
    machine = SimMemory(MemorySettings(ram=ram_pages * PAGE, swap=4 * pages * PAGE))
    return run(machine, [Begin(1, space), Do(1, Map(pages * PAGE, "rw-", AT, fixed=True))])


def rate(memory: SimMemory, pages: int, rounds: int) -> tuple[SimMemory, int]:
    """Write all pages so often; touches a second."""
    began = time.perf_counter()
    memory = run(memory, [Access(1, AT, pages * PAGE, True)] * rounds)
    return memory, int(pages * rounds / (time.perf_counter() - began))


def main() -> None:
    """Print a table: pages, first touches, touches of what is there, touches with twice as much as there is RAM."""
    print(f"{'pages':>8} {'first/s':>10} {'again/s':>10} {'thrash/s':>10} {'major':>9}")  # noqa: T201
    for pages in (1000, 10_000, 100_000, 500_000):
        memory, first = rate(begun(pages, 2 * pages + 1000), pages, 1)
        memory, again = rate(memory, pages, max(1_000_000 // pages, 1))
        small, thrash = rate(begun(pages, pages // 2 + 50), pages, 2)
        print(f"{pages:>8} {first:>10} {again:>10} {thrash:>10} {cost(small, 1).major:>9}")  # noqa: T201


if __name__ == "__main__":
    main()
