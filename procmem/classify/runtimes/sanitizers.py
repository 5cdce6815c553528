"""Memory of the sanitizers: shadow of the whole address space, and an allocator in a space of its own.

Shadow memory says of each byte of the program whether it may be used (one byte for eight with AddressSanitizer), so it
is as large as the address space divided by that, and costs only what was touched. The borders are constants of a tool.

Source: compiler-rt asan_mapping.h, asan_allocator.h, msan.h, tsan_platform.h, hwasan_mapping.h; observation.
"""

from collections.abc import Iterator

from procmem.classify.partition import Rank
from procmem.classify.runtimes.detect import Runtimes
from procmem.classify.runtimes.plain import is_plain, label_of_part
from procmem.model import kinds, owners
from procmem.model.given_names import GivenName
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import note
from procmem.model.region import Claim
from procmem.model.snapshot import Snapshot

__all__ = ["TOOLS", "claims"]


class Tool(NamedTuple):
    """Where a tool has its shadow and its allocator, as half-open ranges of addresses (x86-64)."""

    name: str
    shadow: tuple[tuple[int, int], ...]
    allocator: tuple[tuple[int, int], ...]


TOOLS = (
    Tool(
        "asan",
        ((0x7FFF_7000, 0x1000_7FFF_8000),),
        ((0x6000_0000_0000, 0x6500_0000_0000), (0x5000_0000_0000, 0x5400_0000_0000)),
    ),
    Tool("msan", ((0x0800_0000_0000, 0x6000_0000_0000),), ((0x7000_0000_0000, 0x7200_0000_0000),)),
    Tool(
        "tsan",
        ((0x0100_0000_0000, 0x3800_0000_0000), (0x6000_0000_0000, 0x6200_0000_0000)),
        ((0x7B00_0000_0000, 0x7C00_0000_0000), (0x7200_0000_0000, 0x7400_0000_0000)),
    ),
)
"""ThreadSanitizer's later ranges are of LLVM 17 and GCC 14; programs themselves lie at 0x55 or 0x7e and above."""


def claims(mappings: Mappings, runtimes: Runtimes, _snapshot: Snapshot) -> Iterator[Claim]:
    """By the tool's ranges; a mapping may reach over the border of one."""
    tools = [tool for tool in TOOLS if runtimes.has(tool.name)]
    for row, (start, end) in enumerate(zip(mappings.start, mappings.end, strict=True)):
        if not is_plain(mappings, row) and mappings.given(row) is not GivenName.OTHER:
            continue
        for tool in tools:
            certainty = runtimes.certainty(tool.name)
            owner = owners.Allocator(tool.name.encode())
            for low, high in tool.shadow:
                if low <= start and end <= high:
                    seen = note("sanitizer-shadow", tool=tool.name)
                    kind, reserve = kinds.SANITIZER_SHADOW, kinds.SANITIZER_RESERVE
                    label = label_of_part(mappings, row, kind, certainty, seen, owner, reserve=reserve)
                    yield Claim(start, end, Rank.RUNTIME, label)
            for low, high in tool.allocator:
                if low <= start < high:
                    seen = note("sanitizer-allocator", tool=tool.name)
                    label = label_of_part(mappings, row, kinds.SANITIZER_HEAP, certainty, seen, owner)
                    yield Claim(start, min(end, high), Rank.RUNTIME, label)
