"""Memory as a profile: sums of regions by what they are, as stacks of frames for viewers of profiles."""

from procmem.errors import AccessRefused
from procmem.model.kinds import Kind
from procmem.model.named_tuple import NamedTuple
from procmem.model.owners import Owner
from procmem.model.reports.inspection import ProcessFacts

__all__ = ["MEASURES", "MemoryProfile", "RegionSum"]

MEASURES = ("virt", "rss", "pss", "uss", "swap")
"""What is summed, in the order of ``RegionSum.sizes``."""


class RegionSum(NamedTuple):
    """All regions of one kind and owner on mappings of one name.

    ``mapping`` is the name of the mappings, empty for anonymous memory; ``sizes`` are bytes by ``MEASURES``, None where
    that of one region is unknown.
    """

    kind: Kind
    owner: Owner | None
    mapping: bytes
    regions: int
    sizes: tuple[int | None, ...]


class MemoryProfile(NamedTuple):
    """The regions of one process, summed; the largest sums by VIRT are first."""

    process: ProcessFacts
    sums: tuple[RegionSum, ...]

    def known(self) -> tuple[str, ...]:
        """The measures that are known of every region."""
        return tuple(name for at, name in enumerate(MEASURES) if all(one.sizes[at] is not None for one in self.sums))

    def need(self, measure: str) -> None:
        """Refuse a profile by a measure that is not known.

        Raises:
            AccessRefused: smaps could not be read, or this kernel does not count it.
        """
        if measure not in self.known():
            raise AccessRefused(self.process.pid, "no-sizes")
