"""Which further evidence classification asks for: the ranges whose pages, or whose words, tell what memory is.

Here is decided what is worth reading and what may be read without an effect on the target; the reading itself is a
source's matter.
"""

from __future__ import annotations

from bisect import bisect_right

from procmem.classify.rules.malloc_arenas import heap_sizes
from procmem.classify.rules.thread_stacks import SMALL_BYTES
from procmem.classify.runtimes.detect import runtimes_of
from procmem.classify.runtimes.table import RUNTIME_SYMBOLS, RUNTIME_WORDS
from procmem.model.mapping import Mappings
from procmem.model.permissions import permissions
from procmem.model.proc_keys import SmapsKey
from procmem.model.raw import PageRun, PageRuns, PageState
from procmem.model.region import ElfObject
from procmem.model.snapshot import Snapshot
from procmem.model.vm_flags import MemoryFlag
from procmem.model.vma_names import Backing, KernelName

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

__all__ = [
    "REGION_KEYS",
    "anonymous_ranges",
    "answering_runs",
    "empty_ranges",
    "peekable_ranges",
    "symbols_to_look_for",
    "touched_ranges",
    "words_to_look_for",
]

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

_WORTH_ASKING = 1 << 18
_RANGES_MAX = 65_536
"""So many mappings a process may have by default; of the others pagemap is not asked, and nothing is said."""
_BLOCK_BYTES = 1 << 20
"""The smallest arena of malloc (HEAP_MAX_SIZE on 32 bit)."""
_LOW_END = 1 << 32
_WIDE_BYTES = 64 << 30
"""In so wide a mapping are so many places where arenas may begin that to ask about all of it is less."""
_READING_ACTS = frozenset({MemoryFlag.IO, MemoryFlag.PFNMAP, MemoryFlag.UFFD_MISSING, MemoryFlag.UFFD_WP})
"""Where a read may touch registers of a device, or wait for a handler of faults."""


def symbols_to_look_for(shot: Snapshot) -> frozenset[str]:
    """Symbols of runtimes and allocators to be looked for in the mapped objects.

    None for a process without anonymous memory worth asking about: most small processes have only the C library's.
    """
    table = shot.mappings
    assert table is not None
    rows = table.rows_where(
        lambda row: not table.name[row] and permissions(table.perms[row]).writable, without_inode=True
    )
    largest = max(map(table.sizes.__getitem__, rows), default=0)
    return RUNTIME_SYMBOLS if largest >= _WORTH_ASKING else frozenset()


def words_to_look_for(shot: Snapshot, objects: Sequence[ElfObject]) -> frozenset[bytes]:
    """Messages of allocators to be looked for in the objects' constants.

    None unless there is memory that was mapped with MAP_NORESERVE and nobody is known who maps so: allocators do that,
    and the C library's malloc does not.
    """
    table = shot.mappings
    assert table is not None
    resident = table.column(SmapsKey.RSS)
    if resident is None:
        return frozenset()
    marked = table.rows_where(
        lambda row: (
            table.has_flag(row, MemoryFlag.NORESERVE)
            and not table.name[row]
            and permissions(table.perms[row]).read_write
            and permissions(table.perms[row]).private
        ),
        without_inode=True,
    )
    largest = max((resident[row] or 0 for row in marked), default=0)
    if largest < _BLOCK_BYTES or runtimes_of(objects, table).map_noreserve:
        return frozenset()
    return RUNTIME_WORDS


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


def answering_runs(shot: Snapshot, runs: Iterable[PageRun], local: Container[str]) -> PageRuns:
    """The runs without pages of files that lie elsewhere than on ``local`` devices.

    Such a page may be gone again when it is read, and is then asked for where perhaps nobody answers. Pages of private
    mappings that were written are no pages of files any more.
    """
    table = shot.mappings
    assert table is not None
    order = sorted(range(len(table)), key=table.start.__getitem__)
    starts = [table.start[row] for row in order]

    def answers(run: PageRun) -> bool:
        if not run.state & PageState.FILE:
            return True
        row = order[max(bisect_right(starts, run.start) - 1, 0)]
        return not table.inode[row] or table.device[row] in local

    return PageRuns.of(filter(answers, runs))


def touched_ranges(shot: Snapshot, *, whole: bool = False) -> tuple[tuple[int, int], ...]:
    """Writable anonymous memory: pagemap tells which of its pages were ever used, and which are guards.

    Only mappings with something in them are asked about that may be stacks, arenas or large blocks; what is small has
    nothing to tell. Of most the rules look at single pages: the first one, where a block or an arena has its header,
    and the last one of a stack. ``whole`` asks about all pages of them.
    """
    table = shot.mappings
    assert table is not None
    nothing: list[int | None] = [None] * len(table)
    rss, swap = table.column(SmapsKey.RSS) or nothing, table.column(SmapsKey.SWAP) or nothing
    marked, guarded = table.flags_with(MemoryFlag.NOHUGEPAGE), table.flags_with(MemoryFlag.MAYBE_GUARD)
    above = set(
        map(
            table.end.__getitem__,
            table.rows_where(lambda row: permissions(table.perms[row]).inaccessible, "inaccessible"),
        )
    )
    blocks = _ends_of_blocks(table)
    (heap_size,) = heap_sizes(shot.bits)
    page = shot.page_size
    ranges: list[tuple[int, int]] = []
    for rows in table.rows_of_sorts():
        of = rows[0]
        if table.inode[of] or not permissions(table.perms[of]).read_write:
            continue
        is_marked, is_guarded = table.flags[of] in marked, table.flags[of] in guarded
        for row in rows:
            if not (rss[row] or swap[row] or is_guarded):
                continue
            start, end = table.start[row], table.end[row]
            if end - start < SMALL_BYTES and not is_marked and end not in blocks:
                continue
            if whole or is_guarded or end <= _LOW_END or end - start > _WIDE_BYTES:
                ranges.append((start, end))
                continue
            ranges.append((start, start + page))
            first = start - start % heap_size + heap_size
            if first < end:
                ranges += [(at, at + page) for at in range(first, end, heap_size)]
            if is_marked or start in above:
                ranges.append((end - page, end))
    return tuple(sorted(set(ranges))[:_RANGES_MAX])


def empty_ranges(shot: Snapshot) -> tuple[tuple[int, int], ...]:
    """Writable anonymous mappings, not small, of which smaps says that nothing is in memory or in swap: never used."""
    table = shot.mappings
    assert table is not None
    resident, swapped = table.column(SmapsKey.RSS), table.column(SmapsKey.SWAP)
    if resident is None or swapped is None:
        return ()
    writable = table.rows_where(lambda row: permissions(table.perms[row]).writable, without_inode=True)
    return tuple(
        sorted(
            (table.start[row], table.end[row])
            for row in writable
            if resident[row] == 0 == swapped[row] and table.sizes[row] >= SMALL_BYTES
        )
    )


def _ends_of_blocks(table: Mappings) -> frozenset[int]:
    """Where inaccessible memory begins that ends as a block of malloc's does: before it an arena may have begun."""
    rows = table.rows_where(lambda row: permissions(table.perms[row]).inaccessible, "inaccessible", without_inode=True)
    return frozenset(table.start[row] for row in rows if table.end[row] % _BLOCK_BYTES == 0)


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
