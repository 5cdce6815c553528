"""Inaccessible memory that no rule explains: a guard where it is small, else address space set aside.

A guard is meant to be hit: it lies next to memory in use and is a few pages long. Nothing in the kernel says
which of the two an inaccessible mapping is, so neither is ever certain.
"""

from procmem.classify.claims import Partition
from procmem.model.mapping import Mappings
from procmem.model.region import ByteClass, Certainty, Label, for_each_label

__all__ = ["refine_leftovers"]

GUARD_BYTES_MAX = 64 * 1024


def refine_leftovers(mappings: Mappings, cut: Partition) -> Partition:
    """Relabel small leftovers of class ``reserved`` as guards."""
    candidates = [
        index
        for index, (low, high, leftover) in enumerate(
            zip(cut.start, cut.end, for_each_label(cut.label, _is_leftover), strict=True)
        )
        if leftover and high - low <= GUARD_BYTES_MAX and not mappings.inode[cut.vma[index]]
    ]
    if not candidates:
        return cut
    labels = list(cut.label)
    by_size: dict[int, Label] = {}
    for index in candidates:
        size = cut.end[index] - cut.start[index]
        if size not in by_size:
            evidence = f"inaccessible, anonymous, and only {size // 1024} KiB long"
            by_size[size] = Label(ByteClass.GUARD, "guard", Certainty.LIKELY, evidence)
        labels[index] = by_size[size]
    return cut._replace(label=labels)


def _is_leftover(label: Label) -> bool:
    return label.cls is ByteClass.RESERVED and label.kind == "reserved"
