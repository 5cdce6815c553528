"""Memory of Go programs: arenas at fixed addresses, and the tables of the runtime. Source: Go runtime/malloc.go."""

from collections.abc import Iterator

from procmem.classify.partition import Rank
from procmem.classify.runtimes.detect import Runtimes
from procmem.classify.runtimes.plain import is_plain, label_of_part
from procmem.model import kinds, owners
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.permissions import permissions
from procmem.model.region import Claim
from procmem.model.snapshot import Snapshot
from procmem.model.vm_flags import MemoryFlag

__all__ = ["claims"]

_GO_FIRST, _GO_LAST = 0xC0_0000_0000, 0xC0_0000_0000 + (1 << 40)


def claims(mappings: Mappings, runtimes: Runtimes, _snapshot: Snapshot) -> Iterator[Claim]:
    """The heap grows from 0xc000000000 up in blocks of 64 MiB; goroutine stacks lie inside it."""
    certainty, owner = runtimes.certainty("go"), owners.Allocator(b"Go runtime")
    for row, (start, end, perms) in enumerate(zip(mappings.start, mappings.end, mappings.perms, strict=True)):
        if not is_plain(mappings, row) or mappings.has_flag(row, MemoryFlag.GROWSDOWN):
            continue
        if permissions(perms).executable and not permissions(perms).writable:
            continue  # Go makes no code while it runs
        if _GO_FIRST <= start < _GO_LAST:
            evidence = note("go-arena", start=start)
            label = label_of_part(mappings, row, kinds.GO_HEAP, certainty, evidence, owner)
        elif runtimes.static:
            kind, reserve = kinds.GO_RUNTIME, kinds.GO_RUNTIME_RESERVE
            label = label_of_part(mappings, row, kind, certainty, note("go-static"), owner, reserve=reserve)
        else:
            continue
        yield Claim(start, end, Rank.RUNTIME, label)
