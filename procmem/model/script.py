"""A step of a script, its words read: what the simulated program does, and the real one beside it."""

from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.permissions import READ_WRITE
from procmem.model.reports.crosscheck import CrossReport
from procmem.model.simulation import PAGE, Exactness

__all__ = ["AllocatedBlock", "ScriptAction", "ScriptReport", "StepReport"]


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


class StepReport(NamedTuple):
    """One step, done by the simulated and by the real program: what came of it, and the two maps side by side.

    ``line`` is its line in the script, ``outcome`` what the simulator says of it. ``values`` are what the call gave
    here and there, an address or a negated error number, None where the two cannot be compared.
    """

    line: int
    text: str
    outcome: Note | None
    values: tuple[int, int] | None
    report: CrossReport

    @property
    def holds(self) -> bool:
        """Whether the map is as it was claimed, and what the call gave, unless not all of the map is certain."""
        same = self.values is None or self.values[0] == self.values[1]
        return self.report.holds and (same or self.is_guess)

    @property
    def is_guess(self) -> bool:
        """Whether some of the predicted map is known in shape only."""
        return any(vma.status is Exactness.SHAPE for vma in self.report.prediction.vmas)


class ScriptReport(NamedTuple):
    """A script done by both: the map at ``main``, then each step until the program ended."""

    main: CrossReport
    steps: tuple[StepReport, ...]

    @property
    def holds(self) -> bool:
        """Whether everything that was claimed is true."""
        return self.main.holds and all(step.holds for step in self.steps)
