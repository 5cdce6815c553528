"""The simulated memory on a page: what each process costs after each step, and what the machine holds."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from procmem.model.sim import PAGE
from procmem.model.sim_memory import ProcessCost, SimMemory
from procmem.render.human import human_size, kib
from procmem.render.sheet import Column, Sheet, to_text
from procmem.render.text import printable_text

__all__ = ["MemoryMoment", "memory_json", "memory_page"]

_COLUMNS = (
    Column("pid", "count"),
    Column("VIRT", "size"),
    Column("RSS", "size"),
    Column("PSS", "size"),
    Column("swap", "size"),
    Column("minor", "count"),
    Column("major", "count"),
    Column("tables", "size"),
    Column("step", "text"),
)


class MemoryMoment(NamedTuple):
    """After one step: what it was and gave, the machine, and each process's cost."""

    text: str
    memory: SimMemory
    costs: tuple[ProcessCost, ...]


def memory_page(moments: Sequence[MemoryMoment], *, trace: bool) -> str:
    """A row for each process after each step, the machine's sums below; with ``trace`` each decision."""
    lines = ["sizes in KiB; faults are counted from main on\n"]
    if trace:
        for moment in moments:
            lines.append(f"{printable_text(moment.text)}\n")
            lines += [f"    {printable_text(note)}\n" for note in moment.memory.trace]
    rows = [_row(cost, moment.text if first else "") for moment in moments for first, cost in _marked(moment.costs)]
    lines.append(to_text(Sheet(_COLUMNS, rows), kib))
    if moments:
        lines.append(_machine(moments[-1].memory))
    return "".join(lines)


def _marked(costs: Sequence[ProcessCost]) -> list[tuple[bool, ProcessCost]]:
    return [(at == 0, cost) for at, cost in enumerate(costs)]


def _row(cost: ProcessCost, text: str) -> tuple[int | str | None, ...]:
    return (
        cost.pid,
        cost.virt,
        cost.rss,
        cost.pss,
        cost.swap,
        cost.minor,
        cost.major,
        cost.page_tables,
        text,
    )


def _machine(memory: SimMemory) -> str:
    swap_used = memory.next_slot - 1 - len(memory.free_slots)
    settings = memory.settings
    return (
        f"RAM {human_size(settings.ram)}: {human_size(memory.used_pages * PAGE)} used, "
        f"of it {human_size(len(memory.cache) * PAGE)} page cache and shared memory\n"
        f"swap {human_size(settings.swap)}: {human_size(swap_used * PAGE)} used; "
        f"{memory.swapped_out} pages went out, {memory.swapped_in} came in, {memory.dropped} file pages were dropped\n"
    )


def memory_json(moment: MemoryMoment) -> dict[str, Any]:
    """The same for programs, in bytes."""
    memory = moment.memory
    return {
        "step": moment.text,
        "outcome": memory.outcome.value,
        "processes": [cost._asdict() for cost in moment.costs],
        "used": memory.used_pages * PAGE,
        "page_cache": len(memory.cache) * PAGE,
        "swap_used": (memory.next_slot - 1 - len(memory.free_slots)) * PAGE,
        "swapped_out_pages": memory.swapped_out,
        "swapped_in_pages": memory.swapped_in,
        "dropped_pages": memory.dropped,
        "trace": list(memory.trace),
    }
