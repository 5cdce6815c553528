"""What all rules on runtimes ask of a mapping first."""

from procmem.model.mapping import Mappings

__all__ = ["is_plain"]


def is_plain(mappings: Mappings, row: int) -> bool:
    """Private anonymous memory that nobody has named."""
    return not mappings.inode[row] and not mappings.name[row] and mappings.perms[row][3] == "p"
