"""What can happen to memory: processes begin, touch pages, give them back, fork and end.

A layout event (``events``) is one of these once it is said which process makes it.
"""

from collections.abc import Iterable

from procmem.model.enumeration import TextEnumeration
from procmem.model.named_tuple import NamedTuple
from procmem.model.simulation import SimSpace
from procmem.simulate.kernel.events import Event

__all__ = [
    "Access",
    "Advice",
    "Advise",
    "Begin",
    "Do",
    "End",
    "ForkAs",
    "MemoryEvent",
    "ReadFile",
    "Scatter",
    "Settle",
    "SwapOff",
]


class Advice(TextEnumeration):
    """Words of madvise(2), and MAP_POPULATE."""

    DONTNEED = "dontneed"
    FREE = "free"
    PAGEOUT = "pageout"
    POPULATE = "populate"


class Begin(NamedTuple):
    """A process begins with a space in which nothing has been touched."""

    pid: int
    space: SimSpace


class Do(NamedTuple):
    """A process makes one call that changes its space."""

    pid: int
    event: Event


class Access(NamedTuple):
    """A process touches each page of a range once, in order."""

    pid: int
    start: int
    length: int = 1
    write: bool = False


class Scatter(NamedTuple):
    """A process writes to one page after the other, by their numbers: as one ``Access`` each."""

    pid: int
    pages: Iterable[int]


class Advise(NamedTuple):
    """A process gives advice about a range."""

    pid: int
    start: int
    length: int
    advice: Advice


class ForkAs(NamedTuple):
    """A process forks; the child gets ``child`` as its pid."""

    pid: int
    child: int


class End(NamedTuple):
    """A process ends."""

    pid: int


class ReadFile(NamedTuple):
    """Pages of a file come into the page cache by read(2) or write(2), from ``first`` on."""

    name: bytes
    pages: int
    first: int = 0


class Settle(NamedTuple):
    """Writing to swap ends, and copies that nobody maps leave the swap cache."""


class SwapOff(NamedTuple):
    """The swap area is taken away: all that lies in it comes back first."""


MemoryEvent = Begin | Do | Access | Scatter | Advise | ForkAs | End | ReadFile | Settle | SwapOff
