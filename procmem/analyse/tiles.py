"""What the bands of a picture are made of: regions and holes, neighbours taken together where there are too many.

Here belongs which ranges one piece of the picture stands for. Which bands there are is told by ``analyse.picture``, and
how large a piece is drawn by ``render.picture_layout``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from procmem.model import kinds
from procmem.model.kinds import ByteClass
from procmem.model.region import Label, Regions
from procmem.model.reports.inspection import Band, Tile

__all__ = ["TILES_MAX", "tiles_of"]

TILES_MAX = 160
"""Pieces with regions: more of them would be thinner than a line."""
_NEAR = 1 << 20
"""Ranges of one sort with no wider hole between them are told as one."""
_SMALL = 64 << 10
_FAR = 1 << 58


class _Piece:
    """Neighbouring regions of one band: the bytes of each class, and of the largest region (``most``)."""

    __slots__ = ("band", "count", "end", "label", "most", "of_class", "region", "rss", "start", "virt")

    def __init__(self, start: int, end: int, band: int, label: Label, region: int, rss: int | None) -> None:
        self.start, self.end, self.band = start, end, band
        self.label, self.region, self.count = label, region, 1
        self.virt = self.most = end - start
        self.rss = rss
        self.of_class = {label.cls: self.virt}

    def add(self, other: _Piece) -> None:
        """Take in the piece that follows."""
        self.end = max(self.end, other.end)
        self.count += other.count
        self.virt += other.virt
        self.rss = None if self.rss is None or other.rss is None else self.rss + other.rss
        if other.most > self.most:
            self.most, self.label, self.region = other.most, other.label, other.region
        for cls, size in other.of_class.items():
            self.of_class[cls] = self.of_class.get(cls, 0) + size

    @property
    def cls(self) -> ByteClass:
        """The class with most of the bytes."""
        return max(self.of_class, key=self.of_class.__getitem__)


def tiles_of(regions: Regions, bands: Sequence[Band]) -> tuple[Tile, ...]:
    """The pieces from the highest address to the lowest: each address below the end of the highest band is in one.

    At most ``TILES_MAX`` of them, and one for each band, hold regions; there is at most one hole between two of them.
    """
    pieces = _joined(_pieces(regions, bands))
    found: list[Tile] = []
    at = 0
    for number in reversed(range(len(bands))):
        band = bands[number]
        own = [piece for piece in pieces if piece.band == number]
        if not own:
            found.append(Tile(band.start, band.end, number, None, None, None, 0, 0, None))
        at = band.start
        for piece in own:
            if piece.start > at:
                found.append(Tile(at, piece.start, number, None, None, None, 0, 0, None))
            found.append(
                Tile(
                    piece.start,
                    piece.end,
                    number,
                    piece.cls,
                    piece.label,
                    piece.region,
                    piece.count,
                    piece.virt,
                    piece.rss,
                )
            )
            at = max(at, piece.end)
    return tuple(reversed(found))


def _pieces(regions: Regions, bands: Sequence[Band]) -> list[_Piece]:
    """Each region by itself, from the lowest to the highest; without those that lie in no band of user space."""
    rising = list(reversed(bands))
    starts = [band.start for band in rising]
    order = sorted(range(len(regions)), key=regions.start.__getitem__)
    pieces = []
    for index in order:
        label, start = regions.label[index], regions.start[index]
        number = len(bands) - bisect_right(starts, start)
        if label.kind is not kinds.VSYSCALL and bands[number].virt:
            pieces.append(_Piece(start, regions.end[index], number, label, index, regions.rss[index]))
    return pieces


def _joined(pieces: list[_Piece]) -> list[_Piece]:
    """At most as many as are drawn: first what is of one sort, then what is small, whatever it is."""
    for fits in _ways():
        if len(pieces) <= TILES_MAX:
            break
        pieces = _merged(pieces, fits)
    return pieces


def _ways() -> Iterator[Callable[[_Piece, _Piece], bool]]:
    """What may be taken together, from what is most alike to anything."""
    yield (
        lambda one, two: (
            _gap(one, two) < _NEAR
            and (one.label.kind, one.label.owner)
            == (
                two.label.kind,
                two.label.owner,
            )
        )
    )
    yield lambda one, two: _gap(one, two) < _NEAR and one.label.kind is two.label.kind
    yield lambda one, two: _gap(one, two) < _NEAR and one.cls is two.cls
    limit = _SMALL
    while limit < _FAR:
        yield _smaller_than(limit)
        limit *= 4


def _smaller_than(limit: int) -> Callable[[_Piece, _Piece], bool]:
    return lambda one, two: _gap(one, two) < limit and one.virt < limit and two.virt < limit


def _gap(one: _Piece, two: _Piece) -> int:
    return two.start - one.end


def _merged(pieces: Sequence[_Piece], fits: Callable[[_Piece, _Piece], bool]) -> list[_Piece]:
    merged: list[_Piece] = []
    for piece in pieces:
        if merged and merged[-1].band == piece.band and fits(merged[-1], piece):
            merged[-1].add(piece)
        else:
            merged.append(piece)
    return merged
