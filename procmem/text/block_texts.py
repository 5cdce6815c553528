"""The sentences on many blocks of regions, each text made once by exactly what decides it.

Of many thousand regions most say the same of what they are, or of how much of them is in memory. What a single block is
told with stands in :mod:`procmem.text.explanation`, and both say the same.
"""

from __future__ import annotations

from functools import reduce
from itertools import compress, repeat
from operator import not_, or_, sub

from procmem.model.permissions import permissions
from procmem.model.region import Regions
from procmem.model.reports.explanation import BlockForm, ExplainedBlock
from procmem.text.explanation import block_sentences, given_name, in_memory, tells_less, use_sentence
from procmem.text.kinds import (
    SHARED_OUT,
    InMemory,
    begins_within_page,
    between_sentences,
    held_sentences,
    is_inaccessible,
    joined,
    kind_sentences,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["BlockTexts"]

_BLOCKS_TOGETHER = 1024
"""Blocks whose keys are kept at a time."""


class BlockTexts:
    """The sentences on blocks of some regions."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions
        self._between = between_sentences()
        self._classes = regions.for_each_label(lambda label: label.cls)
        self._about = {index for index, share in regions.shares.items() if SHARED_OUT in share.about}
        self._what: dict[object, str] = {}
        self._held: dict[object, str] = {}
        self._use: dict[object, str] = {}
        self._what_used: dict[object, str] = {}
        self._held_used: dict[object, str] = {}

    def joined(self, blocks: Sequence[ExplainedBlock]) -> Iterator[str]:
        """All sentences on each block, one after the other."""
        for at in range(0, len(blocks), _BLOCKS_TOGETHER):
            for what, held in self.in_parts(blocks[at : at + _BLOCKS_TOGETHER]):
                yield f"{what}{self._between}{held}" if held else what

    def in_parts(self, blocks: Sequence[ExplainedBlock]) -> list[tuple[str, str]]:
        """What each block is, and how much of it is in memory; all in the first part where it cannot be told apart."""
        used = list(map(self._is_used, blocks))
        of_used = iter(self._of_used(list(compress(blocks, used))))
        others = iter(self._of_others(list(compress(blocks, map(not_, used)))))
        return [next(of_used) if is_used else next(others) for is_used in used]

    def _is_used(self, block: ExplainedBlock) -> bool:
        """Whether nothing is told but what it is, and how its object is held."""
        if block.use is None or block.form is not BlockForm.ONE:
            return False
        index, regions = block.shown[0], self._regions
        return (
            index not in regions.hugetlb
            and tells_less(block.use, regions.rss[index], regions.swap[index])
            and not is_inaccessible(self._classes[index])
        )

    def _of_used(self, blocks: Sequence[ExplainedBlock]) -> Iterator[tuple[str, str]]:
        regions = self._regions
        shown = [block.shown[0] for block in blocks]
        uses = [block.use for block in blocks if block.use is not None]
        rss, sizes = list(map(regions.rss.__getitem__, shown)), self._sizes(shown)
        whats = _texts(
            self._what_used,
            list(map(id, map(regions.label.__getitem__, shown))),
            lambda at: joined(*kind_sentences(regions[shown[at]])),
        )
        helds = _texts(self._held_used, list(zip(sizes, rss, strict=True)), lambda at: in_memory(rss[at], sizes[at]))
        again = _texts(self._use, list(map(id, uses)), lambda at: use_sentence(uses[at]))
        return zip(whats, map(self._between.join, zip(helds, again, strict=True)), strict=True)

    def _of_others(self, blocks: Sequence[ExplainedBlock]) -> Iterator[tuple[str, str]]:
        shown = [block.shown[0] for block in blocks]
        for block, what, held in zip(blocks, self._what_of(shown), self._held_of(shown), strict=True):
            if held and block.use is None and block.form is BlockForm.ONE:
                yield what, held
            else:
                yield joined(*block_sentences(block, self._regions)), ""

    def _sizes(self, shown: Sequence[int]) -> list[int]:
        regions = self._regions
        return list(map(sub, map(regions.end.__getitem__, shown), map(regions.start.__getitem__, shown)))

    def _what_of(self, shown: Sequence[int]) -> list[str]:
        """What regions are, by label and by what their mappings say."""
        regions, table = self._regions, self._regions.mappings
        labels = map(id, map(regions.label.__getitem__, shown))
        keys = list(zip(labels, map(table.sort.__getitem__, map(regions.vma.__getitem__, shown)), strict=True))

        def told(at: int) -> str:
            region = regions[shown[at]]
            first, *more = kind_sentences(region, writable=permissions(table.perms[region.vma]).writable)
            return joined(first, *given_name(region, regions), *more)

        return _texts(self._what, keys, told)

    def _held_of(self, shown: Sequence[int]) -> list[str]:
        """How much of regions is in memory; empty where that changes what is said of what they are."""
        regions = self._regions
        starts = list(map(regions.start.__getitem__, shown))
        figures = (map(column.__getitem__, shown) for column in (regions.rss, regions.uss, regions.swap))
        about: Iterable[bool] = repeat(False, len(shown))
        if self._about:
            about = map(self._about.__contains__, shown)
        within: Iterable[bool] = repeat(False, len(shown))
        if begins_within_page(reduce(or_, starts, 0)):
            within = map(begins_within_page, starts)
        classes = map(self._classes.__getitem__, shown)
        huge: Iterable[int | None] = repeat(0, len(shown))
        if regions.hugetlb:
            huge = map(regions.hugetlb.get, shown, repeat(0))
        keys = list(zip(self._sizes(shown), *figures, classes, within, about, huge, strict=True))

        def told(at: int) -> str:
            held = InMemory(*keys[at])
            kept = is_inaccessible(held.cls) and ((held.rss or 0) + (held.swap or 0))
            return "" if kept else joined(*held_sentences(held))

        return _texts(self._held, keys, told)


def _texts(known: dict[object, str], keys: Sequence[object], told: Callable[[int], str]) -> list[str]:
    """The texts of keys; ``told`` makes one that is not known yet, by the place of its key."""
    try:
        return list(map(known.__getitem__, keys))
    except KeyError:
        for at, key in enumerate(keys):
            if key not in known:
                known[key] = told(at)
        return list(map(known.__getitem__, keys))
