"""Memory of JavaScriptCore: executable memory behind a guard, and cages of several gibibytes for objects.

Source: WebKit Source/JavaScriptCore/jit/ExecutableAllocator.cpp, Source/bmalloc/bmalloc/Gigacage.cpp.
"""

from collections.abc import Iterator

from procmem.classify.partition import Rank
from procmem.classify.runtimes.detect import Runtimes
from procmem.classify.runtimes.plain import is_plain, label_of_part
from procmem.model import kinds, owners
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.permissions import permissions
from procmem.model.region import Claim, Label
from procmem.model.snapshot import Snapshot
from procmem.model.vm_flags import MemoryFlag

__all__ = ["claims"]

_CAGE_MIN = 256 << 20


def claims(mappings: Mappings, runtimes: Runtimes, _snapshot: Snapshot) -> Iterator[Claim]:
    """Executable memory is its JIT's; large ranges that were mapped without reserving swap hold its objects."""
    certainty, owner = runtimes.certainty("jsc"), owners.Allocator(b"JavaScriptCore")
    for row, (start, end, perms) in enumerate(zip(mappings.start, mappings.end, mappings.perms, strict=True)):
        if not is_plain(mappings, row):
            continue
        allowed = permissions(perms)
        if allowed.executable:
            yield Claim(start, end, Rank.RUNTIME, Label(kinds.JIT, certainty, note("jsc-executable"), owner))
        elif end - start >= _CAGE_MIN and mappings.has_flag(row, MemoryFlag.NORESERVE):
            label = label_of_part(mappings, row, kinds.JSC, certainty, note("jsc-cage", size=end - start), owner)
            yield Claim(start, end, Rank.RUNTIME, label)
