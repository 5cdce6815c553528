"""The regions of ``procmem inspect --json`` as text, column by column: a process may have sixty thousand.

What a region says stands in :mod:`procmem.render.json.inspect`; here the regions that are a whole mapping are written
out, which most are. The text is what the encoder writes of the same values.
"""

from __future__ import annotations

import json

from procmem.render.repeated import RepeatedCells, Texts, picked, places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from procmem.model.region import Label, Regions

__all__ = ["region_texts"]

_REGIONS_TOGETHER = 1024
"""Regions whose texts are kept at a time."""
_Fields = dict[str, "Any"]


def region_texts(
    regions: Regions,
    listed: Sequence[int],
    *,
    entry: Callable[[int], _Fields],
    label: Callable[[Label], _Fields],
    sort: Callable[[int], tuple[_Fields, _Fields, _Fields]],
) -> Iterator[list[str]]:
    """The text of each region, some at a time.

    ``entry`` gives all fields of a region, ``label`` those that a label decides; ``sort`` those that all mappings of a
    sort have, by the row of one: the ones before the offset, those behind it, and those before the counters.
    """
    texts = _WholeTexts(regions, label, sort)
    encode = json.JSONEncoder(default=list).encode
    parts = _parts(regions)
    for at in range(0, len(listed), _REGIONS_TOGETHER):
        indexes = places(listed[at : at + _REGIONS_TOGETHER])
        found = list(texts.of(indexes))
        if not parts.isdisjoint(indexes):
            found = [
                encode(entry(index)) if index in parts else text for index, text in zip(indexes, found, strict=True)
            ]
        yield found


def _parts(regions: Regions) -> frozenset[int]:
    """The regions that may be a part of a mapping."""
    table = regions.mappings
    if regions.shares or len(regions) == len(table):
        return frozenset(regions.shares)
    return frozenset(
        index
        for index, (row, start, end) in enumerate(zip(regions.vma, regions.start, regions.end, strict=True))
        if (start, end) != (table.start[row], table.end[row])
    )


class _WholeTexts:
    """Regions that are whole mappings."""

    def __init__(
        self,
        regions: Regions,
        label: Callable[[Label], _Fields],
        sort: Callable[[int], tuple[_Fields, _Fields, _Fields]],
    ) -> None:
        table = regions.mappings
        self._regions = regions
        self._labels = regions.for_each_label(lambda one: f", {_fields(label(one))}, ")
        parts = [tuple(map(_fields, sort(row))) for row in table.one_of_each_sort()]
        self._perms = [f'{perms}, "offset": "0x' for perms, _, _ in parts]
        self._objects = [f'", {fields}, "size": ' for _, fields, _ in parts]
        self._flags = [f'{_WHOLE}{flags}, "smaps": ' for _, _, flags in parts]
        self._sizes = Texts(str)
        self._figures = RepeatedCells()
        for key, column in (("rss", regions.rss), ("pss", regions.pss), ("uss", regions.uss), ("swap", regions.swap)):
            self._figures.add(column, lambda value, key=key: f', "{key}": {_number(value)}')  # type: ignore[misc]
        self._counters = RepeatedCells()
        for number, (key, values) in enumerate(table.usage.items()):
            lead = f"{', ' if number else '{'}{json.dumps(key)}: "
            self._counters.add(values, lambda value, lead=lead: f"{lead}{_number(value)}")  # type: ignore[misc]
        self._has_counters = bool(table.usage)

    def of(self, indexes: Sequence[int]) -> Iterator[str]:
        """The texts of some, whose indexes :func:`places` gave."""
        regions, table = self._regions, self._regions.mappings
        rows = places(list(picked(regions.vma, indexes)))
        sorts = list(picked(table.sort, rows))
        starts, ends = list(picked(regions.start, indexes)), list(picked(regions.end, indexes))
        start, end = list(map("0x%x".__mod__, starts)), list(map('%x"'.__mod__, ends))
        sizes = map(int.__sub__, ends, starts)
        counters = self._counters.rows_at(rows) if self._has_counters else iter(["{"] * len(rows))
        return map(
            _FORM.__mod__,
            zip(
                start,
                end,
                picked(self._labels, indexes),
                map(self._perms.__getitem__, sorts),
                map("%x".__mod__, picked(table.offset, rows)),
                map(self._objects.__getitem__, sorts),
                map(self._sizes.__getitem__, sizes),
                self._figures.rows_at(indexes),
                start,
                end,
                map(self._flags.__getitem__, sorts),
                counters,
                strict=True,
            ),
        )


_FORM = '{"start": "%s", "end": "0x%s%s%s%s%s%s%s, ' + '"about": [], "vma": ' + '{"start": "%s", "end": "0x%s%s%s}}'
_WHOLE = ', "whole": true}, '


def _fields(fields: _Fields) -> str:
    """The fields of an object as they stand in one with others."""
    return json.dumps(fields)[1:-1]


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)
