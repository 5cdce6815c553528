"""Memory under valgrind: the tool's own, and the client's, which the tool allocates for it.

The tool is the program of the process; it maps the client's objects, stacks and heap by itself, and most of what it
maps it maps executable.
"""

from collections.abc import Iterator

from procmem.classify.partition import Rank
from procmem.classify.runtimes.detect import Runtimes
from procmem.classify.runtimes.plain import is_plain
from procmem.model import kinds, owners
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.permissions import permissions
from procmem.model.region import Claim, Label
from procmem.model.snapshot import Snapshot

__all__ = ["claims"]


def claims(mappings: Mappings, runtimes: Runtimes, _snapshot: Snapshot) -> Iterator[Claim]:
    """All that is writable and nobody's: the client's malloc and the tool's tables look alike from outside."""
    label = Label(
        kinds.VALGRIND, runtimes.certainty("valgrind"), note("valgrind-memory"), owners.Allocator(b"valgrind")
    )
    for row, (start, end, perms) in enumerate(zip(mappings.start, mappings.end, mappings.perms, strict=True)):
        if is_plain(mappings, row) and permissions(perms).read_write:
            yield Claim(start, end, Rank.RUNTIME, label)
