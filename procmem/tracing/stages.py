"""Bringing a started program to the stages at which its memory is looked at: exec, the entry point, ``main``.

Where these lie is given by whoever read the program's headers and its auxiliary vector; nothing is parsed here.
"""

from procmem.model.note import note
from procmem.model.reports.crosscheck import RealRun
from procmem.model.simulation import Stage
from procmem.tracing.tracee import Tracee, how_ended

__all__ = ["go_to_stage"]


def go_to_stage(
    child: Tracee, stage: Stage, *, entry: int, has_linker: bool, main: int | None, first_sp: int
) -> RealRun | None:
    """Let the child run to a stage, and hold it there; a run without spaces, and why it ended, where it does not come.

    ``main`` is the address of the function where it is known; else it is looked for among what the start code hands
    to the C library, from the stack pointer at the first instruction (``first_sp``) on.
    """
    linked = stage is Stage.EXEC or not has_linker or child.registers().ip == entry
    if not linked and not child.run_to(entry):
        return RealRun((), how_ended(child.ended))
    if stage is Stage.MAIN:
        place = main if main is not None else child.find_main(first_sp)
        if place is None:
            return RealRun((), unchecked=note("main-unknown"))
        if not child.run_to(place):
            return RealRun((), how_ended(child.ended))
    if stage is not Stage.EXEC:
        child.let_threads_rest()
    return None
