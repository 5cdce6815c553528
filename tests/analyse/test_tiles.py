"""What a picture is made of: every mapped byte in one piece, and never more pieces than can be drawn."""

from itertools import pairwise

from hypothesis import given

from procmem.analyse.picture import picture
from procmem.analyse.tiles import TILES_MAX, tiles_of
from procmem.model.reports.inspection import Band, Tile
from tests.support.made_processes import made, mappings, record
from tests.support.smaps_text import Record, smaps


def drawn(records: list[Record]) -> tuple[tuple[Band, ...], tuple[Tile, ...]]:
    """The bands and pieces of a process."""
    shot, regions = made({"smaps": smaps(records)})
    assert regions is not None
    bands = picture(shot, regions)
    return bands, tiles_of(regions, bands)


@given(mappings())
def test_pieces_adjoin(records: list[Record]) -> None:
    """High to low without a gap; each region is in one, and the pieces of a band add up to it."""
    bands, tiles = drawn(records)
    assert (tiles[0].end, tiles[-1].start) == (bands[0].end, 0)
    assert all(above.start == below.end for above, below in pairwise(tiles))
    assert sum(tile.regions for tile in tiles) == len(records)
    for number, band in enumerate(bands):
        own = [tile for tile in tiles if tile.band == number]
        assert (own[0].end, own[-1].start) == (band.end, band.start)
        assert sum(tile.virt for tile in own) == band.virt
        if band.virt:
            assert sum(tile.rss or 0 for tile in own) == band.rss
    assert drawn(list(reversed(records)))[1] == tuple(
        tile._replace(largest=None if tile.largest is None else len(records) - 1 - tile.largest) for tile in tiles
    )


def test_holes_are_pieces_without_a_class() -> None:
    """Where nothing is mapped there is no label either."""
    low, high = 0x7F00_0000_0000, 0x7F00_0100_0000
    _, tiles = drawn([record(low, low + 0x1000, "r-xp", b"/a"), record(high, high + 0x1000, "rw-p", b"/b")])
    hole = next(tile for tile in tiles if tile.start == low + 0x1000)
    assert (hole.end, hole.cls, hole.label, hole.largest, hole.virt) == (high, None, None, None, 0)


def test_of_many_regions_neighbours_are_one_piece() -> None:
    """Whatever lies beside each other: the largest gives its name, the class with most bytes its colour."""
    records = [
        record(
            at * 0x10_0000, at * 0x10_0000 + 0x1000 * (1 + at % 7), "r-xp" if at % 2 else "rw-p", b"/f%d" % at, Rss=4
        )
        for at in range(0x700, 0x700 + 3000)
    ]
    _, tiles = drawn(records)
    mapped = [tile for tile in tiles if tile.regions]
    assert 10 < len(mapped) <= TILES_MAX
    assert sum(tile.regions for tile in mapped) == 3000
    assert sum(tile.rss or 0 for tile in mapped) == 3000 * 4096
    for tile in mapped:
        assert tile.largest is not None
        assert tile.start <= records[tile.largest].start < tile.end
