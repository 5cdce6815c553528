"""What all rules on runtimes ask of a mapping first, and how neighbouring mappings are taken for one reservation."""

from collections.abc import Iterator

from procmem.model.kinds import Kind
from procmem.model.mapping import Mappings
from procmem.model.note import Note
from procmem.model.owners import Owner
from procmem.model.permissions import permissions
from procmem.model.region import Certainty, Label

__all__ = ["is_plain", "label_of_part", "reservations", "room_behind"]


def is_plain(mappings: Mappings, row: int) -> bool:
    """Private anonymous memory that nobody has named."""
    return not mappings.inode[row] and not mappings.name[row] and permissions(mappings.perms[row]).private


def label_of_part(
    mappings: Mappings,
    row: int,
    kind: Kind,
    certainty: Certainty,
    evidence: Note,
    owner: Owner,
    *,
    reserve: Kind | None = None,
) -> Label:
    """The label of a part of what was set aside: of this kind where it is accessible, else of what the kind reserves.

    ``reserve`` is the kind of what is inaccessible where the table of kinds has none for this one.
    """
    closed = permissions(mappings.perms[row]).inaccessible
    return Label((reserve or kind.reserve or kind) if closed else kind, certainty, evidence, owner)


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


def room_behind(mappings: Mappings, row: int) -> int:
    """Bytes of inaccessible anonymous memory directly behind a mapping."""
    behind = row + 1
    if behind >= len(mappings) or mappings.start[behind] != mappings.end[row] or mappings.inode[behind]:
        return 0
    closed = permissions(mappings.perms[behind]).inaccessible
    return mappings.end[behind] - mappings.start[behind] if closed else 0
