"""Sharing out a mapping's figures among its ranges, so that the parts add up to the kernel's numbers.

smaps counts whole mappings. Where a mapping holds several ranges, pagemap says which pages are present or
swapped; the resident size of each range is then exact. What pagemap does not say (PSS, USS), or where it may
not be read, is shared out in proportion and marked as "about". A page that two ranges share belongs to the
one that holds its first byte.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from procmem.classify.partition import Partition
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.proc_keys import SmapsKey
from procmem.model.raw import PageRuns, PageState, Refusal
from procmem.model.region import Regions, Share

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["shared_by_rss", "shared_out"]

_KIB = 1024


def shared_out(mappings: Mappings, cut: Partition, runs: PageRuns | Refusal, page_size: int) -> dict[int, Share]:
    """The figures of every range that is a part of its mapping, by the index of the range."""
    if not cut.split or SmapsKey.RSS not in mappings.usage:
        return {}
    shares: dict[int, Share] = {}
    columns = [mappings.column(key) for key in _FIGURES]
    vma, known = cut.vma, not isinstance(runs, Refusal)
    for row in sorted(cut.split):
        first = bisect_left(vma, row)
        end = bisect_right(vma, row, lo=first)  # ranges are in the order of mappings
        rss, pss, swap, clean, dirty = [None if column is None else column[row] for column in columns]
        uss = None if clean is None or dirty is None else clean + dirty
        if rss == pss == uss == swap == 0:
            shares.update(dict.fromkeys(range(first, end), _NOTHING))
            continue
        ranges = zip(cut.start[first:end], cut.end[first:end], strict=True)
        pages = [_whole_pages(low, high, page_size) for low, high in ranges]
        parts = _shares_of(_OfMapping(rss, pss, uss, swap), pages, runs if known else None)  # type: ignore[arg-type]
        shares.update(zip(range(first, end), parts, strict=True))
    return shares


_FIGURES = (SmapsKey.RSS, SmapsKey.PSS, SmapsKey.SWAP, SmapsKey.PRIVATE_CLEAN, SmapsKey.PRIVATE_DIRTY)
_NOTHING = Share(0, 0, 0, 0, ())


class _OfMapping(NamedTuple):
    """The figures of a mapping, in bytes; None is unknown."""

    rss: int | None
    pss: int | None
    uss: int | None
    swap: int | None


def shared_by_rss(regions: Regions, key: str) -> tuple[list[int | None], frozenset[int]]:
    """A counter that is a part of ``Rss``, for every region, and the indexes of those that have a share of it only.

    A mapping's counter is shared out among its ranges by what each has in memory; where all or nothing of that counts,
    the shares are exact.
    """
    column = regions.mappings.column(key)
    if column is None:
        return [None] * len(regions), frozenset()
    values = list(map(column.__getitem__, regions.vma))
    about = set()
    at = 0
    while at < len(values):
        end = bisect_right(regions.vma, regions.vma[at], lo=at)
        if end - at > 1:
            parts, exact = _by_weight(values[at], [rss or 0 for rss in regions.rss[at:end]])
            values[at:end] = parts
            if not exact or any(regions.shares[index].about[:1] == ("rss",) for index in range(at, end)):
                about |= {index for index in range(at, end) if values[index]}
        at = end
    return values, frozenset(about)


def _by_weight(total: int | None, weights: Sequence[int]) -> tuple[list[int | None], bool]:
    """A total divided by weights that it is no more than; exact where it is nothing, all, or one part's alone."""
    if total == sum(weights):
        return list(weights), True
    return _divide(total, list(weights), weights)


def _shares_of(whole: _OfMapping, pages: Sequence[tuple[int, int]], runs: PageRuns | None) -> list[Share]:
    """The figures of the ranges of a mapping, of which ``pages`` are the whole pages."""
    rss, pss, uss, swap = whole
    sizes = [end - start for start, end in pages]
    present = swapped = None
    if runs is not None:
        if rss:  # nothing and all of it are the same wherever the pages are
            is_all = rss == sum(sizes)
            present = sizes if is_all else _bytes_in(runs, pages, PageState.PRESENT, without=PageState.ZERO)
        if swap:
            swapped = _bytes_in(runs, pages, PageState.SWAPPED, without=PageState.GUARD)
    rss_parts, rss_exact = _divide(rss, present, sizes)
    swap_parts, swap_exact = _divide(swap, swapped, sizes)
    # where all of a mapping is private, PSS and USS are RSS; else only the proportion is known
    pss_parts, pss_exact = (rss_parts, rss_exact) if pss == rss else _divide(pss, None, _weights(rss_parts, sizes))
    uss_parts, uss_exact = (rss_parts, rss_exact) if uss == rss else _divide(uss, None, _weights(rss_parts, sizes))
    about: tuple[str, ...] = ()
    if not (rss_exact and pss_exact and uss_exact and swap_exact):
        named = (("rss", rss_exact), ("pss", pss_exact), ("uss", uss_exact), ("swap", swap_exact))
        about = tuple([name for name, exact in named if not exact])
    return [Share(*parts, about) for parts in zip(rss_parts, pss_parts, uss_parts, swap_parts, strict=True)]


def _whole_pages(start: int, end: int, page_size: int) -> tuple[int, int]:
    """The pages whose first byte lies in a range."""
    return -(-start // page_size) * page_size, -(-end // page_size) * page_size


def _bytes_in(runs: PageRuns, ranges: Sequence[tuple[int, int]], state: int, *, without: int) -> list[int]:
    """Bytes of pages in a state, for each range."""
    starts, ends, states = runs.start, runs.end, runs.state
    sums = []
    for start, end in ranges:
        total = 0
        for at in range(runs.first_beyond(start), bisect_left(starts, end)):
            if states[at] & state and not states[at] & without:
                total += min(ends[at], end) - max(starts[at], start)
        sums.append(total)
    return sums


def _weights(parts: Sequence[int | None], sizes: Sequence[int]) -> list[int]:
    known = [part or 0 for part in parts]
    return known if any(known) else list(sizes)


def _divide(total: int | None, seen: list[int] | None, weights: Sequence[int]) -> tuple[list[int | None], bool]:
    """Divide a total: as seen where what was seen adds up to it, else in proportion to what was seen, or by weight.

    Parts are whole KiB, as the total is, and add up to it exactly.
    """
    if total is None:
        return [None] * len(weights), True
    if total == 0:
        return [0] * len(weights), True
    if seen is not None and sum(seen) == total:
        return list(seen), True
    basis = seen if seen is not None and any(seen) else list(weights)
    whole = sum(basis)
    if not whole:
        basis, whole = [1] * len(basis), len(basis)
    parts: list[int | None] = []
    given = running = 0
    for weight in basis:
        running += weight
        until = total * running // whole // _KIB * _KIB if running < whole else total
        parts.append(until - given)
        given = until
    return parts, sum(1 for weight in basis if weight) == 1 and seen is not None
