"""How many malloc arenas a process has, and of how many blocks each is made."""

from procmem.model import owners
from procmem.model.named_tuple import NamedTuple

__all__ = ["ArenaBlocks", "ArenaCount"]


class ArenaBlocks(NamedTuple):
    """One arena: its blocks, the address space that they take, and what of it is in memory (None: unknown)."""

    arena: owners.Arena
    blocks: int
    virt: int
    rss: int | None


class ArenaCount(NamedTuple):
    """The arenas whose blocks are known, the largest first, and the blocks of which nobody knows whose they are.

    ``loose`` counts the latter, ``least`` are the arenas that they are at least. Sizes are sums over all, in bytes.
    """

    arenas: tuple[ArenaBlocks, ...]
    loose: int
    least: int
    virt: int
    rss: int | None
    block_size: int

    @property
    def blocks(self) -> int:
        """All blocks."""
        return self.loose + sum(one.blocks for one in self.arenas)

    @property
    def known(self) -> int | None:
        """How many arenas there are, the main one left out; None where that is not known."""
        return None if self.loose else len(self.arenas)

    @property
    def at_least(self) -> int:
        """How many there are at least."""
        return max(len(self.arenas) + (self.least if not self.arenas else 0), 1 if self.loose else 0)

    @property
    def at_most(self) -> int:
        """How many there are at most."""
        return len(self.arenas) + self.loose
