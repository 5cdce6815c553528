"""The regions of a process as columns, for the script of a page: a list for each figure, repeated text in one table.

Twenty thousand regions take a tenth of what they would as objects. An address is text: it may have more bits than a
number of JavaScript keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import sub

from procmem.model.named_tuple import NamedTuple
from procmem.model.region import Regions
from procmem.model.reports.explanation import Explanation
from procmem.render.escaping import printable, printable_text
from procmem.render.pmap_format import pmap_mode
from procmem.text.block_texts import BlockTexts
from procmem.text.explanation import block_sentences
from procmem.text.kinds import joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["LARGEST_MAX", "RegionRow", "largest_regions", "region_columns"]

LARGEST_MAX = 200
"""Regions that stand in the page itself, for readers without scripts."""


class _TextTable:
    """Text that is kept once, however often it occurs."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """Where the text stands in the table, made printable."""
        return self._numbers.setdefault(printable_text(text), len(self._numbers))

    @property
    def texts(self) -> list[str]:
        """All of them, in order."""
        return list(self._numbers)


class RegionRow(NamedTuple):
    """One region, by its index, as a row for people; ``told`` is the sentence of the block that it belongs to."""

    region: int
    start: int
    end: int
    rss: int | None
    pss: int | None
    swap: int | None
    mode: str
    cls: str
    kind: str
    name: str
    told: str


def region_columns(told: Explanation) -> dict[str, Any] | None:
    """All regions; None where none are known."""
    regions = told.inspection.regions
    if regions is None:
        return None
    texts = _TextTable()
    table = regions.mappings
    block_of = [0] * len(regions)
    for number, block in enumerate(told.blocks):
        for index in block.regions:
            block_of[index] = number
    names = _names(regions)
    return {
        "start": [f"{address:x}" for address in regions.start],
        "size": list(map(sub, regions.end, regions.start)),
        "rss": list(regions.rss),
        "pss": list(regions.pss),
        "uss": list(regions.uss),
        "swap": list(regions.swap),
        "mode": [texts.number(pmap_mode(table.perms[row])) for row in regions.vma],
        "class": regions.for_each_label(lambda label: texts.number(label.cls.value)),
        "kind": regions.for_each_label(lambda label: texts.number(str(label.kind))),
        "owner": regions.for_each_label(lambda label: texts.number(printable(label.owner_name))),
        "name": [texts.number(name) for name in names],
        "block": block_of,
        "told": [texts.number(sentence) for sentence in _sentences(told, regions)],
        "texts": texts.texts,
    }


def _names(regions: Regions) -> list[str]:
    """What each region is called: by its mapping, else by its owner."""
    table = regions.mappings
    names = [table.name[row] or label.owner_name for row, label in zip(regions.vma, regions.label, strict=True)]
    shown = {name: printable(name) for name in set(names)}
    return list(map(shown.__getitem__, names))


def _sentences(told: Explanation, regions: Regions) -> list[str]:
    return list(BlockTexts(regions).joined(told.blocks))


def largest_regions(told: Explanation) -> list[RegionRow]:
    """Those with most in memory; where that is not known, those with most address space."""
    regions = told.inspection.regions
    if regions is None:
        return []

    def size(index: int) -> tuple[int, int]:
        return regions.rss[index] or 0, regions.end[index] - regions.start[index]

    chosen: Sequence[int] = sorted(range(len(regions)), key=size, reverse=True)[:LARGEST_MAX]
    kept = frozenset(chosen)
    sentences = {
        index: joined(*block_sentences(block, regions))
        for block in told.blocks
        for index in block.regions
        if index in kept
    }
    table = regions.mappings
    rows = []
    for index in chosen:
        region = regions[index]
        name = printable(table.name[region.vma] or region.label.owner_name)
        mode = pmap_mode(table.perms[region.vma])
        rows.append(
            RegionRow(
                index,
                region.start,
                region.end,
                region.rss,
                region.pss,
                region.swap,
                mode,
                region.label.cls.value,
                str(region.label.kind),
                name,
                sentences.get(index, ""),
            )
        )
    return rows
