"""The simulated memory on a page: what each process costs after each step, and what the machine holds."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from procmem.model.note import Note
from procmem.model.simulated_memory import MemorySettings, ProcessCost, SimMemory
from procmem.model.simulation import PAGE
from procmem.render.escaping import printable_text
from procmem.render.human import human_size, kib
from procmem.render.sheet import Column, Sheet, to_text
from procmem.text import english
from procmem.text.simulate import trace_text

__all__ = ["MemoryMoment", "memory_json", "memory_page", "moment_of"]

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
    """After one step: what it was and gave, each process's cost, and the machine's sums; not the machine itself.

    Sizes are bytes, what went through swap is counted in pages.
    """

    text: str
    costs: tuple[ProcessCost, ...]
    settings: MemorySettings
    outcome: str
    used: int
    page_cache: int
    swap_used: int
    swapped_out_pages: int
    swapped_in_pages: int
    dropped_pages: int
    trace: tuple[Note, ...]


def moment_of(text: str, memory: SimMemory, costs: tuple[ProcessCost, ...]) -> MemoryMoment:
    """What a page shows of a machine: a thousand machines would be too much to keep."""
    return MemoryMoment(
        text,
        costs,
        memory.settings,
        memory.outcome.value,
        memory.used_pages * PAGE,
        len(memory.cache) * PAGE,
        (memory.next_slot - 1 - len(memory.free_slots)) * PAGE,
        memory.swapped_out,
        memory.swapped_in,
        memory.dropped,
        memory.trace,
    )


def memory_page(moments: Sequence[MemoryMoment], *, trace: bool) -> str:
    """A row for each process after each step, the machine's sums below; with ``trace`` each decision."""
    lines = ["sizes in KiB; faults are counted from main on\n"]
    if trace:
        for moment in moments:
            lines.append(f"{printable_text(moment.text)}\n")
            lines += [f"    {printable_text(trace_text(note))}\n" for note in moment.trace]
    rows: list[tuple[int | str | None, ...]] = []
    for moment in moments:
        rows += [_row(cost, moment.text if first else "") for first, cost in _marked(moment.costs)]
        if not moment.costs:  # nobody lives
            rows.append((*["-"] * (len(_COLUMNS) - 1), moment.text))
    lines.append(to_text(Sheet(_COLUMNS, rows), kib))
    if moments:
        lines.append(_machine(moments[-1]))
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


def _machine(last: MemoryMoment) -> str:
    return (
        f"RAM {human_size(last.settings.ram)}: {human_size(last.used)} used, "
        f"of it {human_size(last.page_cache)} page cache and shared memory\n"
        f"swap {human_size(last.settings.swap)}: {human_size(last.swap_used)} used; "
        f"{last.swapped_out_pages} pages went out, {last.swapped_in_pages} came in, "
        f"{last.dropped_pages} file pages were dropped\n"
    )


@english()
def memory_json(moment: MemoryMoment) -> dict[str, Any]:
    """The same for programs, in bytes."""
    return {
        "step": moment.text,
        "outcome": moment.outcome,
        "processes": [cost._asdict() for cost in moment.costs],
        "used": moment.used,
        "page_cache": moment.page_cache,
        "swap_used": moment.swap_used,
        "swapped_out_pages": moment.swapped_out_pages,
        "swapped_in_pages": moment.swapped_in_pages,
        "dropped_pages": moment.dropped_pages,
        "trace": list(map(trace_text, moment.trace)),
    }
