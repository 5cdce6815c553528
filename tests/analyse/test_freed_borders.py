"""How a process holds an object, and what swap is its own: each rule on both sides of its border."""

import random
from collections.abc import Sequence

import pytest

from procmem.analyse import freed
from procmem.analyse.freed import (
    _depth,
    _HeldColumns,
    _object_swap,
    _overlapping,
    _own_swap,
    _part,
    freed_by_anonymous,
    freed_by_object,
    freed_of,
    objects_of,
    use_of,
)
from procmem.model.mapping import Mappings
from procmem.model.object_use import ObjectUse
from procmem.parse.smaps import parse_smaps
from tests.support.made_processes import record
from tests.support.smaps_text import Record, smaps

KIB, PAGE = 1024, 4096


_Row = tuple[int, int, int, int, int]


def row(first: int, last: int, rss: int = 0, pss: int = 0, private: int = 0) -> _Row:
    """What one mapping holds, in pages; its share in kB."""
    return first * PAGE, last * PAGE, rss * PAGE, pss * KIB, private * PAGE


def held(rows: Sequence[_Row]) -> _HeldColumns:
    """The rows as columns."""
    return _HeldColumns(*zip(*rows, strict=True)) if rows else _HeldColumns((), (), (), (), ())


@pytest.mark.parametrize(
    ("rows", "groups"),
    [
        ([(0, 4), (4, 8)], [[(0, 4)], [(4, 8)]]),
        ([(0, 5), (4, 8)], [[(0, 5), (4, 8)]]),
        ([(4, 8), (0, 5)], [[(0, 5), (4, 8)]]),
        ([(0, 9), (1, 2), (3, 4)], [[(0, 9), (1, 2), (3, 4)]]),
        ([(0, 2), (1, 3), (3, 4), (3, 5)], [[(0, 2), (1, 3)], [(3, 4), (3, 5)]]),
        ([], []),
    ],
)
def test_mappings_that_have_a_part_in_common(rows: list[tuple[int, int]], groups: list[list[tuple[int, int]]]) -> None:
    """One of them may reach over several that follow."""
    found = _overlapping(held([row(*one) for one in rows]))
    pairs = [list(zip(group.first, group.last, strict=True)) for group in found]
    assert pairs == [[(first * PAGE, last * PAGE) for first, last in group] for group in groups]


@pytest.mark.parametrize(
    ("rows", "most"),
    [
        ([(0, 4)], 1),
        ([(0, 4), (4, 8)], 1),
        ([(0, 5), (4, 8)], 2),
        ([(0, 9), (1, 3), (2, 4)], 3),
        ([(0, 9), (1, 2), (3, 4)], 2),
    ],
)  # fmt: skip
def test_how_many_hold_one_place(rows: list[tuple[int, int]], most: int) -> None:
    """At most; where one ends another may begin."""
    assert _depth(*zip(*rows, strict=True)) == most


def use(times: int, counted: int, once: int, *, alone: bool, shared: int, shared_once: int) -> ObjectUse:
    """In pages."""
    return ObjectUse(times, counted * PAGE, once * PAGE, alone, shared * PAGE, shared_once * PAGE)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        # once: what it has, shared or not
        ([row(0, 4, 3, 12, 3)], use(1, 3, 3, alone=True, shared=0, shared_once=0)),
        ([row(0, 4, 3, 6, 0)], use(1, 3, 3, alone=False, shared=3, shared_once=3)),
        # twice the same: each share is a half, cut to whole kB
        ([row(0, 4, 2, 4)] * 2, use(2, 4, 2, alone=True, shared=4, shared_once=2)),
        ([row(0, 4, 2, 3)] * 2, use(2, 4, 4, alone=False, shared=4, shared_once=4)),
        ([row(0, 4, 2, 2)] * 2, use(2, 4, 4, alone=False, shared=4, shared_once=4)),
        # all that fits into the object, where others map it
        ([row(0, 2, 2, 1)] * 2, use(2, 4, 2, alone=False, shared=4, shared_once=2)),
        # one has more than the other: between the larger one's and both
        ([row(0, 8, 3, 8), row(0, 8, 2, 8)], use(2, 5, 4, alone=True, shared=5, shared_once=4)),
        ([row(0, 8, 3, 7), row(0, 8, 2, 6)], use(2, 5, 4, alone=True, shared=5, shared_once=4)),
        ([row(0, 8, 3, 6), row(0, 8, 2, 6)], use(2, 5, 3, alone=True, shared=5, shared_once=3)),
        # private in both: each page is in one view
        ([row(0, 8, 2, 8, 2)] * 2, use(2, 4, 4, alone=True, shared=0, shared_once=0)),
        # side by side with a page in common: no views of one object
        ([row(0, 5, 5, 10), row(4, 8, 4, 8)], use(2, 9, 8, alone=False, shared=9, shared_once=8)),
        # half of it twice is enough to be views
        ([row(0, 4, 4, 8), row(2, 6, 4, 16)], use(2, 8, 6, alone=False, shared=8, shared_once=6)),
        ([row(0, 4, 4, 12), row(0, 2, 2, 4)], use(2, 6, 4, alone=True, shared=6, shared_once=4)),
        ([row(0, 5, 4, 12), row(0, 2, 2, 4)], use(2, 6, 5, alone=False, shared=6, shared_once=5)),
    ],
)  # fmt: skip
def test_a_part_of_an_object(rows: list[_Row], found: ObjectUse) -> None:
    """What RES counts of it, and what is there when each page is counted once."""
    assert _part(held(rows)) == found


def table(*records: Record) -> Mappings:
    """Mappings with these counters."""
    return parse_smaps(smaps(records))


@pytest.mark.parametrize("lacking", ["Rss", "Pss", "Private_Dirty", "Private_Clean", "Anonymous"])
def test_a_counter_that_is_missing_leaves_it_unknown(lacking: str) -> None:
    """In the whole text, or in one mapping of several."""
    name = b"/memfd:x (deleted)"
    records = [record(at << 16, (at + 1) << 16, "rw-s", name, Rss=8, Pss=6) for at in (1, 2)]
    text = smaps(records)
    key, other = b"\n%s:" % lacking.encode(), b"\nX%s:" % lacking.encode()
    assert use_of(parse_smaps(text), [0, 1]) is not None
    for broken in (text.replace(key, other), other.join(text.rsplit(key, 1))):
        found = parse_smaps(broken)
        (rows,) = objects_of(found).values()
        assert use_of(found, rows) is None
        assert freed_by_object(found, rows) is None
        assert freed_by_anonymous(found, [1]) is None
        assert freed_of(found) is None


_IN_MEMFD = ("rw-p", b"/memfd:x (deleted)")
"""Permissions and name of a private mapping of shared memory."""


@pytest.mark.parametrize(
    ("swap", "share", "own"),
    [(8, 8, 8), (8, 7, 6), (8, 4, 0), (8, 3, 0), (8, 6, 4), (0, 0, 0), (8, 9, 8)],
)
def test_swap_that_is_its_own(swap: int, share: int, own: int) -> None:
    """What several hold counts for a half at most; a share that lacks less than a kB lacks nothing."""
    anonymous = record(0x10000, 0x20000, Swap=swap, SwapPss=share)
    of_object = record(0x10000, 0x20000, *_IN_MEMFD, Swap=swap, SwapPss=share)
    assert _own_swap(table(anonymous), [0]) == own * KIB
    assert _own_swap(table(of_object), [0]) == min(swap, share) * KIB


def test_swap_without_shares() -> None:
    """Before Linux 4.3: all of it; of shared memory nothing can be told apart. Without counters there is none."""
    records = [record(0x10000, 0x20000, Swap=8), record(0x30000, 0x40000, *_IN_MEMFD, Swap=8)]
    text = smaps(records).replace(b"SwapPss:", b"SwapPsx:")
    assert [_own_swap(parse_smaps(text), [row]) for row in (0, 1)] == [8 * KIB, 0]
    none = parse_smaps(text.replace(b"\nSwap:", b"\nSwax:"))
    assert (_own_swap(none, [0, 1]), _object_swap(none, [0])) == (0, 0)


def mapped(start: int, offset: int, pages: int, perms: str = "rw-s", swap: int = 4) -> Record:
    """A part of an object."""
    one = record(start, start + pages * PAGE, perms, b"/memfd:x (deleted)", Swap=swap)
    return one._replace(offset=offset * PAGE)


@pytest.mark.parametrize(
    ("records", "pages"),
    [
        ((mapped(0x10000, 0, 2),), 1),
        ((mapped(0x10000, 0, 2), mapped(0x20000, 0, 2)), 1),
        ((mapped(0x10000, 0, 2), mapped(0x20000, 2, 2)), 2),
        ((mapped(0x10000, 0, 2), mapped(0x20000, 1, 2)), 1),
        ((mapped(0x10000, 2, 2, swap=8), mapped(0x20000, 0, 2)), 3),
        ((mapped(0x10000, 0, 2, "rw-p"), mapped(0x20000, 2, 2)), 1),
        ((mapped(0x10000, 0, 2, "rw-p"),), 0),
        ((mapped(0x10000, 0, 2), mapped(0x20000, 1, 1, "rw-p"), mapped(0x30000, 2, 1)), 2),
    ],
)
def test_swap_of_an_object(records: tuple[Record, ...], pages: int) -> None:
    """Each part once, by shared mappings, in the order of the object."""
    assert _object_swap(table(*records), list(range(len(records)))) == pages * PAGE


def test_memory_without_an_object() -> None:
    """Private pages, clean and dirty, and their swap."""
    found = table(record(0x10000, 0x20000, "rw-p", b""), record(0x30000, 0x40000, Rss=8, Pss=6, Private_Dirty=2,
                  Private_Clean=1, Anonymous=1, Swap=4, SwapPss=4))  # fmt: skip
    assert freed_by_anonymous(found, [0, 1]) == (2 + 1 + 4) * KIB
    assert freed_by_anonymous(found, []) == 0


@pytest.mark.parametrize(
    ("perms", "others", "freed"), [("rw-s", None, 8), ("rw-s", True, 2), ("rw-s", False, 8), ("rw-p", True, 2 + 3)]
)
def test_an_object_and_its_copies(perms: str, others: bool | None, freed: int) -> None:
    """Own copies go in any case, with their swap; the object goes with its last user."""
    one = record(0x10000, 0x20000, perms, b"/memfd:x (deleted)", Rss=8, Pss=8, Private_Dirty=8, Anonymous=2, Swap=9,
                 SwapPss=3)  # fmt: skip
    found = table(one)
    expected = freed * KIB + (9 * KIB if perms == "rw-s" and not others else 0)
    assert freed_by_object(found, [0], others=others) == expected


def test_one_mapping_alone_is_what_a_group_of_one_is() -> None:
    """The short way, which sixty thousand objects take, gives what the long one does."""
    dice = random.Random(1)
    for _ in range(2000):
        rss, private, pss = (dice.randrange(9) * 4096 for _ in range(3))
        one = held([(0, dice.randrange(1, 9) * 4096, rss, pss, private)])
        assert freed._single(one.rss[0], one.private[0]) == freed._part(one)
