"""Memory of V8: pages at random low addresses, and one large range of code. Source: V8 src/base/platform, src/heap."""

from collections.abc import Iterator

from procmem.classify.partition import Rank
from procmem.classify.runtimes.detect import Runtimes
from procmem.classify.runtimes.plain import is_plain
from procmem.model import kinds, owners
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.permissions import permissions
from procmem.model.region import Certainty, Claim, Label

__all__ = ["claims"]

_V8_PAGE = 256 * 1024


def claims(mappings: Mappings, runtimes: Runtimes) -> Iterator[Claim]:
    """V8 places its pages at random addresses below 2**46, aligned to 256 KiB, and its code in one large range."""
    del runtimes  # the same in every process with V8
    low_end = 1 << 46
    for row, (start, end, perms) in enumerate(zip(mappings.start, mappings.end, mappings.perms, strict=True)):
        if not is_plain(mappings, row):
            continue
        if permissions(perms).executable:
            label = Label(
                kinds.V8_CODE,
                Certainty.LIKELY,
                note("v8-executable"),
                owners.Allocator(b"V8"),
            )
            yield Claim(start, end, Rank.RUNTIME, label)
        elif start < low_end and start % _V8_PAGE == 0 and not permissions(perms).inaccessible:
            evidence = note("v8-page")
            yield Claim(start, end, Rank.RUNTIME, Label(kinds.V8, Certainty.LIKELY, evidence, owners.Allocator(b"V8")))
