"""What every format of profiles writes: stacks of frames, each with one value for every measure."""

from collections.abc import Iterator

from procmem.model.named_tuple import NamedTuple

__all__ = ["BYTES", "COUNT", "Measure", "ProfileStack", "StackProfile"]

BYTES, COUNT = "bytes", "count"


class Measure(NamedTuple):
    """What is measured, and in what."""

    name: str
    unit: str = BYTES


class ProfileStack(NamedTuple):
    """Frames from the outermost to the innermost; a value of each measure, None where it is unknown."""

    frames: tuple[str, ...]
    values: tuple[int | None, ...]


class StackProfile(NamedTuple):
    """One profile: what it is of, what is measured, all stacks."""

    name: str
    measures: tuple[Measure, ...]
    rows: tuple[ProfileStack, ...]

    def place_of(self, measure: str) -> int:
        """Which of a stack's values is the measure's."""
        return [one.name for one in self.measures].index(measure)

    def known(self) -> Iterator[tuple[int, Measure]]:
        """The measures that are known of every stack, with their places."""
        for at, measure in enumerate(self.measures):
            if all(row.values[at] is not None for row in self.rows):
                yield at, measure
