"""Inaccessible memory that no rule explains: a guard where it is small, else address space set aside.

A guard is meant to be hit: it lies next to memory in use and is a few pages long. Nothing in the kernel says
which of the two an inaccessible mapping is, so neither is ever certain.
"""

from procmem.classify.claims import Partition
from procmem.model.mapping import Mappings
from procmem.model.region import ByteClass, Certainty, Label

__all__ = ["refine_leftovers"]

GUARD_BYTES_MAX = 64 * 1024


def refine_leftovers(mappings: Mappings, cut: Partition) -> Partition:
    """Relabel small leftovers of class ``reserved`` as guards."""
    labels = cut.label
    changed = None
    for index, label in enumerate(labels):
        if label.cls is not ByteClass.RESERVED or label.kind != "reserved":
            continue
        size = cut.end[index] - cut.start[index]
        if size > GUARD_BYTES_MAX or mappings.inode[cut.vma[index]]:
            continue
        changed = changed or list(labels)
        evidence = f"inaccessible, anonymous, and only {size // 1024} KiB long"
        changed[index] = Label(ByteClass.GUARD, "guard", Certainty.LIKELY, evidence, label.owner)
    return cut if changed is None else cut._replace(label=changed)
