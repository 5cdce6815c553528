"""Which further evidence classification asks for: the ranges whose pages, or whose words, tell what memory is.

Here is decided what is worth reading and what may be read without an effect on the target; the reading itself is a
source's matter.
"""

from collections.abc import Iterable

from procmem.classify.rules.thread_stacks import SMALL_BYTES
from procmem.model.permissions import permissions
from procmem.model.proc_keys import SmapsKey
from procmem.model.snapshot import Snapshot
from procmem.model.vm_flags import MemoryFlag
from procmem.model.vma_names import Backing, KernelName

__all__ = ["REGION_KEYS", "anonymous_ranges", "peekable_ranges", "touched_ranges"]

REGION_KEYS = frozenset(
    {
        SmapsKey.RSS,
        SmapsKey.PSS,
        SmapsKey.PRIVATE_CLEAN,
        SmapsKey.PRIVATE_DIRTY,
        SmapsKey.SWAP,
        SmapsKey.SWAP_PSS,
        SmapsKey.SHARED_HUGETLB,
        SmapsKey.PRIVATE_HUGETLB,
        SmapsKey.ANONYMOUS,
        SmapsKey.KERNEL_PAGE_SIZE,
    }
)
"""The counters of smaps that totals and classification need; the others are read only where they are shown."""

_RANGES_MAX = 4096
_READING_ACTS = frozenset({MemoryFlag.IO, MemoryFlag.PFNMAP, MemoryFlag.UFFD_MISSING, MemoryFlag.UFFD_WP})
"""Where a read may touch registers of a device, or wait for a handler of faults."""


def peekable_ranges(shot: Snapshot) -> tuple[tuple[int, int], ...]:
    """Private memory in which reading has no effects: no devices, no userfaultfd, no secret memory."""
    table = shot.mappings
    assert table is not None

    def is_peekable(row: int) -> bool:
        perms, flags, name = table.perms[row], table.flags[row], table.named(row)
        if not permissions(perms).private:
            return False
        if permissions(perms).read_only:
            return table.inode[row] != 0
        return (
            permissions(perms).read_write
            and name.backing is not Backing.DEVICE
            and name.named not in (KernelName.SECRETMEM, KernelName.POSIX, KernelName.PRIVATE_ZERO)
            and not (flags is not None and _READING_ACTS & set(flags.split()))
        )

    return tuple(sorted({(table.start[row], table.end[row]) for row in table.rows_where(is_peekable)}))


def touched_ranges(shot: Snapshot) -> tuple[tuple[int, int], ...]:
    """Writable anonymous mappings: pagemap tells which of their pages were ever used, and which are guards.

    Only those with something in them are asked about that may be stacks, arenas or large blocks; what is small has
    nothing to tell.
    """
    table = shot.mappings
    assert table is not None
    nothing: list[int | None] = [None] * len(table)
    rss, swap = table.column(SmapsKey.RSS) or nothing, table.column(SmapsKey.SWAP) or nothing
    marked, guarded = table.flags_with(MemoryFlag.NOHUGEPAGE), table.flags_with(MemoryFlag.MAYBE_GUARD)
    rows = zip(table.start, table.end, table.perms, table.inode, table.flags, rss, swap, strict=True)
    ranges = [
        (start, end)
        for start, end, perms, inode, flags, resident, swapped in rows
        if (end - start >= SMALL_BYTES or flags in marked)
        and (resident or swapped or flags in guarded)
        and permissions(perms).read_write
        and not inode
    ]
    return tuple(sorted(ranges)[:_RANGES_MAX])


def anonymous_ranges(shot: Snapshot) -> Iterable[tuple[int, int]]:
    """Mappings without a file that hold, or once held, something: what a recording keeps of pagemap."""
    table = shot.mappings
    assert table is not None
    gates = set(table.gates())
    for row, (start, end, inode, perms) in enumerate(
        zip(table.start, table.end, table.inode, table.perms, strict=True)
    ):
        if not inode and not permissions(perms).inaccessible and row not in gates:
            yield start, end
