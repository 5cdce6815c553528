"""The simulated memory on a page: what each process costs after each step, and what the machine holds."""

from collections.abc import Sequence

from procmem.model.reports.simulated_memory import MemoryMoment
from procmem.model.simulated_memory import MemorySettings, ProcessCost
from procmem.render.columns import column
from procmem.render.escaping import printable_text
from procmem.render.json.simulate import memory_json
from procmem.render.page import Block, Column, Page, Prose, Sheet, Value
from procmem.text.pages.simulate import HEADINGS, told
from procmem.text.simulate import step_text, trace_text

__all__ = ["memory_page"]


def memory_page(moments: Sequence[MemoryMoment], machine: MemorySettings) -> Page:
    """A row for each process after each step, the machine's sums below; each decision where it was traced."""
    blocks: list[Block] = [Prose(told("KiB"))]
    if machine.trace:
        for moment in moments:
            blocks.append(Prose(printable_text(_step(moment)), "", "    "))
            blocks += [Prose(printable_text(trace_text(note)), "    ") for note in moment.trace]
    blocks.append(_sheet(moments, once=True)._replace(main=True))
    if moments:
        blocks += _machine(moments[-1])
    return Page([blocks], lambda: _sheet(moments, once=False), lambda: memory_json(moments, machine))


def _step(moment: MemoryMoment) -> str:
    return step_text(moment.step, moment.gave)


def _columns() -> tuple[Column, ...]:
    return (
        column(HEADINGS, "pid", "count"),
        column(HEADINGS, "virt", "size"),
        column(HEADINGS, "rss", "size"),
        column(HEADINGS, "pss", "size", rank=3),
        column(HEADINGS, "swap", "size"),
        column(HEADINGS, "minor", "count", rank=1),
        column(HEADINGS, "major", "count", rank=2),
        column(HEADINGS, "tables", "size", rank=4),
        column(HEADINGS, "step", "text"),
    )


def _sheet(moments: Sequence[MemoryMoment], *, once: bool) -> Sheet:
    """The costs; ``once`` names a step on the first of its lines alone."""
    rows: list[Sequence[Value]] = []
    for moment in moments:
        step = _step(moment)
        rows += [_row(cost, step if not once or number == 0 else "") for number, cost in enumerate(moment.costs)]
        if not moment.costs:  # nobody lives
            rows.append((*["-"] * (len(_columns()) - 1), step))
    return Sheet(_columns(), rows)


def _row(cost: ProcessCost, text: str) -> Sequence[Value]:
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


def _machine(last: MemoryMoment) -> list[Block]:
    settings = last.settings
    swap = told(
        "swap",
        swap=settings.swap,
        used=last.swap_used,
        out=last.swapped_out_pages,
        back=last.swapped_in_pages,
        dropped=last.dropped_pages,
    )
    return [Prose(told("RAM", ram=settings.ram, used=last.used, cache=last.page_cache)), Prose(swap)]
