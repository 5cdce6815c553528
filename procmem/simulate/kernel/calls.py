"""A program's side of the machine: one system call after another on the same space.

The machine is pure; a C library is a long row of calls, each depending on what the last one gave back.
This small holder keeps the space between the calls, so that the rules above can be read like the program
they describe. It never leaves the function that made it.
"""

from procmem.model.simulation import SimSpace
from procmem.simulate.kernel.events import Event
from procmem.simulate.kernel.machine import step

__all__ = ["Caller"]


class Caller:
    """The space as it is now, and the way to change it."""

    def __init__(self, space: SimSpace) -> None:
        self.space = space

    def do(self, event: Event) -> int:
        """Make one call and give its result: an address, 0, or a negated error number."""
        self.space = step(self.space, event)
        return self.space.registers.eax
