"""A step of a script, its words read: what the simulated program does, and the real one beside it."""

from procmem.model.named_tuple import NamedTuple
from procmem.model.permissions import READ_WRITE
from procmem.model.simulation import PAGE

__all__ = ["AllocatedBlock", "ScriptAction"]


class AllocatedBlock(NamedTuple):
    """Memory that a script has a name for; ``mapped`` where mmap gave it, not malloc."""

    start: int
    length: int
    mapped: bool


class ScriptAction(NamedTuple):
    """What one step does, to which block, in bytes.

    ``size`` is what is asked for (of ``brk`` by how much, perhaps less than nothing; of ``thread`` what it asks malloc
    for); ``offset`` and ``length`` name a part of a block, whose length None is all that follows. ``stack`` and
    ``guard`` are those of a thread, None for the usual ones.
    """

    verb: str
    block: str = ""
    size: int = 0
    offset: int | None = None
    length: int | None = None
    rights: str = READ_WRITE
    file: bytes = b""
    stack: int | None = None
    guard: int | None = None

    def part_of(self, block: AllocatedBlock) -> tuple[int, int]:
        """Offset and length of the part of a block; the whole of it where none is named."""
        if self.offset is None:
            return 0, block.length
        return self.offset, max(block.length - self.offset, PAGE) if self.length is None else self.length
