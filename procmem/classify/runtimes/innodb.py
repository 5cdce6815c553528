"""InnoDB's buffer pool: the accessible beginning of one reservation, in which it can grow.

What the kernel merged to it from below is not the pool's: the reservation's size tells where the pool begins.
Source: MariaDB storage/innobase/buf/buf0buf.cc, innodb_buffer_pool_size_max (8 TiB on 64 bit by default, 10.11.12 on).
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

_SPACE = 8 << 40
_OWNER = owners.Allocator(b"InnoDB")


def claims(mappings: Mappings, runtimes: Runtimes, _snapshot: Snapshot) -> Iterator[Claim]:
    """The pool and its reserve, where the reservation has the size that it has by default."""
    certainty = runtimes.certainty("innodb")
    for row in range(1, len(mappings)):
        start, end = mappings.start[row], mappings.end[row]
        first, before = end - _SPACE, row - 1
        if not is_plain(mappings, row) or not permissions(mappings.perms[row]).inaccessible:
            continue
        adjoins = mappings.end[before] == start and mappings.start[before] <= first < start
        if not adjoins or not is_plain(mappings, before) or not permissions(mappings.perms[before]).read_write:
            continue
        seen = note("innodb-space", size=_SPACE)
        yield Claim(first, start, Rank.RUNTIME, Label(kinds.INNODB, certainty, seen, _OWNER))
        yield Claim(start, end, Rank.RUNTIME, Label(kinds.INNODB_RESERVE, certainty, seen, _OWNER))
