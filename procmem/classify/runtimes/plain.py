"""What all rules on runtimes ask of a mapping first."""

from procmem.model.mapping import Mappings
from procmem.model.permissions import permissions

__all__ = ["is_plain"]


def is_plain(mappings: Mappings, row: int) -> bool:
    """Private anonymous memory that nobody has named."""
    return not mappings.inode[row] and not mappings.name[row] and permissions(mappings.perms[row]).private
