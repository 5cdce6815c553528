"""Whether files of one process that were read one after the other tell of one moment."""

from collections.abc import Mapping

from procmem.model.proc_keys import SmapsKey, StatusKey
from procmem.model.snapshot import Snapshot

__all__ = ["tells_of_two_moments"]

_KIB = 1024
_EQUAL = (SmapsKey.RSS, SmapsKey.PRIVATE_CLEAN, SmapsKey.PRIVATE_DIRTY, SmapsKey.SWAP)


def tells_of_two_moments(snapshot: Snapshot, rollup: Mapping[str, int] | None) -> bool:
    """Whether status, smaps and smaps_rollup contradict each other; ``rollup`` is None where it was not read.

    PSS differs by rounding: smaps cuts each mapping's share to whole kB, the rollup only their sum.
    """
    table, size = snapshot.mappings, snapshot.size(StatusKey.VM_SIZE)
    if table is None:
        return False
    if size is not None and size != snapshot.virt:
        return True
    if rollup is None:
        return False
    sums = {key: table.total(key) for key in (*_EQUAL, SmapsKey.PSS)}
    if any(sums[key] != rollup[key] for key in _EQUAL if key in rollup and sums[key] is not None):
        return True
    pss = sums[SmapsKey.PSS]
    return pss is not None and SmapsKey.PSS in rollup and not 0 <= rollup[SmapsKey.PSS] - pss < _KIB * len(table)
