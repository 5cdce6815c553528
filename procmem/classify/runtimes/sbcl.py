"""Memory of Steel Bank Common Lisp: the dynamic space goes on behind what is mapped of the core file.

Source: SBCL src/compiler/x86-64/parms.lisp (dynamic-space-start 0x1000000000; static and varyobj spaces below).
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

_LOW, _HIGH = 0x5000_0000, 0x20_0000_0000
"""All spaces of Lisp lie here; the program and its libraries lie far above."""


def claims(mappings: Mappings, runtimes: Runtimes, _snapshot: Snapshot) -> Iterator[Claim]:
    """Anonymous memory at the fixed addresses, executable or not: compiled functions are objects of the heap."""
    label = Label(kinds.SBCL, runtimes.certainty("sbcl"), note("sbcl-space"), owners.Allocator(b"SBCL"))
    for row, (start, end, perms) in enumerate(zip(mappings.start, mappings.end, mappings.perms, strict=True)):
        if start >= _LOW and end <= _HIGH and is_plain(mappings, row) and permissions(perms).writable:
            yield Claim(start, end, Rank.RUNTIME, label)
    for row in mappings.rows_where(lambda row: mappings.name[row].endswith(b".core")):
        label_of_core = label._replace(evidence=note("sbcl-core"), owner=owners.ObjectFile(mappings.name[row]))
        file = (mappings.device[row], mappings.inode[row])
        yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME, label_of_core, file)
