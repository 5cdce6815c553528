"""Who a report is about, in two lines: pid, name and facts; the command line."""

from procmem.model.reports.inspection import ProcessFacts
from procmem.model.snapshot import Nature
from procmem.render.escaping import printable, printable_text
from procmem.render.human import duration
from procmem.render.page import Block, Prose
from procmem.text import listed
from procmem.text.pages.inspect import state_text, told

__all__ = ["pid_text", "process_head"]


_COMMAND_MAX = 160
"""Characters of a command line: two lines of a terminal. JSON has all of it."""


def pid_text(pid: int | None) -> str:
    """The pid, or that it is a recorded process whose pid is not known."""
    return told("recorded") if pid is None else str(pid)


def process_head(process: ProcessFacts) -> list[Block]:
    """The lines."""
    name = printable(process.comm) or "?"
    facts = []
    if process.nature not in (Nature.PROCESS, Nature.SIMULATED):
        facts.append(told(process.nature.value))
    if process.bits is not None:
        facts.append(told("bits", bits=process.bits))
    if process.state:
        facts.append(printable_text(state_text(process.state)))
    if process.threads is not None:
        facts.append(told("threads", count=process.threads))
    if process.age_seconds is not None:
        facts.append(told("age", time=duration(process.age_seconds)))
    pid = told("simulated") if process.nature is Nature.SIMULATED else pid_text(process.pid)
    head = told("head", pid=pid, name=name, facts=listed(facts)) if facts else f"{pid}  {name}"
    blocks: list[Block] = [Prose(head, "", "  ")]
    if process.cmdline:
        text = " ".join(printable(word) for word in process.cmdline).rstrip()
        blocks.append(Prose(text if len(text) <= _COMMAND_MAX else f"{text[:_COMMAND_MAX].rstrip()} ...", "  "))
    return blocks
