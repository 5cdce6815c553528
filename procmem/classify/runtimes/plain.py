"""What all rules on runtimes ask of a mapping first, and how neighbouring mappings are taken for one reservation."""

from collections.abc import Iterator

from procmem.model.mapping import Mappings
from procmem.model.permissions import permissions

__all__ = ["is_plain", "reservations"]


def is_plain(mappings: Mappings, row: int) -> bool:
    """Private anonymous memory that nobody has named."""
    return not mappings.inode[row] and not mappings.name[row] and permissions(mappings.perms[row]).private


def reservations(mappings: Mappings) -> Iterator[list[int]]:
    """Plain mappings that adjoin each other, as runs of rows: what was often set aside by one call."""
    run: list[int] = []
    for row in range(len(mappings)):
        if run and (mappings.start[row] != mappings.end[row - 1] or not is_plain(mappings, row)):
            yield run
            run = []
        if is_plain(mappings, row):
            run.append(row)
    if run:
        yield run
